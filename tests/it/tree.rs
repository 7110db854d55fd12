//! Folders and names, changed apart.

use offing_tests::World;

#[test]
fn everything_a_person_does_offline_arrives() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.creates_folder("/old");
    phone.creates_text("/old/keep.md", "keep");
    phone.creates_text("/old/go.md", "go");
    world.sync_all();
    world.goes_offline("phone");
    phone.creates_folder("/new");
    phone.moves("/old/keep.md", "/new");
    phone.renames("/new/keep.md", "kept.md");
    phone.trashes("/old/go.md");
    phone.trashes("/old");
    let trashed = phone.names().into_iter().find(|name| name.starts_with("trash:/go")).unwrap();
    let node = phone.walk().into_iter().find(|(path, _)| *path == trashed).unwrap().1.node;
    phone.restores("trash:/go.md");
    assert!(phone.walk().iter().any(|(path, row)| row.node == node && !path.starts_with("trash:")));
    world.sync_all();
    world.assert_converged();
    let laptop = world.device("laptop");
    assert_eq!(laptop.reads_text("/new/kept.md"), "keep");
    assert!(!laptop.shows("/old"));
}

#[test]
fn folders_moved_into_each_other_stay_reachable() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for path in ["/a", "/b"] {
        phone.creates_folder(path);
    }
    phone.creates_text("/a/in a.md", "a");
    phone.creates_text("/b/in b.md", "b");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.moves("/a", "/b");
    laptop.moves("/b", "/a");
    world.sync_all();
    world.assert_converged();
    let names = phone.names();
    for file in ["in a.md", "in b.md"] {
        assert_eq!(names.iter().filter(|name| name.ends_with(file)).count(), 1, "{names:?}");
    }
}

#[test]
fn files_of_one_name_are_told_apart_everywhere_alike() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.creates_text("/Notes.md", "of the phone");
    laptop.creates_text("/notes.md", "of the laptop");
    world.sync_all();
    world.assert_converged();
    let root: Vec<_> = phone.rows(offing_core::id::NodeId::ROOT);
    assert_eq!(root.len(), 2);
    assert_ne!(root[0].name.to_lowercase(), root[1].name.to_lowercase());
}

#[test]
fn an_edit_that_a_deletion_had_not_seen_brings_the_file_back() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "draft");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.trashes("/notes.md");
    laptop.appends_to("/notes.md", ", finished");
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/notes.md"), "draft, finished");
    for device in [&phone, &laptop] {
        let told = device.page.came_back.borrow().clone();
        assert_eq!(told, [("notes.md".to_owned(), "laptop".to_owned(), false)], "{}", device.name);
    }
}

#[test]
fn a_rename_does_not_bring_a_deleted_file_back() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "draft");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.trashes("/notes.md");
    laptop.renames("/notes.md", "renamed.md");
    world.sync_all();
    world.assert_converged();
    assert!(!phone.shows("/notes.md") && !phone.shows("/renamed.md"));
    let trashed = phone.row("trash:/renamed.md").unwrap();
    assert!(trashed.trashed_ms.is_some_and(|time_ms| time_ms >= offing_tests::host::EPOCH_MS));
    assert_eq!(phone.page.came_back.borrow().len(), 0);
}

#[test]
fn what_was_put_into_a_deleted_folder_unseen_is_recovered() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/trip");
    phone.creates_text("/trip/seen.md", "seen");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.trashes("/trip");
    laptop.creates_text("/trip/unseen.md", "unseen");
    world.sync_all();
    world.assert_converged();
    let names = phone.names();
    let unseen = names.iter().find(|name| name.ends_with("unseen.md")).unwrap();
    assert!(!unseen.starts_with("trash:"), "{names:?}");
    let seen = names.iter().find(|name| name.ends_with("/seen.md")).unwrap();
    assert!(seen.starts_with("trash:"), "{names:?}");
    for device in [&phone, &laptop] {
        let told = device.page.came_back.borrow().clone();
        assert_eq!(told, [("unseen.md".to_owned(), "laptop".to_owned(), true)], "{}", device.name);
    }
}

#[test]
fn a_folder_deleted_on_both_and_restored_on_one_is_back_with_all_in_it() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/trip");
    phone.creates_text("/trip/a.md", "a");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.trashes("/trip");
    laptop.trashes("/trip");
    world.sync_all();
    laptop.restores("trash:/trip");
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/trip/a.md"), "a");
}

#[test]
fn a_copy_has_what_the_original_has_and_goes_its_own_way() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/album");
    phone.creates_folder("/backup");
    phone.creates_text("/album/edited.md", "typed");
    let photo = crate::noise(1, 300_000);
    phone.uploads("/album", &[("photo.jpg", &photo)], offing_core::rpc::Clash::Ask);
    world.sync_all();
    laptop.copies("/album", "/backup");
    laptop.appends_to("/backup/album/edited.md", ", changed in the copy");
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/album/edited.md"), "typed");
    assert_eq!(phone.reads_text("/backup/album/edited.md"), "typed, changed in the copy");
    assert_eq!(phone.reads("/backup/album/photo.jpg").unwrap(), photo);
}
