//! Chunks in memory: for tests, and for sessions on a borrowed computer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use offing_core::id::ChunkId;

use super::{ChunkStore, StoreError};

/// Chunks in memory; clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryChunks {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    chunks: BTreeMap<ChunkId, Vec<u8>>,
    fault: Option<StoreError>,
    bytes_max: Option<u64>,
}

impl Shared {
    fn bytes(&self) -> u64 {
        self.chunks.values().map(|bytes| bytes.len() as u64).sum()
    }
}

impl MemoryChunks {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes later puts fail, or heals the store.
    pub fn inject(&self, fault: Option<StoreError>) {
        self.shared.borrow_mut().fault = fault;
    }

    /// Makes puts fail that would take more space in all than this.
    pub fn bound(&self, bytes_max: Option<u64>) {
        self.shared.borrow_mut().bytes_max = bytes_max;
    }

    /// Cuts a chunk short, as a crash may do.
    pub fn tear(&self, id: ChunkId, len: usize) {
        if let Some(bytes) = self.shared.borrow_mut().chunks.get_mut(&id) {
            bytes.truncate(len);
        }
    }
}

impl ChunkStore for MemoryChunks {
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        let mut shared = self.shared.borrow_mut();
        if shared.chunks.get(&id).is_some_and(|held| held == bytes) {
            return Ok(());
        }
        if let Some(fault) = shared.fault.clone() {
            shared.chunks.remove(&id);
            return Err(fault);
        }
        if shared.bytes_max.is_some_and(|max| shared.bytes() + bytes.len() as u64 > max) {
            return Err(StoreError::Full);
        }
        shared.chunks.insert(id, bytes.to_vec());
        Ok(())
    }

    async fn get(&self, id: ChunkId, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let shared = self.shared.borrow();
        let bytes = shared.chunks.get(&id).ok_or(StoreError::NotFound)?;
        let start = usize::try_from(range.start).map_err(|_| StoreError::Lost)?;
        let end = usize::try_from(range.end).map_err(|_| StoreError::Lost)?;
        bytes.get(start..end).map(<[u8]>::to_vec).ok_or(StoreError::Lost)
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        Ok(self.shared.borrow().chunks.get(&id).map(|bytes| bytes.len() as u64))
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        self.shared.borrow_mut().chunks.remove(&id);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        Ok(self.shared.borrow().chunks.keys().copied().collect())
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        Ok(self.shared.borrow().bytes())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.shared.borrow_mut().chunks.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::store::conformance;

    #[test]
    fn the_memory_chunks_conform() {
        block_on(conformance::run_chunks(&MemoryChunks::new()));
    }

    #[test]
    fn a_put_into_full_memory_harms_nothing() {
        let chunks = MemoryChunks::new();
        let full = |full: bool| chunks.inject(full.then_some(StoreError::Full));
        block_on(conformance::run_full_chunks(&chunks, full));
    }

    #[test]
    fn a_torn_chunk_is_lost_not_short() {
        let chunks = MemoryChunks::new();
        let id = ChunkId([1; 32]);
        block_on(chunks.put(id, b"whole")).unwrap();
        chunks.tear(id, 2);
        assert_eq!(block_on(chunks.len(id)), Ok(Some(2)));
        assert_eq!(block_on(chunks.get(id, 0..5)), Err(StoreError::Lost));
    }
}
