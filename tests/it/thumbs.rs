//! Thumbs: made where a picture is uploaded, seen elsewhere without it, and gone with it.

use std::rc::Rc;

use offing_core::log::entry::EntryKind;
use offing_core::rpc::{Clash, Fault, TransferControl};
use offing_tests::host::{picture, thumb_of};
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};

const LARGE: usize = 300_000;

fn album(sizes: impl IntoIterator<Item = usize>) -> Vec<(String, Vec<u8>)> {
    let photo = |(number, bytes)| (format!("{number:02}.jpg"), picture(number as u64, bytes));
    sizes.into_iter().enumerate().map(photo).collect()
}

fn uploads(device: &Device, photos: &[(String, Vec<u8>)]) {
    let files: Vec<(&str, &[u8])> = photos.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
    device.uploads("/", &files, Clash::Ask);
}

fn two_devices() -> (World, Rc<Device>, Rc<Device>) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    (world, phone, laptop)
}

fn shows_all(device: &Device, photos: &[(String, Vec<u8>)]) {
    for (name, bytes) in photos {
        let thumb = device.thumb(device.node(&format!("/{name}")));
        assert_eq!(thumb, Ok(Some(thumb_of(bytes))), "{name}");
    }
}

#[test]
fn another_device_sees_thumbs_without_fetching_the_files_and_offline_after() {
    let (world, phone, laptop) = two_devices();
    let photos = album([5_000, LARGE, 70_000, 2 * LARGE]);
    uploads(&phone, &photos);
    world.sync_all();
    let before = laptop.line.count(Call::Chunk);
    shows_all(&laptop, &photos);
    let fetched = laptop.line.count(Call::Chunk) - before;
    assert!(fetched <= 3, "{fetched} chunks for small ones, the first large one, the next");
    for (name, _) in &photos {
        assert!(!laptop.row(&format!("/{name}")).unwrap().local, "{name} was fetched");
    }
    world.goes_offline("laptop");
    shows_all(&laptop, &photos);
    assert!(matches!(laptop.reads("/00.jpg"), Err(Fault::NotHere { .. })));
}

#[test]
fn hundreds_of_photos_share_the_chunks_of_their_thumbs() {
    let (world, phone, laptop) = two_devices();
    let photos = album([LARGE; 40]);
    uploads(&phone, &photos);
    world.sync_all();
    let before = laptop.line.count(Call::Chunk);
    shows_all(&laptop, &photos);
    // 1, 2, 4, 8, 16 and the rest.
    assert_eq!(laptop.line.count(Call::Chunk) - before, 6);
}

#[test]
fn a_thumb_is_of_the_content_that_is_there() {
    let (world, phone, laptop) = two_devices();
    phone.creates_folder("/Copies");
    phone.uploads("/", &[("a.jpg", &picture(1, LARGE))], Clash::Ask);
    world.sync_all();
    let node = laptop.node("/a.jpg");
    assert_eq!(laptop.thumb(node), Ok(Some(thumb_of(&picture(1, LARGE)))));
    phone.uploads("/", &[("a.jpg", &picture(2, LARGE))], Clash::Replace);
    world.sync_all();
    assert_eq!(laptop.thumb(node), Ok(Some(thumb_of(&picture(2, LARGE)))));
    let before = laptop.revisions(node).last().unwrap().id;
    laptop.reverts(node, before);
    laptop.copies("/a.jpg", "/Copies");
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.thumb(node), Ok(Some(thumb_of(&picture(1, LARGE)))));
    assert_eq!(phone.thumb(phone.node("/Copies/a.jpg")), Ok(Some(thumb_of(&picture(1, LARGE)))));
    phone.uploads("/", &[("a.jpg", b"no picture")], Clash::Replace);
    world.sync_all();
    assert_eq!(laptop.node("/a.jpg"), node);
    assert_eq!(laptop.reads("/a.jpg").unwrap(), b"no picture");
    assert_eq!(laptop.thumb(node), Ok(None));
}

#[test]
fn a_thumb_dies_with_the_last_of_its_files() {
    let (world, phone, laptop) = two_devices();
    let photos = album([5_000, 6_000]);
    uploads(&phone, &photos);
    world.sync_all();
    let all = world.named_by(EntryKind::Change).len();
    let deletes = |path: &str| {
        phone.trashes(path);
        phone.purges(None);
        world.passes(30_000);
        phone.buries();
        world.passes(30_000);
        world.sync_all();
        world.collects()
    };
    assert_eq!(deletes("/00.jpg"), 0, "both are in the same two chunks");
    shows_all(&laptop, &photos[1..]);
    assert_eq!((deletes("/01.jpg"), all), (2, 2));
    let tablet = world.adds("tablet");
    world.sync_all();
    let replica = tablet.replica();
    let found = tablet.run(async move { replica.verify(&mut |_, _| {}).await }).unwrap();
    assert!(found.is_sound(), "{found:?}");
}

#[test]
fn a_thumb_outlives_a_pause_a_restart_and_a_line_that_fails() {
    let (world, phone, laptop) = two_devices();
    phone.line.strike(Call::Put, Mishap::Unavailable);
    let photo = picture(1, 5 * LARGE);
    let [id] = phone.uploads("/", &[("a.jpg", &photo)], Clash::Ask)[..] else { panic!() };
    phone.steers(id, TransferControl::Pause);
    world.passes(10_000);
    world.restarts("phone");
    let phone = world.device("phone");
    phone.run_for(1_000);
    phone.steers(id, TransferControl::Resume);
    world.sync_all();
    if !laptop.shows("/a.jpg") {
        // It was paused before it was read, so it has to be chosen again.
        phone.uploads("/", &[("a.jpg", &photo)], Clash::Ask);
        world.sync_all();
    }
    assert_eq!(laptop.thumb(laptop.node("/a.jpg")), Ok(Some(thumb_of(&photo))));
    assert!(laptop.reads("/a.jpg").unwrap() == photo);
}

#[test]
fn what_is_kept_on_a_device_has_its_thumb_there() {
    let (world, phone, laptop) = two_devices();
    phone.uploads("/", &[("a.jpg", &picture(1, LARGE))], Clash::Ask);
    world.sync_all();
    laptop.keeps("/a.jpg");
    world.sync_all();
    world.goes_offline("laptop");
    let node = laptop.node("/a.jpg");
    assert_eq!(laptop.thumb(node), Ok(Some(thumb_of(&picture(1, LARGE)))));
}

#[test]
fn a_thumb_that_cannot_be_had_or_is_damaged_takes_nothing_with_it() {
    let (world, phone, laptop) = two_devices();
    phone.uploads("/", &[("a.jpg", &picture(1, LARGE))], Clash::Ask);
    world.sync_all();
    let node = laptop.node("/a.jpg");
    world.goes_offline("laptop");
    assert!(matches!(laptop.thumb(node), Err(Fault::NotHere { .. })));
    world.goes_online("laptop");
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(|_, bytes| bytes[70] ^= 1));
    assert!(matches!(laptop.thumb(node), Err(Fault::Corrupt { .. })));
    *world.net.chunk_lie.borrow_mut() = None;
    assert!(laptop.reads("/a.jpg").unwrap() == picture(1, LARGE));
    assert_eq!(laptop.thumb(node), Ok(Some(thumb_of(&picture(1, LARGE)))));
}
