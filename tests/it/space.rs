//! The space on a device: what is kept, what is a cache, what is left over.

use offing_core::id::ChunkId;
use offing_core::rpc::{Clash, Fault, TransferControl, TransferState};
use offing_tests::World;
use offing_tests::device::Device;
use offing_worker::store::chunks::ChunkStore;

const FILM_BYTES: usize = 1_500_000;

fn film(number: u64) -> Vec<u8> {
    crate::noise(number, FILM_BYTES)
}

fn not_here(name: &str) -> Result<Vec<u8>, Fault> {
    Err(Fault::NotHere { name: name.to_owned() })
}

/// Every chunk on the device is whole and in its index, and the other way round.
fn assert_no_leftovers(device: &Device) {
    use offing_core::crypto::native::ready;
    use offing_worker::store::{Range, Store, Table};
    let mut files = ready(device.profile.chunks.list()).unwrap();
    files.sort_unstable();
    let keys = ready(device.profile.store.scan_keys(Table::Chunks, &Range::all(), u32::MAX));
    let rows: Vec<ChunkId> =
        keys.unwrap().iter().map(|key| ChunkId::from_slice(key).unwrap()).collect();
    assert_eq!(files, rows, "files and rows of {}", device.name);
}

#[test]
fn what_is_not_to_be_kept_any_more_gives_its_space_back() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("film.mp4", &film(1)), ("a.bin", b"small")], Clash::Ask);
    world.sync_all();
    laptop.keeps("/film.mp4");
    world.sync_all();
    assert!(laptop.row("/film.mp4").unwrap().local);
    assert!(laptop.stored_bytes() > FILM_BYTES as u64);
    laptop.stops_keeping("/film.mp4");
    assert_eq!(laptop.stored_bytes(), 0);
    assert!(!laptop.row("/film.mp4").unwrap().local);
    world.goes_offline("laptop");
    assert_eq!(laptop.reads("/film.mp4"), not_here("film.mp4"));
    world.goes_online("laptop");
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film(1));
    assert_no_leftovers(&laptop);
}

#[test]
fn what_something_else_that_is_kept_needs_stays() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_folder("/folder");
    let files: [(&str, &[u8]); 3] =
        [("film.mp4", &film(1)), ("notes.txt", b"a text"), ("a.bin", b"beside it")];
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    phone.copies("/film.mp4", "/folder");
    world.sync_all();
    for path in ["/film.mp4", "/folder/film.mp4", "/a.bin"] {
        phone.keeps(path);
    }
    world.sync_all();
    phone.stops_keeping("/film.mp4");
    phone.stops_keeping("/a.bin");
    world.goes_offline("phone");
    assert_eq!(phone.reads("/folder/film.mp4").unwrap(), film(1));
    assert_eq!(phone.reads_text("/notes.txt"), "a text", "texts open without network");
    phone.stops_keeping("/folder/film.mp4");
    assert_eq!(phone.reads("/folder/film.mp4"), not_here("film.mp4"));
    phone.appends_to("/notes.txt", ", edited");
    assert_eq!(phone.reads_text("/notes.txt"), "a text, edited");
}

#[test]
fn what_is_not_on_the_server_stays_whatever_is_asked() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("phone");
    phone.uploads("/", &[("film.mp4", &film(1)), ("a.bin", b"small")], Clash::Ask);
    world.passes(10_000);
    for path in ["/film.mp4", "/a.bin"] {
        phone.keeps(path);
        phone.stops_keeping(path);
    }
    phone.profile.quota_bytes.set(Some(1_000_000));
    world.restarts("phone");
    world.passes(10_000);
    assert_eq!(phone.reads("/film.mp4").unwrap(), film(1));
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film(1));
}

#[test]
fn the_cache_is_bounded_and_the_oldest_goes_first() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let names: Vec<String> = (0..8).map(|i| format!("{i}.mp4")).collect();
    for (number, name) in names.iter().enumerate() {
        phone.uploads("/", &[(name, &film(number as u64))], Clash::Ask);
    }
    phone.uploads("/", &[("kept.mp4", &film(20)), ("notes.txt", b"a text")], Clash::Ask);
    // A fifth of it is the cache's: four films.
    laptop.profile.quota_bytes.set(Some(4 * 5 * FILM_BYTES as u64 + 200_000));
    world.sync_all();
    laptop.keeps("/kept.mp4");
    world.sync_all();
    let kept_bytes = laptop.stored_bytes();
    for (number, name) in names.iter().enumerate() {
        assert_eq!(laptop.reads(&format!("/{name}")).unwrap(), film(number as u64));
        world.passes(60_000);
    }
    let cache_bytes = laptop.stored_bytes() - kept_bytes;
    assert!(cache_bytes <= 4 * FILM_BYTES as u64 + 40_000, "{cache_bytes}");
    assert!(cache_bytes >= 2 * FILM_BYTES as u64, "{cache_bytes}");
    assert_no_leftovers(&laptop);
    world.goes_offline("laptop");
    assert_eq!(laptop.reads("/7.mp4").unwrap(), film(7));
    assert_eq!(laptop.reads("/0.mp4"), not_here("0.mp4"));
    assert_eq!(laptop.reads("/kept.mp4").unwrap(), film(20));
    assert_eq!(laptop.reads_text("/notes.txt"), "a text");
}

#[test]
fn a_full_device_lets_its_cache_go_for_what_a_person_makes() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("film.mp4", &film(1)), ("kept.mp4", &film(2))], Clash::Ask);
    world.sync_all();
    laptop.keeps("/kept.mp4");
    world.sync_all();
    laptop.reads("/film.mp4").unwrap();
    laptop.profile.chunks.bound(Some(laptop.stored_bytes() + 1_000));
    world.goes_offline("laptop");
    let [id] = laptop.uploads("/", &[("mine.mp4", &film(3))], Clash::Ask)[..] else { panic!() };
    world.passes(10_000);
    assert_eq!(laptop.transfer(id), TransferState::Here);
    assert_eq!(laptop.reads("/mine.mp4").unwrap(), film(3));
    assert_eq!(laptop.reads("/kept.mp4").unwrap(), film(2));
    assert_eq!(laptop.reads("/film.mp4"), not_here("film.mp4"));
    // Nothing is left that may go.
    let [id] = laptop.uploads("/", &[("more.mp4", &film(4))], Clash::Ask)[..] else { panic!() };
    world.passes(10_000);
    assert_eq!(laptop.transfer(id), TransferState::Failed(Fault::StorageFull));
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads("/mine.mp4").unwrap(), film(3));
}

#[test]
fn what_a_killed_tab_or_a_cancelled_upload_left_is_swept() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    for after_ms in [1, 2, 5, 60] {
        let small = crate::noise(after_ms, 40_000);
        let files: [(&str, &[u8]); 2] = [("film.mp4", &film(after_ms)), ("a.jpg", &small)];
        phone.uploads("/", &files, Clash::KeepBoth);
        world.passes(after_ms);
        world.restarts("phone");
        world.sync_all();
        assert_no_leftovers(&phone);
    }
    let long = crate::noise(1, 9_500_000);
    let [id] = phone.uploads("/", &[("long.mp4", &long)], Clash::Ask)[..] else { panic!() };
    let before = phone.stored_bytes();
    world.passes(60);
    assert!(phone.stored_bytes() > before);
    phone.steers(id, TransferControl::Cancel);
    world.sync_all();
    assert_eq!(phone.stored_bytes(), before);
    assert_no_leftovers(&phone);
    for (path, shown) in phone.everything() {
        assert!(shown.content.is_ok(), "{path}");
    }
}

#[test]
fn a_sweep_of_one_tab_spares_what_another_is_about_to_name() {
    for after_ms in [0, 1, 3, 30, 60] {
        let world = World::with(&["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        let tab = phone.opens_another_tab();
        let small = crate::noise(2, 40_000);
        let files: [(&str, &[u8]); 2] = [("film.mp4", &film(1)), ("a.jpg", &small)];
        tab.uploads("/", &files, Clash::Ask);
        world.passes(after_ms);
        // Its start looks for leftovers.
        world.restarts("phone");
        world.goes_offline("phone");
        world.passes(10_000);
        world.sync_all();
        world.assert_converged();
        assert_eq!(laptop.reads("/film.mp4").unwrap(), film(1), "after {after_ms} ms");
        assert_eq!(laptop.reads("/a.jpg").unwrap(), small, "after {after_ms} ms");
    }
}

#[test]
fn a_large_file_is_called_here_only_when_all_of_it_is() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    // More chunks than a manifest in the tree may name.
    let long = crate::noise(1, 30_000_000);
    phone.uploads("/", &[("long.mp4", &long)], Clash::Ask);
    world.sync_all();
    assert!(phone.row("/long.mp4").unwrap().local);
    assert!(!laptop.row("/long.mp4").unwrap().local);
    let (node, replica) = (laptop.node("/long.mp4"), laptop.replica());
    laptop.run(async move {
        let mut download = replica.download(&[node], false).await.unwrap();
        download.next().await.unwrap();
    });
    assert!(!laptop.row("/long.mp4").unwrap().local, "its beginning is here, no more");
    assert_eq!(laptop.reads("/long.mp4").unwrap(), long);
    assert!(laptop.row("/long.mp4").unwrap().local);
    laptop.stops_keeping("/long.mp4");
    assert!(!laptop.row("/long.mp4").unwrap().local);
    laptop.keeps("/long.mp4");
    world.passes(30_000);
    world.goes_offline("laptop");
    assert!(laptop.row("/long.mp4").unwrap().local);
    assert_eq!(laptop.reads("/long.mp4").unwrap(), long);
}
