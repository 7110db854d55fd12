//! Chunks in batches, and the question which of them the server has.
//!
//! The server sees ids and sealed bytes. A batch is read as a stream, so only its encoder is
//! here; `have` is small and read whole.

use serde::{Deserialize, Serialize};

use super::wire::WireError;
use crate::id::ChunkId;
use crate::limits;

/// Answer to chunk uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunksStored {
    /// How many chunks of the request are durable now, those held before included.
    pub stored: u32,
}

/// Encodes a framed batch of chunks.
pub fn encode_chunk_batch<'a>(chunks: impl IntoIterator<Item = (ChunkId, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, bytes) in chunks {
        put_chunk_head(&mut out, &id, bytes.len());
        out.extend_from_slice(bytes);
    }
    out
}

/// Bytes before each chunk of a batch: its id and its length.
pub const CHUNK_HEAD_BYTES: usize = ChunkId::LEN + 4;

/// Puts what stands before a chunk of a batch.
pub fn put_chunk_head(out: &mut Vec<u8>, id: &ChunkId, chunk_bytes: usize) {
    out.extend_from_slice(&id.0);
    let len = u32::try_from(chunk_bytes).expect("a chunk is at most CHUNK_SEALED_BYTES_MAX");
    out.extend_from_slice(&len.to_be_bytes());
}

/// Encodes the ids of a `have` question.
pub fn encode_have(ids: &[ChunkId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0).collect()
}

/// Decodes the ids of a `have` question.
pub fn decode_have(bytes: &[u8]) -> Result<Vec<ChunkId>, WireError> {
    if bytes.len() > limits::HAVE_IDS_MAX * ChunkId::LEN {
        return Err(WireError::TooLong { max: limits::HAVE_IDS_MAX });
    }
    let (ids, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(WireError::Truncated);
    }
    Ok(ids.iter().copied().map(ChunkId).collect())
}

/// Encodes the answer to `have`: one bit for each id, the first in the highest bit.
pub fn encode_bitmap(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8)
        .map(|byte| {
            byte.iter().enumerate().fold(0, |acc, (i, set)| acc | (u8::from(*set) << (7 - i)))
        })
        .collect()
}

/// Decodes the answer to `have` for `count` ids.
pub fn decode_bitmap(bytes: &[u8], count: usize) -> Result<Vec<bool>, WireError> {
    if bytes.len() != count.div_ceil(8) {
        return Err(WireError::Truncated);
    }
    Ok((0..count).map(|i| bytes[i / 8] & (0x80 >> (i % 8)) != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_keeps_its_order() {
        let bits = [true, false, false, true, true, false, false, false, true];
        assert_eq!(encode_bitmap(&bits), [0b1001_1000, 0b1000_0000]);
        assert_eq!(decode_bitmap(&encode_bitmap(&bits), 9), Ok(bits.to_vec()));
    }

    #[test]
    fn a_bitmap_of_another_length_is_refused() {
        assert_eq!(decode_bitmap(&[0], 9), Err(WireError::Truncated));
        assert_eq!(decode_bitmap(&[0, 0], 8), Err(WireError::Truncated));
    }

    #[test]
    fn a_question_survives_the_wire_and_is_bounded() {
        let ids = [ChunkId([1; 32]), ChunkId([2; 32])];
        let bytes = encode_have(&ids);
        assert_eq!(decode_have(&bytes), Ok(ids.to_vec()));
        assert_eq!(decode_have(&bytes[1..]), Err(WireError::Truncated));
        let max = limits::HAVE_IDS_MAX;
        let most = vec![0; max * ChunkId::LEN];
        assert_eq!(decode_have(&most).map(|ids| ids.len()), Ok(max));
        let more = vec![0; (max + 1) * ChunkId::LEN];
        assert_eq!(decode_have(&more), Err(WireError::TooLong { max }));
    }

    #[test]
    fn in_a_batch_each_chunk_follows_its_head() {
        let (one, two) = (ChunkId([1; 32]), ChunkId([2; 32]));
        let batch = encode_chunk_batch([(one, &b"abc"[..]), (two, &b"d"[..])]);
        let (head, rest) = batch.split_at(CHUNK_HEAD_BYTES);
        assert_eq!(head, [&one.0[..], &[0, 0, 0, 3]].concat());
        assert_eq!(rest, [&b"abc"[..], &two.0, &[0, 0, 0, 1], b"d"].concat());
    }
}
