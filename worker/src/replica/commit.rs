//! A person's change: one strict transaction of rows, text increments, entry and outbox.
//!
//! Under the commit lock, the ops are made against the rows as they are, applied, sealed
//! and signed; then everything is written at once. Either the change is on this device,
//! whole and on its way, or nothing happened.

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{ChunkId, DeviceId, NodeId};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::change::{ChangeBody, TextPart};
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::ordered;
use offing_core::rpc::Fault;
use offing_core::tree::edit::{Edit, EditError};
use offing_core::tree::{
    self, Changes, KnownOp, Missing, Need, NodeRow, Op, TreeReader, WorkingSet,
};

use super::fault::from_store;
use super::text_store::{self, Increment};
use super::working::Stop;
use super::{Own, RENEWED_KEY, Replica, decode, encode};
use crate::host::{Host, SigningKey};
use crate::store::outbox::{self, OutboxItem};
use crate::store::{Batch, Durability, Store, StoreError, Table};

/// Key of the last verified place of the log, in `Table::Meta`.
pub(crate) const CURSOR_KEY: &[u8] = b"cursor";

/// Makes the ops of a change; called again when more rows were loaded. Not generic: each
/// kind of edit would be a copy of all that commits it.
pub(super) type MakeOps<'a> = &'a dyn Fn(&mut Edit<'_, WorkingSet>) -> Result<(), EditError>;

/// How ops get into the rows: `tree::apply`, or `tree::apply_in_view`.
pub(super) type MergeOps = fn(&WorkingSet, &[KnownOp]) -> Result<Changes, Missing>;

/// Who signs an entry.
pub(super) struct Who<H: Host> {
    pub(super) device: DeviceId,
    pub(super) signing: SigningKey<H>,
}

/// What goes with a change beside its ops.
#[derive(Default)]
pub(super) struct Extra {
    /// Changes of texts.
    pub(super) texts: Vec<TextPart>,
    /// Whose changes of texts they are.
    pub(super) typed_by: Option<DeviceId>,
    /// Further steps of the same transaction.
    pub(super) also: Batch,
    /// Nodes that the edit is about: read at once, and not one after the other as the edit
    /// misses them.
    pub(super) about: Vec<NodeId>,
}

impl Extra {
    /// Nothing but the nodes that the edit is about.
    pub(super) fn about(nodes: &[NodeId]) -> Self {
        Self { about: nodes.to_vec(), ..Self::default() }
    }
}

/// A change that is saved on this device.
pub(super) struct Committed {
    /// The entry's counter.
    pub(super) dseq: u64,
    /// Its ops.
    pub(super) ops: Vec<Op>,
    /// The rows they changed, as they were before.
    pub(super) before: Vec<NodeRow>,
}

struct Prepared {
    committed: Committed,
    folders: BTreeSet<NodeId>,
    /// The files whose texts changed.
    texts: Vec<NodeId>,
    /// The files that have new content.
    replaced: Vec<NodeId>,
}

impl<H: Host> Replica<H> {
    /// Makes a change.
    pub(super) async fn commit(
        self: &Rc<Self>,
        extra: Extra,
        edit: MakeOps<'_>,
    ) -> Result<Committed, Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let prepared = self.commit_locked(extra, edit).await;
        drop(guard);
        let prepared = prepared.inspect_err(|fault| self.note(fault))?;
        self.count_pending().await?;
        let texts = [prepared.texts, prepared.replaced.clone()].concat();
        self.announce(prepared.folders.into_iter().collect(), texts).await?;
        for node in prepared.replaced {
            // It is saved; an open editor that cannot follow now does so with the next change.
            self.load_increments(node).await.ok();
        }
        Ok(prepared.committed)
    }

    async fn commit_locked(&self, extra: Extra, edit: MakeOps<'_>) -> Result<Prepared, Fault> {
        let (mut own, cursor) = self.own_and_cursor().await?;
        if extra.typed_by.is_some_and(|device| device != self.device()) {
            // This profile became another device; `save_once` makes the changes again.
            return Err(Fault::Internal);
        }
        let mut set = WorkingSet::default();
        self.load(&mut set, extra.about.iter().copied().map(Need::Row).collect()).await?;
        let (device, lamport) = (self.device(), own.lamport);
        let ops = self
            .with_rows(&mut set, |set| {
                let mut gathered = Edit::new(set, device, lamport);
                edit(&mut gathered).map_err(stop_of)?;
                Ok(gathered.into_ops())
            })
            .await?;
        let before = rows_of(&set, &ops);
        let texts: Vec<NodeId> = extra.texts.iter().map(|part| part.node).collect();
        let mut batch = extra.also;
        if ops.is_empty() && texts.is_empty() {
            let committed = Committed { dseq: own.dseq, ops, before };
            if !batch.is_empty() {
                self.write_strict(batch).await?;
            }
            return Ok(Prepared {
                committed,
                folders: BTreeSet::new(),
                texts,
                replaced: Vec::new(),
            });
        }
        let mut chunks: Vec<ChunkId> = Vec::new();
        for op in &ops {
            chunks.extend(self.chunks_of(op.node, &op.value).await?);
        }
        let mut seen = BTreeSet::new();
        chunks.retain(|id| seen.insert(*id));
        let body = ChangeBody { time_ms: self.host.now_ms(), ops, texts: extra.texts };
        let known = body.known_ops(None, cursor.seq);
        let changes = self.apply(tree::apply_in_view, &mut set, &known).await?;
        if !changes.rejected.is_empty() {
            return Err(Fault::Internal);
        }
        own.lamport = own.lamport.max(changes.lamport_max);
        put_changes(&mut batch, &changes);
        let replaced = self.keep_replaced(&mut batch, &known, &set).await?;
        put_increments(&mut batch, &mut own, &body.texts, device);
        let entry = self.seal_change(&self.who(), &mut own, cursor, &chunks, &body).await?;
        self.put_entry(&mut batch, &own, &entry, chunks);
        self.write_strict(batch).await?;
        let committed = Committed { dseq: own.dseq, ops: body.ops, before };
        Ok(Prepared { committed, folders: changes.folders, texts, replaced })
    }

    /// Where this device stands in the vault and in the log, in one read.
    pub(super) async fn own_and_cursor(&self) -> Result<(Own, ChainPoint), Fault> {
        let keys = [Own::KEY.to_vec(), CURSOR_KEY.to_vec(), RENEWED_KEY.to_vec()];
        let found = self.host.store().get_many(Table::Meta, &keys).await;
        let found = found.map_err(|e| from_store(&e))?;
        let [own, cursor, renewed] = &found[..] else {
            return Err(Fault::Storage);
        };
        if let Some(renewed) = decode(renewed)? {
            self.take_up(&renewed).await?;
        }
        Ok((decode(own)?.unwrap_or(Own::START), decode(cursor)?.unwrap_or(ChainPoint::START)))
    }

    /// Merges ops into the rows, loading what that needs.
    pub(super) async fn apply(
        &self,
        merge: MergeOps,
        set: &mut WorkingSet,
        ops: &[KnownOp],
    ) -> Result<Changes, Fault> {
        self.with_rows(set, |set| {
            merge(set, ops).map_err(|missing| Stop::<Fault>::Needs(missing.needs))
        })
        .await
    }

    /// Who signs what this profile writes now.
    pub(super) fn who(&self) -> Who<H> {
        Who { device: self.device(), signing: self.keys.borrow().signing.clone() }
    }

    /// Writes the next entry of a device, in the current epoch, as one that has seen `seen`.
    pub(super) async fn seal_change(
        &self,
        who: &Who<H>,
        own: &mut Own,
        seen: ChainPoint,
        chunks: &[ChunkId],
        body: &ChangeBody,
    ) -> Result<Entry, Fault> {
        if chunks.len() > limits::ENTRY_CHUNKS_MAX {
            return Err(Fault::TooMany);
        }
        let plain = body.encode().map_err(|_| Fault::TooMany)?;
        self.seal_entry(who, own, seen, EntryKind::Change, chunks, &plain).await
    }

    /// Writes the next entry of a device, whatever its sealed body says.
    pub(super) async fn seal_entry(
        &self,
        who: &Who<H>,
        own: &mut Own,
        seen: ChainPoint,
        kind: EntryKind,
        chunks: &[ChunkId],
        plain: &[u8],
    ) -> Result<Entry, Fault> {
        let (number, _) = self.current_epoch()?;
        let mut header = self.next_header(kind, who.device, own, seen, number);
        header.chunks = chunks.to_vec();
        self.seal_headed(who, own, &header, plain).await
    }

    /// Writes the next entry of a device under a header that is made.
    pub(super) async fn seal_headed(
        &self,
        who: &Who<H>,
        own: &mut Own,
        header: &Header,
        plain: &[u8],
    ) -> Result<Entry, Fault> {
        let (_, epoch) = self.current_epoch()?;
        let (crypto, salt) = (self.host.crypto(), self.host.random());
        let entry =
            author::write_sealed(crypto, header, &epoch.secret, &salt, plain, &who.signing).await;
        let entry = entry.map_err(|error| {
            let too_long = matches!(error, author::AuthorError::TooLong { .. });
            if too_long { Fault::TooMany } else { Fault::Internal }
        })?;
        own.dseq += 1;
        own.prev = entry.hash();
        Ok(entry)
    }

    /// The header of a device's next entry.
    pub(super) fn next_header(
        &self,
        kind: EntryKind,
        device: DeviceId,
        own: &Own,
        seen: ChainPoint,
        epoch: u32,
    ) -> Header {
        Header {
            kind,
            vault: Some(self.vault),
            device,
            dseq: own.dseq + 1,
            prev: own.prev,
            seen_seq: seen.seq,
            seen_chain: seen.chain,
            epoch,
            streams: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Adds an entry of this device, and its own new state, to a transaction.
    pub(super) fn put_entry(
        &self,
        batch: &mut Batch,
        own: &Own,
        entry: &Entry,
        chunks: Vec<ChunkId>,
    ) {
        let wire = entry.encode();
        let item = OutboxItem {
            device: self.device(),
            dseq: own.dseq,
            entry_bytes: u32::try_from(wire.len()).expect("an entry is at most ENTRY_BYTES_MAX"),
            chunks,
            created_ms: self.host.now_ms(),
        };
        outbox::enqueue(batch, &self.vault, &item, &wire);
        batch.put(Table::Meta, Own::KEY, encode(own));
    }

    /// Writes what a person made. An item stays in memory until this answers.
    pub(super) async fn write_strict(&self, batch: Batch) -> Result<(), Fault> {
        self.write(batch, Durability::Strict).await?;
        self.storage_works();
        Ok(())
    }

    /// Writes a batch, making room if there is none.
    pub(super) async fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault> {
        let store = self.host.store();
        let mut written = store.write(batch.clone(), durability).await;
        if written == Err(StoreError::Full) && self.make_room().await {
            written = store.write(batch, durability).await;
        }
        written.map_err(|e| from_store(&e))
    }
}

fn stop_of(error: EditError) -> Stop<Fault> {
    if let EditError::Missing(missing) = error {
        return Stop::Needs(missing.needs);
    }
    Stop::Failed(error.fault())
}

fn rows_of(set: &WorkingSet, ops: &[Op]) -> Vec<NodeRow> {
    let nodes: BTreeSet<NodeId> = ordered::set(ops.iter().map(|op| op.node));
    nodes.iter().filter_map(|node| set.row(node).flatten().cloned()).collect()
}

/// Adds what a merge changed to a transaction.
pub(super) fn put_changes(batch: &mut Batch, changes: &Changes) {
    for key in &changes.listing_delete {
        batch.delete(Table::Listing, key.as_slice());
    }
    for row in &changes.rows {
        batch.put(Table::Nodes, row.node.0, row.encode());
    }
    for (key, value) in &changes.listing_put {
        batch.put(Table::Listing, key.as_slice(), value.as_slice());
    }
}

/// Adds changes of texts to a transaction, each as the text's next increment.
pub(super) fn put_increments(
    batch: &mut Batch,
    own: &mut Own,
    texts: &[TextPart],
    device: DeviceId,
) {
    for part in texts {
        own.increments += 1;
        let increment = Increment { base: part.base, changes: part.changes.clone(), device };
        let key = text_store::increment_key(part.node, own.increments);
        batch.put(Table::Texts, key, encode(&increment));
    }
}
