//! A bucket as whoever only looks at it sees it: no number is claimed, so a key that may read and
//! list is enough.

use std::io::{BufReader, Cursor};
use std::ops::Range;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Runtime;

use super::bucket::{Bucket, S3Address};
use super::coming::Coming;
use super::key;
use crate::store::blob::{
    BlobError, BlobReader, BlobStoreId, BlobView, FoundChunk, Pieces, Remote, Scanned,
};
use crate::store::record::scan;

/// The segments in a bucket, which are only read.
pub struct S3View {
    pub(super) bucket: Arc<Bucket>,
    /// Drives the calls; `None` only while dropping.
    runtime: Option<Runtime>,
}

impl S3View {
    /// Looks at a bucket, which is asked nothing yet.
    pub fn of(address: &S3Address) -> Result<Self, BlobError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("s3")
            .enable_all()
            .build()?;
        let bucket = Arc::new(Bucket::new(address, runtime.handle().clone())?);
        Ok(Self { bucket, runtime: Some(runtime) })
    }

    /// Visits the whole records of a segment from an offset.
    pub(super) fn scan_from(
        &self,
        segment: u32,
        from: u64,
        visit: &mut dyn FnMut(FoundChunk),
    ) -> Result<Scanned, BlobError> {
        let bytes = self.bucket.get(&key(segment), None)?;
        let bytes = bytes.ok_or(BlobError::SegmentGone { segment })?;
        let len = bytes.len() as u64;
        scan(&mut BufReader::new(Cursor::new(bytes)), len, segment, from, visit)
    }
}

impl Drop for S3View {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl BlobView for S3View {
    fn id(&self) -> Result<Option<BlobStoreId>, BlobError> {
        let Some(held) = self.bucket.get("id", None)? else {
            return Ok(None);
        };
        let id = held[..].try_into().map(BlobStoreId);
        id.map(Some).map_err(|_| BlobError::UnknownFormat { segment: 0 })
    }

    fn segments(&self) -> Result<Vec<u32>, BlobError> {
        let names = self.bucket.list("segments/")?;
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn scan(&self, segment: u32, visit: &mut dyn FnMut(FoundChunk)) -> Result<Scanned, BlobError> {
        self.scan_from(segment, 0, visit)
    }

    fn reader(&self) -> Arc<dyn BlobReader> {
        Arc::new(S3Reader { bucket: Arc::clone(&self.bucket) })
    }
}

struct S3Reader {
    bucket: Arc<Bucket>,
}

impl BlobReader for S3Reader {
    fn read_at(&self, segment: u32, offset: u64, buf: &mut [u8]) -> Result<(), BlobError> {
        let end = offset + buf.len() as u64;
        if buf.is_empty() {
            return Ok(());
        }
        let (key, range) = (key(segment), offset..end);
        let mut read = self.bucket.get(&key, Some(&range));
        for _ in 0..WAITS_MAX {
            // Who checks or copies chunk after chunk has time; to him every one would be unreadable
            // for as long as S3 is not asked.
            let Err(BlobError::Away { wait }) = read else { break };
            thread::sleep(wait);
            read = self.bucket.get(&key, Some(&range));
        }
        let bytes = read?.ok_or(BlobError::SegmentGone { segment })?;
        if bytes.len() != buf.len() {
            return Err(BlobError::SegmentShort { segment, end });
        }
        buf.copy_from_slice(&bytes);
        Ok(())
    }

    fn pieces(self: Arc<Self>, segment: u32, range: Range<u64>) -> Pieces {
        Coming::of(Arc::clone(&self.bucket), segment, range).pieces()
    }

    fn remote(&self) -> Remote {
        self.bucket.remote()
    }
}

/// How often a read that has time waits until S3 is asked again.
const WAITS_MAX: usize = 3;
