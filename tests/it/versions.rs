//! A file that is no text, changed on two devices.

use offing_core::rpc::{Choice, Clash, Reply};
use offing_tests::World;

/// Two devices replace one photo without knowing of each other.
fn two_versions() -> World {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("photo.jpg", b"\xff first")], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.uploads("/", &[("photo.jpg", b"\xff of the phone")], Clash::Replace);
    laptop.uploads("/", &[("photo.jpg", b"\xff of the laptop!")], Clash::Replace);
    world.passes(1_000);
    world.sync_all();
    world.assert_converged();
    assert!(phone.row("/photo.jpg").unwrap().two_versions);
    world
}

#[test]
fn keeping_one_version_settles_it_everywhere() {
    let world = two_versions();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.node("/photo.jpg");
    let versions = phone.all_versions(node);
    let names: Vec<&str> = versions.iter().map(|version| version.device_name.as_str()).collect();
    assert!(names.contains(&"phone") && names.contains(&"laptop"), "{names:?}");
    let of_the_phone = versions.iter().position(|version| version.device_name == "phone").unwrap();
    phone.keeps_only(node, of_the_phone);
    world.sync_all();
    world.assert_converged();
    assert!(!laptop.row("/photo.jpg").unwrap().two_versions);
    assert_eq!(laptop.reads("/photo.jpg").unwrap(), b"\xff of the phone");
}

#[test]
fn keeping_both_versions_makes_two_files() {
    let world = two_versions();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.settles(laptop.node("/photo.jpg"), Choice::KeepBoth);
    world.sync_all();
    world.assert_converged();
    let rows = phone.rows(offing_core::id::NodeId::ROOT);
    assert!(rows.iter().all(|row| !row.two_versions));
    let mut contents: Vec<_> = rows.iter().map(|row| phone.reads_node(row.node).unwrap()).collect();
    contents.sort();
    assert_eq!(contents, [b"\xff of the laptop!".to_vec(), b"\xff of the phone".to_vec()]);
}

#[test]
fn settling_on_both_devices_at_once_still_converges() {
    let world = two_versions();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    for (name, index) in [("phone", 0), ("laptop", 1)] {
        let device = world.device(name);
        device.keeps_only(device.node("/photo.jpg"), index);
    }
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_new_revision_is_no_second_version() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("photo.jpg", b"\xff first")], Clash::Ask);
    world.sync_all();
    laptop.uploads("/", &[("photo.jpg", b"\xff second")], Clash::Replace);
    world.sync_all();
    world.assert_converged();
    assert!(!phone.row("/photo.jpg").unwrap().two_versions);
    assert_eq!(phone.reads("/photo.jpg").unwrap(), b"\xff second");
}

#[test]
fn names_that_exist_are_asked_about_before_anything_begins() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.uploads("/", &[("photo.jpg", b"\xff first")], Clash::Ask);
    world.sync_all();
    let replica = phone.replica();
    let item = offing_core::rpc::UploadItem {
        path: vec!["photo.jpg".to_owned()],
        size: 1,
        modified_ms: 0,
    };
    let file = offing_tests::host::TestFile::new(b"x");
    let reply = phone.run(async move {
        replica.upload(offing_core::id::NodeId::ROOT, vec![item], vec![file], Clash::Ask).await
    });
    assert_eq!(reply, Ok(Reply::Clashes(vec!["photo.jpg".to_owned()])));
    let ids = phone.uploads("/", &[("photo.jpg", b"\xff other")], Clash::KeepBoth);
    assert_eq!(ids.len(), 1);
    world.sync_all();
    assert_eq!(phone.rows(offing_core::id::NodeId::ROOT).len(), 2);
}

#[test]
fn three_versions_are_settled_pair_by_pair() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    let phone = world.device("phone");
    phone.uploads("/", &[("photo.jpg", b"\xff first")], Clash::Ask);
    world.sync_all();
    for name in ["phone", "laptop", "tablet"] {
        world.goes_offline(name);
        let photo = [b"\xff of the ".as_slice(), name.as_bytes()].concat();
        world.device(name).uploads("/", &[("photo.jpg", &photo)], Clash::Replace);
    }
    world.passes(1_000);
    world.sync_all();
    let node = phone.node("/photo.jpg");
    let first: Vec<String> =
        phone.all_versions(node).into_iter().map(|version| version.device_name).collect();
    assert_eq!(first.len(), 3);
    phone.settles(node, Choice::KeepOne);
    world.sync_all();
    world.assert_converged();
    assert!(phone.row("/photo.jpg").unwrap().two_versions, "the third one is still there");
    phone.settles(node, Choice::KeepBoth);
    world.sync_all();
    world.assert_converged();
    let rows = phone.rows(offing_core::id::NodeId::ROOT);
    assert!(rows.iter().all(|row| !row.two_versions));
    let mut contents: Vec<_> = rows.iter().map(|row| phone.reads_node(row.node).unwrap()).collect();
    let mut expected =
        [&first[0], &first[2]].map(|name| [b"\xff of the ".as_slice(), name.as_bytes()].concat());
    contents.sort();
    expected.sort();
    assert_eq!(contents, expected);
}

#[test]
fn texts_typed_into_a_replaced_content_stay_versions_while_two_others_are_settled() {
    let world = World::with(&["phone", "laptop", "tablet"]);
    let (phone, tablet) = (world.device("phone"), world.device("tablet"));
    phone.uploads("/", &[("notes.md", b"first\n")], Clash::Ask);
    world.sync_all();
    let node = phone.node("/notes.md");
    for name in ["phone", "laptop", "tablet"] {
        world.goes_offline(name);
    }
    phone.uploads("/", &[("notes.md", b"uploaded on the phone\n")], Clash::Replace);
    world.device("laptop").uploads("/", &[("notes.md", b"on the laptop\n")], Clash::Replace);
    tablet.appends_to("/notes.md", "typed on the tablet\n");
    world.passes(1_000);
    world.sync_all();
    assert_eq!(phone.all_versions(node).len(), 3);
    phone.settles(node, Choice::KeepOne);
    world.sync_all();
    world.assert_converged();
    let left = phone.versions(node);
    assert_eq!(left.len(), 2);
    assert!(left.iter().any(|(_, text)| text == "first\ntyped on the tablet\n"), "{left:?}");
}
