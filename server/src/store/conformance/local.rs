//! The stores that need nothing beside the program, and what is theirs alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tempfile::TempDir;

use super::*;
use crate::store::memory::{MemoryBlobs, MemoryMeta};
use crate::store::meta::WriteJob;
use crate::store::segment::SegmentStore;
use crate::store::sqlite::SqliteMeta;

#[test]
fn memory_meta_conforms() {
    for claim in META_CLAIMS {
        claim(&MemoryMeta::new());
    }
}

#[test]
fn sqlite_meta_conforms() {
    for claim in META_CLAIMS {
        let folder = TempDir::new().unwrap();
        claim(&SqliteMeta::open(&folder.path().join("meta.sqlite")).unwrap());
    }
}

#[test]
fn sqlite_keeps_everything_over_a_reopening_and_shares_commits() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meta.sqlite");
    let meta: Arc<dyn MetaStore> = Arc::new(SqliteMeta::open(&path).unwrap());
    populate(&*meta);
    let before = meta.stats();
    let add = || -> WriteJob {
        Box::new(|tx| {
            tx.add_usage(&ALICE, 1)?;
            Ok(Box::new(()))
        })
    };
    // While one job holds the writer, the others queue up and share a commit.
    let (held, gate) = std::sync::mpsc::channel::<()>();
    let first = meta.submit_write(
        Durability::Now,
        Box::new(move |_| {
            let _ = gate.recv();
            Ok(Box::new(()))
        }),
    );
    let rest: Vec<_> = (0..50).map(|_| meta.submit_write(Durability::Now, add())).collect();
    drop(held);
    assert!(first.blocking_recv().unwrap().is_ok());
    for answer in rest {
        assert!(answer.blocking_recv().unwrap().is_ok());
    }
    let after = meta.stats();
    assert!(after.durable_commits - before.durable_commits <= 2, "{before:?} {after:?}");
    let incarnation = meta.read_blocking(|state| state.incarnation()).unwrap();
    drop(meta);
    let meta: Arc<dyn MetaStore> = Arc::new(SqliteMeta::open(&path).unwrap());
    assert_eq!(meta.read_blocking(|state| state.incarnation()).unwrap(), incarnation);
    let account = meta.read_blocking(|state| state.account(&ALICE)).unwrap().unwrap();
    assert_eq!(account.used_bytes, 50);
}

#[test]
fn a_panicking_job_has_no_effect_and_ends_no_thread() {
    let folder = TempDir::new().unwrap();
    let meta: Arc<dyn MetaStore> =
        Arc::new(SqliteMeta::open(&folder.path().join("meta.sqlite")).unwrap());
    for _ in 0..10 {
        let write = meta.write_blocking(Durability::Now, |tx| -> Result<(), MetaError> {
            tx.add_account(&account(ALICE, "alice"))?;
            panic!("this test panics on purpose")
        });
        assert!(matches!(write, Err(MetaError::Panicked)));
        let read = meta
            .read_blocking(|_| -> Result<(), MetaError> { panic!("this test panics on purpose") });
        assert!(matches!(read, Err(MetaError::Panicked)));
    }
    assert_eq!(meta.read_blocking(|state| state.account_count()).unwrap(), 0);
    populate(&*meta);
}

#[test]
fn a_database_of_a_later_version_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meta.sqlite");
    drop(SqliteMeta::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    assert!(matches!(SqliteMeta::open(&path), Err(MetaError::TooNew { found: 1000, .. })));
}

#[test]
fn a_database_of_an_earlier_version_is_left_to_its_server() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meta.sqlite");
    drop(SqliteMeta::open(&path).unwrap());
    drop(SqliteMeta::open_beside(&path).unwrap());
    let version = || {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap()
    };
    let known = version();
    // What an earlier program made, as far as anybody looks.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let refused = SqliteMeta::open_beside(&path).map(drop);
    assert!(matches!(refused, Err(MetaError::TooOld { found: 3, known: wants }) if wants == known));
    assert_eq!(version(), 3);
}

fn a_full_disk_leaves_nothing_half_stored(blobs: &mut dyn BlobStore, options: &SegmentOptions) {
    let at = blobs.write(&VAULT, &ChunkId([1; 32]), &[1; 100]).unwrap();
    let size = blobs.segment_bytes(at.segment).unwrap();
    options.bytes_max.store(size + 120, Ordering::Relaxed);
    let refused = blobs.write(&VAULT, &ChunkId([2; 32]), &[2; 150]);
    assert!(matches!(refused, Err(BlobError::Full)));
    assert_eq!(blobs.segment_bytes(at.segment).unwrap(), size);
    options.bytes_max.store(u64::MAX, Ordering::Relaxed);
    blobs.write(&VAULT, &ChunkId([3; 32]), &[3; 150]).unwrap();
    blobs.sync().unwrap();
    let mut found = Vec::new();
    let scanned = blobs.scan(at.segment, 0, &mut |chunk| found.push(chunk.id.0[0])).unwrap();
    assert_eq!((found, scanned.torn_bytes), (vec![1, 3], 0));
}

#[test]
fn memory_blobs_conform() {
    for claim in BLOB_CLAIMS {
        claim(&mut MemoryBlobs::new(small_segments()));
    }
    let options = small_segments();
    a_full_disk_leaves_nothing_half_stored(&mut MemoryBlobs::new(options.clone()), &options);
}

#[test]
fn segment_files_conform() {
    let open = |options: &SegmentOptions| {
        let folder = TempDir::new().unwrap();
        (SegmentStore::open(folder.path(), options.clone()).unwrap(), folder)
    };
    let options = small_segments();
    for claim in BLOB_CLAIMS {
        claim(&mut open(&options).0);
    }
    a_full_disk_leaves_nothing_half_stored(&mut open(&options).0, &options);
}

#[test]
fn two_stores_never_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let first = SegmentStore::open(folder.path(), SegmentOptions::default()).unwrap();
    let second = SegmentStore::open(folder.path(), SegmentOptions::default());
    assert!(matches!(second, Err(BlobError::InUse)));
    drop(first);
    assert!(SegmentStore::open(folder.path(), SegmentOptions::default()).is_ok());
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_rest_stays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("000001.seg");
    let mut blobs = SegmentStore::open(folder.path(), SegmentOptions::default()).unwrap();
    let first = blobs.write(&VAULT, &ChunkId([1; 32]), &[1; 90]).unwrap();
    let last = blobs.write(&VAULT, &ChunkId([2; 32]), &[2; 90]).unwrap();
    blobs.sync().unwrap();
    drop(blobs);
    let whole = std::fs::read(&path).unwrap();
    for len in first.end()..last.end() {
        let cut = &whole[..usize::try_from(len).unwrap()];
        // A crash may also leave the file long and its end empty.
        let mut zeroed = cut.to_vec();
        zeroed.resize(whole.len(), 0);
        for torn in [cut, &zeroed] {
            std::fs::write(&path, torn).unwrap();
            let mut blobs = SegmentStore::open(folder.path(), SegmentOptions::default()).unwrap();
            let mut found = Vec::new();
            let scanned = blobs.scan(1, 0, &mut |chunk| found.push(chunk.at)).unwrap();
            assert_eq!((found, scanned.valid_to), (vec![first], first.end()), "cut at {len}");
            blobs.cut(1, scanned.valid_to).unwrap();
            let again = blobs.write(&VAULT, &ChunkId([2; 32]), &[2; 90]).unwrap();
            blobs.sync().unwrap();
            assert_eq!(again, last);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }
}

#[test]
fn every_flipped_bit_of_a_record_is_noticed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("000001.seg");
    let mut blobs = SegmentStore::open(folder.path(), SegmentOptions::default()).unwrap();
    let at = blobs.write(&VAULT, &ChunkId([1; 32]), &[1; 20]).unwrap();
    blobs.sync().unwrap();
    drop(blobs);
    let whole = std::fs::read(&path).unwrap();
    let start = usize::try_from(at.offset).unwrap() - 80;
    for byte in start..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        let blobs = SegmentStore::open(folder.path(), SegmentOptions::default()).unwrap();
        let mut found = 0;
        blobs.scan(1, 0, &mut |_| found += 1).unwrap();
        assert_eq!(found, 0, "byte {byte}");
    }
}
