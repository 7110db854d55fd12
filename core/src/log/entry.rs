//! A log entry: clear header, sealed body, signature over both.
//!
//! ```text
//! header = "of/entry" | v u8 | kind u8 | lp(vault) | lp(device) | be64 dseq | lp(prev)
//!        | be64 seen_seq | lp(seen_chain) | be32 epoch
//!        | be32 m | m × lp(stream) | be32 n | n × lp(ChunkId)
//! hash   = SHA-256("of/entry-hash" | lp(header) | SHA-256(body))
//! signed = "of/sig" | hash                       ECDSA P-256 over SHA-256, r‖s, 64 bytes
//! wire   = lp(header) | sig[64] | lp(body)
//! ```
//!
//! The genesis entry carries an empty vault, since the vault is named by its hash. The
//! encoding is canonical: a header that does not re-encode to itself is refused, so two
//! byte strings never mean one entry.

use sha2::{Digest, Sha256};

use crate::id::{ChunkId, DeviceId, Hash, Seq, StreamId, VaultId};
use crate::limits;
use crate::proto::{Reader, WireError, put_lp};

const MAGIC: &[u8; 8] = b"of/entry";
const VERSION: u8 = 1;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    /// Changes of any number of streams, in a sealed body.
    Change = 1,
    /// A stream's full state at a place.
    Snapshot = 2,
    /// An epoch record: members and their wraps. The first is the genesis entry.
    Epoch = 3,
    /// A signed "I have seen this much".
    Heartbeat = 4,
    /// Chunks that are dead as of a place.
    Gc = 5,
    /// A device introduces itself with its certificate.
    Device = 6,
    /// A link was made or revoked.
    Share = 7,
    /// A new life of the server is adopted.
    Recovery = 8,
}

impl EntryKind {
    fn from_u8(tag: u8) -> Result<Self, WireError> {
        Ok(match tag {
            1 => Self::Change,
            2 => Self::Snapshot,
            3 => Self::Epoch,
            4 => Self::Heartbeat,
            5 => Self::Gc,
            6 => Self::Device,
            7 => Self::Share,
            8 => Self::Recovery,
            tag => return Err(WireError::UnknownTag { tag }),
        })
    }
}

/// The clear part of an entry: all that the server learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What the entry is about.
    pub kind: EntryKind,
    /// The vault; `None` in the genesis entry only.
    pub vault: Option<VaultId>,
    /// The device that wrote it.
    pub device: DeviceId,
    /// The device's own counter in this vault, dense from 1.
    pub dseq: u64,
    /// Hash of the device's previous entry in this vault; zeros for its first.
    pub prev: Hash,
    /// How much of the log the device had verified when it wrote.
    pub seen_seq: Seq,
    /// The chain value there.
    pub seen_chain: Hash,
    /// The epoch whose secret seals the body.
    pub epoch: u32,
    /// The streams it touches.
    pub streams: Vec<StreamId>,
    /// Every chunk that its content needs.
    pub chunks: Vec<ChunkId>,
}

impl Header {
    /// Says whether it is about contents that die.
    pub fn is_about_contents(&self) -> bool {
        self.streams == [StreamId::CONTENTS]
    }

    /// Says whether it is about the search index that devices share.
    pub fn is_about_index(&self) -> bool {
        self.streams == [StreamId::INDEX]
    }

    /// Encodes the header.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192 + 36 * self.chunks.len());
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.push(self.kind as u8);
        put_lp(&mut out, self.vault.as_ref().map_or(&[][..], |v| &v.0[..]));
        put_lp(&mut out, &self.device.0);
        out.extend_from_slice(&self.dseq.to_be_bytes());
        put_lp(&mut out, &self.prev.0);
        out.extend_from_slice(&self.seen_seq.to_be_bytes());
        put_lp(&mut out, &self.seen_chain.0);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        let count = |len: usize| u32::try_from(len).expect("bounded by limits").to_be_bytes();
        out.extend_from_slice(&count(self.streams.len()));
        for stream in &self.streams {
            put_lp(&mut out, &stream.0);
        }
        out.extend_from_slice(&count(self.chunks.len()));
        for chunk in &self.chunks {
            put_lp(&mut out, &chunk.0);
        }
        out
    }

    /// Decodes a header and checks that it is canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut reader = Reader::new(bytes);
        if &reader.array::<8>()? != MAGIC {
            return Err(EntryError::NotAnEntry);
        }
        let version = reader.u8()?;
        if version != VERSION {
            return Err(EntryError::UnknownVersion { version });
        }
        let kind = EntryKind::from_u8(reader.u8()?)?;
        let vault = match reader.lp(VaultId::LEN)? {
            [] => None,
            bytes => Some(VaultId::from_slice(bytes).ok_or(WireError::Truncated)?),
        };
        let header = Self {
            kind,
            vault,
            device: DeviceId::from_slice(reader.lp(DeviceId::LEN)?).ok_or(WireError::Truncated)?,
            dseq: reader.be64()?,
            prev: Hash::from_slice(reader.lp(Hash::LEN)?).ok_or(WireError::Truncated)?,
            seen_seq: reader.be64()?,
            seen_chain: Hash::from_slice(reader.lp(Hash::LEN)?).ok_or(WireError::Truncated)?,
            epoch: reader.be32()?,
            streams: list(&mut reader, limits::ENTRY_STREAMS_MAX, StreamId::from_slice)?,
            chunks: list(&mut reader, limits::ENTRY_CHUNKS_MAX, ChunkId::from_slice)?,
        };
        reader.finish()?;
        if header.encode() != bytes {
            return Err(EntryError::NotCanonical);
        }
        Ok(header)
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    max: usize,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, EntryError> {
    let count = reader.be32()? as usize;
    if count > max {
        return Err(WireError::TooLong { max }.into());
    }
    let mut items = Vec::with_capacity(count.min(reader.rest().len() / 20));
    for _ in 0..count {
        items.push(parse(reader.lp(32)?).ok_or(WireError::Truncated)?);
    }
    Ok(items)
}

/// A whole entry, as it travels and is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The encoded header, kept as bytes because hash and signature are over them.
    pub header: Vec<u8>,
    /// The device's signature.
    pub signature: [u8; 64],
    /// The body: a SEAL, or clear and signed for epochs and devices.
    pub body: Vec<u8>,
}

impl Entry {
    /// Encodes the entry for the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.header.len() + self.body.len() + 72);
        put_lp(&mut out, &self.header);
        out.extend_from_slice(&self.signature);
        put_lp(&mut out, &self.body);
        out
    }

    /// Decodes an entry; the header is not looked into.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > limits::ENTRY_BYTES_MAX {
            return Err(WireError::TooLong { max: limits::ENTRY_BYTES_MAX }.into());
        }
        let mut reader = Reader::new(bytes);
        let entry = Self {
            header: reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec(),
            signature: reader.array()?,
            body: reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec(),
        };
        reader.finish()?;
        Ok(entry)
    }

    /// SHA-256 of the body.
    pub fn body_hash(&self) -> Hash {
        Hash(Sha256::digest(&self.body).into())
    }

    /// The entry's hash, which does not cover the signature.
    pub fn hash(&self) -> Hash {
        entry_hash(&self.header, &self.body_hash())
    }
}

/// Computes an entry's hash from its encoded header and the hash of its body.
pub fn entry_hash(header: &[u8], body_hash: &Hash) -> Hash {
    let mut framed = Vec::with_capacity(header.len() + 64);
    framed.extend_from_slice(b"of/entry-hash");
    put_lp(&mut framed, header);
    framed.extend_from_slice(&body_hash.0);
    Hash(Sha256::digest(&framed).into())
}

/// The bytes that a device signs for the entry with this hash.
pub fn signed_bytes(hash: &Hash) -> Vec<u8> {
    let mut bytes = b"of/sig".to_vec();
    bytes.extend_from_slice(&hash.0);
    bytes
}

/// Reports bytes that are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The magic is missing.
    #[error("these bytes are not an entry")]
    NotAnEntry,
    /// Written by a later format.
    #[error("unknown entry version {version}")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// Encoded in another way than this version does.
    #[error("the header is not canonical")]
    NotCanonical,
    /// Cut short, too long, or with an unknown tag.
    #[error(transparent)]
    Wire(#[from] WireError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            kind: EntryKind::Change,
            vault: Some(VaultId([1; 32])),
            device: DeviceId([2; 16]),
            dseq: 3,
            prev: Hash([4; 32]),
            seen_seq: 5,
            seen_chain: Hash([6; 32]),
            epoch: 7,
            streams: vec![StreamId([8; 16])],
            chunks: vec![ChunkId([9; 32]), ChunkId([10; 32])],
        }
    }

    #[test]
    fn a_header_survives_its_encoding() {
        assert_eq!(Header::decode(&header().encode()), Ok(header()));
        let genesis = Header { vault: None, kind: EntryKind::Epoch, ..header() };
        assert_eq!(Header::decode(&genesis.encode()), Ok(genesis));
    }

    #[test]
    fn every_truncation_and_every_extension_of_a_header_is_refused() {
        let mut bytes = header().encode();
        for len in 0..bytes.len() {
            assert!(Header::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        bytes.push(0);
        assert!(Header::decode(&bytes).is_err());
    }

    #[test]
    fn a_header_names_as_many_streams_and_chunks_as_it_may_and_no_more() {
        let naming = |streams: usize, chunks: usize| Header {
            streams: vec![StreamId([8; 16]); streams],
            chunks: vec![ChunkId([9; 32]); chunks],
            ..header()
        };
        let most = naming(limits::ENTRY_STREAMS_MAX, limits::ENTRY_CHUNKS_MAX);
        assert_eq!(Header::decode(&most.encode()), Ok(most));
        let too_long = |max| Err(EntryError::Wire(WireError::TooLong { max }));
        let streams = naming(limits::ENTRY_STREAMS_MAX + 1, 0);
        assert_eq!(Header::decode(&streams.encode()), too_long(limits::ENTRY_STREAMS_MAX));
        let chunks = naming(0, limits::ENTRY_CHUNKS_MAX + 1);
        assert_eq!(Header::decode(&chunks.encode()), too_long(limits::ENTRY_CHUNKS_MAX));
    }

    #[test]
    fn every_flipped_byte_changes_the_hash_or_is_refused() {
        let entry = Entry { header: header().encode(), signature: [0; 64], body: vec![1, 2, 3] };
        let wire = entry.encode();
        for at in 0..wire.len() {
            let mut bytes = wire.clone();
            bytes[at] ^= 1;
            let signature = 4 + entry.header.len()..4 + entry.header.len() + 64;
            match Entry::decode(&bytes) {
                Ok(other) if signature.contains(&at) => assert_eq!(other.hash(), entry.hash()),
                Ok(other) => assert_ne!(other.hash(), entry.hash(), "byte {at}"),
                Err(_) => {}
            }
        }
    }
}
