//! What files were before, listed and brought back, offline.

use offing_core::rpc::{At, Clash};
use offing_tests::World;

/// A text that two devices typed into, a batch of edits each.
fn typed_on_two() -> World {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.md", b"one\r\n")], Clash::Ask);
    world.sync_all();
    phone.appends_to("/notes.md", "two\n");
    world.passes(60_000);
    world.sync_all();
    laptop.appends_to("/notes.md", "three\n");
    world.sync_all();
    world
}

#[test]
fn a_text_lists_every_batch_of_edits_with_device_and_time_and_reads_as_it_was() {
    let world = typed_on_two();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.node("/notes.md");
    world.goes_offline("phone");
    let revisions = phone.revisions(node);
    let listed: Vec<_> =
        revisions.iter().map(|one| (one.device_name.as_str(), one.current)).collect();
    assert_eq!(listed, [("laptop", true), ("phone", false), ("phone", false)]);
    assert!(revisions[0].time_ms >= revisions[1].time_ms + 60_000);
    let texts: Vec<String> = revisions
        .iter()
        .map(|one| String::from_utf8(phone.reads_revision(node, one.id).unwrap()).unwrap())
        .collect();
    assert_eq!(texts, ["one\r\ntwo\r\nthree\r\n", "one\r\ntwo\r\n", "one\r\n"]);
    let ids = |of: &offing_tests::Device| -> Vec<_> {
        of.revisions(node).into_iter().map(|one| one.id).collect()
    };
    assert_eq!(ids(&phone), ids(&laptop), "a revision has one name everywhere");
}

#[test]
fn a_text_is_brought_back_by_an_edit_that_merges_and_can_be_undone() {
    let world = typed_on_two();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.node("/notes.md");
    laptop.opens_text("/notes.md");
    world.goes_offline("phone");
    let before = phone.revisions(node);
    let action = phone.reverts(node, before[2].id);
    assert_eq!(phone.reads_text("/notes.md"), "one\r\n");
    assert_eq!(phone.revisions(node).len(), before.len() + 1, "nothing leaves the history");
    laptop.types(node, |text| format!("zero\n{text}"));
    world.passes(2_000);
    world.sync_all();
    assert_eq!(laptop.sees(node), "zero\none\n", "an open editor follows");
    phone.undoes(action);
    world.sync_all();
    laptop.closes_text(node);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "zero\r\none\r\ntwo\r\nthree\r\n");
}

#[test]
fn an_open_editor_is_brought_back_and_goes_on() {
    let world = typed_on_two();
    let phone = world.device("phone");
    let node = phone.opens_text("/notes.md");
    phone.types(node, |text| format!("{text}four\n"));
    let revisions = phone.revisions(node);
    assert_eq!(revisions.len(), 4, "what was just typed is saved first");
    let action = phone.reverts(node, revisions[2].id);
    assert_eq!(phone.sees(node), "one\ntwo\n");
    phone.types(node, |text| format!("{text}more\n"));
    phone.undoes(action);
    assert_eq!(phone.sees(node), "one\ntwo\nthree\nfour\nmore\n");
    phone.closes_text(node);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn earlier_contents_of_a_file_are_listed_on_every_device_and_given_to_it_again() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for content in [b"\xff first".as_slice(), b"\xff second", b"\xff third"] {
        phone.uploads("/", &[("photo.jpg", content)], Clash::Replace);
        world.passes(5_000);
        world.sync_all();
    }
    let tablet = world.adds("tablet");
    world.sync_all();
    let node = phone.node("/photo.jpg");
    for device in [&phone, &laptop, &tablet] {
        let revisions = device.revisions(node);
        let sizes: Vec<_> = revisions.iter().map(|one| one.size).collect();
        assert_eq!(sizes, [Some(7), Some(8), Some(7)], "as {} lists them", device.name);
        assert!(revisions.iter().all(|one| one.id.at == At::Start && !one.text));
        assert_eq!(device.reads_revision(node, revisions[2].id).unwrap(), b"\xff first");
    }
    world.goes_offline("tablet");
    let action = tablet.reverts(node, tablet.revisions(node)[2].id);
    assert_eq!(tablet.reads("/photo.jpg").unwrap(), b"\xff first");
    world.sync_all();
    world.assert_converged();
    tablet.undoes(action);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), b"\xff third");
    assert_eq!(laptop.revisions(node).len(), 5);
}

#[test]
fn a_text_that_was_replaced_by_a_picture_is_text_again() {
    let world = typed_on_two();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.uploads("/", &[("notes.md", b"\xff\xfe no text")], Clash::Replace);
    world.passes(5_000);
    world.sync_all();
    let node = phone.node("/notes.md");
    let revisions = phone.revisions(node);
    assert_eq!(revisions.len(), 4);
    assert!(revisions[0].current && !revisions[0].text);
    phone.reverts(node, revisions[1].id);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "one\r\ntwo\r\nthree\r\n");
    laptop.appends_to("/notes.md", "four\n");
    world.sync_all();
    world.assert_converged();
}

#[test]
fn files_that_were_never_replaced_take_no_room_for_their_history() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.uploads("/", &[("a.jpg", b"\xff"), ("b.txt", b"b")], Clash::Ask);
    world.sync_all();
    world.sync_all();
    use offing_worker::store::{Range, Store, Table};
    let store = phone.profile.store.clone();
    let count = phone.run(async move { store.count(Table::Texts, &Range::all()).await });
    assert_eq!(count, Ok(0));
    let revisions = phone.revisions(phone.node("/b.txt"));
    assert!(revisions.len() == 1 && revisions[0].current && revisions[0].text);
}
