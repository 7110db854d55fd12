//! Chunk bytes in memory.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offing_core::id::{ChunkId, VaultId};

use crate::store::blob::{BlobError, BlobReader, BlobStore, BlobStoreId, FoundChunk, Scanned};
use crate::store::meta::Location;
use crate::store::segment::SegmentOptions;

type Segments = Arc<Mutex<BTreeMap<u32, Vec<u8>>>>;

/// A [`BlobStore`] in memory.
pub struct MemoryBlobs {
    segments: Segments,
    /// What a scan would find, by where it is.
    records: BTreeMap<Location, FoundChunk>,
    options: SegmentOptions,
    active: u32,
    synced: usize,
    syncs: u64,
}

impl MemoryBlobs {
    /// Makes an empty store.
    pub fn new(options: SegmentOptions) -> Self {
        Self {
            segments: Arc::new(Mutex::new(BTreeMap::from([(1, Vec::new())]))),
            records: BTreeMap::new(),
            options,
            active: 1,
            synced: 0,
            syncs: 0,
        }
    }

    fn end(&self) -> usize {
        lock(&self.segments).get(&self.active).map_or(0, Vec::len)
    }
}

fn lock(segments: &Segments) -> MutexGuard<'_, BTreeMap<u32, Vec<u8>>> {
    segments.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlobStore for MemoryBlobs {
    fn id(&self) -> BlobStoreId {
        BlobStoreId([0; 16])
    }

    fn segments(&self) -> Result<Vec<u32>, BlobError> {
        Ok(lock(&self.segments).keys().copied().collect())
    }

    fn active(&self) -> u32 {
        self.active
    }

    fn segment_bytes(&self, segment: u32) -> Result<u64, BlobError> {
        let segments = lock(&self.segments);
        let bytes = segments.get(&segment).ok_or(BlobError::SegmentGone { segment })?;
        Ok(bytes.len() as u64)
    }

    fn scan(
        &self,
        segment: u32,
        from: u64,
        visit: &mut dyn FnMut(FoundChunk),
    ) -> Result<Scanned, BlobError> {
        let valid_to = self.segment_bytes(segment)?;
        for (at, found) in &self.records {
            if at.segment == segment && at.offset >= from {
                visit(*found);
            }
        }
        Ok(Scanned { valid_to, damaged_bytes: 0, torn_bytes: 0 })
    }

    fn cut(&mut self, segment: u32, to: u64) -> Result<(), BlobError> {
        let to = usize::try_from(to).expect("segments in memory fit into it");
        let mut segments = lock(&self.segments);
        let bytes = segments.get_mut(&segment).ok_or(BlobError::SegmentGone { segment })?;
        bytes.truncate(to);
        self.records.retain(|at, _| at.segment != segment || at.end() <= to as u64);
        Ok(())
    }

    fn write(
        &mut self,
        vault: &VaultId,
        id: &ChunkId,
        bytes: &[u8],
    ) -> Result<Location, BlobError> {
        let mut segments = lock(&self.segments);
        let total: usize = segments.values().map(Vec::len).sum();
        if (total + bytes.len()) as u64 > self.options.bytes_max.load(Ordering::Relaxed) {
            return Err(BlobError::Full);
        }
        let segment = segments.entry(self.active).or_default();
        let len = u32::try_from(bytes.len()).expect("chunks are bounded by limits");
        let at = Location { segment: self.active, offset: segment.len() as u64, len };
        segment.extend_from_slice(bytes);
        self.records.insert(at, FoundChunk { vault: *vault, id: *id, at });
        Ok(at)
    }

    fn sync(&mut self) -> Result<(), BlobError> {
        let end = self.end();
        if self.synced != end {
            self.synced = end;
            self.syncs += 1;
        }
        Ok(())
    }

    fn syncs(&self) -> u64 {
        self.syncs
    }

    fn is_full(&self) -> bool {
        self.end() as u64 >= self.options.rotate_bytes
    }

    fn rotate(&mut self) -> Result<(), BlobError> {
        self.active += 1;
        self.synced = 0;
        lock(&self.segments).insert(self.active, Vec::new());
        Ok(())
    }

    fn remove(&mut self, segment: u32) -> Result<(), BlobError> {
        assert!(segment != self.active, "the active segment is being written to");
        lock(&self.segments).remove(&segment);
        self.records.retain(|at, _| at.segment != segment);
        Ok(())
    }

    fn reader(&self) -> Arc<dyn BlobReader> {
        Arc::new(MemoryReader(Arc::clone(&self.segments)))
    }
}

struct MemoryReader(Segments);

impl BlobReader for MemoryReader {
    fn read_at(&self, segment: u32, offset: u64, buf: &mut [u8]) -> Result<(), BlobError> {
        let segments = lock(&self.0);
        let bytes = segments.get(&segment).ok_or(BlobError::SegmentGone { segment })?;
        let start = usize::try_from(offset).expect("segments in memory fit into it");
        let end = start + buf.len();
        let short = BlobError::SegmentShort { segment, end: end as u64 };
        buf.copy_from_slice(bytes.get(start..end).ok_or(short)?);
        Ok(())
    }
}
