//! Backups: what the server had at one moment, whatever happens meanwhile and to them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use offing_core::proto::Tip;
use offing_server::backup::{BackupError, Copied, Restored};
use offing_server::service::log::PageLimits;
use offing_server::service::{ServiceError, ServiceOptions, Services};
use offing_server::store::check::Checked;
use offing_server::store::places::Places;
use offing_server::store::segment::SegmentOptions;
use tempfile::TempDir;

use crate::uploads::{put, read};
use crate::world::{Pen, append, chunk, open, with_vault};

/// A server's folder, with services whose segments hold four chunks of three thousand bytes.
struct Site {
    folder: TempDir,
    services: Services,
    pen: Pen,
}

impl Site {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let segments = SegmentOptions { rotate_bytes: 10_000, ..SegmentOptions::default() };
        let options = ServiceOptions { segments, ..ServiceOptions::default() };
        let services = Services::open(&data, options).unwrap().0;
        for secret in ["server-setup", "token-key"] {
            fs::write(data.join(secret), secret).unwrap();
        }
        let pen = with_vault(&services, "alice").await;
        Self { folder, services, pen }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Uploads chunks, and writes an entry that names each.
    async fn works(&mut self, seeds: std::ops::Range<u8>) {
        for seed in seeds {
            let one = chunk(seed, 3000);
            put(&self.services, &self.pen.caller, self.pen.vault, &one).await.unwrap();
            let entry = self.pen.write(b"names it", &[one.0]);
            append(&self.services, &self.pen, &[entry]).await;
        }
    }

    async fn expect(&self, services: &Services, seeds: std::ops::Range<u8>) {
        for seed in seeds {
            let (id, bytes) = chunk(seed, 3000);
            assert_eq!(read(services, &self.pen.caller, self.pen.vault, id).await, bytes);
        }
    }

    async fn tip(&self, services: &Services) -> Tip {
        let (caller, vault) = (self.pen.caller, self.pen.vault);
        let page = services.read_log(&caller, vault, 0, None, PageLimits::default()).await;
        page.unwrap().tip
    }
}

/// Does something on a thread that no runtime knows.
fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn backup(data: &Path, to: &Path) -> Result<Copied, BackupError> {
    aside(|| offing_server::backup::backup(&Places::from(data), to))
}

fn restore(from: &Path, data: &Path) -> Result<Restored, BackupError> {
    aside(|| offing_server::backup::restore(from, &Places::from(data)))
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_backup_holds_one_moment_and_the_next_copies_only_what_is_new() {
    let mut site = Site::new().await;
    let to = site.path("backup");
    site.works(0..10).await;
    let first = backup(&site.path("data"), &to).unwrap();
    assert!(first.new_bytes > 30_000 && first.old_bytes == 0, "{first:?}");
    let again = backup(&site.path("data"), &to).unwrap();
    assert_eq!((again.new_bytes, again.old_bytes), (0, first.new_bytes));
    site.works(10..12).await;
    let tip = site.tip(&site.services).await;
    let second = backup(&site.path("data"), &to).unwrap();
    assert_eq!(second.old_bytes, first.new_bytes);
    assert_eq!((second.chunks.chunks, second.chunks.is_sound()), (2, true), "only what is new");
    assert!((6_000..8_000).contains(&second.new_bytes), "{second:?}");
    site.works(12..20).await;
    for file in files(&to) {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert!(mode & 0o077 == 0 || file.ends_with("backup.lock"), "{}", file.display());
        assert!(!file.to_string_lossy().contains("sqlite-"), "{}", file.display());
    }

    let restored = restore(&to, &site.path("restored")).unwrap();
    assert!(restored.chunks.is_sound());
    assert_eq!((restored.vaults, restored.chunks.chunks), (1, 12));
    assert_eq!(fs::read(site.path("restored").join("server-setup")).unwrap(), b"server-setup");
    let services = open(&site.path("restored"));
    site.expect(&services, 0..12).await;
    // Where it was, in another life.
    let now = site.tip(&services).await;
    assert_eq!((now.seq, now.chain), (tip.seq, tip.chain));
    assert_ne!(now.incarnation, tip.incarnation);
}

#[tokio::test]
async fn a_backup_that_is_broken_off_leaves_the_one_before() {
    let mut site = Site::new().await;
    let to = site.path("backup");
    site.works(0..3).await;
    backup(&site.path("data"), &to).unwrap();
    let tip = site.tip(&site.services).await;
    site.works(3..10).await;
    // Segments come first, and what was being written may be anything.
    for segment in ["000001.seg", "000002.seg"] {
        let copied = fs::read(site.path("data").join("chunks").join(segment)).unwrap();
        let torn = copied[..copied.len() - 700].iter().copied().chain([0; 300]).collect::<Vec<_>>();
        fs::write(to.join("chunks").join(segment), torn).unwrap();
    }
    fs::write(to.join("offing.sqlite.new"), b"half a database").unwrap();
    let restored = restore(&to, &site.path("restored")).unwrap();
    assert!(restored.chunks.is_sound() && restored.chunks.chunks == 3);
    let services = open(&site.path("restored"));
    site.expect(&services, 0..3).await;
    assert_eq!(site.tip(&services).await.seq, tip.seq);
    // The next one mends it, and takes what was whole.
    let third = site.path("data/chunks/000003.seg");
    fs::copy(&third, to.join("chunks/000003.seg")).unwrap();
    let mended = backup(&site.path("data"), &to).unwrap();
    assert!(mended.old_bytes > fs::metadata(&third).unwrap().len(), "{mended:?}");
    assert!(mended.chunks.is_sound() && mended.chunks.chunks == 7);
    let restored = restore(&to, &site.path("later")).unwrap();
    assert!(restored.chunks.is_sound() && restored.chunks.chunks == 10);
}

#[tokio::test]
async fn segments_that_are_compacted_leave_the_backup_after_what_replaces_them() {
    let mut site = Site::new().await;
    let to = site.path("backup");
    site.works(0..9).await;
    backup(&site.path("data"), &to).unwrap();
    let dead = (0..6).map(|seed| chunk(seed, 3000).0).collect();
    site.services.remove_chunks(site.pen.vault, dead).await.unwrap();
    assert!(site.services.compact_chunks().await.unwrap() > 0);
    let copied = backup(&site.path("data"), &to).unwrap();
    let kept = files(&to).into_iter().filter(|file| file.extension() == Some("seg".as_ref()));
    assert_eq!(kept.count() as u64, copied.segments);
    let restored = restore(&to, &site.path("restored")).unwrap();
    assert!(restored.chunks.is_sound() && restored.chunks.chunks == 3);
    site.expect(&open(&site.path("restored")), 6..9).await;
}

#[tokio::test]
async fn what_is_damaged_is_told_and_does_not_keep_the_rest_out() {
    let mut site = Site::new().await;
    let to = site.path("backup");
    site.works(0..10).await;
    fs::remove_file(site.path("data").join("chunks/000002.seg")).unwrap();
    let copied = backup(&site.path("data"), &to).unwrap();
    assert_eq!((copied.chunks.chunks, copied.chunks.missing), (10, 4));
    let first = to.join("chunks/000001.seg");
    let mut bytes = fs::read(&first).unwrap();
    bytes[200] ^= 1;
    fs::write(&first, bytes).unwrap();
    let chunks = restore(&to, &site.path("restored")).unwrap().chunks;
    assert_eq!((chunks.chunks, chunks.missing, chunks.rotten), (10, 4, 1));
    let services = open(&site.path("restored"));
    site.expect(&services, 8..10).await;
    // Who has it may bring it again.
    let (id, bytes) = chunk(4, 3000);
    let lost = services.chunk(&site.pen.caller, site.pen.vault, id).await;
    assert!(matches!(lost, Err(ServiceError::ChunkUnknown)));
    put(&services, &site.pen.caller, site.pen.vault, &(id, bytes)).await.unwrap();
    site.expect(&services, 4..5).await;
}

#[tokio::test]
async fn a_backup_keeps_what_the_server_has_lost_since() {
    let mut site = Site::new().await;
    let to = site.path("backup");
    site.works(0..10).await;
    backup(&site.path("data"), &to).unwrap();
    fs::remove_file(site.path("data/chunks/000001.seg")).unwrap();
    let second = site.path("data/chunks/000002.seg");
    let mut bytes = fs::read(&second).unwrap();
    bytes[200] ^= 1;
    fs::write(&second, bytes).unwrap();
    assert_eq!(backup(&site.path("data"), &to).unwrap().chunks, Checked::default());
    assert!(restore(&to, &site.path("restored")).unwrap().chunks.is_sound());
    site.expect(&open(&site.path("restored")), 0..10).await;
}

#[tokio::test]
async fn a_chunk_that_is_damaged_is_told_when_it_is_copied() {
    let mut site = Site::new().await;
    site.works(0..3).await;
    let segment = site.path("data/chunks/000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[200] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let copied = backup(&site.path("data"), &site.path("backup")).unwrap();
    assert_eq!((copied.chunks.chunks, copied.chunks.rotten), (3, 1));
}

#[tokio::test]
async fn folders_that_are_something_else_are_left_as_they_are() {
    let mut site = Site::new().await;
    site.works(0..2).await;
    let (data, to, taken) = (site.path("data"), site.path("backup"), site.path("taken"));
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("photo.jpg"), b"mine").unwrap();
    assert!(matches!(backup(&data, &taken), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(backup(&data, &data), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(backup(&taken, &to), Err(BackupError::Missing { .. })));
    backup(&data, &to).unwrap();
    assert!(matches!(restore(&to, &taken), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(restore(&to, &data), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(restore(&taken, &site.path("new")), Err(BackupError::Missing { .. })));
    assert_eq!(files(&taken), [taken.join("photo.jpg")]);
    // Another life of the server may have other bytes at the same places.
    restore(&to, &site.path("restored")).unwrap();
    drop(open(&site.path("restored")));
    let other = backup(&site.path("restored"), &to);
    assert!(matches!(other, Err(BackupError::OtherLife { .. })), "{other:?}");
    // Neither has another store, even in the same life.
    fs::write(data.join("chunks/id"), [7; 16]).unwrap();
    assert!(matches!(backup(&data, &to), Err(BackupError::OtherLife { .. })));
    fs::remove_file(data.join("chunks/id")).unwrap();
    assert!(matches!(backup(&data, &to), Err(BackupError::Service(ServiceError::OtherChunks))));
    fs::write(to.join("offing.sqlite"), b"no database").unwrap();
    assert!(restore(&to, &site.path("damaged")).is_err());
    assert!(!site.path("damaged").join("offing.sqlite").exists());
}
