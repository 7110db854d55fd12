//! Where `CryptoKey`s are kept: IndexedDB stores them without ever showing their bytes.

use wasm_bindgen::JsValue;

use super::StoreError;
use super::idb::{IdbStore, KEYS};

/// The keys of this browser profile, by name.
#[derive(Debug, Clone)]
pub struct KeyStore {
    store: IdbStore,
}

impl KeyStore {
    /// The keys beside the tables of a store.
    pub fn new(store: IdbStore) -> Self {
        Self { store }
    }

    /// Keeps a `CryptoKey` (or anything else that can be cloned structurally).
    pub async fn put(&self, name: &str, key: &JsValue) -> Result<(), StoreError> {
        let name = JsValue::from_str(name);
        self.store.raw_write(KEYS, |keys| keys.put_with_key(key, &name).map(drop)).await
    }

    /// Finds a key.
    pub async fn get(&self, name: &str) -> Result<Option<JsValue>, StoreError> {
        let value = self.store.raw_get(KEYS, &JsValue::from_str(name)).await?;
        Ok((!value.is_undefined()).then_some(value))
    }

    /// Removes a key, if it is there.
    pub async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let name = JsValue::from_str(name);
        self.store.raw_write(KEYS, |keys| keys.delete(&name).map(drop)).await
    }

    /// Removes every key.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.store.raw_write(KEYS, |keys| keys.clear().map(drop)).await
    }
}
