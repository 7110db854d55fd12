//! Reclaims segments that are mostly dead.
//!
//! Removing a segment destroys what is in it, so it happens only where every byte is
//! accounted for: the segment reads whole from its first record to its last, the records are
//! those that the index counts as live or as dead, and each live chunk still hashes to its
//! id when it is copied. Whatever else is found (records of a vault that this database does
//! not know, bytes that rotted) sets the segment aside until the next start: somebody may
//! still bring the right database, or a repair. Work is bounded per call.

use offing_core::id::{ChunkId, VaultId};

use super::{ChunkStoreError, Durability, Keeper, StoredChunk};
use crate::store::blob::BlobError;
use crate::store::check::read_whole;
use crate::store::meta::{Location, SegmentRow};

/// Most segments that one call reclaims; the next call goes on.
const RECLAIMED_MAX: usize = 4;

/// Reports why a segment is left as it is.
#[derive(Debug, thiserror::Error)]
enum Left {
    #[error("its records hold {found_bytes} bytes, the index knows {known_bytes}")]
    Unknown { found_bytes: u64, known_bytes: u64 },
    #[error("{bytes} of its bytes are no whole record")]
    Damaged { bytes: u64 },
    #[error("chunk {id} of vault {vault} is damaged")]
    Rotten { vault: VaultId, id: ChunkId },
}

impl Keeper {
    pub(super) fn compact(&mut self) -> Result<usize, ChunkStoreError> {
        let rows = self.meta.read_blocking(|state| state.segments())?;
        let mut removed = 0;
        for row in rows {
            if removed == RECLAIMED_MAX {
                break;
            }
            let left = row.segment == self.blobs.active() || self.set_aside.contains(&row.segment);
            if left || !self.is_mostly_dead(&row)? {
                continue;
            }
            match self.reclaim(&row)? {
                Ok(()) => removed += 1,
                Err(why) => {
                    tracing::error!(segment = row.segment, %why, "a segment is not reclaimed");
                    self.set_aside.insert(row.segment);
                }
            }
        }
        self.syncs.store(self.blobs.syncs(), std::sync::atomic::Ordering::Relaxed);
        Ok(removed)
    }

    fn is_mostly_dead(&self, row: &SegmentRow) -> Result<bool, ChunkStoreError> {
        match self.blobs.segment_bytes(row.segment) {
            Ok(bytes) => Ok(row.dead_bytes > 0 && row.dead_bytes.saturating_mul(2) >= bytes),
            // Lost, which the start has told; there is nothing to reclaim.
            Err(BlobError::SegmentGone { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies what lives in a segment to the end of the active one, then removes it.
    fn reclaim(&mut self, row: &SegmentRow) -> Result<Result<(), Left>, ChunkStoreError> {
        let segment = row.segment;
        let mut found_bytes = 0;
        let scanned = self.blobs.scan(segment, 0, &mut |found| {
            found_bytes += u64::from(found.at.len);
        })?;
        let bytes = scanned.torn_bytes + scanned.damaged_bytes;
        if bytes > 0 {
            return Ok(Err(Left::Damaged { bytes }));
        }
        let chunks = self.meta.read_blocking(move |state| state.chunks_in(segment))?;
        let live_bytes: u64 = chunks.iter().map(|chunk| u64::from(chunk.at.len)).sum();
        let known_bytes = live_bytes + row.dead_bytes;
        if found_bytes != known_bytes {
            return Ok(Err(Left::Unknown { found_bytes, known_bytes }));
        }
        if self.blobs.is_full() {
            self.blobs.rotate()?;
        }
        let active = self.blobs.active();
        let end = self.blobs.segment_bytes(active)?;
        let places = match self.copy(&chunks) {
            Ok(Ok(places)) => places,
            // Copies that no row will name must not pile up with every try.
            Ok(Err(StoredChunk { vault, id, .. })) => {
                self.blobs.cut(active, end)?;
                return Ok(Err(Left::Rotten { vault, id }));
            }
            Err(error) => {
                self.blobs.cut(active, end)?;
                return Err(error);
            }
        };
        // The old bytes go only when the rows that point to the new ones cannot be lost.
        self.meta.write_blocking(Durability::Now, move |tx| {
            for (chunk, at) in chunks.iter().zip(places) {
                tx.mark_indexed(at.segment, at.end())?;
                // An append may have declared the chunk meanwhile; only the place moves. Another
                // process may have moved it, or taken it away; then nobody needs the copy.
                match tx.chunk(&chunk.vault, &chunk.id)? {
                    Some(row) if row.at == chunk.at => tx.put_chunk(&StoredChunk { at, ..row })?,
                    Some(_) | None => tx.add_dead_bytes(at.segment, u64::from(at.len))?,
                }
            }
            tx.remove_segment(segment)
        })?;
        self.blobs.remove(segment)?;
        Ok(Ok(()))
    }

    /// Writes the chunks again, durably, and says their new places; stops at one whose bytes
    /// are not what its id says.
    fn copy(
        &mut self,
        chunks: &[StoredChunk],
    ) -> Result<Result<Vec<Location>, StoredChunk>, ChunkStoreError> {
        let reader = self.blobs.reader();
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(chunks.len()));
        for chunk in chunks {
            if !read_whole(&*reader, chunk, &mut bytes)? {
                return Ok(Err(*chunk));
            }
            places.push(self.blobs.write(&chunk.vault, &chunk.id, &bytes)?);
        }
        self.blobs.sync()?;
        Ok(Ok(places))
    }
}
