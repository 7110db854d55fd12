//! What was typed and is not saved yet, kept for the case that the tab is killed.
//!
//! A batch of typing becomes a change of the log after a second of quiet. Until then each
//! push of the page is a row here, written without waiting; the batch removes its rows in
//! the transaction that saves it. A start finds the rows that a killed tab left, makes the
//! edits again at the place they were made, and saves them.
//!
//! ```text
//! key   = "typed/" | node[16] | be32 slot | be64 turn
//! value = postcard(Typed)
//! ```

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{Hash, NodeId};
use offing_core::rpc::{Fault, TextUpdate};
use offing_core::text::{ChangeSet, TextDoc};
use serde::{Deserialize, Serialize};

use super::fault::from_store;
use super::{Replica, encode};
use crate::host::Host;
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

/// What the keys of the journal begin with, in `Table::Meta`.
pub(crate) const PREFIX: &[u8] = b"typed/";

/// One push of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Typed {
    /// Names the content that the document began with.
    pub(super) base: Hash,
    /// The last increment that was in the document.
    pub(super) through: u64,
    /// The change sets, as JSON.
    pub(super) changes: Vec<String>,
}

/// The rows that one tab left for one text.
pub(super) struct Left {
    /// The tab's slot.
    pub(super) slot: u32,
    /// What was typed, in order.
    pub(super) typed: Vec<Typed>,
}

fn slot_prefix(node: NodeId, slot: u32) -> Vec<u8> {
    [PREFIX, node.0.as_slice(), &slot.to_be_bytes()].concat()
}

fn key(node: NodeId, slot: u32, turn: u64) -> Vec<u8> {
    [slot_prefix(node, slot).as_slice(), &turn.to_be_bytes()].concat()
}

/// Adds a push to a transaction.
pub(super) fn put(batch: &mut Batch, node: NodeId, slot: u32, turn: u64, typed: &Typed) {
    batch.put(Table::Meta, key(node, slot, turn), encode(typed));
}

/// Removes what was typed up to and including a turn.
pub(super) fn forget(batch: &mut Batch, node: NodeId, slot: u32, turn: u64) {
    let range = Range::between(slot_prefix(node, slot), key(node, slot, turn + 1));
    batch.delete_range(Table::Meta, range);
}

/// Removes everything that a tab left for a text.
pub(super) fn forget_all(batch: &mut Batch, node: NodeId, slot: u32) {
    batch.delete_range(Table::Meta, Range::prefix(&slot_prefix(node, slot)));
}

impl<H: Host> Replica<H> {
    /// Takes over the rows of dead tabs: from now on what they hold is this tab's typing,
    /// which its next save removes. Rows for another content are of no use any more.
    pub(super) async fn adopt_journal(
        &self,
        node: NodeId,
        slot: u32,
        retyping: &Retyping,
    ) -> Result<(), Fault> {
        let mut batch = Batch::new();
        for dead in retyping.slots.iter().filter(|dead| **dead != slot) {
            forget_all(&mut batch, node, *dead);
        }
        if batch.is_empty() {
            return Ok(());
        }
        for (at, typed) in retyping.made.iter().enumerate() {
            put(&mut batch, node, slot, at as u64 + 1, typed);
        }
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))
    }

    /// Writes what was typed, without making the page wait.
    pub(super) fn journal(
        self: &Rc<Self>,
        node: NodeId,
        slot: u32,
        turn: u64,
        (base, through): (Hash, u64),
        updates: &[TextUpdate],
    ) {
        let changes = updates.iter().map(|update| update.changes.clone()).collect();
        let mut batch = Batch::new();
        put(&mut batch, node, slot, turn, &Typed { base, through, changes });
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // If this fails, the batch is saved all the same a second later, or says so.
            this.host.store().write(batch, Durability::Relaxed).await.ok();
        });
    }

    /// The texts for which something is left.
    pub(super) async fn journaled(&self) -> Result<BTreeSet<NodeId>, Fault> {
        let keys = self.host.store().scan_keys(Table::Meta, &Range::prefix(PREFIX), u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        let node = |key: &Vec<u8>| NodeId::from_slice(key.get(PREFIX.len()..PREFIX.len() + 16)?);
        Ok(keys.iter().filter_map(node).collect())
    }

    /// What tabs left for a text, this one's and others', dead or alive.
    pub(super) async fn left_for(&self, node: NodeId) -> Result<Vec<Left>, Fault> {
        let range = Range::prefix(&[PREFIX, node.0.as_slice()].concat());
        let store = self.host.store();
        let rows = store.scan(Table::Meta, &range, 0, u32::MAX, Direction::Forward).await;
        let mut all: Vec<Left> = Vec::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let at = PREFIX.len() + NodeId::LEN;
            let slot = key.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            let (Some(slot), Ok(typed)) = (slot, postcard::from_bytes(&value)) else {
                continue;
            };
            let slot = u32::from_be_bytes(slot);
            match all.last_mut() {
                Some(left) if left.slot == slot => left.typed.push(typed),
                _ => all.push(Left { slot, typed: vec![typed] }),
            }
        }
        Ok(all)
    }
}

/// Makes again what killed tabs had typed, each push where it was made.
pub(super) struct Retyping {
    base: Hash,
    slots: Vec<u32>,
    waiting: std::vec::IntoIter<Typed>,
    next: Option<Typed>,
    made: Vec<Typed>,
    pub(super) made_any: bool,
}

impl Retyping {
    pub(super) fn new(left: Vec<Left>, base: Hash) -> Self {
        let slots = left.iter().map(|left| left.slot).collect();
        let mut typed: Vec<_> = left.into_iter().flat_map(|left| left.typed).collect();
        // Stable: within a tab the order stays; between tabs the earlier stand comes first.
        typed.sort_by_key(|typed| typed.through);
        let mut waiting = typed.into_iter();
        let next = waiting.next();
        Self { base, slots, waiting, next, made: Vec::new(), made_any: false }
    }

    /// Makes what was typed before increment `number` was there.
    pub(super) fn up_to(&mut self, doc: &mut TextDoc, number: u64) {
        while self.next.as_ref().is_some_and(|typed| typed.through < number) {
            let Some(typed) = self.next.take() else {
                return;
            };
            self.next = self.waiting.next();
            if typed.base != self.base {
                continue;
            }
            for json in &typed.changes {
                // What does not fit (two dead tabs at once) is left out rather than guessed.
                if let Ok(changes) = ChangeSet::from_json(json) {
                    self.made_any |= doc.splice(&changes).is_ok();
                }
            }
            self.made.push(typed);
        }
    }
}
