//! Open texts: the authority of the page's editor, over an Automerge document.
//!
//! The page sends updates with the version they are based on; those that fit are spliced
//! at once and saved in batches, one change of the log for a second of quiet or five of
//! typing. What arrives from other devices or tabs is merged and goes to the page as
//! updates of the same kind, so page and engine cannot disagree. Closed texts are not
//! loaded: their increments wait in the store. An open text whose file is given new content
//! goes on with that; what was typed into the old one is saved as an edit of the old one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::lock::Mutex;
use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::limits;
use offing_core::log::change::TextPart;
use offing_core::rpc::{
    CLIENT_OTHERS, CLIENT_TABS, Event, Fault, Kind, OpenedText, ReadOnly, TextUpdate,
};
use offing_core::sync::backoff::Backoff;
use offing_core::sync::machine;
use offing_core::text::{ChangeSet, TextDoc, TextError};
use offing_core::tree::{NodeRow, TextEdit};

use super::Replica;
use super::commit::Extra;
use super::documents::{Loaded, Retype};
use super::journal::{Desk, Retyped};
use crate::host::Host;

mod places;
mod retake;
mod rewrite;

pub(super) use rewrite::Rewritten;

/// The open texts of this tab.
#[derive(Default)]
pub(super) struct OpenTexts {
    open: BTreeMap<NodeId, Rc<OpenText>>,
    pub(super) slot: Option<u32>,
    /// The slots of killed tabs whose typing this tab saves.
    pub(super) taken_over: BTreeSet<u32>,
    /// One text is loaded at a time: two that are loaded at once, of which one is saved and
    /// closed meanwhile, would both write what comes next.
    opening: Rc<Mutex<()>>,
}

/// One open text.
struct OpenText {
    node: NodeId,
    /// Names the content that `doc` began with.
    base: Cell<Hash>,
    doc: RefCell<TextDoc>,
    /// Updates since it was opened, the page's and others'.
    version: Cell<u32>,
    /// The last increment of the store that is in `doc`.
    through: Cell<u64>,
    /// Changes that are not in the store, oldest first.
    unsaved: RefCell<Vec<Unsaved>>,
    /// Spliced since the last change was closed.
    typed: Cell<bool>,
    first_typed_ms: Cell<i64>,
    /// Counts what was typed, so that a timer knows whether it is still the last one.
    turn: Cell<u64>,
    /// What `turn` began with.
    first_turn: u64,
    slot: u32,
    /// A page shows it, and not only the start that saves what was left typed.
    shown: Cell<bool>,
    /// Whose changes `doc` makes.
    device: Cell<DeviceId>,
    saving: Mutex<()>,
    /// Saving failed, and is tried again and again.
    retrying: Cell<bool>,
    /// The new content that the page was told it cannot be shown.
    not_shown: Cell<Option<Hash>>,
}

/// A change that is not in the store.
#[derive(Clone)]
struct Unsaved {
    /// Names the content that its document began with.
    base: Hash,
    /// The slot that typed it.
    slot: u32,
    /// The last turn that is in it.
    turn: u64,
    /// Bytes of the text after it.
    size: u64,
    change: Vec<u8>,
}

impl OpenText {
    fn desk(&self, base: Hash) -> Desk {
        Desk { node: self.node, base, slot: self.slot }
    }

    fn is_saved(&self) -> bool {
        !self.typed.get() && self.unsaved.borrow().is_empty()
    }

    /// Which typing of killed tabs may be made again in another document of this file: not
    /// what this tab itself typed since.
    fn retype(&self) -> Retype {
        Retype::Before(self.first_turn)
    }

    /// The changes of one document that wait longest.
    fn first_unsaved(&self) -> Vec<Unsaved> {
        let unsaved = self.unsaved.borrow();
        let base = unsaved.first().map(|first| first.base);
        unsaved.iter().take_while(|one| Some(one.base) == base).cloned().collect()
    }

    /// Adds to a document what was typed into it here and is not in the store.
    fn add_unsaved(&self, doc: &mut TextDoc, base: Hash) {
        let unsaved = self.unsaved.borrow();
        let of_base = unsaved.iter().filter(|one| one.base == base);
        let changes: Vec<Vec<u8>> = of_base.map(|one| one.change.clone()).collect();
        doc.take(&changes);
    }
}

impl<H: Host> Replica<H> {
    /// Opens a text for editing.
    pub async fn open_text(self: &Rc<Self>, node: NodeId) -> Result<OpenedText, Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        if row.kind() != Kind::Text {
            return Err(Fault::NodeUnknown);
        }
        let mut path = self.path(node).await?;
        path.pop();
        let trashed = path.first().is_some_and(|crumb| crumb.node == NodeId::TRASH);
        let read_only = trashed.then_some(ReadOnly::Trashed);
        let open = self.open_or_load(&row).await?;
        open.shown.set(true);
        self.load_increments(node).await?;
        let text = open.doc.borrow().text();
        let name = row.shown_name();
        Ok(OpenedText { node, name, path, text, version: open.version.get(), read_only })
    }

    /// Takes the page's edits, all or none.
    pub fn push_text(
        self: &Rc<Self>,
        node: NodeId,
        version: u32,
        updates: &[TextUpdate],
    ) -> Result<u32, Fault> {
        let open = self.open_doc(node)?;
        if version != open.version.get() {
            return Ok(0);
        }
        let parsed = updates.iter().map(|update| ChangeSet::from_json(&update.changes));
        let parsed: Vec<ChangeSet> =
            parsed.collect::<Result<_, _>>().map_err(|_| Fault::Internal)?;
        open.doc.borrow_mut().splice_all(&parsed).map_err(|error| fault_of(&error))?;
        open.version.set(version + updates.len() as u32);
        if !open.typed.replace(true) {
            open.first_typed_ms.set(self.host.now_ms());
        }
        self.tell(machine::Event::Unsaved(true));
        self.schedule_save(&open);
        let desk = open.desk(open.base.get());
        self.journal(desk, open.turn.get(), open.through.get(), updates);
        Ok(updates.len() as u32)
    }

    /// Saves what killed tabs left typed.
    pub(super) async fn recover_texts(self: &Rc<Self>) -> Result<(), Fault> {
        for (node, base) in self.journaled().await? {
            let Some(row) = self.row(node).await? else { continue };
            // A text that cannot be opened now (its content is not here) keeps its rows, and
            // what cannot be saved now is tried again by itself.
            if base == row.base() {
                if let Ok(open) = self.open_or_load(&row).await {
                    self.save(&open).await.ok();
                    self.forget_unless_needed(&open);
                }
                continue;
            }
            let retype = self.open_doc(node).map_or(Retype::All, |open| open.retype());
            if let Ok(loaded) = self.load_doc(&row, base, retype).await {
                self.save(&self.opened(node, loaded)).await.ok();
            }
        }
        Ok(())
    }

    /// Saves what was typed.
    pub async fn flush_text(self: &Rc<Self>, node: NodeId) -> Result<(), Fault> {
        let open = self.open_doc(node)?;
        self.save(&open).await
    }

    /// Saves and closes a text.
    pub async fn close_text(self: &Rc<Self>, node: NodeId) -> Result<(), Fault> {
        let Ok(open) = self.open_doc(node) else {
            return Ok(());
        };
        self.part(node);
        self.save(&open).await?;
        open.shown.set(false);
        self.forget_unless_needed(&open);
        Ok(())
    }

    /// Lets go of a text that no page shows, unless something was typed while it was saved.
    fn forget_unless_needed(&self, open: &OpenText) {
        if open.is_saved() && !open.shown.get() {
            self.texts.borrow_mut().open.remove(&open.node);
        }
    }

    /// Saves everything that was typed: the page is about to go away.
    pub async fn flush_all(self: &Rc<Self>) -> Result<(), Fault> {
        let open: Vec<_> = self.texts.borrow().open.values().cloned().collect();
        for text in open {
            self.save(&text).await?;
        }
        Ok(())
    }

    /// The open texts with something in them that is not saved.
    pub(super) fn unsaved_texts(&self) -> BTreeSet<NodeId> {
        let texts = self.texts.borrow();
        texts.open.values().filter(|open| !open.is_saved()).map(|open| open.node).collect()
    }

    /// The content of a file's document as it is now, with the file's own line ends, if it
    /// was ever edited.
    pub(super) async fn edited_text(
        &self,
        row: &NodeRow,
        base: Hash,
    ) -> Result<Option<String>, Fault> {
        let open = self.open_doc(row.node).ok();
        if let Some(open) = &open
            && open.base.get() == base
        {
            return Ok(Some(open.doc.borrow().content()));
        }
        let unsaved = |open: &Rc<OpenText>| open.unsaved.borrow().iter().any(|u| u.base == base);
        let open = open.filter(unsaved);
        if open.is_none() && !self.was_edited(row, base).await? {
            return Ok(None);
        }
        let mut doc = self.load_doc(row, base, Retype::None).await?.doc;
        if let Some(open) = open {
            open.add_unsaved(&mut doc, base);
        }
        Ok(Some(doc.content()))
    }

    /// Merges increments that the store gained into an open text, and tells the page.
    pub(super) async fn load_increments(self: &Rc<Self>, node: NodeId) -> Result<(), Fault> {
        let Ok(open) = self.open_doc(node) else {
            return Ok(());
        };
        self.follow_device(&open).await?;
        self.follow(&open).await?;
        let found = self.increments(node, open.through.get()).await?;
        // Runs of what others brought and of what this device's other tabs did: a person
        // may take back the first, and only that.
        let mut runs: Vec<(&str, Vec<Vec<u8>>)> = Vec::new();
        let mut devices: BTreeSet<DeviceId> = BTreeSet::new();
        let mut edits = 0;
        for (number, increment) in found {
            open.through.set(open.through.get().max(number));
            if increment.base != open.base.get() {
                continue;
            }
            let others = increment.device != self.device();
            if others {
                devices.insert(increment.device);
                edits += increment.changes.len() as u32;
            }
            let client = if others { CLIENT_OTHERS } else { CLIENT_TABS };
            match runs.last_mut() {
                Some((of, changes)) if *of == client => changes.extend(increment.changes),
                _ => runs.push((client, increment.changes)),
            }
        }
        if runs.is_empty() {
            return Ok(());
        }
        // What was typed and not closed into a change would be closed unseen by the merge.
        self.close_change(&open);
        let mut updates = Vec::new();
        let mut refused = false;
        for (client, changes) in runs {
            let merged = open.doc.borrow_mut().merge(&changes);
            refused |= merged.refused.is_some();
            if let Some(changes) = merged.changes {
                updates.push(TextUpdate { client: client.to_owned(), changes: changes.to_json() });
            }
        }
        // Before anything else can be typed: the document has moved on.
        let version = open.version.get();
        open.version.set(version + updates.len() as u32);
        if refused {
            self.refuse_edit(node).await;
        }
        if updates.is_empty() {
            return Ok(());
        }
        let mut from = Vec::new();
        for device in devices {
            from.push(self.device_name(device).await);
        }
        self.emit(Event::TextUpdates { node, version, updates, from, edits });
        // Where others are may have come with it.
        self.show_company(node);
        Ok(())
    }

    /// Goes on with the new content of a file that was given one elsewhere. What was typed
    /// into the old one is closed as an edit of that one.
    async fn follow(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        let node = open.node;
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let base = row.base();
        if base == open.base.get() {
            return Ok(());
        }
        let by = match row.contents.first() {
            Some(content) => self.device_name(content.id.device).await,
            None => String::new(),
        };
        let loaded = match row.kind() {
            Kind::Text => self.load_doc(&row, base, open.retype()).await.ok(),
            Kind::File | Kind::Folder => None,
        };
        // Between here and the end nothing waits, so nothing can be typed.
        let loaded = loaded.map(|mut loaded| {
            open.add_unsaved(&mut loaded.doc, base);
            loaded
        });
        let Some(loaded) = loaded else {
            if open.not_shown.replace(Some(base)) != Some(base) {
                self.emit(Event::TextReplaced { node, by, shown: false });
            }
            return Ok(());
        };
        if open.base.get() == base {
            return Ok(());
        }
        self.close_change(open);
        open.unsaved.borrow_mut().extend(unsaved_of(&loaded));
        let before = open.doc.replace(loaded.doc).text();
        let after = open.doc.borrow().text();
        open.base.set(base);
        open.through.set(loaded.through);
        open.not_shown.set(None);
        let version = open.version.get();
        open.version.set(version + 1);
        let changes = ChangeSet::between(&before, &after).to_json();
        let updates = vec![TextUpdate { client: CLIENT_TABS.to_owned(), changes }];
        self.emit(Event::TextUpdates { node, version, updates, from: Vec::new(), edits: 0 });
        self.emit(Event::TextReplaced { node, by, shown: true });
        if !open.is_saved() {
            self.schedule_save(open);
        }
        Ok(())
    }

    fn open_doc(&self, node: NodeId) -> Result<Rc<OpenText>, Fault> {
        self.texts.borrow().open.get(&node).cloned().ok_or(Fault::NotOpen)
    }

    async fn open_or_load(self: &Rc<Self>, row: &NodeRow) -> Result<Rc<OpenText>, Fault> {
        let opening = Rc::clone(&self.texts.borrow().opening);
        let _opening = opening.lock().await;
        if let Ok(open) = self.open_doc(row.node) {
            return Ok(open);
        }
        let loaded = self.load_doc(row, row.base(), Retype::All).await?;
        let open = self.opened(row.node, loaded);
        self.texts.borrow_mut().open.insert(row.node, Rc::clone(&open));
        if !open.is_saved() {
            self.tell(machine::Event::Unsaved(true));
            self.schedule_save(&open);
        }
        Ok(open)
    }

    fn opened(&self, node: NodeId, loaded: Loaded) -> Rc<OpenText> {
        // Never a turn that an earlier life of this slot has used for this text.
        let first_turn = u64::try_from(self.host.now_ms()).unwrap_or(0) << 16;
        let unsaved = unsaved_of(&loaded);
        Rc::new(OpenText {
            node,
            base: Cell::new(loaded.base),
            doc: RefCell::new(loaded.doc),
            version: Cell::new(0),
            through: Cell::new(loaded.through),
            unsaved: RefCell::new(unsaved),
            typed: Cell::new(false),
            first_typed_ms: Cell::new(self.host.now_ms()),
            turn: Cell::new(first_turn),
            first_turn,
            slot: loaded.slot,
            shown: Cell::new(false),
            device: Cell::new(loaded.device),
            saving: Mutex::new(()),
            retrying: Cell::new(false),
            not_shown: Cell::new(None),
        })
    }

    /// Saves after a while without typing, or at once after long typing.
    fn schedule_save(self: &Rc<Self>, open: &Rc<OpenText>) {
        let turn = open.turn.get() + 1;
        open.turn.set(turn);
        let typing_ms = self.host.now_ms() - open.first_typed_ms.get();
        let long = typing_ms >= limits::EDIT_BATCH_MS as i64;
        let (this, open) = (Rc::clone(self), Rc::clone(open));
        self.host.spawn(async move {
            if !long {
                this.host.sleep(limits::EDIT_IDLE_MS).await;
                if open.turn.get() != turn {
                    return;
                }
            }
            // What was saved when it was closed needs no word: the page may have it open
            // again, with versions that are counted anew.
            if open.is_saved() {
                return;
            }
            // If it fails, it is told and tried again.
            this.save(&open).await.ok();
        });
    }

    fn close_change(&self, open: &OpenText) {
        if open.typed.replace(false) {
            let mut doc = open.doc.borrow_mut();
            let Some(change) = doc.commit(self.host.now_ms()) else { return };
            let (base, slot, turn) = (open.base.get(), open.slot, open.turn.get());
            let size = doc.content().len() as u64;
            open.unsaved.borrow_mut().push(Unsaved { base, slot, turn, size, change });
        }
    }

    /// Saves what was typed. If that fails, the person is told, and it is tried again until
    /// it succeeds.
    async fn save(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        let saved = self.save_once(open).await;
        if saved.is_err() && !open.retrying.replace(true) {
            self.storage_fails();
            let (this, open) = (Rc::clone(self), Rc::clone(open));
            self.host.spawn(async move {
                let mut backoff = Backoff::default();
                while !this.closed.get() && !open.is_saved() {
                    let dice = u64::from_be_bytes(this.host.random());
                    this.host.sleep(backoff.next_delay_ms(dice, None)).await;
                    if this.save_once(&open).await.is_ok() {
                        break;
                    }
                }
                open.retrying.set(false);
            });
        }
        saved
    }

    async fn save_once(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        let _saving = open.saving.lock().await;
        self.retake(open).await?;
        self.close_change(open);
        let (node, version) = (open.node, open.version.get());
        // More than one round only if the file was given new content meanwhile.
        loop {
            let unsaved = open.first_unsaved();
            let Some(last) = unsaved.last() else { break };
            let (base, size) = (last.base, last.size);
            let edit = TextEdit { base, size, modified_ms: self.host.now_ms() };
            let changes = unsaved.iter().map(|one| one.change.clone()).collect();
            let part = TextPart { node, base, changes };
            let typed_by = Some(open.device.get());
            let mut extra = Extra { texts: vec![part], typed_by, ..Extra::default() };
            for one in &unsaved {
                let desk = Desk { slot: one.slot, ..open.desk(base) };
                desk.forget(&mut extra.also, one.turn);
            }
            let saved = self.commit(extra, &|ops| ops.text_edited(node, edit.clone())).await;
            if saved.is_err() && open.device.get() != self.device() {
                self.retake(open).await?;
                self.close_change(open);
                continue;
            }
            saved?;
            open.unsaved.borrow_mut().drain(..unsaved.len());
        }
        self.emit(Event::TextSaved { node, version });
        let all_saved = self.texts.borrow().open.values().all(|text| text.is_saved());
        if all_saved {
            self.tell(machine::Event::Unsaved(false));
        }
        Ok(())
    }
}

/// What was made again of killed tabs' typing is to be saved like any other.
fn unsaved_of(loaded: &Loaded) -> Vec<Unsaved> {
    let (base, size) = (loaded.base, loaded.doc.content().len() as u64);
    let unsaved = |retyped: &Retyped| Unsaved {
        base,
        slot: retyped.slot,
        turn: retyped.turn,
        size,
        change: retyped.change.clone(),
    };
    loaded.recovered.iter().map(unsaved).collect()
}

pub(super) fn fault_of(error: &TextError) -> Fault {
    if matches!(error, TextError::TooLong) { Fault::TooMany } else { Fault::Internal }
}
