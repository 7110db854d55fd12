//! Open texts: the authority of the page's editor, over an Automerge document.
//!
//! The page sends updates with the version they are based on; those that fit are spliced
//! at once and saved in batches, one change of the log for a second of quiet or five of
//! typing. What arrives from other devices or tabs is merged and goes to the page as
//! updates of the same kind, so page and engine cannot disagree. Closed texts are not
//! loaded: their increments wait in the store.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use futures_util::lock::Mutex;
use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::limits;
use offing_core::log::change::TextPart;
use offing_core::rpc::{Alarm, Event, Fault, Kind, OpenedText, ReadOnly, TextUpdate};
use offing_core::sync::machine;
use offing_core::text::{Actor, ChangeSet, LineEnds, TextDoc, TextError};
use offing_core::tree::{NodeRow, TextEdit};
use sha2::{Digest, Sha256};

use super::commit::Extra;
use super::fault::from_store;
use super::journal::{self, Retyping};
use super::text_store::{self, Increment, SavedDoc};
use super::{Replica, encode};
use crate::host::Host;
use crate::store::{Batch, Direction, Durability, Store, Table};

/// Who makes the updates that the engine sends.
const ENGINE_CLIENT: &str = "engine";
/// Increments after which a document is saved whole.
const INCREMENTS_MAX: usize = 64;
/// Tabs of one profile that may edit at the same time.
const SLOTS_MAX: u32 = 1_024;

/// The open texts of this tab.
#[derive(Default)]
pub(super) struct OpenTexts {
    open: HashMap<NodeId, Rc<OpenText>>,
    slot: Option<u32>,
}

/// One open text.
struct OpenText {
    node: NodeId,
    base: Hash,
    doc: RefCell<TextDoc>,
    /// Updates since it was opened, the page's and others'.
    version: Cell<u32>,
    /// The last increment of the store that is in `doc`.
    through: Cell<u64>,
    /// Changes that are in `doc` and not in the store.
    unsaved: RefCell<Vec<Vec<u8>>>,
    /// Spliced since the last change was closed.
    typed: Cell<bool>,
    first_typed_ms: Cell<i64>,
    /// Counts what was typed, so that a timer knows whether it is still the last one.
    turn: Cell<u64>,
    slot: u32,
    saving: Mutex<()>,
}

/// A document with where it stands in the store.
struct Loaded {
    doc: TextDoc,
    base: Hash,
    through: u64,
    slot: u32,
    /// A killed tab's typing was made again in `doc`.
    recovered: bool,
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
        let open = self.texts.borrow().open.get(&node).cloned();
        let open = match open {
            Some(open) => open,
            None => {
                let loaded = self.load_doc(&row).await?;
                self.insert_open(node, loaded).await?
            }
        };
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
        {
            let mut doc = open.doc.borrow_mut();
            for update in updates {
                let changes = ChangeSet::from_json(&update.changes).map_err(|_| Fault::Internal)?;
                doc.splice(&changes).map_err(|error| fault_of(&error))?;
                open.version.set(open.version.get() + 1);
            }
        }
        if !open.typed.replace(true) {
            open.first_typed_ms.set(self.host.now_ms());
        }
        self.tell(machine::Event::Unsaved(true));
        self.schedule_save(&open);
        let stand = (open.base, open.through.get());
        self.journal(node, open.slot, open.turn.get(), stand, updates);
        Ok(updates.len() as u32)
    }

    /// Saves what killed tabs left typed.
    pub(super) async fn recover_texts(self: &Rc<Self>) -> Result<(), Fault> {
        for node in self.journaled().await? {
            // A text that cannot be opened now (its content is not here) keeps its rows.
            if self.open_text(node).await.is_ok() {
                self.close_text(node).await?;
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
        self.save(&open).await?;
        // Closed only if nothing was typed while it was saved.
        if !open.typed.get() && open.unsaved.borrow().is_empty() {
            self.texts.borrow_mut().open.remove(&node);
        }
        Ok(())
    }

    /// Saves everything that was typed: the page is about to go away.
    pub async fn flush_all(self: &Rc<Self>) -> Result<(), Fault> {
        let open: Vec<_> = self.texts.borrow().open.values().cloned().collect();
        for text in open {
            self.save(&text).await?;
        }
        Ok(())
    }

    /// The content of a file as it is now, with its own line ends, if it was ever edited as
    /// text.
    pub(super) async fn edited_text(&self, node: NodeId) -> Result<Option<String>, Fault> {
        if let Ok(open) = self.open_doc(node) {
            return Ok(Some(open.doc.borrow().content()));
        }
        let saved = self.host.store().get(Table::Texts, &text_store::doc_key(node)).await;
        let range = text_store::increments_after(node, 0);
        let increments = self.host.store().count(Table::Texts, &range).await;
        if saved.map_err(|e| from_store(&e))?.is_none()
            && increments.map_err(|e| from_store(&e))? == 0
        {
            return Ok(None);
        }
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        Ok(Some(self.load_doc(&row).await?.doc.content()))
    }

    /// Merges increments that the store gained into an open text, and tells the page.
    pub(super) async fn load_increments(self: &Rc<Self>, node: NodeId) -> Result<(), Fault> {
        let Ok(open) = self.open_doc(node) else {
            return Ok(());
        };
        let found = self.increments(node, open.through.get()).await?;
        let mut changes = Vec::new();
        let mut devices: BTreeSet<DeviceId> = BTreeSet::new();
        for (number, increment) in found {
            open.through.set(open.through.get().max(number));
            if increment.base == open.base {
                devices.insert(increment.device);
                changes.extend(increment.changes);
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        // What was typed and not closed into a change would be closed unseen by the merge.
        self.close_change(&open);
        let merged = open.doc.borrow_mut().merge(&changes);
        if merged.refused.is_some() {
            self.refuse_edit(node).await;
        }
        let Some(changes) = merged.changes else { return Ok(()) };
        let version = open.version.get();
        open.version.set(version + 1);
        let mut from = Vec::new();
        for device in devices {
            from.push(self.device_name(device).await);
        }
        let changes = changes.to_json();
        let updates = vec![TextUpdate { client: ENGINE_CLIENT.to_owned(), changes }];
        self.emit(Event::TextUpdates { node, version, updates, from });
        Ok(())
    }

    fn open_doc(&self, node: NodeId) -> Result<Rc<OpenText>, Fault> {
        self.texts.borrow().open.get(&node).cloned().ok_or(Fault::NotOpen)
    }

    async fn insert_open(
        self: &Rc<Self>,
        node: NodeId,
        loaded: Loaded,
    ) -> Result<Rc<OpenText>, Fault> {
        if let Ok(open) = self.open_doc(node) {
            // Opened twice at once; the first opening serves both.
            return Ok(open);
        }
        let recovered = loaded.recovered;
        let open = Rc::new(OpenText {
            node,
            base: loaded.base,
            doc: RefCell::new(loaded.doc),
            version: Cell::new(0),
            through: Cell::new(loaded.through),
            unsaved: RefCell::default(),
            typed: Cell::new(recovered),
            first_typed_ms: Cell::new(self.host.now_ms()),
            // Never a turn that an earlier life of this slot has used for this text.
            turn: Cell::new(u64::try_from(self.host.now_ms()).unwrap_or(0) << 16),
            slot: loaded.slot,
            saving: Mutex::new(()),
        });
        self.texts.borrow_mut().open.insert(node, Rc::clone(&open));
        if recovered {
            self.save(&open).await?;
        }
        Ok(open)
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
            if this.save(&open).await.is_err() {
                // It stays in memory, and the next try comes with the next keystroke or:
                this.host.sleep(limits::EDIT_BATCH_MS).await;
                this.save(&open).await.ok();
            }
        });
    }

    fn close_change(&self, open: &OpenText) {
        if open.typed.replace(false) {
            let change = open.doc.borrow_mut().commit(self.host.now_ms());
            open.unsaved.borrow_mut().extend(change);
        }
    }

    async fn save(self: &Rc<Self>, open: &Rc<OpenText>) -> Result<(), Fault> {
        let _saving = open.saving.lock().await;
        self.close_change(open);
        let changes = open.unsaved.borrow().clone();
        let (version, turn) = (open.version.get(), open.turn.get());
        if !changes.is_empty() {
            let edit = TextEdit {
                size: open.doc.borrow().content().len() as u64,
                modified_ms: self.host.now_ms(),
            };
            let count = changes.len();
            let node = open.node;
            let part = TextPart { node, base: open.base, changes };
            let mut extra = Extra { texts: vec![part], ..Extra::default() };
            journal::forget(&mut extra.also, node, open.slot, turn);
            self.commit(extra, &|ops| ops.text_edited(node, edit.clone())).await?;
            open.unsaved.borrow_mut().drain(..count);
        }
        self.emit(Event::TextSaved { node: open.node, version });
        let all_saved = self
            .texts
            .borrow()
            .open
            .values()
            .all(|text| !text.typed.get() && text.unsaved.borrow().is_empty());
        if all_saved {
            self.tell(machine::Event::Unsaved(false));
        }
        Ok(())
    }

    /// Builds a text's document from what is on the device.
    async fn load_doc(&self, row: &NodeRow) -> Result<Loaded, Fault> {
        let node = row.node;
        let slot = self.slot().await;
        let actor = Actor { device: self.identity.device, slot };
        let base = base_of(row);
        let mut left = Vec::new();
        for found in self.left_for(node).await? {
            if found.slot == slot || self.is_dead(found.slot).await {
                left.push(found);
            }
        }
        let saved = self.host.store().get(Table::Texts, &text_store::doc_key(node)).await;
        let saved: Option<SavedDoc> =
            saved.map_err(|e| from_store(&e))?.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let (mut doc, mut through) = match saved {
            Some(saved) if saved.base == base => {
                let ends = self.line_ends(node).await?;
                let doc = TextDoc::load(&saved.doc, ends, actor);
                (doc.map_err(|_| Fault::Storage)?, saved.through)
            }
            Some(_) | None => {
                let content = self.base_content(row).await?;
                let seeded = TextDoc::seeded(&node, &base, &content, actor);
                (seeded.map_err(|error| fault_of(&error))?, 0)
            }
        };
        let found = self.increments(node, through).await?;
        let increments = found.len();
        let mut retyping = Retyping::new(left, base);
        let mut refused: Vec<Vec<Vec<u8>>> = Vec::new();
        for (number, increment) in found {
            retyping.up_to(&mut doc, number);
            through = through.max(number);
            if increment.base == base && doc.merge(&increment.changes).refused.is_some() {
                refused.push(increment.changes);
            }
        }
        // What an entry that was set aside for a while brings may be what others stand on.
        refused.retain(|changes| doc.merge(changes).refused.is_some());
        let refused = !refused.is_empty();
        if refused {
            self.refuse_edit(node).await;
        }
        // What was refused stays in the store, should a later version be able to take it.
        if increments > INCREMENTS_MAX && !retyping.made_any && !refused {
            self.save_whole(node, &mut doc, base, through).await?;
        }
        retyping.up_to(&mut doc, u64::MAX);
        self.adopt_journal(node, slot, &retyping).await?;
        let recovered = retyping.made_any;
        Ok(Loaded { doc, base, through, slot, recovered })
    }

    /// Tells that an edit of this text was left out.
    async fn refuse_edit(&self, node: NodeId) {
        let name = self.name_for_fault(node).await;
        self.emit(Event::Alarm(Alarm::EditRefused { name }));
    }

    /// The line ends of the file that a saved document began with.
    async fn line_ends(&self, node: NodeId) -> Result<LineEnds, Fault> {
        let bytes = self.host.store().get(Table::Texts, &text_store::ends_key(node)).await;
        let ends = bytes.map_err(|e| from_store(&e))?;
        Ok(ends.and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default())
    }

    /// Says whether no tab holds a slot.
    async fn is_dead(&self, slot: u32) -> bool {
        self.host.try_lock(&self.slot_lock(slot)).await.is_some()
    }

    fn slot_lock(&self, slot: u32) -> String {
        format!("actor:{}:{slot}", self.vault)
    }

    /// Replaces a text's increments by the document that has them.
    async fn save_whole(
        &self,
        node: NodeId,
        doc: &mut TextDoc,
        base: Hash,
        through: u64,
    ) -> Result<(), Fault> {
        let saved = SavedDoc { base, through, doc: doc.save() };
        let mut batch = Batch::new();
        batch.put(Table::Texts, text_store::doc_key(node), encode(&saved));
        batch.put(Table::Texts, text_store::ends_key(node), encode(doc.line_ends()));
        for (number, increment) in self.increments(node, 0).await? {
            // Increments on another content stay: its versions may still be wanted.
            if increment.base == base && number <= through {
                batch.delete(Table::Texts, text_store::increment_key(node, number));
            }
        }
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))
    }

    async fn increments(&self, node: NodeId, after: u64) -> Result<Vec<(u64, Increment)>, Fault> {
        let range = text_store::increments_after(node, after);
        let store = self.host.store();
        let rows = store.scan(Table::Texts, &range, 0, u32::MAX, Direction::Forward).await;
        rows.map_err(|e| from_store(&e))?
            .into_iter()
            .map(|(key, value)| {
                let number = text_store::increment_number(&key).ok_or(Fault::Storage)?;
                let increment = postcard::from_bytes(&value).map_err(|_| Fault::Storage)?;
                Ok((number, increment))
            })
            .collect()
    }

    /// The content that a document begins with.
    async fn base_content(&self, row: &NodeRow) -> Result<String, Fault> {
        let Some(content) = row.contents.first() else {
            return Ok(String::new());
        };
        let manifest = self.manifest(row.node, &content.value).await?;
        let bytes = self.read_all(&manifest, limits::TEXT_BYTES_MAX).await?;
        let text = String::from_utf8(bytes);
        text.map_err(|_| Fault::Corrupt { name: row.shown_name() })
    }

    /// Leases an actor for this tab, so that their number is that of simultaneous tabs.
    async fn slot(&self) -> u32 {
        if let Some(slot) = self.texts.borrow().slot {
            return slot;
        }
        for slot in 0..SLOTS_MAX {
            if let Some(guard) = self.host.try_lock(&self.slot_lock(slot)).await {
                let mut texts = self.texts.borrow_mut();
                if let Some(slot) = texts.slot {
                    // Another opening of this tab was faster; its lease serves both.
                    return slot;
                }
                texts.slot = Some(slot);
                // Held as long as the tab lives.
                std::mem::forget(guard);
                return slot;
            }
        }
        // More tabs than anybody has: an actor that is never used again.
        u32::from_be_bytes(self.host.random()) | 0x8000_0000
    }
}

/// Names the content that a text's document begins with; zeros for none.
fn base_of(row: &NodeRow) -> Hash {
    row.contents
        .first()
        .map_or(Hash([0; 32]), |content| Hash(Sha256::digest(&content.value.manifest).into()))
}

fn fault_of(error: &TextError) -> Fault {
    if matches!(error, TextError::TooLong) { Fault::TooMany } else { Fault::Internal }
}
