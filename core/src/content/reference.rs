//! How a node's `content` value holds its manifest: inline, or stored like a chunk.
//!
//! ```text
//! 00 | manifest          short ones stand in the sealed change itself
//! 01 | ChunkId[32]       long ones are a SEAL of their own
//! ```

use crate::content::manifest::{Manifest, ManifestError};
use crate::id::ChunkId;

/// Where a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestRef {
    /// Here.
    Inline(Manifest),
    /// Among the chunks, sealed.
    Stored(ChunkId),
}

impl ManifestRef {
    /// Encodes it; fails if an inline manifest breaks its own rules.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        match self {
            Self::Inline(manifest) => {
                let mut bytes = vec![0];
                bytes.extend(manifest.encode()?);
                Ok(bytes)
            }
            Self::Stored(id) => {
                let mut bytes = vec![1];
                bytes.extend_from_slice(&id.0);
                Ok(bytes)
            }
        }
    }

    /// Decodes it.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        match bytes.split_first() {
            Some((0, manifest)) => Manifest::decode(manifest).map(Self::Inline),
            Some((1, id)) => {
                ChunkId::from_slice(id).map(Self::Stored).ok_or(ManifestError::NotAManifest)
            }
            _ => Err(ManifestError::NotAManifest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Hash, NodeId};

    #[test]
    fn both_forms_survive_their_encoding_and_other_tags_are_refused() {
        let manifest = Manifest {
            file: NodeId([1; 16]),
            size: 0,
            mime: "text/plain".into(),
            modified_ms: 5,
            extents: vec![],
            plain_hash: Hash([2; 32]),
            signatures: None,
        };
        for reference in [ManifestRef::Inline(manifest), ManifestRef::Stored(ChunkId([3; 32]))] {
            let mut bytes = reference.encode().unwrap();
            assert_eq!(ManifestRef::decode(&bytes), Ok(reference));
            bytes[0] = 2;
            assert_eq!(ManifestRef::decode(&bytes), Err(ManifestError::NotAManifest));
        }
        assert_eq!(ManifestRef::decode(&[1, 2]), Err(ManifestError::NotAManifest));
    }
}
