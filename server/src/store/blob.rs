//! Where chunk bytes are kept: append-only segments.
//!
//! A [`BlobStore`] has one writer (it takes `&mut self` to write) and any number of readers
//! through the [`BlobReader`] it hands out. Written chunks are durable after
//! [`BlobStore::sync`] and not before; a failed `sync` loses all that was written since the
//! one before, and the store says so by cutting it off. Every record names its vault and
//! chunk, so an index can be made again from the segments alone.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use offing_core::id::{ChunkId, VaultId};

use super::meta::Location;

/// Reports a failure of the chunk store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The disk is full; what was being written is not there.
    #[error("the disk of the chunk store is full")]
    Full,
    /// The segment was compacted away (or lost).
    #[error("segment {segment} is gone")]
    SegmentGone {
        /// The segment.
        segment: u32,
    },
    /// The bytes end before the index says.
    #[error("segment {segment} ends before offset {end}")]
    SegmentShort {
        /// The segment.
        segment: u32,
        /// Where the bytes should have ended.
        end: u64,
    },
    /// The file is not a segment of a version this server knows.
    #[error("segment {segment} is of an unknown format")]
    UnknownFormat {
        /// The segment.
        segment: u32,
    },
    /// The address of the chunk store is none.
    #[error("the address of the chunk store is not https://HOST/BUCKET: {url}")]
    Address {
        /// What was given.
        url: String,
    },
    /// The store would let two processes overwrite one another's segments.
    #[error(
        "this S3 store knows no conditional puts (If-None-Match), without which it is not safe"
    )]
    Unconditional,
    /// Something else is where only this process writes.
    #[error("object {name} is there already, and not ours")]
    NotOurs {
        /// Its name.
        name: String,
    },
    /// S3 refused a call.
    #[error("S3 refused a call: {status} {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The reason it gave.
        code: String,
    },
    /// S3 did not answer some calls before, and is not asked for a while.
    #[error("S3 does not answer, and is asked again in {} ms", wait.as_millis())]
    Away {
        /// How long.
        wait: Duration,
    },
    /// S3 took a call, and then nothing moved.
    #[error("S3 was silent for {} ms", patience.as_millis())]
    Silent {
        /// For how long.
        patience: Duration,
    },
    /// Another process has this store open.
    #[error("the chunk store is in use by another process")]
    InUse,
    /// After an earlier failure nothing can be written until the server starts again.
    #[error("the chunk store takes no more writes until the server starts again")]
    Broken,
    /// A file operation failed.
    #[error("the chunk store's files failed")]
    Io(#[source] std::io::Error),
}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            Self::Full
        } else {
            Self::Io(error)
        }
    }
}

/// A record found by [`BlobStore::scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundChunk {
    /// Its vault.
    pub vault: VaultId,
    /// The chunk.
    pub id: ChunkId,
    /// Where its bytes are.
    pub at: Location,
}

/// How a scan of a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// End of the last whole record.
    pub valid_to: u64,
    /// Bytes before it that are no whole record: damage, since whole ones follow.
    pub damaged_bytes: u64,
    /// Bytes after it that are no whole record.
    pub torn_bytes: u64,
}

/// The bytes of a range as they are read, in pieces of at most [`PIECE_BYTES`]. Nothing is read
/// ahead of who takes them, and after an error nothing follows.
pub type Pieces = BoxStream<'static, Result<Bytes, BlobError>>;

/// Bytes of one step of a read.
pub const PIECE_BYTES: usize = 256 * 1024;

/// How calls to a store went that is another server; of one that is not, nothing ever happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remote {
    /// Reads that were asked for a second time, since the first answer was late.
    pub second_asks: u64,
    /// Those of them whose second answer was first.
    pub second_firsts: u64,
    /// It does not answer, and is not asked.
    pub is_away: bool,
}

/// Reads chunk bytes.
pub trait BlobReader: Send + Sync + 'static {
    /// Fills `buf` from an offset inside a segment; blocks, so call it from a thread that may.
    fn read_at(&self, segment: u32, offset: u64, buf: &mut [u8]) -> Result<(), BlobError>;

    /// Reads a range of a segment for a task of a runtime, which must not block.
    fn pieces(self: Arc<Self>, segment: u32, range: Range<u64>) -> Pieces {
        Box::pin(stream::try_unfold((self, range), move |(reader, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + PIECE_BYTES as u64);
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; (end - range.start) as usize];
                reader.read_at(segment, range.start, &mut piece)?;
                Ok::<_, BlobError>((Bytes::from(piece), (reader, end..range.end)))
            });
            read.await.map_err(|error| BlobError::Io(std::io::Error::other(error)))?.map(Some)
        }))
    }

    /// How calls went, where the bytes are with another server.
    fn remote(&self) -> Remote {
        Remote::default()
    }
}

/// Names a chunk store, wherever it is moved; random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobStoreId(pub [u8; 16]);

/// Keeps chunk bytes; see the module for the contract. Its calls block.
pub trait BlobStore: Send {
    /// Which store this is.
    fn id(&self) -> BlobStoreId;
    /// Says whether other processes may write to it too, each its own segments. What is there
    /// and not in the index may then be on its way into it.
    fn is_shared(&self) -> bool {
        false
    }
    /// The segments there are, by number.
    fn segments(&self) -> Result<Vec<u32>, BlobError>;
    /// The segment that is written to; compaction leaves it alone.
    fn active(&self) -> u32;
    /// Bytes of a segment, its own framing included.
    fn segment_bytes(&self, segment: u32) -> Result<u64, BlobError>;
    /// Visits the whole records of a segment from an offset (0, or one a scan returned), those
    /// behind damage too.
    fn scan(
        &self,
        segment: u32,
        from: u64,
        visit: &mut dyn FnMut(FoundChunk),
    ) -> Result<Scanned, BlobError>;
    /// Cuts a segment, as after a crash left half a record at its end.
    fn cut(&mut self, segment: u32, to: u64) -> Result<(), BlobError>;
    /// Appends a chunk, which is not durable yet. On error nothing of it is left.
    fn write(&mut self, vault: &VaultId, id: &ChunkId, bytes: &[u8])
    -> Result<Location, BlobError>;
    /// Makes what was written durable. On error all of it since the last `sync` is gone.
    fn sync(&mut self) -> Result<(), BlobError>;
    /// How many times the disk was waited for.
    fn syncs(&self) -> u64;
    /// Says whether the active segment has its size; then sync, rotate, go on writing.
    fn is_full(&self) -> bool;
    /// Follows the active segment, of which everything is synced, by a new one.
    fn rotate(&mut self) -> Result<(), BlobError>;
    /// Removes a segment and its bytes.
    fn remove(&mut self, segment: u32) -> Result<(), BlobError>;
    /// The reading side, shared with every request.
    fn reader(&self) -> Arc<dyn BlobReader>;
}

/// The segments of a store that others may be writing to, to be looked at: nothing is changed.
/// Its calls block.
pub trait BlobView {
    /// Which store this is; `None` where nothing was ever kept.
    fn id(&self) -> Result<Option<BlobStoreId>, BlobError>;
    /// The segments there are, by number.
    fn segments(&self) -> Result<Vec<u32>, BlobError>;
    /// Visits the whole records of a segment.
    fn scan(&self, segment: u32, visit: &mut dyn FnMut(FoundChunk)) -> Result<Scanned, BlobError>;
    /// Reads in segments, as long as this view is there.
    fn reader(&self) -> Arc<dyn BlobReader>;
}
