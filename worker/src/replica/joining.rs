//! A new device takes a snapshot in the place of the log's beginning.
//!
//! The snapshot is believed because a device of this account signed it, and as long as the log
//! after it agrees: it has to go on from the snapshot's place, to contain the snapshot's entry,
//! and not to have taken its device off. One that does not hold is passed over for an older
//! one, at last for the whole log; nobody fails to join for want of a snapshot. Where bodies are
//! gone from the log, one of the snapshots has to hold (`come_back`).

use std::rc::Rc;

use futures_util::stream::{self, StreamExt};
use offing_core::content::chunk;
use offing_core::id::DeviceId;
use offing_core::log::author;
use offing_core::log::entry::Header;
use offing_core::log::epoch::EpochRecord;
use offing_core::log::snapshot::{Joiner, Part, Piece, Record, SnapshotBody};
use offing_core::log::verify::{Beginning, LogState};
use offing_core::proto::Code;
use offing_core::rpc::Fault;
use offing_core::tree::{NodeRow, listing};

use super::commit::CURSOR_KEY;
use super::fault::from_store;
use super::pull::{self, DEVICE_PREFIX, PullError};
use super::snapshot::NEWEST_KEY;
use super::{LOG_KEY, Own, Replica, encode, epochs, keep};
use crate::host::{Host, Server};
use crate::net::NetError;
use crate::push;
use crate::store::{Batch, Durability, Range, Store, Table, tail};

/// Snapshots that are tried before the whole log is read.
const SNAPSHOTS_MAX: u8 = 3;
/// Pieces that are fetched at once.
const LANES: usize = 4;

/// What became of a snapshot.
enum Taken {
    /// The server has none (any more).
    None,
    /// It does not hold.
    Bad,
    /// It is here; this device signed it.
    From(DeviceId),
}

impl<H: Host> Replica<H> {
    /// Reads the vault for the first time.
    pub(crate) async fn catch_up(self: &Rc<Self>) -> Result<(), Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        for skip in 0..SNAPSHOTS_MAX {
            match self.take_snapshot(skip).await? {
                Taken::None => break,
                Taken::From(signer) if self.holds(signer).await? => return Ok(()),
                Taken::From(_) | Taken::Bad => self.start_over().await?,
            }
        }
        self.pull().await.map(drop).map_err(PullError::fault)
    }

    /// Reads the log after a snapshot; says whether it agrees with it.
    async fn holds(self: &Rc<Self>, signer: DeviceId) -> Result<bool, Fault> {
        let read = self.pull().await;
        let contained = self.stands_on.take().is_none();
        match read {
            Ok(_) => {}
            Err(error @ (PullError::Net(_) | PullError::Restored)) => return Err(error.fault()),
            Err(
                PullError::History | PullError::Gone | PullError::Unseated(_) | PullError::Local(_),
            ) => return Ok(false),
        }
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let signer = state.device(&signer);
        Ok(contained && signer.is_some_and(|signer| signer.revoked_at.is_none()))
    }

    /// Takes the server's last snapshot but `skip`.
    async fn take_snapshot(&self, skip: u8) -> Result<Taken, Fault> {
        // Whether the server is there shows when the log is read.
        let Ok(page) = self.host.server().beginning(self.vault, skip).await else {
            return Ok(Taken::None);
        };
        if page.items.is_empty() {
            return Ok(Taken::None);
        }
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let Some(beginning) = state.check_beginning(self.host.crypto(), &page).await else {
            return Ok(Taken::Bad);
        };
        match self.open_snapshot(&state, &beginning).await {
            Some(()) => {
                self.stands_on.set(Some(beginning.hash));
                Ok(Taken::From(beginning.header.device))
            }
            None => Ok(Taken::Bad),
        }
    }

    /// Opens a snapshot and makes its rows this device's; `None` if it does not hold.
    async fn open_snapshot(&self, empty: &LogState, beginning: &Beginning) -> Option<()> {
        for record in &beginning.records {
            self.open_epoch(record).await.ok()?;
        }
        let header = &beginning.header;
        let (bytes, body) = (&beginning.header_bytes, &beginning.body);
        let body = self.open_snapshot_body(header, bytes, body).await?;
        let (mut state, mut records) = (None, Vec::new());
        let mut take = |piece: Vec<Record>| {
            let mut batch = Batch::new();
            for record in piece {
                if record.part == Part::State {
                    state = Some(empty.thaw(&record.value, body.at, header)?);
                } else {
                    take_record(&mut batch, &mut records, record)?;
                }
            }
            // The state comes first, and is what the rest may be believed for.
            state.as_ref()?;
            Some(batch)
        };
        self.read_pieces(&body, &mut take).await.ok()??;
        for record in &records {
            self.open_epoch(record).await.ok()?;
        }
        let state = state?;
        (1..=state.epoch()).try_for_each(|number| self.epoch(number).map(drop)).ok()?;
        let (lamport, increments) = (body.lamport, body.increments);
        let mut batch = Batch::new();
        batch.put(Table::Meta, Own::KEY, encode(&Own { lamport, increments, ..Own::START }));
        batch.put(Table::Meta, LOG_KEY, encode(&state));
        batch.put(Table::Meta, CURSOR_KEY, encode(&state.at()));
        self.host.store().write(batch, Durability::Strict).await.ok()
    }

    /// Opens the sealed body of a snapshot's entry.
    pub(super) async fn open_snapshot_body(
        &self,
        header: &Header,
        header_bytes: &[u8],
        body: &[u8],
    ) -> Option<SnapshotBody> {
        let (crypto, secret) = (self.host.crypto(), self.epoch(header.epoch).ok()?.secret);
        let opened = author::open_body(crypto, &secret, &self.vault, header_bytes, body).await;
        SnapshotBody::decode(&opened.ok()?).ok()
    }

    /// Reads a snapshot's records, piece by piece, and writes what `take` makes of them; `None`
    /// if it does not hold. An error says nothing of that.
    pub(super) async fn read_pieces(
        &self,
        body: &SnapshotBody,
        take: &mut dyn FnMut(Vec<Record>) -> Option<Batch>,
    ) -> Result<Option<()>, NetError> {
        let mut joiner = Joiner::new(body.at.seq);
        let pieces = stream::iter(body.pieces.iter().copied());
        let mut pieces = pieces.map(|piece| self.fetch_piece(piece)).buffered(LANES);
        while let Some(piece) = pieces.next().await {
            let records = piece?.and_then(|piece| joiner.feed(&piece).ok());
            let Some(batch) = records.and_then(&mut *take) else { return Ok(None) };
            if !batch.is_empty()
                && self.host.store().write(batch, Durability::Relaxed).await.is_err()
            {
                return Ok(None);
            }
        }
        Ok((joiner.finish() == Ok(body.tree)).then_some(()))
    }

    /// A piece, opened; `None` if the server has none that can be.
    pub(super) async fn fetch_piece(&self, piece: Piece) -> Result<Option<Vec<u8>>, NetError> {
        let bytes = match self.host.server().chunk(self.vault, piece.chunk).await {
            Ok(bytes) => bytes,
            Err(error) if error.code() == Some(Code::ChunkUnknown) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (crypto, vault) = (self.host.crypto(), &self.vault);
        let opened = chunk::open_chunk(crypto, vault, &piece.chunk, &piece.key, &bytes).await;
        Ok(opened.ok().map(|mut plain| {
            plain.truncate(piece.bytes as usize);
            plain
        }))
    }

    /// Forgets what was taken, and has read nothing again.
    async fn start_over(&self) -> Result<(), Fault> {
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let mut batch = Batch::new();
        let rows = [Table::Nodes, Table::Listing, Table::Texts, Table::Past, Table::Quarantine];
        for table in rows {
            batch.delete_range(table, Range::all());
        }
        for prefix in [epochs::PREFIX, DEVICE_PREFIX, keep::WANT_PREFIX, NEWEST_KEY] {
            batch.delete_range(Table::Meta, Range::prefix(prefix));
        }
        tail::forget(&mut batch);
        Self::begin(&mut batch, &state.from_the_start(), None);
        let written = self.host.store().write(batch, Durability::Strict).await;
        written.map_err(|e| from_store(&e))?;
        self.epochs.borrow_mut().clear();
        Ok(())
    }
}

/// Adds what a record says to a transaction, and a record of an epoch to those that are opened
/// later; `None` if it says nothing of its kind.
fn take_record(batch: &mut Batch, records: &mut Vec<EpochRecord>, record: Record) -> Option<()> {
    let Record { part, key, value } = record;
    match part {
        Part::State => {}
        Part::Epoch => {
            let record = EpochRecord::decode(&value).ok()?;
            epochs::keep_record(batch, &record);
            records.push(record);
        }
        Part::DeviceName => {
            batch.put(Table::Meta, pull::device_key(DeviceId::from_slice(&key)?), value);
        }
        Part::SetAside => {
            batch.put(Table::Quarantine, key, value);
        }
        Part::Text => {
            batch.put(Table::Texts, key, value);
        }
        Part::Past => {
            batch.put(Table::Past, key, value);
        }
        Part::Node => {
            let row = NodeRow::decode(&value).ok()?;
            for (listed, shown) in listing::entries(&row) {
                batch.put(Table::Listing, listed, shown);
            }
            if row.contents.iter().any(|content| content.value.text) {
                keep::want(batch, row.node);
            }
            batch.put(Table::Nodes, key, value);
        }
    }
    Some(())
}
