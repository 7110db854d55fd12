//! The browser as a host: IndexedDB, OPFS, WebCrypto, `fetch`, Web Locks.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use offing_core::crypto::PublicKey;
use offing_core::id::{DeviceId, VaultId};
use offing_core::rpc;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::{Host, Notice, Source};
use crate::net::fetch::Api;
use crate::platform::channel::Channel;
use crate::platform::locks::{Lock, Mode, Wait};
use crate::platform::webcrypto::{DeviceKey, WebCrypto, WebSigningKey};
use crate::platform::{clock, files, js, quota, random, timer};
use crate::store::keys::KeyStore;
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
    /// Where keys are kept; `None` on a borrowed computer.
    keys: Option<KeyStore>,
    /// The pair of keys of this device.
    device: RefCell<JsValue>,
    /// A device that was minted in this tab.
    minted: RefCell<Option<DeviceKey>>,
    channel: RefCell<Option<Channel>>,
}

impl BrowserHost {
    /// Takes the parts of the browser that a session uses.
    pub fn new(
        store: LocalStore,
        chunks: LocalChunks,
        api: Rc<Api>,
        keys: Option<KeyStore>,
        device: JsValue,
    ) -> Self {
        let inner = Inner {
            crypto: WebCrypto::new(),
            store,
            chunks,
            api,
            keys,
            device: RefCell::new(device),
            minted: RefCell::default(),
            channel: RefCell::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// The pair of keys of this device.
    pub fn device(&self) -> JsValue {
        self.inner.device.borrow().clone()
    }

    /// Where keys are kept; `None` on a borrowed computer.
    pub fn keys(&self) -> Option<&KeyStore> {
        self.inner.keys.as_ref()
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

/// The name in the key store of a device that was minted here.
pub(crate) fn minted_name(device: DeviceId) -> String {
    format!("device/{device}")
}

impl Source for Blob {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        files::slice(self, start, end).await.ok()
    }

    async fn thumb(&self) -> Option<Vec<u8>> {
        // The worker's script loads what makes them when it is first asked.
        let thumb = js::call_async(&js_sys::global(), "offingThumb", &[self.into()]).await;
        thumb.ok().filter(|thumb| !thumb.is_null()).map(|thumb| js::to_bytes(&thumb))
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

    async fn mint_device(&self) -> Option<(PublicKey, WebSigningKey)> {
        let minted = self.inner.crypto.generate_device_key().await.ok()?;
        if let Some(keys) = &self.inner.keys {
            keys.put(&minted_name(minted.public.device_id()), minted.as_js()).await.ok()?;
        }
        let made = (minted.public, minted.signing.clone());
        *self.inner.minted.borrow_mut() = Some(minted);
        Some(made)
    }

    async fn take_up_device(&self, device: DeviceId) -> Option<WebSigningKey> {
        let minted = self.inner.minted.take().filter(|key| key.public.device_id() == device);
        let pair = match (minted, &self.inner.keys) {
            (Some(minted), _) => minted.as_js().clone(),
            (None, Some(keys)) => keys.get(&minted_name(device)).await.ok()??,
            (None, None) => return None,
        };
        *self.inner.device.borrow_mut() = pair.clone();
        Some(WebSigningKey::of_pair(&pair))
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

    fn is_lasting(&self) -> bool {
        self.inner.keys.is_some()
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
