//! The search index that a device shares: the body of an entry of kind *heartbeat* about it.
//!
//! ```text
//! body = version u8 = 1 | postcard { about, blobs: [[{ chunk[32], ck[32], bytes }]] }    sealed
//! ```
//!
//! The header has the stream [`StreamId::INDEX`](crate::id::StreamId::INDEX) and declares all
//! chunks. What the blobs are is the searcher's business, and `about` its word on them; a blob is
//! its pieces one behind the other. Who may be believed is `verify::shared`'s business. None of
//! it is the truth: what is lacking is made again.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::log::snapshot::Piece;
use crate::proto::WireError;

const VERSION: u8 = 1;

/// What an entry about a shared index says, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexBody {
    /// What the searcher says of the blobs.
    pub about: Vec<u8>,
    /// Of each blob its pieces, in order.
    pub blobs: Vec<Vec<Piece>>,
}

impl IndexBody {
    /// Encodes the body.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("plain data always serialises")
    }

    /// Decodes a body.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (version, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        if *version != VERSION {
            return Err(WireError::UnknownTag { tag: *version });
        }
        let (body, rest): (Self, _) =
            postcard::take_from_bytes(rest).map_err(|_| WireError::Truncated)?;
        if !rest.is_empty() {
            return Err(WireError::Trailing);
        }
        body.bounded()
    }

    /// The body, if it is not too large.
    pub fn bounded(self) -> Result<Self, WireError> {
        let pieces: usize = self.blobs.iter().map(Vec::len).sum();
        for (count, max) in [
            (self.about.len(), limits::INDEX_ABOUT_BYTES_MAX),
            (self.blobs.len(), limits::INDEX_BLOBS_MAX),
            (pieces, limits::ENTRY_CHUNKS_MAX),
            (self.blobs.iter().map(Vec::len).max().unwrap_or(0), limits::INDEX_BLOB_PIECES_MAX),
        ] {
            if count > max {
                return Err(WireError::TooLong { max });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::chunk::ContentKey;
    use crate::id::ChunkId;

    fn body(blobs: usize, pieces: usize) -> IndexBody {
        let piece = Piece { chunk: ChunkId([1; 32]), key: ContentKey([2; 32]), bytes: 300 };
        IndexBody { about: vec![1, 2], blobs: vec![vec![piece; pieces]; blobs] }
    }

    #[test]
    fn the_body_of_a_shared_index_is_read_whole_or_not_at_all() {
        let bytes = body(2, 3).encode();
        assert_eq!(IndexBody::decode(&bytes), Ok(body(2, 3)));
        for end in 0..bytes.len() {
            assert!(IndexBody::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(IndexBody::decode(&longer), Err(WireError::Trailing));
        let later = [&[VERSION + 1], &bytes[1..]].concat();
        assert_eq!(IndexBody::decode(&later), Err(WireError::UnknownTag { tag: VERSION + 1 }));
    }

    #[test]
    fn a_shared_index_has_as_much_as_it_may_and_no_more() {
        let (blobs, pieces) = (limits::INDEX_BLOBS_MAX, limits::INDEX_BLOB_PIECES_MAX);
        let about = |bytes| IndexBody { about: vec![0; bytes], ..body(1, 1) };
        let most = limits::INDEX_ABOUT_BYTES_MAX;
        for (fits, body) in [
            (true, body(blobs, pieces)),
            (false, body(blobs + 1, 1)),
            (false, body(1, pieces + 1)),
            (true, about(most)),
            (false, about(most + 1)),
        ] {
            assert_eq!(IndexBody::decode(&body.encode()).is_ok(), fits);
        }
    }
}
