//! How chunks stand in a segment, whatever keeps it.
//!
//! ```text
//! segment = "of/segmt" | be32 version | be32 number | record*
//! record  = "of/chunk" | vault[32] | id[32] | be32 len | be32 crc | bytes[len]
//! crc     = CRC-32 of "of/chunk" | vault | id | be32 len | bytes
//! ```
//!
//! The checksum guards against torn writes only: whether a chunk is what its id says is
//! verified on arrival and again by whoever opens it.

use std::io::{Read, Seek, SeekFrom};

use offing_core::id::{ChunkId, VaultId};
use offing_core::limits;

use super::blob::{BlobError, FoundChunk, Scanned};
use super::meta::Location;

const FILE_MAGIC: &[u8; 8] = b"of/segmt";
const RECORD_MAGIC: &[u8; 8] = b"of/chunk";
const VERSION: u32 = 1;
/// Bytes before the first record.
pub(super) const FILE_HEAD_BYTES: u64 = 16;
/// Bytes of a record before its chunk.
pub(super) const RECORD_HEAD_BYTES: usize = 8 + 32 + 32 + 4 + 4;

/// What a segment begins with.
pub(super) fn file_head(number: u32) -> Vec<u8> {
    let mut head = FILE_MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_be_bytes());
    head.extend_from_slice(&number.to_be_bytes());
    head
}

/// What stands before a chunk.
pub(super) fn record_head(vault: &VaultId, id: &ChunkId, bytes: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(RECORD_HEAD_BYTES);
    head.extend_from_slice(RECORD_MAGIC);
    head.extend_from_slice(&vault.0);
    head.extend_from_slice(&id.0);
    let len = u32::try_from(bytes.len()).expect("chunks are bounded by limits");
    head.extend_from_slice(&len.to_be_bytes());
    let crc = checksum(&head, bytes);
    head.extend_from_slice(&crc.to_be_bytes());
    head
}

/// Visits the whole records of a segment of `len` bytes from an offset, those behind damage too.
pub(super) fn scan(
    reader: &mut (impl Read + Seek),
    len: u64,
    segment: u32,
    from: u64,
    visit: &mut dyn FnMut(FoundChunk),
) -> Result<Scanned, BlobError> {
    let mut head = vec![0; FILE_HEAD_BYTES as usize];
    if reader.read_exact(&mut head).is_err() || head != file_head(segment) {
        return Err(BlobError::UnknownFormat { segment });
    }
    let mut at = from.max(FILE_HEAD_BYTES).min(len);
    reader.seek(SeekFrom::Start(at))?;
    let mut body = Vec::new();
    let mut damaged_bytes = 0;
    loop {
        while let Some(found) = read_record(reader, segment, at, len, &mut body)? {
            at = found.at.offset + u64::from(found.at.len);
            visit(found);
        }
        let Some(next) = next_record(reader, segment, at, len, &mut body)? else {
            return Ok(Scanned { valid_to: at, damaged_bytes, torn_bytes: len - at });
        };
        damaged_bytes += next - at;
        at = next;
        reader.seek(SeekFrom::Start(at))?;
    }
}

fn checksum(head: &[u8], bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(bytes);
    crc.finalize()
}

/// Looks for a whole record behind an offset where there is none.
fn next_record(
    reader: &mut (impl Read + Seek),
    segment: u32,
    after: u64,
    file_len: u64,
    body: &mut Vec<u8>,
) -> Result<Option<u64>, BlobError> {
    let mut from = after + 1;
    let mut window = Vec::new();
    while from + (RECORD_HEAD_BYTES as u64) <= file_len {
        reader.seek(SeekFrom::Start(from))?;
        window.clear();
        reader.by_ref().take(SEARCH_BYTES).read_to_end(&mut window)?;
        let found = window.windows(RECORD_MAGIC.len()).position(|bytes| bytes == RECORD_MAGIC);
        let Some(found) = found else {
            // The word may stand across the border of two windows.
            from += (window.len() + 1).saturating_sub(RECORD_MAGIC.len()).max(1) as u64;
            continue;
        };
        let at = from + found as u64;
        reader.seek(SeekFrom::Start(at))?;
        if read_record(reader, segment, at, file_len, body)?.is_some() {
            return Ok(Some(at));
        }
        from = at + 1;
    }
    Ok(None)
}

/// Bytes of a damaged segment that are searched at one time.
const SEARCH_BYTES: u64 = 64 * 1024;

/// Reads the record at an offset; `None` where there is no whole one.
fn read_record(
    reader: &mut impl Read,
    segment: u32,
    at: u64,
    file_len: u64,
    body: &mut Vec<u8>,
) -> Result<Option<FoundChunk>, BlobError> {
    if file_len - at < RECORD_HEAD_BYTES as u64 {
        return Ok(None);
    }
    let mut head = [0; RECORD_HEAD_BYTES];
    reader.read_exact(&mut head)?;
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (len, crc) = (word(72), word(76));
    let offset = at + RECORD_HEAD_BYTES as u64;
    let plausible = &head[..8] == RECORD_MAGIC
        && len as usize <= limits::CHUNK_SEALED_BYTES_MAX
        && u64::from(len) <= file_len - offset;
    if !plausible {
        return Ok(None);
    }
    body.resize(len as usize, 0);
    reader.read_exact(body)?;
    if checksum(&head[..76], body) != crc {
        return Ok(None);
    }
    let vault = VaultId::from_slice(&head[8..40]).expect("32 bytes");
    let id = ChunkId::from_slice(&head[40..72]).expect("32 bytes");
    Ok(Some(FoundChunk { vault, id, at: Location { segment, offset, len } }))
}
