//! What is deleted for good, on one device and for all of them.

use offing_core::rpc::{Clash, Fault, Sort, SortBy, Wanted};
use offing_tests::device::TestReplica;
use offing_tests::{Device, World};

fn asks<T: 'static, F: Future<Output = T> + 'static>(
    device: &Device,
    ask: impl FnOnce(TestReplica) -> F,
) -> T {
    device.run(ask(device.replica()))
}

/// A trip with a map in it, in the trash, and a note beside it.
fn with_a_trashed_trip() -> World {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.creates_folder("/Trip");
    phone.uploads("/Trip", &[("map.png", &[7; 3_000])], Clash::Ask);
    phone.uploads("/", &[("note.md", b"a note")], Clash::Ask);
    world.sync_all();
    phone.trashes("/Trip");
    world
}

#[test]
fn what_is_deleted_for_good_offline_is_gone_on_every_device_and_told_before() {
    let world = with_a_trashed_trip();
    world.sync_all();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let (trip, map) = (phone.node("trash:/Trip"), phone.node("trash:/Trip/map.png"));
    world.goes_offline("phone");
    assert_eq!(phone.purges(Some("trash:/Trip")), (2, 3_000));
    assert_eq!(phone.names(), ["/note.md"]);
    for node in [trip, map] {
        let wanted = Wanted { node, sort: Sort { by: SortBy::Name, descending: false }, rows: 9 };
        let opened = asks(&phone, |replica| async move { replica.open_node(wanted).await });
        assert_eq!(opened, Err(Fault::NodeUnknown));
    }
    world.goes_online("phone");
    world.sync_all();
    assert_eq!(laptop.names(), ["/note.md"]);
    let found = asks(&laptop, |replica| async move { replica.search("map").await });
    assert_eq!(found, Ok(Vec::new()));
    let restored = asks(&laptop, |replica| async move { replica.restore(&[trip]).await });
    assert_eq!(restored, Err(Fault::NodeUnknown));
    world.assert_converged();
}

#[test]
fn undo_brings_nothing_back_that_was_deleted_for_good() {
    let world = with_a_trashed_trip();
    let phone = world.device("phone");
    let trashed = phone.trashes("/note.md");
    assert_eq!(phone.purges(None), (3, 3_006));
    phone.undoes(trashed);
    assert_eq!(phone.names(), [] as [String; 0]);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn what_was_typed_meanwhile_into_a_text_that_is_deleted_for_good_is_there() {
    let world = with_a_trashed_trip();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.sync_all();
    world.goes_offline("laptop");
    laptop.appends_to("/note.md", " that grows");
    phone.trashes("/note.md");
    phone.purges(None);
    assert_eq!(phone.names(), [] as [String; 0]);
    world.sync_all();
    world.goes_online("laptop");
    world.sync_all();
    assert_eq!(phone.names(), ["/note.md"]);
    assert_eq!(phone.reads_text("/note.md"), "a note that grows");
    world.assert_converged();
}

#[test]
fn what_was_in_the_trash_for_thirty_days_is_deleted_for_good_by_itself() {
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    let world = with_a_trashed_trip();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    // The app is open now and then.
    let goes_on = |times: u64| {
        for _ in 0..times {
            world.devices().iter().for_each(|device| device.crashes());
            world.passes(6 * DAY_MS);
            world.devices().iter().for_each(|device| drop(device.opens()));
            world.sync_all();
        }
    };
    goes_on(1);
    phone.trashes("/note.md");
    goes_on(4);
    assert!(laptop.shows("trash:/Trip") && laptop.shows("trash:/note.md"));
    goes_on(1);
    assert!(!laptop.shows("trash:/Trip") && laptop.shows("trash:/note.md"));
    goes_on(1);
    assert_eq!(laptop.names(), [] as [String; 0]);
    world.assert_converged();
}
