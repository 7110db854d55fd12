//! Files on their way up.

use offing_core::rpc::{Clash, Fault, TransferControl, TransferState};
use offing_tests::World;
use offing_tests::host::TestFile;
use offing_tests::net::{Call, Mishap};

#[test]
fn empty_small_packed_and_large_files_arrive_whole() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let small: Vec<Vec<u8>> = (0..30).map(|i| crate::noise(i, 20_000 + i as usize)).collect();
    let names: Vec<String> = (0..30).map(|i| format!("photos/{i}.jpg")).collect();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(small.iter().map(Vec::as_slice)).collect();
    let large = crate::noise(99, 9_300_000);
    files.push(("film.mp4", &large));
    files.push(("empty.txt", b""));
    files.push(("notes.txt", b"a text"));
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), large);
    assert_eq!(laptop.reads("/photos/7.jpg").unwrap(), small[7]);
    assert_eq!(laptop.reads("/empty.txt").unwrap(), b"");
    assert_eq!(laptop.reads_text("/notes.txt"), "a text");
}

#[test]
fn what_replaces_a_file_leaves_its_copies_alone() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    let (photo, later) = (crate::noise(1, 5_000), crate::noise(2, 6_000));
    laptop.uploads("/", &[("sea.jpg", &photo)], Clash::Ask);
    world.sync_all();
    laptop.copies("/sea.jpg", "/");
    laptop.copies("/sea.jpg", "/");
    laptop.uploads("/", &[("sea.jpg", &later)], Clash::Replace);
    world.sync_all();
    assert_eq!(laptop.reads("/sea.jpg").unwrap(), later);
    assert_eq!(laptop.reads("/sea (2).jpg").unwrap(), photo);
    assert_eq!(laptop.reads("/sea (3).jpg").unwrap(), photo);
}

#[test]
fn an_upload_made_offline_waits_and_is_sent_later() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("phone");
    let film = crate::noise(1, 2_500_000);
    let ids = phone.uploads("/", &[("film.mp4", &film), ("a.txt", b"a")], Clash::Ask);
    world.passes(60_000);
    for id in &ids {
        assert_eq!(phone.transfer(*id), TransferState::Here);
    }
    assert_eq!(phone.reads("/film.mp4").unwrap(), film);
    assert!(phone.pending() > 0);
    world.restarts("phone");
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
}

#[test]
fn a_paused_upload_stands_still_and_goes_on() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let film = crate::noise(1, 12_000_000);
    let [id] = phone.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    world.passes(60);
    phone.steers(id, TransferControl::Pause);
    world.passes(120_000);
    assert_eq!(phone.transfer(id), TransferState::Paused);
    let sent = phone.line.chunks_sent.get();
    assert!(sent < 12, "{sent} of 12 chunks were sent before the pause");
    assert!(!laptop.shows("/film.mp4"));
    phone.steers(id, TransferControl::Resume);
    world.sync_all();
    assert_eq!(phone.transfer(id), TransferState::Done);
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
}

#[test]
fn a_cancelled_upload_leaves_nothing_and_nothing_pending() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let film = crate::noise(1, 9_500_000);
    let [id] = phone.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    world.passes(60);
    phone.steers(id, TransferControl::Cancel);
    world.sync_all();
    assert_eq!(phone.transfer(id), TransferState::Cancelled);
    assert!(!phone.shows("/film.mp4"));
    assert_eq!(phone.pending(), 0);
}

#[test]
fn a_file_that_vanishes_while_it_is_read_fails_by_name_and_stops_nobody() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let (gone, whole) = (TestFile::new(b"gone"), TestFile::new(b"whole"));
    gone.bytes.replace(None);
    let files = [("gone.bin", 4), ("whole.bin", 5)];
    let ids = phone.uploads_from("/", &files, vec![gone, whole], Clash::Ask);
    world.sync_all();
    let vanished = Fault::FileVanished { name: "gone.bin".to_owned() };
    assert_eq!(phone.transfer(ids[0]), TransferState::Failed(vanished));
    assert_eq!(laptop.reads("/whole.bin").unwrap(), b"whole");
    assert!(!laptop.shows("/gone.bin"));
    world.assert_converged();
}

#[test]
fn an_upload_over_a_line_that_breaks_is_not_sent_twice() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let film = crate::noise(1, 12_000_000);
    phone.line.strike(Call::Put, Mishap::AnswerLost);
    phone.line.strike(Call::Append, Mishap::AnswerLost);
    phone.uploads("/", &[("film.mp4", &film)], Clash::Ask);
    world.passes(120_000);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
    // `have` is asked before anything is sent again, so what was stored counts.
    assert!(phone.line.chunks_sent.get() <= 12, "{}", phone.line.chunks_sent.get());
}

#[test]
fn an_upload_cut_off_by_a_crash_is_whole_or_to_be_chosen_again() {
    let film = crate::noise(1, 9_000_000);
    for after_ms in [1, 60, 250] {
        let world = World::with(&["phone", "laptop"]);
        let phone = world.device("phone");
        phone.uploads("/", &[("film.mp4", &film)], Clash::Ask);
        world.passes(after_ms);
        world.restarts("phone");
        world.sync_all();
        world.assert_converged();
        if phone.shows("/film.mp4") {
            assert_eq!(world.device("laptop").reads("/film.mp4").unwrap(), film);
        }
    }
}

#[test]
fn text_edits_do_not_wait_behind_a_large_upload() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let film = crate::noise(1, 16_000_000);
    phone.creates_text("/notes.md", "");
    world.sync_all();
    let [id] = phone.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    phone.appends_to("/notes.md", "now");
    for _ in 0..200 {
        world.passes(10);
        if laptop.cursor() == world.tip() && laptop.reads_text("/notes.md") == "now" {
            break;
        }
    }
    assert_eq!(laptop.reads_text("/notes.md"), "now");
    assert_ne!(phone.transfer(id), TransferState::Done, "the film takes longer");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn folders_that_exist_are_found_however_many_there_are() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let root = offing_core::id::NodeId::ROOT;
    let paths: Vec<Vec<String>> =
        (0..1_200).map(|i| vec![format!("{i:04}"), "inner".to_owned()]).collect();
    for _ in 0..2 {
        let (replica, paths) = (phone.replica(), paths.clone());
        phone.run(async move { replica.make_folders(root, &paths).await }).unwrap();
    }
    assert_eq!(phone.rows(root).len(), 1_200, "no folder was made twice");
    assert_eq!(phone.rows(phone.node("/1199")).len(), 1);
    // Names are the same whatever their case, as everywhere.
    let (replica, folder) = (phone.replica(), vec![vec!["1199".to_owned(), "INNER".to_owned()]]);
    phone.run(async move { replica.make_folders(root, &folder).await }).unwrap();
    assert_eq!(phone.rows(phone.node("/1199")).len(), 1);
    phone.uploads("/", &[("1199/inner/a.txt", b"a")], Clash::Ask);
    world.passes(10_000);
    assert_eq!(phone.rows(root).len(), 1_200);
    assert_eq!(phone.reads_text("/1199/inner/a.txt"), "a");
    let (replica, unfit) = (phone.replica(), vec![vec!["a/b".to_owned()]]);
    let refused = phone.run(async move { replica.make_folders(root, &unfit).await });
    assert!(matches!(refused, Err(Fault::NameUnfit { .. })), "{refused:?}");
}
