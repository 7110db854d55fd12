//! Taking actions back.

use offing_core::rpc::{Clash, Reply};
use offing_tests::World;

/// Does something to a small tree and takes it back; both devices show what was before.
fn undone(act: impl Fn(&offing_tests::Device) -> offing_core::rpc::ActionId) {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.creates_folder("/a");
    phone.creates_folder("/b");
    phone.creates_text("/a/notes.md", "notes");
    world.sync_all();
    let before: Vec<String> = live(&phone);
    let action = act(&phone);
    assert_ne!(live(&phone), before, "something was done");
    phone.undoes(action);
    assert_eq!(live(&phone), before);
    world.sync_all();
    world.assert_converged();
    assert_eq!(live(&world.device("laptop")), before);
}

fn live(device: &offing_tests::Device) -> Vec<String> {
    device.names().into_iter().filter(|name| !name.starts_with("trash:")).collect()
}

#[test]
fn a_rename_is_taken_back() {
    undone(|phone| phone.renames("/a/notes.md", "other.md"));
}

#[test]
fn a_move_is_taken_back() {
    undone(|phone| phone.moves("/a/notes.md", "/b"));
}

#[test]
fn a_deletion_is_taken_back_with_all_below() {
    undone(|phone| phone.trashes("/a"));
}

#[test]
fn a_copy_is_taken_back() {
    undone(|phone| phone.copies("/a", "/b"));
}

#[test]
fn a_creation_is_taken_back() {
    undone(|phone| {
        let replica = phone.replica();
        let made = phone
            .run(async move { replica.create_folder(offing_core::id::NodeId::ROOT, "new").await });
        let Ok(Reply::Created { action, .. }) = made else { panic!("{made:?}") };
        action
    });
}

#[test]
fn a_restoration_is_taken_back() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.creates_text("/notes.md", "notes");
    phone.trashes("/notes.md");
    world.sync_all();
    let action = phone.restores("trash:/notes.md");
    phone.undoes(action);
    world.sync_all();
    world.assert_converged();
    assert!(world.device("laptop").shows("trash:/notes.md"));
}

#[test]
fn settling_two_versions_is_taken_back_without_losing_one() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("p.jpg", b"\xff1")], Clash::Ask);
    world.sync_all();
    world.goes_offline("laptop");
    phone.uploads("/", &[("p.jpg", b"\xff2")], Clash::Replace);
    laptop.uploads("/", &[("p.jpg", b"\xff33")], Clash::Replace);
    world.passes(1_000);
    world.sync_all();
    let before = phone.reads("/p.jpg").unwrap();
    let action = phone.keeps_only(phone.node("/p.jpg"), 1);
    assert_ne!(phone.reads("/p.jpg").unwrap(), before);
    phone.undoes(action);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/p.jpg").unwrap(), before);
    assert!(laptop.row("/p.jpg").unwrap().two_versions);
}

#[test]
fn an_undo_leaves_alone_what_somebody_changed_since() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "");
    world.sync_all();
    let action = phone.renames("/notes.md", "phone.md");
    world.sync_all();
    laptop.renames("/phone.md", "laptop.md");
    world.sync_all();
    phone.undoes(action);
    world.sync_all();
    world.assert_converged();
    assert!(phone.shows("/laptop.md"));
}
