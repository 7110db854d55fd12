//! A profile that was copied: the copy becomes a device of its own, and nothing is lost.

use offing_core::rpc::{Alarm, Clash, SyncState};
use offing_tests::net::{Call, Mishap};
use offing_tests::{Device, World};

/// Nothing but the quiet word about the copy was said.
fn assert_calm(device: &Device) {
    let alarms = device.page.alarms.borrow();
    assert!(alarms.iter().all(|alarm| *alarm == Alarm::DeviceCopied), "{alarms:?}");
}

#[test]
fn a_copied_profile_becomes_a_device_of_its_own_and_keeps_its_work() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "shared\n");
    phone.creates_folder("/Old");
    world.sync_all();
    let copy = world.clones("phone");
    for device in [&phone, &copy] {
        device.line.offline.set(true);
    }
    phone.creates_text("/original.md", "of the original");
    phone.appends_to("/notes.md", "typed in the original\n");
    phone.renames("/Old", "Of the original");
    copy.creates_text("/copy.md", "of the copy");
    copy.appends_to("/notes.md", "typed in the copy\n");
    copy.appends_to("/notes.md", "and once more\n");
    copy.creates_folder("/New");
    copy.moves("/copy.md", "/New");
    let photo = crate::noise(3, 300_000);
    copy.uploads("/New", &[("photo.jpg", &photo)], Clash::Ask);
    world.passes(3_000);
    phone.line.offline.set(false);
    phone.nudges();
    world.passes(10_000);
    world.sync_all();
    world.assert_converged();
    for device in [&phone, &copy, &laptop] {
        assert_eq!(device.reads_text("/New/copy.md"), "of the copy");
        assert_eq!(device.reads_text("/original.md"), "of the original");
        assert_eq!(device.reads("/New/photo.jpg").unwrap(), photo);
        let notes = device.reads_text("/notes.md");
        for line in ["shared\n", "typed in the original\n", "typed in the copy\nand once more\n"] {
            assert_eq!(notes.matches(line).count(), 1, "{notes}");
        }
        assert!(device.shows("/Of the original"));
        assert_calm(device);
    }
    assert_ne!(copy.replica().identity().device, phone.replica().identity().device);
    assert_eq!(copy.replica().identity().device_name, "phone (2)");
    // Both go on, also after a start.
    copy.crashes();
    copy.opens();
    copy.appends_to("/notes.md", "later in the copy\n");
    phone.appends_to("/notes.md", "later in the original\n");
    world.sync_all();
    world.assert_converged();
    assert!(laptop.reads_text("/notes.md").contains("later in the copy\n"));
}

#[test]
fn what_waited_in_both_copies_is_sent_once() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "shared\n");
    world.sync_all();
    world.goes_offline("phone");
    phone.appends_to("/notes.md", "before the copy\n");
    phone.creates_folder("/Before");
    let copy = world.clones("phone");
    copy.line.offline.set(true);
    phone.appends_to("/notes.md", "of the original\n");
    copy.creates_folder("/Before/Of the copy");
    copy.edits(node, |text| text.replace("before the copy", "before the copy, edited"));
    world.goes_online("phone");
    world.passes(5_000);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.names(), ["/Before", "/Before/Of the copy", "/notes.md"]);
    let notes = laptop.reads_text("/notes.md");
    assert_eq!(notes.matches("before the copy, edited\n").count(), 1, "{notes}");
    assert_eq!(notes.lines().count(), 3, "{notes}");
    [&phone, &copy, &laptop].into_iter().for_each(|device| assert_calm(device));
}

#[test]
fn an_idle_copy_becomes_a_device_when_it_first_writes() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let copy = world.clones("phone");
    world.sync_all();
    phone.creates_folder("/Of the original");
    world.sync_all();
    copy.creates_folder("/Of the copy");
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.names(), ["/Of the copy", "/Of the original"]);
    assert_ne!(copy.replica().identity().device, phone.replica().identity().device);
}

#[test]
fn an_editor_that_is_open_goes_on_in_every_tab_of_the_copy() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "one\ntwo\n");
    world.sync_all();
    let copy = world.clones("phone");
    copy.line.offline.set(true);
    let tab = copy.opens_another_tab();
    tab.opens_text("/notes.md");
    copy.opens_text("/notes.md");
    copy.types(node, |text| format!("{text}in the copy\n"));
    copy.flushes(node).unwrap();
    phone.appends_to("/notes.md", "in the original\n");
    world.passes(5_000);
    copy.line.offline.set(false);
    copy.nudges();
    for step in 0..60 {
        let line = format!("{step} in the tab\n");
        tab.types(node, |text| format!("{line}{text}"));
        copy.types(node, |text| text.replace("two", "two."));
        world.passes(100);
    }
    world.passes(10_000);
    world.sync_all();
    world.assert_converged();
    assert_eq!(copy.sees(node), laptop.reads_text("/notes.md"));
    assert_eq!(tab.sees(node), laptop.reads_text("/notes.md"));
    let notes = laptop.reads_text("/notes.md");
    for step in 0..60 {
        let line = format!("{step} in the tab\n");
        assert!(notes.starts_with(&line) || notes.contains(&format!("\n{line}")), "{notes}");
    }
    assert_eq!(notes.matches("in the copy\n").count(), 1, "{notes}");
    assert_eq!(notes.matches("in the original\n").count(), 1, "{notes}");
    assert_eq!(notes.matches("two.").count(), 1, "{notes}");
}

#[test]
fn a_copy_that_is_killed_at_any_moment_of_it_loses_nothing() {
    for killed_after_ms in (0..400).step_by(20) {
        let world = World::seeded(1 + killed_after_ms, &["phone"]);
        let phone = world.device("phone");
        phone.creates_text("/notes.md", "shared\n");
        world.sync_all();
        let copy = world.clones("phone");
        copy.line.offline.set(true);
        phone.appends_to("/notes.md", "in the original\n");
        copy.appends_to("/notes.md", "in the copy\n");
        copy.creates_folder("/Of the copy");
        world.passes(5_000);
        copy.line.offline.set(false);
        copy.nudges();
        world.passes(killed_after_ms);
        copy.crashes();
        copy.opens();
        world.sync_all();
        world.assert_converged();
        assert!(phone.shows("/Of the copy"), "killed after {killed_after_ms} ms");
        let notes = phone.reads_text("/notes.md");
        assert_eq!(notes.lines().count(), 3, "killed after {killed_after_ms} ms: {notes}");
    }
}

#[test]
fn a_copy_over_a_bad_line_becomes_one_device_and_sends_all_of_it() {
    for seed in 0..8 {
        let world = World::seeded(100 + seed, &["phone", "laptop"]);
        let phone = world.device("phone");
        world.sync_all();
        let copy = world.clones("phone");
        copy.line.offline.set(true);
        phone.creates_folder("/Of the original");
        for i in 0..5 {
            copy.creates_folder(&format!("/{i}"));
        }
        world.passes(5_000);
        copy.line.bad_percent.set(40);
        copy.line.strike(Call::Account, Mishap::AnswerLost);
        copy.line.offline.set(false);
        copy.nudges();
        world.passes(300_000);
        world.sync_all();
        world.assert_converged();
        assert_eq!(phone.names().len(), 6);
        assert_eq!(copy.status().state, SyncState::OnServer);
    }
}

#[test]
fn a_copy_of_a_copy_is_a_third_device() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let copy = world.clones("phone");
    phone.creates_folder("/1");
    world.sync_all();
    copy.creates_folder("/2");
    world.sync_all();
    let third = copy.copies_its_profile();
    third.opens();
    copy.creates_folder("/3");
    copy.nudges();
    world.passes(10_000);
    third.creates_folder("/4");
    third.nudges();
    world.passes(60_000);
    world.sync_all();
    assert_eq!(phone.names(), ["/1", "/2", "/3", "/4"]);
    assert_eq!(third.replica().identity().device_name, "phone (3)");
}
