//! The store of this session: the browser's, or memory on a borrowed computer.
//!
//! One type for both, so that whoever uses it is compiled once.

use std::ops;

use offing_core::id::ChunkId;

use super::chunks::memory::MemoryChunks;
use super::chunks::{ChunkStore, Framed};
use super::memory::MemoryStore;
use super::{Batch, Direction, Durability, Range, Row, Store, StoreError, Table};

/// The session's store.
#[derive(Debug, Clone)]
pub enum LocalStore {
    /// The browser's database.
    #[cfg(target_arch = "wasm32")]
    Browser(super::idb::IdbStore),
    /// Nothing is written to the disk.
    Memory(MemoryStore),
}

/// Calls the same method on whichever store it is.
macro_rules! on_store {
    ($self:expr, $store:ident => $call:expr) => {
        match $self {
            #[cfg(target_arch = "wasm32")]
            LocalStore::Browser($store) => $call,
            LocalStore::Memory($store) => $call,
        }
    };
}

impl Store for LocalStore {
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        on_store!(self, store => store.get_many(table, keys).await)
    }

    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError> {
        on_store!(self, store => store.scan(table, range, skip, limit, direction).await)
    }

    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        on_store!(self, store => store.scan_keys_many(table, ranges).await)
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        on_store!(self, store => store.count(table, range).await)
    }

    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        on_store!(self, store => store.write(batch, durability).await)
    }
}

/// The session's chunks.
#[derive(Debug, Clone)]
pub enum LocalChunks {
    /// Files of the origin private file system.
    #[cfg(target_arch = "wasm32")]
    Files(super::chunks::opfs::OpfsChunks),
    /// Rows of the browser's database, where there is no such file system.
    #[cfg(target_arch = "wasm32")]
    Rows(super::chunks::idb::IdbChunks),
    /// Nothing is written to the disk.
    Memory(MemoryChunks),
}

macro_rules! on_chunks {
    ($self:expr, $chunks:ident => $call:expr) => {
        match $self {
            #[cfg(target_arch = "wasm32")]
            LocalChunks::Files($chunks) => $call,
            #[cfg(target_arch = "wasm32")]
            LocalChunks::Rows($chunks) => $call,
            LocalChunks::Memory($chunks) => $call,
        }
    };
}

impl ChunkStore for LocalChunks {
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        on_chunks!(self, chunks => chunks.put(id, bytes).await)
    }

    async fn get(&self, id: ChunkId, range: ops::Range<u64>) -> Result<Vec<u8>, StoreError> {
        on_chunks!(self, chunks => chunks.get(id, range).await)
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        on_chunks!(self, chunks => chunks.len(id).await)
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        on_chunks!(self, chunks => chunks.delete(id).await)
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        on_chunks!(self, chunks => chunks.list().await)
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        on_chunks!(self, chunks => chunks.usage().await)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        on_chunks!(self, chunks => chunks.clear().await)
    }

    fn frame_bytes_max(&self) -> usize {
        on_chunks!(self, chunks => chunks.frame_bytes_max())
    }

    async fn frame(&self, list: &[(ChunkId, u64)]) -> Result<Framed, StoreError> {
        on_chunks!(self, chunks => chunks.frame(list).await)
    }
}

/// Opens the browser's database with this name and the chunks beside it, side by side:
/// files if this worker may have them, else rows.
///
/// Chunks that are in one of the two are not looked for in the other, and may be the only copy
/// of what waits for the server. So where rows are, they go on; and files that fail where chunks
/// are in them are a failure, not a reason to begin with rows.
#[cfg(target_arch = "wasm32")]
pub async fn open(name: &str) -> Result<(super::idb::IdbStore, LocalChunks), StoreError> {
    use super::chunks::{idb::IdbChunks, opfs::OpfsChunks};
    use super::idb::IdbStore;
    use futures_util::future::join;
    let tables = async {
        let store = IdbStore::open(name).await?;
        let rows = IdbChunks::new(store.clone());
        let has_rows = rows.has_some().await?;
        Ok::<_, StoreError>((store, rows, has_rows))
    };
    let (tables, files) = join(tables, OpfsChunks::open(name)).await;
    let (store, rows, has_rows) = tables?;
    let chunks = match files {
        _ if has_rows => LocalChunks::Rows(rows),
        Ok(files) => LocalChunks::Files(files),
        Err(error) if store.count(Table::Chunks, &Range::all()).await? > 0 => return Err(error),
        Err(_) => LocalChunks::Rows(rows),
    };
    Ok((store, chunks))
}
