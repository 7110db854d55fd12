//! Ways from file to file: links, and the arrow keys.

use offing_core::id::NodeId;
use offing_core::rpc::Clash;
use offing_tests::World;

#[test]
fn a_link_goes_by_names_from_the_folder_of_its_text() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    for folder in ["/trip", "/trip/plans", "/trip/plans/shots"] {
        phone.creates_folder(folder);
    }
    for text in ["/trip/plans/notes.md", "/trip/plans/shots/cat.txt", "/trip/other.md", "/top.md"] {
        phone.creates_text(text, "");
    }
    let notes = phone.node("/trip/plans/notes.md");
    for (link, path) in [
        ("notes.md", "/trip/plans/notes.md"),
        ("shots/cat.txt", "/trip/plans/shots/cat.txt"),
        ("./shots", "/trip/plans/shots"),
        ("../other.md", "/trip/other.md"),
        ("../../top.md", "/top.md"),
        ("/trip/other.md", "/trip/other.md"),
    ] {
        assert_eq!(phone.follows(notes, link), Some(phone.node(path)), "{link}");
    }
    let (plans, root) = (phone.node("/trip/plans"), NodeId::ROOT);
    assert_eq!(phone.follows(plans, "NOTES.md"), Some(notes));
    assert_eq!(phone.follows(plans, "../plans/shots"), Some(phone.node("/trip/plans/shots")));
    assert_eq!(phone.follows(root, "top.md"), Some(phone.node("/top.md")));
    assert_eq!(phone.follows(root, ".."), None);
    for nowhere in ["dog.txt", "notes.md/x", "../../../top.md", "shots/../../plans/none", "..."] {
        assert_eq!(phone.follows(notes, nowhere), None, "{nowhere}");
    }
}

#[test]
fn a_text_that_is_gone_leads_nowhere() {
    let world = World::with(&["phone"]);
    assert_eq!(world.device("phone").follows(NodeId([9; 16]), "notes.md"), None);
}

#[test]
fn arrow_keys_walk_the_files_of_a_folder_and_pass_over_texts() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_folder("/shots");
    phone.creates_folder("/shots/old");
    let names: Vec<String> = (100..800).map(|n| format!("{n}.jpg")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &[7][..])).collect();
    phone.uploads("/shots", &files, Clash::Ask);
    phone.creates_text("/shots/555.md", "");
    let shot = |n: u32| phone.node(&format!("/shots/{n}.jpg"));
    for (from, next) in [(100, 101), (555, 556), (610, 611), (611, 612), (798, 799)] {
        assert_eq!(phone.walks(shot(from), true), Some(shot(next)), "from {from}");
        assert_eq!(phone.walks(shot(next), false), Some(shot(from)), "back to {from}");
    }
    assert_eq!((phone.walks(shot(799), true), phone.walks(shot(100), false)), (None, None));
}
