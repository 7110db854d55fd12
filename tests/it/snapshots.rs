//! A new device begins with a snapshot; one that does not hold is passed over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_core::proto::{LogPage, PageItem};
use offing_core::rpc::{Alarm, Clash};
use offing_server::service::Services;
use offing_tests::net::{Call, frame};
use offing_tests::{Device, World};
use rand::SeedableRng;

/// A phone on which some of everything happened, all of it in the log.
fn lived() -> (World, Rc<Device>) {
    lived_with("typed on the phone")
}

fn lived_with(text: &str) -> (World, Rc<Device>) {
    let world = World::with(&["phone", "tablet"]);
    let phone = world.device("phone");
    phone.creates_folder("/papers");
    let notes = phone.creates_text("/papers/notes.md", text);
    for n in 0..80 {
        phone.edits(notes, |text| format!("{text}{n}\n"));
    }
    let (photo, film) = (crate::noise(1, 5_000), crate::noise(2, 1_500_000));
    phone.uploads("/papers", &[("photo.jpg", &photo), ("film.mp4", &film)], Clash::Ask);
    world.sync_all();
    // Two versions, a replaced text, something in the trash.
    for name in ["phone", "tablet"] {
        world.goes_offline(name);
        let own = crate::noise(name.len() as u64, 2_000);
        world.device(name).uploads("/papers", &[("photo.jpg", &own)], Clash::Replace);
    }
    phone.creates_folder("/old");
    phone.trashes("/old");
    phone.uploads("/papers", &[("notes.md", b"another text")], Clash::Replace);
    world.sync_all();
    phone.appends_to("/papers/notes.md", ", gone on with");
    world.sync_all();
    (world, phone)
}

/// Notes from which places the log is read.
fn notes_reads(world: &World) -> Rc<RefCell<Vec<u64>>> {
    let reads = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&reads);
    *world.net.page_lie.borrow_mut() =
        Some(Box::new(move |after, _| noted.borrow_mut().push(after)));
    reads
}

fn alarms(device: &Device) -> usize {
    let alarms = device.page.alarms.borrow();
    alarms.iter().filter(|alarm| matches!(alarm, Alarm::HistoryChanged { .. })).count()
}

/// The laptop joins, reads the whole log since the snapshot does not hold, and has everything.
fn joins_by_the_log(world: &World) {
    let reads = notes_reads(world);
    let laptop = world.adds("laptop");
    assert!(reads.borrow().contains(&0), "the log was read from its beginning");
    *world.net.page_lie.borrow_mut() = None;
    *world.net.chunk_lie.borrow_mut() = None;
    world.sync_all();
    world.assert_converged();
    assert_eq!(alarms(&laptop), 0, "nobody is told of what was passed over");
}

#[test]
fn a_new_device_reads_a_snapshot_and_what_came_after_it() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    phone.renames("/papers/film.mp4", "the film.mp4");
    phone.appends_to("/papers/notes.md", ", and after the snapshot");
    world.sync_all();
    let (at, tip) = (phone.cursor(), world.tip());
    let reads = notes_reads(&world);
    let laptop = world.adds("laptop");
    assert!(reads.borrow().iter().all(|after| *after + 8 > at), "{:?} of {tip}", reads.borrow());
    *world.net.page_lie.borrow_mut() = None;
    world.sync_all();
    world.assert_converged();
    assert_eq!(
        laptop.reads_text("/papers/notes.md"),
        "another text, gone on with, and after the snapshot"
    );
    for path in ["/papers/notes.md", "/papers/photo.jpg"] {
        let revisions = |device: &Device| {
            let of = device.revisions(device.node(path)).into_iter();
            of.map(|revision| (revision.id, revision.device_name)).collect::<Vec<_>>()
        };
        assert_eq!(revisions(&laptop), revisions(&phone), "{path} was the same before");
    }
    assert_eq!(laptop.moments("/papers"), phone.moments("/papers"));
    laptop.appends_to("/papers/notes.md", ", on the laptop");
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.lists_devices().len(), 3);
}

#[test]
fn a_snapshot_of_a_snapshot_is_as_good() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    let laptop = world.adds("laptop");
    laptop.creates_text("/on the laptop.md", "x");
    world.sync_all();
    assert!(laptop.writes_snapshot());
    world.sync_all();
    let reads = notes_reads(&world);
    world.adds("desktop");
    assert!(!reads.borrow().contains(&0));
    *world.net.page_lie.borrow_mut() = None;
    world.sync_all();
    world.assert_converged();
}

#[test]
fn the_pieces_do_not_stay_with_their_writer() {
    let (world, phone) = lived();
    let before = phone.stored_bytes();
    assert!(phone.writes_snapshot());
    world.sync_all();
    assert_eq!(phone.stored_bytes(), before);
    assert_eq!(phone.unsynced(), 0);
}

#[test]
fn a_device_with_changes_of_its_own_writes_none() {
    let (world, phone) = lived();
    world.goes_offline("phone");
    phone.creates_folder("/not in the log");
    assert!(!phone.writes_snapshot());
    let before = phone.stored_bytes();
    world.sync_all();
    world.goes_offline("phone");
    assert!(!phone.writes_snapshot(), "nobody takes it");
    assert_eq!((phone.stored_bytes(), phone.unsynced()), (before, 0));
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_change_meanwhile_ends_the_attempt() {
    let (world, phone) = lived();
    let rng = rand::rngs::StdRng::seed_from_u64(1);
    phone.profile.temper.begins(world.executor.clone(), rng, 10);
    let written = Rc::new(Cell::new(None));
    let (replica, heard) = (phone.replica(), Rc::clone(&written));
    phone.spawns(async move { heard.set(Some(replica.write_snapshot().await.unwrap())) });
    phone.creates_folder("/meanwhile");
    world.passes(10_000);
    assert_eq!(written.get(), Some(false));
    world.sync_all();
    world.assert_converged();
}

#[test]
fn an_altered_piece_is_passed_over() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(|_, bytes| bytes[100] ^= 1));
    joins_by_the_log(&world);
}

#[test]
fn a_snapshot_that_is_not_signed_by_its_device_is_passed_over() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    *world.net.beginning_lie.borrow_mut() = Some(Box::new(|page| {
        let Some(PageItem::Full(wire)) = page.items.last_mut() else { return };
        let mut entry = offing_core::log::entry::Entry::decode(wire).unwrap();
        entry.signature[5] ^= 1;
        *wire = entry.encode();
    }));
    joins_by_the_log(&world);
}

#[test]
fn a_snapshot_without_what_certifies_its_device_is_passed_over() {
    let (world, _) = lived();
    let tablet = world.device("tablet");
    assert!(tablet.writes_snapshot());
    world.sync_all();
    *world.net.beginning_lie.borrow_mut() = Some(Box::new(|page| {
        page.items.truncate(page.items.len().min(1));
    }));
    joins_by_the_log(&world);
}

#[test]
fn a_change_shown_as_a_snapshot_is_passed_over() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    let log = whole_log(&world);
    *world.net.beginning_lie.borrow_mut() = Some(Box::new(move |page| {
        if let Some(shown) = page.items.last_mut() {
            *shown = log.items[4].clone();
        }
    }));
    joins_by_the_log(&world);
}

#[test]
fn a_snapshot_by_a_device_that_was_taken_off_is_passed_over() {
    let (world, phone) = lived();
    let tablet = world.device("tablet");
    assert!(tablet.writes_snapshot());
    world.sync_all();
    phone.takes_off(&tablet).unwrap();
    world.passes(60_000);
    tablet.crashes();
    world.sync_all();
    let reads = notes_reads(&world);
    let laptop = world.adds("laptop");
    assert!(reads.borrow().contains(&0));
    *world.net.page_lie.borrow_mut() = None;
    world.passes(60_000);
    assert_eq!(laptop.everything(), phone.everything());
}

#[test]
fn a_newcomer_of_a_later_epoch_begins_with_a_snapshot_of_an_earlier() {
    let (world, phone) = lived();
    let tablet = world.device("tablet");
    assert!(phone.writes_snapshot());
    world.sync_all();
    phone.takes_off(&tablet).unwrap();
    world.passes(60_000);
    tablet.crashes();
    world.sync_all();
    phone.creates_text("/of the second epoch.md", "x");
    world.sync_all();
    for _ in 0..2 {
        let reads = notes_reads(&world);
        let laptop = world.adds("laptop");
        assert!(!reads.borrow().contains(&0));
        *world.net.page_lie.borrow_mut() = None;
        world.passes(60_000);
        assert_eq!(laptop.everything(), phone.everything());
        // The next one reads a snapshot of the second epoch, with the record of both.
        assert!(phone.writes_snapshot());
        world.passes(60_000);
    }
}

#[test]
fn a_genuine_snapshot_of_another_history_is_passed_over() {
    let (world, phone) = lived();
    // The same devices and keys in a world where something else happened.
    let (other, forger) = lived_with("something else");
    assert!(phone.writes_snapshot() && forger.writes_snapshot());
    world.sync_all();
    other.sync_all();
    assert_eq!(world.vault(), other.vault(), "they begin alike");
    let page = beginning(&other);
    let wire = match page.items.last() {
        Some(PageItem::Full(wire)) => wire.clone(),
        other => panic!("{other:?}"),
    };
    brings_pieces(&other, &world, &wire);
    *world.net.beginning_lie.borrow_mut() = Some(Box::new(move |shown| *shown = page.clone()));
    joins_by_the_log(&world);
}

#[test]
fn a_snapshot_that_the_log_does_not_show_is_passed_over() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    // The server shows a log that ends before the snapshot's entry.
    let (tip, log) = (world.tip(), whole_log(&world));
    let is_snapshot = |item: &PageItem| {
        let PageItem::Full(wire) = item else { panic!("{item:?}") };
        header_of(wire).kind == offing_core::log::entry::EntryKind::Snapshot
    };
    let end = 1 + log.items.iter().position(is_snapshot).unwrap() as u64;
    let before_last = (1..).zip(&log.items).fold(
        offing_core::log::chain::ChainPoint::START,
        |point, (seq, item)| {
            let PageItem::Full(wire) = item else { panic!("{item:?}") };
            let hash = offing_core::log::entry::Entry::decode(wire).unwrap().hash();
            if seq < end { point.extend(&hash) } else { point }
        },
    );
    let reads = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&reads);
    *world.net.page_lie.borrow_mut() = Some(Box::new(move |after, page: &mut LogPage| {
        noted.borrow_mut().push(after);
        if page.tip.seq == tip {
            page.items.truncate(usize::try_from(end - 1 - after.min(end - 1)).unwrap());
            (page.tip.seq, page.tip.chain) = (before_last.seq, before_last.chain);
        }
    }));
    let _ = world.tries_to_add("laptop");
    assert!(reads.borrow().contains(&0), "it was not believed");
}

#[test]
fn an_older_snapshot_serves_where_the_newest_does_not_hold() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    let first = pieces_of(&beginning(&world));
    phone.creates_folder("/later");
    world.sync_all();
    assert!(phone.writes_snapshot());
    world.sync_all();
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(move |id, bytes| {
        if !first.contains(&id) {
            bytes.clear();
        }
    }));
    let reads = notes_reads(&world);
    world.adds("laptop");
    assert!(!reads.borrow().contains(&0));
    *world.net.page_lie.borrow_mut() = None;
    *world.net.chunk_lie.borrow_mut() = None;
    world.sync_all();
    world.assert_converged();
}

#[test]
fn a_server_that_knows_no_snapshots_is_no_hindrance() {
    let (world, phone) = lived();
    assert!(phone.writes_snapshot());
    world.sync_all();
    *world.net.beginning_lie.borrow_mut() = Some(Box::new(|page| page.items.clear()));
    joins_by_the_log(&world);
}

#[test]
fn copies_of_a_profile_and_snapshots_get_along() {
    let (world, phone) = lived();
    let copy = world.clones("tablet");
    let tablet = world.device("tablet");
    tablet.creates_folder("/one");
    copy.creates_folder("/other");
    assert!(phone.writes_snapshot());
    world.sync_all();
    tablet.writes_snapshot();
    copy.writes_snapshot();
    world.sync_all();
    world.adds("laptop");
    world.sync_all();
    world.assert_converged();
    assert!(phone.line.count(Call::Log) > 0);
}

fn whole_log(world: &World) -> LogPage {
    let (caller, vault) = (world.caller(), world.vault());
    let bounds = offing_server::service::log::PageLimits::default();
    let read = async |services: Services| services.read_log(&caller, vault, 0, None, bounds).await;
    world.net.ask(read).unwrap()
}

fn beginning(world: &World) -> LogPage {
    let (caller, vault) = (world.caller(), world.vault());
    world.net.ask(async |services: Services| services.beginning(&caller, vault, 0).await).unwrap()
}

fn pieces_of(page: &LogPage) -> Vec<ChunkId> {
    let Some(PageItem::Full(wire)) = page.items.last() else { panic!("{page:?}") };
    header_of(wire).chunks
}

fn header_of(wire: &[u8]) -> offing_core::log::entry::Header {
    let entry = offing_core::log::entry::Entry::decode(wire).unwrap();
    offing_core::log::entry::Header::decode(&entry.header).unwrap()
}

/// Puts the pieces of a snapshot from one server onto another.
fn brings_pieces(from: &World, to: &World, wire: &[u8]) {
    for id in header_of(wire).chunks {
        let (caller, vault) = (from.caller(), from.vault());
        let bytes = from.net.ask(async |services: Services| {
            let handle = services.chunk(&caller, vault, id).await.unwrap();
            let len = handle.len_bytes();
            let mut body = handle.body(0..len).unwrap();
            let mut bytes = Vec::new();
            while let Some(piece) = body.next_piece().await.unwrap() {
                bytes.extend_from_slice(&piece);
            }
            bytes
        });
        to.net.ask(async |services: Services| {
            let mut upload = services.begin_batch(&caller, vault).await.unwrap();
            upload.push(&frame(id, &bytes)).await.unwrap();
            upload.finish().await.unwrap();
        });
    }
}
