//! Segment files as whoever does not write them sees them, beside a server that does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{SegmentReader, gone_or, list, read_id, segment_path};
use crate::store::blob::{BlobError, BlobReader, BlobStoreId, BlobView, FoundChunk, Scanned};
use crate::store::record::scan;

/// A folder of segments, which is only read.
pub struct SegmentView {
    folder: PathBuf,
}

impl SegmentView {
    /// Looks at a folder.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }
}

impl BlobView for SegmentView {
    fn id(&self) -> Result<Option<BlobStoreId>, BlobError> {
        read_id(&self.folder)
    }

    fn segments(&self) -> Result<Vec<u32>, BlobError> {
        list(&self.folder)
    }

    fn scan(&self, segment: u32, visit: &mut dyn FnMut(FoundChunk)) -> Result<Scanned, BlobError> {
        scan_file(&self.folder, segment, 0, visit)
    }

    fn reader(&self) -> Arc<dyn BlobReader> {
        let files = Mutex::new(BTreeMap::new());
        Arc::new(SegmentReader { folder: self.folder.clone(), files })
    }
}

/// Visits the records of a segment's file.
pub(super) fn scan_file(
    folder: &Path,
    segment: u32,
    from: u64,
    visit: &mut dyn FnMut(FoundChunk),
) -> Result<Scanned, BlobError> {
    let file =
        File::open(segment_path(folder, segment)).map_err(|error| gone_or(error, segment))?;
    let len = file.metadata()?.len();
    scan(&mut BufReader::with_capacity(1024 * 1024, file), len, segment, from, visit)
}
