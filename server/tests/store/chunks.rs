//! Chunks: durable before they are acknowledged, whole or not there, whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use offing_core::id::{ChunkId, VaultId};
use offing_core::limits;
use offing_core::proto::{ChunksStored, encode_chunk_batch};
use offing_server::service::{Caller, ServiceError, ServiceOptions, Services};
use offing_server::store::chunks::ChunkStoreOptions;
use offing_server::store::segment::SegmentOptions;
use tempfile::TempDir;

use crate::uploads::{database, put, read, restore};
use crate::world::{append, chunk, open, placed_at, with_vault};

async fn put_batch(
    services: &Services,
    caller: &Caller,
    vault: VaultId,
    body: &[u8],
    piece_bytes: usize,
) -> Result<ChunksStored, ServiceError> {
    let mut upload = services.begin_batch(caller, vault).await?;
    for piece in body.chunks(piece_bytes) {
        upload.push(piece).await?;
    }
    upload.finish().await
}

fn batch(chunks: &[(ChunkId, Vec<u8>)]) -> Vec<u8> {
    encode_chunk_batch(chunks.iter().map(|(id, bytes)| (*id, &bytes[..])))
}

#[tokio::test]
async fn a_chunk_is_stored_once_and_read_in_ranges() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    let (caller, vault) = (&pen.caller, pen.vault);
    let big = chunk(1, 700_000);
    let before = services.account_view(caller.account).await.unwrap().used_bytes;
    for _ in 0..2 {
        let stored = put(&services, caller, vault, &big).await.unwrap();
        assert_eq!(stored, ChunksStored { stored: 1 });
    }
    let used = services.account_view(caller.account).await.unwrap().used_bytes;
    assert_eq!(used - before, 700_000);
    assert_eq!(read(&services, caller, vault, big.0).await, big.1);
    let handle = services.chunk(caller, vault, big.0).await.unwrap();
    let mut range = handle.body(100..103).unwrap();
    assert_eq!(range.next_piece().await.unwrap().unwrap(), big.1[100..103]);
    assert_eq!(range.next_piece().await.unwrap(), None);
    for range in [0..700_001, 5..5, 700_000..700_001] {
        let handle = services.chunk(caller, vault, big.0).await.unwrap();
        assert!(matches!(handle.body(range), Err(ServiceError::RangeInvalid { len: 700_000 })));
    }
    let ids = vec![chunk(2, 5).0, big.0];
    assert_eq!(services.have_chunks(caller, vault, ids).await.unwrap(), [false, true]);
}

#[tokio::test]
async fn chunks_of_another_vault_are_not_there() {
    let services = Services::in_memory(ServiceOptions::default()).unwrap();
    let alice = with_vault(&services, "alice").await;
    let bob = with_vault(&services, "bob").await;
    let small = chunk(1, 10);
    put(&services, &alice.caller, alice.vault, &small).await.unwrap();
    let unknown = services.chunk(&bob.caller, bob.vault, small.0).await.err();
    assert!(matches!(unknown, Some(ServiceError::ChunkUnknown)));
    let foreign = services.chunk(&bob.caller, alice.vault, small.0).await.err();
    assert!(matches!(foreign, Some(ServiceError::VaultUnknown)));
    let foreign = put(&services, &bob.caller, alice.vault, &small).await;
    assert!(matches!(foreign, Err(ServiceError::VaultUnknown)));
}

#[tokio::test]
async fn bytes_that_do_not_fit_their_id_are_refused() {
    let services = Services::in_memory(ServiceOptions::default()).unwrap();
    let pen = with_vault(&services, "alice").await;
    let (id, _) = chunk(1, 10);
    let broken = put(&services, &pen.caller, pen.vault, &(id, vec![1; 9])).await;
    assert!(matches!(broken, Err(ServiceError::ChunkMismatch { .. })));
    let mut upload = services
        .begin_chunk(&pen.caller, pen.vault, id, limits::CHUNK_SEALED_BYTES_MAX)
        .await
        .unwrap();
    let oversized = upload.push(&vec![0; limits::CHUNK_SEALED_BYTES_MAX + 1]).await;
    assert!(matches!(oversized, Err(ServiceError::TooLarge { .. })));
    let held = services.have_chunks(&pen.caller, pen.vault, vec![id]).await.unwrap();
    assert_eq!(held, [false]);
}

#[tokio::test]
async fn a_batch_is_parsed_however_it_is_cut_and_broken_ones_are_refused() {
    let services = Services::in_memory(ServiceOptions::default()).unwrap();
    let pen = with_vault(&services, "alice").await;
    let (caller, vault) = (&pen.caller, pen.vault);
    let chunks: Vec<_> = (1..=5).map(|seed| chunk(seed, 10 * usize::from(seed))).collect();
    let body = batch(&chunks);
    for piece_bytes in [1, 7, 36, 37, 1000] {
        let stored = put_batch(&services, caller, vault, &body, piece_bytes).await.unwrap();
        assert_eq!(stored, ChunksStored { stored: 5 });
    }
    for len in [1, 35, 36, 40, body.len() - 1] {
        let cut = put_batch(&services, caller, vault, &body[..len], 9).await;
        assert!(matches!(cut, Err(ServiceError::Malformed(_))), "cut at {len}");
    }
    let mut flipped = body.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = put_batch(&services, caller, vault, &flipped, 9).await;
    assert!(matches!(flipped, Err(ServiceError::ChunkMismatch { .. })));
    let many: Vec<_> = (0..=limits::CHUNK_BATCH_MAX).map(|len| chunk(9, len + 1)).collect();
    let many = put_batch(&services, caller, vault, &batch(&many), 1000).await;
    assert!(matches!(many, Err(ServiceError::TooLarge { max: limits::CHUNK_BATCH_MAX })));
    let mut head = chunks[0].0.0.to_vec();
    head.extend_from_slice(&u32::MAX.to_be_bytes());
    let huge = put_batch(&services, caller, vault, &head, 1000).await;
    assert!(matches!(huge, Err(ServiceError::TooLarge { .. })));
}

#[tokio::test]
async fn two_thousand_small_files_cost_at_most_ten_fsyncs() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let mut pen = with_vault(&services, "alice").await;
    let before = services.stats();
    // Packed, they are some seventy chunks; a batch carries fifteen of the largest.
    let mut ids = Vec::new();
    for batch_no in 0..5u8 {
        let chunks: Vec<_> = (0..14u8).map(|n| chunk(batch_no * 14 + n, 20_000)).collect();
        ids.extend(chunks.iter().map(|(id, _)| *id));
        let body = batch(&chunks);
        put_batch(&services, &pen.caller, pen.vault, &body, 50_000).await.unwrap();
    }
    let entry = pen.write(&[0; 100_000], &ids);
    assert!(placed_at(&append(&services, &pen, &[entry]).await.results[0], 2));
    let after = services.stats();
    let chunk_syncs = after.chunk_syncs - before.chunk_syncs;
    let commits = after.meta.durable_commits - before.meta.durable_commits;
    assert_eq!((chunk_syncs, commits), (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_beside_each_other_all_arrive() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    let uploads: Vec<_> = (0..100u8)
        .map(|seed| {
            let (services, caller, vault) = (services.clone(), pen.caller, pen.vault);
            tokio::spawn(async move { put(&services, &caller, vault, &chunk(seed, 5000)).await })
        })
        .collect();
    for upload in uploads {
        upload.await.unwrap().unwrap();
    }
    for seed in 0..100 {
        let (id, bytes) = chunk(seed, 5000);
        assert_eq!(read(&services, &pen.caller, pen.vault, id).await, bytes);
    }
    assert!(services.stats().chunk_syncs <= 102);
}

#[tokio::test]
async fn uploads_that_stand_still_stop_only_their_own_account() {
    let bytes_max = 2 * limits::CHUNK_SEALED_BYTES_MAX;
    let chunks = ChunkStoreOptions { bytes_max, account_bytes_max: bytes_max / 2 };
    let options = ServiceOptions { chunks, ..ServiceOptions::default() };
    let services = Services::in_memory(options).unwrap();
    let alice = with_vault(&services, "alice").await;
    let bob = with_vault(&services, "bob").await;
    let (id, bytes) = chunk(1, limits::CHUNK_SEALED_BYTES_MAX);
    let body = batch(&[(id, bytes)]);
    let mut still = Vec::new();
    for _ in 0..40 {
        // The head alone takes nobody's place; the first byte behind it does.
        let mut upload = services.begin_batch(&alice.caller, alice.vault).await.unwrap();
        upload.push(&body[..36]).await.unwrap();
        let got_in = upload.push(&body[36..37]).now_or_never();
        assert_eq!(got_in.is_some(), still.is_empty());
        still.push(upload);
    }
    put(&services, &bob.caller, bob.vault, &chunk(2, 5000)).await.unwrap();
    drop(still);
    put(&services, &alice.caller, alice.vault, &chunk(3, 5000)).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_and_a_full_account_refuse_and_keep_what_is_there() {
    let folder = TempDir::new().unwrap();
    let bytes_max = Arc::new(AtomicU64::new(u64::MAX));
    let segments =
        SegmentOptions { bytes_max: Arc::clone(&bytes_max), ..SegmentOptions::default() };
    let options = ServiceOptions { segments, ..ServiceOptions::default() };
    let (services, _) = Services::open(folder.path(), options).unwrap();
    let pen = with_vault(&services, "alice").await;
    let (caller, vault) = (&pen.caller, pen.vault);
    put(&services, caller, vault, &chunk(1, 1000)).await.unwrap();
    bytes_max.store(2500, Ordering::Relaxed);
    let full = put(&services, caller, vault, &chunk(2, 5000)).await;
    assert!(matches!(full, Err(ServiceError::StorageFull)));
    put(&services, caller, vault, &chunk(3, 500)).await.unwrap();
    bytes_max.store(u64::MAX, Ordering::Relaxed);
    put(&services, caller, vault, &chunk(2, 5000)).await.unwrap();

    let used = services.account_view(caller.account).await.unwrap().used_bytes;
    services.limit_account(caller.account, Some(used + 250)).await.unwrap();
    let over = batch(&[chunk(4, 100), chunk(5, 100), chunk(6, 100)]);
    let over = put_batch(&services, caller, vault, &over, 1000).await;
    assert!(matches!(over, Err(ServiceError::QuotaExceeded)), "uploads under way count");
    for seed in [1u8, 2, 3] {
        let (id, bytes) = chunk(seed, [1000, 5000, 500][usize::from(seed) - 1]);
        assert_eq!(read(&services, caller, vault, id).await, bytes);
    }
}

#[tokio::test]
async fn a_crash_between_the_fsync_and_the_index_loses_no_chunk() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    put(&services, &pen.caller, pen.vault, &chunk(1, 1000)).await.unwrap();
    let used = services.account_view(pen.caller.account).await.unwrap().used_bytes;
    drop(services);
    let before = database(folder.path());
    let services = open(folder.path());
    put(&services, &pen.caller, pen.vault, &chunk(2, 2000)).await.unwrap();
    drop(services);
    // The power goes before the rows reach the disk: the database is the one from before.
    restore(folder.path(), before);
    let (services, recovery) = Services::open(folder.path(), ServiceOptions::default()).unwrap();
    assert_eq!((recovery.reindexed_chunks, recovery.cut_bytes), (1, 0));
    for (seed, len) in [(1, 1000), (2, 2000)] {
        let (id, bytes) = chunk(seed, len);
        assert_eq!(read(&services, &pen.caller, pen.vault, id).await, bytes);
    }
    let view = services.account_view(pen.caller.account).await.unwrap();
    assert_eq!(view.used_bytes, used + 2000);
    drop(services);
    let (_, recovery) = Services::open(folder.path(), ServiceOptions::default()).unwrap();
    assert_eq!(recovery, offing_server::store::chunks::Recovery::default());
}

#[tokio::test]
async fn a_torn_tail_is_cut_at_the_next_start_and_uploads_go_on() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let pen = with_vault(&services, "alice").await;
    put(&services, &pen.caller, pen.vault, &chunk(1, 1000)).await.unwrap();
    drop(services);
    let path = folder.path().join("chunks/000001.seg");
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[16..500]);
    std::fs::write(&path, torn).unwrap();
    let (services, recovery) = Services::open(folder.path(), ServiceOptions::default()).unwrap();
    assert_eq!(recovery.cut_bytes, 484);
    put(&services, &pen.caller, pen.vault, &chunk(2, 1000)).await.unwrap();
    for seed in [1, 2] {
        let (id, bytes) = chunk(seed, 1000);
        assert_eq!(read(&services, &pen.caller, pen.vault, id).await, bytes);
    }
}
