//! Appends to a vault's log and pages of it.
//!
//! Entries stay closed here: `log::entry` parses them. An append is answered entry by entry
//! with what became of each; those are answers, not errors.

use serde::{Deserialize, Serialize};

use super::wire::{Reader, WireError, put_lp};
use crate::id::{ChunkId, Hash, Incarnation, Seq, VaultId};
use crate::limits;

/// The last place of a vault's log, and which life of the server says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The last place; 0 for an empty log.
    pub seq: Seq,
    /// The chain value at that place; zeros for an empty log.
    pub chain: Hash,
    /// The server's life.
    pub incarnation: Incarnation,
}

/// What became of one entry of an append. Protocol answers, not errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum AppendResult {
    /// Durable at this place.
    Ok {
        /// Its place.
        seq: Seq,
        /// The chain value there.
        chain: Hash,
    },
    /// Was durable already.
    Dup {
        /// Its place.
        seq: Seq,
    },
    /// References chunks that the server does not hold; upload them, then append again.
    Missing {
        /// The chunks.
        ids: Vec<ChunkId>,
    },
    /// Names an epoch that is not the current one.
    EpochStale,
    /// This device already has another entry at that counter, or does not follow its last.
    DeviceFork,
    /// This device was taken off the account.
    Revoked,
    /// The account's space is used up.
    Quota,
    /// The entry does not parse, or is for another vault or device.
    Malformed,
    /// An earlier entry of the same append was refused, so this one was not tried.
    Skipped,
}

/// Answer to an append.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// The tip after the append.
    pub tip: Tip,
    /// One result for each entry, in order.
    pub results: Vec<AppendResult>,
}

/// A message on the live socket: the vault has grown to at least this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// The vault.
    pub vault: VaultId,
    /// Its last place.
    pub seq: Seq,
}

/// One item of a page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageItem {
    /// The whole entry, as it was appended.
    Full(Vec<u8>),
    /// An entry whose body the reader holds already (or that was pruned).
    Bare {
        /// The clear header.
        header: Vec<u8>,
        /// The device's signature.
        signature: [u8; 64],
        /// SHA-256 of the body.
        body_hash: Hash,
    },
}

/// A page of the log: the entries after the asked-for place, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The tip when the page was read.
    pub tip: Tip,
    /// The entries at `after + 1`, `after + 2`, …
    pub items: Vec<PageItem>,
}

impl LogPage {
    /// Encodes the page.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.tip.seq.to_be_bytes());
        out.extend_from_slice(&self.tip.chain.0);
        out.extend_from_slice(&self.tip.incarnation.0);
        let count = u32::try_from(self.items.len()).expect("bounded by LOG_PAGE_ENTRIES_MAX");
        out.extend_from_slice(&count.to_be_bytes());
        for item in &self.items {
            match item {
                PageItem::Full(entry) => {
                    out.push(0);
                    put_lp(&mut out, entry);
                }
                PageItem::Bare { header, signature, body_hash } => {
                    out.push(1);
                    put_lp(&mut out, header);
                    out.extend_from_slice(signature);
                    out.extend_from_slice(&body_hash.0);
                }
            }
        }
        out
    }

    /// Decodes a page.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let tip = Tip {
            seq: reader.be64()?,
            chain: Hash(reader.array()?),
            incarnation: Incarnation(reader.array()?),
        };
        let count = reader.be32()? as usize;
        if count > limits::LOG_PAGE_ENTRIES_MAX {
            return Err(WireError::TooLong { max: limits::LOG_PAGE_ENTRIES_MAX });
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(match reader.u8()? {
                0 => PageItem::Full(reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec()),
                1 => PageItem::Bare {
                    header: reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec(),
                    signature: reader.array()?,
                    body_hash: Hash(reader.array()?),
                },
                tag => return Err(WireError::UnknownTag { tag }),
            });
        }
        reader.finish()?;
        Ok(Self { tip, items })
    }
}

/// Encodes an append of wire entries (`log::entry::Entry::encode`).
pub fn encode_append(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = u32::try_from(entries.len()).expect("bounded by APPEND_ENTRIES_MAX");
    out.extend_from_slice(&count.to_be_bytes());
    for entry in entries {
        put_lp(&mut out, entry);
    }
    out
}

/// Encodes wire entries that a server has lost, with the place and the chain before them.
pub fn encode_give_back(after: Seq, chain: &Hash, entries: &[Vec<u8>]) -> Vec<u8> {
    [&after.to_be_bytes()[..], &chain.0, &encode_append(entries)].concat()
}

/// Splits what [`encode_give_back`] put together.
pub fn decode_give_back(bytes: &[u8]) -> Result<(Seq, Hash, Vec<&[u8]>), WireError> {
    let mut reader = Reader::new(bytes);
    let (after, chain) = (reader.be64()?, Hash(reader.array()?));
    Ok((after, chain, decode_append(reader.rest())?))
}

/// Splits an append into wire entries, which are not parsed yet.
pub fn decode_append(bytes: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    let mut reader = Reader::new(bytes);
    let count = reader.be32()? as usize;
    if count > limits::APPEND_ENTRIES_MAX {
        return Err(WireError::TooLong { max: limits::APPEND_ENTRIES_MAX });
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(reader.lp(limits::ENTRY_BYTES_MAX)?);
    }
    reader.finish()?;
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> LogPage {
        LogPage {
            tip: Tip { seq: 9, chain: Hash([3; 32]), incarnation: Incarnation([4; 16]) },
            items: vec![
                PageItem::Full(vec![1, 2, 3]),
                PageItem::Bare { header: vec![5], signature: [6; 64], body_hash: Hash([7; 32]) },
            ],
        }
    }

    #[test]
    fn a_page_survives_the_wire() {
        assert_eq!(LogPage::decode(&page().encode()), Ok(page()));
    }

    #[test]
    fn every_truncation_of_a_page_is_refused() {
        let bytes = page().encode();
        for len in 0..bytes.len() {
            assert!(LogPage::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn an_append_survives_the_wire_and_refuses_what_is_left_over() {
        let mut bytes = encode_append(&[vec![1], vec![], vec![2, 3]]);
        assert_eq!(decode_append(&bytes), Ok(vec![&[1][..], &[], &[2, 3]]));
        bytes.push(0);
        assert_eq!(decode_append(&bytes), Err(WireError::Trailing));
        let bytes = encode_give_back(7, &Hash([5; 32]), &[vec![1]]);
        assert_eq!(decode_give_back(&bytes), Ok((7, Hash([5; 32]), vec![&[1][..]])));
        assert!((0..bytes.len()).all(|len| decode_give_back(&bytes[..len]).is_err()));
    }
}
