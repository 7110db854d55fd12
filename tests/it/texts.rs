//! One text, edited on several devices.

use std::cell::Cell;
use std::rc::Rc;

use offing_core::id::{DeviceId, Hash};
use offing_core::rpc::{Alarm, Clash, Event, TextUpdate};
use offing_core::text::{Actor, ChangeSet, TextDoc};
use offing_tests::{Device, World};
use offing_worker::store::{Batch, Direction, Durability, Range, Store, Table};

#[test]
fn edits_made_offline_on_both_are_merged() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "one\ntwo\nthree\n");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.edits(phone.node("/notes.md"), |text| text.replace("one", "ONE"));
    laptop.edits(laptop.node("/notes.md"), |text| text.replace("three", "THREE"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/notes.md"), "ONE\ntwo\nTHREE\n");
}

#[test]
fn an_open_editor_sees_the_other_devices_typing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "a\n");
    world.sync_all();
    phone.opens_text("/notes.md");
    laptop.opens_text("/notes.md");
    for i in 0..5 {
        phone.types(node, |text| format!("phone {i}\n{text}"));
        laptop.types(node, |text| format!("{text}laptop {i}\n"));
        world.passes(300);
    }
    world.passes(20_000);
    assert_eq!(phone.sees(node), laptop.sees(node));
    assert_eq!(phone.sees(node).lines().count(), 11);
    assert!(phone.page.merged_from.borrow().contains(&"laptop".to_owned()));
    assert_eq!(phone.page.merged_edits.get(), 1, "the laptop typed for less than a batch");
    phone.closes_text(node);
    laptop.closes_text(node);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn every_edit_that_is_merged_is_counted_and_the_own_tabs_are_not() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "a\n");
    world.sync_all();
    phone.opens_text("/notes.md");
    let tab = phone.opens_another_tab();
    tab.edits(node, |text| format!("tab {text}"));
    world.passes(1_000);
    assert_eq!(phone.sees(node), "tab a\n");
    assert_eq!((phone.page.merged_edits.get(), phone.page.merged_from.borrow().len()), (0, 0));
    world.sync_all();
    world.goes_offline("phone");
    for i in 0..3 {
        laptop.edits(node, |text| format!("{text}{i}"));
    }
    world.sync_all();
    assert_eq!(phone.page.merged_edits.get(), 3);
    phone.closes_text(node);
}

#[test]
fn edits_of_which_one_does_not_fit_are_refused_whole_and_typing_goes_on() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "abc");
    world.sync_all();
    phone.opens_text("/notes.md");
    let version = phone.page.texts.borrow()[&node].version;
    let update = |changes: &str| TextUpdate { client: "phone".into(), changes: changes.into() };
    for broken in [r#"[99,[0,"x"]]"#, "no change set"] {
        let updates = [update(r#"[3,[0,"d"]]"#), update(broken)];
        assert!(phone.replica().push_text(node, version, &updates).is_err());
    }
    // The engine stands where it stood: the page's next edit is taken at once.
    let typed = [update(r#"[3,[0,"e"]]"#)];
    assert_eq!(phone.replica().push_text(node, version, &typed), Ok(1));
    phone.closes_text(node);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "abce");
}

#[test]
fn what_arrives_while_someone_types_loses_nothing_of_either() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    laptop.opens_text("/notes.md");
    for i in 0..20 {
        phone.edits(node, |text| format!("p{i} {text}"));
        for _ in 0..4 {
            laptop.types(node, |text| format!("{text}x"));
            world.passes(97);
        }
    }
    laptop.closes_text(node);
    world.sync_all();
    world.assert_converged();
    let text = phone.reads_text("/notes.md");
    assert_eq!(text.matches('x').count(), 80);
    assert!((0..20).all(|i| text.contains(&format!("p{i} "))), "{text}");
}

#[test]
fn characters_outside_the_basic_plane_survive_a_merge() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "👩‍👧 größe 𝄞\n");
    world.sync_all();
    world.goes_offline("laptop");
    phone.edits(node, |text| text.replace("𝄞", "𝄞𝄢"));
    laptop.edits(node, |text| text.replace("👩‍👧", "👨‍👧😀"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "👨‍👧😀 größe 𝄞𝄢\n");
}

#[test]
fn a_text_with_many_increments_opens_the_same_after_a_restart() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "");
    for i in 0..150 {
        phone.edits(node, |text| format!("{text}{i} "));
    }
    world.sync_all();
    let text = phone.reads_text("/notes.md");
    for name in ["phone", "laptop"] {
        world.device(name).edits(node, |text| text.to_owned());
        world.restarts(name);
        assert_eq!(world.device(name).reads_text("/notes.md"), text);
    }
    world.sync_all();
    world.assert_converged();
}

#[test]
fn an_uploaded_text_is_edited_from_what_was_uploaded() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let upload: &[u8] = "eins\nzwei\n".as_bytes();
    phone.uploads("/", &[("plan.txt", upload)], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.appends_to("/plan.txt", "drei\n");
    laptop.edits(laptop.node("/plan.txt"), |text| format!("null\n{text}"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/plan.txt"), "null\neins\nzwei\ndrei\n");
}

#[test]
fn a_file_keeps_its_line_ends_through_edits_on_both_devices() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let (windows, mixed) = (b"[a]\r\nx=1\r\n".as_slice(), b"1\r\n2\n3\r\n4\r".as_slice());
    phone.uploads("/", &[("a.ini", windows), ("mixed.txt", mixed)], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.appends_to("/a.ini", "y=2\n");
    laptop.edits(laptop.node("/a.ini"), |text| format!("; by the laptop\n{text}"));
    laptop.appends_to("/mixed.txt", "5\n");
    world.sync_all();
    world.assert_converged();
    let edited = "; by the laptop\r\n[a]\r\nx=1\r\ny=2\r\n";
    phone.creates_folder("/copies");
    phone.copies("/a.ini", "/copies");
    world.sync_all();
    world.restarts("laptop");
    for device in [&phone, &laptop] {
        assert_eq!(device.reads_text("/a.ini"), edited);
        assert_eq!(device.reads_text("/copies/a.ini"), edited);
        assert_eq!(device.reads_text("/mixed.txt"), "1\r\n2\n3\r\n4\r5\r\n");
        assert_eq!(device.row("/mixed.txt").unwrap().size, Some(13));
    }
}

#[test]
fn a_long_text_is_kept_as_one_document_and_goes_on_merging() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let long: String = (0..20_000).map(|line| format!("{line}\n")).collect();
    let node = phone.creates_text("/log.md", "");
    for piece in [&long[..50_000], &long[50_000..]] {
        phone.edits(node, |text| format!("{text}{piece}"));
    }
    world.sync_all();
    let rows = |device: &Device| {
        let store = device.profile.store.clone();
        let all = Range::prefix(&node.0);
        let rows = device.run(async move {
            store.scan(Table::Texts, &all, 0, u32::MAX, Direction::Forward).await.unwrap()
        });
        rows.into_iter().map(|(key, _)| key[16]).collect::<Vec<u8>>()
    };
    for device in [&phone, &laptop] {
        assert_eq!(rows(device), [1, 1], "what was typed, as it was");
        device.opens_text("/log.md");
        assert_eq!(rows(device), [0], "the document");
        assert_eq!(device.sees(node), long);
    }
    // Both type before they hear of each other, one into what the other closed.
    laptop.closes_text(node);
    world.goes_offline("laptop");
    phone.types(node, |text| text.replacen("7\n", "seven\n", 1));
    phone.closes_text(node);
    laptop.edits(node, |text| format!("{text}end\n"));
    laptop.crashes();
    laptop.opens();
    assert_eq!(laptop.reads_text("/log.md"), format!("{long}end\n"));
    world.goes_online("laptop");
    world.sync_all();
    let both = format!("{}end\n", long.replacen("7\n", "seven\n", 1));
    for device in [&phone, &laptop] {
        assert_eq!(device.reads_text("/log.md"), both);
    }
    world.assert_converged();
}

#[test]
fn line_ends_survive_a_document_that_was_saved_whole() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.uploads("/", &[("log.txt", b"0\r\n")], Clash::Ask);
    world.sync_all();
    for i in 1..150 {
        phone.appends_to("/log.txt", &format!("{i}\n"));
    }
    world.restarts("phone");
    phone.appends_to("/log.txt", "end");
    let all: String = (0..150).map(|i| format!("{i}\r\n")).collect();
    assert_eq!(phone.reads_text("/log.txt"), format!("{all}end"));
}

#[test]
fn an_edit_that_names_nothing_is_left_out_and_the_text_still_opens() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "mine");
    // Somebody whose program is wrong sends a change without the one it stands on.
    let (base, device) = (Hash([0; 32]), DeviceId([9; 16]));
    let mut theirs = TextDoc::seeded(&node, &base, "", Actor { device, slot: 0 }).unwrap();
    let mut last = Vec::new();
    for (before, after) in [("", "a"), ("a", "ab")] {
        theirs.splice(&ChangeSet::between(before, after)).unwrap();
        last = theirs.commit(0).unwrap();
    }
    let key = [node.0.as_slice(), &[1], &99_u64.to_be_bytes()].concat();
    let mut batch = Batch::new();
    batch.put(Table::Texts, key, offing_core::rpc::encode(&(base, vec![last], device)));
    let store = phone.profile.store.clone();
    phone.run(async move { store.write(batch, Durability::Strict).await }).unwrap();
    phone.opens_text("/notes.md");
    assert_eq!(phone.sees(node), "mine");
    let refused = Alarm::EditRefused { name: "notes.md".into() };
    assert!(phone.page.alarms.borrow().contains(&refused));
    phone.types(node, |text| format!("{text} still"));
    phone.closes_text(node);
    assert_eq!(phone.reads_text("/notes.md"), "mine still");
}

#[test]
fn a_save_of_an_earlier_opening_says_nothing_of_a_later_one() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "one");
    let told = Rc::new(Cell::new(0));
    let hears = Rc::clone(&told);
    *phone.page.watcher.borrow_mut() = Some(Box::new(move |event| {
        if let Event::TextSaved { .. } = event {
            hears.set(hears.get() + 1);
        }
    }));
    phone.run_for(800);
    phone.opens_text("/notes.md");
    phone.types(node, |text| format!("{text} two"));
    phone.run_for(500);
    assert_eq!(told.get(), 0, "nothing of the second opening is saved yet");
    phone.run_for(1_000);
    assert_eq!(told.get(), 1);
    world.sync_all();
    assert_eq!(phone.reads_text("/notes.md"), "one two");
}
