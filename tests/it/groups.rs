//! Many small files at once: they share chunks and entries, and each stays its own.

use std::cell::Cell;
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::rpc::{
    Clash, Fault, Reply, TransferControl, TransferId, TransferState, UploadItem,
};
use offing_tests::World;
use offing_tests::device::Device;
use offing_tests::executor::Executor;
use offing_tests::net::{Call, Mishap};
use offing_worker::host::Source;

/// Milliseconds that a file of these tests is read.
const READ_MS: u64 = 4;
const FILE_BYTES: usize = 60_000;

/// A file on a disk that takes its time.
struct SlowFile {
    executor: Executor,
    bytes: Vec<u8>,
    gone: Rc<Cell<bool>>,
}

impl Source for SlowFile {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        self.executor.sleep(READ_MS).await;
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.bytes.get(range).filter(|_| !self.gone.get()).map(<[u8]>::to_vec)
    }
}

/// Photos on their way up, by number.
struct Album {
    ids: Vec<TransferId>,
    gone: Vec<Rc<Cell<bool>>>,
}

fn photo(number: usize) -> Vec<u8> {
    crate::noise(number as u64, FILE_BYTES + number)
}

fn path(number: usize) -> String {
    format!("/{number:03}.jpg")
}

fn uploads(world: &World, device: &Device, count: usize) -> Album {
    let gone: Vec<Rc<Cell<bool>>> = (0..count).map(|_| Rc::default()).collect();
    let files = gone.iter().enumerate().map(|(number, gone)| SlowFile {
        executor: world.executor.clone(),
        bytes: photo(number),
        gone: Rc::clone(gone),
    });
    let items = (0..count).map(|number| UploadItem {
        path: vec![path(number)[1..].to_owned()],
        size: (FILE_BYTES + number) as u64,
        modified_ms: 0,
    });
    let (files, items, replica) = (files.collect(), items.collect(), device.replica());
    let reply =
        device.run(async move { replica.upload(NodeId::ROOT, items, files, Clash::Ask).await });
    let Ok(Reply::Uploading(ids)) = reply else { panic!("{reply:?}") };
    Album { ids, gone }
}

#[test]
fn the_first_files_show_long_before_the_last_are_read() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    uploads(&world, &phone, 90);
    // Three packs of 17 files are read at once, each file after the other.
    world.passes(20 * READ_MS);
    let shown = phone.rows(NodeId::ROOT).len();
    assert!((1..=34).contains(&shown), "{shown} files");
    world.sync_all();
    assert_eq!(phone.rows(NodeId::ROOT).len(), 90);
}

#[test]
fn a_file_that_vanishes_inside_a_group_is_named_and_the_others_arrive() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let album = uploads(&world, &phone, 40);
    album.gone[3].set(true);
    album.gone[36].set(true);
    world.sync_all();
    world.assert_converged();
    for number in 0..40 {
        let state = phone.transfer(album.ids[number]);
        if [3, 36].contains(&number) {
            let name = path(number)[1..].to_owned();
            assert_eq!(state, TransferState::Failed(Fault::FileVanished { name }));
            assert!(!laptop.shows(&path(number)));
        } else {
            assert_eq!(state, TransferState::Done, "{number}");
            assert_eq!(laptop.reads(&path(number)).unwrap(), photo(number));
        }
    }
}

#[test]
fn a_file_cancelled_inside_a_group_leaves_nothing_and_the_others_arrive() {
    for after_ms in [0, 75, 100] {
        let world = World::with(&["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        let album = uploads(&world, &phone, 40);
        world.passes(after_ms);
        phone.steers(album.ids[36], TransferControl::Cancel);
        world.sync_all();
        world.assert_converged();
        let cancelled = phone.transfer(album.ids[36]) == TransferState::Cancelled;
        assert_eq!(laptop.shows(&path(36)), !cancelled, "after {after_ms} ms");
        assert_eq!(laptop.rows(NodeId::ROOT).len(), 40 - usize::from(cancelled));
        assert_eq!(phone.pending(), 0);
    }
}

#[test]
fn a_paused_file_stops_no_other_and_arrives_when_it_goes_on() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let album = uploads(&world, &phone, 60);
    world.passes(10 * READ_MS);
    // One is being read, the other's pack has not begun.
    let paused = [38, 55];
    paused.iter().for_each(|at| phone.steers(album.ids[*at], TransferControl::Pause));
    world.passes(60_000);
    for at in paused {
        assert_eq!(phone.transfer(album.ids[at]), TransferState::Paused, "{at}");
    }
    assert_eq!(laptop.rows(NodeId::ROOT).len(), 58);
    assert_eq!(phone.pending(), 2);
    paused.iter().for_each(|at| phone.steers(album.ids[*at], TransferControl::Resume));
    world.sync_all();
    world.assert_converged();
    for at in paused {
        assert_eq!(phone.transfer(album.ids[at]), TransferState::Done);
        assert_eq!(laptop.reads(&path(at)).unwrap(), photo(at));
    }
}

#[test]
fn a_group_that_is_stored_and_not_sent_survives_a_crash() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    world.goes_offline("phone");
    let album = uploads(&world, &phone, 40);
    world.passes(60_000);
    assert!(album.ids.iter().all(|id| phone.transfer(*id) == TransferState::Here));
    world.restarts("phone");
    world.sync_all();
    world.assert_converged();
    assert!((0..40).all(|number| laptop.reads(&path(number)).unwrap() == photo(number)));
}

#[test]
fn a_crash_at_any_moment_loses_no_file_that_was_shown_as_saved() {
    for after_ms in (0..180).step_by(45) {
        let world = World::with(&["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        uploads(&world, &phone, 40);
        world.passes(after_ms);
        let shown: Vec<String> = phone.walk().into_iter().map(|(path, _)| path).collect();
        world.restarts("phone");
        world.sync_all();
        world.assert_converged();
        assert_eq!(phone.pending(), 0);
        for path in shown {
            let number: usize = path[1..4].parse().unwrap();
            assert_eq!(laptop.reads(&path).unwrap(), photo(number), "after {after_ms} ms");
        }
    }
}

#[test]
fn files_do_not_wait_for_a_line_that_answers_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    for _ in 0..4 {
        phone.line.strike(Call::Put, Mishap::RequestLost);
        phone.line.strike(Call::Have, Mishap::RequestLost);
    }
    let album = uploads(&world, &phone, 100);
    // A lost call is given up after 15 seconds; the files are here long before.
    world.passes(100 * READ_MS + 4_000);
    assert!(album.ids.iter().all(|id| phone.transfer(*id) == TransferState::Here));
    assert_eq!(phone.rows(NodeId::ROOT).len(), 100);
    world.passes(120_000);
    world.sync_all();
    world.assert_converged();
    assert!(album.ids.iter().all(|id| phone.transfer(*id) == TransferState::Done));
}

#[test]
fn more_tiny_files_than_one_entry_takes_become_several() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let names: Vec<String> = (0..2_200).map(|i| format!("tiny/{i}.bin")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), n.as_bytes())).collect();
    let before = world.tip();
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.rows(phone.node("/tiny")).len(), 2_200);
    assert_eq!(world.tip() - before, 1 + 2, "a folder, and two entries of files");
    assert_eq!(phone.line.chunks_sent.get(), 1);
}
