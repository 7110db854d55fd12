//! Contents that a device calls dead: who has to answer for them before they go, and which never do.

use offing_core::id::{ChunkId, Hash, Seq, StreamId};
use offing_core::log::entry::EntryKind;
use offing_core::proto::AppendResult;
use offing_server::service::collect::FOSSIL_MS;
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceOptions, Services};
use tempfile::TempDir;

use crate::uploads::put;
use crate::world::{NOW_MS, Pen, append, chunk, entry, key, with_vault};

fn options() -> ServiceOptions {
    ServiceOptions { collect_delete: true, ..ServiceOptions::default() }
}

/// A vault that a phone has founded and in which others write.
struct Vault {
    services: Services,
    phone: Pen,
    /// A place, and the chain there.
    at: (Seq, Hash),
}

impl Vault {
    async fn over(services: Services) -> Self {
        let phone = with_vault(&services, "alice").await;
        let mut vault = Self { services, phone, at: (0, Hash([0; 32])) };
        vault.is_read().await;
        vault
    }

    /// One on a disk, whose only film is dead and counted so since day 0.
    async fn with_dead_film_in(folder: &TempDir) -> (Self, ChunkId) {
        let services = Services::open(folder.path(), options()).unwrap().0;
        let mut vault = Self::over(services).await;
        let film = vault.declares(1).await;
        vault.buries(&[film]).await;
        vault.phone_answers().await;
        vault.collects_at(0).await;
        (vault, film)
    }

    /// A vault with a film that the phone has put there.
    async fn with_film() -> (Self, ChunkId) {
        let mut vault = Self::over(Services::in_memory(options()).unwrap()).await;
        let film = vault.declares(1).await;
        (vault, film)
    }

    /// Whoever writes next has read the log to its end.
    async fn is_read(&mut self) {
        let (caller, vault) = (&self.phone.caller, self.phone.vault);
        let page = self.services.read_log(caller, vault, 0, None, PageLimits::default());
        let tip = page.await.unwrap().tip;
        self.at = (tip.seq, tip.chain);
    }

    /// Another device has a session.
    async fn signs_in(&self, name: &str) -> Pen {
        let public = key(name).public;
        let caller = Caller { device: public.device_id(), ..self.phone.caller };
        let start =
            self.services.start_session(caller.account, caller.device, public.0.to_vec(), NOW_MS);
        start.await.unwrap();
        Pen { caller, vault: self.phone.vault, dseq: 0, prev: Hash([0; 32]) }
    }

    /// Another device introduces itself, having read the log to `self.at`.
    async fn joins(&mut self, name: &str) -> Pen {
        let mut pen = self.signs_in(name).await;
        self.writes(&mut pen, EntryKind::Device, false, &[]).await;
        pen
    }

    async fn writes(&self, pen: &mut Pen, kind: EntryKind, contents: bool, chunks: &[ChunkId]) {
        let mut header = pen.header();
        (header.kind, header.chunks) = (kind, chunks.to_vec());
        (header.seen_seq, header.seen_chain) = self.at;
        header.streams = if contents { vec![StreamId::CONTENTS] } else { Vec::new() };
        let entry = entry(header, b"sealed");
        let results = append(&self.services, pen, &[entry.encode()]).await.results;
        assert!(matches!(results[..], [AppendResult::Ok { .. }]), "{results:?}");
        (pen.dseq, pen.prev) = (pen.dseq + 1, entry.hash());
    }

    /// The phone writes, having read all.
    async fn phone_writes(&mut self, kind: EntryKind, contents: bool, chunks: &[ChunkId]) {
        self.is_read().await;
        let mut phone = self.phone.clone();
        self.writes(&mut phone, kind, contents, chunks).await;
        self.phone = phone;
        self.is_read().await;
    }

    async fn holds(&self, seed: u8) -> ChunkId {
        let chunk = chunk(seed, 1_000);
        put(&self.services, &self.phone.caller, self.phone.vault, &chunk).await.unwrap();
        chunk.0
    }

    /// The phone puts a content there.
    async fn declares(&mut self, seed: u8) -> ChunkId {
        let id = self.holds(seed).await;
        self.phone_writes(EntryKind::Change, false, &[id]).await;
        id
    }

    /// The phone calls contents dead.
    async fn buries(&mut self, dead: &[ChunkId]) {
        self.phone_writes(EntryKind::Gc, true, dead).await;
    }

    /// A device answers, and declares again what it needs.
    async fn answers(&mut self, pen: &mut Pen, needed: &[ChunkId]) {
        self.is_read().await;
        self.writes(pen, EntryKind::Heartbeat, true, needed).await;
        self.is_read().await;
    }

    async fn phone_answers(&mut self) {
        self.phone_writes(EntryKind::Heartbeat, true, &[]).await;
    }

    async fn has(&self, id: ChunkId) -> bool {
        let has = self.services.have_chunks(&self.phone.caller, self.phone.vault, vec![id]);
        has.await.unwrap()[0]
    }

    async fn collects_at(&self, month: i64) -> usize {
        self.services.collect(NOW_MS + month * FOSSIL_MS).await.unwrap()
    }

    async fn used_bytes(&self) -> u64 {
        self.services.account(self.phone.caller.account).await.unwrap().unwrap().used_bytes
    }
}

#[tokio::test]
async fn it_goes_thirty_days_after_everybody_has_answered_and_off_the_bill() {
    let (mut vault, film) = Vault::with_film().await;
    let mut laptop = vault.joins("bob").await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    assert_eq!(
        (vault.collects_at(0).await, vault.collects_at(9).await),
        (0, 0),
        "the laptop is away"
    );
    vault.answers(&mut laptop, &[]).await;
    let used = vault.used_bytes().await;
    assert_eq!(vault.collects_at(10).await, 0, "its time begins");
    assert_eq!(vault.services.collect(NOW_MS + 11 * FOSSIL_MS - 1).await.unwrap(), 0);
    assert_eq!(vault.collects_at(11).await, 1);
    assert!(!vault.has(film).await);
    assert_eq!(vault.used_bytes().await, used - 1_000);
    vault.holds(1).await;
    assert!(vault.has(film).await, "it may come again");
    assert_eq!(vault.collects_at(30).await, 0);
}

#[tokio::test]
async fn nothing_is_buried_where_the_configuration_does_not_let_it() {
    let mut vault = Vault::over(Services::in_memory(ServiceOptions::default()).unwrap()).await;
    let film = vault.declares(1).await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
    assert!(vault.has(film).await);
}

#[tokio::test]
async fn an_entry_that_does_not_say_so_is_about_no_content() {
    let (mut vault, film) = Vault::with_film().await;
    vault.phone_writes(EntryKind::Gc, false, &[film]).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
}

#[tokio::test]
async fn what_an_answer_declares_again_lives() {
    let (mut vault, film) = Vault::with_film().await;
    let mut laptop = vault.joins("bob").await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    vault.answers(&mut laptop, &[film]).await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
    assert!(vault.has(film).await);
}

#[tokio::test]
async fn what_is_declared_on_the_last_day_lives() {
    let (mut vault, film) = Vault::with_film().await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    vault.collects_at(0).await;
    vault.phone_writes(EntryKind::Change, false, &[film]).await;
    assert_eq!(vault.collects_at(1).await, 0);
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    assert_eq!(
        (vault.collects_at(2).await, vault.collects_at(3).await),
        (0, 1),
        "its time begins again"
    );
}

#[tokio::test]
async fn an_ordinary_entry_and_a_countersignature_answer_nothing() {
    let (mut vault, film) = Vault::with_film().await;
    let mut laptop = vault.joins("bob").await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    vault.writes(&mut laptop, EntryKind::Change, false, &[]).await;
    vault.writes(&mut laptop, EntryKind::Heartbeat, false, &[]).await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
}

#[tokio::test]
async fn an_answer_to_what_came_before_is_none() {
    let (mut vault, film) = Vault::with_film().await;
    let other = vault.declares(2).await;
    let mut laptop = vault.joins("bob").await;
    vault.buries(&[other]).await;
    vault.answers(&mut laptop, &[]).await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 1));
    assert_eq!((vault.has(other).await, vault.has(film).await), (false, true));
}

#[tokio::test]
async fn a_device_that_is_new_has_read_of_it_and_is_not_waited_for() {
    let (mut vault, film) = Vault::with_film().await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    // It has read of it before it wrote anything.
    vault.joins("bob").await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 1));
}

#[tokio::test]
async fn who_has_a_session_or_writes_late_is_waited_for() {
    let (mut vault, film) = Vault::with_film().await;
    let before = vault.at;
    let mut laptop = vault.signs_in("bob").await;
    vault.buries(&[film]).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
    vault.services.sweep_sessions(i64::MAX).await.unwrap();
    assert_eq!(vault.collects_at(2).await, 0, "its time begins, as nobody is left to wait for");
    // Now it comes, with what it made before it had read of that.
    let now = std::mem::replace(&mut vault.at, before);
    vault.writes(&mut laptop, EntryKind::Device, false, &[]).await;
    vault.at = now;
    assert_eq!(vault.collects_at(3).await, 0);
    vault.answers(&mut laptop, &[film]).await;
    assert_eq!(vault.collects_at(9).await, 0);
    assert!(vault.has(film).await);
}

#[tokio::test]
async fn what_was_declared_after_the_place_that_was_seen_is_not_dead() {
    let (mut vault, film) = Vault::with_film().await;
    let before = vault.at;
    vault.phone_writes(EntryKind::Change, false, &[film]).await;
    vault.at = before;
    let mut phone = vault.phone.clone();
    vault.writes(&mut phone, EntryKind::Gc, true, &[film]).await;
    vault.phone = phone;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
}

#[tokio::test]
async fn the_pieces_of_the_last_snapshots_are_no_content_whatever_declares_them() {
    let (mut vault, _) = Vault::with_film().await;
    let mut pieces = Vec::new();
    for seed in 2..5 {
        let piece = vault.holds(seed).await;
        vault.phone_writes(EntryKind::Snapshot, false, &[piece]).await;
        pieces.push(piece);
    }
    // A change of a device that is after them declares them, so they die as contents.
    vault.phone_writes(EntryKind::Change, false, &pieces).await;
    vault.buries(&pieces).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 1));
    assert!(!vault.has(pieces[0]).await);
    assert!(vault.has(pieces[1]).await && vault.has(pieces[2]).await);
}

#[tokio::test]
async fn what_nothing_has_declared_is_no_content() {
    let (mut vault, _) = Vault::with_film().await;
    let coming = vault.holds(9).await;
    vault.buries(&[coming]).await;
    vault.phone_answers().await;
    assert_eq!((vault.collects_at(0).await, vault.collects_at(1).await), (0, 0));
    assert!(vault.has(coming).await, "an upload is on its way");
}

#[tokio::test]
async fn a_restored_server_removes_nothing_until_it_went_on() {
    let folder = TempDir::new().unwrap();
    let (vault, film) = Vault::with_dead_film_in(&folder).await;
    vault.services.begin_life().await.unwrap();
    assert_eq!((vault.collects_at(1).await, vault.collects_at(9).await), (0, 0));
    assert!(vault.has(film).await);
}

#[tokio::test]
async fn what_is_dead_and_who_answered_outlive_a_restart() {
    let folder = TempDir::new().unwrap();
    let (vault, film) = Vault::with_dead_film_in(&folder).await;
    let Vault { services, phone, at } = vault;
    drop(services);
    let services = Services::open(folder.path(), options()).unwrap().0;
    let vault = Vault { services, phone, at };
    assert_eq!(vault.collects_at(1).await, 1);
    assert!(!vault.has(film).await);
}
