//! The content of files: from this device if it is here, else from the server, verified.
//!
//! What is fetched is kept. A chunk that does not match its id is deleted and fetched once
//! more before anybody hears of it, so a torn file heals itself.

use offing_core::content::chunk::{self, RangePlan};
use offing_core::content::manifest::{self, Extent, Manifest};
use offing_core::content::reference::ManifestRef;
use offing_core::crypto::envelope;
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::Fault;
use offing_core::tree::Content;
use serde::{Deserialize, Serialize};

use super::Replica;
use super::fault::{corrupt, from_net, from_store};
use crate::host::{Host, Server};
use crate::store::chunks::ChunkStore;
use crate::store::{Batch, Durability, Store, Table};

/// What the index says of a chunk on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeldChunk {
    /// Length of the container.
    pub(super) bytes: u32,
    /// When it was last put or fetched, milliseconds since 1970.
    pub(super) used_ms: i64,
}

impl HeldChunk {
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always serialises")
    }
}

impl<H: Host> Replica<H> {
    /// Reads a file's manifest.
    pub(super) async fn manifest(
        &self,
        node: NodeId,
        content: &Content,
    ) -> Result<Manifest, Fault> {
        let name = || self.name_for_fault(node);
        match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Inline(manifest)) if manifest.file == node => Ok(manifest),
            Ok(ManifestRef::Inline(_)) | Err(_) => Err(corrupt(name().await)),
            Ok(ManifestRef::Stored(id)) => {
                let bytes = self.sealed_chunk(id, node).await?;
                let (_, epoch) = envelope::peek(&bytes).map_err(|_| Fault::CannotOpen)?;
                let secret = self.epoch(epoch)?.secret;
                let opened = manifest::open_manifest(
                    self.host.crypto(),
                    &secret,
                    &self.vault,
                    &node,
                    &id,
                    &bytes,
                );
                match opened.await {
                    Ok(manifest) => Ok(manifest),
                    Err(_) => Err(corrupt(name().await)),
                }
            }
        }
    }

    /// Opens a stretch of a file's content.
    pub(super) async fn extent(&self, extent: &Extent, node: NodeId) -> Result<Vec<u8>, Fault> {
        let start = extent.offset as usize;
        let end = start + extent.len as usize;
        if let Some(plain) = self.extent_here(extent, start, end).await? {
            return Ok(plain);
        }
        let bytes = self.sealed_chunk(extent.chunk, node).await?;
        let crypto = self.host.crypto();
        let opened =
            chunk::open_chunk(crypto, &self.vault, &extent.chunk, &extent.key, &bytes).await;
        match opened {
            Ok(mut plain) if plain.len() >= end => {
                plain.truncate(end);
                plain.drain(..start);
                Ok(plain)
            }
            Ok(_) | Err(_) => Err(corrupt(self.name_for_fault(node).await)),
        }
    }

    /// Opens only the frames that a small stretch of a local chunk needs.
    async fn extent_here(
        &self,
        extent: &Extent,
        start: usize,
        end: usize,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let Some(held) = self.held(extent.chunk).await? else {
            return Ok(None);
        };
        let Some(plan) = RangePlan::new(held.bytes as usize, start..end) else {
            return Ok(None);
        };
        let range = plan.container_range();
        let chunks = self.host.chunks();
        let range = range.start as u64..range.end as u64;
        let Ok(part) = chunks.get(extent.chunk, range).await else {
            // Evicted or torn: the whole chunk is fetched again.
            return Ok(None);
        };
        let opened = plan.open(self.host.crypto(), &self.vault, &extent.key, &part).await;
        Ok(opened.ok())
    }

    /// Reads a sealed chunk that matches its id, fetching it if it is not here.
    pub(super) async fn sealed_chunk(&self, id: ChunkId, node: NodeId) -> Result<Vec<u8>, Fault> {
        if self.held(id).await?.is_some()
            && let Ok(Some(bytes)) = self.host.chunks().get_all(id).await
        {
            if self.matches(id, &bytes).await? {
                return Ok(bytes);
            }
            self.let_go(id).await?;
        }
        let bytes = match self.host.server().chunk(self.vault, id).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_offline() => {
                return Err(Fault::NotHere { name: self.name_for_fault(node).await });
            }
            Err(error) => return Err(from_net(&error)),
        };
        if !self.matches(id, &bytes).await? {
            return Err(corrupt(self.name_for_fault(node).await));
        }
        // Caching may fail (a full browser); what was asked for is here all the same.
        self.keep_chunk(id, &bytes).await.ok();
        Ok(bytes)
    }

    /// Stores a chunk on this device and enters it into the index.
    pub(super) async fn keep_chunk(&self, id: ChunkId, bytes: &[u8]) -> Result<(), Fault> {
        self.host.chunks().put(id, bytes).await.map_err(|e| from_store(&e))?;
        let mut batch = Batch::new();
        batch.put(Table::Chunks, id.0, self.held_now(bytes.len()).encode());
        self.host.store().write(batch, Durability::Relaxed).await.map_err(|e| from_store(&e))
    }

    pub(super) fn held_now(&self, bytes: usize) -> HeldChunk {
        let bytes = u32::try_from(bytes).expect("a chunk is at most CHUNK_SEALED_BYTES_MAX");
        HeldChunk { bytes, used_ms: self.host.now_ms() }
    }

    async fn let_go(&self, id: ChunkId) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.delete(Table::Chunks, id.0);
        let store = self.host.store();
        store.write(batch, Durability::Relaxed).await.map_err(|e| from_store(&e))?;
        self.host.chunks().delete(id).await.map_err(|e| from_store(&e))
    }

    async fn held(&self, id: ChunkId) -> Result<Option<HeldChunk>, Fault> {
        let value =
            self.host.store().get(Table::Chunks, &id.0).await.map_err(|e| from_store(&e))?;
        Ok(value.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
    }

    /// Tells for each manifest whether all its chunks are on this device.
    pub(super) async fn are_held(&self, ids: &[ChunkId]) -> Result<Vec<bool>, Fault> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.0.to_vec()).collect();
        let held =
            self.host.store().get_many(Table::Chunks, &keys).await.map_err(|e| from_store(&e))?;
        Ok(held.iter().map(Option::is_some).collect())
    }

    async fn matches(&self, id: ChunkId, bytes: &[u8]) -> Result<bool, Fault> {
        let hash = self.host.crypto().sha256(bytes).await.map_err(|_| Fault::Internal)?;
        Ok(hash == id.0)
    }

    /// Reads the whole content of a file of at most `max` bytes.
    pub(super) async fn read_all(&self, manifest: &Manifest, max: usize) -> Result<Vec<u8>, Fault> {
        if manifest.size > max as u64 {
            return Err(Fault::TooMany);
        }
        let mut content = Vec::with_capacity(manifest.size as usize);
        for extent in &manifest.extents {
            content.extend(self.extent(extent, manifest.file).await?);
        }
        Ok(content)
    }
}
