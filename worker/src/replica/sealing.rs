//! Sealing content: chunks, long manifests, and the list of what an entry must declare.

use offing_core::content::chunk::{ContentKey, Dedupe};
use offing_core::content::manifest::{self, Manifest};
use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::Fault;
use offing_core::tree::{Content, Value};

use super::Replica;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// Makes the tree's value of a manifest, storing the manifest by itself if it is long.
    pub(super) async fn make_content(
        &self,
        manifest: &Manifest,
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
            self.keep_chunk(sealed.id, &sealed.bytes).await?;
            ManifestRef::Stored(sealed.id)
        };
        Ok(Content {
            manifest: reference.encode().map_err(|_| Fault::TooMany)?,
            size: manifest.size,
            modified_ms: manifest.modified_ms,
            text,
        })
    }

    /// Seals plaintext as one chunk and stores it here.
    pub(super) async fn seal_and_keep(
        &self,
        plain: &[u8],
    ) -> Result<(ChunkId, ContentKey, usize), Fault> {
        let (_, epoch) = self.current_epoch()?;
        let sealed = epoch.sealer.seal(self.host.crypto(), plain, Dedupe::On).await;
        let sealed = sealed.map_err(|_| Fault::Internal)?;
        self.keep_chunk(sealed.id, &sealed.bytes).await?;
        Ok((sealed.id, sealed.key, sealed.bytes.len()))
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
        match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Inline(manifest)) => Ok(manifest.chunks()),
            Ok(ManifestRef::Stored(id)) => {
                let mut chunks = vec![id];
                chunks.extend(self.manifest(node, content).await?.chunks());
                Ok(chunks)
            }
            Err(_) => Err(Fault::Internal),
        }
    }
}
