//! Sealing content: chunks, long manifests, and the list of what an entry must declare.

use offing_core::content::chunk::{ContentKey, Dedupe};
use offing_core::content::manifest::{self, Extent, Manifest};
use offing_core::content::reference::{self, ManifestRef};
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::Fault;
use offing_core::tree::{Content, Value};

use super::Replica;
use crate::host::Host;

/// A chunk that is stored here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed {
    /// Its id.
    pub(super) chunk: ChunkId,
    /// Opens it.
    pub(super) key: ContentKey,
    /// Its length.
    pub(super) sealed_bytes: usize,
}

impl<H: Host> Replica<H> {
    /// Makes the tree's value of a manifest, storing the manifest by itself if it is long;
    /// with the content's thumb, if it has one.
    pub(super) async fn make_content(
        &self,
        manifest: &Manifest,
        thumb: Option<Extent>,
        text: bool,
    ) -> Result<Content, Fault> {
        let reference = if manifest.fits_inline() {
            ManifestRef::Inline(manifest.clone())
        } else {
            let (number, epoch) = self.current_epoch()?;
            let crypto = self.host.crypto();
            let salt = self.host.random();
            let sealed = manifest::seal_manifest(
                crypto,
                &epoch.secret,
                &self.vault,
                number,
                &salt,
                manifest,
            );
            let sealed = sealed.await.map_err(|_| Fault::TooMany)?;
            self.store_chunk(sealed.id, &sealed.bytes).await?;
            self.keep_stored(sealed.id, sealed.bytes.len()).await?;
            self.note_whole(sealed.id, &manifest.chunks()).await?;
            ManifestRef::Stored(sealed.id)
        };
        let reference = reference.encode().map_err(|_| Fault::TooMany)?;
        Ok(Content {
            manifest: match thumb {
                Some(thumb) => reference::with_thumb(&thumb, &reference),
                None => reference,
            },
            size: manifest.size,
            modified_ms: manifest.modified_ms,
            text,
        })
    }

    /// Seals plaintext as one chunk and stores its bytes here; its row in the index is for
    /// the transaction that needs the chunk.
    pub(super) async fn seal_and_put(&self, plain: &[u8]) -> Result<Sealed, Fault> {
        let (_, epoch) = self.current_epoch()?;
        let sealed = epoch.sealer.seal(self.host.crypto(), plain, Dedupe::On).await;
        let sealed = sealed.map_err(|_| Fault::Internal)?;
        self.store_chunk(sealed.id, &sealed.bytes).await?;
        Ok(Sealed { chunk: sealed.id, key: sealed.key, sealed_bytes: sealed.bytes.len() })
    }

    /// Seals plaintext as one chunk, stores it here and enters it into the index.
    pub(super) async fn seal_and_keep(&self, plain: &[u8]) -> Result<Sealed, Fault> {
        let sealed = self.seal_and_put(plain).await?;
        self.keep_stored(sealed.chunk, sealed.sealed_bytes).await?;
        Ok(sealed)
    }

    /// The chunks that the contents set by these values need, with what names them.
    pub(super) async fn chunks_of(
        &self,
        node: NodeId,
        value: &Value,
    ) -> Result<Vec<ChunkId>, Fault> {
        let Value::Content(content) = value else {
            return Ok(Vec::new());
        };
        let mut chunks: Vec<ChunkId> = thumb_chunk(content).into_iter().collect();
        match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Inline(manifest)) => chunks.extend(manifest.chunks()),
            Ok(ManifestRef::Stored(id)) => {
                chunks.push(id);
                chunks.extend(self.manifest(node, content).await?.chunks());
            }
            Err(_) => return Err(Fault::Internal),
        }
        Ok(chunks)
    }
}

/// The chunk that a content's thumb is in.
pub(super) fn thumb_chunk(content: &Content) -> Option<ChunkId> {
    reference::thumb(&content.manifest).map(|thumb| thumb.chunk)
}
