//! Looks whether what the index names is there, and is what its id says.
//!
//! It only reads, so it can run beside a server that writes: a chunk that moved meanwhile is
//! looked for at its new place.

use offing_core::id::ChunkId;
use sha2::{Digest as _, Sha256};

use super::blob::{BlobError, BlobReader};
use super::meta::{MetaResult, MetaStore, StoredChunk};

/// What is wrong with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its bytes are not there.
    Missing,
    /// They are not what its id says.
    Rotten,
    /// They could not be read now.
    Unreadable,
}

/// What a check of chunks read and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Chunks.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Chunks whose bytes are not there.
    pub missing: u64,
    /// Chunks whose bytes are not what their ids say.
    pub rotten: u64,
    /// Chunks whose bytes could not be read.
    pub unreadable: u64,
}

impl Checked {
    /// Says whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.missing == 0 && self.rotten == 0 && self.unreadable == 0
    }

    /// Counts what another check counted.
    pub fn add(&mut self, other: &Self) {
        self.chunks += other.chunks;
        self.bytes += other.bytes;
        self.missing += other.missing;
        self.rotten += other.rotten;
        self.unreadable += other.unreadable;
    }

    /// Counts a chunk.
    pub fn count(&mut self, chunk: &StoredChunk, fault: Option<Fault>) {
        self.chunks += 1;
        self.bytes += u64::from(chunk.at.len);
        match fault {
            None => {}
            Some(Fault::Missing) => self.missing += 1,
            Some(Fault::Rotten) => self.rotten += 1,
            Some(Fault::Unreadable) => self.unreadable += 1,
        }
    }
}

/// Reads a chunk of the index, and says what is wrong with it.
pub fn check_chunk(
    meta: &dyn MetaStore,
    reader: &dyn BlobReader,
    chunk: &StoredChunk,
) -> MetaResult<Option<Fault>> {
    let mut bytes = Vec::new();
    let fault = look(reader, chunk, &mut bytes);
    if fault.is_none() {
        return Ok(None);
    }
    let (vault, id) = (chunk.vault, chunk.id);
    Ok(match meta.read_blocking(move |state| state.chunk(&vault, &id))? {
        Some(now) if now.at == chunk.at => fault,
        Some(moved) => look(reader, &moved, &mut bytes),
        None => None,
    })
}

/// Reads a chunk's bytes, and says what is wrong with them.
pub(crate) fn look(
    reader: &dyn BlobReader,
    chunk: &StoredChunk,
    bytes: &mut Vec<u8>,
) -> Option<Fault> {
    match read_whole(reader, chunk, bytes) {
        Ok(true) => None,
        Ok(false) => Some(Fault::Rotten),
        Err(BlobError::SegmentGone { .. } | BlobError::SegmentShort { .. }) => Some(Fault::Missing),
        Err(error) => {
            tracing::error!(%error, segment = chunk.at.segment, "a chunk cannot be read");
            Some(Fault::Unreadable)
        }
    }
}

/// Reads a chunk's bytes, and says whether they are still what its id says.
pub(crate) fn read_whole(
    reader: &dyn BlobReader,
    chunk: &StoredChunk,
    bytes: &mut Vec<u8>,
) -> Result<bool, BlobError> {
    bytes.resize(chunk.at.len as usize, 0);
    reader.read_at(chunk.at.segment, chunk.at.offset, bytes)?;
    Ok(ChunkId(Sha256::digest(&bytes).into()) == chunk.id)
}
