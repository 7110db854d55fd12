//! Contents of what was deleted for good go, and of nothing else that anybody has, had or brings back.

use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_core::log::entry::EntryKind;
use offing_core::rpc::{Alarm, Clash, Kind};
use offing_core::tree::Value;
use offing_tests::rogue::Rogue;
use offing_tests::{Device, World};

/// A phone and a laptop with a film, a note, and a photo in a folder.
fn furnished() -> (World, Rc<Device>, Rc<Device>) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/Trip");
    phone.uploads("/", &[("film.mp4", &crate::noise(2, 1_500_000))], Clash::Ask);
    phone.uploads("/Trip", &[("photo.jpg", &crate::noise(3, 400_000))], Clash::Ask);
    phone.creates_text("/note.md", "by the sea");
    world.sync_all();
    (world, phone, laptop)
}

/// The chunks that changes have declared.
fn declared(world: &World) -> Vec<ChunkId> {
    world.named_by(EntryKind::Change).into_iter().collect()
}

fn held(world: &World, ids: &[ChunkId]) -> usize {
    world.has(ids).iter().filter(|has| **has).count()
}

/// What is in the trash on a device is deleted there for good and named.
fn deletes(world: &World, device: &Device) -> bool {
    device.purges(None);
    world.passes(30_000);
    let named = device.buries();
    world.passes(30_000);
    named
}

fn refused(device: &Device) -> usize {
    let alarms = device.page.alarms.borrow();
    alarms.iter().filter(|alarm| matches!(alarm, Alarm::EntryRefused { .. })).count()
}

/// A device that joins now has everything, what the server keeps is sound, and nobody was alarmed.
fn nothing_is_missing(world: &World) {
    world.sync_all();
    let tablet = world.adds("tablet");
    world.sync_all();
    world.assert_converged();
    for (path, row) in tablet.walk().iter().filter(|(_, row)| row.kind != Kind::Folder) {
        assert!(tablet.reads_node(row.node).is_ok(), "{path} cannot be read");
    }
    let replica = tablet.replica();
    let found = tablet.run(async move { replica.verify(&mut |_, _| {}).await }).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert!(world.devices().iter().all(|device| refused(device) == 0));
}

#[test]
fn contents_go_when_everybody_has_answered_and_the_rest_stays() {
    let (world, phone, laptop) = furnished();
    phone.uploads("/", &[("map.png", &crate::noise(9, 300_000))], Clash::Ask);
    world.sync_all();
    let before = declared(&world);
    phone.trashes("/film.mp4");
    phone.trashes("/Trip");
    world.sync_all();
    assert!(!phone.buries(), "what is in the trash is not dead");
    assert!(deletes(&world, &phone));
    world.sync_all();
    let dead: Vec<ChunkId> = world.buried().into_iter().collect();
    assert!(dead.len() >= 2 && dead.len() < before.len());
    assert_eq!(world.collects(), dead.len());
    assert_eq!(held(&world, &dead), 0);
    assert_eq!(laptop.names(), ["/map.png", "/note.md"]);
    assert!(!phone.buries(), "it is named once");
    nothing_is_missing(&world);
}

#[test]
fn what_something_else_has_too_stays() {
    let (world, phone, laptop) = furnished();
    laptop.copies("/film.mp4", "/Trip");
    world.sync_all();
    phone.trashes("/film.mp4");
    assert!(!deletes(&world, &phone));
    world.sync_all();
    assert_eq!((world.buried().len(), world.collects()), (0, 0));
    nothing_is_missing(&world);
}

#[test]
fn a_long_manifest_that_is_not_here_is_fetched_to_know_what_it_names() {
    let (world, phone, laptop) = furnished();
    phone.uploads("/", &[("long.mp4", &crate::noise(6, 17_000_000))], Clash::Ask);
    world.sync_all();
    phone.copies("/long.mp4", "/Trip");
    world.sync_all();
    laptop.trashes("/long.mp4");
    assert!(deletes(&world, &laptop));
    world.sync_all();
    assert_eq!(world.buried().len(), 1, "its own manifest, and nothing that the copy has");
    assert_eq!(world.collects(), 1);
    nothing_is_missing(&world);
}

#[test]
fn what_a_file_was_before_stays_with_the_file_and_goes_with_it() {
    let (world, phone, _) = furnished();
    phone.uploads("/", &[("film.mp4", &crate::noise(4, 900_000))], Clash::Replace);
    world.sync_all();
    phone.trashes("/Trip");
    deletes(&world, &phone);
    world.sync_all();
    assert_eq!(world.collects(), 1, "the photo");
    phone.trashes("/film.mp4");
    deletes(&world, &phone);
    world.sync_all();
    assert!(world.collects() > 2, "both films");
    nothing_is_missing(&world);
}

#[test]
fn texts_stay_and_typing_brings_them_back() {
    let (world, phone, laptop) = furnished();
    phone.uploads("/", &[("plan.md", b"a plan")], Clash::Ask);
    world.sync_all();
    let plan = laptop.opens_text("/plan.md");
    phone.trashes("/plan.md");
    assert!(!deletes(&world, &phone));
    world.sync_all();
    assert_eq!(world.collects(), 0);
    laptop.types(plan, |text| format!("{text} that grows"));
    world.sync_all();
    assert_eq!(phone.reads_text("/plan.md"), "a plan that grows");
    nothing_is_missing(&world);
}

#[test]
fn a_device_that_was_away_for_months_brings_back_what_it_restored() {
    let (world, phone, laptop) = furnished();
    phone.trashes("/film.mp4");
    world.sync_all();
    world.goes_offline("laptop");
    laptop.restores("trash:/film.mp4");
    assert!(deletes(&world, &phone));
    let dead: Vec<ChunkId> = world.buried().into_iter().collect();
    world.forgets_session(&laptop);
    assert_eq!(world.collects(), 0, "the laptop has not answered, session or not");
    world.goes_online("laptop");
    world.sync_all();
    world.sync_all();
    assert_eq!(world.collects(), 0, "it needs them");
    assert_eq!(held(&world, &dead), dead.len());
    assert!(phone.shows("/film.mp4"));
    nothing_is_missing(&world);
}

#[test]
fn a_device_that_was_away_keeps_what_it_copied() {
    let (world, phone, laptop) = furnished();
    world.goes_offline("laptop");
    laptop.copies("/film.mp4", "/Trip");
    phone.trashes("/film.mp4");
    assert!(deletes(&world, &phone));
    assert_eq!(world.collects(), 0);
    world.goes_online("laptop");
    world.sync_all();
    assert_eq!(world.collects(), 0);
    nothing_is_missing(&world);
}

#[test]
fn a_device_that_was_taken_off_is_not_waited_for() {
    let (world, phone, laptop) = furnished();
    world.goes_offline("laptop");
    phone.trashes("/film.mp4");
    deletes(&world, &phone);
    assert_eq!(world.collects(), 0);
    phone.takes_off(&laptop).unwrap();
    laptop.crashes();
    world.sync_all();
    assert!(world.collects() > 0);
    assert_eq!(refused(&phone), 0);
}

#[test]
fn what_waits_when_an_epoch_ends_is_told_all_the_same() {
    let (world, phone, laptop) = furnished();
    let tablet = world.adds("tablet");
    world.sync_all();
    phone.trashes("/film.mp4");
    phone.purges(None);
    world.sync_all();
    world.goes_offline("phone");
    assert!(phone.buries());
    laptop.takes_off(&tablet).unwrap();
    tablet.crashes();
    world.passes(30_000);
    world.goes_online("phone");
    world.sync_all();
    world.sync_all();
    assert!(world.collects() > 0);
    assert_eq!((refused(&phone), refused(&laptop)), (0, 0));
}

#[test]
fn nobody_can_have_removed_what_a_file_needs() {
    let (world, phone, laptop) = furnished();
    phone.trashes("/Trip");
    world.sync_all();
    let needed = declared(&world);
    let mut rogue = Rogue::joins(&world);
    world.goes_offline("laptop");
    rogue.tells_of(&world, EntryKind::Gc, &needed);
    rogue.tells_of(&world, EntryKind::Heartbeat, &[]);
    world.passes(30_000);
    assert_eq!(world.collects(), 0);
    world.sync_all();
    world.sync_all();
    assert_eq!(world.collects(), 0);
    assert_eq!(held(&world, &needed), needed.len());
    for device in [&phone, &laptop] {
        assert_eq!(refused(device), 1, "{} is told", device.name);
    }
}

#[test]
fn what_is_deleted_and_restored_in_turns_is_declared_again() {
    let (world, phone, laptop) = furnished();
    let mut rogue = Rogue::joins(&world);
    let film = phone.node("/film.mp4");
    phone.trashes("/film.mp4");
    world.sync_all();
    assert!(deletes(&world, &phone));
    world.sync_all();
    let dead: Vec<ChunkId> = world.buried().into_iter().collect();
    rogue.tells_of(&world, EntryKind::Heartbeat, &[]);
    // It knows that it is gone, and that everybody has answered.
    rogue.sets(&world, film, Value::Trashed(false));
    world.sync_all();
    world.sync_all();
    assert!(laptop.shows("/film.mp4"));
    assert_eq!(world.collects(), 0);
    assert_eq!(held(&world, &dead), dead.len());
}

#[test]
fn a_server_that_is_set_back_in_between_has_what_it_needs() {
    let (world, phone, laptop) = furnished();
    phone.trashes("/film.mp4");
    world.sync_all();
    let backup = world.backs_up();
    deletes(&world, &phone);
    world.sync_all();
    assert!(world.collects() > 0);
    let dead: Vec<ChunkId> = world.buried().into_iter().collect();
    world.restores(&backup);
    world.tells_the_server();
    for device in world.devices() {
        device.nudges();
    }
    world.passes(10_000);
    assert_eq!(held(&world, &dead), dead.len(), "the backup had them");
    assert_eq!(world.collects(), 0);
    phone.gives_back().unwrap();
    laptop.gives_back().unwrap();
    phone.goes_on().unwrap();
    world.sync_all();
    world.sync_all();
    assert_eq!(world.collects(), dead.len());
    nothing_is_missing(&world);
}

#[test]
fn an_upload_in_the_place_of_what_is_gone_is_a_file_of_its_own() {
    let (world, phone, laptop) = furnished();
    world.goes_offline("laptop");
    laptop.uploads("/", &[("film.mp4", &crate::noise(5, 700_000))], Clash::Replace);
    phone.trashes("/film.mp4");
    assert!(deletes(&world, &phone));
    world.goes_online("laptop");
    world.sync_all();
    world.sync_all();
    world.collects();
    assert_eq!(phone.reads("/film.mp4").unwrap(), crate::noise(5, 700_000));
    nothing_is_missing(&world);
}
