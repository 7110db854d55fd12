//! What the status claims. That *on the server* is never claimed while something waits is
//! checked at every event of every scenario (`offing_tests::page`).

use offing_core::id::NodeId;
use offing_core::rpc::{Clash, Reply, SyncState, TransferControl, TransferId, UploadItem};
use offing_tests::World;
use offing_tests::device::Device;
use offing_tests::net::{Call, Mishap};
use offing_worker::host::Source;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A file on a disk that does not answer.
struct StuckFile;

impl Source for StuckFile {
    async fn read(&self, _: u64, _: u64) -> Option<Vec<u8>> {
        std::future::pending().await
    }
}

fn uploads_stuck(device: &Device, size: u64) -> TransferId {
    let path = vec![format!("{size}.bin")];
    let item = UploadItem { path, size, modified_ms: 0 };
    let replica = device.replica();
    let reply = device.run(async move {
        replica.upload(NodeId::ROOT, vec![item], vec![StuckFile], Clash::Ask).await
    });
    let Ok(Reply::Uploading(ids)) = reply else { panic!("{reply:?}") };
    ids[0]
}

#[test]
fn the_status_tells_each_step_of_an_edit() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    assert_eq!(phone.status().state, SyncState::OnServer);
    phone.opens_text("/notes.md");
    phone.types(node, |_| "typed".to_owned());
    assert_eq!(phone.status().state, SyncState::Saving);
    world.passes(1_001);
    assert_eq!(phone.status().state, SyncState::Syncing);
    world.passes(1_000);
    assert_eq!(phone.status().state, SyncState::OnServer);
}

#[test]
fn an_edit_whose_acknowledgement_is_lost_is_not_claimed_to_be_saved() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.line.strike(Call::Append, Mishap::RequestLost);
    phone.creates_text("/notes.md", "");
    world.passes(10_000);
    assert_ne!(phone.status().state, SyncState::OnServer);
    assert!(phone.status().pending > 0);
    world.sync_all();
}

#[test]
fn offline_counts_what_waits_and_online_counts_down_to_none() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    world.goes_offline("phone");
    for i in 0..5 {
        phone.creates_folder(&format!("/{i}"));
    }
    world.passes(5_000);
    assert_eq!((phone.status().state, phone.status().pending), (SyncState::Offline, 5));
    let replica = phone.replica();
    let queue = phone.run(async move { replica.queue().await }).unwrap();
    assert_eq!(queue.len(), 5);
    world.goes_online("phone");
    world.passes(2_000);
    assert_eq!((phone.status().state, phone.status().pending), (SyncState::OnServer, 0));
}

#[test]
fn a_device_without_network_comes_back_by_itself() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    world.goes_offline("phone");
    phone.creates_folder("/a");
    world.passes(600_000);
    assert_eq!(phone.status().state, SyncState::Offline);
    let tries = phone.line.calls.borrow().values().sum::<u32>();
    assert!(tries < 60, "{tries} calls in ten minutes without a network");
    phone.line.offline.set(false);
    world.passes(400_000);
    assert_eq!(phone.status().state, SyncState::OnServer);
}

#[test]
fn a_paused_upload_that_was_not_read_is_not_called_saved() {
    for size in [50_000, 5_000_000] {
        let world = World::with(&["phone"]);
        let phone = world.device("phone");
        let id = uploads_stuck(&phone, size);
        world.passes(1_000);
        assert_eq!(phone.status().state, SyncState::Syncing);
        phone.steers(id, TransferControl::Pause);
        phone.creates_folder("/meanwhile");
        world.passes(120_000);
        assert_eq!((phone.status().state, phone.status().pending), (SyncState::Saving, 1));
        phone.steers(id, TransferControl::Cancel);
        world.passes(1_000);
        assert_eq!(phone.status().state, SyncState::OnServer);
    }
}

#[test]
fn no_tab_says_on_server_while_another_reads_files() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let (second, third) = (phone.opens_another_tab(), phone.opens_another_tab());
    world.sync_all();
    world.passes(1_000);
    assert_eq!(second.status().state, SyncState::OnServer);
    let id = uploads_stuck(&phone, 50_000);
    let fourth = phone.opens_another_tab();
    world.passes(120_000);
    for tab in [&second, &third, &fourth] {
        assert_eq!(tab.status().state, SyncState::Saving);
    }
    phone.steers(id, TransferControl::Cancel);
    world.passes(1_000);
    for tab in [&second, &third, &fourth] {
        assert_eq!(tab.status().state, SyncState::OnServer);
    }
    uploads_stuck(&phone, 50_000);
    world.passes(1_000);
    assert_eq!(third.status().state, SyncState::Saving);
    phone.crashes();
    world.passes(120_000);
    assert_eq!(third.status().state, SyncState::OnServer, "nobody reads any more");
}

#[test]
fn a_file_that_another_tab_has_just_read_is_not_called_on_the_server() {
    for seed in 0..30 {
        let world = World::with(&["phone", "laptop"]);
        let phone = world.device("phone");
        let tab = phone.opens_another_tab();
        world.sync_all();
        let rng = StdRng::seed_from_u64(seed);
        phone.profile.temper.begins(world.executor.clone(), rng, 20);
        // Each page holds what it is told to what is in the outbox.
        tab.uploads("/", &[("a.bin", &crate::noise(seed, 3_000))], Clash::Ask);
        world.passes(3_000);
        assert_eq!(phone.status().state, SyncState::OnServer);
    }
}
