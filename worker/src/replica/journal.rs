//! What was typed and is not saved yet, kept for the case that the tab is killed.
//!
//! A batch of typing becomes a change of the log after a second of quiet. Until then each
//! push of the page is a row here, written without waiting; the batch removes its rows in
//! the transaction that saves it. A start finds the rows that a killed tab left, makes the
//! edits again at the place they were made, and saves them. It makes them as that tab: who
//! takes over what a tab typed holds its slot too, so nobody else writes under its name.
//!
//! ```text
//! key   = "typed/" | node[16] | base[32] | be32 slot | be64 turn
//! value = postcard(Typed)
//! ```

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{Hash, NodeId};
use offing_core::rpc::{Fault, TextUpdate};
use offing_core::text::{Actor, ChangeSet, TextDoc};
use serde::{Deserialize, Serialize};

use super::fault::from_store;
use super::text_store::Increment;
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

/// What a killed tab had typed, made again as one change.
pub(super) struct Retyped {
    /// The tab's slot.
    pub(super) slot: u32,
    /// The last turn that is in it.
    pub(super) turn: u64,
    /// Automerge's change.
    pub(super) change: Vec<u8>,
}

/// Makes again what a killed tab had typed, in the document as that tab had it: with all that
/// it had saved itself, and of what came from elsewhere with what it had merged. `start` is
/// the document before `found`.
pub(super) fn retype(
    start: &TextDoc,
    actor: Actor,
    found: &[&(u64, Increment)],
    typed: Vec<(u64, Typed)>,
    now_ms: i64,
) -> Vec<Retyped> {
    let mut doc = start.branch(actor);
    let is_own = |increment: &Increment| {
        let first = increment.changes.first();
        first.and_then(|change| Actor::of_change(change, actor.device)) == Some(actor)
    };
    let mut own = Some(found.iter().filter(|(_, increment)| is_own(increment)));
    let mut others = found.iter().peekable();
    let mut retyped: Vec<Retyped> = Vec::new();
    let mut last_turn = None;
    for (turn, typed) in typed {
        while let Some((_, increment)) = others.next_if(|(number, _)| *number <= typed.through) {
            // A merge would close what was typed before it unseen.
            if let Some(turn) = last_turn.take() {
                retyped.extend(close(&mut doc, actor, turn, now_ms));
            }
            doc.merge(&increment.changes);
        }
        for (_, increment) in own.take().into_iter().flatten() {
            doc.merge(&increment.changes);
        }
        for json in &typed.changes {
            // What does not fit is left out rather than guessed.
            if let Ok(changes) = ChangeSet::from_json(json)
                && doc.splice(&changes).is_ok()
            {
                last_turn = Some(turn);
            }
        }
    }
    if let Some(turn) = last_turn {
        retyped.extend(close(&mut doc, actor, turn, now_ms));
    }
    retyped
}

fn close(doc: &mut TextDoc, actor: Actor, turn: u64, now_ms: i64) -> Option<Retyped> {
    doc.commit(now_ms).map(|change| Retyped { slot: actor.slot, turn, change })
}
