//! A server that lies, or that was set back: the device says so and loses nothing.

use offing_core::proto::{LogPage, PageItem};
use offing_core::rpc::{Alarm, Clash, Fault, SyncState};
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};

fn alarmed(device: &Device) -> bool {
    let alarms = device.page.alarms.borrow();
    alarms.iter().any(|alarm| matches!(alarm, Alarm::HistoryChanged { .. }))
}

/// The laptop reads on while the server lies; it has to stop and to keep what it has.
fn lied_to(lie: impl Fn(u64, &mut LogPage) + 'static) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/before.md", "before");
    world.sync_all();
    world.goes_offline("laptop");
    laptop.creates_text("/own.md", "of the laptop");
    for i in 0..6 {
        phone.creates_folder(&format!("/{i}"));
    }
    world.passes(5_000);
    phone.crashes();
    let (before, cursor) = (laptop.everything(), laptop.cursor());
    *world.net.page_lie.borrow_mut() = Some(Box::new(lie));
    laptop.line.offline.set(false);
    laptop.nudges();
    world.passes(120_000);
    assert!(alarmed(&laptop), "{:?}", laptop.status());
    assert_eq!(laptop.cursor(), cursor, "nothing of the lie was taken");
    assert_eq!(laptop.everything(), before, "nothing was lost");
    assert_ne!(laptop.status().state, SyncState::OnServer);
    let calls = laptop.line.calls.borrow().values().sum::<u32>();
    laptop.creates_text("/later.md", "work goes on");
    world.passes(600_000);
    assert_eq!(laptop.line.calls.borrow().values().sum::<u32>(), calls, "it stopped");
    // A start of the app asks again; an honest server has it all.
    *world.net.page_lie.borrow_mut() = None;
    world.restarts("laptop");
    phone.opens();
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/later.md"), "work goes on");
}

#[test]
fn entries_in_another_order_are_noticed() {
    lied_to(|_, page| page.items.reverse());
}

#[test]
fn an_entry_left_out_is_noticed() {
    lied_to(|_, page| {
        if page.items.len() > 1 {
            page.items.remove(0);
        }
    });
}

#[test]
fn an_entry_shown_twice_is_noticed() {
    lied_to(|_, page| {
        if let Some(item) = page.items.first().cloned() {
            page.items.insert(0, item);
        }
    });
}

#[test]
fn a_changed_byte_is_noticed() {
    lied_to(|_, page| {
        for item in &mut page.items {
            if let PageItem::Full(wire) = item {
                *wire.last_mut().unwrap() ^= 1;
            }
        }
    });
}

#[test]
fn a_log_that_is_rolled_back_is_noticed() {
    lied_to(|after, page| {
        page.items.clear();
        page.tip.seq = after.saturating_sub(2);
    });
}

#[test]
fn an_entry_that_was_taken_and_gave_way_to_another_is_noticed() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let backup = world.tip();
    world.goes_offline("laptop");
    // It hears that the server took it, and never sees it in the log.
    for _ in 0..40 {
        phone.line.strike(Call::Log, Mishap::Unavailable);
    }
    phone.creates_folder("/of the phone");
    world.passes(5_000);
    assert_eq!((world.tip(), phone.cursor()), (backup + 1, backup));
    world.restores_the_server_to(backup);
    laptop.creates_folder("/of the laptop");
    world.goes_online("laptop");
    world.passes(5_000);
    assert_eq!(world.tip(), backup + 1);
    phone.line.mishaps.borrow_mut().clear();
    phone.nudges();
    world.passes(60_000);
    assert!(alarmed(&phone), "{:?}", phone.status());
    assert!(phone.shows("/of the phone"));
}

#[test]
fn entries_that_are_withheld_are_noticed() {
    lied_to(|after, page| {
        page.items.clear();
        page.tip.seq = page.tip.seq.max(after + 1);
    });
}

#[test]
fn a_changed_chunk_is_corrupt_and_nothing_is_lost() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let photo = crate::noise(1, 500_000);
    phone.uploads("/", &[("photo.jpg", &photo)], Clash::Ask);
    world.sync_all();
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(|_, bytes| bytes[100] ^= 1));
    let corrupt = Err(Fault::Corrupt { name: "photo.jpg".to_owned() });
    assert_eq!(laptop.reads("/photo.jpg"), corrupt);
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(|_, bytes| bytes.truncate(1_000)));
    assert_eq!(laptop.reads("/photo.jpg"), corrupt);
    *world.net.chunk_lie.borrow_mut() = None;
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), photo);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_chunk_torn_on_this_device_heals_itself() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let photo = crate::noise(1, 500_000);
    phone.uploads("/", &[("photo.jpg", &photo)], Clash::Ask);
    world.sync_all();
    laptop.reads("/photo.jpg").unwrap();
    let chunks = &laptop.profile.chunks;
    let ids =
        offing_core::crypto::native::ready(offing_worker::store::chunks::ChunkStore::list(chunks));
    for id in ids.unwrap() {
        chunks.tear(id, 700);
    }
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), photo);
    world.goes_offline("laptop");
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), photo, "it was fetched for good");
}

#[test]
fn a_server_set_back_without_a_word_stops_the_devices_and_costs_them_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/old.md", "in the backup");
    world.sync_all();
    let backup = world.tip();
    phone.creates_text("/new.md", "after the backup");
    laptop.appends_to("/old.md", ", edited since");
    world.sync_all();
    let before = (phone.everything(), laptop.everything());
    world.restores_the_server_to(backup);
    phone.creates_text("/offline.md", "written meanwhile");
    for device in [&phone, &laptop] {
        device.nudges();
    }
    world.passes(120_000);
    for device in [&phone, &laptop] {
        assert!(alarmed(device), "{} is told", device.name);
        assert_ne!(device.status().state, SyncState::OnServer);
    }
    assert!(phone.pending() > 0, "what was not sent still waits");
    assert_eq!(phone.reads_text("/offline.md"), "written meanwhile");
    for (path, shown) in &before.0 {
        assert_eq!(phone.everything().get(path), Some(shown));
    }
    assert_eq!(laptop.everything(), before.1);
}
