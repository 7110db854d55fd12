//! Entries that a device could not take, and what a later version of it makes of them.

use offing_core::rpc::{SetAside, WhySetAside};
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
fn could_not_open(laptop: &Device, seq: u64, node: offing_core::id::NodeId) {
    let row = laptop.row("/news").unwrap();
    assert_eq!(row.node, node);
    let mut batch = Batch::new();
    let prefix = offing_worker::store::Range::prefix(&offing_core::id::NodeId::ROOT.0);
    let store = laptop.profile.store.clone();
    let keys = laptop.run(async move { store.scan_keys(Table::Listing, &prefix, u32::MAX).await });
    for key in keys.unwrap().into_iter().filter(|key| key.ends_with(&node.0)) {
        batch.delete(Table::Listing, key);
    }
    batch.delete(Table::Nodes, node.0);
    batch.put(Table::Quarantine, seq.to_be_bytes(), *b"the header of an entry of a later version");
    batch.put(Table::Meta, *b"reads", offing_core::rpc::encode(&"an earlier version"));
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
