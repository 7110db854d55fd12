//! What was typed and is not saved yet, kept for the case that the tab is killed.
//!
//! A batch of typing becomes a change of the log after a second of quiet. Until then each
//! push of the page is a row here, written without waiting; the batch removes its rows in
//! the transaction that saves it. A start finds the rows that a killed tab left, makes the
//! edits again at the place they were made, and saves them.
//!
//! ```text
//! key   = "typed/" | node[16] | base[32] | be32 slot | be64 turn
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
    /// The last increment that was in the document.
    pub(super) through: u64,
    /// The change sets, as JSON.
    pub(super) changes: Vec<String>,
}

/// The rows that one tab left for one text.
pub(super) struct Left {
    /// The tab's slot.
    pub(super) slot: u32,
    /// What was typed, each with its turn, in order.
    pub(super) typed: Vec<(u64, Typed)>,
}

/// Whose typing into which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Desk {
    /// The file.
    pub(super) node: NodeId,
    /// Names the content that the document began with.
    pub(super) base: Hash,
    /// The tab's slot.
    pub(super) slot: u32,
}

impl Desk {
    fn prefix(&self) -> Vec<u8> {
        [document_prefix(self.node, self.base).as_slice(), &self.slot.to_be_bytes()].concat()
    }

    fn key(&self, turn: u64) -> Vec<u8> {
        [self.prefix().as_slice(), &turn.to_be_bytes()].concat()
    }

    /// Adds a push to a transaction.
    fn put(&self, batch: &mut Batch, turn: u64, typed: &Typed) {
        batch.put(Table::Meta, self.key(turn), encode(typed));
    }

    /// Removes what was typed up to and including a turn.
    pub(super) fn forget(&self, batch: &mut Batch, turn: u64) {
        batch.delete_range(Table::Meta, Range::between(self.prefix(), self.key(turn + 1)));
    }
}

fn document_prefix(node: NodeId, base: Hash) -> Vec<u8> {
    [PREFIX, node.0.as_slice(), &base.0].concat()
}

impl<H: Host> Replica<H> {
    /// Takes over the rows of dead tabs: from now on what they hold is this tab's typing,
    /// which its next save removes.
    pub(super) async fn adopt_journal(&self, desk: Desk, retyping: &Retyping) -> Result<(), Fault> {
        let mut batch = Batch::new();
        for slot in retyping.slots.iter().filter(|slot| **slot != desk.slot) {
            batch.delete_range(Table::Meta, Range::prefix(&Desk { slot: *slot, ..desk }.prefix()));
        }
        if batch.is_empty() {
            return Ok(());
        }
        for (at, typed) in retyping.made.iter().enumerate() {
            desk.put(&mut batch, at as u64 + 1, typed);
        }
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))
    }

    /// Writes what was typed, without making the page wait.
    pub(super) fn journal(
        self: &Rc<Self>,
        desk: Desk,
        turn: u64,
        through: u64,
        updates: &[TextUpdate],
    ) {
        let changes = updates.iter().map(|update| update.changes.clone()).collect();
        let mut batch = Batch::new();
        desk.put(&mut batch, turn, &Typed { through, changes });
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // The batch may be saved all the same a second later; until then a killed tab
            // would lose it, and that is said.
            if this.host.store().write(batch, Durability::Relaxed).await.is_err() {
                this.storage_fails();
            }
        });
    }

    /// The documents for which something is left: files, and what the document began with.
    pub(super) async fn journaled(&self) -> Result<BTreeSet<(NodeId, Hash)>, Fault> {
        let keys = self.host.store().scan_keys(Table::Meta, &Range::prefix(PREFIX), u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        let document = |key: &Vec<u8>| {
            let (node, rest) = key.get(PREFIX.len()..)?.split_at_checked(NodeId::LEN)?;
            Some((NodeId::from_slice(node)?, Hash(rest.first_chunk().copied()?)))
        };
        Ok(keys.iter().filter_map(document).collect())
    }

    /// What tabs left for a document, this one's and others', dead or alive.
    pub(super) async fn left_for(&self, node: NodeId, base: Hash) -> Result<Vec<Left>, Fault> {
        let prefix = document_prefix(node, base);
        let range = Range::prefix(&prefix);
        let store = self.host.store();
        let rows = store.scan(Table::Meta, &range, 0, u32::MAX, Direction::Forward).await;
        let mut all: Vec<Left> = Vec::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let slot = key.get(prefix.len()..).and_then(<[u8]>::first_chunk);
            let turn = key.get(prefix.len() + 4..).and_then(<[u8]>::first_chunk);
            let (Some(slot), Some(turn), Ok(typed)) = (slot, turn, postcard::from_bytes(&value))
            else {
                continue;
            };
            let (slot, turn) = (u32::from_be_bytes(*slot), u64::from_be_bytes(*turn));
            match all.last_mut() {
                Some(left) if left.slot == slot => left.typed.push((turn, typed)),
                _ => all.push(Left { slot, typed: vec![(turn, typed)] }),
            }
        }
        Ok(all)
    }
}

/// Makes again what killed tabs had typed, each push where it was made.
pub(super) struct Retyping {
    slots: Vec<u32>,
    waiting: std::vec::IntoIter<Typed>,
    next: Option<Typed>,
    made: Vec<Typed>,
    pub(super) made_any: bool,
}

impl Retyping {
    pub(super) fn new(left: Vec<Left>) -> Self {
        let slots = left.iter().map(|left| left.slot).collect();
        let mut typed: Vec<_> =
            left.into_iter().flat_map(|left| left.typed).map(|(_, typed)| typed).collect();
        // Stable: within a tab the order stays; between tabs the earlier stand comes first.
        typed.sort_by_key(|typed| typed.through);
        let mut waiting = typed.into_iter();
        let next = waiting.next();
        Self { slots, waiting, next, made: Vec::new(), made_any: false }
    }

    /// Makes what was typed before increment `number` was there.
    pub(super) fn up_to(&mut self, doc: &mut TextDoc, number: u64) {
        while self.next.as_ref().is_some_and(|typed| typed.through < number) {
            let Some(typed) = self.next.take() else {
                return;
            };
            self.next = self.waiting.next();
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
