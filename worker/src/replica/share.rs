//! The search index, shared with the person's other devices, and taken from them.
//!
//! A device seals what its searcher keeps, sends it piece by piece, and names the pieces in an
//! entry of kind *heartbeat* about the index; in the next one, of kind *gc*, those that are
//! replaced. Equal blobs become equal pieces, so only what is new is sent. It is derived, so nothing
//! waits for it and nobody is told where it fails: a person's own work goes first, and what cannot
//! be had is made again by the searcher.

use std::rc::Rc;

use offing_core::content::chunk::Dedupe;
use offing_core::id::{ChunkId, StreamId};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::entry::EntryKind;
use offing_core::log::index::IndexBody;
use offing_core::log::snapshot::Piece;
use offing_core::log::verify::{LogState, Shared};
use offing_core::proto::{self, PageItem};

use super::{LOG_KEY, Replica};
use crate::host::{Host, Notice, Server};
use crate::net::Remote;
use crate::store::Batch;
use crate::store::chunks::Framed;

/// Keeps pieces apart from all other content, and equal ones together.
const SALT: [u8; 16] = *b"index of search!";
/// Replaced indexes whose pieces are called dead at once: those before were named before.
const REPLACED_MAX: u8 = 4;

impl<H: Host> Replica<H> {
    /// What the searcher that made the newest shared index says of its blobs, which can be asked for
    /// from then on; nothing where no index is to be believed.
    pub(super) async fn newest_index(&self) -> Option<Vec<u8>> {
        for skip in 0..limits::INDEXES_KEPT {
            let page = self.host.server().index(self.vault, skip).await.ok()?;
            let Some(item) = page.items.first() else { break };
            let opened = async {
                let shown = self.believed(item).await?;
                let (crypto, secret) =
                    (self.host.crypto(), self.epoch(shown.header.epoch).ok()?.secret);
                let header = &shown.header_bytes;
                let plain = author::open_body(crypto, &secret, &self.vault, header, &shown.body);
                IndexBody::decode(&plain.await.ok()?).ok()
            };
            if let Some(body) = opened.await {
                self.shared_blobs.replace(body.blobs);
                return Some(body.about);
            }
        }
        Some(Vec::new())
    }

    /// A blob of the index that was asked for last.
    pub(super) async fn shared_blob(&self, number: u32) -> Option<Vec<u8>> {
        let pieces = self.shared_blobs.borrow().get(number as usize)?.clone();
        let mut blob = Vec::new();
        for piece in pieces {
            blob.extend(self.fetch_piece(piece).await.ok()??);
        }
        Some(blob)
    }

    /// Shares the blobs that are kept at these places; `None` if that cannot be done now.
    pub(super) async fn share_index(
        self: &Rc<Self>,
        about: &[u8],
        places: &[u64],
    ) -> Option<Vec<u8>> {
        let _turn = self.host.try_lock(&format!("share:{}", self.vault)).await?;
        if !self.host.is_lasting() || self.may_lack_chunks() {
            return None;
        }
        let mut body = IndexBody { about: about.to_vec(), blobs: Vec::new() };
        for place in places.iter().take(limits::INDEX_BLOBS_MAX + 1) {
            let blob = self.load_derived(*place).await?;
            body.blobs.push(self.send_blob(&blob).await?);
        }
        let body = body.bounded().ok()?;
        let mut chunks: Vec<ChunkId> =
            body.blobs.iter().flatten().map(|piece| piece.chunk).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let mut dead = self.replaced_pieces_of_index().await;
        dead.retain(|id| !chunks.contains(id));
        self.write_index(&body.encode(), chunks, dead).await
    }

    /// Writes the entry that names the pieces of an index, and the one that names the dead ones.
    async fn write_index(
        self: &Rc<Self>,
        plain: &[u8],
        chunks: Vec<ChunkId>,
        dead: Vec<ChunkId>,
    ) -> Option<Vec<u8>> {
        let (who, mut batch) = (self.who(), Batch::new());
        let guard = self.host.lock(&self.commit_lock()).await;
        let (mut own, seen) = self.own_and_cursor().await.ok()?;
        for (kind, chunks, plain) in
            [(EntryKind::Heartbeat, chunks, plain), (EntryKind::Gc, dead, &[][..])]
        {
            if chunks.is_empty() {
                continue;
            }
            let number = self.current_epoch().ok()?.0;
            let mut header = self.next_header(kind, who.device, &own, seen, number);
            (header.streams, header.chunks) = (vec![StreamId::INDEX], chunks);
            let entry = self.seal_headed(&who, &mut own, &header, plain).await.ok()?;
            // The pieces are there or gone; this device has none of them as chunks.
            self.put_entry(&mut batch, &own, &entry, Vec::new());
        }
        self.write_strict(batch).await.ok()?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await.ok()?;
        Some(Vec::new())
    }

    /// Makes the pieces of a blob durable on the server, as long as nothing of a person's waits.
    async fn send_blob(&self, blob: &[u8]) -> Option<Vec<Piece>> {
        let (_, epoch) = self.current_epoch().ok()?;
        let (crypto, server) = (self.host.crypto(), self.host.server());
        let mut pieces = Vec::new();
        for plain in blob.chunks(limits::CHUNK_PLAIN_BYTES) {
            if self.closed.get() || self.pending().await.ok()? > 0 {
                return None;
            }
            let sealed = epoch.sealer.seal(crypto, plain, Dedupe::Off(SALT)).await.ok()?;
            if server.have(self.vault, &[sealed.id]).await.ok()? != [true] {
                let batch = proto::encode_chunk_batch([(sealed.id, &sealed.bytes[..])]);
                server.put_chunks(self.vault, &Framed::Bytes(batch)).await.ok()?;
            }
            let bytes = plain.len() as u32;
            pieces.push(Piece { chunk: sealed.id, key: sealed.key, bytes });
        }
        Some(pieces)
    }

    /// The pieces of indexes that were replaced before, and that the newest one has not.
    async fn replaced_pieces_of_index(&self) -> Vec<ChunkId> {
        let (mut newest, mut dead) = (Vec::new(), Vec::new());
        for skip in 0..=REPLACED_MAX {
            let Ok(page) = self.host.server().index(self.vault, skip).await else { break };
            let Some(item) = page.items.first() else { break };
            let pieces = self.believed(item).await.map_or(Vec::new(), |shown| shown.header.chunks);
            if skip == 0 { newest = pieces } else { dead.extend(pieces) }
        }
        dead.sort_unstable();
        dead.dedup();
        dead.retain(|id| !newest.contains(id));
        dead.truncate(limits::ENTRY_CHUNKS_MAX);
        dead
    }

    async fn believed(&self, item: &PageItem) -> Option<Shared> {
        let state: LogState = self.meta(LOG_KEY).await.ok()??;
        state.check_shared(self.host.crypto(), item).await
    }
}
