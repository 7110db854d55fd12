//! Deltas: what of a new content stands in the revision before it already.
//!
//! The manifest of a large file carries a signature of each block of its plaintext: a
//! rolling checksum and a keyed hash. When the file is uploaded again its bytes are scanned
//! against them, so the old content need not be on the device. Known blocks become extents
//! into chunks that the server has, at whatever offset they now stand; the rest, the
//! *literals*, is gathered into ordinary chunks, so lengths of single changes do not show.
//!
//! The hash is SipHash-2-4 under a key of the vault and epoch. A collision would put the
//! wrong bytes into a file, so nobody without that key must be able to look for one.
//! `docs/format.md`, "Block signatures".

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::chunk::ContentKey;
use super::manifest::{BlockSignatures, Extent, Manifest};
use super::pack;
use crate::crypto::CryptoError;
use crate::crypto::hazmat::Crypto;
use crate::id::{ChunkId, VaultId};
use crate::limits;

/// Multiplier of the rolling checksum: 2^64 divided by the golden ratio, an odd number.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bits of the filter that most positions fail.
const FILTER_BITS: u32 = 20;
/// Blocks of one checksum that are compared before a position counts as new.
const CANDIDATES_MAX: usize = 8;
/// Bytes of content for each extent of a delta, below which it is given up: a file in ever
/// smaller pieces would be slow to read.
const EXTENT_BYTES_MIN: u64 = 16 * 1024;
/// Extents that a delta may have in any case.
const EXTENTS_FREE: usize = 256;

/// Keys the hashes of blocks; one for each vault and epoch.
#[derive(Clone)]
pub struct BlockKey([u8; 16]);

impl BlockKey {
    /// Derives the key from an epoch's secret.
    pub async fn derive<C: Crypto>(
        crypto: &C,
        secret: &C::Secret,
        vault: &VaultId,
    ) -> Result<Self, CryptoError> {
        let prf = crypto.derive_mac(secret, &vault.0, b"of/blocks").await?;
        let bytes = crypto.mac(&prf, &[]).await?;
        Ok(Self(bytes[..16].try_into().expect("16 of 32 bytes")))
    }

    fn hash(&self, block: &[u8]) -> [u8; 8] {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(block);
        hasher.finish().to_be_bytes()
    }
}

/// Says how long the blocks of a file of this size are; `None` if it gets no signatures,
/// because it is sent again as quickly.
pub fn block_bytes(file_bytes: u64) -> Option<u32> {
    if file_bytes < limits::SIGNED_FILE_BYTES_MIN {
        return None;
    }
    let at_least = file_bytes.div_ceil(limits::BLOCKS_MAX as u64);
    let bytes = at_least.next_power_of_two().max(u64::from(limits::BLOCK_BYTES_MIN));
    u32::try_from(bytes).ok()
}

/// Signs the blocks of a content that comes in pieces. What is left of a block at its end
/// is not signed.
pub struct BlockSigner {
    key: BlockKey,
    block_bytes: usize,
    begun: Vec<u8>,
    blocks: Vec<(u32, [u8; 8])>,
}

impl BlockSigner {
    /// Begins to sign blocks of this length, which [`block_bytes`] gives.
    pub fn new(key: BlockKey, block_bytes: u32) -> Self {
        let block_bytes = block_bytes as usize;
        Self { key, block_bytes, begun: Vec::new(), blocks: Vec::new() }
    }

    /// Goes on with the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if !self.begun.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(self.block_bytes - self.begun.len()));
            self.begun.extend_from_slice(head);
            rest = tail;
            if self.begun.len() < self.block_bytes {
                return;
            }
            let block = std::mem::take(&mut self.begun);
            self.sign(&block);
        }
        let blocks = rest.chunks_exact(self.block_bytes);
        self.begun.extend_from_slice(blocks.remainder());
        blocks.for_each(|block| self.sign(block));
    }

    /// The signatures of all whole blocks.
    pub fn finish(self) -> BlockSignatures {
        let block_bytes = u32::try_from(self.block_bytes).expect("`block_bytes` gave it");
        BlockSignatures { block_bytes, blocks: self.blocks }
    }

    fn sign(&mut self, block: &[u8]) {
        self.blocks.push((checksum(roll_over(block)), self.key.hash(block)));
    }
}

/// Weaves a new content out of an old one's extents and of literals.
pub struct Weaver<'a> {
    old: &'a Manifest,
    key: BlockKey,
    index: Index,
    /// What of the content is not woven yet; the window begins at `at`.
    ahead: Vec<u8>,
    at: usize,
    /// Where in `ahead` the literal begins that the window has gone through.
    literal_at: usize,
    /// The rolling sum of the window, once it was worked out.
    sum: Option<u64>,
    /// The block that would follow the last one that was known.
    next: Option<usize>,
    threads: Vec<Thread>,
    chunk_bytes: usize,
    chunks: usize,
    literal: Vec<u8>,
    extents_max: usize,
}

/// A stretch of the new content.
#[derive(Debug, Clone, Copy)]
enum Thread {
    /// Bytes of the old content.
    Old { start: u64, len: u64 },
    /// Bytes of a chunk of literals.
    New { chunk: usize, offset: u32, len: u32 },
}

/// A content that was woven; it lacks only the names of the new chunks.
#[derive(Debug)]
pub struct Woven<'a> {
    old: &'a Manifest,
    threads: Vec<Thread>,
}

impl<'a> Weaver<'a> {
    /// Begins to weave a content of `size` bytes; `None` if the old one has no signatures.
    pub fn new(old: &'a Manifest, key: BlockKey, size: u64) -> Option<Self> {
        let signatures = old.signatures.as_ref()?;
        let index = Index::new(signatures, old.size)?;
        let by_size = usize::try_from(size / EXTENT_BYTES_MIN).unwrap_or(usize::MAX);
        Some(Self {
            old,
            key,
            index,
            ahead: Vec::new(),
            at: 0,
            literal_at: 0,
            sum: None,
            next: None,
            threads: Vec::new(),
            chunk_bytes: pack::chunk_bytes(size),
            chunks: 0,
            literal: Vec::new(),
            extents_max: by_size.saturating_add(EXTENTS_FREE).min(limits::EXTENTS_MAX / 2),
        })
    }

    /// Goes on with the next piece; returns the chunks of literals that are full, in order.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        self.ahead.extend_from_slice(piece);
        let mut full = Vec::new();
        let block = self.index.block_bytes;
        while self.at + block <= self.ahead.len() {
            let window = &self.ahead[self.at..self.at + block];
            let sum = *self.sum.get_or_insert_with(|| roll_over(window));
            if self.threads.len() < self.extents_max
                && let Some(known) = self.index.find(checksum(sum), window, &self.key, self.next)
            {
                self.take_literal(&mut full);
                self.take_known(known);
                self.at += block;
                (self.literal_at, self.sum, self.next) = (self.at, None, Some(known + 1));
            } else if let Some(entering) = self.ahead.get(self.at + block) {
                self.sum = Some(self.index.roll(sum, self.ahead[self.at], *entering));
                self.at += 1;
            } else {
                break;
            }
        }
        self.take_literal(&mut full);
        self.ahead.drain(..self.at);
        (self.at, self.literal_at) = (0, 0);
        full
    }

    /// Ends the content; returns the last chunk of literals, which may be empty.
    pub fn finish(mut self) -> (Vec<Vec<u8>>, Woven<'a>) {
        let mut full = Vec::new();
        self.at = self.ahead.len();
        self.take_literal(&mut full);
        if !self.literal.is_empty() {
            full.push(std::mem::take(&mut self.literal));
        }
        (full, Woven { old: self.old, threads: self.threads })
    }

    fn take_known(&mut self, known: usize) {
        let len = self.index.block_bytes as u64;
        let start = known as u64 * len;
        match self.threads.last_mut() {
            Some(Thread::Old { start: first, len: before }) if *first + *before == start => {
                *before += len;
            }
            _ => self.threads.push(Thread::Old { start, len }),
        }
    }

    /// Adds what the window has gone through to the chunk of literals.
    fn take_literal(&mut self, full: &mut Vec<Vec<u8>>) {
        while self.literal_at < self.at {
            let room = self.chunk_bytes - self.literal.len();
            let end = self.at.min(self.literal_at + room);
            let bytes = &self.ahead[self.literal_at..end];
            let offset = u32::try_from(self.literal.len()).expect("below a chunk's length");
            let len = u32::try_from(bytes.len()).expect("at most a chunk's length");
            self.literal.extend_from_slice(bytes);
            self.literal_at = end;
            match self.threads.last_mut() {
                Some(Thread::New { chunk, len: before, .. }) if *chunk == self.chunks => {
                    *before += len;
                }
                _ => self.threads.push(Thread::New { chunk: self.chunks, offset, len }),
            }
            if self.literal.len() == self.chunk_bytes {
                full.push(std::mem::take(&mut self.literal));
                self.chunks += 1;
            }
        }
    }
}

impl Woven<'_> {
    /// The extents of the new content; `chunks` names the chunks of literals in order.
    pub fn extents(&self, chunks: &[(ChunkId, ContentKey)]) -> Vec<Extent> {
        let mut extents = Vec::new();
        for thread in &self.threads {
            match *thread {
                Thread::Old { start, len } => extents.extend(self.old.range(start, start + len)),
                Thread::New { chunk, offset, len } => {
                    let (chunk, key) = chunks[chunk];
                    extents.push(Extent { chunk, key, offset, len });
                }
            }
        }
        extents
    }
}

/// Finds blocks by their signatures.
struct Index {
    block_bytes: usize,
    /// What the byte that leaves the window counts for.
    leaving: u64,
    filter: Vec<u64>,
    /// By checksum; those of one checksum in their order.
    sorted: Vec<(u32, u32)>,
    blocks: Vec<(u32, [u8; 8])>,
}

impl Index {
    /// Indexes signatures; `None` if they are not ones of a content of this size.
    fn new(signatures: &BlockSignatures, size: u64) -> Option<Self> {
        let block_bytes = signatures.block_bytes;
        let signed = u64::from(block_bytes) * signatures.blocks.len() as u64;
        if !block_bytes.is_power_of_two() || signatures.blocks.is_empty() || signed > size {
            return None;
        }
        let mut sorted: Vec<(u32, u32)> =
            signatures.blocks.iter().zip(0..).map(|((sum, _), place)| (*sum, place)).collect();
        sorted.sort_unstable();
        let mut filter = vec![0; 1 << (FILTER_BITS - 6)];
        for (sum, _) in &sorted {
            let bit = sum >> (32 - FILTER_BITS);
            filter[bit as usize >> 6] |= 1 << (bit & 63);
        }
        let leaving = (1..block_bytes).fold(1u64, |power, _| power.wrapping_mul(BASE));
        let blocks = signatures.blocks.clone();
        Some(Self { block_bytes: block_bytes as usize, leaving, filter, sorted, blocks })
    }

    fn find(
        &self,
        sum: u32,
        window: &[u8],
        key: &BlockKey,
        expected: Option<usize>,
    ) -> Option<usize> {
        let bit = sum >> (32 - FILTER_BITS);
        if self.filter[bit as usize >> 6] & (1 << (bit & 63)) == 0 {
            return None;
        }
        let first = self.sorted.partition_point(|(other, _)| *other < sum);
        let same = self.sorted[first..].iter().take_while(|(other, _)| *other == sum);
        let mut same = same.take(CANDIDATES_MAX).map(|(_, place)| *place as usize).peekable();
        same.peek()?;
        let hash = key.hash(window);
        let is = |place: &usize| self.blocks.get(*place) == Some(&(sum, hash));
        // Going on in order keeps extents few, where blocks are alike.
        expected.filter(is).or_else(|| same.find(is))
    }

    fn roll(&self, sum: u64, leaving: u8, entering: u8) -> u64 {
        let rest = sum.wrapping_sub((u64::from(leaving) + 1).wrapping_mul(self.leaving));
        rest.wrapping_mul(BASE).wrapping_add(u64::from(entering) + 1)
    }
}

/// The sum of a window: a polynomial in [`BASE`] of its bytes, each one more than it is, so
/// that zeros count.
fn roll_over(window: &[u8]) -> u64 {
    const POWERS: [u64; 8] = powers();
    let fold = |sum: u64, byte: &u8| sum.wrapping_mul(BASE).wrapping_add(u64::from(*byte) + 1);
    let (eights, rest) = window.as_chunks::<8>();
    // Eight at once: each step would wait for the one before.
    let sum = eights.iter().fold(0u64, |sum, eight| {
        let terms = eight.iter().rev().zip(POWERS);
        let added = terms.map(|(byte, power)| (u64::from(*byte) + 1).wrapping_mul(power));
        let added = added.fold(0, u64::wrapping_add);
        sum.wrapping_mul(POWERS[7].wrapping_mul(BASE)).wrapping_add(added)
    });
    rest.iter().fold(sum, fold)
}

const fn powers() -> [u64; 8] {
    let mut powers = [1u64; 8];
    let mut place = 1;
    while place < 8 {
        powers[place] = powers[place - 1].wrapping_mul(BASE);
        place += 1;
    }
    powers
}

/// The stored checksum: the upper half, which all bytes reach.
fn checksum(sum: u64) -> u32 {
    (sum >> 32) as u32
}

#[cfg(test)]
mod tests;
