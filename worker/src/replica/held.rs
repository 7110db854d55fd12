//! The index of the chunks on this device: what is here, since when, and whether the server
//! has it too.
//!
//! A file comes before its row. Where nothing durable names a chunk yet, whoever stored it
//! holds a [`Staging`], so that no tab takes it for a leftover. What the verified log names,
//! or the server gave, is marked as *sent*; only that can be let go.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_core::ordered;
use offing_core::rpc::Fault;
use serde::{Deserialize, Serialize};

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::chunks::ChunkStore;
use crate::store::{Batch, Direction, Durability, Range, Store, StoreError, Table, outbox};

/// Prefix of the rows that name the chunks of long manifests whose contents are all here.
const WHOLE_PREFIX: &[u8] = b"whole/";
/// How long a chunk that is read again counts as just used: a row is written each time.
const USED_STEP_MS: i64 = 60 * 60 * 1_000;

/// What the index says of a chunk on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeldChunk {
    /// Length of the container.
    pub(super) bytes: u32,
    /// When it was last put, fetched or read, milliseconds since 1970.
    pub(super) used_ms: i64,
    /// The server has it.
    pub(super) sent: bool,
}

impl HeldChunk {
    fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always serialises")
    }

    /// Rows of before the mark say nothing of the server.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let unmarked = || postcard::from_bytes::<(u32, i64)>(bytes).ok();
        postcard::from_bytes(bytes)
            .ok()
            .or_else(|| unmarked().map(|(bytes, used_ms)| Self { bytes, used_ms, sent: false }))
    }
}

fn whole_key(id: ChunkId) -> Vec<u8> {
    [WHOLE_PREFIX, id.0.as_slice()].concat()
}

/// Held from before a chunk is stored until an entry or an upload's record names it.
pub(super) struct Staging<G> {
    count: Rc<Cell<u32>>,
    _guard: G,
}

impl<G> Drop for Staging<G> {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

impl<H: Host> Replica<H> {
    /// Keeps chunks that nothing names yet from being swept, by whichever tab.
    pub(super) async fn staging(&self) -> Staging<H::Guard> {
        let guard = self.host.lock_shared(&self.staging_lock()).await;
        self.staging.set(self.staging.get() + 1);
        Staging { count: Rc::clone(&self.staging), _guard: guard }
    }

    pub(super) fn staging_lock(&self) -> String {
        format!("staging:{}", self.vault)
    }

    /// Stores the bytes of a chunk of this device's own making, making room if there is none.
    pub(super) async fn store_chunk(&self, id: ChunkId, bytes: &[u8]) -> Result<(), Fault> {
        debug_assert!(self.staging.get() > 0, "nothing names this chunk yet");
        self.put_bytes(id, bytes).await
    }

    async fn put_bytes(&self, id: ChunkId, bytes: &[u8]) -> Result<(), Fault> {
        let chunks = self.host.chunks();
        let mut put = chunks.put(id, bytes).await;
        if put == Err(StoreError::Full) && self.make_room().await {
            put = chunks.put(id, bytes).await;
        }
        put.map_err(|e| from_store(&e))
    }

    /// Keeps a chunk that the server gave.
    pub(super) async fn keep_fetched(&self, id: ChunkId, bytes: &[u8]) -> Result<(), Fault> {
        let _staging = self.staging().await;
        self.put_bytes(id, bytes).await?;
        let mut batch = Batch::new();
        let row = HeldChunk { sent: true, ..self.held_now(bytes.len()) };
        batch.put(Table::Chunks, id.0, row.encode());
        self.write(batch, Durability::Relaxed).await?;
        self.note_rows_changed();
        Ok(())
    }

    /// Enters a chunk that is stored here into the index.
    pub(super) async fn keep_stored(&self, id: ChunkId, bytes: usize) -> Result<(), Fault> {
        let mut batch = Batch::new();
        self.put_held(&mut batch, &ordered::map([(id, bytes)])).await?;
        self.write(batch, Durability::Relaxed).await
    }

    /// Adds the rows of chunks that are stored here, of these lengths, to a transaction.
    pub(super) async fn put_held(
        &self,
        batch: &mut Batch,
        stored: &BTreeMap<ChunkId, usize>,
    ) -> Result<(), Fault> {
        let ids: Vec<ChunkId> = stored.keys().copied().collect();
        for ((id, bytes), before) in stored.iter().zip(self.held_of(&ids).await?) {
            // What is stored again may be on the server since long.
            let sent = before.is_some_and(|row| row.sent);
            let row = HeldChunk { sent, ..self.held_now(*bytes) };
            batch.put(Table::Chunks, id.0, row.encode());
        }
        Ok(())
    }

    fn held_now(&self, bytes: usize) -> HeldChunk {
        let bytes = u32::try_from(bytes).expect("a chunk is at most CHUNK_SEALED_BYTES_MAX");
        HeldChunk { bytes, used_ms: self.host.now_ms(), sent: false }
    }

    /// Marks what this device's entries up to `dseq` named: the verified log has them.
    pub(super) async fn mark_sent(&self, batch: &mut Batch, dseq: u64) -> Result<(), Fault> {
        let items = outbox::items(self.host.store(), &self.vault, 0, u32::MAX).await;
        let items = items.map_err(|e| from_store(&e))?;
        let sent = items.into_iter().filter(|item| item.dseq <= dseq);
        let ids: Vec<ChunkId> = sent.flat_map(|item| item.chunks).collect();
        for (id, row) in ids.iter().zip(self.held_of(&ids).await?) {
            if let Some(row) = row.filter(|row| !row.sent) {
                batch.put(Table::Chunks, id.0, HeldChunk { sent: true, ..row }.encode());
            }
        }
        Ok(())
    }

    /// Notes that a chunk was read, so that others go before it.
    pub(super) async fn note_use(&self, id: ChunkId, row: HeldChunk) {
        let used_ms = self.host.now_ms();
        if used_ms - row.used_ms >= USED_STEP_MS {
            let mut batch = Batch::new();
            batch.put(Table::Chunks, id.0, HeldChunk { used_ms, ..row }.encode());
            // A note that is lost makes the chunk look older, no more.
            self.host.store().write(batch, Durability::Relaxed).await.ok();
        }
    }

    pub(super) async fn held(&self, id: ChunkId) -> Result<Option<HeldChunk>, Fault> {
        Ok(self.held_of(&[id]).await?.pop().flatten())
    }

    /// What the index says of each of these chunks.
    pub(super) async fn held_of(&self, ids: &[ChunkId]) -> Result<Vec<Option<HeldChunk>>, Fault> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.0.to_vec()).collect();
        let rows = self.host.store().get_many(Table::Chunks, &keys).await;
        let rows = rows.map_err(|e| from_store(&e))?;
        Ok(rows.iter().map(|row| HeldChunk::decode(row.as_deref()?)).collect())
    }

    /// Tells of each chunk whether it is on this device.
    pub(super) async fn are_held(&self, ids: &[ChunkId]) -> Result<Vec<bool>, Fault> {
        Ok(self.held_of(ids).await?.iter().map(Option::is_some).collect())
    }

    /// Everything in the index.
    pub(super) async fn all_held(&self) -> Result<Vec<(ChunkId, HeldChunk)>, Fault> {
        let store = self.host.store();
        let rows = store.scan(Table::Chunks, &Range::all(), 0, u32::MAX, Direction::Forward).await;
        let rows = rows.map_err(|e| from_store(&e))?;
        let read = |(key, row): &(Vec<u8>, Vec<u8>)| {
            Some((ChunkId::from_slice(key)?, HeldChunk::decode(row)?))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Notes that all chunks of a long manifest are here, if they are: whoever lists the
    /// file cannot open its manifest.
    pub(super) async fn note_whole(&self, id: ChunkId, chunks: &[ChunkId]) -> Result<(), Fault> {
        if self.are_held(chunks).await?.iter().all(|held| *held) {
            let mut batch = Batch::new();
            batch.put(
                Table::Meta,
                whole_key(id),
                chunks.iter().flat_map(|id| id.0).collect::<Vec<u8>>(),
            );
            self.write(batch, Durability::Relaxed).await?;
        }
        Ok(())
    }

    /// Tells of each long manifest whether all its chunks are here.
    pub(super) async fn are_whole(&self, ids: &[ChunkId]) -> Result<Vec<bool>, Fault> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| whole_key(*id)).collect();
        let found = self.host.store().get_many(Table::Meta, &keys).await;
        Ok(found.map_err(|e| from_store(&e))?.iter().map(Option::is_some).collect())
    }

    /// Removes chunks from this device.
    ///
    /// Files go first: on a full disk no row may be writable. A row without its file says
    /// that something is here which has to be fetched; the next sweep removes it.
    pub(super) async fn let_go(&self, ids: &HashSet<ChunkId>) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for id in ids {
            // What another tab holds open stays, with its row.
            if self.host.chunks().delete(*id).await.is_ok() {
                batch.delete(Table::Chunks, id.0);
            }
        }
        let store = self.host.store();
        let whole = Range::prefix(WHOLE_PREFIX);
        let whole = store.scan(Table::Meta, &whole, 0, u32::MAX, Direction::Forward).await;
        for (key, chunks) in whole.map_err(|e| from_store(&e))? {
            let mut chunks = chunks.chunks_exact(ChunkId::LEN).filter_map(ChunkId::from_slice);
            if chunks.any(|chunk| ids.contains(&chunk)) {
                batch.delete(Table::Meta, key);
            }
        }
        self.note_rows_changed();
        store.write(batch, Durability::Relaxed).await.map_err(|e| from_store(&e))
    }
}
