//! The plan that cuts large files into chunks and packs small ones together.
//!
//! Small files of one upload share chunks of up to 1 MiB, so that 2,000 files cost some
//! forty chunks. A packed file is never split, so it has one extent. Chunk boundaries depend
//! on sizes alone, never on content, whose boundaries would fingerprint known files.
//! The plan is lazy and reads nothing.

use crate::limits;

/// A stretch of a file that goes into a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Index of the file in the order the sizes came.
    pub file: usize,
    /// Where in the file it starts.
    pub file_offset: u64,
    /// Where in the chunk it goes.
    pub chunk_offset: u32,
    /// How many bytes; never 0.
    pub len: u32,
}

/// A chunk to be made: parts that follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPlan {
    /// The parts, in order.
    pub parts: Vec<Part>,
}

impl ChunkPlan {
    /// Bytes of plaintext in the chunk.
    pub fn bytes(&self) -> usize {
        self.parts.last().map_or(0, |part| (part.chunk_offset + part.len) as usize)
    }
}

/// Returns the chunk size for a file of this size.
pub fn chunk_bytes(file_bytes: u64) -> usize {
    if file_bytes >= limits::LARGE_FILE_BYTES {
        limits::CHUNK_PLAIN_BYTES_LARGE
    } else {
        limits::CHUNK_PLAIN_BYTES
    }
}

/// Plans the chunks of files with these sizes. Empty files need none.
///
/// A file's parts come in order. The chunk that packs small files comes when it is full, or
/// at the end, so it may come after chunks of files that follow.
pub fn plan<I: IntoIterator<Item = u64>>(sizes: I) -> Plan<I::IntoIter> {
    Plan {
        sizes: sizes.into_iter().enumerate(),
        large: None,
        packed: ChunkPlan { parts: Vec::new() },
    }
}

/// The chunks of an upload; see [`plan`].
#[derive(Debug, Clone)]
pub struct Plan<I> {
    sizes: std::iter::Enumerate<I>,
    large: Option<Large>,
    packed: ChunkPlan,
}

#[derive(Debug, Clone, Copy)]
struct Large {
    file: usize,
    size: u64,
    done: u64,
}

impl<I: Iterator<Item = u64>> Iterator for Plan<I> {
    type Item = ChunkPlan;

    fn next(&mut self) -> Option<ChunkPlan> {
        loop {
            if let Some(large) = &mut self.large {
                let len = (large.size - large.done).min(chunk_bytes(large.size) as u64);
                if len > 0 {
                    let part = Part {
                        file: large.file,
                        file_offset: large.done,
                        chunk_offset: 0,
                        len: u32::try_from(len).expect("at most 4 MiB"),
                    };
                    large.done += len;
                    return Some(ChunkPlan { parts: vec![part] });
                }
                self.large = None;
            }
            let Some((file, size)) = self.sizes.next() else {
                let packed = std::mem::replace(&mut self.packed, ChunkPlan { parts: Vec::new() });
                return (!packed.parts.is_empty()).then_some(packed);
            };
            if size > limits::PACKED_FILE_BYTES_MAX {
                self.large = Some(Large { file, size, done: 0 });
            } else if size > 0
                && let Some(full) = self.add(file, size)
            {
                return Some(full);
            }
        }
    }
}

impl<I> Plan<I> {
    /// Packs a small file; returns the chunk that had no room left for it.
    fn add(&mut self, file: usize, size: u64) -> Option<ChunkPlan> {
        let len = u32::try_from(size).expect("at most PACKED_FILE_BYTES_MAX");
        let used = self.packed.bytes();
        let room = limits::CHUNK_PLAIN_BYTES - used;
        let full = (size as usize > room)
            .then(|| std::mem::replace(&mut self.packed, ChunkPlan { parts: Vec::new() }));
        let chunk_offset = if full.is_some() { 0 } else { used as u32 };
        self.packed.parts.push(Part { file, file_offset: 0, chunk_offset, len });
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_thousand_small_files_share_some_forty_chunks() {
        let chunks: Vec<_> = plan((0..2000).map(|i| 4096 + (i * 37) % 34_000)).collect();
        assert!(chunks.len() < 50, "{}", chunks.len());
    }

    #[test]
    fn a_large_file_is_cut_at_its_chunk_size() {
        let sizes: Vec<_> = plan([(2 << 20) + 1]).map(|c| c.bytes()).collect();
        assert_eq!(sizes, [1 << 20, 1 << 20, 1]);
        assert_eq!(plan([limits::LARGE_FILE_BYTES]).next().unwrap().bytes(), 4 << 20);
    }

    #[test]
    fn empty_files_need_no_chunk() {
        assert_eq!(plan([0, 0]).count(), 0);
    }

    proptest! {
        #[test]
        fn every_byte_of_every_file_is_planned_once_and_in_order(
            sizes in prop::collection::vec(0u64..3_000_000, 0..30),
        ) {
            let mut done = vec![0u64; sizes.len()];
            for chunk in plan(sizes.iter().copied()) {
                let mut at = 0;
                prop_assert!(chunk.bytes() <= limits::CHUNK_PLAIN_BYTES);
                for part in &chunk.parts {
                    prop_assert_eq!(part.chunk_offset, at);
                    prop_assert_eq!(part.file_offset, done[part.file]);
                    prop_assert!(part.len > 0);
                    done[part.file] += u64::from(part.len);
                    at += part.len;
                }
            }
            prop_assert_eq!(done, sizes);
        }
    }
}
