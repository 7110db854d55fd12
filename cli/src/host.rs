//! A program as a host: SQLite, files, a socket, the primitives in Rust.
//!
//! A profile's folder is used by one program at a time, so its locks are this program's own.
//! Everything runs on one thread, inside a `tokio::task::LocalSet`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSigningKey, signing_pair};
use offing_core::crypto::{PublicKey, RawKey};
use offing_core::id::DeviceId;
use offing_worker::host::{Host, Notice, Server};
use offing_worker::net::api::Api;
use offing_worker::platform::clock;
use rand::RngCore as _;
use rand::rngs::OsRng;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::chunks::FileChunks;
use crate::files;
use crate::profile::Profile;
use crate::store::SqliteStore;
use crate::wire::Wire;

/// One program over one profile; `S` is how it reaches the server.
pub struct NativeHost<S = Api<Wire>> {
    inner: Rc<Inner<S>>,
}

struct Inner<S> {
    store: SqliteStore,
    chunks: FileChunks,
    server: S,
    /// The keys of devices that this profile became.
    minted: PathBuf,
    locks: RefCell<HashMap<String, Arc<RwLock<()>>>>,
}

impl<S> Clone for NativeHost<S> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

impl<S> NativeHost<S> {
    /// Puts a host together; `minted` is the folder for keys of further devices.
    pub fn new(store: SqliteStore, chunks: FileChunks, server: S, minted: PathBuf) -> Self {
        let locks = RefCell::default();
        Self { inner: Rc::new(Inner { store, chunks, server, minted, locks }) }
    }

    fn minted_path(&self, device: DeviceId) -> PathBuf {
        self.inner.minted.join(device.to_string())
    }

    fn named_lock(&self, name: &str) -> Arc<RwLock<()>> {
        Arc::clone(self.inner.locks.borrow_mut().entry(name.to_owned()).or_default())
    }
}

/// Holds a lock.
pub enum Guard {
    /// Nobody else does.
    Alone {
        /// Releases it.
        _held: OwnedRwLockWriteGuard<()>,
    },
    /// Others who share it may.
    Shared {
        /// Releases it.
        _held: OwnedRwLockReadGuard<()>,
    },
}

impl<S: Server + 'static> Host for NativeHost<S> {
    type Crypto = NativeCrypto;
    type Store = SqliteStore;
    type Chunks = FileChunks;
    type Server = S;
    type Guard = Guard;

    fn crypto(&self) -> &NativeCrypto {
        &NativeCrypto
    }

    fn store(&self) -> &SqliteStore {
        &self.inner.store
    }

    fn chunks(&self) -> &FileChunks {
        &self.inner.chunks
    }

    fn server(&self) -> &S {
        &self.inner.server
    }

    fn now_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        OsRng.fill_bytes(&mut bytes);
        bytes
    }

    async fn mint_device(&self) -> Option<(PublicKey, NativeSigningKey)> {
        let pair = Profile::new_device();
        files::create_private_folder(&self.inner.minted).ok()?;
        let path = self.minted_path(pair.public.device_id());
        files::put(&path, pair.scalar.as_bytes()).ok()?;
        Some((pair.public, NativeCrypto.import_signing(&pair).await.ok()?))
    }

    async fn take_up_device(&self, device: DeviceId) -> Option<NativeSigningKey> {
        let scalar = RawKey::from_slice(&std::fs::read(self.minted_path(device)).ok()?)?;
        NativeCrypto.import_signing(&signing_pair(scalar)?).await.ok()
    }

    async fn lock(&self, name: &str) -> Self::Guard {
        Guard::Alone { _held: self.named_lock(name).write_owned().await }
    }

    async fn try_lock(&self, name: &str) -> Option<Self::Guard> {
        let held = self.named_lock(name).try_write_owned().ok()?;
        Some(Guard::Alone { _held: held })
    }

    async fn lock_shared(&self, name: &str) -> Self::Guard {
        Guard::Shared { _held: self.named_lock(name).read_owned().await }
    }

    async fn quota_bytes(&self) -> Option<u64> {
        None
    }

    async fn sleep(&self, delay_ms: u64) {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(future);
    }

    /// There is no other program to tell.
    fn announce(&self, _: &Notice) {}
}
