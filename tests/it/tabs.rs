//! Several tabs of one browser profile.

use std::rc::Rc;

use offing_core::rpc::{Clash, TransferState};
use offing_tests::World;

#[test]
fn two_tabs_edit_one_text() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "middle\n");
    world.sync_all();
    let tab = phone.opens_another_tab();
    phone.opens_text("/notes.md");
    tab.opens_text("/notes.md");
    for i in 0..10 {
        phone.types(node, |text| format!("a{i}\n{text}"));
        tab.types(node, |text| format!("{text}b{i}\n"));
        world.passes(if i % 3 == 0 { 1_500 } else { 200 });
    }
    world.passes(10_000);
    assert_eq!(phone.sees(node), tab.sees(node));
    assert_eq!(phone.sees(node).lines().count(), 21);
    phone.closes_text(node);
    tab.closes_text(node);
    world.sync_all();
    world.assert_converged();
    assert_eq!(tab.everything(), phone.everything());
}

#[test]
fn a_change_in_one_tab_shows_in_the_other_and_is_pushed_once() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let tab = phone.opens_another_tab();
    world.passes(1_000);
    let before = world.tip();
    phone.creates_folder("/from the first");
    tab.creates_folder("/from the second");
    assert!(phone.shows("/from the second") && tab.shows("/from the first"));
    world.sync_all();
    assert_eq!(world.tip(), before + 2);
    world.assert_converged();
    world.passes(2_000);
    assert_eq!(tab.pending(), 0);
}

#[test]
fn a_tab_that_dies_holds_up_nobody() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let tab = phone.opens_another_tab();
    for i in 0..20 {
        tab.creates_folder(&format!("/{i}"));
        if i == 10 {
            world.passes(7);
        }
    }
    tab.crashes();
    world.sync_all();
    world.assert_converged();
    assert!(world.device("laptop").shows("/19"));
}

#[test]
fn both_tabs_type_while_another_device_types_too() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    let tab = phone.opens_another_tab();
    for device in [&phone, &tab, &laptop] {
        device.opens_text("/notes.md");
    }
    for i in 0..8 {
        for (device, mark) in [(&phone, 'p'), (&tab, 't'), (&laptop, 'l')] {
            device.types(node, |text| format!("{text}{mark}"));
            world.passes(130 + i * 61);
        }
    }
    world.passes(30_000);
    world.sync_all();
    let text = phone.sees(node);
    assert_eq!((tab.sees(node), laptop.sees(node)), (text.clone(), text.clone()));
    for mark in ['p', 't', 'l'] {
        assert_eq!(text.matches(mark).count(), 8, "{text}");
    }
}

#[test]
fn an_upload_that_another_tab_brings_to_the_server_is_shown_as_done() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let tab = phone.opens_another_tab();
    world.sync_all();
    world.goes_offline("phone");
    let ids = tab.uploads("/", &[("a.bin", b"some bytes")], Clash::Ask);
    world.passes(5_000);
    assert_eq!(tab.transfer(ids[0]), TransferState::Here);
    // Only the first tab hears that the network is back.
    world.goes_online("phone");
    world.passes(500);
    assert_eq!(tab.transfer(ids[0]), TransferState::Done);
}

#[test]
fn five_tabs_type_and_one_that_dies_with_a_lock_loses_nothing_and_holds_up_nobody() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let shared = phone.creates_text("/shared.md", "");
    let mut tabs = vec![Rc::clone(&phone)];
    tabs.extend((1..5).map(|_| phone.opens_another_tab()));
    let own: Vec<_> = (0..5).map(|i| tabs[i].creates_text(&format!("/tab {i}.md"), "")).collect();
    world.sync_all();
    for (tab, own) in tabs.iter().zip(&own) {
        tab.opens_text("/shared.md");
        tab.tries_open_text(*own).unwrap();
    }
    let types = |i: usize, round: usize| {
        let mark = format!("<{i}.{round}>");
        tabs[i].types(shared, |text| format!("{text}{mark}"));
        tabs[i].types(own[i], |text| format!("{text}{mark}"));
        world.passes(90);
    };
    for round in 0..6 {
        (0..5).for_each(|i| types(i, round));
    }
    // Whichever of the others talks to the server is killed in the middle of that.
    let dies = (0..20_000).find_map(|_| {
        world.passes(1);
        (1..5).find(|i| tabs[*i].holds_lock("sync:"))
    });
    let dies = dies.expect("a tab synchronises what was typed");
    types(dies, 6);
    world.passes(5);
    tabs[dies].crashes();
    for round in 7..10 {
        (0..5).filter(|i| *i != dies).for_each(|i| types(i, round));
    }
    world.passes(60_000);
    let seen = phone.sees(shared);
    for (i, tab) in tabs.iter().enumerate().filter(|(i, _)| *i != dies) {
        assert_eq!(tab.sees(shared), seen, "tab {i}");
        tab.closes_text(shared);
        tab.closes_text(own[i]);
    }
    tabs.iter().skip(1).for_each(|tab| tab.crashes());
    world.restarts("phone");
    world.sync_all();
    world.assert_converged();
    let laptop = world.device("laptop");
    let together = laptop.reads_text("/shared.md");
    for i in 0..5 {
        let alone = laptop.reads_text(&format!("/tab {i}.md"));
        let rounds = (0..10).filter(|round| if i == dies { *round < 7 } else { *round != 6 });
        for mark in rounds.map(|round| format!("<{i}.{round}>")) {
            assert_eq!(together.matches(&mark).count(), 1, "{mark} in {together}");
            assert_eq!(alone.matches(&mark).count(), 1, "{mark} in {alone}");
        }
    }
}

#[test]
fn what_a_tab_had_read_when_it_was_killed_is_brought_by_one_that_lives() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let tab = phone.opens_another_tab();
    world.sync_all();
    let film = crate::noise(1, 2_500_000);
    phone.line.slow_ms.set(5_000);
    tab.uploads("/", &[("film.mp4", &film)], Clash::Ask);
    world.passes(2_000);
    tab.crashes();
    phone.line.slow_ms.set(0);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
    assert_eq!(phone.pending(), 0);
}

#[test]
fn a_tab_that_starts_leaves_alone_what_another_has_on_its_way() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let tab = phone.opens_another_tab();
    world.sync_all();
    let (film, before) = (crate::noise(1, 2_500_000), world.tip());
    phone.line.slow_ms.set(5_000);
    let [id] = tab.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    world.passes(2_000);
    // The one that was there first is gone, and a new one comes.
    world.restarts("phone");
    world.passes(2_000);
    assert!(phone.page.transfers.borrow().is_empty());
    phone.line.slow_ms.set(0);
    world.sync_all();
    assert_eq!(tab.transfer(id), TransferState::Done);
    assert_eq!(world.tip(), before + 1, "sent once");
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
}
