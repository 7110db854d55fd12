//! The bytes of sealed chunks, one value for each id.
//!
//! A chunk is written once and never changed. [`ChunkStore::put`] answers when the bytes
//! are flushed, and never harms bytes that are here whole, however it ends. A crash may
//! leave a torn file: the caller knows the expected length from its index (`Table::Chunks`)
//! and verifies the id on opening, so a torn chunk is found, deleted and fetched again,
//! never trusted.

use std::ops::Range;

use offing_core::id::ChunkId;
use offing_core::proto;

use super::StoreError;

#[cfg(target_arch = "wasm32")]
pub mod idb;
pub mod memory;
#[cfg(target_arch = "wasm32")]
pub mod opfs;

/// Most bytes of a batch of chunks that is put together in memory.
const FRAMED_IN_MEMORY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Chunks framed for the wire (`proto::encode_chunk_batch`).
#[derive(Debug, Clone)]
pub enum Framed {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// What the browser puts together while it sends: heads from memory, chunks from the
    /// disk. Through this worker's memory their bytes would be copied five times.
    #[cfg(target_arch = "wasm32")]
    Blob(web_sys::Blob),
}

impl Framed {
    /// Its length.
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            #[cfg(target_arch = "wasm32")]
            Self::Blob(blob) => blob.size() as u64,
        }
    }
}

/// The bytes of sealed chunks.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait ChunkStore {
    /// Stores a chunk; answers when it is flushed. Idempotent: what is here whole stays as it
    /// is and needs no space. A put that fails leaves what was whole before, or nothing.
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

    /// Most bytes of a batch of chunks that [`Self::frame`] should be asked for: what it
    /// makes is held in memory, for each batch under way.
    fn frame_bytes_max(&self) -> usize {
        FRAMED_IN_MEMORY_BYTES_MAX
    }

    /// Frames chunks, of the lengths that [`Self::len`] told, for the wire.
    async fn frame(&self, chunks: &[(ChunkId, u64)]) -> Result<Framed, StoreError> {
        let total: u64 = chunks.iter().map(|(_, len)| len + proto::CHUNK_HEAD_BYTES as u64).sum();
        let mut framed = Vec::with_capacity(usize::try_from(total).map_err(|_| StoreError::Lost)?);
        for (id, len) in chunks {
            let bytes = self.get(*id, 0..*len).await?;
            proto::put_chunk_head(&mut framed, id, bytes.len());
            framed.extend_from_slice(&bytes);
        }
        Ok(Framed::Bytes(framed))
    }

    /// Reads a whole chunk; `None` if it is not here.
    async fn get_all(&self, id: ChunkId) -> Result<Option<Vec<u8>>, StoreError> {
        match self.len(id).await? {
            Some(len) => self.get(id, 0..len).await.map(Some),
            None => Ok(None),
        }
    }
}
