//! Writing a snapshot of the vault, so that a new device need not read the whole log.
//!
//! Rows are read in slices while people go on typing; whoever holds the lock for pulling keeps
//! the log from moving, and a change of one's own meanwhile ends the attempt. The pieces are
//! sealed and sent before an entry names them, so no outbox waits for a snapshot. One tab does
//! it, and no device that forgets everything with its session.

use std::ops::ControlFlow;
use std::rc::Rc;

use offing_core::content::chunk::Dedupe;
use offing_core::id::{ChunkId, DeviceId, NodeId, Seq};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{EntryKind, Header};
use offing_core::log::snapshot::{Cutter, Part, Piece, SnapshotBody, SnapshotError};
use offing_core::log::verify::{LogState, Step};
use offing_core::rpc::Fault;
use serde::{Deserialize, Serialize};

use super::commit::CURSOR_KEY;
use super::fault::from_store;
use super::pull::{Brought, DEVICE_PREFIX};
use super::{LOG_KEY, Own, Replica, encode, epochs};
use crate::host::{Host, Notice};
use crate::push::{self, Ended};
use crate::store::{Batch, Direction, Range, Row, Store, Table};

/// Key of the last snapshot of the log, in `Table::Meta`.
pub(super) const NEWEST_KEY: &[u8] = b"snapshot";
/// Fewest entries after the last snapshot before there is another.
const ENTRIES_MIN: u64 = 4_096;
/// Nodes for which one entry more has to come: a snapshot is as large as the tree.
const NODES_AN_ENTRY: u64 = 4;
/// Entries after which an attempt that came to nothing is repeated.
const AGAIN_ENTRIES: u64 = 256;
/// Rows that are read at once.
const SLICE_ROWS: u32 = 1_024;

/// The last snapshot that the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Newest {
    /// Where its entry is.
    pub(super) seq: Seq,
    /// Who wrote it.
    pub(super) device: DeviceId,
}

/// A snapshot that is being cut.
struct Cutting<'a> {
    cutter: Cutter,
    pieces: &'a mut Vec<Piece>,
    /// This device's place when it began.
    own: Own,
}

impl<H: Host> Replica<H> {
    /// Writes a snapshot, on its own, if enough has come after the last one.
    pub(super) fn snapshot_in_time(self: &Rc<Self>, at: Seq) {
        if at < self.snapshot_due.get() || !self.host.is_lasting() {
            return;
        }
        let this = Rc::clone(self);
        self.host.spawn(async move {
            match this.due(at).await {
                Ok(due) if due <= at => {
                    this.snapshot_due.set(at + AGAIN_ENTRIES);
                    // What came to nothing is tried again, and nobody waits for it.
                    this.write_snapshot().await.ok();
                }
                Ok(due) => this.snapshot_due.set(due),
                Err(_) => {}
            }
        });
    }

    /// The place from which on a snapshot is due. Devices differ a little, so that those that
    /// read the same entry do not all write one.
    async fn due(&self, at: Seq) -> Result<Seq, Fault> {
        let newest: Option<Newest> = self.meta(NEWEST_KEY).await?;
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        // Nobody begins with what was signed by a device that was taken off since.
        let serves = |newest: &Newest| {
            state.device(&newest.device).is_some_and(|device| device.revoked_at.is_none())
        };
        let last = newest.filter(serves).map_or(0, |newest| newest.seq);
        let patience = u64::from(self.device().0[0]) * 4;
        let due = last + ENTRIES_MIN + patience;
        if at < due {
            return Ok(due);
        }
        let nodes = self.host.store().count(Table::Nodes, &Range::all()).await;
        let nodes = nodes.map_err(|e| from_store(&e))?;
        Ok(last + ENTRIES_MIN.max(nodes / NODES_AN_ENTRY) + patience)
    }

    /// Takes notice of a snapshot's entry.
    pub(super) fn note_snapshot(&self, step: &Step, header: &Header, brought: &mut Brought) {
        if self.stands_on.get() == Some(step.hash) {
            self.stands_on.set(None);
        }
        if header.device == self.device() {
            brought.pieces.extend(&header.chunks);
            self.may_collect.set(true);
        }
        self.may_countersign.set(true);
        let newest = Newest { seq: step.point.seq, device: header.device };
        brought.also.put(Table::Meta, NEWEST_KEY, encode(&newest));
    }

    /// Writes a snapshot as of where this device has read the log; says whether that could be
    /// done now.
    pub async fn write_snapshot(self: &Rc<Self>) -> Result<bool, Fault> {
        let lock = format!("snapshot:{}", self.vault);
        let Some(_turn) = self.host.try_lock(&lock).await else {
            return Ok(false);
        };
        let _staging = self.staging().await;
        let mut pieces = Vec::new();
        let written = match self.cut_snapshot(&mut pieces).await {
            Ok(Some((body, dseq))) => self.publish(&body, dseq).await,
            Ok(None) => Ok(false),
            Err(fault) => Err(fault),
        };
        if !matches!(written, Ok(true)) {
            self.let_go(&pieces.iter().map(|piece| piece.chunk).collect()).await?;
        }
        written
    }

    /// Seals the pieces, which are in `pieces` whatever comes of it, and says which entry was
    /// this device's last; `None` if it has made changes that are not in the log, or makes one
    /// meanwhile.
    async fn cut_snapshot(
        &self,
        pieces: &mut Vec<Piece>,
    ) -> Result<Option<(SnapshotBody, u64)>, Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let (own, at) = (self.own().await?, state.at());
        let known = state.device(&self.device());
        if !known.is_some_and(|known| known.dseq == own.dseq && known.revoked_at.is_none()) {
            return Ok(None);
        }
        let mut cutting = Cutting { cutter: Cutter::new(at.seq), pieces, own };
        cutting.cutter.push(Part::State, &[], &state.freeze()).map_err(fault_of)?;
        for (part, table, prefix) in [
            (Part::Epoch, Table::Meta, epochs::PREFIX),
            (Part::DeviceName, Table::Meta, DEVICE_PREFIX),
            (Part::SetAside, Table::Quarantine, &[]),
            (Part::Text, Table::Texts, &[]),
            (Part::Node, Table::Nodes, &[]),
            (Part::Past, Table::Past, &[]),
        ] {
            if !self.cut_rows(&mut cutting, part, table, prefix).await? {
                return Ok(None);
            }
        }
        let (last, tree) = cutting.cutter.finish().map_err(fault_of)?;
        self.keep_piece(pieces, &last).await?;
        let (lamport, increments) = (own.lamport, own.increments);
        let body = SnapshotBody { at, lamport, increments, tree, pieces: pieces.clone() };
        Ok(Some((body, own.dseq)))
    }

    /// Cuts all rows of a table that begin with a prefix; says whether nothing changed.
    async fn cut_rows(
        &self,
        cutting: &mut Cutting<'_>,
        part: Part,
        table: Table,
        prefix: &[u8],
    ) -> Result<bool, Fault> {
        let mut range = Range::prefix(prefix);
        loop {
            let rows = self.slice(table, &range).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(true);
            };
            range.start = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                cutting.cutter.push(part, &key[prefix.len()..], value).map_err(fault_of)?;
                while let Some(piece) = cutting.cutter.piece().map_err(fault_of)? {
                    self.keep_piece(cutting.pieces, &piece).await?;
                }
            }
            if self.closed.get() || self.own().await? != cutting.own {
                return Ok(false);
            }
        }
    }

    /// The first rows of a range. All of a text's come in one read: its document may be saved
    /// whole at any time, and takes the place of increments then.
    pub(super) async fn slice(&self, table: Table, range: &Range) -> Result<Vec<Row>, Fault> {
        let store = self.host.store();
        let rows = store.scan(table, range, 0, SLICE_ROWS, Direction::Forward).await;
        let mut rows = rows.map_err(|e| from_store(&e))?;
        if table == Table::Texts && rows.len() == SLICE_ROWS as usize {
            let node = |row: &Row| row.0[..NodeId::LEN].to_vec();
            let last = node(&rows[rows.len() - 1]);
            rows.retain(|row| node(row) != last);
            if rows.is_empty() {
                let all = Range::prefix(&last);
                let all = store.scan(table, &all, 0, u32::MAX, Direction::Forward).await;
                return all.map_err(|e| from_store(&e));
            }
        }
        Ok(rows)
    }

    /// Seals a piece and stores it here. Its salt is random: no other content is ever this
    /// chunk, so the server may drop it with the snapshot.
    async fn keep_piece(&self, pieces: &mut Vec<Piece>, piece: &[u8]) -> Result<(), Fault> {
        let (_, epoch) = self.current_epoch()?;
        let dedupe = Dedupe::Off(self.host.random());
        let sealed = epoch.sealer.seal(self.host.crypto(), piece, dedupe).await;
        let sealed = sealed.map_err(|_| Fault::Internal)?;
        let bytes = u32::try_from(piece.len()).map_err(|_| Fault::TooMany)?;
        pieces.push(Piece { chunk: sealed.id, key: sealed.key, bytes });
        self.store_chunk(sealed.id, &sealed.bytes).await?;
        self.keep_stored(sealed.id, sealed.bytes.len()).await
    }

    /// Sends the pieces, then puts the entry that names them into the outbox. The header says
    /// that the place was seen and no more: the server takes it for what the snapshot covers.
    async fn publish(self: &Rc<Self>, body: &SnapshotBody, dseq: u64) -> Result<bool, Fault> {
        let pieces: Vec<ChunkId> = body.pieces.iter().map(|piece| piece.chunk).collect();
        if pieces.len() > limits::ENTRY_CHUNKS_MAX {
            return Err(Fault::TooMany);
        }
        let (store, chunks, server) = (self.host.store(), self.host.chunks(), self.host.server());
        let mut observe = |_: &push::Step| {
            if self.closed.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let sent =
            push::upload(self.vault, &pieces, store, chunks, server, &self.pace, &mut observe);
        if !matches!(sent.await, Ok(Ended::Drained)) {
            return Ok(false);
        }
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let cursor: Option<ChainPoint> = self.meta(CURSOR_KEY).await?;
        if own.dseq != dseq && cursor != Some(body.at) {
            // What was written meanwhile has seen more, and nobody has seen less later.
            return Ok(false);
        }
        let (plain, kind) = (body.encode(), EntryKind::Snapshot);
        let entry = self.seal_entry(&self.who(), &mut own, body.at, kind, &pieces, &plain).await?;
        let mut batch = Batch::new();
        self.put_entry(&mut batch, &own, &entry, pieces);
        self.write_strict(batch).await?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await?;
        Ok(true)
    }
}

/// A row that another tab has just changed, or one that is too long.
fn fault_of(_: SnapshotError) -> Fault {
    Fault::Internal
}
