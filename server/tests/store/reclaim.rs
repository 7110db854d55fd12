//! What nobody can account for stays: dead space is reclaimed, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use offing_core::id::{ChunkId, VaultId};
use offing_server::AppState;
use offing_server::config::Settings;
use offing_server::service::accounts;
use offing_server::service::{ServiceError, ServiceOptions, Services};
use offing_server::state::StartError;
use offing_server::store::blob::BlobStore;
use offing_server::store::chunks::Recovery;
use offing_server::store::meta::MetaError;
use offing_server::store::segment::{SegmentOptions, SegmentStore};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::uploads::{database, put, read, restore};
use crate::world::{NOW_MS, Pen, chunk, joined, open, with_vault};

/// Opens services whose segments hold four chunks of three thousand bytes.
fn open_small(folder: &Path) -> (Services, Recovery) {
    open_small_on(folder, &Arc::new(AtomicU64::new(u64::MAX)))
}

fn open_small_on(folder: &Path, bytes_max: &Arc<AtomicU64>) -> (Services, Recovery) {
    let segments = SegmentOptions { rotate_bytes: 10_000, bytes_max: Arc::clone(bytes_max) };
    let options = ServiceOptions { segments, ..ServiceOptions::default() };
    Services::open(folder, options).unwrap()
}

/// Uploads these chunks, and answers with them.
async fn put_many(
    services: &Services,
    pen: &Pen,
    seeds: std::ops::Range<u8>,
) -> Vec<(ChunkId, Vec<u8>)> {
    let chunks: Vec<_> = seeds.map(|seed| chunk(seed, 3000)).collect();
    for one in &chunks {
        put(services, &pen.caller, pen.vault, one).await.unwrap();
    }
    chunks
}

async fn remove(services: &Services, pen: &Pen, chunks: &[(ChunkId, Vec<u8>)]) {
    let ids = chunks.iter().map(|(id, _)| *id).collect();
    services.remove_chunks(pen.vault, ids).await.unwrap();
}

async fn expect_all(services: &Services, pen: &Pen, chunks: &[(ChunkId, Vec<u8>)]) {
    for (id, bytes) in chunks {
        assert_eq!(read(services, &pen.caller, pen.vault, *id).await, *bytes);
    }
}

/// The segments' files: how long each is, and what its bytes hash to.
fn segments(folder: &Path) -> Vec<(PathBuf, usize, [u8; 32])> {
    let mut files: Vec<_> = database(&folder.join("chunks"))
        .into_iter()
        .map(|(path, bytes)| (path, bytes.len(), Sha256::digest(bytes).into()))
        .collect();
    files.sort();
    files
}

/// Turns one bit of the byte at an offset of a segment's file.
fn rot(folder: &Path, segment: u32, offset: usize) {
    let path = folder.join(format!("chunks/{segment:06}.seg"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn records_of_a_vault_nobody_knows_are_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let mut blobs =
        SegmentStore::open(&folder.path().join("chunks"), SegmentOptions::default()).unwrap();
    let (id, bytes) = chunk(1, 10);
    blobs.write(&VaultId([9; 32]), &id, &bytes).unwrap();
    blobs.sync().unwrap();
    drop(blobs);
    let (services, recovery) = Services::open(folder.path(), ServiceOptions::default()).unwrap();
    assert_eq!(recovery.reindexed_chunks, 0);
    joined(&services, "alice").await;
}

#[tokio::test]
async fn chunks_beside_an_older_database_outlive_compaction() {
    let folder = TempDir::new().unwrap();
    let (services, _) = open_small(folder.path());
    let alice = with_vault(&services, "alice").await;
    let of_alice = put_many(&services, &alice, 0..5).await;
    drop(services);
    let older = database(folder.path());
    let (services, _) = open_small(folder.path());
    let bob = with_vault(&services, "bob").await;
    let of_bob = put_many(&services, &bob, 20..34).await;
    drop(services);
    let newer = database(folder.path());
    let before = segments(folder.path());

    restore(folder.path(), older);
    let (services, recovery) = open_small(folder.path());
    assert_eq!((recovery.unknown_chunks, recovery.reindexed_chunks), (14, 0));
    assert_eq!(services.compact_chunks().await.unwrap(), 0);
    remove(&services, &alice, &of_alice).await;
    // The first segment is alice's alone; the second holds one of hers and three of bob's.
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    drop(services);
    let after = segments(folder.path());
    assert_eq!(after[..], before[1..]);

    restore(folder.path(), newer);
    let (services, _) = open_small(folder.path());
    expect_all(&services, &bob, &of_bob).await;
}

#[tokio::test]
async fn a_segment_with_a_damaged_chunk_is_never_reclaimed() {
    let folder = TempDir::new().unwrap();
    let (services, _) = open_small(folder.path());
    let pen = with_vault(&services, "alice").await;
    let chunks = put_many(&services, &pen, 0..9).await;
    remove(&services, &pen, &chunks[..3]).await;
    remove(&services, &pen, &chunks[5..8]).await;
    // In the first segment the chunk that lives rots, in the second one that is dead.
    rot(folder.path(), 1, 3 * 3080 + 500);
    rot(folder.path(), 2, 2 * 3080 + 500);
    let before = segments(folder.path());
    for _ in 0..2 {
        assert_eq!(services.compact_chunks().await.unwrap(), 0);
    }
    assert_eq!(segments(folder.path()), before);
    expect_all(&services, &pen, &[chunks[4].clone(), chunks[8].clone()]).await;
}

#[tokio::test]
async fn compaction_on_a_full_disk_changes_nothing_and_goes_on_when_there_is_room() {
    let folder = TempDir::new().unwrap();
    let bytes_max = Arc::new(AtomicU64::new(u64::MAX));
    let (services, _) = open_small_on(folder.path(), &bytes_max);
    let pen = with_vault(&services, "alice").await;
    let chunks = put_many(&services, &pen, 0..5).await;
    remove(&services, &pen, &chunks[..3]).await;
    let before = segments(folder.path());
    let taken: usize = before.iter().map(|(_, len, _)| len).sum();
    bytes_max.store(taken as u64 + 1000, Ordering::Relaxed);
    for _ in 0..2 {
        let full = services.compact_chunks().await;
        assert!(matches!(full, Err(ServiceError::StorageFull)));
        assert_eq!(segments(folder.path()), before);
    }
    bytes_max.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    expect_all(&services, &pen, &chunks[3..]).await;
}

#[tokio::test]
async fn a_power_cut_while_compacting_leaves_each_chunk_once() {
    let folder = TempDir::new().unwrap();
    let (services, _) = open_small(folder.path());
    let pen = with_vault(&services, "alice").await;
    let chunks = put_many(&services, &pen, 0..6).await;
    remove(&services, &pen, &chunks[..3]).await;
    let used = services.account_view(pen.caller.account).await.unwrap().used_bytes;
    drop(services);
    let earlier = database(folder.path());
    let first = folder.path().join("chunks/000001.seg");
    let bytes = std::fs::read(&first).unwrap();
    let (services, _) = open_small(folder.path());
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    drop(services);
    // The copies reached the disk; neither the rows nor the removal did.
    restore(folder.path(), earlier);
    std::fs::write(first, bytes).unwrap();
    let (services, recovery) = open_small(folder.path());
    assert_eq!(recovery, Recovery::default());
    assert_eq!(services.account_view(pen.caller.account).await.unwrap().used_bytes, used);
    expect_all(&services, &pen, &chunks[3..]).await;
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    expect_all(&services, &pen, &chunks[3..]).await;
}

#[tokio::test]
async fn an_older_database_finds_chunks_that_were_moved_since() {
    let folder = TempDir::new().unwrap();
    let (services, _) = open_small(folder.path());
    let pen = with_vault(&services, "alice").await;
    let chunks = put_many(&services, &pen, 0..6).await;
    drop(services);
    let older = database(folder.path());
    let (services, _) = open_small(folder.path());
    remove(&services, &pen, &chunks[..3]).await;
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    drop(services);
    restore(folder.path(), older);
    let (services, recovery) = open_small(folder.path());
    assert_eq!((recovery.lost_segments, recovery.reindexed_chunks), (1, 1));
    expect_all(&services, &pen, &chunks[3..]).await;
}

#[tokio::test]
async fn damage_before_whole_chunks_is_no_torn_tail() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    drop(services);
    let before = database(folder.path());
    let services = open(folder.path());
    let chunks = put_many(&services, &pen, 0..4).await;
    drop(services);
    restore(folder.path(), before);
    rot(folder.path(), 1, 16 + 3080 + 80 + 5);
    let (services, recovery) = Services::open(folder.path(), ServiceOptions::default()).unwrap();
    assert_eq!((recovery.cut_bytes, recovery.damaged_bytes), (0, 3080));
    assert_eq!(recovery.reindexed_chunks, 3);
    expect_all(&services, &pen, &[&chunks[..1], &chunks[2..]].concat()).await;
    let lost = services.chunk(&pen.caller, pen.vault, chunks[1].0).await.err();
    assert!(matches!(lost, Some(ServiceError::ChunkUnknown)));
}

#[tokio::test]
async fn compaction_reclaims_dead_segments_and_readers_follow() {
    let folder = TempDir::new().unwrap();
    let segments = SegmentOptions { rotate_bytes: 10_000, ..SegmentOptions::default() };
    let options = ServiceOptions { segments, ..ServiceOptions::default() };
    let (services, _) = Services::open(folder.path(), options).unwrap();
    let pen = with_vault(&services, "alice").await;
    let (caller, vault) = (&pen.caller, pen.vault);
    let chunks: Vec<_> = (0..12).map(|seed| chunk(seed, 3000)).collect();
    for one in &chunks {
        put(&services, caller, vault, one).await.unwrap();
    }
    assert_eq!(services.compact_chunks().await.unwrap(), 0);
    let used = services.account_view(caller.account).await.unwrap().used_bytes;
    // Three of the first segment's four die.
    let dead: Vec<_> = chunks[..3].iter().map(|(id, _)| *id).collect();
    services.remove_chunks(vault, dead).await.unwrap();
    let after = services.account_view(caller.account).await.unwrap().used_bytes;
    assert_eq!(used - after, 9000);
    let handle = services.chunk(caller, vault, chunks[3].0).await.unwrap();
    assert_eq!(services.compact_chunks().await.unwrap(), 1);
    assert!(!folder.path().join("chunks/000001.seg").exists());
    let mut body = handle.body(0..3000).unwrap();
    assert_eq!(body.next_piece().await.unwrap().unwrap(), chunks[3].1);
    drop(body);
    drop(services);
    let services = open(folder.path());
    for (id, bytes) in &chunks[3..] {
        assert_eq!(read(&services, caller, vault, *id).await, *bytes);
    }
    let gone = services.chunk(caller, vault, chunks[0].0).await.err();
    assert!(matches!(gone, Some(ServiceError::ChunkUnknown)));
}

#[tokio::test]
async fn a_lost_database_beside_chunks_stops_the_start_and_nothing_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    let chunks = put_many(&services, &pen, 0..2).await;
    drop(services);
    let (there, before) = (database(folder.path()), segments(folder.path()));
    restore(folder.path(), Vec::new());
    let refused = Services::open(folder.path(), ServiceOptions::default()).err();
    assert!(matches!(refused, Some(ServiceError::DatabaseMissing { .. })));
    let refused = accounts::invite_beside(folder.path(), NOW_MS).await.err();
    assert!(matches!(refused, Some(ServiceError::DatabaseMissing { .. })));
    assert_eq!(database(folder.path()), []);
    assert_eq!(segments(folder.path()), before);
    restore(folder.path(), there);
    expect_all(&open(folder.path()), &pen, &chunks).await;
}

#[tokio::test]
async fn a_damaged_database_stops_the_start_and_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    put_many(&services, &pen, 0..2).await;
    drop(services);
    let path = folder.path().join("offing.sqlite");
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[..64].fill(0x55);
    std::fs::write(&path, &damaged).unwrap();
    let before = segments(folder.path());
    let refused = Services::open(folder.path(), ServiceOptions::default()).err();
    let Some(ServiceError::Meta(error)) = refused else { panic!("{refused:?}") };
    assert!(matches!(*error, MetaError::Damaged));
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
    assert_eq!(segments(folder.path()), before);
}

#[tokio::test]
async fn a_lost_secret_of_all_accounts_stops_the_start_and_is_not_replaced() {
    let folder = TempDir::new().unwrap();
    let start = || {
        let data = Some(folder.path().to_owned());
        let config = Settings { data, ..Settings::default() }.finish().unwrap();
        tokio::task::spawn_blocking(move || AppState::open(config))
    };
    let (state, _) = start().await.unwrap().unwrap();
    joined(state.services(), "alice").await;
    drop(state);
    drop(start().await.unwrap().unwrap());
    let setup = folder.path().join("server-setup");
    std::fs::remove_file(&setup).unwrap();
    let refused = start().await.unwrap().err();
    assert!(matches!(refused, Some(StartError::SetupMissing { .. })));
    assert!(!setup.exists());
}
