//! The server removes what is dead; and the world remembers it, for backups that had it.

use std::collections::BTreeSet;

use offing_core::id::ChunkId;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::proto::PageItem;
use offing_server::service::Services;
use offing_server::service::collect::FOSSIL_MS;

use crate::backup::{header, read_chunk};
use crate::device::Device;
use crate::host::EPOCH_MS;
use crate::world::World;

impl World {
    /// The server looks for what is dead, and again when that has been so for long enough;
    /// says how many chunks it removed.
    pub fn collects(&self) -> usize {
        let (vault, caller) = (self.vault(), self.caller());
        let mut mortal = self.named_by(EntryKind::Snapshot);
        mortal.extend(self.named_by(EntryKind::Gc));
        let mortal: Vec<ChunkId> = mortal.into_iter().collect();
        for (id, has) in mortal.iter().zip(self.has(&mortal)) {
            if has && !self.remembered.borrow().contains_key(id) {
                let read =
                    async |services: Services| read_chunk(&services, &caller, vault, *id).await;
                let bytes = self.net.ask(read);
                self.remembered.borrow_mut().insert(*id, bytes);
            }
        }
        let now_ms = EPOCH_MS + i64::try_from(self.executor.now_ms()).unwrap();
        self.net.ask(async |services| {
            let at_once = services.collect(now_ms).await.unwrap();
            at_once + services.collect(now_ms + FOSSIL_MS).await.unwrap()
        })
    }

    /// The chunks of contents that are called dead.
    pub fn buried(&self) -> BTreeSet<ChunkId> {
        let about = |header: &Header| header.kind == EntryKind::Gc && header.is_about_contents();
        self.headers().filter(about).flat_map(|header| header.chunks).collect()
    }

    /// The server looks for what a countersigned snapshot has, and again when that has been so
    /// for long enough; says how many bodies it let go of.
    pub fn prunes(&self) -> usize {
        for item in self.reads_what_is_left().0 {
            if let PageItem::Full(wire) = item {
                let entry = Entry::decode(&wire).unwrap();
                self.bodies.borrow_mut().insert(entry.hash(), entry.body);
            }
        }
        let now_ms = EPOCH_MS + i64::try_from(self.executor.now_ms()).unwrap();
        self.net.ask(async |services| {
            let at_once = services.prune(now_ms).await.unwrap();
            at_once + services.prune(now_ms + FOSSIL_MS).await.unwrap()
        })
    }

    /// How many entries of a kind are in the server's log.
    pub fn counts(&self, kind: EntryKind) -> usize {
        self.headers().filter(|header| header.kind == kind).count()
    }

    /// How many entries of a kind are about the shared index.
    pub fn counts_about_index(&self, kind: EntryKind) -> usize {
        self.headers().filter(|header| header.kind == kind && header.is_about_index()).count()
    }

    fn headers(&self) -> impl Iterator<Item = Header> {
        self.reads_what_is_left().0.into_iter().map(|item| match item {
            PageItem::Full(wire) => header(&wire),
            PageItem::Bare { header, .. } => Header::decode(&header).unwrap(),
        })
    }

    /// The chunks that entries of a kind name in the server's log.
    pub fn named_by(&self, kind: EntryKind) -> BTreeSet<ChunkId> {
        let of_kind = self.headers().filter(|header| header.kind == kind);
        of_kind.flat_map(|header| header.chunks).collect()
    }

    /// Says which of some chunks the server has.
    pub fn has(&self, ids: &[ChunkId]) -> Vec<bool> {
        let (vault, caller) = (self.vault(), self.caller());
        let mut has = Vec::new();
        for ids in ids.chunks(offing_core::limits::HAVE_IDS_MAX) {
            let ask =
                async |services: Services| services.have_chunks(&caller, vault, ids.to_vec()).await;
            has.extend(self.net.ask(ask).unwrap());
        }
        has
    }
}

impl Device {
    /// Names what is dead of what was deleted here for good, as it does by itself once a day; says
    /// whether there was anything.
    pub fn buries(&self) -> bool {
        let replica = self.replica();
        self.run(async move { replica.bury().await }).unwrap()
    }
}
