//! Checks of the whole store: what they find, and what a repair does and leaves.

use std::fs;
use std::path::{Path, PathBuf};

use offing_core::id::ChunkId;
use offing_server::fsck::{Finding, Report, fsck};
use offing_server::service::{ServiceError, ServiceOptions, Services};
use offing_server::store::check::Fault;
use offing_server::store::places::Places;
use offing_server::store::segment::SegmentOptions;
use tempfile::TempDir;

use crate::uploads::{put, read};
use crate::world::{Pen, append, chunk, with_vault};

/// Services whose segments hold four chunks of three thousand bytes, and ten that an entry names.
async fn populated() -> (TempDir, Services, Pen) {
    let folder = TempDir::new().unwrap();
    let segments = SegmentOptions { rotate_bytes: 10_000, ..SegmentOptions::default() };
    let options = ServiceOptions { segments, ..ServiceOptions::default() };
    let services = Services::open(folder.path(), options).unwrap().0;
    let mut pen = with_vault(&services, "alice").await;
    for seed in 0..10 {
        put(&services, &pen.caller, pen.vault, &chunk(seed, 3000)).await.unwrap();
    }
    let names = pen.write(b"names them", &(0..10).map(id).collect::<Vec<_>>());
    append(&services, &pen, &[names]).await;
    (folder, services, pen)
}

fn id(seed: u8) -> ChunkId {
    chunk(seed, 3000).0
}

/// Checks a folder as the program does, beside whoever serves it.
async fn check(folder: &Path, repair: bool) -> (Report, Vec<Finding>) {
    let places = Places::from(folder);
    let check = move || {
        let mut found = Vec::new();
        let report = fsck(&places, repair, &mut |finding| found.push(finding)).unwrap();
        (report, found)
    };
    tokio::task::spawn_blocking(check).await.unwrap()
}

fn segment(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("chunks/{number:06}.seg"))
}

/// Turns a bit of the first chunk of a segment.
fn rot(folder: &Path, number: u32) {
    let mut bytes = fs::read(segment(folder, number)).unwrap();
    bytes[200] ^= 1;
    fs::write(segment(folder, number), bytes).unwrap();
}

#[tokio::test]
async fn every_byte_is_accounted_for_beside_a_server_that_works() {
    let (folder, services, pen) = populated().await;
    let (report, found) = check(folder.path(), false).await;
    assert!(found.is_empty());
    assert_eq!((report.segments, report.chunks.chunks, report.chunks.bytes), (3, 10, 30_000));
    assert_eq!((report.dead_bytes, report.unknown_bytes, report.damaged_bytes), (0, 0, 0));
    services.remove_chunks(pen.vault, vec![id(0), id(9)]).await.unwrap();
    let (report, _) = check(folder.path(), false).await;
    assert_eq!((report.chunks.chunks, report.dead_bytes, report.unknown_bytes), (8, 6_000, 0));
    // Segments of a database that was here before.
    fs::copy(segment(folder.path(), 1), segment(folder.path(), 9)).unwrap();
    let mut bytes = fs::read(segment(folder.path(), 9)).unwrap();
    bytes[12..16].copy_from_slice(&9_u32.to_be_bytes());
    fs::write(segment(folder.path(), 9), bytes).unwrap();
    let (report, found) = check(folder.path(), true).await;
    assert!(found.is_empty());
    assert_eq!((report.unknown_bytes, report.forgotten), (12_000, 0));
    assert!(segment(folder.path(), 9).exists(), "what nobody knows stays");
}

#[tokio::test]
async fn a_damaged_chunk_comes_again_once_its_place_is_forgotten() {
    let (folder, services, pen) = populated().await;
    rot(folder.path(), 1);
    fs::remove_file(segment(folder.path(), 2)).unwrap();
    let expected = |found: &[Finding]| {
        let of = |fault| found.iter().filter(|finding| finding.fault == fault).count();
        assert_eq!((of(Fault::Rotten), of(Fault::Missing)), (1, 4));
    };
    let (report, found) = check(folder.path(), false).await;
    expected(&found);
    assert!(report.damaged_bytes > 3_000 && report.forgotten == 0);
    // As long as the index has it nobody can bring it.
    let rotten = found.iter().find(|finding| finding.fault == Fault::Rotten).unwrap().id;
    let held = services.have_chunks(&pen.caller, pen.vault, vec![rotten]).await.unwrap();
    assert_eq!(held, [true]);

    let (report, found) = check(folder.path(), true).await;
    expected(&found);
    assert_eq!(report.forgotten, 5);
    let account = services.account(pen.caller.account).await.unwrap().unwrap();
    for seed in 0..10 {
        put(&services, &pen.caller, pen.vault, &chunk(seed, 3000)).await.unwrap();
        assert_eq!(read(&services, &pen.caller, pen.vault, id(seed)).await, chunk(seed, 3000).1);
    }
    let again = services.account(pen.caller.account).await.unwrap().unwrap();
    assert_eq!(again.used_bytes, account.used_bytes + 15_000);
    let (report, found) = check(folder.path(), false).await;
    assert!(found.is_empty() && report.chunks.chunks == 10);
}

#[tokio::test]
async fn the_scrub_reads_everything_once_in_a_round_and_counts_what_is_damaged() {
    let (folder, services, _pen) = populated().await;
    rot(folder.path(), 2);
    for hour in 0..24 {
        services.scrub(hour, 1).await.unwrap();
    }
    let scrubbed = services.scrubbed();
    assert_eq!((scrubbed.chunks, scrubbed.bytes, scrubbed.rotten), (10, 30_000, 1));
    assert_eq!(services.scrub(1, 0).await.unwrap().chunks, 0, "never, where it is off");
}

#[tokio::test]
async fn a_folder_without_a_database_is_no_server() {
    let folder = TempDir::new().unwrap();
    let refused = fsck(&Places::from(folder.path()), false, &mut |_| {});
    assert!(matches!(refused, Err(ServiceError::DatabaseMissing { .. })));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}
