//! The body of an entry of kind *recovery*: another life of the server is adopted.
//!
//! ```text
//! recovery = "of/again" | version u8 | incarnation[16] | be64 tip_seq | tip_chain[32]
//! ```
//!
//! Clear and signed, since a replica judges by it what the server says of itself. The tip is
//! what was given back, and its writer has verified it; the header may claim less, as what
//! its device wrote meanwhile has to come after it. `docs/format.md`, "Recovery".

use crate::id::{Hash, Incarnation};
use crate::log::chain::ChainPoint;
use crate::proto::{Reader, WireError};

const MAGIC: &[u8; 8] = b"of/again";
const VERSION: u8 = 1;

/// The body of an entry of kind *recovery*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryRecord {
    /// The life of the server that goes on from here.
    pub incarnation: Incarnation,
    /// The tip that was reached.
    pub tip: ChainPoint,
}

impl RecoveryRecord {
    /// Encodes the record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        out.extend_from_slice(&self.incarnation.0);
        out.extend_from_slice(&self.tip.seq.to_be_bytes());
        out.extend_from_slice(&self.tip.chain.0);
        out
    }

    /// Decodes a record.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let found = reader.array::<8>()?;
        if found != *MAGIC {
            return Err(WireError::UnknownTag { tag: found[3] });
        }
        match reader.u8()? {
            VERSION => {}
            tag => return Err(WireError::UnknownTag { tag }),
        }
        let incarnation = Incarnation(reader.array()?);
        let tip = ChainPoint { seq: reader.be64()?, chain: Hash(reader.array()?) };
        let record = Self { incarnation, tip };
        reader.finish()?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_these_bytes_and_no_others() {
        let tip = ChainPoint { seq: 5, chain: Hash([0xcd; 32]) };
        let record = RecoveryRecord { incarnation: Incarnation([0xab; 16]), tip };
        let bytes = record.encode();
        let (life, chain) = ("ab".repeat(16), "cd".repeat(32));
        let expected = format!("6f662f616761696e01{life}0000000000000005{chain}");
        assert_eq!(hex::encode(&bytes), expected);
        assert_eq!(RecoveryRecord::decode(&bytes), Ok(record));
        for len in 0..bytes.len() {
            assert!(RecoveryRecord::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        for (at, byte) in [(3, 0), (8, 2)] {
            let mut other = bytes.clone();
            other[at] = byte;
            assert!(RecoveryRecord::decode(&other).is_err());
        }
        assert_eq!(RecoveryRecord::decode(&[bytes, vec![0]].concat()), Err(WireError::Trailing));
    }
}
