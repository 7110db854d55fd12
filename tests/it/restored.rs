//! A server that was put back to an older backup gets back what it lacks, and goes on.

use std::collections::BTreeMap;

use offing_core::crypto::native::ready;
use offing_core::id::Hash;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::Entry;
use offing_core::proto::Code;
use offing_core::rpc::{Clash, Fault, Lacking, SyncState};
use offing_tests::device::Shown;
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::{Range, Store, Table, tail};

/// What a device keeps of the log after a place, as it came.
fn kept(device: &Device, after: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    loop {
        let at = after + entries.len() as u64;
        match ready(tail::read(&device.profile.store, at)).unwrap() {
            Some(piece) => entries.extend(piece.entries),
            None => return entries,
        }
    }
}

/// Everything nudges, and time passes.
fn passes(world: &World) {
    for device in world.devices().iter().filter(|device| device.is_open()) {
        device.nudges();
    }
    world.passes(10_000);
}

/// A phone and a laptop, and a server that is put back to before their last work, and told.
fn restored() -> (World, BTreeMap<String, Shown>) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/note.md", "from the phone");
    world.sync_all();
    let backup = world.tip();
    laptop.appends_to("/note.md", ", and from the laptop");
    laptop.uploads("/", &[("photo.jpg", &crate::noise(1, 300_000))], Clash::Ask);
    phone.creates_folder("/later");
    world.sync_all();
    // The photo's content is on the laptop alone.
    let before = laptop.everything();
    world.restores_the_server_to(backup);
    world.tells_the_server();
    passes(&world);
    (world, before)
}

#[test]
fn devices_keep_what_they_verified_their_own_and_that_of_others() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/note.md", "from the phone");
    laptop.uploads("/", &[("photo.jpg", &crate::noise(1, 300_000))], Clash::Ask);
    world.sync_all();
    laptop.appends_to("/note.md", ", and from the laptop");
    phone.renames("/photo.jpg", "sunset.jpg");
    world.sync_all();
    world.restarts("phone");
    phone.creates_folder("/later");
    world.sync_all();
    let tablet = world.adds("tablet");
    world.sync_all();
    let (log, _) = world.reads_the_log();
    for device in [&phone, &laptop, &tablet] {
        assert_eq!(kept(device, 0), log, "{}", device.name);
    }
}

#[test]
fn one_device_gives_back_what_the_server_lacks_and_all_go_on() {
    let (world, before) = restored();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for device in [&phone, &laptop] {
        assert!(device.is_asked(), "{} is asked", device.name);
        assert!(!device.is_left_behind());
        assert_ne!(device.status().state, SyncState::OnServer);
    }
    assert_eq!(laptop.everything(), before);
    // Work goes on meanwhile, and waits.
    phone.appends_to("/note.md", ", and more");
    laptop.creates_folder("/meanwhile");
    passes(&world);
    let lacking = laptop.asks_what_is_lacking().unwrap();
    assert!(lacking.entries > 0 && lacking.kept);
    let pending = lacking.entries;
    assert_eq!(laptop.goes_on(), Err(Fault::Unsynced { pending }), "not without what is here");
    assert_eq!(laptop.gives_back(), Ok(Lacking { entries: 0, kept: true }));
    passes(&world);
    assert!(phone.is_asked() && phone.pending() > 0, "nobody said yet that all is there");
    laptop.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    for device in [&phone, &laptop] {
        assert!(!device.is_asked(), "{} goes on", device.name);
        assert!(device.shows("/meanwhile") && device.shows("/photo.jpg"));
        let text = "from the phone, and from the laptop, and more";
        assert_eq!(device.reads_text("/note.md"), text);
    }
    // Who joins now finds one life and all of it.
    let tablet = world.adds("tablet");
    tablet.creates_folder("/from the tablet");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_device_that_is_left_behind_brings_the_chunks_that_are_there_alone() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/old.md", "in the backup");
    world.sync_all();
    let (backup, photo) = (world.tip(), crate::noise(1, 300_000));
    phone.uploads("/", &[("photo.jpg", &photo)], Clash::Ask);
    world.sync_all();
    // The laptop knows of the photo, and has not seen what came last.
    world.goes_offline("laptop");
    phone.creates_folder("/last");
    passes(&world);
    world.goes_offline("phone");
    world.restores_the_server_to(backup);
    world.tells_the_server();
    world.goes_online("laptop");
    passes(&world);
    laptop.gives_back().unwrap();
    laptop.goes_on().unwrap();
    passes(&world);
    assert_eq!(laptop.reads("/photo.jpg"), Err(Fault::Server(Code::ChunkUnknown)));
    world.goes_online("phone");
    passes(&world);
    assert!(phone.is_left_behind() && phone.shows("/last"));
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), photo);
}

#[test]
fn what_is_not_to_be_kept_stays_while_the_server_may_lack_it() {
    let (world, before) = restored();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.keeps("/photo.jpg");
    laptop.stops_keeping("/photo.jpg");
    laptop.gives_back().unwrap();
    laptop.goes_on().unwrap();
    world.sync_all();
    assert_eq!(phone.everything(), before);
    // Now the server has it again.
    laptop.stops_keeping("/photo.jpg");
    assert!(!laptop.row("/photo.jpg").unwrap().local);
}

#[test]
fn a_device_that_has_seen_more_adds_that() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/old.md", "in the backup");
    world.sync_all();
    let backup = world.tip();
    phone.creates_text("/both.md", "seen by both");
    world.sync_all();
    world.goes_offline("laptop");
    phone.creates_text("/more.md", "seen by the phone");
    world.passes(20_000);
    let before = phone.everything();
    world.restores_the_server_to(backup);
    world.tells_the_server();
    world.goes_online("laptop");
    passes(&world);
    let of_laptop = laptop.gives_back().unwrap();
    assert_eq!(of_laptop.entries, 0, "it gave all that it had");
    assert!(phone.asks_what_is_lacking().unwrap().entries > 0);
    phone.gives_back().unwrap();
    // The laptop reads what the phone gave, and may be the one that goes on.
    passes(&world);
    laptop.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.everything(), before);
}

#[test]
fn who_made_a_file_offers_its_content_when_another_gave_back_its_entry() {
    let (world, before) = restored();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    // The phone never had the photo's content, and the laptop is not asked any more.
    phone.gives_back().unwrap();
    world.restarts("laptop");
    phone.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.everything(), before);
    laptop.crashes();
    assert_eq!(phone.reads("/photo.jpg").unwrap(), crate::noise(1, 300_000));
}

#[test]
fn what_was_acknowledged_and_is_gone_is_offered_anew() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/old.md", "in the backup");
    world.sync_all();
    let backup = world.tip();
    // The phone's append is answered, and before anybody reads on the server is put back.
    world.goes_offline("laptop");
    phone.line.strike(Call::Log, Mishap::RequestLost);
    phone.creates_folder("/gone");
    world.passes(2_000);
    assert!(world.tip() > backup, "it was there");
    phone.crashes();
    world.restores_the_server_to(backup);
    world.tells_the_server();
    phone.opens();
    world.goes_online("laptop");
    passes(&world);
    assert!(laptop.is_asked());
    assert_eq!(laptop.asks_what_is_lacking().unwrap().entries, 0);
    laptop.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    assert!(laptop.shows("/gone"));
}

#[test]
fn who_was_away_when_the_others_went_on_is_told_and_loses_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/old.md", "in the backup");
    world.sync_all();
    let backup = world.tip();
    phone.crashes();
    laptop.creates_text("/mine.md", "only the laptop has seen this");
    laptop.creates_text("/more.md", "and this");
    passes(&world);
    let before = laptop.everything();
    world.goes_offline("laptop");
    world.restores_the_server_to(backup);
    world.tells_the_server();
    laptop.appends_to("/mine.md", ", and goes on");
    phone.opens();
    passes(&world);
    phone.goes_on().unwrap();
    phone.creates_text("/after.md", "written after the restore");
    passes(&world);
    assert_eq!(phone.status().state, SyncState::OnServer);
    world.goes_online("laptop");
    passes(&world);
    assert!(laptop.is_left_behind());
    for (path, shown) in before.iter().filter(|(path, _)| *path != "/mine.md") {
        assert_eq!(laptop.everything().get(path), Some(shown));
    }
    assert_eq!(laptop.reads_text("/mine.md"), "only the laptop has seen this, and goes on");
    assert!(laptop.unsynced() > 1, "signing out asks first");
    // Nothing of it got in the way of the others.
    let tablet = world.adds("tablet");
    passes(&world);
    assert_eq!(tablet.reads_text("/after.md"), "written after the restore");
}

#[test]
fn the_last_device_to_sign_in_can_go_on_with_what_the_backup_has() {
    let (world, _) = restored();
    world.device("phone").crashes();
    world.device("laptop").crashes();
    let tablet = world.adds("tablet");
    tablet.creates_folder("/made while it waits");
    passes(&world);
    assert!(tablet.is_asked());
    assert_eq!(tablet.asks_what_is_lacking().unwrap().entries, 0);
    tablet.goes_on().unwrap();
    passes(&world);
    assert_eq!(tablet.status().state, SyncState::OnServer);
    assert!(!tablet.is_asked() && tablet.shows("/made while it waits"));
}

#[test]
fn two_who_go_on_at_once_end_in_one_life() {
    let (world, before) = restored();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.gives_back().unwrap();
    passes(&world);
    phone.goes_on().unwrap();
    laptop.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.everything(), before);
}

#[test]
fn a_server_that_only_says_it_was_restored_changes_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/before.md", "before");
    world.sync_all();
    let (before, cursor) = (laptop.everything(), laptop.cursor());
    let (log, _) = world.reads_the_log();
    let log = log[..log.len() - 2].iter();
    let older =
        log.fold(ChainPoint::START, |at, wire| at.extend(&Entry::decode(wire).unwrap().hash()));
    // An older tip in another life, of a chain that is true or not.
    for forged in [false, true] {
        *world.net.page_lie.borrow_mut() = Some(Box::new(move |_, page| {
            page.items.clear();
            (page.tip.seq, page.tip.chain) = (older.seq, older.chain);
            page.tip.incarnation.0[0] ^= 1;
            if forged {
                page.tip.chain = Hash([1; 32]);
            }
        }));
        laptop.creates_folder(if forged { "/two" } else { "/one" });
        passes(&world);
        assert!(laptop.is_asked());
        assert_eq!(laptop.is_left_behind(), forged);
        assert_eq!(laptop.cursor(), cursor, "nothing is forgotten");
        assert_ne!(laptop.status().state, SyncState::OnServer);
        let refused = laptop.goes_on();
        assert!(refused.is_err(), "what is here is not given up");
        for path in before.keys() {
            assert!(laptop.shows(path));
        }
    }
    assert!(laptop.is_left_behind(), "another history is no backup");
    *world.net.page_lie.borrow_mut() = None;
    world.restarts("laptop");
    world.restarts("phone");
    world.sync_all();
    world.assert_converged();
    assert!(phone.shows("/one") && phone.shows("/two"));
}

#[test]
fn a_device_that_kept_no_end_of_the_log_offers_its_chunks_all_the_same() {
    let (world, _) = restored();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    ready(laptop.profile.store.delete_range(Table::Tail, Range::all())).unwrap();
    phone.gives_back().unwrap();
    phone.goes_on().unwrap();
    world.sync_all();
    world.assert_converged();
    let tablet = world.adds("tablet");
    world.sync_all();
    assert_eq!(tablet.reads("/photo.jpg").unwrap(), crate::noise(1, 300_000));
}

#[test]
fn what_is_damaged_on_a_device_keeps_nothing_else_from_the_server() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let backup = world.tip();
    laptop.uploads("/", &[("film.mp4", &crate::noise(2, 300_000))], Clash::Ask);
    world.sync_all();
    let damaged = ready(laptop.profile.chunks.list()).unwrap();
    laptop.uploads("/", &[("photo.jpg", &crate::noise(1, 300_000))], Clash::Ask);
    world.sync_all();
    world.restores_the_server_to(backup);
    world.tells_the_server();
    damaged.iter().for_each(|id| laptop.profile.chunks.tear(*id, 700));
    passes(&world);
    laptop.gives_back().unwrap();
    laptop.goes_on().unwrap();
    world.sync_all();
    assert_eq!(phone.reads("/photo.jpg").unwrap(), crate::noise(1, 300_000));
    assert_eq!(phone.reads("/film.mp4"), Err(Fault::Server(Code::ChunkUnknown)));
}

#[test]
fn a_copied_profile_that_was_away_meanwhile_becomes_a_device_of_its_own() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/1");
    world.sync_all();
    let copy = phone.copies_its_profile();
    phone.creates_folder("/2");
    world.sync_all();
    let backup = world.tip();
    laptop.creates_folder("/3");
    world.sync_all();
    world.restores_the_server_to(backup);
    world.tells_the_server();
    passes(&world);
    laptop.gives_back().unwrap();
    laptop.goes_on().unwrap();
    world.sync_all();
    copy.opens();
    copy.creates_folder("/4");
    copy.nudges();
    world.passes(60_000);
    world.sync_all();
    assert_eq!(laptop.names(), ["/1", "/2", "/3", "/4"]);
    assert_eq!(copy.replica().identity().device_name, "phone (2)");
}
