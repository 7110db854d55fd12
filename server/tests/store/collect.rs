//! What a device calls dead: kept as a fossil, then removed, and never what a file needs.

use std::sync::Arc;

use offing_core::id::{ChunkId, Hash, Seq, StreamId};
use offing_core::log::entry::EntryKind;
use offing_core::proto::AppendResult;
use offing_server::config::Settings;
use offing_server::fsck::fsck;
use offing_server::service::collect::FOSSIL_MS;
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceOptions, Services};
use offing_server::store::places::Places;
use offing_server::{AppState, look_after};
use tempfile::TempDir;

use crate::uploads::put;
use crate::world::{NOW_MS, Pen, append, chunk, entry, key, open, with_vault};

/// A vault that its device writes snapshots in.
struct Vault {
    services: Services,
    pen: Pen,
    /// The last place, and the chain there.
    at: (Seq, Hash),
}

impl Vault {
    async fn over(services: Services) -> Self {
        let pen = with_vault(&services, "alice").await;
        let mut vault = Self { services, pen, at: (0, Hash([0; 32])) };
        vault.reads().await;
        vault
    }

    async fn new() -> Self {
        Self::over(Services::in_memory(ServiceOptions::default()).unwrap()).await
    }

    /// The device reads the log to its end, as the server hears with its next question.
    async fn reads(&mut self) {
        self.at = self.is_read_by(self.pen.caller).await;
    }

    async fn is_read_by(&self, caller: Caller) -> (Seq, Hash) {
        let (services, vault) = (&self.services, self.pen.vault);
        let read = |after| services.read_log(&caller, vault, after, None, PageLimits::default());
        let tip = read(0).await.unwrap().tip;
        read(tip.seq).await.unwrap();
        (tip.seq, tip.chain)
    }

    /// Appends an entry that has seen all that was read.
    async fn appends(&mut self, kind: EntryKind, chunks: &[ChunkId]) -> AppendResult {
        self.appends_about(kind, &[], chunks).await
    }

    async fn appends_about(
        &mut self,
        kind: EntryKind,
        streams: &[StreamId],
        chunks: &[ChunkId],
    ) -> AppendResult {
        let (seen_seq, seen_chain) = self.at;
        let mut header = self.pen.header();
        header.streams = streams.to_vec();
        (header.kind, header.chunks) = (kind, chunks.to_vec());
        (header.seen_seq, header.seen_chain) = (seen_seq, seen_chain);
        let entry = entry(header, b"sealed");
        let mut results = append(&self.services, &self.pen, &[entry.encode()]).await.results;
        let result = results.pop().unwrap();
        if matches!(result, AppendResult::Ok { .. }) {
            (self.pen.dseq, self.pen.prev) = (self.pen.dseq + 1, entry.hash());
        }
        result
    }

    async fn is_taken(&mut self, kind: EntryKind, chunks: &[ChunkId]) {
        let result = self.appends(kind, chunks).await;
        assert!(matches!(result, AppendResult::Ok { .. }), "{result:?}");
        self.reads().await;
    }

    /// Uploads a chunk that is told apart by a seed.
    async fn holds(&self, seed: u8) -> ChunkId {
        let chunk = chunk(seed, 1_000);
        put(&self.services, &self.pen.caller, self.pen.vault, &chunk).await.unwrap();
        chunk.0
    }

    /// Writes an entry about the search index.
    async fn is_taken_of_index(&mut self, kind: EntryKind, chunks: &[ChunkId]) {
        let result = self.appends_about(kind, &[StreamId::INDEX], chunks).await;
        assert!(matches!(result, AppendResult::Ok { .. }), "{result:?}");
        self.reads().await;
    }

    /// Shares an index of one piece.
    async fn index(&mut self, seed: u8) -> ChunkId {
        let piece = self.holds(seed).await;
        self.is_taken_of_index(EntryKind::Heartbeat, &[piece]).await;
        piece
    }

    /// Writes a snapshot of one piece.
    async fn snapshot(&mut self, seed: u8) -> ChunkId {
        let piece = self.holds(seed).await;
        self.is_taken(EntryKind::Snapshot, &[piece]).await;
        piece
    }

    /// Three snapshots, of which one may go.
    async fn with_three_snapshots() -> (Self, [ChunkId; 3]) {
        let mut vault = Self::new().await;
        let pieces = [vault.snapshot(1).await, vault.snapshot(2).await, vault.snapshot(3).await];
        (vault, pieces)
    }

    async fn has(&self, ids: &[ChunkId]) -> Vec<bool> {
        self.services.have_chunks(&self.pen.caller, self.pen.vault, ids.to_vec()).await.unwrap()
    }

    /// The server looks for what may go, now and when the time of what it found is over.
    async fn collects(&self) -> usize {
        assert_eq!(self.services.collect(NOW_MS).await.unwrap(), 0, "nothing goes at once");
        assert_eq!(self.services.collect(NOW_MS + FOSSIL_MS - 1).await.unwrap(), 0);
        self.services.collect(NOW_MS + FOSSIL_MS).await.unwrap()
    }

    async fn used_bytes(&self) -> u64 {
        self.services.account(self.pen.caller.account).await.unwrap().unwrap().used_bytes
    }
}

#[tokio::test]
async fn a_dead_piece_goes_after_its_time_and_off_the_bill() {
    let (mut vault, [old, before, newest]) = Vault::with_three_snapshots().await;
    vault.is_taken(EntryKind::Gc, &[old]).await;
    let used = vault.used_bytes().await;
    assert_eq!(vault.collects().await, 1);
    assert_eq!(vault.has(&[old, before, newest]).await, [false, true, true]);
    assert_eq!(vault.used_bytes().await, used - 1_000);
    assert_eq!(vault.services.collect(NOW_MS + 9 * FOSSIL_MS).await.unwrap(), 0);
}

#[tokio::test]
async fn nothing_goes_unless_the_configuration_says_so() {
    for (collect_delete, goes) in [(None, false), (Some(false), false), (Some(true), true)] {
        let (mut vault, [old, ..]) = Vault::with_three_snapshots().await;
        vault.is_taken(EntryKind::Gc, &[old]).await;
        let folder = TempDir::new().unwrap();
        let data = Some(folder.path().to_owned());
        let config = Settings { collect_delete, data, ..Settings::default() }.finish().unwrap();
        for months in 0..3 {
            let clock = move || NOW_MS + months * FOSSIL_MS;
            let services = vault.services.clone();
            let state = AppState::over(config.clone(), services, Arc::new(clock)).unwrap();
            look_after(&state).await;
        }
        assert_eq!(vault.has(&[old]).await, [!goes]);
    }
}

#[tokio::test]
async fn an_entry_that_calls_dead_what_is_gone_is_taken_all_the_same() {
    let (mut vault, [old, ..]) = Vault::with_three_snapshots().await;
    vault.is_taken(EntryKind::Gc, &[old, ChunkId([9; 32])]).await;
    assert_eq!(vault.collects().await, 1);
    vault.is_taken(EntryKind::Gc, &[old]).await;
}

#[tokio::test]
async fn pieces_of_a_replaced_index_go_and_those_of_the_newest_two_do_not() {
    let mut vault = Vault::new().await;
    let snapshots = [vault.snapshot(1).await, vault.snapshot(2).await];
    let indexes = [vault.index(3).await, vault.index(4).await, vault.index(5).await];
    let photo = vault.holds(6).await;
    vault.is_taken(EntryKind::Change, &[photo]).await;
    let all = [&snapshots[..], &indexes[..], &[photo]].concat();
    // Whatever a device calls dead about one or the other.
    vault.is_taken_of_index(EntryKind::Gc, &all).await;
    vault.is_taken(EntryKind::Gc, &all).await;
    assert_eq!(vault.collects().await, 1);
    assert_eq!(vault.has(&all).await, [true, true, false, true, true, true]);
}

#[tokio::test]
async fn a_piece_that_a_newer_index_has_again_lives() {
    let mut vault = Vault::new().await;
    let old = vault.index(1).await;
    vault.index(2).await;
    vault.index(3).await;
    vault.is_taken_of_index(EntryKind::Gc, &[old]).await;
    vault.is_taken_of_index(EntryKind::Heartbeat, &[old]).await;
    assert_eq!(vault.collects().await, 0);
    assert_eq!(vault.has(&[old]).await, [true]);
}

#[tokio::test]
async fn what_a_change_declared_is_never_dead() {
    let mut vault = Vault::new().await;
    let needed = vault.holds(7).await;
    vault.is_taken(EntryKind::Change, &[needed]).await;
    // Whoever is after it names it in snapshots of its own, and calls it dead.
    vault.is_taken(EntryKind::Snapshot, &[needed]).await;
    vault.snapshot(2).await;
    vault.snapshot(3).await;
    vault.is_taken(EntryKind::Gc, &[needed]).await;
    assert_eq!(vault.collects().await, 0);
    assert_eq!(vault.has(&[needed]).await, [true]);
}

#[tokio::test]
async fn a_piece_that_a_change_declares_before_or_after_it_died_lives() {
    let (mut vault, [old, ..]) = Vault::with_three_snapshots().await;
    let early = vault.holds(8).await;
    vault.is_taken(EntryKind::Snapshot, &[early]).await;
    vault.is_taken(EntryKind::Change, &[early]).await;
    vault.snapshot(4).await;
    vault.snapshot(5).await;
    vault.is_taken(EntryKind::Gc, &[old, early]).await;
    vault.services.collect(NOW_MS).await.unwrap();
    // The fossil is declared on the last day.
    vault.is_taken(EntryKind::Change, &[old]).await;
    assert_eq!(vault.services.collect(NOW_MS + FOSSIL_MS).await.unwrap(), 0);
    vault.is_taken(EntryKind::Gc, &[old, early]).await;
    assert_eq!(vault.services.collect(NOW_MS + 3 * FOSSIL_MS).await.unwrap(), 0);
    assert_eq!(vault.has(&[old, early]).await, [true, true]);
}

#[tokio::test]
async fn a_fossil_that_a_snapshot_declares_lives_until_it_dies_again() {
    let (mut vault, [old, ..]) = Vault::with_three_snapshots().await;
    vault.is_taken(EntryKind::Gc, &[old]).await;
    vault.services.collect(NOW_MS).await.unwrap();
    vault.is_taken(EntryKind::Snapshot, &[old]).await;
    assert_eq!(vault.services.collect(NOW_MS + FOSSIL_MS).await.unwrap(), 0);
    vault.snapshot(4).await;
    vault.snapshot(5).await;
    vault.is_taken(EntryKind::Gc, &[old]).await;
    let found = NOW_MS + 2 * FOSSIL_MS;
    assert_eq!(vault.services.collect(found).await.unwrap(), 0, "its time begins again");
    assert_eq!(vault.services.collect(found + FOSSIL_MS).await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_declared_after_the_place_that_was_seen_is_not_dead() {
    let mut vault = Vault::new().await;
    let piece = vault.holds(1).await;
    let saw_nothing_of_it = vault.at;
    vault.is_taken(EntryKind::Snapshot, &[piece]).await;
    vault.snapshot(2).await;
    vault.snapshot(3).await;
    vault.at = saw_nothing_of_it;
    let result = vault.appends(EntryKind::Gc, &[piece]).await;
    assert!(matches!(result, AppendResult::Ok { .. }), "{result:?}");
    vault.reads().await;
    assert_eq!(vault.collects().await, 0);
}

#[tokio::test]
async fn the_last_two_snapshots_keep_their_pieces_whoever_calls_them_dead() {
    let (mut vault, [old, before, newest]) = Vault::with_three_snapshots().await;
    vault.is_taken(EntryKind::Gc, &[old, before, newest]).await;
    assert_eq!(vault.collects().await, 1);
    assert_eq!(vault.has(&[old, before, newest]).await, [false, true, true]);
}

#[tokio::test]
async fn a_device_that_has_not_read_of_a_death_keeps_the_piece() {
    let (mut vault, [old, ..]) = Vault::with_three_snapshots().await;
    let public = key("bob").public;
    let phone = Caller { device: public.device_id(), ..vault.pen.caller };
    let start =
        vault.services.start_session(phone.account, phone.device, public.0.to_vec(), NOW_MS);
    let (session, _) = start.await.unwrap();
    vault.is_read_by(phone).await;
    vault.is_taken(EntryKind::Gc, &[old]).await;
    assert_eq!(vault.collects().await, 0);
    vault.is_read_by(phone).await;
    assert_eq!(vault.services.collect(NOW_MS + FOSSIL_MS).await.unwrap(), 1);
    // Nor does one wait for a device whose session ended.
    let next = vault.snapshot(4).await;
    vault.snapshot(5).await;
    vault.snapshot(6).await;
    vault.is_taken(EntryKind::Gc, &[next]).await;
    vault.services.collect(NOW_MS + 2 * FOSSIL_MS).await.unwrap();
    assert_eq!(vault.services.collect(NOW_MS + 3 * FOSSIL_MS).await.unwrap(), 0);
    vault.services.end_session(session.id, NOW_MS).await.unwrap();
    assert_eq!(vault.services.collect(NOW_MS + 3 * FOSSIL_MS).await.unwrap(), 1);
}

#[tokio::test]
async fn a_restored_server_removes_nothing_until_it_went_on_and_counts_anew() {
    let folder = TempDir::new().unwrap();
    let mut vault = Vault::over(open(folder.path())).await;
    let old = vault.snapshot(1).await;
    vault.snapshot(2).await;
    vault.snapshot(3).await;
    vault.is_taken(EntryKind::Gc, &[old]).await;
    vault.services.collect(NOW_MS).await.unwrap();
    vault.services.begin_life().await.unwrap();
    assert_eq!(vault.services.collect(NOW_MS + FOSSIL_MS).await.unwrap(), 0);
    assert_eq!(vault.services.collect(NOW_MS + 9 * FOSSIL_MS).await.unwrap(), 0);
    assert_eq!(vault.has(&[old]).await, [true]);
}

#[tokio::test]
async fn what_is_dead_outlives_a_restart_and_may_come_again() {
    let folder = TempDir::new().unwrap();
    let mut vault = Vault::over(open(folder.path())).await;
    let old = vault.snapshot(1).await;
    let kept = [vault.snapshot(2).await, vault.snapshot(3).await];
    vault.is_taken(EntryKind::Gc, &[old]).await;
    vault.services.collect(NOW_MS).await.unwrap();
    let Vault { services, pen, at } = vault;
    drop(services);
    let vault = Vault { services: open(folder.path()), pen, at };
    assert_eq!(vault.services.collect(NOW_MS + FOSSIL_MS).await.unwrap(), 1);
    assert_eq!(vault.has(&kept).await, [true, true]);
    vault.holds(1).await;
    assert_eq!(vault.has(&[old]).await, [true]);
}

#[tokio::test]
async fn content_that_was_damaged_and_came_again_is_still_content() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::over(open(folder.path())).await;
    let content = vault.holds(1).await;
    vault.is_taken(EntryKind::Change, &[content]).await;
    let segment = folder.path().join("chunks/000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let places = Places::from(folder.path());
    let repair = move || fsck(&places, true, &mut |_| {}).unwrap();
    assert_eq!(tokio::task::spawn_blocking(repair).await.unwrap().forgotten, 1);
    vault.holds(1).await;
    vault.is_taken(EntryKind::Snapshot, &[content]).await;
    for seed in 2..5 {
        vault.snapshot(seed).await;
    }
    vault.is_taken(EntryKind::Gc, &[content]).await;
    assert_eq!(vault.collects().await, 0);
    assert_eq!(vault.has(&[content]).await, [true]);
}
