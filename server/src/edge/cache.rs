//! Sealed chunks on disk: a bounded number of bytes, of which [`index`] says what is kept.
//!
//! A chunk is a file, named by its vault and its id: an id says what a chunk is, not whose. Nothing
//! else is written down, so what is there is found again by its names, in the order in which it was
//! written or proved itself, which is the file's time. A file takes its place whole, and every chunk
//! is hashed after it was read: a damaged or torn one is none, and goes. So nothing here waits for the
//! disk.
//!
//! ```text
//! edge/incoming/N           being written; removed at the start
//! edge/VAULT/CHUNK          a chunk, both names in hex
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use offing_core::id::{ChunkId, VaultId};
use offing_core::limits;
use sha2::{Digest as _, Sha256};

use self::index::{Changes, Index};

mod index;

/// Which chunk, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// The vault.
    pub(crate) vault: VaultId,
    /// The chunk.
    pub(crate) chunk: ChunkId,
}

/// What is known of a chunk that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Its bytes.
    pub(crate) len: u32,
    /// When the origin last said that it has it, in this run.
    pub(crate) confirmed_ms: Option<i64>,
}

/// The chunks; cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    index: Mutex<Index>,
    written: AtomicU64,
    evicted: AtomicU64,
    damaged: AtomicU64,
}

/// What a cache holds and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) chunks: u64,
    pub(crate) bytes: u64,
    pub(crate) evicted: u64,
    pub(crate) damaged: u64,
}

impl Cache {
    /// Opens the cache in a folder, which is made where it is missing; blocks.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        let incoming = folder.join(INCOMING);
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => fs::create_dir_all(&incoming)?,
        }
        let mut index = Index::new(bytes_max);
        let mut gone = Vec::new();
        for (wanted, len) in found(folder)? {
            gone.extend(index.found(wanted, len).gone);
        }
        let shared = Shared {
            folder: folder.to_owned(),
            index: Mutex::new(index),
            written: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
        };
        shared.remove(&gone);
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Says whether a chunk is kept, without looking at the disk.
    pub(crate) fn holds(&self, wanted: &Wanted) -> Option<Held> {
        self.shared.index().held(wanted).copied()
    }

    /// Reads a chunk that is what its name says; what is not is forgotten.
    pub(crate) async fn read(&self, wanted: Wanted) -> Option<Vec<u8>> {
        self.shared.index().touch(&wanted)?;
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || shared.read(&wanted));
        read.await.ok().flatten()
    }

    /// Keeps a chunk, whose bytes have been hashed. It is no fault if that cannot be done.
    pub(crate) async fn keep(&self, wanted: Wanted, bytes: Bytes, now_ms: i64) {
        let shared = Arc::clone(&self.shared);
        let kept = tokio::task::spawn_blocking(move || shared.keep(wanted, &bytes, now_ms));
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "a chunk cannot be kept");
        }
    }

    /// Notes that the origin has said that it has a chunk.
    pub(crate) fn confirm(&self, wanted: &Wanted, now_ms: i64) {
        if let Some(held) = self.shared.index().held(wanted) {
            held.confirmed_ms = Some(now_ms);
        }
    }

    /// What it holds and has done.
    pub(crate) fn kept(&self) -> Kept {
        let index = self.shared.index();
        let (chunks, bytes) = (index.chunks() as u64, index.bytes());
        drop(index);
        let [evicted, damaged] =
            [&self.shared.evicted, &self.shared.damaged].map(|count| count.load(Ordering::Relaxed));
        Kept { chunks, bytes, evicted, damaged }
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, wanted: &Wanted) -> Option<Vec<u8>> {
        let read = fs::read(self.path(wanted));
        if let Ok(bytes) = read
            && Sha256::digest(&bytes)[..] == wanted.chunk.0
        {
            return Some(bytes);
        }
        self.damaged.fetch_add(1, Ordering::Relaxed);
        self.index().forget(wanted);
        self.remove(&[*wanted]);
        None
    }

    fn keep(&self, wanted: Wanted, bytes: &[u8], now_ms: i64) -> io::Result<()> {
        let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let incoming = self.folder.join(INCOMING).join(number.to_string());
        let path = self.path(&wanted);
        let written = fs::write(&incoming, bytes)
            .and_then(|()| comes_last(&incoming))
            .and_then(|()| fs::create_dir_all(path.parent().expect("a chunk is in a vault")))
            .and_then(|()| fs::rename(&incoming, &path));
        if written.is_err() {
            // It may not even have been made.
            let _ = fs::remove_file(&incoming);
            return written;
        }
        let held = Held { len, confirmed_ms: Some(now_ms) };
        let Changes { gone, stayed } = self.index().insert(wanted, held);
        for stays in stayed {
            // The order after the next start; one without its time goes a little sooner then.
            let _ = comes_last(&self.path(&stays));
        }
        self.evicted.fetch_add(gone.len() as u64, Ordering::Relaxed);
        self.remove(&gone);
        Ok(())
    }

    /// Removes files; one that stays is found by its name at the next start.
    fn remove(&self, gone: &[Wanted]) {
        for wanted in gone {
            let _ = fs::remove_file(self.path(wanted));
        }
    }

    fn path(&self, Wanted { vault, chunk }: &Wanted) -> PathBuf {
        self.folder.join(vault.to_string()).join(chunk.to_string())
    }
}

/// Gives a file the time of now. The one that writing gives is some milliseconds coarse.
fn comes_last(path: &Path) -> io::Result<()> {
    fs::File::options().write(true).open(path)?.set_modified(SystemTime::now())
}

/// What a folder holds by its names, what was there first before the rest.
fn found(folder: &Path) -> io::Result<Vec<(Wanted, u32)>> {
    let mut found = Vec::new();
    for of_vault in fs::read_dir(folder)? {
        let of_vault = of_vault?;
        let Some(vault) = named(&of_vault) else {
            continue;
        };
        for file in fs::read_dir(of_vault.path())? {
            let file = file?;
            let (Some(chunk), Ok(about)) = (named(&file), file.metadata()) else {
                continue;
            };
            let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            // One that is too long is no chunk; as an empty one it is damaged when it is read.
            let len = u32::try_from(about.len()).unwrap_or_default();
            let len = if len as usize > limits::CHUNK_SEALED_BYTES_MAX { 0 } else { len };
            found.push((written, Wanted { vault, chunk }, len));
        }
        // Only one that holds nothing goes.
        let _ = fs::remove_dir(of_vault.path());
    }
    found.sort_by_key(|(written, ..)| *written);
    Ok(found.into_iter().map(|(_, wanted, len)| (wanted, len)).collect())
}

fn named<T: FromStr>(file: &fs::DirEntry) -> Option<T> {
    file.file_name().to_str()?.parse().ok()
}

const INCOMING: &str = "incoming";

#[cfg(test)]
mod tests {
    use super::index::BLOCK_BYTES;
    use super::*;

    fn chunk(vault: u8, seed: u8, len: usize) -> (Wanted, Bytes) {
        let bytes = Bytes::from(vec![seed; len]);
        let chunk = ChunkId(Sha256::digest(&bytes).into());
        (Wanted { vault: VaultId([vault; 32]), chunk }, bytes)
    }

    fn is_there(folder: &Path, wanted: &Wanted) -> bool {
        folder.join(wanted.vault.to_string()).join(wanted.chunk.to_string()).exists()
    }

    #[tokio::test]
    async fn what_nobody_read_again_goes_first_and_the_bytes_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 3 * BLOCK_BYTES).unwrap();
        let all: Vec<_> = (0..4).map(|seed| chunk(1, seed, 4_000)).collect();
        for (wanted, bytes) in &all[..3] {
            cache.keep(*wanted, bytes.clone(), 7).await;
        }
        assert_eq!(cache.read(all[0].0).await.unwrap(), all[0].1);
        cache.keep(all[3].0, all[3].1.clone(), 7).await;
        let held: Vec<bool> = all.iter().map(|(wanted, _)| cache.holds(wanted).is_some()).collect();
        assert_eq!(held, [true, false, true, true]);
        for (wanted, _) in &all {
            assert_eq!(is_there(folder.path(), wanted), cache.holds(wanted).is_some());
        }
        let (huge, bytes) = chunk(1, 9, 20_000);
        cache.keep(huge, bytes, 7).await;
        assert_eq!((cache.holds(&huge), is_there(folder.path(), &huge)), (None, false));
        assert_eq!((cache.kept().bytes, cache.kept().evicted), (3 * BLOCK_BYTES, 2));
        drop(cache);
        // What was read again has its place behind the others after a start too.
        let cache = Cache::open(folder.path(), 2 * BLOCK_BYTES).unwrap();
        let held: Vec<bool> = all.iter().map(|(wanted, _)| cache.holds(wanted).is_some()).collect();
        assert_eq!(held, [true, false, false, true]);
    }

    #[tokio::test]
    async fn what_is_there_is_found_again_and_what_was_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 1 << 20).unwrap();
        let ((one, first), (two, second)) = (chunk(1, 1, 5_000), chunk(2, 2, 300));
        cache.keep(one, first.clone(), 7).await;
        cache.keep(two, second.clone(), 7).await;
        assert_eq!(cache.holds(&one), Some(Held { len: 5_000, confirmed_ms: Some(7) }));
        fs::write(folder.path().join(INCOMING).join("9"), "half").unwrap();
        fs::write(folder.path().join("notes.txt"), "not ours").unwrap();
        drop(cache);
        let cache = Cache::open(folder.path(), 1 << 20).unwrap();
        assert_eq!(cache.holds(&one), Some(Held { len: 5_000, confirmed_ms: None }));
        assert_eq!(cache.read(two).await.unwrap(), second);
        assert_eq!(cache.kept().bytes, 3 * BLOCK_BYTES);
        assert_eq!(fs::read_dir(folder.path().join(INCOMING)).unwrap().count(), 0);
        assert!(folder.path().join("notes.txt").exists());
        drop(cache);
        // With less room than it had, what was written last stays.
        let cache = Cache::open(folder.path(), BLOCK_BYTES).unwrap();
        assert_eq!((cache.kept().chunks, is_there(folder.path(), &one)), (1, false));
    }

    #[tokio::test]
    async fn a_damaged_file_is_a_miss_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 1 << 20).unwrap();
        let (wanted, bytes) = chunk(1, 1, 5_000);
        let path = folder.path().join(wanted.vault.to_string()).join(wanted.chunk.to_string());
        let damages: [fn(&Path); 4] = [
            |path| fs::write(path, [2; 5_000]).unwrap(),
            |path| fs::write(path, [1; 4_999]).unwrap(),
            |path| fs::write(path, []).unwrap(),
            |path| fs::remove_file(path).unwrap(),
        ];
        for damage in damages {
            cache.keep(wanted, bytes.clone(), 7).await;
            damage(&path);
            assert_eq!(cache.read(wanted).await, None);
            assert_eq!((cache.holds(&wanted), path.exists()), (None, false));
        }
        assert_eq!(cache.kept(), Kept { chunks: 0, bytes: 0, evicted: 0, damaged: 4 });
        // The same chunk of another vault is another chunk.
        cache.keep(wanted, bytes, 7).await;
        assert_eq!(cache.read(Wanted { vault: VaultId([2; 32]), ..wanted }).await, None);
    }
}
