//! The browser as a host: IndexedDB, OPFS, WebCrypto, `fetch`, Web Locks.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use offing_core::id::VaultId;
use offing_core::rpc;
use web_sys::Blob;

use super::{Host, Notice, Source};
use crate::net::fetch::Api;
use crate::platform::channel::Channel;
use crate::platform::locks::{Lock, Mode, Wait};
use crate::platform::webcrypto::WebCrypto;
use crate::platform::{clock, files, quota, random, timer};
use crate::store::local::{LocalChunks, LocalStore};

/// Longest single timer: browsers count milliseconds in 31 bits.
const SLEEP_MS_MAX: u64 = 1 << 30;

/// What a session on a borrowed computer may hold, which has only a tab's memory.
const MEMORY_QUOTA_BYTES: u64 = 1024 * 1024 * 1024;

/// The browser, for one session in one tab.
#[derive(Clone)]
pub struct BrowserHost {
    inner: Rc<Inner>,
}

struct Inner {
    crypto: WebCrypto,
    store: LocalStore,
    chunks: LocalChunks,
    api: Rc<Api>,
    channel: RefCell<Option<Channel>>,
}

impl BrowserHost {
    /// Takes the parts of the browser that a session uses.
    pub fn new(store: LocalStore, chunks: LocalChunks, api: Rc<Api>) -> Self {
        let crypto = WebCrypto::new();
        let inner = Inner { crypto, store, chunks, api, channel: RefCell::new(None) };
        Self { inner: Rc::new(inner) }
    }

    /// Begins to hear what other tabs of the profile say.
    pub fn listen(&self, vault: VaultId, hear: impl Fn(Notice) + 'static) {
        let channel = Channel::join(&format!("vault:{vault}"), move |message| {
            // Another build's message is of no use here.
            if let Ok(notice) = rpc::decode(&message) {
                hear(notice);
            }
        });
        *self.inner.channel.borrow_mut() = channel;
    }

    /// Stops hearing the other tabs.
    pub fn stop_listening(&self) {
        self.inner.channel.borrow_mut().take();
    }
}

impl Source for Blob {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        files::slice(self, start, end).await.ok()
    }

    async fn read_together(files: &[(&Self, u64)]) -> Option<Vec<u8>> {
        let len: u64 = files.iter().map(|(_, len)| len).sum();
        let sized = files.iter().all(|(file, len)| file.size() as u64 == *len);
        let parts: js_sys::Array = files.iter().map(|(file, _)| *file).collect();
        let together = Self::new_with_blob_sequence(&parts).ok().filter(|_| sized)?;
        files::whole(&together, len).await.ok()
    }
}

impl Host for BrowserHost {
    type Crypto = WebCrypto;
    type Store = LocalStore;
    type Chunks = LocalChunks;
    type Server = Api;
    type Guard = Option<Lock>;

    fn crypto(&self) -> &WebCrypto {
        &self.inner.crypto
    }

    fn store(&self) -> &LocalStore {
        &self.inner.store
    }

    fn chunks(&self) -> &LocalChunks {
        &self.inner.chunks
    }

    fn server(&self) -> &Api {
        &self.inner.api
    }

    fn now_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        random::array()
    }

    async fn lock(&self, name: &str) -> Option<Lock> {
        // `None` only while the worker is being ended.
        Lock::acquire(name, Mode::Exclusive, Wait::ForIt).await
    }

    async fn try_lock(&self, name: &str) -> Option<Option<Lock>> {
        Lock::acquire(name, Mode::Exclusive, Wait::IfFree).await.map(Some)
    }

    async fn lock_shared(&self, name: &str) -> Option<Lock> {
        Lock::acquire(name, Mode::Shared, Wait::ForIt).await
    }

    async fn quota_bytes(&self) -> Option<u64> {
        if let LocalChunks::Memory(_) = self.inner.chunks {
            return Some(MEMORY_QUOTA_BYTES);
        }
        quota::estimate().await.map(|estimate| estimate.quota_bytes)
    }

    async fn sleep(&self, delay_ms: u64) {
        let delay_ms = delay_ms.min(SLEEP_MS_MAX);
        timer::sleep_ms(u32::try_from(delay_ms).expect("bounded by SLEEP_MS_MAX")).await;
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        wasm_bindgen_futures::spawn_local(future);
    }

    fn announce(&self, notice: &Notice) {
        if let Some(channel) = &*self.inner.channel.borrow() {
            channel.send(&rpc::encode(notice));
        }
    }
}
