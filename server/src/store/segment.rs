//! Segment files: chunks one after another, so that many become durable by one fsync.
//!
//! `NNNNNN.seg` is a segment as `record` lays it out. Files are only ever appended to; the last one is active. A crash can leave half a record
//! at the end of it, which the scan at the next start finds by its checksum and cuts. A
//! failed fsync may have lost pages that the system no longer remembers, so what it covered
//! is cut, never retried in place.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use offing_core::id::{ChunkId, VaultId};
use rand::RngCore as _;

use super::blob::{BlobError, BlobReader, BlobStore, BlobStoreId, FoundChunk, Scanned};
use super::meta::Location;
use super::record::{FILE_HEAD_BYTES, RECORD_HEAD_BYTES, file_head, record_head};

pub mod copy;
pub mod view;

/// Most segment files held open for reading.
const OPEN_FILES_MAX: usize = 64;

/// How segment files are written.
#[derive(Debug, Clone)]
pub struct SegmentOptions {
    /// A segment that has reached this many bytes is followed by a new one.
    pub rotate_bytes: u64,
    /// The most bytes all segments may take; past it the disk counts as full. May be
    /// changed while the store is open.
    pub bytes_max: Arc<AtomicU64>,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self { rotate_bytes: 256 * 1024 * 1024, bytes_max: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

/// Says whether a folder, which need not be there, has segments with anything in them.
pub fn holds_chunks(folder: &Path) -> Result<bool, BlobError> {
    if !folder.exists() {
        return Ok(false);
    }
    for number in list(folder)? {
        if std::fs::metadata(segment_path(folder, number))?.len() > FILE_HEAD_BYTES {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the id of the store in a folder, or gives it one.
fn identify(folder: &Path) -> Result<BlobStoreId, BlobError> {
    if let Some(id) = read_id(folder)? {
        return Ok(id);
    }
    let mut id = [0; 16];
    rand::rngs::OsRng.fill_bytes(&mut id);
    let id = BlobStoreId(id);
    write_id(folder, &id)?;
    Ok(id)
}

/// The id of the store in a folder; one that was torn is none.
fn read_id(folder: &Path) -> Result<Option<BlobStoreId>, BlobError> {
    match std::fs::read(folder.join(ID)) {
        Ok(bytes) => Ok(bytes.try_into().ok().map(BlobStoreId)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives the store in a folder an id.
pub fn write_id(folder: &Path, id: &BlobStoreId) -> Result<(), BlobError> {
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(folder.join(ID))?;
    file.write_all(&id.0)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// The file with the id of the store.
const ID: &str = "id";

/// Chunk bytes in a folder of segment files.
pub struct SegmentStore {
    folder: PathBuf,
    options: SegmentOptions,
    active: u32,
    file: File,
    /// Where the next record goes.
    end: u64,
    /// Everything in the active segment before this offset is durable.
    synced: u64,
    /// Bytes of all segments.
    total: u64,
    syncs: u64,
    /// What must not stay at the end could not be cut; only a new start helps.
    broken: bool,
    reader: Arc<SegmentReader>,
    id: BlobStoreId,
    /// Locked for as long as the store is open, so that two servers never share a folder.
    _lock: File,
}

impl SegmentStore {
    /// Opens a folder of segments, or begins one.
    pub fn open(folder: &Path, options: SegmentOptions) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => BlobError::InUse,
            std::fs::TryLockError::Error(error) => error.into(),
        })?;
        let id = identify(folder)?;
        let numbers = list(folder)?;
        let mut total = 0;
        for number in &numbers {
            total += std::fs::metadata(segment_path(folder, *number))?.len();
        }
        let active = numbers.last().copied().unwrap_or(1);
        let path = segment_path(folder, active);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut end = file.metadata()?.len();
        let mut syncs = 0;
        if end < FILE_HEAD_BYTES {
            // New, or a crash came between its creation and its first bytes.
            total = total - end + FILE_HEAD_BYTES;
            write_head(&mut file, active)?;
            File::open(folder)?.sync_all()?;
            end = FILE_HEAD_BYTES;
            syncs = 2;
        }
        let reader = Arc::new(SegmentReader {
            folder: folder.to_owned(),
            files: Mutex::new(BTreeMap::new()),
        });
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            options,
            active,
            file,
            end,
            synced: end,
            total,
            syncs,
            broken: false,
            reader,
            id,
            _lock: lock,
        })
    }

    /// Writes a record's bytes at the end, or reports a full disk after writing what fits,
    /// just as a disk does.
    fn write_record(&mut self, record: &[&[u8]]) -> Result<(), BlobError> {
        let room = self.options.bytes_max.load(Ordering::Relaxed).saturating_sub(self.total);
        let mut room = usize::try_from(room).unwrap_or(usize::MAX);
        self.file.seek(SeekFrom::Start(self.end))?;
        for part in record {
            let fits = part.len().min(room);
            self.file.write_all(&part[..fits])?;
            if fits < part.len() {
                return Err(BlobError::Full);
            }
            room -= fits;
        }
        Ok(())
    }

    fn truncate(&mut self, to: u64) -> Result<(), BlobError> {
        if let Err(error) = self.file.set_len(to) {
            self.broken = true;
            return Err(error.into());
        }
        self.total -= self.end.saturating_sub(to);
        self.end = to;
        Ok(())
    }
}

impl BlobStore for SegmentStore {
    fn id(&self) -> BlobStoreId {
        self.id
    }

    fn segments(&self) -> Result<Vec<u32>, BlobError> {
        list(&self.folder)
    }

    fn active(&self) -> u32 {
        self.active
    }

    fn segment_bytes(&self, segment: u32) -> Result<u64, BlobError> {
        match std::fs::metadata(segment_path(&self.folder, segment)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(gone_or(error, segment)),
        }
    }

    fn scan(
        &self,
        segment: u32,
        from: u64,
        visit: &mut dyn FnMut(FoundChunk),
    ) -> Result<Scanned, BlobError> {
        view::scan_file(&self.folder, segment, from, visit)
    }

    fn cut(&mut self, segment: u32, to: u64) -> Result<(), BlobError> {
        if segment == self.active {
            self.truncate(to.max(FILE_HEAD_BYTES))?;
            self.file.sync_all()?;
            self.synced = self.end;
        } else {
            let file = OpenOptions::new()
                .write(true)
                .open(segment_path(&self.folder, segment))
                .map_err(|error| gone_or(error, segment))?;
            let len = file.metadata()?.len();
            file.set_len(to.max(FILE_HEAD_BYTES))?;
            file.sync_all()?;
            self.total -= len.saturating_sub(to.max(FILE_HEAD_BYTES));
        }
        self.syncs += 1;
        Ok(())
    }

    fn write(
        &mut self,
        vault: &VaultId,
        id: &ChunkId,
        bytes: &[u8],
    ) -> Result<Location, BlobError> {
        if self.broken {
            return Err(BlobError::Broken);
        }
        let head = record_head(vault, id, bytes);
        if let Err(error) = self.write_record(&[&head, bytes]) {
            // Half a record must not be followed by a whole one: the scan would end there.
            self.truncate(self.end)?;
            return Err(error);
        }
        let offset = self.end + RECORD_HEAD_BYTES as u64;
        let len = u32::try_from(bytes.len()).expect("chunks are bounded by limits");
        let written = RECORD_HEAD_BYTES as u64 + u64::from(len);
        self.end += written;
        self.total += written;
        Ok(Location { segment: self.active, offset, len })
    }

    fn sync(&mut self) -> Result<(), BlobError> {
        if self.synced == self.end {
            return Ok(());
        }
        self.syncs += 1;
        match self.file.sync_data() {
            Ok(()) => {
                self.synced = self.end;
                Ok(())
            }
            Err(error) => {
                self.truncate(self.synced)?;
                Err(error.into())
            }
        }
    }

    fn syncs(&self) -> u64 {
        self.syncs
    }

    fn is_full(&self) -> bool {
        self.end >= self.options.rotate_bytes
    }

    fn rotate(&mut self) -> Result<(), BlobError> {
        assert!(self.synced == self.end, "rotation would lose sight of what is not synced");
        let number = self.active + 1;
        let path = segment_path(&self.folder, number);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        write_head(&mut file, number)?;
        File::open(&self.folder)?.sync_all()?;
        self.syncs += 2;
        self.total += FILE_HEAD_BYTES;
        (self.active, self.file) = (number, file);
        (self.end, self.synced) = (FILE_HEAD_BYTES, FILE_HEAD_BYTES);
        Ok(())
    }

    fn remove(&mut self, segment: u32) -> Result<(), BlobError> {
        assert!(segment != self.active, "the active segment is being written to");
        let bytes = self.segment_bytes(segment)?;
        self.reader.lock().remove(&segment);
        std::fs::remove_file(segment_path(&self.folder, segment))?;
        self.total -= bytes;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn BlobReader> {
        Arc::clone(&self.reader) as Arc<dyn BlobReader>
    }
}

/// The reading side: files opened once, read at offsets.
struct SegmentReader {
    folder: PathBuf,
    files: Mutex<BTreeMap<u32, Arc<File>>>,
}

impl SegmentReader {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Arc<File>>> {
        // The map is only a cache, whole after every step.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, segment: u32) -> Result<Arc<File>, BlobError> {
        let mut files = self.lock();
        if let Some(file) = files.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = File::open(segment_path(&self.folder, segment))
            .map_err(|error| gone_or(error, segment))?;
        if files.len() >= OPEN_FILES_MAX {
            // The oldest segment is the least likely to be asked for again.
            files.pop_first();
        }
        let file = Arc::new(file);
        files.insert(segment, Arc::clone(&file));
        Ok(file)
    }
}

impl BlobReader for SegmentReader {
    fn read_at(&self, segment: u32, offset: u64, buf: &mut [u8]) -> Result<(), BlobError> {
        let file = self.file(segment)?;
        file.read_exact_at(buf, offset).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                BlobError::SegmentShort { segment, end: offset + buf.len() as u64 }
            } else {
                error.into()
            }
        })
    }
}

fn gone_or(error: std::io::Error, segment: u32) -> BlobError {
    if error.kind() == std::io::ErrorKind::NotFound {
        BlobError::SegmentGone { segment }
    } else {
        error.into()
    }
}

fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:06}.seg"))
}

fn list(folder: &Path) -> Result<Vec<u32>, BlobError> {
    let mut numbers = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg")?.parse::<u32>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn write_head(file: &mut File, number: u32) -> Result<(), BlobError> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&file_head(number))?;
    file.sync_all()?;
    Ok(())
}
