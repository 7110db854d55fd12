//! The space that contents take on this device: what has to stay, and what is a cache.
//!
//! What has to stay: chunks of entries and uploads that are not on the server, of nodes that
//! the person keeps, and of texts with all that their documents begin with. Everything else
//! that the server has is a cache: the least recently used goes when it has outgrown its
//! bound, and when the browser gives no more space.

use std::collections::HashSet;

use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, NodeId};
use offing_core::ordered;
use offing_core::rpc::Fault;
use offing_core::tree::{Content, NodeRow};

use super::fault::from_store;
use super::held::HeldChunk;
use super::sealing::thumb_chunk;
use super::{Replica, kept_nodes, text_store, upload};
use crate::host::Host;
use crate::store::chunks::ChunkStore;
use crate::store::{Direction, Range, Store, Table, outbox};

/// Most bytes of the cache.
const CACHE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// The part of the browser's quota that the cache may have: a fifth.
const CACHE_QUOTA_SHARE: u64 = 5;
/// The part of its bound that the cache grows by before it is looked at again: a tenth.
const CACHE_STEP_SHARE: u64 = 10;
/// Bytes that are let go when the browser has no space left.
const ROOM_BYTES: u64 = 64 * 1024 * 1024;
/// Rows of the tree that are read at once.
const PAGE_ROWS: u32 = 1_024;

impl<H: Host> Replica<H> {
    /// Counts what was fetched, and bounds the cache from time to time.
    pub(super) async fn has_cached(&self, bytes: u64) {
        self.cached_bytes.set(self.cached_bytes.get() + bytes);
        if self.cached_bytes.get() >= self.cache_bytes_max().await / CACHE_STEP_SHARE {
            self.cached_bytes.set(0);
            // What cannot be let go now is looked at again when more has come.
            self.bound_cache().await.ok();
        }
    }

    async fn cache_bytes_max(&self) -> u64 {
        if let Some(max) = self.cache_bytes_max.get() {
            return max;
        }
        let quota = self.host.quota_bytes().await.unwrap_or(u64::MAX);
        let max = CACHE_BYTES_MAX.min(quota / CACHE_QUOTA_SHARE);
        self.cache_bytes_max.set(Some(max));
        max
    }

    /// Keeps the cache below its bound.
    async fn bound_cache(&self) -> Result<(), Fault> {
        let max = self.cache_bytes_max().await;
        // It grows by a step before it is looked at again.
        let step = max / CACHE_STEP_SHARE;
        let over = |cache: u64| if cache > max - step { cache - (max - 2 * step) } else { 0 };
        self.shed(&over).await.map(drop)
    }

    /// Makes room on a device that has no space left; says whether there is any now.
    pub(super) async fn make_room(&self) -> bool {
        matches!(self.shed(&|cache| cache.min(ROOM_BYTES)).await, Ok(freed) if freed > 0)
    }

    /// Lets go of the least recently used of the cache, as many bytes as `wanted` says of its
    /// size. Tells how many that were.
    async fn shed(&self, wanted: &dyn Fn(u64) -> u64) -> Result<u64, Fault> {
        if self.may_lack_chunks() {
            return Ok(0);
        }
        let _guard = self.host.lock(&format!("space:{}", self.vault)).await;
        let mut held = self.all_held().await?;
        held.retain(|(_, row)| row.sent);
        let bytes = |held: &[(ChunkId, HeldChunk)]| -> u64 {
            held.iter().map(|(_, row)| u64::from(row.bytes)).sum()
        };
        // What has to stay is worked out only where there is enough without.
        if wanted(bytes(&held)) == 0 {
            return Ok(0);
        }
        let needed = self.needed().await?;
        held.retain(|(id, _)| !needed.contains(id));
        let wanted = wanted(bytes(&held));
        ordered::sort_by_key(&mut held, |(_, row)| row.used_ms);
        let mut freed = 0;
        let oldest = held.into_iter().take_while(|(_, row)| {
            let more = freed < wanted;
            freed += if more { u64::from(row.bytes) } else { 0 };
            more
        });
        let oldest: HashSet<ChunkId> = oldest.map(|(id, _)| id).collect();
        self.let_go(&oldest).await?;
        if freed > 0 {
            self.refresh_all_views().await?;
        }
        Ok(freed)
    }

    /// Lets go of contents that are not to be kept any more, as far as nothing else needs
    /// them and the server has them.
    pub(super) async fn let_go_of(&self, nodes: &[NodeId]) -> Result<(), Fault> {
        if self.may_lack_chunks() {
            // It stays in the cache, and goes from that.
            return Ok(());
        }
        let mut chunks = HashSet::new();
        for node in nodes {
            if let Some(row) = self.row(*node).await? {
                let contents = row.contents.iter().map(|content| &content.value);
                self.add_chunks(&mut chunks, row.node, contents).await?;
            }
        }
        let needed = self.needed().await?;
        let chunks: Vec<ChunkId> = chunks.difference(&needed).copied().collect();
        let held = self.held_of(&chunks).await?;
        let sent = chunks.iter().zip(held).filter(|(_, row)| row.is_some_and(|row| row.sent));
        self.let_go(&sent.map(|(id, _)| *id).collect()).await
    }

    /// The chunks that have to stay on this device.
    pub(super) async fn needed(&self) -> Result<HashSet<ChunkId>, Fault> {
        let mut needed = self.unsent().await?;
        let store = self.host.store();
        // Read, not remembered: another tab may keep what this one does not know of.
        let kept = kept_nodes(store).await?;
        let gone = self.gone().await?;
        let mut range = Range::all();
        loop {
            let rows = store.scan(Table::Nodes, &range, 0, PAGE_ROWS, Direction::Forward).await;
            let rows = rows.map_err(|e| from_store(&e))?;
            let Some((last, _)) = rows.last() else { break };
            range.start = [last.as_slice(), &[0]].concat();
            for (_, row) in &rows {
                let row = NodeRow::decode(row).map_err(|_| Fault::Storage)?;
                if gone.contains(&row.node) {
                    continue;
                }
                let keeps = kept.contains(&row.node);
                let contents = row.contents.iter().map(|content| &content.value);
                let contents = contents.filter(|content| keeps || content.text);
                self.add_chunks(&mut needed, row.node, contents).await?;
            }
        }
        for (node, content) in self.replaced_contents(text_store::is_base_key).await? {
            if !gone.contains(&node)
                && let Ok(ManifestRef::Inline(manifest)) = ManifestRef::decode(&content.manifest)
            {
                needed.extend(manifest.chunks());
            }
        }
        Ok(needed)
    }

    /// The chunks of entries and uploads that are not on the server.
    pub(super) async fn unsent(&self) -> Result<HashSet<ChunkId>, Fault> {
        let store = self.host.store();
        let items = outbox::items(store, &self.vault, 0, u32::MAX).await;
        let items = items.map_err(|e| from_store(&e))?;
        let mut unsent: HashSet<ChunkId> = items.into_iter().flat_map(|i| i.chunks).collect();
        let uploads =
            store.scan(Table::Transfers, &Range::all(), 0, u32::MAX, Direction::Forward).await;
        for (_, record) in uploads.map_err(|e| from_store(&e))? {
            unsent.extend(upload::staged_chunks(&record));
        }
        Ok(unsent)
    }

    /// The contents that were replaced, of the keys that are wanted, with their files.
    pub(super) async fn replaced_contents(
        &self,
        wanted: fn(&[u8]) -> bool,
    ) -> Result<Vec<(NodeId, Content)>, Fault> {
        let store = self.host.store();
        let keys = store.scan_keys(Table::Texts, &Range::all(), u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        let keys: Vec<Vec<u8>> = keys.into_iter().filter(|key| wanted(key)).collect();
        let found = store.get_many(Table::Texts, &keys).await.map_err(|e| from_store(&e))?;
        let found = keys.iter().zip(&found);
        Ok(found.filter_map(|(k, v)| text_store::replaced_content(k, v.as_deref()?)).collect())
    }

    /// Adds the chunks of a node's contents, as far as that is known without the server.
    pub(super) async fn add_chunks(
        &self,
        chunks: &mut HashSet<ChunkId>,
        node: NodeId,
        contents: impl Iterator<Item = &Content>,
    ) -> Result<(), Fault> {
        for content in contents {
            chunks.extend(thumb_chunk(content));
            match ManifestRef::decode(&content.manifest) {
                Ok(ManifestRef::Inline(manifest)) => chunks.extend(manifest.chunks()),
                Ok(ManifestRef::Stored(id)) => {
                    chunks.insert(id);
                    if let Ok(Some(bytes)) = self.host.chunks().get_all(id).await
                        && let Ok(manifest) = self.open_manifest(node, id, &bytes).await
                    {
                        chunks.extend(manifest.chunks());
                    }
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}
