//! The bytes of sealed chunks, one value for each id.
//!
//! A chunk is written once and never changed. [`ChunkStore::put`] answers when the bytes
//! are flushed. A crash may leave a torn file: the caller knows the expected length from
//! its index (`Table::Chunks`) and verifies the id on opening, so a torn chunk is found,
//! deleted and fetched again, never trusted.

use std::ops::Range;

use offing_core::id::ChunkId;

use super::StoreError;

#[cfg(target_arch = "wasm32")]
pub mod idb;
pub mod memory;
#[cfg(target_arch = "wasm32")]
pub mod opfs;

/// The bytes of sealed chunks.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait ChunkStore {
    /// Stores a chunk; answers when it is flushed. Idempotent.
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError>;

    /// Reads a range of a chunk's bytes; [`StoreError::NotFound`] if the chunk is not here,
    /// [`StoreError::Lost`] if it ends before the range does.
    async fn get(&self, id: ChunkId, range: Range<u64>) -> Result<Vec<u8>, StoreError>;

    /// Tells how many bytes of the chunk are here; `None` if it is not here at all.
    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError>;

    /// Removes a chunk, if it is there.
    async fn delete(&self, id: ChunkId) -> Result<(), StoreError>;

    /// Names every chunk held here, in no order.
    async fn list(&self) -> Result<Vec<ChunkId>, StoreError>;

    /// Tells how many bytes all chunks take.
    async fn usage(&self) -> Result<u64, StoreError>;

    /// Removes every chunk.
    async fn clear(&self) -> Result<(), StoreError>;

    /// Reads a whole chunk; `None` if it is not here.
    async fn get_all(&self, id: ChunkId) -> Result<Option<Vec<u8>>, StoreError> {
        match self.len(id).await? {
            Some(len) => self.get(id, 0..len).await.map(Some),
            None => Ok(None),
        }
    }
}
