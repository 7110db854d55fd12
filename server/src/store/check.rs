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
}

impl Checked {
    /// Says whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.missing == 0 && self.rotten == 0
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.chunks += other.chunks;
        self.bytes += other.bytes;
        self.missing += other.missing;
        self.rotten += other.rotten;
    }
}

/// Reads the chunks that the index has in a segment. After each, `told` hears what is wrong with
/// it, and may take its time.
pub fn check_segment(
    meta: &dyn MetaStore,
    reader: &dyn BlobReader,
    segment: u32,
    told: &mut dyn FnMut(&StoredChunk, Option<Fault>),
) -> MetaResult<Checked> {
    let (mut checked, mut bytes) = (Checked::default(), Vec::new());
    for chunk in meta.read_blocking(move |state| state.chunks_in(segment))? {
        let mut fault = look(reader, &chunk, &mut bytes);
        if fault.is_some() {
            let (vault, id) = (chunk.vault, chunk.id);
            fault = match meta.read_blocking(move |state| state.chunk(&vault, &id))? {
                Some(now) if now.at == chunk.at => fault,
                Some(moved) => look(reader, &moved, &mut bytes),
                None => None,
            };
        }
        checked.chunks += 1;
        checked.bytes += u64::from(chunk.at.len);
        checked.missing += u64::from(fault == Some(Fault::Missing));
        checked.rotten += u64::from(fault == Some(Fault::Rotten));
        told(&chunk, fault);
    }
    Ok(checked)
}

fn look(reader: &dyn BlobReader, chunk: &StoredChunk, bytes: &mut Vec<u8>) -> Option<Fault> {
    match read_whole(reader, chunk, bytes) {
        Ok(true) => None,
        Ok(false) => Some(Fault::Rotten),
        Err(BlobError::SegmentGone { .. } | BlobError::SegmentShort { .. }) => Some(Fault::Missing),
        Err(error) => {
            tracing::error!(%error, segment = chunk.at.segment, "a chunk cannot be read");
            Some(Fault::Missing)
        }
    }
}

/// Reads a chunk's bytes, and says whether they are still what its id says.
pub(super) fn read_whole(
    reader: &dyn BlobReader,
    chunk: &StoredChunk,
    bytes: &mut Vec<u8>,
) -> Result<bool, BlobError> {
    bytes.resize(chunk.at.len as usize, 0);
    reader.read_at(chunk.at.segment, chunk.at.offset, bytes)?;
    Ok(ChunkId(Sha256::digest(&bytes).into()) == chunk.id)
}
