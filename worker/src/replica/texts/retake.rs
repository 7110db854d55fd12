//! An open text goes on as another device's: its document is read anew, and what was typed
//! and not saved is typed again on it.

use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::rpc::{CLIENT_TABS, Event, Fault, TextUpdate};
use offing_core::text::{self, Actor, ChangeSet};

use super::{OpenText, Unsaved, fault_of};
use crate::host::Host;
use crate::replica::Replica;
use crate::replica::documents::Retype;

impl<H: Host> Replica<H> {
    /// The texts that are open in this tab.
    pub(in crate::replica) fn open_texts(&self) -> Vec<NodeId> {
        self.texts.borrow().open.keys().copied().collect()
    }

    /// Makes an open text this device's, should this profile have become another one.
    pub(super) async fn follow_device(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        if open.device.get() == self.device() {
            return Ok(());
        }
        let _saving = open.saving.lock().await;
        self.retake(open).await
    }

    /// The same, for whoever holds `saving`.
    pub(super) async fn retake(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        while open.device.get() != self.device() {
            let (node, base) = (open.node, open.base.get());
            let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
            let loaded = self.load_doc(&row, base, Retype::None).await?;
            // Between here and the end nothing waits, so nothing can be typed.
            if open.base.get() != base || loaded.device != self.device() {
                continue;
            }
            self.close_change(open);
            // Those of a document before this one are in the journal, and wait for a start.
            let unsaved = open.unsaved.take().into_iter().filter(|one| one.base == base);
            let mut unsaved: Vec<Unsaved> = unsaved.collect();
            let changes: Vec<Vec<u8>> = unsaved.iter().map(|one| one.change.clone()).collect();
            let actor = Actor { device: loaded.device, slot: loaded.slot };
            let shown = open.doc.borrow().text();
            let before = open.doc.borrow_mut().without(&changes, actor);
            let mut before = before.map_err(|error| fault_of(&error))?;
            let mut doc = loaded.doc;
            for one in &mut unsaved {
                let (was, now) = (before.text(), doc.text());
                if let Some(typed) = before.merge(std::slice::from_ref(&one.change)).changes {
                    let others = ChangeSet::between(&was, &now);
                    let typed = text::rebase(&was, &typed, &others);
                    if let Some(typed) = typed.map_err(|error| fault_of(&error))? {
                        doc.splice(&typed).map_err(|error| fault_of(&error))?;
                    }
                }
                one.change = doc.commit(self.host.now_ms()).unwrap_or_default();
            }
            unsaved.retain(|one| !one.change.is_empty());
            let after = doc.text();
            open.doc.replace(doc);
            open.through.set(loaded.through);
            open.device.set(loaded.device);
            let waits = !unsaved.is_empty();
            open.unsaved.replace(unsaved);
            if after != shown {
                let version = open.version.get();
                open.version.set(version + 1);
                let changes = ChangeSet::between(&shown, &after).to_json();
                let updates = vec![TextUpdate { client: CLIENT_TABS.to_owned(), changes }];
                let from = Vec::new();
                self.emit(Event::TextUpdates { node, version, updates, from, edits: 0 });
            }
            if waits {
                self.schedule_save(open);
            }
        }
        Ok(())
    }
}
