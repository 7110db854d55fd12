//! A text that is made to read otherwise at once, and what takes that back.
//!
//! Both are edits like any other. Taking back is a change beside all that came after the
//! first: it takes exactly that out again, whoever typed what since.

use std::rc::Rc;

use offing_core::id::{Hash, NodeId};
use offing_core::rpc::{CLIENT_TABS, Event, Fault, TextUpdate};
use offing_core::sync::machine;
use offing_core::text::{Actor, ChangeSet, LineEnds};
use offing_core::tree::NodeRow;

use super::{OpenText, Replica, Unsaved, fault_of};
use crate::host::Host;
use crate::replica::actions::Undo;

/// What takes a rewriting back.
#[derive(Debug)]
pub(in crate::replica) struct Rewritten {
    node: NodeId,
    base: Hash,
    /// The document's state after it.
    heads: Vec<Hash>,
    back: ChangeSet,
}

impl<H: Host> Replica<H> {
    /// Types a text so that it reads as `content`, in one edit; tells what takes it back.
    pub(in crate::replica) async fn rewrite(
        self: &Rc<Self>,
        row: &NodeRow,
        content: &str,
    ) -> Result<Undo, Fault> {
        let open = self.open_or_load(row).await?;
        self.load_increments(row.node).await?;
        let (text, _) = LineEnds::split(content);
        // Until the page is told nothing waits, so nothing can be typed in between.
        self.close_change(&open);
        let before = open.doc.borrow().text();
        let changes = ChangeSet::between(&before, &text);
        open.doc.borrow_mut().splice(&changes).map_err(|error| fault_of(&error))?;
        open.typed.set(true);
        self.close_change(&open);
        self.tell_rewritten(&open, &changes);
        let heads = open.doc.borrow_mut().heads();
        let (base, back) = (open.base.get(), ChangeSet::between(&text, &before));
        let undo = Undo::Text(Rewritten { node: row.node, base, heads, back });
        self.save_rewritten(&open).await?;
        Ok(undo)
    }

    /// Takes a rewriting back. A text that was given new content since is left alone.
    pub(in crate::replica) async fn write_back(
        self: &Rc<Self>,
        rewritten: &Rewritten,
    ) -> Result<(), Fault> {
        let Rewritten { node, base, heads, back } = rewritten;
        let row = self.row(*node).await?.ok_or(Fault::NodeUnknown)?;
        if row.base() != *base || back.is_empty() {
            return Ok(());
        }
        let open = self.open_or_load(&row).await?;
        self.load_increments(*node).await?;
        self.close_change(&open);
        // An actor of its own, since this tab's may have typed after the rewriting.
        let slot = u32::from_be_bytes(self.host.random()) | 0x8000_0000;
        let actor = Actor { device: self.device(), slot };
        let now_ms = self.host.now_ms();
        let change = open.doc.borrow_mut().change_beside(heads, back, actor, now_ms);
        let change = change.map_err(|error| fault_of(&error))?;
        let merged = open.doc.borrow_mut().merge(std::slice::from_ref(&change));
        let size = open.doc.borrow().content().len() as u64;
        let (base, slot, turn) = (*base, open.slot, open.turn.get());
        open.unsaved.borrow_mut().push(Unsaved { base, slot, turn, size, change });
        if let Some(changes) = merged.changes {
            self.tell_rewritten(&open, &changes);
        }
        self.save_rewritten(&open).await
    }

    fn tell_rewritten(self: &Rc<Self>, open: &OpenText, changes: &ChangeSet) {
        self.tell(machine::Event::Unsaved(true));
        let (node, version) = (open.node, open.version.get());
        open.version.set(version + 1);
        let changes = changes.to_json();
        let updates = vec![TextUpdate { client: CLIENT_TABS.to_owned(), changes }];
        self.emit(Event::TextUpdates { node, version, updates, from: Vec::new(), edits: 0 });
    }

    async fn save_rewritten(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        self.save(open).await?;
        // What is typed from here on stands on it, also for the journal.
        self.load_increments(open.node).await?;
        self.forget_unless_needed(open);
        Ok(())
    }
}
