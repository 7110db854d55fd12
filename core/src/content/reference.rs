//! How a node's `content` value holds its manifest: inline, or stored like a chunk; and
//! before it, if one was made, where the content's *thumb* is, a small picture of it.
//!
//! ```text
//! 00 | manifest          short ones stand in the sealed change itself
//! 01 | ChunkId[32]       long ones are a SEAL of their own
//! 02 | extent | 00 … or 01 …
//! ```
//!
//! The extent is postcard, as in a manifest. It stands here so that the picture is seen
//! without a long manifest; `docs/format.md`, "Manifests".

use crate::content::manifest::{Extent, Manifest, ManifestError};
use crate::id::ChunkId;
use crate::limits;

const THUMB: u8 = 2;

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

    /// Decodes it, passing over a thumb.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        match split(bytes)?.1.split_first() {
            Some((0, manifest)) => Manifest::decode(manifest).map(Self::Inline),
            Some((1, id)) => {
                ChunkId::from_slice(id).map(Self::Stored).ok_or(ManifestError::NotAManifest)
            }
            _ => Err(ManifestError::NotAManifest),
        }
    }
}

/// Puts a thumb before an encoded reference that has none.
pub fn with_thumb(thumb: &Extent, reference: &[u8]) -> Vec<u8> {
    let bytes = postcard::to_extend(thumb, vec![THUMB]);
    let mut bytes = bytes.expect("plain data always serialises");
    bytes.extend_from_slice(reference);
    bytes
}

/// Where the thumb is, of an encoded reference that has one.
pub fn thumb(bytes: &[u8]) -> Option<Extent> {
    split(bytes).ok()?.0
}

/// The thumb, and what comes after it.
fn split(bytes: &[u8]) -> Result<(Option<Extent>, &[u8]), ManifestError> {
    let Some((&THUMB, rest)) = bytes.split_first() else {
        return Ok((None, bytes));
    };
    let (thumb, rest) =
        postcard::take_from_bytes::<Extent>(rest).map_err(|_| ManifestError::NotAManifest)?;
    let end = u64::from(thumb.offset) + u64::from(thumb.len);
    let fits = (1..=limits::THUMB_BYTES_MAX).contains(&(thumb.len as usize))
        && end <= limits::CHUNK_PLAIN_BYTES as u64;
    if fits { Ok((Some(thumb), rest)) } else { Err(ManifestError::ExtentsUnfit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::chunk::ContentKey;
    use crate::id::{Hash, NodeId};

    fn extent(offset: u32, len: u32) -> Extent {
        Extent { chunk: ChunkId([4; 32]), key: ContentKey([5; 32]), offset, len }
    }

    #[test]
    fn a_thumb_stands_before_a_reference_and_leaves_it_as_it_is() {
        let reference = ManifestRef::Stored(ChunkId([3; 32]));
        let plain = reference.encode().unwrap();
        let bytes = with_thumb(&extent(7, 9_000), &plain);
        assert_eq!(ManifestRef::decode(&bytes), Ok(reference));
        assert_eq!((thumb(&bytes), thumb(&plain)), (Some(extent(7, 9_000)), None));
        for end in 0..bytes.len() {
            assert!(ManifestRef::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let twice = with_thumb(&extent(7, 9_000), &bytes);
        assert_eq!(ManifestRef::decode(&twice), Err(ManifestError::NotAManifest));
    }

    #[test]
    fn a_thumb_that_is_empty_too_large_or_outside_of_a_chunk_is_refused() {
        let plain = ManifestRef::Stored(ChunkId([3; 32])).encode().unwrap();
        let most = limits::THUMB_BYTES_MAX as u32;
        let last = limits::CHUNK_PLAIN_BYTES as u32 - most;
        assert!(thumb(&with_thumb(&extent(last, most), &plain)).is_some());
        for bad in [extent(0, 0), extent(0, most + 1), extent(last + 1, most), extent(u32::MAX, 1)]
        {
            let bytes = with_thumb(&bad, &plain);
            assert_eq!(ManifestRef::decode(&bytes), Err(ManifestError::ExtentsUnfit));
            assert_eq!(thumb(&bytes), None);
        }
    }

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
            bytes[0] = 3;
            assert_eq!(ManifestRef::decode(&bytes), Err(ManifestError::NotAManifest));
        }
        assert_eq!(ManifestRef::decode(&[1, 2]), Err(ManifestError::NotAManifest));
    }
}
