//! Snapshots of the tree: the rows, sorted and encoded in the same way by everybody.
//!
//! ```text
//! shard = version u8 = 1 | be32 length of the rest when inflated
//!       | deflate(prefix u8 | be64 seq | be32 n | n × lp(row))       rows by node, ascending
//! hash  = SHA-256("of/snapshot" | the same, not deflated)
//! ```
//!
//! A shard holds the nodes that begin with one byte. Two replicas that have merged the same
//! part of the log make equal shards, so one can countersign another's. Rows with ops that
//! have no place in the log yet cannot be in a snapshot.

use sha2::{Digest, Sha256};

use crate::id::{Hash, NodeId, Seq};
use crate::limits;
use crate::log::change::{ChangeError, deflate, inflate};
use crate::proto::{Reader, put_lp};
use crate::tree::NodeRow;

const VERSION: u8 = 1;

/// The rows of one part of the tree, as of a place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The first byte of its nodes.
    pub prefix: u8,
    /// The place: all of the log up to it is merged, and nothing after.
    pub seq: Seq,
    /// The rows, by node.
    pub rows: Vec<NodeRow>,
}

/// Reports a shard that cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A row holds an op that is not, or not up to this place, in the log.
    #[error("a row is not of this place in the log")]
    NotOfThisPlace {
        /// The row's node.
        node: NodeId,
    },
    /// A row is of another shard, or not in order.
    #[error("a row is in the wrong place")]
    Misplaced {
        /// The row's node.
        node: NodeId,
    },
    /// The frame is malformed or too large.
    #[error(transparent)]
    Frame(#[from] ChangeError),
}

impl Shard {
    /// Makes a shard of the rows of one prefix, in any order.
    pub fn new(prefix: u8, seq: Seq, mut rows: Vec<NodeRow>) -> Result<Self, SnapshotError> {
        rows.sort_unstable_by_key(|row| row.node);
        let shard = Self { prefix, seq, rows };
        shard.check()?;
        Ok(shard)
    }

    fn check(&self) -> Result<(), SnapshotError> {
        let mut last = None;
        for row in &self.rows {
            let node = row.node;
            if row.last_seq().is_none_or(|seq| seq > self.seq) {
                return Err(SnapshotError::NotOfThisPlace { node });
            }
            if node.0[0] != self.prefix || last >= Some(node) {
                return Err(SnapshotError::Misplaced { node });
            }
            last = Some(node);
        }
        Ok(())
    }

    fn plain(&self) -> Result<Vec<u8>, SnapshotError> {
        let mut plain = vec![self.prefix];
        plain.extend_from_slice(&self.seq.to_be_bytes());
        let count = u32::try_from(self.rows.len()).map_err(|_| ChangeError::TooLarge)?;
        plain.extend_from_slice(&count.to_be_bytes());
        for row in &self.rows {
            put_lp(&mut plain, &row.encode());
        }
        Ok(plain)
    }

    /// Encodes the shard.
    pub fn encode(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(deflate(VERSION, &self.plain()?)?)
    }

    /// The shard's hash, which compression does not enter.
    pub fn hash(&self) -> Result<Hash, SnapshotError> {
        let mut sha = Sha256::new();
        sha.update(b"of/snapshot");
        sha.update(self.plain()?);
        Ok(Hash(sha.finalize().into()))
    }

    /// Decodes a shard and checks its order.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let plain = inflate(VERSION, bytes)?;
        let malformed = |_| ChangeError::Malformed;
        let mut reader = Reader::new(&plain);
        let prefix = reader.u8().map_err(malformed)?;
        let seq = reader.be64().map_err(malformed)?;
        let count = reader.be32().map_err(malformed)?;
        let mut rows = Vec::new();
        for _ in 0..count {
            let row = reader.lp(limits::BODY_PLAIN_BYTES_MAX).map_err(malformed)?;
            rows.push(NodeRow::decode(row).map_err(|_| ChangeError::Malformed)?);
        }
        reader.finish().map_err(malformed)?;
        let shard = Self { prefix, seq, rows };
        shard.check()?;
        Ok(shard)
    }
}
