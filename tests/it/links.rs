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
fn a_folder_is_asked_for_what_it_holds_now() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_folder("/trip");
    phone.creates_text("/trip/README.md", "");
    let (trip, readme) = (phone.node("/trip"), phone.node("/trip/README.md"));
    assert_eq!(phone.follows(trip, "README.md"), Some(readme));
    phone.renames("/trip/README.md", "old.md");
    assert_eq!(phone.follows(trip, "README.md"), None);
}

#[test]
fn a_link_follows_what_was_renamed_or_moved_on_every_device() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for folder in ["/trip", "/trip/shots", "/boat"] {
        phone.creates_folder(folder);
    }
    for text in ["/trip/notes.md", "/trip/plan.md", "/trip/shots/cat.txt", "/trip/dog.txt"] {
        phone.creates_text(text, "");
    }
    world.sync_all();
    let notes = phone.node("/trip/notes.md");
    let (plan, cat, dog) = (
        phone.node("/trip/plan.md"),
        phone.node("/trip/shots/cat.txt"),
        phone.node("/trip/dog.txt"),
    );

    phone.renames("/trip/plan.md", "route.md");
    phone.renames("/trip/shots", "pictures");
    phone.moves("/trip/dog.txt", "/boat");
    phone.moves("/trip/pictures", "/boat");
    world.sync_all();
    for device in [&phone, &laptop] {
        for (link, node) in [
            ("plan.md", plan),
            ("route.md", plan),
            ("shots/cat.txt", cat),
            ("pictures/cat.txt", cat),
            ("dog.txt", dog),
            ("../boat/dog.txt", dog),
            ("/trip/dog.txt", dog),
        ] {
            assert_eq!(device.follows(notes, link), Some(node), "{link}");
        }
        assert_eq!(device.follows(notes, "bird.txt"), None);
    }

    // What has the name now is what a link means.
    let newer = laptop.creates_text("/trip/plan.md", "");
    assert_eq!(laptop.follows(notes, "plan.md"), Some(newer));
    laptop.trashes("/trip/plan.md");
    assert_eq!(laptop.follows(notes, "plan.md"), Some(plan));

    // A text that was moved goes by the folder that it was written in.
    laptop.moves("/trip/notes.md", "/");
    assert_eq!(laptop.follows(notes, "route.md"), Some(plan));
    assert_eq!(laptop.follows(notes, "shots/cat.txt"), Some(cat));
    world.sync_all();
    assert_eq!(phone.follows(notes, "route.md"), Some(plan));
    world.assert_converged();
}

#[test]
fn a_file_that_is_shown_with_a_number_is_found_by_it() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let ours = [phone.creates_text("/plan.md", ""), laptop.creates_text("/plan.md", "")];
    world.sync_all();
    let second = phone.node("/plan (2).md");
    assert!(ours.contains(&second));
    for device in [&phone, &laptop] {
        assert_eq!(device.follows(NodeId::ROOT, "plan (2).md"), Some(second));
        assert_eq!(device.follows(NodeId::ROOT, "plan.md"), Some(device.node("/plan.md")));
        assert_eq!(device.follows(NodeId::ROOT, "plan (3).md"), None);
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
