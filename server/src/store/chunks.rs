//! Chunk bytes and their index, kept in step.
//!
//! One thread owns the [`BlobStore`]. Requests send it chunks, which it writes as they
//! come, and asks to flush, which it gathers: one fsync covers everything written before,
//! whoever wrote it. Then it puts the rows into the index, lets them become durable with
//! the next thing that has to be (`Durability::Later`: the segments can restore them), and
//! only then answers. Since one thread does both, the index never runs ahead of a gap: what
//! lies before a segment's `indexed_to` has its rows, what lies behind is scanned at start.
//!
//! Memory is bounded, in all and for each account: a chunk under way holds a [`Permit`] for
//! its bytes until it is written.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use offing_core::id::{AccountId, ChunkId, VaultId};
use offing_core::limits;
use tokio::sync::{mpsc, oneshot};

use self::keeper::{Keeper, recover};
use super::blob::{BlobError, BlobReader, BlobStore, Pieces};
use super::meta::{MetaError, MetaRead, MetaResult, MetaStore, StoredChunk};
use crate::intake::{Pool, PoolBusy, Reserved};

mod keeper;

/// How chunks are received.
#[derive(Debug, Clone)]
pub struct ChunkStoreOptions {
    /// Most bytes of chunks in memory at one time.
    pub bytes_max: usize,
    /// Most of them for one account.
    pub account_bytes_max: usize,
}

impl Default for ChunkStoreOptions {
    fn default() -> Self {
        // Thirty-two of the largest, eight of them one account's.
        Self {
            bytes_max: 32 * limits::CHUNK_SEALED_BYTES_MAX,
            account_bytes_max: 8 * limits::CHUNK_SEALED_BYTES_MAX,
        }
    }
}

/// Reports a chunk that was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkStoreError {
    /// The account's space is used up.
    #[error("the account's space is used up")]
    Quota,
    /// The chunk's vault is not there.
    #[error("no such vault")]
    VaultUnknown,
    /// Too many bytes are under way.
    #[error(transparent)]
    Busy(#[from] PoolBusy),
    /// The store is closed.
    #[error("the chunk store is closed")]
    Closed,
    /// The bytes could not be kept.
    #[error(transparent)]
    Blob(Arc<BlobError>),
    /// The index could not be kept.
    #[error(transparent)]
    Meta(Arc<MetaError>),
}

impl From<BlobError> for ChunkStoreError {
    fn from(error: BlobError) -> Self {
        Self::Blob(Arc::new(error))
    }
}

impl From<MetaError> for ChunkStoreError {
    fn from(error: MetaError) -> Self {
        Self::Meta(Arc::new(error))
    }
}

/// What [`ChunkStore::open`] repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Chunks that were durable but not in the index.
    pub reindexed_chunks: u64,
    /// Bytes of half-written records cut off.
    pub cut_bytes: u64,
    /// Bytes that are no record and not in the index, and not the end of the last segment;
    /// left as they are.
    pub damaged_bytes: u64,
    /// Chunks of vaults that the index does not know, as beside an older database; left as
    /// they are.
    pub unknown_chunks: u64,
    /// Segments that the index knows and the disk does not.
    pub lost_segments: u32,
}

/// The right to hold one chunk in memory.
pub struct Permit(#[expect(dead_code, reason = "held for its Drop")] Reserved);

/// A verified chunk on its way to the disk.
pub struct IncomingChunk {
    /// Its vault.
    pub vault: VaultId,
    /// The chunk, which the bytes hash to.
    pub id: ChunkId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The right to hold it.
    pub permit: Permit,
}

/// A chunk that was handed over and may not be durable yet.
pub struct Pending(oneshot::Receiver<Result<(), ChunkStoreError>>);

impl Pending {
    /// Waits until the chunk is durable; somebody has to flush.
    #[tracing::instrument(name = "chunks", level = "debug", skip_all)]
    pub async fn durable(self) -> Result<(), ChunkStoreError> {
        self.0.await.map_err(|_| ChunkStoreError::Closed)?
    }
}

/// Says which chunks of a vault to remove, in the transaction that removes them.
type Select = Box<dyn FnOnce(&dyn MetaRead) -> MetaResult<Vec<ChunkId>> + Send>;

enum Message {
    Put(IncomingChunk, oneshot::Sender<Result<(), ChunkStoreError>>),
    Flush,
    Remove(VaultId, Select, oneshot::Sender<Result<usize, ChunkStoreError>>),
    Compact(oneshot::Sender<Result<usize, ChunkStoreError>>),
}

/// Most messages that wait for the thread.
const MESSAGES_MAX: usize = 256;

/// The chunk store; cloning shares it. Dropping the last clone flushes and waits for that.
#[derive(Clone)]
pub struct ChunkStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` only while dropping.
    messages: Option<mpsc::Sender<Message>>,
    keeper: Option<JoinHandle<()>>,
    buffers: Pool<AccountId>,
    reader: Arc<dyn BlobReader>,
    syncs: Arc<AtomicU64>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.messages = None;
        if let Some(keeper) = self.keeper.take() {
            // A panic of the thread has been reported by the thread.
            let _ = keeper.join();
        }
    }
}

impl ChunkStore {
    /// Starts the store's thread over a blob store, after bringing the index up to date.
    ///
    /// Blocks the calling thread until that is done.
    pub fn open(
        meta: Arc<dyn MetaStore>,
        mut blobs: Box<dyn BlobStore>,
        options: &ChunkStoreOptions,
    ) -> Result<(Self, Recovery), ChunkStoreError> {
        let (messages, inbox) = mpsc::channel(MESSAGES_MAX);
        let reader = blobs.reader();
        let syncs = Arc::new(AtomicU64::new(0));
        let keeper_syncs = Arc::clone(&syncs);
        let (ready, recovered) = std::sync::mpsc::channel();
        // Recovery runs on the thread too: it waits for answers, which a thread of the
        // runtime, where `open` may be called, must not.
        let keeper = std::thread::Builder::new()
            .name("chunks".to_owned())
            .spawn(move || {
                let recovery = recover(&*meta, &mut *blobs);
                let proceed = recovery.is_ok();
                keeper_syncs.store(blobs.syncs(), Ordering::Relaxed);
                let _ = ready.send(recovery);
                if proceed {
                    Keeper::new(meta, blobs, keeper_syncs).run(inbox);
                }
            })
            .map_err(BlobError::Io)?;
        let inner = Inner {
            messages: Some(messages),
            keeper: Some(keeper),
            buffers: Pool::new(options.bytes_max, options.account_bytes_max),
            reader,
            syncs,
        };
        let recovery = recovered.recv().map_err(|_| ChunkStoreError::Closed)??;
        Ok((Self { inner: Arc::new(inner) }, recovery))
    }

    /// Waits, for a bounded time, for the right to hold one more chunk in memory.
    pub async fn reserve(
        &self,
        account: AccountId,
        bytes: usize,
    ) -> Result<Permit, ChunkStoreError> {
        Ok(Permit(self.inner.buffers.reserve(account, bytes).await?))
    }

    /// Hands a chunk over to be written.
    pub async fn write(&self, chunk: IncomingChunk) -> Result<Pending, ChunkStoreError> {
        let (answer, pending) = oneshot::channel();
        self.send(Message::Put(chunk, answer)).await?;
        Ok(Pending(pending))
    }

    /// Asks that what was handed over becomes durable.
    pub async fn flush(&self) -> Result<(), ChunkStoreError> {
        self.send(Message::Flush).await
    }

    /// Asks for the same where waiting is impossible. With a full queue nothing is asked:
    /// those who filled it flush anyway.
    pub fn flush_later(&self) {
        if let Some(messages) = &self.inner.messages {
            let _ = messages.try_send(Message::Flush);
        }
    }

    /// Takes the chunks that `select` finds in one transaction with it from the index of a
    /// vault, and says how many; their bytes become dead space.
    pub async fn remove(
        &self,
        vault: VaultId,
        select: impl FnOnce(&dyn MetaRead) -> MetaResult<Vec<ChunkId>> + Send + 'static,
    ) -> Result<usize, ChunkStoreError> {
        let (answer, done) = oneshot::channel();
        self.send(Message::Remove(vault, Box::new(select), answer)).await?;
        done.await.map_err(|_| ChunkStoreError::Closed)?
    }

    /// Moves what lives in a few segments that are mostly dead, removes them, says how many.
    /// Segments with anything unknown or damaged in them stay.
    pub async fn compact(&self) -> Result<usize, ChunkStoreError> {
        let (answer, done) = oneshot::channel();
        self.send(Message::Compact(answer)).await?;
        done.await.map_err(|_| ChunkStoreError::Closed)?
    }

    /// Reads a range of a chunk.
    pub fn read(&self, chunk: &StoredChunk, range: Range<u64>) -> Pieces {
        let (segment, begin) = (chunk.at.segment, chunk.at.offset);
        self.reader().pieces(segment, begin + range.start..begin + range.end)
    }

    /// Reads in segments, whatever the index says.
    pub(crate) fn reader(&self) -> Arc<dyn BlobReader> {
        Arc::clone(&self.inner.reader)
    }

    /// Messages that wait for the thread.
    pub(crate) fn waiting(&self) -> u64 {
        let messages = self.inner.messages.as_ref();
        messages.map_or(0, |messages| messages.max_capacity() - messages.capacity()) as u64
    }

    /// How many times the disk was waited for.
    pub fn syncs(&self) -> u64 {
        self.inner.syncs.load(Ordering::Relaxed)
    }

    async fn send(&self, message: Message) -> Result<(), ChunkStoreError> {
        let messages = self.inner.messages.as_ref().ok_or(ChunkStoreError::Closed)?;
        messages.send(message).await.map_err(|_| ChunkStoreError::Closed)
    }
}
