//! The server lets go of bodies that a snapshot has; nobody lacks anything for it.

use std::rc::Rc;

use offing_core::log::entry::EntryKind;
use offing_core::proto::PageItem;
use offing_core::rpc::{Alarm, Clash};
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};

/// A phone and a laptop with some of everything, and a tablet.
fn furnished() -> (World, Rc<Device>) {
    let (world, phone) = crate::with_a_past(&["phone", "laptop", "tablet"]);
    phone.uploads("/papers", &[("photo.jpg", &crate::noise(2, 5_000))], Clash::Replace);
    phone.creates_folder("/old");
    phone.trashes("/old");
    world.sync_all();
    (world, phone)
}

/// A device writes a snapshot, the others countersign it, and all with a line have read of that.
fn writes(world: &World, device: &Device) {
    assert!(device.writes_snapshot());
    for _ in 0..3 {
        for device in world.devices().iter().filter(|device| device.is_open()) {
            device.nudges();
        }
        world.passes(20_000);
    }
}

/// How many entries lack their bodies.
fn bare(world: &World) -> usize {
    let (left, _) = world.reads_what_is_left();
    left.iter().filter(|item| matches!(item, PageItem::Bare { .. })).count()
}

fn alarms(world: &World) -> Vec<Alarm> {
    world.devices().iter().flat_map(|device| device.page.alarms.borrow().clone()).collect()
}

fn is_whole(world: &World, device: &Device) {
    let replica = device.replica();
    let found = device.run(async move { replica.verify(&mut |_, _| {}).await }).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.gone as usize, bare(world));
}

#[test]
fn bodies_below_a_countersigned_snapshot_go_and_a_new_device_has_everything() {
    let (world, phone) = furnished();
    writes(&world, &phone);
    world.sync_all();
    phone.appends_to("/papers/notes.md", ", after the snapshot");
    world.sync_all();
    let changes = world.counts(EntryKind::Change);
    assert!(world.prunes() > 80);
    assert_eq!(bare(&world), changes - 1, "all changes but the one after the snapshot");
    assert_eq!(world.prunes(), 0);
    let desktop = world.adds("desktop");
    world.sync_all();
    world.assert_converged();
    assert_eq!(desktop.revisions(desktop.node("/papers/photo.jpg")).len(), 2);
    assert_eq!(desktop.moments("/papers"), phone.moments("/papers"));
    for device in world.devices() {
        is_whole(&world, &device);
    }
    assert_eq!(alarms(&world), []);
}

#[test]
fn a_snapshot_that_nobody_else_looked_at_takes_the_place_of_nothing() {
    let (world, phone) = furnished();
    world.goes_offline("laptop");
    world.goes_offline("tablet");
    assert!(phone.writes_snapshot());
    world.passes(60_000);
    assert_eq!(world.prunes(), 0);
    assert_eq!(bare(&world), 0);
}

#[test]
fn nothing_goes_before_every_device_with_a_session_has_read_past_it() {
    let (world, phone) = furnished();
    world.goes_offline("tablet");
    writes(&world, &phone);
    assert_eq!((world.counts(EntryKind::Heartbeat), world.prunes()), (1, 0));
    world.goes_online("tablet");
    world.sync_all();
    world.sync_all();
    assert!(world.prunes() > 0);
}

/// The tablet is away, changes things meanwhile, and its session ends; bodies go.
fn away_with_work() -> (World, Rc<Device>) {
    let (world, phone) = furnished();
    let tablet = world.device("tablet");
    world.goes_offline("tablet");
    tablet.appends_to("/papers/notes.md", ", on the tablet");
    tablet.creates_text("/made on the tablet.md", "mine");
    tablet.uploads("/papers", &[("film.mp4", &crate::noise(3, 300_000))], Clash::Ask);
    tablet.renames("/papers", "letters");
    phone.appends_to("/papers/notes.md", ", on the phone");
    phone.creates_text("/papers/made on the phone.md", "yours");
    phone.uploads("/papers", &[("photo.jpg", &crate::noise(4, 5_000))], Clash::Replace);
    phone.trashes("/papers/photo.jpg");
    world.passes(30_000);
    writes(&world, &phone);
    world.device("laptop").appends_to("/papers/notes.md", ", on the laptop");
    world.passes(30_000);
    world.forgets_session(&tablet);
    assert!(world.prunes() > 80);
    (world, tablet)
}

#[test]
fn a_device_that_was_away_comes_back_to_a_pruned_log_and_loses_nothing() {
    let (world, tablet) = away_with_work();
    world.sync_all();
    world.sync_all();
    world.assert_converged();
    let text = tablet.reads_text("/letters/notes.md");
    for typed in [", on the tablet", ", on the phone", ", on the laptop", "79\n"] {
        assert!(text.contains(typed), "{typed} is in {text}");
    }
    assert_eq!(tablet.reads("/letters/film.mp4").unwrap(), crate::noise(3, 300_000));
    assert_eq!(tablet.reads_text("/letters/made on the phone.md"), "yours");
    for device in world.devices() {
        let node = device.node("/made on the tablet.md");
        assert_eq!(device.reads_text("/made on the tablet.md"), "mine");
        assert_eq!(device.revisions(node).len(), tablet.revisions(node).len());
        is_whole(&world, &device);
    }
    assert_eq!(tablet.unsynced(), 0);
    assert_eq!(alarms(&world), []);
    // And it goes on like any other.
    tablet.appends_to("/letters/notes.md", ", back");
    world.sync_all();
    writes(&world, &tablet);
    world.sync_all();
    assert!(world.prunes() > 0);
    world.adds("desktop");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn an_open_editor_gets_what_was_typed_while_its_device_was_away() {
    let (world, tablet) = away_with_work();
    let notes = tablet.opens_text("/letters/notes.md");
    world.sync_all();
    tablet.edits(notes, |text| format!("{text}, and on"));
    world.sync_all();
    world.assert_converged();
    assert!(tablet.reads_text("/letters/notes.md").contains(", on the phone"));
}

#[test]
fn a_server_that_says_it_pruned_what_it_hides_has_to_show_what_covers_it() {
    let (world, phone) = furnished();
    let tablet = world.device("tablet");
    world.goes_offline("tablet");
    writes(&world, &phone);
    phone.appends_to("/papers/notes.md", ", hidden");
    world.passes(30_000);
    let before = tablet.cursor();
    // All bodies of changes are withheld, also of the one after the snapshot.
    *world.net.page_lie.borrow_mut() = Some(Box::new(|_, page| {
        page.items.iter_mut().for_each(hides);
    }));
    world.goes_online("tablet");
    world.passes(30_000);
    assert_eq!(tablet.cursor(), before, "it takes nothing of it");
    let told =
        tablet.page.alarms.borrow().iter().any(|a| matches!(a, Alarm::HistoryChanged { .. }));
    assert!(told);
    *world.net.page_lie.borrow_mut() = None;
    world.restarts("tablet");
    world.sync_all();
    world.assert_converged();
}

fn hides(item: &mut PageItem) {
    use offing_core::log::entry::{Entry, Header};
    let PageItem::Full(wire) = &item else { return };
    let entry = Entry::decode(wire).unwrap();
    if Header::decode(&entry.header).unwrap().kind == EntryKind::Change {
        let body_hash = entry.body_hash();
        *item = PageItem::Bare { header: entry.header, signature: entry.signature, body_hash };
    }
}

#[test]
fn a_copied_profile_becomes_a_device_of_its_own_over_a_pruned_log() {
    let (world, phone) = furnished();
    let copy = world.clones("tablet");
    writes(&world, &phone);
    world.sync_all();
    assert!(world.prunes() > 0);
    world.device("tablet").creates_folder("/one");
    copy.creates_folder("/other");
    copy.appends_to("/papers/notes.md", ", on the copy");
    world.sync_all();
    world.assert_converged();
    for path in ["/one", "/other"] {
        phone.node(path);
    }
    assert!(phone.reads_text("/papers/notes.md").contains(", on the copy"));
}

#[test]
fn a_copied_profile_that_was_away_until_bodies_went_becomes_a_device_of_its_own() {
    let (world, phone) = furnished();
    let tablet = world.device("tablet");
    world.goes_offline("tablet");
    let copy = world.clones("tablet");
    tablet.appends_to("/papers/notes.md", ", on the tablet");
    tablet.creates_folder("/one");
    tablet.uploads("/one", &[("film.mp4", &crate::noise(3, 300_000))], Clash::Ask);
    copy.creates_folder("/other");
    copy.appends_to("/papers/notes.md", ", on the copy");
    phone.appends_to("/papers/notes.md", ", on the phone");
    phone.creates_text("/papers/made on the phone.md", "yours");
    world.passes(30_000);
    writes(&world, &phone);
    world.device("laptop").renames("/papers", "letters");
    world.passes(30_000);
    world.forgets_session(&tablet);
    assert!(world.prunes() > 80);
    let before = tablet.cursor();
    world.goes_online("tablet");
    world.sync_all();
    world.sync_all();
    assert!(tablet.cursor() > before);
    world.assert_converged();
    let text = phone.reads_text("/letters/notes.md");
    for typed in [", on the tablet", ", on the copy", ", on the phone", "79\n"] {
        assert_eq!(text.matches(typed).count(), 1, "{typed} is in {text}");
    }
    assert_eq!(phone.reads("/one/film.mp4").unwrap(), crate::noise(3, 300_000));
    phone.node("/other");
    assert_eq!(tablet.reads_text("/letters/made on the phone.md"), "yours");
    for device in world.devices() {
        assert_eq!(device.unsynced(), 0);
        is_whole(&world, &device);
    }
    let others = alarms(&world).into_iter().filter(|alarm| *alarm != Alarm::DeviceCopied);
    assert_eq!(others.collect::<Vec<_>>(), []);
}

#[test]
fn a_restored_server_lets_go_of_nothing_before_it_went_on() {
    let (world, phone) = furnished();
    writes(&world, &phone);
    world.sync_all();
    assert!(world.prunes() > 0);
    let backup = world.backs_up();
    world.device("laptop").appends_to("/papers/notes.md", ", after the backup");
    world.sync_all();
    writes(&world, &phone);
    world.restores(&backup);
    world.tells_the_server();
    for device in world.devices() {
        device.nudges();
    }
    world.passes(10_000);
    assert_eq!(world.prunes(), 0, "it waits for its devices");
    phone.gives_back().unwrap();
    phone.goes_on().unwrap();
    world.sync_all();
    world.sync_all();
    world.adds("desktop");
    world.sync_all();
    world.assert_converged();
    assert!(phone.reads_text("/papers/notes.md").contains(", after the backup"));
}

#[test]
fn a_snapshot_of_a_device_that_was_taken_off_takes_the_place_of_nothing() {
    let (world, phone) = furnished();
    let tablet = world.device("tablet");
    writes(&world, &tablet);
    world.sync_all();
    phone.takes_off(&tablet).unwrap();
    world.passes(60_000);
    tablet.crashes();
    world.sync_all();
    world.forgets_session(&tablet);
    assert_eq!(world.prunes(), 0);
    writes(&world, &phone);
    world.sync_all();
    assert!(world.prunes() > 80);
    world.adds("desktop");
    world.passes(30_000);
    assert_eq!(world.device("desktop").everything(), phone.everything());
}

#[test]
fn a_line_that_breaks_while_it_comes_back_is_no_alarm() {
    let (world, tablet) = away_with_work();
    for call in [Call::Log, Call::Chunk, Call::Chunk, Call::Log] {
        tablet.line.strike(call, Mishap::Unavailable);
    }
    world.goes_online("tablet");
    world.passes(60_000);
    assert_eq!(alarms(&world), []);
    world.sync_all();
    world.assert_converged();
}
