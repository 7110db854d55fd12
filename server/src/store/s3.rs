//! Chunk bytes in an S3 bucket, which any number of server processes share.
//!
//! ```text
//! PREFIX/id                   16 random bytes: which store this is
//! PREFIX/claims/NNNNNNN       empty: the numbers N * 4096 .. (N + 1) * 4096 are somebody's
//! PREFIX/segments/NNNNNNNNNN  a segment, laid out as `record` says
//! ```
//!
//! A segment is one object, written once. What is written gathers in memory; `sync` puts it,
//! which makes it durable, and begins the next. No two processes ever write one number: who
//! wants numbers claims a block of them by an object that must not be there yet. Segments are
//! put on that condition too, so a put whose answer was lost can be repeated.
//!
//! A store that does not know conditional puts is refused at the start: it would let two
//! processes overwrite one another.

use std::sync::Arc;

use offing_core::id::{ChunkId, VaultId};
use rand::RngCore as _;

use self::bucket::{Bucket, Put};
use self::view::S3View;
use super::blob::{
    BlobError, BlobReader, BlobStore, BlobStoreId, BlobView as _, FoundChunk, Scanned,
};
use super::meta::Location;
use super::record::{FILE_HEAD_BYTES, file_head, record_head};

mod bucket;
mod coming;
mod hedge;
mod silence;
pub mod view;

pub use bucket::S3Address;

/// Numbers of one claim.
const BLOCK: u32 = 4096;
/// Blocks there are.
const BLOCKS: u32 = u32::MAX / BLOCK;
/// An object that has reached this many bytes is followed by the next.
const ROTATE_BYTES: u64 = 16 * 1024 * 1024;

/// How segments are written.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// A segment that has reached this many bytes is followed by a new one.
    pub rotate_bytes: u64,
}

impl Default for S3Options {
    fn default() -> Self {
        Self { rotate_bytes: ROTATE_BYTES }
    }
}

/// A [`BlobStore`] in an S3 bucket.
pub struct S3Store {
    view: S3View,
    options: S3Options,
    id: BlobStoreId,
    active: u32,
    /// Numbers that are ours, the active one among them.
    left: u32,
    /// The active segment, as far as it is written.
    gathered: Vec<u8>,
    syncs: u64,
}

impl S3Store {
    /// Opens the store in a bucket, or begins one; blocks.
    pub fn open(address: &S3Address, options: S3Options) -> Result<Self, BlobError> {
        // On a thread of its own: the caller may be one of a runtime, which must not wait.
        std::thread::scope(|scope| {
            let opened = scope.spawn(|| Self::connect(address, options)).join();
            opened.unwrap_or_else(|_| Err(BlobError::Io(std::io::Error::other("a panic"))))
        })
    }

    fn connect(address: &S3Address, options: S3Options) -> Result<Self, BlobError> {
        let view = S3View::of(address)?;
        let id = identify(&view)?;
        let gathered = Vec::new();
        let mut store = Self { view, options, id, active: 0, left: 0, gathered, syncs: 0 };
        store.claim()?;
        Ok(store)
    }

    /// Claims a block of numbers that nobody has.
    fn claim(&mut self) -> Result<(), BlobError> {
        let last = self.bucket().list("claims/")?.last().and_then(|name| name.parse::<u32>().ok());
        // Others may be claiming too.
        for block in last.map_or(1, |last| last + 1)..BLOCKS {
            if self.bucket().put(&format!("claims/{block:07}"), Vec::new())? == Put::Made {
                (self.active, self.left) = (block * BLOCK, BLOCK);
                return Ok(());
            }
        }
        Err(BlobError::Full)
    }

    fn bucket(&self) -> &Bucket {
        &self.view.bucket
    }
}

/// Reads which store this is, or makes it one; and finds out whether puts can be conditional.
fn identify(view: &S3View) -> Result<BlobStoreId, BlobError> {
    let bucket = &view.bucket;
    let mut id = [0; 16];
    rand::rngs::OsRng.fill_bytes(&mut id);
    let first = bucket.put("id", id.to_vec())?;
    if first == Put::Made && bucket.put("id", id.to_vec())? == Put::Made {
        return Err(BlobError::Unconditional);
    }
    view.id()?.ok_or(BlobError::Unconditional)
}

fn key(segment: u32) -> String {
    format!("segments/{segment:010}")
}

impl BlobStore for S3Store {
    fn id(&self) -> BlobStoreId {
        self.id
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn segments(&self) -> Result<Vec<u32>, BlobError> {
        self.view.segments()
    }

    fn active(&self) -> u32 {
        self.active
    }

    fn segment_bytes(&self, segment: u32) -> Result<u64, BlobError> {
        if segment == self.active {
            return Ok(self.gathered.len() as u64);
        }
        self.bucket().len(&key(segment))?.ok_or(BlobError::SegmentGone { segment })
    }

    fn scan(
        &self,
        segment: u32,
        from: u64,
        visit: &mut dyn FnMut(FoundChunk),
    ) -> Result<Scanned, BlobError> {
        self.view.scan_from(segment, from, visit)
    }

    fn cut(&mut self, segment: u32, to: u64) -> Result<(), BlobError> {
        // An object is whole or not there; only what is gathered can be cut.
        if segment == self.active {
            self.gathered.truncate(usize::try_from(to).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    fn write(
        &mut self,
        vault: &VaultId,
        id: &ChunkId,
        bytes: &[u8],
    ) -> Result<Location, BlobError> {
        if self.left == 0 {
            self.claim()?;
        }
        if self.gathered.is_empty() {
            self.gathered = file_head(self.active);
        }
        self.gathered.extend_from_slice(&record_head(vault, id, bytes));
        let offset = self.gathered.len() as u64;
        self.gathered.extend_from_slice(bytes);
        let len = u32::try_from(bytes.len()).expect("chunks are bounded by limits");
        Ok(Location { segment: self.active, offset, len })
    }

    fn sync(&mut self) -> Result<(), BlobError> {
        if self.gathered.len() as u64 <= FILE_HEAD_BYTES {
            return Ok(());
        }
        self.syncs += 1;
        let bytes = std::mem::take(&mut self.gathered);
        let put = self.bucket().put_once(&key(self.active), bytes);
        // It may be there even where this failed, so the number is not used again.
        self.active += 1;
        self.left -= 1;
        if self.left == 0
            && let Err(error) = self.claim()
        {
            tracing::warn!(%error, "cannot claim numbers of segments; the next write tries again");
        }
        put
    }

    fn syncs(&self) -> u64 {
        self.syncs
    }

    fn is_full(&self) -> bool {
        self.gathered.len() as u64 >= self.options.rotate_bytes
    }

    fn rotate(&mut self) -> Result<(), BlobError> {
        assert!(
            self.gathered.len() as u64 <= FILE_HEAD_BYTES,
            "rotation would lose sight of what is not synced"
        );
        // Every `sync` has begun a new one.
        Ok(())
    }

    fn remove(&mut self, segment: u32) -> Result<(), BlobError> {
        assert!(segment != self.active, "the active segment is being written to");
        self.bucket().delete(&key(segment))
    }

    fn reader(&self) -> Arc<dyn BlobReader> {
        self.view.reader()
    }
}
