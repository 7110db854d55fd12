//! The server's data, kept apart and brought back later.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{ChunkId, Incarnation, Seq, VaultId};
use offing_core::log::entry::{Entry, EntryKind, Header, entry_hash};
use offing_core::proto::{PageItem, Tip, encode_append};
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, Services};

use crate::host::EPOCH_MS;
use crate::net::frame;
use crate::world::{World, options};

/// All that a server holds, at one moment.
pub struct Backup {
    /// The life of the server's data.
    pub incarnation: Incarnation,
    /// The log.
    pub entries: Vec<Vec<u8>>,
    /// The chunks that it names.
    pub chunks: BTreeMap<ChunkId, Vec<u8>>,
    /// Those of them that were removed.
    pub removed: BTreeSet<ChunkId>,
    /// The places of the log whose bodies are gone.
    pub gone: Vec<Seq>,
}

impl World {
    /// The server's log, and what it says of its end. Bodies that the server has let go of are
    /// remembered.
    pub fn reads_the_log(&self) -> (Vec<Vec<u8>>, Tip) {
        let (entries, tip) = self.reads_what_is_left();
        let remembered = self.bodies.borrow();
        let whole = |item| match item {
            PageItem::Full(wire) => wire,
            PageItem::Bare { header, signature, body_hash } => {
                let body = remembered[&entry_hash(&header, &body_hash)].clone();
                Entry { header, signature, body }.encode()
            }
        };
        (entries.into_iter().map(whole).collect(), tip)
    }

    /// The server's log as it is.
    pub fn reads_what_is_left(&self) -> (Vec<PageItem>, Tip) {
        let (vault, caller) = (self.vault.get().unwrap(), self.caller());
        let mut entries = Vec::new();
        loop {
            let after = entries.len() as Seq;
            let read = async |services: Services| {
                services.read_log(&caller, vault, after, None, PageLimits::default()).await
            };
            let page = self.net.ask(read).unwrap();
            entries.extend(page.items);
            if entries.len() as Seq >= page.tip.seq {
                return (entries, page.tip);
            }
        }
    }

    /// Copies what the server holds.
    pub fn backs_up(&self) -> Backup {
        let (vault, caller) = (self.vault.get().unwrap(), self.caller());
        let (entries, tip) = self.reads_the_log();
        let left = (1..).zip(self.reads_what_is_left().0);
        let gone = left.filter(|(_, item)| matches!(item, PageItem::Bare { .. }));
        let gone = gone.map(|(seq, _)| seq).collect();
        let mut chunks = BTreeMap::new();
        let mut removed = BTreeSet::new();
        let named = entries.iter().map(|wire| header(wire));
        let named = named.filter(|header| header.kind != EntryKind::Gc);
        let named: BTreeSet<ChunkId> = named.flat_map(|header| header.chunks).collect();
        let named: Vec<ChunkId> = named.into_iter().collect();
        for (id, has) in named.iter().zip(self.has(&named)) {
            let read = async |services: Services| read_chunk(&services, &caller, vault, *id).await;
            let bytes = match self.remembered.borrow().get(id) {
                Some(bytes) if !has => {
                    removed.insert(*id);
                    bytes.clone()
                }
                _ => self.net.ask(read),
            };
            chunks.insert(*id, bytes);
        }
        Backup { incarnation: tip.incarnation, entries, chunks, removed, gone }
    }

    /// Puts a server in the place of this one that holds what a backup does. It says that it
    /// is the server it was when the backup was made.
    pub fn restores(&self, backup: &Backup) {
        let restored = Services::in_memory_again(backup.incarnation, options()).unwrap();
        self.net.replace(restored);
        self.net.ask(async |services| self.signs_up(&services).await);
        self.net.ask(async |services| self.signs_in(&services).await);
        let vault = self.vault.get().unwrap();
        for wire in &backup.entries {
            let header = header(wire);
            let caller = Caller { account: self.person.account, device: header.device };
            let chunks = header.chunks.iter().filter_map(|id| backup.chunks.get_key_value(id));
            self.net.ask(async |services| {
                if header.vault.is_none() {
                    services.create_vault(&caller, wire, EPOCH_MS).await.unwrap();
                    return;
                }
                for (id, bytes) in chunks.clone() {
                    let mut upload = services.begin_batch(&caller, vault).await.unwrap();
                    upload.push(&frame(*id, bytes)).await.unwrap();
                    upload.finish().await.unwrap();
                }
                let body = encode_append(std::slice::from_ref(wire));
                services.append(&caller, vault, &body).await.unwrap();
            });
        }
        // What was removed is not there again where the log says why.
        let mut removed: Vec<ChunkId> = self.named_by(EntryKind::Gc).into_iter().collect();
        removed.retain(|id| backup.removed.contains(id));
        self.net.ask(async |services| services.remove_chunks(vault, removed).await).unwrap();
        let (gone, entries) = (&backup.gone, backup.entries.len() as Seq);
        let gone: Vec<Seq> = gone.iter().copied().filter(|seq| *seq <= entries).collect();
        self.net.ask(async |services| services.lacks_bodies(vault, gone).await).unwrap();
    }

    /// Whoever restored the server says so: `offing-server restored`.
    pub fn tells_the_server(&self) {
        self.net.ask(async |services| services.begin_life().await).unwrap();
    }

    /// The server is restored from a backup that ends at a place: its later data is gone.
    pub fn restores_the_server_to(&self, last: Seq) {
        let mut backup = self.backs_up();
        backup.entries.truncate(usize::try_from(last).unwrap());
        self.restores(&backup);
    }
}

pub(crate) fn header(wire: &[u8]) -> Header {
    Header::decode(&Entry::decode(wire).unwrap().header).unwrap()
}

pub(crate) async fn read_chunk(
    services: &Services,
    caller: &Caller,
    vault: VaultId,
    id: ChunkId,
) -> Vec<u8> {
    let handle = services.chunk(caller, vault, id).await.unwrap();
    let len = handle.len_bytes();
    let mut body = handle.body(0..len).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next_piece().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}
