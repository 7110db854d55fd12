//! A browser that is killed, and a disk that fills up, at any moment.

use offing_core::rpc::{Alarm, Clash, Fault, TransferState, UploadItem};
use offing_tests::World;
use offing_tests::disk::Trouble;
use offing_tests::host::{EPOCH_MS, TestFile};
use offing_worker::store::StoreError;
use offing_worker::store::memory::Faults;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The store fails from its `n`th write on, then the browser is killed and started again.
fn crashes_after_writes(n: u32, error: &StoreError) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "start ");
    phone.creates_folder("/a");
    world.sync_all();
    let before = phone.everything();
    phone.profile.store.inject(Faults { after_writes: n, error: Some(error.clone()) });
    // What fails here, fails; the sentences that insist are not used.
    let replica = phone.replica();
    phone.run(async move {
        replica.create_folder(offing_core::id::NodeId::ROOT, "b").await.ok();
    });
    if phone.tries_open_text(node).is_ok() {
        phone.types(node, |text| format!("{text}typed "));
        phone.flushes(node).ok();
    }
    let replica = phone.replica();
    let target = phone.node("/a");
    phone.run(async move { replica.move_to(&[node], target).await.ok() });
    laptop.creates_folder("/of the laptop");
    world.passes(5_000);
    phone.crashes();
    phone.profile.store.inject(Faults::default());
    phone.opens();
    world.sync_all();
    world.assert_converged();
    let after = phone.everything();
    for shown in before.values() {
        assert!(after.values().any(|now| now.node == shown.node), "{n}: a node is lost");
    }
    let text = String::from_utf8(phone.reads_node(node).unwrap()).unwrap();
    assert!(text == "start " || text == "start typed ", "{n}: {text}");
    phone.creates_folder("/still works");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_crash_between_any_two_writes_keeps_what_was_saved_and_goes_on() {
    for n in 0..24 {
        crashes_after_writes(n, &StoreError::Failed { name: "UnknownError".to_owned() });
    }
}

#[test]
fn a_full_disk_is_told_and_spoils_nothing() {
    for n in 0..8 {
        crashes_after_writes(n, &StoreError::Full);
    }
}

#[test]
fn a_crash_at_any_moment_of_a_synchronisation_is_repeated_or_whole() {
    for after_ms in (0..300).step_by(17) {
        let world = World::with(&["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        let node = phone.creates_text("/notes.md", "");
        world.goes_offline("laptop");
        for i in 0..4 {
            phone.edits(node, |text| format!("{text}{i}"));
            laptop.creates_folder(&format!("/{i}"));
        }
        laptop.line.offline.set(false);
        laptop.nudges();
        world.passes(after_ms);
        world.restarts("phone");
        world.restarts("laptop");
        world.sync_all();
        world.assert_converged();
        assert_eq!(laptop.reads_text("/notes.md"), "0123", "after {after_ms} ms");
        assert!((0..4).all(|i| phone.shows(&format!("/{i}"))));
    }
}

#[test]
fn a_change_that_cannot_be_stored_is_refused_whole() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let before = phone.everything();
    phone.profile.store.inject(Faults { after_writes: 0, error: Some(StoreError::Full) });
    let replica = phone.replica();
    let made =
        phone.run(async move { replica.create_folder(offing_core::id::NodeId::ROOT, "a").await });
    assert_eq!(made, Err(Fault::StorageFull));
    assert_eq!(phone.everything(), before);
    phone.profile.store.inject(Faults::default());
    phone.creates_folder("/a");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn typing_survives_a_disk_that_is_full_for_a_while() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    phone.opens_text("/notes.md");
    phone.profile.store.inject(Faults { after_writes: 0, error: Some(StoreError::Full) });
    phone.types(node, |_| "kept in memory".to_owned());
    assert_eq!(phone.flushes(node), Err(Fault::StorageFull));
    world.passes(60_000);
    assert_ne!(phone.status().state, offing_core::rpc::SyncState::OnServer);
    assert_eq!(*phone.page.standing.borrow(), [Alarm::StorageFailing], "and it is told");
    phone.profile.store.inject(Faults::default());
    // Nobody types any more, and nobody closes the text.
    world.sync_all();
    world.assert_converged();
    assert_eq!(*phone.page.standing.borrow(), []);
    assert_eq!(laptop.reads_text("/notes.md"), "kept in memory");
}

#[test]
fn an_upload_that_finds_no_space_fails_by_itself() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.profile.chunks.inject(Some(StoreError::Full));
    let ids = phone.uploads("/", &[("a.bin", &crate::noise(1, 500_000))], Clash::Ask);
    world.passes(2_000);
    let failed = TransferState::Failed(Fault::StorageFull);
    assert_eq!(phone.transfer(ids[0]), failed);
    assert!(!phone.shows("/a.bin"));
    phone.profile.chunks.inject(None);
    phone.uploads("/", &[("a.bin", &crate::noise(1, 500_000))], Clash::Ask);
    world.sync_all();
    world.assert_converged();
    assert!(world.device("laptop").shows("/a.bin"));
}

#[test]
fn uploading_again_what_waits_on_a_full_disk_harms_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("phone");
    let film = crate::noise(1, 3_000_000);
    let files: [(&str, &[u8]); 2] = [("film.mp4", &film), ("a.bin", b"small")];
    phone.uploads("/", &files, Clash::Ask);
    world.passes(60_000);
    for fault in [StoreError::Full, StoreError::Failed { name: "UnknownError".to_owned() }] {
        phone.profile.chunks.inject(Some(fault));
        let more: [(&str, &[u8]); 2] = [("again.mp4", &film), ("more.bin", b"more")];
        let ids = phone.uploads("/", &more, Clash::KeepBoth);
        world.passes(60_000);
        assert_eq!(phone.transfer(ids[0]), TransferState::Here, "it needs no space");
        assert!(matches!(phone.transfer(ids[1]), TransferState::Failed(_)));
    }
    phone.profile.chunks.inject(None);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
    assert_eq!(laptop.reads("/again.mp4").unwrap(), film);
    assert_eq!(laptop.reads("/a.bin").unwrap(), b"small");
}

#[test]
fn what_was_typed_a_moment_before_the_browser_was_killed_is_there_again() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "saved");
    world.sync_all();
    phone.opens_text("/notes.md");
    phone.types(node, |text| format!("{text}, typed"));
    world.passes(20);
    world.restarts("phone");
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "saved, typed");
}

#[test]
fn typing_that_is_in_no_entry_yet_would_be_lost_by_signing_out() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "saved");
    world.sync_all();
    assert_eq!(phone.unsynced(), 0);
    phone.opens_text("/notes.md");
    phone.types(node, |text| format!("{text}, typed"));
    world.passes(20);
    assert_ne!(phone.unsynced(), 0);
    phone.closes_text(node);
    world.sync_all();
    assert_eq!(phone.unsynced(), 0);
}

#[test]
fn an_upload_that_meets_a_failing_disk_begins_or_leaves_nothing_waiting() {
    for after in 0..8 {
        let world = World::with(&["phone"]);
        let phone = world.device("phone");
        let temper = &phone.profile.temper;
        temper.begins(world.executor.clone(), StdRng::seed_from_u64(1), 0);
        let error = StoreError::Failed { name: "UnknownError".to_owned() };
        temper.troubles(Some(Trouble { after, calls: 1, reads: true, error }));
        let path = vec!["a.bin".to_owned()];
        let item = UploadItem { path, size: 5, modified_ms: EPOCH_MS };
        let (replica, file) = (phone.replica(), TestFile::new(b"bytes"));
        let root = offing_core::id::NodeId::ROOT;
        phone.run(async move {
            replica.upload(root, vec![item], vec![file], Clash::Ask).await.ok();
        });
        world.passes(60_000);
        temper.troubles(None);
        world.sync_all();
    }
}
