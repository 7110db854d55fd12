//! Bodies below a snapshot that a second device has countersigned: when they go, and what stays.

use offing_core::id::{ChunkId, Hash, Seq};
use offing_core::log::entry::EntryKind;
use offing_core::proto::{AppendResult, PageItem};
use offing_server::service::collect::FOSSIL_MS;
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceOptions, Services};
use tempfile::TempDir;

use crate::uploads::put;
use crate::world::{NOW_MS, Pen, append, chunk, entry, key, open, with_vault};

/// A vault in which a phone and a laptop write.
struct Vault {
    services: Services,
    phone: Pen,
    laptop: Pen,
    /// The last place, and the chain there.
    at: (Seq, Hash),
}

impl Vault {
    async fn over(services: Services) -> Self {
        let phone = with_vault(&services, "alice").await;
        let public = key("bob").public;
        let caller = Caller { device: public.device_id(), ..phone.caller };
        let start =
            services.start_session(caller.account, caller.device, public.0.to_vec(), NOW_MS);
        start.await.unwrap();
        let laptop = Pen { caller, vault: phone.vault, dseq: 0, prev: Hash([0; 32]) };
        let mut vault = Self { services, phone, laptop, at: (0, Hash([0; 32])) };
        vault.are_read().await;
        vault
    }

    async fn new() -> Self {
        Self::over(Services::in_memory(ServiceOptions::default()).unwrap()).await
    }

    /// Both read the log to its end.
    async fn are_read(&mut self) {
        self.is_read_by(self.laptop.caller).await;
        self.at = self.is_read_by(self.phone.caller).await;
    }

    async fn is_read_by(&self, caller: Caller) -> (Seq, Hash) {
        let (services, vault) = (&self.services, self.phone.vault);
        let read = |after| services.read_log(&caller, vault, after, None, PageLimits::default());
        let tip = read(0).await.unwrap().tip;
        read(tip.seq).await.unwrap();
        (tip.seq, tip.chain)
    }

    async fn writes(&mut self, by: By, kind: EntryKind, chunks: &[ChunkId]) {
        let (seen_seq, seen_chain) = self.at;
        let pen = match by {
            By::Phone => &mut self.phone,
            By::Laptop => &mut self.laptop,
        };
        let mut header = pen.header();
        (header.kind, header.chunks) = (kind, chunks.to_vec());
        (header.seen_seq, header.seen_chain) = (seen_seq, seen_chain);
        let entry = entry(header, b"a sealed body");
        let results = append(&self.services, pen, &[entry.encode()]).await.results;
        assert!(matches!(results[..], [AppendResult::Ok { .. }]), "{results:?}");
        (pen.dseq, pen.prev) = (pen.dseq + 1, entry.hash());
    }

    /// Both change something, and the phone writes a snapshot of all of that.
    async fn with_snapshot(&mut self) -> ChunkId {
        self.writes(By::Laptop, EntryKind::Change, &[]).await;
        self.writes(By::Phone, EntryKind::Change, &[]).await;
        self.are_read().await;
        let piece = chunk(u8::try_from(self.at.0).unwrap(), 1_000);
        put(&self.services, &self.phone.caller, self.phone.vault, &piece).await.unwrap();
        self.writes(By::Phone, EntryKind::Snapshot, &[piece.0]).await;
        self.are_read().await;
        piece.0
    }

    /// The laptop countersigns the snapshot, and both have read of that.
    async fn countersigned() -> (Self, ChunkId) {
        let mut vault = Self::new().await;
        let piece = vault.with_snapshot().await;
        vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece]).await;
        vault.are_read().await;
        (vault, piece)
    }

    /// The places of the log whose bodies are gone.
    async fn gone(&self) -> Vec<Seq> {
        let (caller, vault) = (&self.phone.caller, self.phone.vault);
        let page = self.services.read_log(caller, vault, 0, None, PageLimits::default());
        let items = page.await.unwrap().items;
        let bare = (1..).zip(&items).filter(|(_, item)| matches!(item, PageItem::Bare { .. }));
        bare.map(|(seq, _)| seq).collect()
    }

    /// The server looks, now and when the time of what it found is over.
    async fn prunes(&self) -> usize {
        assert_eq!(self.services.prune(NOW_MS).await.unwrap(), 0, "nothing goes at once");
        assert_eq!(self.services.prune(NOW_MS + FOSSIL_MS - 1).await.unwrap(), 0);
        self.services.prune(NOW_MS + FOSSIL_MS).await.unwrap()
    }

    async fn used_bytes(&self) -> u64 {
        self.services.account(self.phone.caller.account).await.unwrap().unwrap().used_bytes
    }
}

#[derive(Clone, Copy)]
enum By {
    Phone,
    Laptop,
}

#[tokio::test]
async fn bodies_of_changes_below_it_go_after_its_time_and_off_the_bill() {
    let (mut vault, _) = Vault::countersigned().await;
    vault.writes(By::Phone, EntryKind::Change, &[]).await;
    vault.are_read().await;
    let used = vault.used_bytes().await;
    assert_eq!(vault.prunes().await, 2);
    assert_eq!(vault.gone().await, [2, 3], "genesis, snapshot and what came after stay");
    assert_eq!(vault.used_bytes().await, used - 2 * b"a sealed body".len() as u64);
    assert_eq!(vault.services.prune(NOW_MS + 9 * FOSSIL_MS).await.unwrap(), 0);
}

#[tokio::test]
async fn its_writer_s_own_word_is_no_countersignature() {
    let mut vault = Vault::new().await;
    let piece = vault.with_snapshot().await;
    vault.writes(By::Phone, EntryKind::Heartbeat, &[piece]).await;
    vault.are_read().await;
    assert_eq!((vault.prunes().await, vault.gone().await), (0, vec![]));
}

#[tokio::test]
async fn a_heartbeat_that_names_less_or_what_is_gone_is_no_countersignature() {
    let mut vault = Vault::new().await;
    let piece = vault.with_snapshot().await;
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[]).await;
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece, ChunkId([9; 32])]).await;
    vault.services.remove_chunks(vault.phone.vault, vec![piece]).await.unwrap();
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece]).await;
    vault.are_read().await;
    assert_eq!((vault.prunes().await, vault.gone().await), (0, vec![]));
}

#[tokio::test]
async fn a_device_that_is_alone_countersigns_itself() {
    let mut vault = Vault::new().await;
    vault.writes(By::Phone, EntryKind::Change, &[]).await;
    vault.are_read().await;
    let piece = chunk(1, 1_000);
    put(&vault.services, &vault.phone.caller, vault.phone.vault, &piece).await.unwrap();
    vault.writes(By::Phone, EntryKind::Snapshot, &[piece.0]).await;
    vault.writes(By::Phone, EntryKind::Heartbeat, &[piece.0]).await;
    vault.are_read().await;
    assert_eq!(vault.prunes().await, 1);
}

#[tokio::test]
async fn one_that_has_not_read_past_it_keeps_all_while_it_has_a_session() {
    let mut vault = Vault::new().await;
    let piece = vault.with_snapshot().await;
    vault.writes(By::Phone, EntryKind::Change, &[]).await;
    let tablet = key("carol").public;
    let (account, device) = (vault.phone.caller.account, tablet.device_id());
    let start = vault.services.start_session(account, device, tablet.0.to_vec(), NOW_MS);
    let (session, _) = start.await.unwrap();
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece]).await;
    vault.are_read().await;
    assert_eq!(vault.prunes().await, 0);
    vault.services.end_session(session.id, NOW_MS).await.unwrap();
    assert_eq!(vault.services.prune(NOW_MS + FOSSIL_MS).await.unwrap(), 2);
}

#[tokio::test]
async fn the_snapshot_that_has_what_is_gone_keeps_its_pieces() {
    let (mut vault, base) = Vault::countersigned().await;
    assert_eq!(vault.prunes().await, 2);
    let mut later = Vec::new();
    for _ in 0..3 {
        later.push(vault.with_snapshot().await);
    }
    vault.writes(By::Phone, EntryKind::Gc, &[base, later[0]]).await;
    vault.are_read().await;
    let now_ms = NOW_MS + 2 * FOSSIL_MS;
    assert_eq!(vault.services.collect(now_ms).await.unwrap(), 0);
    assert_eq!(vault.services.collect(now_ms + FOSSIL_MS).await.unwrap(), 1, "not the base");
    // Once another one has all of it, its pieces go like any others.
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[later[2]]).await;
    vault.are_read().await;
    assert_eq!(vault.services.prune(now_ms).await.unwrap(), 0);
    assert_eq!(vault.services.prune(now_ms + FOSSIL_MS).await.unwrap(), 6);
    assert_eq!(vault.services.collect(now_ms + FOSSIL_MS).await.unwrap(), 1);
}

#[tokio::test]
async fn a_restored_server_keeps_all_until_it_went_on_and_what_is_gone_outlives_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut vault = Vault::over(open(folder.path())).await;
    let piece = vault.with_snapshot().await;
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece]).await;
    vault.are_read().await;
    assert_eq!(vault.prunes().await, 2);
    let Vault { services, phone, laptop, at } = vault;
    drop(services);
    let mut vault = Vault { services: open(folder.path()), phone, laptop, at };
    assert_eq!(vault.gone().await, [2, 3]);
    let piece = vault.with_snapshot().await;
    vault.writes(By::Laptop, EntryKind::Heartbeat, &[piece]).await;
    vault.are_read().await;
    vault.services.prune(NOW_MS).await.unwrap();
    vault.services.begin_life().await.unwrap();
    assert_eq!(vault.services.prune(NOW_MS + 9 * FOSSIL_MS).await.unwrap(), 0);
    assert_eq!(vault.gone().await, [2, 3]);
}
