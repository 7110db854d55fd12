//! Manifests: what a file's content is made of.
//!
//! A manifest is postcard with a version byte. A short one stands inline in the tree's
//! `content` value, which is sealed and signed with its change. A long one is a SEAL of its
//! own, stored and named like a chunk, and the tree refers to it by that id. Extents follow
//! each other without gaps and add up to `size`; decoding checks it.
//! `docs/format.md`, "Manifests".

use serde::{Deserialize, Serialize};

use super::chunk::ContentKey;
use crate::crypto::CryptoError;
use crate::crypto::envelope::{self, Binding, SealType};
use crate::crypto::hazmat::Crypto;
use crate::id::{ChunkId, Hash, NodeId, VaultId};
use crate::limits;

const VERSION: u8 = 1;

/// A stretch of a file's content inside a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The chunk.
    pub chunk: ChunkId,
    /// Opens the chunk.
    pub key: ContentKey,
    /// Where in the chunk's plaintext it starts.
    pub offset: u32,
    /// How many bytes; never 0.
    pub len: u32,
}

/// Signatures of a plaintext's blocks, against which a later upload finds what it shares;
/// see [`delta`](super::delta).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSignatures {
    /// Length of a block.
    pub block_bytes: u32,
    /// Rolling checksum and keyed hash of each whole block.
    pub blocks: Vec<(u32, [u8; 8])>,
}

/// What one revision of a file is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The file that this is a revision of.
    pub file: NodeId,
    /// Bytes of the content.
    pub size: u64,
    /// The media type, or empty.
    pub mime: String,
    /// Last change of the content, milliseconds since 1970.
    pub modified_ms: i64,
    /// The content, in order.
    pub extents: Vec<Extent>,
    /// SHA-256 of the whole content.
    pub plain_hash: Hash,
    /// Signatures of its blocks, if written.
    pub signatures: Option<BlockSignatures>,
}

/// Reports bytes that are no manifest, or a manifest that breaks its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Written by a later format.
    #[error("unknown manifest version {version}")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// The bytes do not decode, or have something left over.
    #[error("the bytes are not a manifest")]
    NotAManifest,
    /// Longer than it may be.
    #[error("the manifest exceeds its limit of {max}")]
    TooLong {
        /// The limit: bytes, extents or blocks.
        max: usize,
    },
    /// An extent is empty or reaches outside any chunk, or the extents do not add up.
    #[error("the extents do not make up the content")]
    ExtentsUnfit,
    /// The manifest is another file's.
    #[error("the manifest belongs to another file")]
    WrongFile,
    /// It does not open.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// A sealed manifest; stored and named like a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedManifest {
    /// SHA-256 of `bytes`.
    pub id: ChunkId,
    /// The SEAL.
    pub bytes: Vec<u8>,
}

impl Manifest {
    /// Encodes the manifest; fails if it breaks a limit or its own rules.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let mut bytes = vec![VERSION];
        bytes.extend(postcard::to_allocvec(self).expect("plain data always serialises"));
        Ok(bytes)
    }

    /// Decodes a manifest of at most `limits::MANIFEST_BYTES_MAX` and checks it.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > limits::MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLong { max: limits::MANIFEST_BYTES_MAX });
        }
        let (version, rest) = bytes.split_first().ok_or(ManifestError::NotAManifest)?;
        if *version != VERSION {
            return Err(ManifestError::UnknownVersion { version: *version });
        }
        let (manifest, rest) =
            postcard::take_from_bytes::<Self>(rest).map_err(|_| ManifestError::NotAManifest)?;
        if !rest.is_empty() {
            return Err(ManifestError::NotAManifest);
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// Says whether it is short enough to stand inline in the tree.
    pub fn fits_inline(&self) -> bool {
        self.encode().is_ok_and(|bytes| bytes.len() <= limits::MANIFEST_INLINE_BYTES_MAX)
    }

    /// Lists every chunk the content needs, each once, in order of first use.
    pub fn chunks(&self) -> Vec<ChunkId> {
        let mut seen = std::collections::HashSet::new();
        self.extents.iter().map(|e| e.chunk).filter(|id| seen.insert(*id)).collect()
    }

    /// Finds the extents that hold the bytes from `start` to `end`, cut to fit.
    pub fn range(&self, start: u64, end: u64) -> Vec<Extent> {
        let mut at = 0;
        let mut found = Vec::new();
        for extent in &self.extents {
            let next = at + u64::from(extent.len);
            let (from, to) = (start.max(at), end.min(next));
            if from < to {
                // Both differences are below the extent's length, which is 32 bits.
                found.push(Extent {
                    offset: extent.offset + (from - at) as u32,
                    len: (to - from) as u32,
                    ..extent.clone()
                });
            }
            at = next;
        }
        found
    }

    /// Checks limits and that the extents make up the content.
    pub fn check(&self) -> Result<(), ManifestError> {
        let too_long = |max| Err(ManifestError::TooLong { max });
        if self.extents.len() > limits::EXTENTS_MAX {
            return too_long(limits::EXTENTS_MAX);
        }
        if self.mime.len() > limits::MIME_BYTES_MAX {
            return too_long(limits::MIME_BYTES_MAX);
        }
        if self.signatures.as_ref().is_some_and(|s| s.blocks.len() > limits::EXTENTS_MAX) {
            return too_long(limits::EXTENTS_MAX);
        }
        let mut total = 0u64;
        for extent in &self.extents {
            let end = u64::from(extent.offset) + u64::from(extent.len);
            if extent.len == 0 || end > limits::CHUNK_PLAIN_BYTES_LARGE as u64 {
                return Err(ManifestError::ExtentsUnfit);
            }
            total += u64::from(extent.len);
        }
        if total == self.size { Ok(()) } else { Err(ManifestError::ExtentsUnfit) }
    }
}

/// Seals a manifest under the epoch's secret, to be stored like a chunk.
pub async fn seal_manifest<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    vault: &VaultId,
    epoch: u32,
    salt: &[u8; 32],
    manifest: &Manifest,
) -> Result<SealedManifest, ManifestError> {
    let binding =
        Binding { kind: SealType::Manifest, epoch, scope: &vault.0, bind: &manifest.file.0 };
    let bytes = envelope::seal(crypto, secret, &binding, salt, &manifest.encode()?).await?;
    if bytes.len() > limits::CHUNK_SEALED_BYTES_MAX {
        return Err(ManifestError::TooLong { max: limits::CHUNK_SEALED_BYTES_MAX });
    }
    let id = ChunkId(crypto.sha256(&bytes).await?);
    Ok(SealedManifest { id, bytes })
}

/// Opens a stored manifest after checking its id. `secret` is that of the epoch which
/// `envelope::peek` names.
pub async fn open_manifest<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    vault: &VaultId,
    file: &NodeId,
    id: &ChunkId,
    bytes: &[u8],
) -> Result<Manifest, ManifestError> {
    if crypto.sha256(bytes).await? != id.0 {
        return Err(CryptoError::CannotOpen.into());
    }
    let (_, epoch) = envelope::peek(bytes)?;
    let binding = Binding { kind: SealType::Manifest, epoch, scope: &vault.0, bind: &file.0 };
    let manifest = Manifest::decode(&envelope::open(crypto, secret, &binding, bytes).await?)?;
    if manifest.file != *file {
        return Err(ManifestError::WrongFile);
    }
    Ok(manifest)
}
