//! Entries that the server does not take let others pass.
//!
//! A device's counter is dense and each of its entries names the one before, so an entry
//! whose chunks the server refuses would hold up everything behind it. As long as it is not
//! in the log, nobody has seen a counter from its own on: what does not build on it goes
//! before it, the same ops sealed and signed anew at other counters. What brings chunks that
//! were not sent either, or touches a node that one of those behind touches, stays behind
//! it in its order, so each node's ops keep theirs.
//!
//! A device never claims to have seen less than in the entry before, so those behind have to
//! claim what those ahead had seen. Of nodes which they make themselves that says nothing,
//! since nobody else can have touched them. Of others it says something only where somebody
//! typed into a file that they replace, or did anything to what they put in the trash
//! (`NodeRow::may_claim`): whoever had seen that does not pass, nor does what comes after.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use offing_core::id::{Hash, NodeId, Seq};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::ordered;
use offing_core::rpc::Fault;
use offing_core::tree::{NodeRow, OpId, Value};

use super::fault::from_store;
use super::{Own, Replica, encode};
use crate::host::{Host, Notice};
use crate::net::Remote;
use crate::push::PushError;
use crate::store::outbox::{self, OutboxItem};
use crate::store::{Batch, Table};

/// An entry of the outbox, opened.
struct Waiting {
    item: OutboxItem,
    header: Header,
    plain: Vec<u8>,
    /// The nodes that it changes.
    changes: BTreeSet<NodeId>,
    /// The nodes that it makes.
    makes: BTreeSet<NodeId>,
    /// How much of the log it may claim to have seen for each op on another node.
    claims: Vec<(NodeId, Seq)>,
    /// The nodes that have to be there for it.
    needs: BTreeSet<NodeId>,
    /// It names chunks that the server is not known to have.
    brings: bool,
    ops: Vec<OpId>,
}

/// What waits in a new order.
#[derive(Default)]
struct Parted {
    /// What passes.
    ahead: Vec<Waiting>,
    /// What was passed.
    behind: Vec<Waiting>,
    /// What comes after both, as it was.
    rest: Vec<Waiting>,
}

impl<H: Host> Replica<H> {
    /// Says whether the server lacks chunks of an entry that waits, so that it cannot have
    /// taken that entry, whoever brought it and whatever answer was lost.
    pub(super) async fn is_lacking(&self, dseq: u64) -> Result<bool, PushError> {
        let items = outbox::items(self.host.store(), &self.vault, dseq - 1, 1).await?;
        let chunks = items.first().filter(|item| item.dseq == dseq).map(|item| &item.chunks);
        for page in chunks.into_iter().flat_map(|chunks| chunks.chunks(limits::HAVE_IDS_MAX)) {
            if self.host.server().have(self.vault, page).await?.contains(&false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets what does not build on the entry `refused` go before it. Tells where the refused
    /// ones begin then; `None` if nothing can pass.
    ///
    /// Only whoever holds the vault's push lock may do this, and only where the entry
    /// [is lacking](Self::is_lacking): one that the server may have taken must never be
    /// written anew, and if it took none, it took none behind it.
    pub(super) async fn let_pass(self: &Rc<Self>, refused: u64) -> Result<Option<u64>, Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let Some(waiting) = self.waiting_from(refused).await? else {
            return Ok(None);
        };
        let dense = waiting.iter().map(|entry| entry.item.dseq).eq(refused..=own.dseq);
        let Some(mut prev) = waiting.first().filter(|_| dense).map(|first| first.header.prev)
        else {
            return Ok(None);
        };
        let Parted { ahead, mut behind, rest } = part(waiting);
        let Some(seen) = ahead.last().map(|last| (last.header.seen_seq, last.header.seen_chain))
        else {
            return Ok(None);
        };
        let first = refused + ahead.len() as u64;
        let (mut batch, mut places) = (Batch::new(), BTreeMap::new());
        for entry in behind.iter_mut().filter(|entry| entry.header.seen_seq < seen.0) {
            (entry.header.seen_seq, entry.header.seen_chain) = seen;
        }
        self.raise_seen(&mut batch, &behind).await?;
        for (dseq, entry) in (refused..).zip(ahead.into_iter().chain(behind).chain(rest)) {
            places.insert(entry.item.dseq, dseq);
            prev = self.write_anew(&mut batch, entry, dseq, prev).await?;
        }
        own.prev = prev;
        batch.put(Table::Meta, Own::KEY, encode(&own));
        self.write_strict(batch).await?;
        drop(guard);
        self.move_uploads(&places);
        self.host.announce(&Notice::Reordered(places));
        Ok(Some(first))
    }

    /// Opens what waits from a counter on; `None` if that is more than changes.
    async fn waiting_from(&self, dseq: u64) -> Result<Option<Vec<Waiting>>, Fault> {
        let (store, vault) = (self.host.store(), &self.vault);
        let items = outbox::items(store, vault, dseq - 1, u32::MAX).await;
        let items = items.map_err(|e| from_store(&e))?;
        let dseqs: Vec<u64> = items.iter().map(|item| item.dseq).collect();
        let wires = outbox::entries(store, vault, &dseqs).await.map_err(|e| from_store(&e))?;
        let mut waiting = Vec::with_capacity(items.len());
        for (item, wire) in items.into_iter().zip(wires) {
            match self.open_waiting(item, &wire).await? {
                Some(entry) => waiting.push(entry),
                None => return Ok(None),
            }
        }
        Ok(Some(waiting))
    }

    async fn open_waiting(&self, item: OutboxItem, wire: &[u8]) -> Result<Option<Waiting>, Fault> {
        let entry = Entry::decode(wire).map_err(|_| Fault::Storage)?;
        let header = Header::decode(&entry.header).map_err(|_| Fault::Storage)?;
        if header.kind != EntryKind::Change {
            return Ok(None);
        }
        let secret = self.epoch(header.epoch)?.secret;
        let crypto = self.host.crypto();
        let plain =
            author::open_body(crypto, &secret, &self.vault, &entry.header, &entry.body).await;
        let plain = plain.map_err(|_| Fault::Storage)?;
        let body = ChangeBody::decode(&plain, &header.device).map_err(|_| Fault::Storage)?;
        let mut changes: BTreeSet<NodeId> = ordered::set(body.ops.iter().map(|op| op.node));
        changes.extend(body.texts.iter().map(|part| part.node));
        let made = body.ops.iter().filter(|op| matches!(op.value, Value::Create { .. }));
        let makes = ordered::set(made.map(|op| op.node));
        let mut claims = Vec::new();
        for op in body.ops.iter().filter(|op| !makes.contains(&op.node)) {
            if let Some(row) = self.row(op.node).await? {
                claims.push((op.node, row.may_claim(&op.id, &op.value, header.seen_seq)));
            }
        }
        let ops = body.ops.iter().map(|op| op.id).collect();
        let mut needs = changes.clone();
        needs.extend(body.ops.iter().filter_map(|op| match op.value {
            Value::Create { parent, .. } | Value::Parent(parent) => Some(parent),
            Value::Name(_)
            | Value::Content(_)
            | Value::Trashed(_)
            | Value::Text(_)
            | Value::Purged
            | Value::Label(_) => None,
        }));
        let held = self.held_of(&header.chunks).await?;
        let brings = held.iter().any(|row| row.is_some_and(|row| !row.sent));
        Ok(Some(Waiting { item, header, plain, changes, makes, claims, needs, brings, ops }))
    }

    /// Keeps the rows as everybody will have them who reads these entries.
    async fn raise_seen(&self, batch: &mut Batch, behind: &[Waiting]) -> Result<(), Fault> {
        let mut rows: BTreeMap<NodeId, NodeRow> = BTreeMap::new();
        for entry in behind {
            for node in &entry.changes {
                let row = match rows.remove(node) {
                    Some(row) => Some(row),
                    None => self.row(*node).await?,
                };
                if let Some(mut row) = row {
                    entry.ops.iter().for_each(|op| row.raise_seen(*op, entry.header.seen_seq));
                    rows.insert(*node, row);
                }
            }
        }
        for (node, row) in rows {
            batch.put(Table::Nodes, node.0, row.encode());
        }
        Ok(())
    }

    /// Seals and signs an entry for another place; tells its hash.
    async fn write_anew(
        &self,
        batch: &mut Batch,
        entry: Waiting,
        dseq: u64,
        prev: Hash,
    ) -> Result<Hash, Fault> {
        let header = Header { dseq, prev, ..entry.header };
        let secret = self.epoch(header.epoch)?.secret;
        let (crypto, salt) = (self.host.crypto(), self.host.random());
        let who = self.who();
        let written =
            author::write_sealed(crypto, &header, &secret, &salt, &entry.plain, &who.signing).await;
        let written = written.map_err(|_| Fault::Internal)?;
        let wire = written.encode();
        let entry_bytes = u32::try_from(wire.len()).expect("an entry is at most ENTRY_BYTES_MAX");
        let item = OutboxItem { dseq, entry_bytes, ..entry.item };
        outbox::enqueue(batch, &self.vault, &item, &wire);
        Ok(written.hash())
    }
}

/// Parts what waits, of which the first is refused.
fn part(waiting: Vec<Waiting>) -> Parted {
    let mut parted = Parted::default();
    let (mut held_up, mut claim) = (BTreeSet::new(), Seq::MAX);
    let mut made: BTreeSet<NodeId> = BTreeSet::new();
    for entry in waiting {
        let first = parted.behind.is_empty();
        let stays = first || entry.brings || !entry.needs.is_disjoint(&held_up);
        let unpassed = !stays && entry.header.seen_seq > claim;
        if unpassed || !parted.rest.is_empty() {
            parted.rest.push(entry);
        } else if !stays {
            parted.ahead.push(entry);
        } else {
            made.extend(entry.makes.iter().copied());
            held_up.extend(entry.changes.iter().copied());
            let claims = entry.claims.iter().filter(|(node, _)| !made.contains(node));
            claim = claims.fold(claim, |claim, (_, seen)| claim.min(*seen));
            parted.behind.push(entry);
        }
    }
    parted
}
