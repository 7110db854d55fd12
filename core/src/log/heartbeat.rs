//! The body of an entry of kind *heartbeat* that countersigns a snapshot.
//!
//! ```text
//! body = version u8 = 1 | hash of the snapshot's entry[32]       sealed
//! ```
//!
//! Its device has read the snapshot and the log after it, and came to what it has itself. The
//! header declares the snapshot's pieces again, so the server sees, blind, that another device
//! vouches for all of them; which snapshot that is stands here, for whoever can open it.

use crate::id::Hash;
use crate::proto::{Reader, WireError};

const VERSION: u8 = 1;

/// What an entry of kind *heartbeat* says, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatBody {
    /// The entry of the snapshot that is countersigned.
    pub snapshot: Hash,
}

impl HeartbeatBody {
    /// Encodes the body.
    pub fn encode(&self) -> Vec<u8> {
        [&[VERSION], self.snapshot.0.as_slice()].concat()
    }

    /// Decodes a body.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => {}
            tag => return Err(WireError::UnknownTag { tag }),
        }
        let body = Self { snapshot: Hash(reader.array()?) };
        reader.finish()?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_these_bytes_and_no_others() {
        let body = HeartbeatBody { snapshot: Hash([0xab; 32]) };
        let bytes = body.encode();
        assert_eq!(hex::encode(&bytes), format!("01{}", "ab".repeat(32)));
        assert_eq!(HeartbeatBody::decode(&bytes), Ok(body));
        for len in 0..bytes.len() {
            assert!(HeartbeatBody::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        let later = [&[VERSION + 1], &bytes[1..]].concat();
        assert_eq!(HeartbeatBody::decode(&later), Err(WireError::UnknownTag { tag: VERSION + 1 }));
        assert_eq!(HeartbeatBody::decode(&[bytes, vec![0]].concat()), Err(WireError::Trailing));
    }
}
