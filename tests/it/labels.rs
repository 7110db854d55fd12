//! Stars and tags on several devices.

use offing_core::rpc::{Clash, Fault};
use offing_tests::{STAR, World};

#[test]
fn a_star_that_one_device_takes_off_while_another_puts_it_on_stays() {
    let world = World::with(&["laptop", "phone"]);
    let (laptop, phone) = (world.device("laptop"), world.device("phone"));
    laptop.creates_text("/plan.md", "June");
    laptop.labels("/plan.md", STAR);
    laptop.labels("/plan.md", "summer holiday");
    world.sync_all();
    assert_eq!(phone.labels_of("/plan.md"), [STAR, "summer holiday"]);
    world.goes_offline("laptop");
    world.goes_offline("phone");
    laptop.unlabels("/plan.md", STAR);
    laptop.unlabels("/plan.md", "summer holiday");
    phone.unlabels("/plan.md", STAR);
    phone.labels("/plan.md", STAR);
    phone.labels("/plan.md", "boat");
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.labels_of("/plan.md"), [STAR, "boat"]);
    assert_eq!(phone.labels_of("/plan.md"), [STAR, "boat"]);
}

#[test]
fn what_is_in_the_trash_is_counted_nowhere_and_comes_back_with_its_labels() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.creates_folder("/trip");
    laptop.creates_text("/trip/plan.md", "June");
    laptop.creates_text("/log.md", "noon");
    laptop.labels("/trip/plan.md", "a");
    laptop.labels("/trip", "b");
    laptop.labels("/log.md", "a");
    let counts = |of: &[(&str, u32)]| -> Vec<(String, u32)> {
        of.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect()
    };
    assert_eq!(laptop.labels_in_use(), counts(&[("a", 2), ("b", 1)]));
    let trashed = laptop.trashes("/trip");
    assert_eq!(laptop.labels_in_use(), counts(&[("a", 1)]));
    laptop.undoes(trashed);
    assert_eq!(laptop.labels_in_use(), counts(&[("a", 2), ("b", 1)]));
}

#[test]
fn what_has_a_label_is_listed_as_a_folder_lists_it_page_by_page() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    let names: Vec<String> = (0..2_100).map(|n| format!("{n}.bin")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &[7; 3][..])).collect();
    laptop.uploads("/", &files, Clash::Ask);
    laptop.creates_folder("/trip");
    laptop.labels_all("/", "a");
    laptop.renames("/trip", "voyage");
    laptop.labels("/voyage", "a b");
    let listed = laptop.labelled("a");
    assert_eq!((listed.len(), listed[0].as_str()), (2_101, "voyage"));
    assert_eq!(listed[1..], names);
    assert_eq!(laptop.labelled("a b"), ["voyage"]);
    assert_eq!(laptop.labels_in_use(), [("a".to_owned(), 2_101), ("a b".to_owned(), 1)]);
}

#[test]
fn undo_takes_a_label_off_again_and_puts_it_back() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.creates_text("/plan.md", "June");
    let done = laptop.labels("/plan.md", STAR);
    laptop.undoes(done);
    assert!(laptop.labels_of("/plan.md").is_empty());
    laptop.labels("/plan.md", STAR);
    let done = laptop.unlabels("/plan.md", STAR);
    world.sync_all();
    laptop.undoes(done);
    assert_eq!(laptop.labels_of("/plan.md"), [STAR]);
}

#[test]
fn a_label_that_was_taken_off_offline_is_saved_here_until_the_server_has_it() {
    use offing_core::rpc::Saved;
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.creates_text("/plan.md", "June");
    laptop.labels("/plan.md", STAR);
    world.sync_all();
    world.goes_offline("laptop");
    laptop.unlabels("/plan.md", STAR);
    assert_ne!(laptop.row("/plan.md").unwrap().saved, Saved::Server);
    world.sync_all();
    assert_eq!(laptop.row("/plan.md").unwrap().saved, Saved::Server);
}

#[test]
fn a_new_device_has_the_labels_too() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.creates_text("/plan.md", "June");
    laptop.labels("/plan.md", "a");
    laptop.creates_text("/gone.md", "x");
    laptop.labels("/gone.md", "b");
    laptop.unlabels("/gone.md", "b");
    world.sync_all();
    world.adds("tablet");
    world.sync_all();
    world.assert_converged();
    assert_eq!(world.device("tablet").labels_in_use(), [("a".to_owned(), 1)]);
    assert_eq!(world.device("tablet").labelled("a"), ["plan.md"]);
}

#[test]
fn no_more_labels_than_there_may_be_and_none_on_what_is_built_in() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.creates_text("/plan.md", "June");
    for n in 0..offing_core::limits::LABELS_MAX {
        laptop.labels("/plan.md", &n.to_string());
    }
    assert_eq!(laptop.tries_label("/plan.md", "more", true), Err(Fault::TooMany));
    assert_eq!(laptop.tries_label("/", STAR, true), Err(Fault::Builtin));
}
