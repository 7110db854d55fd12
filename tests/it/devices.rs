//! The account's devices: listed, taken off, and what waits on the others meanwhile.

use offing_core::proto::{AppendResult, Code};
use offing_core::rpc::{Alarm, Clash, Fault, SyncState};
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};

fn assert_calm(device: &Device) {
    let alarms = device.page.alarms.borrow();
    assert!(alarms.is_empty(), "{}: {alarms:?}", device.name);
}

#[test]
fn devices_are_listed_by_name_with_this_one_first() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    assert_eq!(world.device("phone").lists_devices(), ["phone", "laptop", "tablet"]);
    assert_eq!(world.device("tablet").lists_devices(), ["tablet", "laptop", "phone"]);
    world.goes_offline("laptop");
    assert_eq!(world.device("laptop").lists_devices(), ["laptop", "phone", "tablet"]);
}

#[test]
fn a_device_that_was_taken_off_is_told_and_keeps_what_is_only_there() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    let (phone, laptop, tablet) =
        (world.device("phone"), world.device("laptop"), world.device("tablet"));
    phone.creates_text("/notes.md", "shared\n");
    world.sync_all();
    world.goes_offline("phone");
    phone.appends_to("/notes.md", "only on the phone\n");
    laptop.takes_off(&phone).unwrap();
    assert_eq!(laptop.lists_devices(), ["laptop", "tablet"]);
    world.goes_online("phone");
    world.passes(120_000);
    assert!(phone.replica().is_taken_off() && phone.replica().is_signed_out());
    assert_ne!(phone.status().state, SyncState::OnServer);
    assert!(phone.unsynced() > 0, "what is only there still waits");
    assert_eq!(phone.reads_text("/notes.md"), "shared\nonly on the phone\n");
    phone.crashes();
    laptop.creates_text("/later.md", "of the new time");
    tablet.appends_to("/notes.md", "of the tablet\n");
    world.sync_all();
    let watch = world.adds("watch");
    world.sync_all();
    world.assert_converged();
    assert_eq!(watch.reads_text("/notes.md"), "shared\nof the tablet\n");
    [&laptop, &tablet, &watch].into_iter().for_each(|device| assert_calm(device));
}

#[test]
fn who_signs_in_again_where_the_device_was_taken_off_goes_on_as_a_new_one() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "shared\n");
    world.sync_all();
    world.goes_offline("phone");
    phone.appends_to("/notes.md", "only on the phone\n");
    phone.creates_folder("/Of the phone");
    let photo = crate::noise(5, 400_000);
    phone.uploads("/Of the phone", &[("photo.jpg", &photo)], Clash::Ask);
    world.passes(3_000);
    laptop.appends_to("/notes.md", "of the laptop\n");
    laptop.takes_off(&phone).unwrap();
    world.goes_online("phone");
    world.passes(5_000);
    let before = phone.replica().identity();
    world.signs_in_again("phone");
    world.sync_all();
    world.assert_converged();
    assert_ne!(phone.replica().identity().device, before.device);
    assert_eq!(laptop.lists_devices(), ["laptop", "phone"]);
    assert_eq!(laptop.reads("/Of the phone/photo.jpg").unwrap(), photo);
    let notes = laptop.reads_text("/notes.md");
    assert_eq!(notes.lines().count(), 3, "{notes}");
    phone.edits(node, |text| format!("{text}and on\n"));
    world.sync_all();
    world.assert_converged();
    [&phone, &laptop].into_iter().for_each(|device| assert_calm(device));
}

#[test]
fn what_waited_while_an_epoch_ended_is_sealed_again_and_arrives() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    let (phone, laptop, tablet) =
        (world.device("phone"), world.device("laptop"), world.device("tablet"));
    phone.creates_text("/notes.md", "shared\n");
    world.sync_all();
    world.goes_offline("tablet");
    let tab = tablet.opens_another_tab();
    tablet.appends_to("/notes.md", "of the tablet\n");
    tablet.creates_folder("/Of the tablet");
    let film = crate::noise(6, 3_000_000);
    tablet.uploads("/Of the tablet", &[("film.mp4", &film)], Clash::Ask);
    world.passes(60_000);
    laptop.takes_off(&phone).unwrap();
    phone.crashes();
    laptop.appends_to("/notes.md", "of the laptop\n");
    laptop.renames("/notes.md", "diary.md");
    world.goes_online("tablet");
    tab.appends_to("/notes.md", "of the other tab\n");
    world.passes(1_000);
    world.sync_all();
    tab.creates_folder("/Of the other tab, later");
    world.sync_all();
    world.assert_converged();
    let diary = laptop.reads_text("/diary.md");
    for line in ["shared\n", "of the tablet\n", "of the laptop\n", "of the other tab\n"] {
        assert_eq!(diary.matches(line).count(), 1, "{diary}");
    }
    assert_eq!(laptop.reads("/Of the tablet/film.mp4").unwrap(), film);
    assert!(laptop.shows("/Of the other tab, later"));
    [&laptop, &tablet, &tab].into_iter().for_each(|device| assert_calm(device));
}

#[test]
fn of_two_devices_that_take_each_other_off_the_first_at_the_server_stays() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    let (phone, laptop, tablet) =
        (world.device("phone"), world.device("laptop"), world.device("tablet"));
    let (phone_id, laptop_id) =
        (phone.replica().identity().device, laptop.replica().identity().device);
    let (by_phone, by_laptop) = (phone.replica(), laptop.replica());
    world.executor.spawn(900_001, async move {
        by_phone.take_off(laptop_id).await.ok();
    });
    world.executor.spawn(900_002, async move {
        by_laptop.take_off(phone_id).await.ok();
    });
    world.passes(60_000);
    let off: Vec<bool> =
        [&phone, &laptop].iter().map(|device| device.replica().is_taken_off()).collect();
    assert_eq!(off.iter().filter(|off| **off).count(), 1, "{off:?}");
    let stays = if off[0] { &laptop } else { &phone };
    if off[0] {
        phone.crashes()
    } else {
        laptop.crashes()
    };
    stays.creates_folder("/Work goes on");
    world.sync_all();
    world.assert_converged();
    assert!(tablet.shows("/Work goes on"));
    assert_eq!(tablet.lists_devices().len(), 2);
}

#[test]
fn two_devices_that_take_others_off_at_once_both_do() {
    let world = World::with(&["phone", "laptop", "tablet", "watch"]);
    let [phone, laptop, tablet, watch] =
        ["phone", "laptop", "tablet", "watch"].map(|name| world.device(name));
    let (tablet_id, watch_id) =
        (tablet.replica().identity().device, watch.replica().identity().device);
    let (by_phone, by_laptop) = (phone.replica(), laptop.replica());
    world.executor.spawn(900_001, async move {
        by_phone.take_off(tablet_id).await.unwrap();
    });
    world.executor.spawn(900_002, async move {
        by_laptop.take_off(watch_id).await.unwrap();
    });
    phone.creates_folder("/Meanwhile");
    world.passes(60_000);
    tablet.crashes();
    watch.crashes();
    world.sync_all();
    assert_eq!(phone.lists_devices(), ["phone", "laptop"]);
    assert_eq!(laptop.lists_devices(), ["laptop", "phone"]);
    world.assert_converged();
    [&phone, &laptop].into_iter().for_each(|device| assert_calm(device));
}

#[test]
fn taking_off_survives_a_crash_and_a_lost_answer() {
    for seed in 0..6 {
        let world = World::seeded(40 + seed, &["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        laptop.line.strike(Call::Append, Mishap::AnswerLost);
        let (replica, device) = (laptop.replica(), phone.replica().identity().device);
        world.executor.spawn(900_001, async move {
            replica.take_off(device).await.ok();
        });
        world.passes(40 + 40 * seed);
        laptop.crashes();
        laptop.opens();
        phone.crashes();
        laptop.creates_folder("/Later");
        world.sync_all();
        let listed = laptop.lists_devices();
        // Killed before it was written, it did not happen; else it happened once.
        assert!(listed == ["laptop"] || listed == ["laptop", "phone"], "{listed:?}");
        assert_calm(&laptop);
    }
}

#[test]
fn taking_off_needs_the_server() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("laptop");
    assert_eq!(laptop.takes_off(&phone), Err(Fault::Offline));
    assert_eq!(laptop.lists_devices(), ["laptop", "phone"]);
}

#[test]
fn a_server_that_says_so_does_not_make_a_device_another_one() {
    for lie in [AppendResult::Revoked, AppendResult::DeviceFork, AppendResult::EpochStale] {
        let world = World::with(&["phone"]);
        let phone = world.device("phone");
        let before = phone.replica().identity();
        *world.net.append_lie.borrow_mut() = Some(lie.clone());
        phone.creates_folder("/Mine");
        world.passes(300_000);
        assert_eq!(phone.replica().identity(), before);
        let refused = matches!(&phone.page.alarms.borrow()[..], [Alarm::ServerRefuses(_), ..]);
        assert!(refused || lie == AppendResult::EpochStale);
        *world.net.append_lie.borrow_mut() = None;
        world.sync_all();
        assert!(phone.shows("/Mine"));
    }
}

#[test]
fn a_device_of_a_closed_account_says_so_and_goes_on_when_it_is_opened_again() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "before\n");
    world.sync_all();
    world.net.closed.set(true);
    phone.appends_to("/notes.md", "meanwhile\n");
    world.passes(600_000);
    assert!(phone.unsynced() > 0 && !phone.replica().is_signed_out());
    assert_ne!(phone.status().state, SyncState::OnServer);
    let closed = [Alarm::ServerRefuses(Code::AccountClosed)];
    assert_eq!(*phone.page.alarms.borrow(), closed, "once, however often it was tried");
    assert_eq!(*phone.page.standing.borrow(), closed);
    world.net.closed.set(false);
    world.passes(600_000);
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "before\nmeanwhile\n");
    assert_eq!(*phone.page.standing.borrow(), []);
}
