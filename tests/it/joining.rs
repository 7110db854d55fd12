//! A new device, and what is kept on it.

use offing_core::rpc::{Clash, Fault};
use offing_tests::World;

#[test]
fn a_second_device_opens_everything_that_is_there() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_folder("/papers");
    phone.creates_text("/papers/notes.md", "typed on the phone");
    phone.appends_to("/papers/notes.md", ", twice");
    let (photo, film) = (crate::noise(1, 5_000), crate::noise(2, 3_500_000));
    phone.uploads("/papers", &[("photo.jpg", &photo), ("film.mp4", &film)], Clash::Ask);
    world.sync_all();
    let laptop = world.adds("laptop");
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/papers/notes.md"), "typed on the phone, twice");
    assert_eq!(laptop.reads("/papers/film.mp4").unwrap(), film);
    laptop.appends_to("/papers/notes.md", ", and on the laptop");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_device_that_was_off_for_long_catches_up() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/diary.md", "");
    world.sync_all();
    laptop.crashes();
    for i in 0..300 {
        phone.edits(node, |text| format!("{text}{i}\n"));
    }
    world.sync_all();
    laptop.opens();
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/diary.md").lines().count(), 300);
}

#[test]
fn what_is_kept_opens_offline_and_what_is_not_says_so() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/kept");
    let (kept, other) = (crate::noise(1, 1_500_000), crate::noise(2, 400_000));
    phone.uploads("/kept", &[("kept.bin", &kept)], Clash::Ask);
    phone.uploads("/", &[("other.bin", &other)], Clash::Ask);
    phone.uploads("/", &[("readme.txt", b"a text that nobody has opened")], Clash::Ask);
    world.sync_all();
    laptop.keeps("/kept");
    world.passes(5_000);
    world.goes_offline("laptop");
    assert_eq!(laptop.reads("/kept/kept.bin").unwrap(), kept);
    assert!(laptop.row("/kept/kept.bin").unwrap().local);
    assert!(!laptop.row("/other.bin").unwrap().local);
    let missing = Err(Fault::NotHere { name: "other.bin".to_owned() });
    assert_eq!(laptop.reads("/other.bin"), missing);
    assert_eq!(laptop.reads_text("/readme.txt"), "a text that nobody has opened");
    laptop.appends_to("/readme.txt", ", until now");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_kept_file_follows_its_new_revisions() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("plan.bin", &crate::noise(1, 300_000))], Clash::Ask);
    world.sync_all();
    laptop.keeps("/plan.bin");
    world.passes(5_000);
    let second = crate::noise(2, 310_000);
    phone.uploads("/", &[("plan.bin", &second)], Clash::Replace);
    world.sync_all();
    world.passes(5_000);
    world.goes_offline("laptop");
    assert_eq!(laptop.reads("/plan.bin").unwrap(), second);
}
