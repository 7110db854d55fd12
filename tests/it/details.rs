//! What files and folders say of themselves.

use offing_core::id::NodeId;
use offing_core::rpc::{Clash, Fault};
use offing_tests::World;

#[test]
fn a_file_tells_who_made_it_and_who_changed_it_last() {
    let world = World::with(&["laptop", "phone"]);
    let (laptop, phone) = (world.device("laptop"), world.device("phone"));
    laptop.creates_folder("/trip");
    let log = laptop.creates_text("/trip/log.md", "noon");
    world.sync_all();
    phone.appends_to("/trip/log.md", ", evening");
    world.sync_all();
    let details = laptop.details(log).unwrap();
    assert_eq!(details.row.name, "log.md");
    assert_eq!(details.row.size, Some(13));
    let path: Vec<&str> = details.path.iter().map(|crumb| crumb.name.as_str()).collect();
    assert_eq!(path, ["", "trip"]);
    assert_eq!((details.made.1.as_str(), details.changed.1.as_str()), ("laptop", "phone"));
    assert!(details.made.0 <= details.changed.0);
    assert_eq!(laptop.counts_revisions(log), laptop.revisions(log).len() as u32);
}

#[test]
fn a_folder_tells_who_moved_or_named_it_last() {
    let world = World::with(&["laptop", "phone"]);
    let (laptop, phone) = (world.device("laptop"), world.device("phone"));
    let trip = laptop.creates_folder("/trip");
    world.sync_all();
    phone.renames("/trip", "voyage");
    world.sync_all();
    let details = laptop.details(trip).unwrap();
    assert_eq!((details.made.1.as_str(), details.changed.1.as_str()), ("laptop", "phone"));
}

#[test]
fn all_below_a_folder_is_counted_once_in_pages() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    let shots = laptop.creates_folder("/shots");
    laptop.creates_folder("/shots/old");
    laptop.creates_folder("/shots/old/older");
    // As many as a page holds, fewer, and more.
    for (folder, count) in [("/shots", 511), ("/shots/old", 3), ("/shots/old/older", 600)] {
        let names: Vec<String> = (0..count).map(|n| format!("{n}.jpg")).collect();
        let files: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), &[7; 5][..])).collect();
        laptop.uploads(folder, &files, Clash::Ask);
    }
    laptop.creates_folder("/beside");
    laptop.uploads("/beside", &[("a.jpg", &[7])], Clash::Ask);
    assert_eq!(laptop.counts_below(shots), (1114, 5 * 1114, 2));
}

#[test]
fn the_texts_of_a_folder_are_listed_by_name_without_what_else_is_in_it() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    let templates = laptop.creates_folder("/Templates");
    laptop.creates_text("/Templates/log.md", "# {{title}}");
    laptop.creates_text("/Templates/Entry.md", "");
    laptop.creates_folder("/Templates/old");
    laptop.creates_text("/Templates/old/before.md", "");
    laptop.uploads("/Templates", &[("stamp.png", &[7])], Clash::Ask);
    assert_eq!(laptop.texts_in(templates), ["Entry.md", "log.md"]);
    assert!(laptop.texts_in(NodeId([9; 16])).is_empty());
}

#[test]
fn what_is_not_there_says_nothing() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    assert_eq!(laptop.details(NodeId([9; 16])).unwrap_err(), Fault::NodeUnknown);
    assert_eq!(laptop.counts_below(NodeId([9; 16])), (0, 0, 0));
}
