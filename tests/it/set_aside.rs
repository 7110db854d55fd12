//! Entries that a device could not take, and what a later version of it makes of them.

use offing_core::id::NodeId;
use offing_core::rpc::{Clash, SetAside, WhySetAside};
use offing_core::tree::{NodeRow, listing};
use offing_tests::{Device, World};
use offing_worker::store::{Batch, Durability, Store, Table};

fn write(device: &Device, batch: Batch) {
    let store = device.profile.store.clone();
    device.run(async move { store.write(batch, Durability::Strict).await }).unwrap();
}

fn set_aside(device: &Device) -> Vec<SetAside> {
    let replica = device.replica();
    device.run(async move { replica.all_set_aside().await }).unwrap().0
}

/// Makes the laptop one whose version could not open the entry at `seq`, which made a text
/// file: as it would be, it has neither the row nor the words.
fn could_not_open(laptop: &Device, seq: u64, node: NodeId) {
    let row = laptop.row("/news").unwrap();
    assert_eq!(row.node, node);
    let mut batch = Batch::new();
    let prefix = offing_worker::store::Range::prefix(&NodeId::ROOT.0);
    let store = laptop.profile.store.clone();
    let keys = laptop.run(async move { store.scan_keys(Table::Listing, &prefix, u32::MAX).await });
    for key in keys.unwrap().into_iter().filter(|key| key.ends_with(&node.0)) {
        batch.delete(Table::Listing, key);
    }
    batch.delete(Table::Nodes, node.0);
    put_aside(&mut batch, seq);
    write(laptop, batch);
}

fn put_aside(batch: &mut Batch, seq: u64) {
    batch.put(Table::Quarantine, seq.to_be_bytes(), *b"the header of an entry of a later version");
    batch.put(Table::Meta, *b"reads", offing_core::rpc::encode(&"an earlier version"));
}

/// The same of the entry at `seq` that moved a node out of the root: it is there still, with
/// all else that was done to it.
fn could_not_open_the_move(laptop: &Device, seq: u64, node: NodeId) {
    let store = laptop.profile.store.clone();
    let stored = laptop.run(async move { store.get(Table::Nodes, &node.0).await });
    let mut row = NodeRow::decode(&stored.unwrap().unwrap()).unwrap();
    let mut batch = Batch::new();
    batch.delete(Table::Listing, listing::listing_key(&row));
    row.parents.retain(|op| op.value == NodeId::ROOT);
    row.shown_parent = NodeId::ROOT;
    batch.put(Table::Listing, listing::listing_key(&row), listing::listing_value(&row));
    batch.put(Table::Nodes, node.0, row.encode());
    put_aside(&mut batch, seq);
    write(laptop, batch);
}

#[test]
fn what_an_earlier_version_could_not_open_is_merged_after_an_update() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_folder("/news");
    world.sync_all();
    let seq = world.tip();
    phone.renames("/news", "newer");
    world.sync_all();
    phone.renames("/newer", "news");
    phone.creates_text("/other.md", "words");
    world.sync_all();
    could_not_open(&laptop, seq, node);
    assert!(!laptop.shows("/news"));
    let listed = [SetAside { seq, why: WhySetAside::NotUnderstood }];
    assert_eq!(set_aside(&laptop), listed);
    world.restarts("laptop");
    laptop.creates_text("/mine.md", "typed before it could ask");
    world.sync_all();
    assert!(laptop.shows("/news"), "{:?}", laptop.names());
    assert_eq!(set_aside(&laptop), []);
    world.assert_converged();
    assert_eq!(laptop.reads_text("/other.md"), "words");
    assert!(laptop.page.alarms.borrow().is_empty());
}

#[test]
fn what_is_taken_up_late_comes_whole_though_its_device_went_on() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/place");
    let node = phone.creates_text("/news.md", "words");
    world.sync_all();
    phone.moves("/news.md", "/place");
    world.sync_all();
    let seq = world.tip();
    phone.renames("/place/news.md", "newer.md");
    world.sync_all();
    could_not_open_the_move(&laptop, seq, node);
    assert!(laptop.shows("/newer.md"), "{:?}", laptop.names());
    // What waits here, and has no room on the server, stays as it is.
    world.goes_offline("laptop");
    laptop.uploads("/", &[("film.mp4", &crate::noise(1, 300_000))], Clash::Ask);
    world.passes(20_000);
    laptop.renames("/film.mp4", "summer.mp4");
    world.leaves_space(Some(60_000));
    world.restarts("laptop");
    world.goes_online("laptop");
    world.passes(30_000);
    assert_eq!(set_aside(&laptop), []);
    assert_eq!(laptop.names(), ["/place", "/place/newer.md", "/summer.mp4"]);
    assert_ne!(laptop.unsynced(), 0);
    world.leaves_space(None);
    world.sync_all();
    world.assert_converged();
    assert!(phone.shows("/summer.mp4"));
    assert_eq!(laptop.reads_text("/place/newer.md"), "words");
}

#[test]
fn what_still_cannot_be_opened_stays_set_aside_and_is_tried_once_for_each_version() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/a");
    world.sync_all();
    let mut batch = Batch::new();
    // A place beyond the log: nothing there opens.
    batch.put(Table::Quarantine, 9_999_u64.to_be_bytes(), [2]);
    batch.put(Table::Meta, *b"reads", offing_core::rpc::encode(&"an earlier version"));
    write(&laptop, batch);
    world.restarts("laptop");
    world.sync_all();
    assert_eq!(set_aside(&laptop), [SetAside { seq: 9_999, why: WhySetAside::NotGenuine }]);
    let read = laptop.line.count(offing_tests::net::Call::Log);
    phone.creates_folder("/b");
    world.sync_all();
    let more = laptop.line.count(offing_tests::net::Call::Log) - read;
    assert!(laptop.shows("/b"));
    assert!(more <= 4, "the log is read on, not again: {more} calls");
    world.assert_converged();
}
