//! Downloads of folders, of which not everything can be had.

use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::{Alarm, Clash, Fault};
use offing_tests::World;
use offing_worker::store::StoreError;
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::memory::Faults;

/// The phone uploads a folder of which the laptop has read one photo and the text.
fn partly_here() -> World {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let (read, unread) = (crate::noise(1, 300_000), crate::noise(2, 300_000));
    let files: [(&str, &[u8]); 3] =
        [("trip/read.jpg", &read), ("trip/far/unread.jpg", &unread), ("trip/notes.md", b"notes")];
    phone.uploads("/", &files, Clash::Ask);
    world.passes(10_000);
    world.sync_all();
    laptop.reads("/trip/read.jpg").unwrap();
    world
}

/// The paths in a ZIP, by the headers before its members.
fn members(zip: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..zip.len().saturating_sub(30) {
        if zip[at..].starts_with(b"PK\x03\x04") {
            let len = usize::from(u16::from_le_bytes([zip[at + 26], zip[at + 27]]));
            found.push(String::from_utf8_lossy(&zip[at + 30..at + 30 + len]).into_owned());
        }
    }
    found.sort();
    found
}

fn lacks(path: &str) -> Fault {
    Fault::Incomplete { paths: vec![path.to_owned()], count: 1 }
}

#[test]
fn a_zip_says_before_it_begins_what_is_not_here() {
    let world = partly_here();
    let laptop = world.device("laptop");
    let trip = laptop.node("/trip");
    world.goes_offline("laptop");
    assert_eq!(laptop.downloads(trip, false), Err(lacks("trip/far/unread.jpg")));
    let zip = laptop.downloads(trip, true).unwrap();
    assert_eq!(members(&zip), ["trip/", "trip/far/", "trip/notes.md", "trip/read.jpg"]);
    world.goes_online("laptop");
    let zip = laptop.downloads(trip, false).unwrap();
    assert!(members(&zip).contains(&"trip/far/unread.jpg".to_owned()));
}

#[test]
fn a_zip_says_before_it_begins_what_the_server_has_lost() {
    let world = partly_here();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let here: Vec<ChunkId> = laptop.run({
        let chunks = laptop.profile.chunks.clone();
        async move { chunks.list().await.unwrap() }
    });
    let of_the_phone: Vec<ChunkId> = phone.run({
        let chunks = phone.profile.chunks.clone();
        async move { chunks.list().await.unwrap() }
    });
    let lost: Vec<ChunkId> = of_the_phone.into_iter().filter(|id| !here.contains(id)).collect();
    assert!(!lost.is_empty());
    let vault = laptop.identity().vault;
    world.net.ask(async |services| services.remove_chunks(vault, lost).await).unwrap();
    let trip = laptop.node("/trip");
    assert_eq!(laptop.downloads(trip, false), Err(lacks("trip/far/unread.jpg")));
    let zip = laptop.downloads(NodeId::ROOT, true).unwrap();
    let rest = ["", "trip/", "trip/far/", "trip/notes.md", "trip/read.jpg"];
    assert_eq!(members(&zip), rest.map(|path| format!("My files/{path}")));
}

#[test]
fn everything_is_one_zip_with_what_was_deleted_and_recovered() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/trip");
    phone.creates_text("/trip/plan.md", "by boat");
    phone.creates_text("/old.md", "done with");
    world.sync_all();
    phone.trashes("/old.md");
    let all = ["My files/", "My files/trip/", "My files/trip/plan.md", "Trash/", "Trash/old.md"];
    assert_eq!(members(&phone.downloads_everything()), all);
    phone.trashes("/trip");
    laptop.creates_text("/trip/unseen.md", "made meanwhile");
    world.sync_all();
    let zip = members(&laptop.downloads_everything());
    assert!(zip.contains(&"Recovered/unseen.md".to_owned()), "{zip:?}");
    assert!(zip.contains(&"Trash/trip/plan.md".to_owned()), "{zip:?}");
}

#[test]
fn a_zip_has_names_that_every_system_can_hold_each_its_own() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    for folder in ["/what?", "/what*", "/what_", "/what?/nul"] {
        phone.creates_folder(folder);
    }
    phone.creates_text("/what?/a\\b: c.txt", "x");
    let zip = phone.downloads(NodeId::ROOT, false).unwrap();
    let expected =
        ["", "what_ (2)/", "what_ (3)/", "what_ (3)/a_b_ c.txt", "what_ (3)/nul_/", "what_/"];
    assert_eq!(members(&zip), expected.map(|path| format!("My files/{path}")));
}

#[test]
fn what_is_not_on_the_server_can_be_taken_away_while_storage_fails() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_text("/sent.md", "on the server");
    world.sync_all();
    world.goes_offline("phone");
    phone.uploads("/", &[("photo.jpg", &crate::noise(3, 300_000))], Clash::Ask);
    phone.creates_folder("/empty");
    let note = phone.creates_text("/note.md", "");
    world.passes(3_000);
    phone.opens_text("/note.md");
    phone.profile.store.inject(Faults { after_writes: 0, error: Some(StoreError::Full) });
    phone.types(note, |_| "never saved".to_owned());
    world.passes(10_000);
    assert_eq!(*phone.page.standing.borrow(), [Alarm::StorageFailing]);
    let zip = phone.downloads_unsynced();
    assert_eq!(members(&zip), ["note.md", "photo.jpg"]);
    assert!(zip.windows(11).any(|bytes| bytes == b"never saved"));
}

#[test]
fn a_range_is_what_the_file_has_there_wherever_its_chunks_end() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let bytes = crate::noise(3, 9_000_000);
    phone.uploads("/", &[("film.bin", &bytes), ("note.txt", b"short")], Clash::Ask);
    world.passes(60_000);
    world.sync_all();
    let read = |start, end| laptop.reads_range("/film.bin", start..end).unwrap();
    for (start, end) in [(0, 5), (4_194_300, 4_194_310), (65_535, 200_001), (8_999_990, 9_100_000)]
    {
        assert!(read(start, end) == bytes[start as usize..bytes.len().min(end as usize)]);
    }
    assert_eq!(read(0, u64::MAX).len(), 4 * 1024 * 1024, "more is asked for again");
    assert!(read(9_000_000, u64::MAX).is_empty() && read(7, 3).is_empty());
    phone.edits(phone.node("/note.txt"), |text| format!("{text} and edited"));
    world.sync_all();
    assert_eq!(laptop.reads_range("/note.txt", 10..16).unwrap(), b"edited");
    world.goes_offline("laptop");
    assert_eq!(read(0, 5), bytes[..5], "what was read is here");
}
