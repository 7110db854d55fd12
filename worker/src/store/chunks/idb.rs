//! Chunks as rows of IndexedDB: the fallback where the browser has no private file system.

use std::ops::Range;

use offing_core::id::ChunkId;
use wasm_bindgen::JsValue;

use super::{ChunkStore, StoreError};
use crate::platform::js;
use crate::store::idb::{CHUNK_BYTES, IdbStore};

/// Chunks in a table of their own, beside those of a store.
#[derive(Debug, Clone)]
pub struct IdbChunks {
    store: IdbStore,
}

impl IdbChunks {
    /// The chunks beside the tables of a store.
    pub fn new(store: IdbStore) -> Self {
        Self { store }
    }

    /// Says whether any chunk is here.
    pub async fn has_some(&self) -> Result<bool, StoreError> {
        Ok(!self.store.raw_keys(CHUNK_BYTES, 1).await?.is_empty())
    }

    async fn value(&self, key: &JsValue) -> Result<Option<js_sys::Uint8Array>, StoreError> {
        let value = self.store.raw_get(CHUNK_BYTES, key).await?;
        Ok((!value.is_undefined()).then(|| js_sys::Uint8Array::new(&value)))
    }
}

fn key(id: &ChunkId) -> JsValue {
    js::to_js(&id.0).into()
}

impl ChunkStore for IdbChunks {
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        let (key, value) = (key(&id), js::to_js(bytes));
        let written = self
            .store
            .raw_write(CHUNK_BYTES, |chunks| chunks.put_with_key(&value, &key).map(drop))
            .await;
        if written.is_err()
            && let Ok(Some(held)) = self.value(&key).await
            && held.to_vec() == bytes
        {
            // The transaction left it as it was, which is what was wanted.
            return Ok(());
        }
        written
    }

    async fn get(&self, id: ChunkId, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let value = self.value(&key(&id)).await?.ok_or(StoreError::NotFound)?;
        if range.start > range.end || range.end > u64::from(value.length()) {
            return Err(StoreError::Lost);
        }
        Ok(value.subarray(range.start as u32, range.end as u32).to_vec())
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        Ok(self.value(&key(&id)).await?.map(|value| u64::from(value.length())))
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        let key = key(&id);
        self.store.raw_write(CHUNK_BYTES, |chunks| chunks.delete(&key).map(drop)).await
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        let keys = self.store.raw_keys(CHUNK_BYTES, u32::MAX).await?;
        Ok(keys.iter().filter_map(|key| ChunkId::from_slice(&js::to_bytes(key))).collect())
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for key in self.store.raw_keys(CHUNK_BYTES, u32::MAX).await? {
            bytes += self.value(&key).await?.map_or(0, |value| u64::from(value.length()));
        }
        Ok(bytes)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.store.raw_write(CHUNK_BYTES, |chunks| chunks.clear().map(drop)).await
    }
}
