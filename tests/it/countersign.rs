//! A snapshot is looked at by the other devices before anything is let go of for it.

use std::rc::Rc;

use offing_core::crypto::native::ready;
use offing_core::id::NodeId;
use offing_core::log::entry::EntryKind;
use offing_core::rpc::{Alarm, Clash};
use offing_core::tree::NodeRow;
use offing_tests::rogue::Rogue;
use offing_tests::{Device, World};
use offing_worker::store::{Batch, Direction, Durability, Range, Store, Table};

/// Some of everything, in the log.
fn furnished(names: &[&str]) -> (World, Rc<Device>) {
    let (world, phone) = crate::with_a_past(names);
    for name in names {
        world.goes_offline(name);
        let own = crate::noise(name.len() as u64, 2_000);
        world.device(name).uploads("/papers", &[("photo.jpg", &own)], Clash::Replace);
        world.device(name).appends_to("/papers/notes.md", name);
    }
    phone.renames("/papers/photo.jpg", "the photo.jpg");
    phone.creates_folder("/old");
    phone.trashes("/old");
    world.sync_all();
    phone.uploads("/papers", &[("notes.md", b"another text\r\n")], Clash::Replace);
    phone.appends_to("/papers/notes.md", ", gone on with");
    world.sync_all();
    (world, phone)
}

/// A device writes a snapshot, all hear of it, and what they make of it is in the log.
fn writes(world: &World, device: &Device) {
    assert!(device.writes_snapshot());
    world.sync_all();
    world.sync_all();
}

fn countersigned(world: &World) -> usize {
    world.counts(EntryKind::Heartbeat)
}

fn refused(device: &Device) -> usize {
    let alarms = device.page.alarms.borrow();
    alarms.iter().filter(|alarm| matches!(alarm, Alarm::EntryRefused { .. })).count()
}

/// Changes what a device has, behind its back: what it writes from here on is a lie.
fn tampers(device: &Device, table: Table, lie: impl Fn(&[u8], &[u8]) -> Option<Vec<u8>>) {
    let store = &device.profile.store;
    let rows = ready(store.scan(table, &Range::all(), 0, u32::MAX, Direction::Forward)).unwrap();
    let mut batch = Batch::new();
    for (key, value) in rows {
        if let Some(value) = lie(&key, &value) {
            batch.put(table, key, value);
        }
    }
    assert!(!batch.is_empty());
    ready(store.write(batch, Durability::Strict)).unwrap();
}

#[test]
fn every_other_device_countersigns_what_the_log_makes() {
    let (world, phone) = furnished(&["phone", "laptop", "tablet"]);
    writes(&world, &phone);
    assert_eq!(countersigned(&world), 2, "both, and not its writer");
    assert_eq!(world.named_by(EntryKind::Heartbeat), world.named_by(EntryKind::Snapshot));
    writes(&world, &world.device("tablet"));
    assert_eq!(countersigned(&world), 4);
    assert!(world.devices().iter().all(|device| refused(device) == 0));
    world.assert_converged();
}

#[test]
fn a_device_that_has_read_beyond_a_snapshot_countersigns_it_too() {
    let (world, phone) = furnished(&["phone", "laptop"]);
    let laptop = world.device("laptop");
    world.goes_offline("laptop");
    laptop.appends_to("/papers/notes.md", ", on the laptop");
    laptop.creates_text("/papers/more.md", "more");
    assert!(phone.writes_snapshot());
    phone.nudges();
    world.passes(30_000);
    phone.appends_to("/papers/notes.md", ", after the snapshot");
    phone.renames("/papers", "letters");
    phone.trashes("/letters/the photo.jpg");
    world.sync_all();
    world.sync_all();
    assert_eq!(countersigned(&world), 1);
    let tablet = world.adds("tablet");
    world.sync_all();
    world.sync_all();
    assert_eq!(countersigned(&world), 2, "so does one that began with it");
    assert_eq!(refused(&tablet) + refused(&laptop), 0);
    world.assert_converged();
}

#[test]
fn the_only_device_looks_at_its_own() {
    let (world, phone) = furnished(&["phone"]);
    writes(&world, &phone);
    assert_eq!(countersigned(&world), 1);
}

/// A snapshot of the tablet, which has something else than the others, is told as false.
fn is_not_countersigned(table: Table, lie: impl Fn(&[u8], &[u8]) -> Option<Vec<u8>>) {
    let (world, phone) = furnished(&["phone", "laptop", "tablet"]);
    let tablet = world.device("tablet");
    tampers(&tablet, table, lie);
    writes(&world, &tablet);
    assert_eq!(countersigned(&world), 0);
    for device in [&phone, &world.device("laptop")] {
        assert_eq!(refused(device), 1, "{} is told", device.name);
        let replica = device.replica();
        let (aside, _) = device.run(async move { replica.all_set_aside().await }).unwrap();
        assert_eq!(aside.len(), 1);
    }
}

#[test]
fn a_snapshot_that_lies_about_a_row_is_not_countersigned_and_told() {
    is_not_countersigned(Table::Nodes, |_, value| {
        let mut row = NodeRow::decode(value).unwrap();
        (row.name.value == "the photo.jpg").then(|| {
            row.name.value = "nothing to see.jpg".to_owned();
            row.encode()
        })
    });
}

#[test]
fn a_snapshot_that_lacks_something_typed_is_not_countersigned_and_told() {
    let last = std::cell::Cell::new(false);
    is_not_countersigned(Table::Texts, |key, value| {
        // An increment becomes one of another document.
        let increment = key.get(NodeId::LEN) == Some(&1) && !last.replace(true);
        increment.then(|| {
            let mut value = value.to_vec();
            value[3] ^= 1;
            value
        })
    });
}

#[test]
fn where_something_set_aside_may_be_read_later_nobody_countersigns() {
    let (world, phone) = furnished(&["phone", "laptop"]);
    // Its body is none that this version reads.
    Rogue::joins(&world).names(&world, EntryKind::Change, &[]);
    world.sync_all();
    assert!(refused(&phone) > 0);
    writes(&world, &phone);
    assert_eq!(countersigned(&world), 0);
    assert_eq!((refused(&phone), refused(&world.device("laptop"))), (1, 1), "nothing more is told");
}
