//! What nobody begins with any more is named, and removed; what anybody needs never is.

use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_core::log::entry::EntryKind;
use offing_core::rpc::{Alarm, Clash};
use offing_tests::net::{Call, Mishap};
use offing_tests::rogue::Rogue;
use offing_tests::{Device, World};

/// A phone and a laptop with a film and a text.
fn furnished() -> (World, Rc<Device>) {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.uploads("/", &[("film.mp4", &crate::noise(2, 1_500_000))], Clash::Ask);
    phone.creates_text("/notes.md", "by the sea");
    world.sync_all();
    (world, phone)
}

/// A device writes a snapshot, and all hear of it.
fn writes(world: &World, device: &Device) {
    device.creates_folder(&format!("/{}", world.tip()));
    world.sync_all();
    assert!(device.writes_snapshot());
    world.sync_all();
    // What follows of it is in the log, and everybody has asked for what comes after.
    world.sync_all();
    world.sync_all();
}

/// So does one that writes three: the first may go.
fn with_three_snapshots() -> (World, Rc<Device>) {
    let (world, phone) = furnished();
    for _ in 0..3 {
        writes(&world, &phone);
    }
    (world, phone)
}

fn dead(world: &World) -> Vec<ChunkId> {
    world.named_by(EntryKind::Gc).into_iter().collect()
}

/// All that changes have declared is there, and a device that joins now has everything.
fn nothing_is_missing(world: &World) {
    let needed: Vec<ChunkId> = world.named_by(EntryKind::Change).into_iter().collect();
    assert!(world.has(&needed).iter().all(|has| *has));
    world.adds("tablet");
    world.sync_all();
    world.assert_converged();
}

fn refused(device: &Device) -> usize {
    let alarms = device.page.alarms.borrow();
    alarms.iter().filter(|alarm| matches!(alarm, Alarm::EntryRefused { .. })).count()
}

#[test]
fn pieces_of_replaced_snapshots_go() {
    let (world, phone) = with_three_snapshots();
    let pieces = world.named_by(EntryKind::Snapshot);
    let dead = dead(&world);
    assert!(!dead.is_empty() && dead.len() < pieces.len());
    assert_eq!(world.collects(), dead.len());
    assert!(world.has(&dead).iter().all(|has| !has));
    nothing_is_missing(&world);
    let replica = phone.replica();
    let found = phone.run(async move { replica.verify(&mut |_, _| {}).await }).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert!(world.devices().iter().all(|device| refused(device) == 0));
}

#[test]
fn two_snapshots_stay_and_nothing_is_said_of_them() {
    let (world, phone) = furnished();
    writes(&world, &phone);
    writes(&world, &phone);
    assert_eq!((dead(&world).len(), world.collects()), (0, 0));
}

#[test]
fn each_snapshot_makes_another_one_dead_whoever_writes_it() {
    let (world, phone) = with_three_snapshots();
    let first = dead(&world);
    // It began with a snapshot, and has read of none before it.
    let tablet = world.adds("tablet");
    world.sync_all();
    for device in [&tablet, &phone, &tablet] {
        let before = dead(&world).len();
        writes(&world, device);
        assert!(dead(&world).len() > before, "{} names what is dead", device.name);
        assert!(world.collects() > 0);
    }
    assert!(world.has(&first).iter().all(|has| !has));
    let pieces: Vec<ChunkId> = world.named_by(EntryKind::Snapshot).into_iter().collect();
    let kept = world.has(&pieces).iter().filter(|has| **has).count();
    assert!(kept < pieces.len() / 2, "{kept} of {} are kept", pieces.len());
    world.adds("desktop");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_server_that_removes_nothing_is_told_and_keeps_all() {
    let (world, phone) = with_three_snapshots();
    writes(&world, &phone);
    let dead = dead(&world);
    assert!(dead.len() > 1 && world.has(&dead).iter().all(|has| *has));
    nothing_is_missing(&world);
}

#[test]
fn a_device_that_was_away_has_to_read_of_it_first() {
    let (world, phone) = furnished();
    let laptop = world.device("laptop");
    world.goes_offline("laptop");
    // This waits since before anything was dead.
    laptop.uploads("/", &[("from the laptop.jpg", &crate::noise(3, 300_000))], Clash::Ask);
    laptop.appends_to("/notes.md", ", and the laptop");
    for _ in 0..3 {
        let places = (phone.cursor(), world.tip());
        phone.creates_folder(&format!("/{places:?}"));
        world.passes(30_000);
        assert!(phone.writes_snapshot());
        world.passes(30_000);
    }
    assert!(!dead(&world).is_empty());
    assert_eq!(world.collects(), 0, "the laptop has not read of it");
    world.goes_online("laptop");
    world.sync_all();
    world.sync_all();
    assert!(world.collects() > 0);
    nothing_is_missing(&world);
}

#[test]
fn a_piece_that_is_used_anew_meanwhile_lives() {
    let (world, _) = with_three_snapshots();
    let dead = dead(&world);
    let mut rogue = Rogue::joins(&world);
    rogue.names(&world, EntryKind::Change, &dead[..1]);
    world.sync_all();
    assert_eq!(world.collects(), dead.len() - 1);
    assert_eq!(world.has(&dead[..1]), [true]);
}

#[test]
fn nobody_can_have_removed_what_a_file_needs() {
    let (world, phone) = furnished();
    let needed: Vec<ChunkId> = world.named_by(EntryKind::Change).into_iter().collect();
    let mut rogue = Rogue::joins(&world);
    // Snapshots of its own name the film, so that newer ones replace that.
    rogue.names(&world, EntryKind::Snapshot, &needed);
    for _ in 0..3 {
        writes(&world, &phone);
    }
    assert!(dead(&world).iter().all(|id| !needed.contains(id)), "the phone knows better");
    rogue.names(&world, EntryKind::Gc, &needed);
    world.sync_all();
    world.collects();
    assert!(world.has(&needed).iter().all(|has| *has), "so does the server");
    for device in world.devices() {
        assert_eq!(refused(&device), 1, "{} is told", device.name);
        let replica = device.replica();
        let (aside, _) = device.run(async move { replica.all_set_aside().await }).unwrap();
        assert_eq!(aside.len(), 1);
    }
    nothing_is_missing(&world);
}

#[test]
fn what_a_file_was_and_what_is_in_the_trash_is_not_dead() {
    let (world, phone) = furnished();
    phone.uploads("/", &[("film.mp4", &crate::noise(4, 900_000))], Clash::Replace);
    phone.uploads("/", &[("old.jpg", &crate::noise(5, 300_000))], Clash::Ask);
    world.sync_all();
    phone.trashes("/old.jpg");
    world.sync_all();
    let mut rogue = Rogue::joins(&world);
    for id in world.named_by(EntryKind::Change) {
        rogue.names(&world, EntryKind::Gc, &[id]);
    }
    world.sync_all();
    let named = world.named_by(EntryKind::Change).len();
    assert_eq!(refused(&phone), named, "each is named here");
}

#[test]
fn what_is_dead_is_not_told_again_after_an_epoch_that_ends() {
    let (world, phone) = furnished();
    let tablet = world.adds("tablet");
    writes(&world, &phone);
    writes(&world, &phone);
    phone.creates_folder("/third");
    world.sync_all();
    assert!(phone.writes_snapshot());
    phone.nudges();
    // The snapshot's entry goes, and what follows it does not.
    world.passes(200);
    for _ in 0..40 {
        phone.line.strike(Call::Append, Mishap::Unavailable);
    }
    world.passes(30_000);
    world.device("laptop").takes_off(&tablet).unwrap();
    tablet.crashes();
    world.passes(60_000);
    phone.line.mishaps.borrow_mut().clear();
    world.sync_all();
    assert_eq!(phone.pending(), 0);
    world.collects();
    writes(&world, &phone);
    assert!(!dead(&world).is_empty());
    world.collects();
    assert!(refused(&phone) + refused(&world.device("laptop")) == 0);
    world.assert_converged();
}

#[test]
fn a_restored_server_is_given_back_what_was_dead_and_removes_it_later() {
    let (world, phone) = furnished();
    writes(&world, &phone);
    writes(&world, &phone);
    let backup = world.backs_up();
    writes(&world, &phone);
    world.device("laptop").appends_to("/notes.md", ", and the laptop");
    world.sync_all();
    assert!(world.collects() > 0);
    let dead = dead(&world);
    world.restores(&backup);
    world.tells_the_server();
    for device in world.devices() {
        device.nudges();
    }
    world.passes(10_000);
    assert!(world.has(&dead).iter().all(|has| *has), "the backup had them");
    assert_eq!(world.collects(), 0, "it waits for its devices");
    phone.gives_back().unwrap();
    world.device("laptop").gives_back().unwrap();
    phone.goes_on().unwrap();
    world.sync_all();
    world.sync_all();
    assert_eq!(world.collects(), dead.len());
    nothing_is_missing(&world);
}

#[test]
fn what_comes_to_a_restored_server_after_its_entry_is_never_dead() {
    let (world, phone) = furnished();
    let laptop = world.device("laptop");
    let mut rogue = Rogue::joins(&world);
    world.sync_all();
    let backup = world.tip();
    laptop.uploads("/", &[("photo.jpg", &crate::noise(6, 300_000))], Clash::Ask);
    world.sync_all();
    let mut photo = world.named_by(EntryKind::Change);
    world.restores_the_server_to(backup);
    world.tells_the_server();
    photo.retain(|id| world.has(&[*id]) == [false]);
    let photo: Vec<ChunkId> = photo.into_iter().collect();
    assert!(!photo.is_empty());
    world.goes_offline("laptop");
    phone.nudges();
    world.passes(10_000);
    // The phone has the entry, and not the photo.
    phone.gives_back().unwrap();
    phone.goes_on().unwrap();
    world.passes(30_000);
    world.goes_online("laptop");
    world.sync_all();
    assert!(world.has(&photo).iter().all(|has| *has), "the laptop brings it");
    rogue.names(&world, EntryKind::Snapshot, &photo);
    for _ in 0..3 {
        writes(&world, &phone);
    }
    rogue.names(&world, EntryKind::Gc, &photo);
    world.sync_all();
    world.sync_all();
    world.collects();
    assert!(world.has(&photo).iter().all(|has| *has));
}
