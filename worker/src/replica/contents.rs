//! The content of files: from this device if it is here, else from the server, verified.
//!
//! What is fetched is kept. A chunk that does not match its id is deleted and fetched once
//! more before anybody hears of it, so a torn file heals itself.

use std::collections::HashSet;

use offing_core::content::chunk::{self, RangePlan};
use offing_core::content::manifest::{self, Extent, Manifest};
use offing_core::content::reference::ManifestRef;
use offing_core::crypto::envelope;
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::Fault;
use offing_core::tree::Content;

use super::Replica;
use super::fault::{corrupt, from_net};
use crate::host::{Host, Server};
use crate::store::chunks::ChunkStore;

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
                self.open_manifest(node, id, &bytes).await
            }
        }
    }

    /// Opens a long manifest.
    pub(super) async fn open_manifest(
        &self,
        node: NodeId,
        id: ChunkId,
        bytes: &[u8],
    ) -> Result<Manifest, Fault> {
        let (_, epoch) = envelope::peek(bytes).map_err(|_| Fault::CannotOpen)?;
        let secret = self.epoch(epoch)?.secret;
        let (crypto, vault) = (self.host.crypto(), &self.vault);
        match manifest::open_manifest(crypto, &secret, vault, &node, &id, bytes).await {
            Ok(manifest) => Ok(manifest),
            Err(_) => Err(corrupt(self.name_for_fault(node).await)),
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
        self.note_use(extent.chunk, held).await;
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
            self.let_go(&HashSet::from([id])).await?;
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
        if self.keep_fetched(id, &bytes).await.is_ok() {
            self.has_cached(bytes.len() as u64).await;
        }
        Ok(bytes)
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
