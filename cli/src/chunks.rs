//! Sealed chunks as files, in 256 folders by the first byte of their ids.
//!
//! A file is written beside, flushed and renamed, so it is whole or not there: what a crash
//! leaves ends with `.part` and is swept at the next start.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_worker::store::StoreError;
use offing_worker::store::chunks::ChunkStore;

use crate::files::{self, PART};

/// Chunks below one folder.
#[derive(Debug, Clone)]
pub struct FileChunks {
    folder: Rc<PathBuf>,
}

impl FileChunks {
    /// Opens the folder, or makes it; sweeps what was not written to its end.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        files::create_private_folder(folder).map_err(|e| from_io(&e))?;
        let chunks = Self { folder: Rc::new(folder.to_owned()) };
        for path in chunks.files().map_err(|e| from_io(&e))? {
            if path.to_string_lossy().ends_with(PART) {
                fs::remove_file(&path).map_err(|e| from_io(&e))?;
            }
        }
        Ok(chunks)
    }

    fn path(&self, id: ChunkId) -> PathBuf {
        let name = id.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    /// Every file there is.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&*self.folder)? {
            let folder = folder?;
            if folder.file_type()?.is_dir() {
                for file in fs::read_dir(folder.path())? {
                    files.push(file?.path());
                }
            }
        }
        Ok(files)
    }

    fn write(&self, id: ChunkId, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(id);
        let folder = path.parent().expect("a chunk is in a folder");
        if !folder.is_dir() {
            files::create_private_folder(folder)?;
            files::sync_folder(&self.folder)?;
        }
        files::put(&path, bytes)
    }

    fn read(&self, id: ChunkId, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(id))?;
        file.seek(SeekFrom::Start(range.start))?;
        let len = range.end.saturating_sub(range.start);
        let len = usize::try_from(len).map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl ChunkStore for FileChunks {
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        if fs::read(self.path(id)).is_ok_and(|held| held == bytes) {
            return Ok(());
        }
        self.write(id, bytes).map_err(|e| from_io(&e))
    }

    async fn get(&self, id: ChunkId, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        self.read(id, range).map_err(|e| from_io(&e))
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        match fs::metadata(self.path(id)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(&error)),
        }
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(from_io(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        let files = self.files().map_err(|e| from_io(&e))?;
        let named = |path: PathBuf| path.file_name()?.to_str()?.parse().ok();
        Ok(files.into_iter().filter_map(named).collect())
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        let files = self.files().map_err(|e| from_io(&e))?;
        let lens = files.iter().map(|path| fs::metadata(path).map(|metadata| metadata.len()));
        lens.sum::<io::Result<u64>>().map_err(|e| from_io(&e))
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let files = self.files().map_err(|e| from_io(&e))?;
        files.iter().try_for_each(fs::remove_file).map_err(|e| from_io(&e))
    }
}

fn from_io(error: &io::Error) -> StoreError {
    let kind = error.kind();
    if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) {
        StoreError::Full
    } else if kind == ErrorKind::NotFound {
        StoreError::NotFound
    } else if kind == ErrorKind::UnexpectedEof {
        StoreError::Lost
    } else {
        StoreError::Failed { name: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use offing_worker::store::conformance;

    use super::*;

    #[test]
    fn chunks_as_files_conform() {
        let folder = tempfile::tempdir().unwrap();
        block_on(conformance::run_chunks(&FileChunks::open(folder.path()).unwrap()));
    }

    #[test]
    fn what_was_not_written_to_its_end_is_no_chunk_and_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = FileChunks::open(folder.path()).unwrap();
        let id = ChunkId([7; 32]);
        block_on(chunks.put(id, b"whole")).unwrap();
        let torn = files::part_of(&chunks.path(ChunkId([7; 32])));
        fs::write(&torn, b"to").unwrap();
        assert_eq!(block_on(chunks.list()), Ok(vec![id]));
        let again = FileChunks::open(folder.path()).unwrap();
        assert!(!torn.exists());
        assert_eq!(block_on(again.get_all(id)), Ok(Some(b"whole".to_vec())));
    }

    #[test]
    fn a_put_that_fails_harms_nothing_and_what_is_whole_needs_no_space() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = FileChunks::open(folder.path()).unwrap();
        let id = ChunkId([7; 32]);
        block_on(chunks.put(id, b"whole")).unwrap();
        // A folder in the way of the file beside makes every write fail.
        fs::create_dir(files::part_of(&chunks.path(id))).unwrap();
        assert_eq!(block_on(chunks.put(id, b"whole")), Ok(()));
        assert!(block_on(chunks.put(id, b"other")).is_err());
        assert_eq!(block_on(chunks.get_all(id)), Ok(Some(b"whole".to_vec())));
    }
}
