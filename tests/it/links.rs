//! Links between files.

use offing_core::id::NodeId;
use offing_tests::World;

#[test]
fn a_link_goes_by_names_from_the_folder_of_its_text() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    for folder in ["/work", "/work/plans", "/work/plans/shots"] {
        phone.creates_folder(folder);
    }
    for text in ["/work/plans/notes.md", "/work/plans/shots/cat.txt", "/work/other.md", "/top.md"] {
        phone.creates_text(text, "");
    }
    let notes = phone.node("/work/plans/notes.md");
    for (link, path) in [
        ("notes.md", "/work/plans/notes.md"),
        ("shots/cat.txt", "/work/plans/shots/cat.txt"),
        ("./shots", "/work/plans/shots"),
        ("../other.md", "/work/other.md"),
        ("../../top.md", "/top.md"),
        ("/work/other.md", "/work/other.md"),
    ] {
        assert_eq!(phone.follows(notes, link), Some(phone.node(path)), "{link}");
    }
    let (plans, root) = (phone.node("/work/plans"), NodeId::ROOT);
    assert_eq!(phone.follows(plans, "NOTES.md"), Some(notes));
    assert_eq!(phone.follows(plans, "../plans/shots"), Some(phone.node("/work/plans/shots")));
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
