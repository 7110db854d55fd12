//! Text that is typed while another device gives the file new content.

use offing_core::id::NodeId;
use offing_core::rpc::Clash;
use offing_tests::{Device, World};

const NOTES: &str = "/notes.md";

/// What stands in all files of the root.
fn texts(device: &Device) -> Vec<String> {
    let rows = device.rows(NodeId::ROOT);
    let read = |row: &offing_core::rpc::Row| device.reads_node(row.node).unwrap();
    let mut texts: Vec<_> = rows.iter().map(|row| String::from_utf8(read(row)).unwrap()).collect();
    texts.sort();
    texts
}

fn replaces(device: &Device, text: &str) {
    device.uploads("/", &[("notes.md", text.as_bytes())], Clash::Replace);
}

/// The phone types into a text while the laptop uploads another over it.
fn typed_while_replaced() -> (World, NodeId) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.md", b"first\n")], Clash::Ask);
    world.sync_all();
    let node = phone.node(NOTES);
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.appends_to(NOTES, "typed on the phone\n");
    replaces(&laptop, "uploaded on the laptop\n");
    world.passes(1_000);
    world.sync_all();
    world.assert_converged();
    (world, node)
}

#[test]
fn text_typed_while_another_device_replaces_the_file_is_a_second_version() {
    let (world, node) = typed_while_replaced();
    for device in world.devices() {
        assert!(device.row(NOTES).unwrap().two_versions);
        assert_eq!(device.reads_text(NOTES), "uploaded on the laptop\n");
        let versions = device.versions(node);
        let expected = [
            ("laptop".to_owned(), "uploaded on the laptop\n".to_owned()),
            ("phone".to_owned(), "first\ntyped on the phone\n".to_owned()),
        ];
        assert_eq!(versions, expected, "as {} sees it", device.name);
    }
}

#[test]
fn keeping_both_keeps_what_was_typed_as_a_file() {
    for settler in ["phone", "laptop"] {
        let (world, node) = typed_while_replaced();
        world.device(settler).keeps_all_versions(node);
        world.sync_all();
        world.assert_converged();
        for device in world.devices() {
            assert!(!device.row(NOTES).unwrap().two_versions);
            let expected = ["first\ntyped on the phone\n", "uploaded on the laptop\n"];
            assert_eq!(texts(&device), expected);
        }
    }
}

#[test]
fn either_version_can_be_kept_alone_and_typed_on() {
    for (index, expected) in
        [(0, "uploaded on the laptop\nmore"), (1, "first\ntyped on the phone\nmore")]
    {
        let (world, node) = typed_while_replaced();
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        laptop.keeps_only(node, index);
        world.sync_all();
        phone.appends_to(NOTES, "more");
        world.sync_all();
        world.assert_converged();
        assert!(!phone.row(NOTES).unwrap().two_versions);
        assert_eq!(texts(&laptop), [expected]);
    }
}

#[test]
fn typing_into_the_shown_version_leaves_the_other_alone() {
    let (world, node) = typed_while_replaced();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for i in 0..80 {
        laptop.appends_to(NOTES, &format!("{i} "));
    }
    world.sync_all();
    for device in [&phone, &laptop] {
        // A document with many increments is saved whole.
        device.opens_text(NOTES);
        device.closes_text(node);
        let versions = device.versions(node);
        assert_eq!(versions[1].1, "first\ntyped on the phone\n");
    }
    phone.keeps_all_versions(node);
    world.sync_all();
    world.assert_converged();
    assert_eq!(texts(&laptop).len(), 2);
    assert!(texts(&laptop).contains(&"first\ntyped on the phone\n".to_owned()));
}

#[test]
fn a_text_that_never_was_uploaded_is_a_version_too() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text(NOTES, "written ");
    world.sync_all();
    world.goes_offline("laptop");
    phone.appends_to(NOTES, "unseen");
    replaces(&laptop, "uploaded");
    world.passes(1_000);
    world.sync_all();
    world.assert_converged();
    let versions = laptop.versions(node);
    assert_eq!(versions[1], ("phone".to_owned(), "written unseen".to_owned()));
}

#[test]
fn text_that_was_seen_when_it_was_replaced_is_no_version() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text(NOTES, "old");
    world.sync_all();
    replaces(&laptop, "new");
    world.passes(1_000);
    world.sync_all();
    world.assert_converged();
    assert!(!phone.row(NOTES).unwrap().two_versions);
    assert_eq!(phone.reads_text(NOTES), "new");
}

#[test]
fn a_device_that_joins_later_can_read_both_versions() {
    let (world, node) = typed_while_replaced();
    let tablet = world.adds("tablet");
    world.sync_all();
    world.assert_converged();
    assert_eq!(tablet.versions(node)[1].1, "first\ntyped on the phone\n");
    world.goes_offline("tablet");
    tablet.keeps_all_versions(node);
    assert_eq!(texts(&tablet).len(), 2);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn an_open_editor_goes_on_with_the_new_content_and_loses_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.md", b"first\n")], Clash::Ask);
    world.sync_all();
    let node = phone.opens_text(NOTES);
    world.goes_offline("phone");
    phone.types(node, |text| format!("{text}before\n"));
    replaces(&laptop, "uploaded\n");
    world.passes(1_000);
    world.goes_online("phone");
    // Typed at every moment of the change of documents.
    for i in 0..400 {
        phone.types(node, |text| format!("{text}<{i}>"));
        world.passes(3);
    }
    world.passes(10_000);
    assert!(phone.sees(node).starts_with("uploaded\n"), "{}", phone.sees(node));
    assert_eq!(*phone.page.replaced.borrow(), [(node, "laptop".to_owned(), true)]);
    phone.closes_text(node);
    world.sync_all();
    world.assert_converged();
    laptop.keeps_all_versions(node);
    world.sync_all();
    world.assert_converged();
    let all = texts(&laptop).concat();
    assert!(all.contains("before\n") && all.contains("uploaded\n"), "{all}");
    for i in 0..400 {
        assert_eq!(all.matches(&format!("<{i}>")).count(), 1, "<{i}> in {all}");
    }
}

#[test]
fn an_open_editor_whose_file_becomes_no_text_keeps_its_text_as_a_version() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.md", b"first\n")], Clash::Ask);
    world.sync_all();
    let node = phone.opens_text(NOTES);
    laptop.uploads("/", &[("notes.md", b"\xff\xfe\0 no text")], Clash::Replace);
    world.passes(5_000);
    assert_eq!(*phone.page.replaced.borrow(), [(node, "laptop".to_owned(), false)]);
    phone.types(node, |text| format!("{text}typed all the same\n"));
    world.passes(5_000);
    phone.closes_text(node);
    world.sync_all();
    world.assert_converged();
    assert!(laptop.row(NOTES).unwrap().two_versions);
    laptop.keeps_only(node, 1);
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text(NOTES), "first\ntyped all the same\n");
}

#[test]
fn another_tabs_upload_over_an_open_text_is_shown_in_it() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text(NOTES, "typed");
    world.sync_all();
    phone.opens_text(NOTES);
    phone.types(node, |text| format!("{text}, more"));
    let tab = phone.opens_another_tab();
    replaces(&tab, "uploaded");
    world.passes(10_000);
    assert_eq!(phone.sees(node), "uploaded");
    assert_eq!(phone.versions(node)[1].1, "typed, more");
    phone.closes_text(node);
    world.sync_all();
}

#[test]
fn typing_of_a_killed_browser_is_a_version_if_the_file_was_replaced_meanwhile() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.md", b"first")], Clash::Ask);
    world.sync_all();
    let node = phone.opens_text(NOTES);
    phone.types(node, |text| format!("{text}, typed"));
    world.passes(20);
    let tab = phone.opens_another_tab();
    phone.crashes();
    replaces(&laptop, "uploaded");
    world.passes(1_000);
    // The other tab hears of the new content; the killed one is opened after that.
    world.passes(10_000);
    tab.crashes();
    phone.opens();
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text(NOTES), "uploaded");
    assert_eq!(laptop.versions(node)[1], ("phone".to_owned(), "first, typed".to_owned()));
}

/// A file on a disk that takes ten seconds.
struct SlowFile(offing_tests::executor::Executor, &'static [u8]);

impl offing_worker::host::Source for SlowFile {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        self.0.sleep(10_000).await;
        self.1.get(start as usize..end as usize).map(<[u8]>::to_vec)
    }
}

#[test]
fn what_came_into_a_file_after_its_replacement_was_chosen_is_not_replaced() {
    for by in ["phone", "laptop"] {
        let world = World::with(&["phone", "laptop"]);
        let laptop = world.device("laptop");
        world.device("phone").uploads("/", &[("notes.md", b"first\n")], Clash::Ask);
        world.sync_all();
        let file = SlowFile(world.executor.clone(), b"uploaded\n");
        let (path, size) = (vec!["notes.md".to_owned()], 9);
        let item = offing_core::rpc::UploadItem { path, size, modified_ms: 0 };
        let replica = laptop.replica();
        laptop.run(async move {
            let (items, files) = (vec![item], vec![file]);
            replica.upload(NodeId::ROOT, items, files, Clash::Replace).await.unwrap();
        });
        world.device(by).appends_to(NOTES, &format!("typed on the {by}\n"));
        world.passes(5_000);
        assert_eq!(laptop.reads_text(NOTES), format!("first\ntyped on the {by}\n"));
        world.passes(20_000);
        world.sync_all();
        world.assert_converged();
        let expected = [format!("first\ntyped on the {by}\n"), "uploaded\n".to_owned()];
        assert_eq!(texts(&laptop), expected);
    }
}
