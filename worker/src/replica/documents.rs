//! Text documents from what is on the device: a saved document, increments, the journal.
//!
//! A file has a document for each content that was edited. The one that begins with the
//! content that is shown is the file's text; others are versions, or were settled. A
//! document can be built as long as the content it began with can be had.

use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::limits;
use offing_core::rpc::{Alarm, Event, Fault};
use offing_core::text::{Actor, TextDoc};
use offing_core::tree::{Content, NO_BASE, NodeRow};

use super::fault::from_store;
use super::journal::{self, Desk, Left, Retyped};
use super::text_store::{self, Increment, SavedDoc};
use super::texts::fault_of;
use super::{Replica, encode};
use crate::host::Host;
use crate::store::{Batch, Direction, Durability, Store, Table};

/// Increments after which a document is saved whole.
const INCREMENTS_MAX: usize = 64;
/// Bytes of increments after which it is: merging a mebibyte takes ten times as long as reading it from
/// a saved document.
const INCREMENTS_BYTES_MAX: usize = 64 * 1024;
/// Tabs of one profile that may edit at the same time.
const SLOTS_MAX: u32 = 1_024;

/// A document with where it stands in the store.
pub(super) struct Loaded {
    pub(super) doc: TextDoc,
    pub(super) base: Hash,
    pub(super) through: u64,
    pub(super) slot: u32,
    /// What killed tabs had typed, made again in `doc`.
    pub(super) recovered: Vec<Retyped>,
    /// Whose changes `doc` makes.
    pub(super) device: DeviceId,
}

/// Which of the typing that killed tabs left is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retype {
    /// None: the document is only looked at.
    None,
    /// All of it; this tab has typed nothing into the file yet.
    All,
    /// All of it but what this tab itself typed from this turn on.
    Before(u64),
}

impl<H: Host> Replica<H> {
    /// Builds one of a file's documents from what is on the device.
    pub(super) async fn load_doc(
        &self,
        row: &NodeRow,
        base: Hash,
        retype: Retype,
    ) -> Result<Loaded, Fault> {
        let node = row.node;
        let slot = self.slot().await;
        let device = self.device();
        let actor = Actor { device, slot };
        let left = self.left_by_the_dead(Desk { node, base, slot }, retype).await?;
        let saved = self.host.store().get(Table::Texts, &text_store::doc_key(node, base)).await;
        let saved: Option<SavedDoc> =
            saved.map_err(|e| from_store(&e))?.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let (mut doc, mut through) = match saved {
            Some(saved) => {
                let doc = TextDoc::load(&saved.doc, saved.ends, actor);
                (doc.map_err(|_| Fault::Storage)?, saved.through)
            }
            None => {
                let content = self.base_content(row, base).await?;
                let seeded = TextDoc::seeded(&node, &base, &content, actor);
                (seeded.map_err(|error| fault_of(&error))?, 0)
            }
        };
        let found = self.increments(node, through).await?;
        let of_base: Vec<_> = found.iter().filter(|(_, found)| found.base == base).collect();
        let now_ms = self.host.now_ms();
        let nothing_left = left.is_empty();
        let recovered: Vec<Retyped> = left
            .into_iter()
            .flat_map(|left| {
                let dead = Actor { slot: left.slot, ..actor };
                journal::retype(&doc, dead, &of_base, left.typed, now_ms)
            })
            .collect();
        let mut refused: Vec<&Vec<Vec<u8>>> = Vec::new();
        for (_, increment) in &of_base {
            if doc.take(&increment.changes).is_some() {
                refused.push(&increment.changes);
            }
        }
        // What an entry that was set aside for a while brings may be what others stand on.
        refused.retain(|changes| doc.take(changes).is_some());
        let refused = !refused.is_empty();
        if refused {
            self.refuse_edit(node).await;
        }
        through = found.last().map_or(through, |(number, _)| through.max(*number));
        // What was refused stays in the store, should a later version be able to take it, and
        // so does what shows where killed tabs stood.
        let bytes: usize = of_base.iter().flat_map(|(_, one)| &one.changes).map(Vec::len).sum();
        let many = of_base.len() > INCREMENTS_MAX || bytes > INCREMENTS_BYTES_MAX;
        if many && nothing_left && !refused {
            self.save_whole(node, &mut doc, base, through).await?;
        }
        for retyped in &recovered {
            doc.take(std::slice::from_ref(&retyped.change));
        }
        Ok(Loaded { doc, base, through, slot, device, recovered })
    }

    /// Tells that an edit of this text was left out.
    pub(super) async fn refuse_edit(&self, node: NodeId) {
        let name = self.name_for_fault(node).await;
        self.emit(Event::Alarm(Alarm::EditRefused { name }));
    }

    /// Says whether something was typed into a document.
    pub(super) async fn was_edited(&self, row: &NodeRow, base: Hash) -> Result<bool, Fault> {
        // Each sealed edit comes with an op on the row, which is read already.
        if row.texts.is_empty() {
            return Ok(false);
        }
        let node = row.node;
        let saved = self.host.store().get(Table::Texts, &text_store::doc_key(node, base)).await;
        if saved.map_err(|e| from_store(&e))?.is_some() {
            return Ok(true);
        }
        let increments = self.increments(node, 0).await?;
        Ok(increments.iter().any(|(_, increment)| increment.base == base))
    }

    /// The increments of all of a file's documents after a number.
    pub(super) async fn increments(
        &self,
        node: NodeId,
        after: u64,
    ) -> Result<Vec<(u64, Increment)>, Fault> {
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

    /// A content of a file, also one that was replaced.
    pub(super) async fn content_of_base(
        &self,
        row: &NodeRow,
        base: Hash,
    ) -> Result<Option<Content>, Fault> {
        if let Some(content) = row.contents.iter().find(|content| content.value.base() == base) {
            return Ok(Some(content.value.clone()));
        }
        let key = text_store::base_key(row.node, base);
        let found = self.host.store().get(Table::Texts, &key).await.map_err(|e| from_store(&e))?;
        found.map(|bytes| postcard::from_bytes(&bytes).map_err(|_| Fault::Storage)).transpose()
    }

    async fn left_by_the_dead(&self, desk: Desk, retype: Retype) -> Result<Vec<Left>, Fault> {
        let mut dead = Vec::new();
        if retype == Retype::None {
            return Ok(dead);
        }
        for mut left in self.left_for(desk.node, desk.base).await? {
            match retype {
                Retype::Before(turn) if left.slot == desk.slot => {
                    left.typed.retain(|(typed, _)| *typed < turn);
                }
                _ if left.slot == desk.slot || self.takes_over(left.slot).await => {}
                Retype::None | Retype::All | Retype::Before(_) => continue,
            }
            dead.push(left);
        }
        Ok(dead)
    }

    /// Takes the slot of a tab that is gone; says whether it is gone. Held as long as this
    /// tab lives: what that tab typed is saved under its name.
    async fn takes_over(&self, slot: u32) -> bool {
        if self.texts.borrow().taken_over.contains(&slot) {
            return true;
        }
        let Some(guard) = self.host.try_lock(&self.slot_lock(slot)).await else {
            return false;
        };
        std::mem::forget(guard);
        self.texts.borrow_mut().taken_over.insert(slot);
        true
    }

    fn slot_lock(&self, slot: u32) -> String {
        format!("actor:{}:{slot}", self.vault)
    }

    /// Replaces a document's increments by the document that has them.
    async fn save_whole(
        &self,
        node: NodeId,
        doc: &mut TextDoc,
        base: Hash,
        through: u64,
    ) -> Result<(), Fault> {
        let saved = SavedDoc { through, ends: doc.line_ends().clone(), doc: doc.save() };
        let mut batch = Batch::new();
        batch.put(Table::Texts, text_store::doc_key(node, base), encode(&saved));
        for (number, increment) in self.increments(node, 0).await? {
            // Increments of other documents stay: they may be versions.
            if increment.base == base && number <= through {
                batch.delete(Table::Texts, text_store::increment_key(node, number));
            }
        }
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))
    }

    /// The content that a document begins with.
    async fn base_content(&self, row: &NodeRow, base: Hash) -> Result<String, Fault> {
        if base == NO_BASE {
            return Ok(String::new());
        }
        let content = self.content_of_base(row, base).await?;
        let content = content.ok_or_else(|| Fault::NotHere { name: row.shown_name() })?;
        let manifest = self.manifest(row.node, &content).await?;
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
