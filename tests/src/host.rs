//! Where a test's replica runs: memory, seeded randomness, the virtual clock.
//!
//! A [`Profile`] is a browser's profile: tabs of one profile share its stores and locks,
//! and hear each other. What a crashed tab held is released, as a browser does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSigningKey, ready, signing_pair};
use offing_core::crypto::{PublicKey, RawKey};
use offing_core::fixture::pattern;
use offing_core::id::DeviceId;
use offing_worker::host::{Host, Notice, Source};
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::chunks::memory::MemoryChunks;
use offing_worker::store::memory::MemoryStore;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::disk::{Disk, Shelf, Temper};
use crate::executor::{Executor, TabId};
use crate::net::TestServer;

/// The time at which every world begins.
pub const EPOCH_MS: i64 = 1_700_000_000_000;

type Hear = Rc<dyn Fn(Notice)>;

/// What the tabs of one browser profile share.
pub struct Profile {
    /// The tables.
    pub store: MemoryStore,
    /// The chunks.
    pub chunks: MemoryChunks,
    /// How both behave for the replicas.
    pub temper: Rc<Temper>,
    /// The tables as the replicas reach them.
    pub disk: Disk,
    /// The chunks as the replicas reach them.
    pub shelf: Shelf,
    /// How much the browser lets it store, if it says so.
    pub quota_bytes: Cell<Option<u64>>,
    /// The keys of devices that it became.
    pub minted: RefCell<BTreeMap<DeviceId, NativeSigningKey>>,
    /// The device that the server's session is bound to, if not the one it began with.
    pub bound: Cell<Option<DeviceId>>,
    locks: RefCell<BTreeMap<String, Lock>>,
    last_hold: Cell<u64>,
    tabs: RefCell<BTreeMap<TabId, Hear>>,
}

impl Default for Profile {
    fn default() -> Self {
        let (store, chunks) = (MemoryStore::new(), MemoryChunks::new());
        let temper = Rc::<Temper>::default();
        Self {
            minted: RefCell::default(),
            bound: Cell::default(),
            disk: Disk::new(store.clone(), Rc::clone(&temper)),
            shelf: Shelf::new(chunks.clone(), Rc::clone(&temper)),
            store,
            chunks,
            temper,
            quota_bytes: Cell::default(),
            locks: RefCell::default(),
            last_hold: Cell::default(),
            tabs: RefCell::default(),
        }
    }
}

#[derive(Default)]
struct Lock {
    /// Who holds it, and a number for each holding; several if it is shared.
    held: Vec<(TabId, u64)>,
    shared: bool,
    waiting: Vec<Waker>,
}

impl Profile {
    /// Makes a tab hear the others.
    pub fn listen(&self, tab: TabId, hear: impl Fn(Notice) + 'static) {
        self.tabs.borrow_mut().insert(tab, Rc::new(hear));
    }

    /// Says whether a tab holds a lock whose name begins so.
    pub fn holds(&self, tab: TabId, prefix: &str) -> bool {
        let locks = self.locks.borrow();
        let mut named = locks.iter().filter(|(name, _)| name.starts_with(prefix));
        named.any(|(_, lock)| lock.held.iter().any(|(holder, _)| *holder == tab))
    }

    /// Forgets a tab that is gone, with all locks that it held.
    pub fn forget(&self, tab: TabId) {
        self.tabs.borrow_mut().remove(&tab);
        for lock in self.locks.borrow_mut().values_mut() {
            lock.release(|(holder, _)| holder == tab);
        }
    }

    /// The browser gives so many bytes more for chunks than are used now, or as many as are
    /// wanted.
    pub fn leaves_space(&self, bytes: Option<u64>) {
        let used = ready(self.chunks.usage()).expect("memory does not fail");
        self.chunks.bound(bytes.map(|bytes| used + bytes));
    }

    fn take(self: &Rc<Self>, tab: TabId, name: &str, shared: bool) -> Option<Guard> {
        let mut locks = self.locks.borrow_mut();
        let lock = locks.entry(name.to_owned()).or_default();
        let is_free = lock.held.is_empty() || (shared && lock.shared);
        if !is_free {
            return None;
        }
        let hold = self.last_hold.get() + 1;
        self.last_hold.set(hold);
        lock.held.push((tab, hold));
        lock.shared = shared;
        Some(Guard { profile: Rc::clone(self), name: name.to_owned(), hold })
    }
}

impl Lock {
    fn release(&mut self, of: impl Fn((TabId, u64)) -> bool) {
        self.held.retain(|holding| !of(*holding));
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// Holds a lock.
pub struct Guard {
    profile: Rc<Profile>,
    name: String,
    hold: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(lock) = self.profile.locks.borrow_mut().get_mut(&self.name) {
            lock.release(|(_, hold)| hold == self.hold);
        }
    }
}

/// One tab of a profile.
#[derive(Clone)]
pub struct TestHost {
    inner: Rc<Inner>,
}

struct Inner {
    tab: TabId,
    profile: Rc<Profile>,
    executor: Executor,
    server: TestServer,
    rng: RefCell<StdRng>,
}

impl TestHost {
    /// Opens a tab.
    pub fn new(profile: Rc<Profile>, executor: Executor, server: TestServer, tab: TabId) -> Self {
        let rng = RefCell::new(StdRng::seed_from_u64(tab));
        Self { inner: Rc::new(Inner { tab, profile, executor, server, rng }) }
    }

    /// The tab.
    pub fn tab(&self) -> TabId {
        self.inner.tab
    }

    async fn wait_for(&self, name: &str, shared: bool) -> Guard {
        poll_fn(|context| match self.inner.profile.take(self.inner.tab, name, shared) {
            Some(guard) => Poll::Ready(guard),
            None => {
                let mut locks = self.inner.profile.locks.borrow_mut();
                let lock = locks.entry(name.to_owned()).or_default();
                lock.waiting.push(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

impl Host for TestHost {
    type Crypto = NativeCrypto;
    type Store = Disk;
    type Chunks = Shelf;
    type Server = TestServer;
    type Guard = Guard;

    fn crypto(&self) -> &NativeCrypto {
        &NativeCrypto
    }

    fn store(&self) -> &Disk {
        &self.inner.profile.disk
    }

    fn chunks(&self) -> &Shelf {
        &self.inner.profile.shelf
    }

    fn server(&self) -> &TestServer {
        &self.inner.server
    }

    fn now_ms(&self) -> i64 {
        EPOCH_MS + i64::try_from(self.inner.executor.now_ms()).unwrap()
    }

    async fn mint_device(&self) -> Option<(PublicKey, NativeSigningKey)> {
        let pair = signing_pair(RawKey::new(self.random()))?;
        let signing = ready(NativeCrypto.import_signing(&pair)).ok()?;
        let minted = &self.inner.profile.minted;
        minted.borrow_mut().insert(pair.public.device_id(), signing.clone());
        Some((pair.public, signing))
    }

    async fn take_up_device(&self, device: DeviceId) -> Option<NativeSigningKey> {
        self.inner.profile.minted.borrow().get(&device).cloned()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.rng.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }

    async fn lock(&self, name: &str) -> Guard {
        self.wait_for(name, false).await
    }

    async fn lock_shared(&self, name: &str) -> Guard {
        self.wait_for(name, true).await
    }

    async fn try_lock(&self, name: &str) -> Option<Guard> {
        self.inner.profile.take(self.inner.tab, name, false)
    }

    async fn quota_bytes(&self) -> Option<u64> {
        self.inner.profile.quota_bytes.get()
    }

    async fn sleep(&self, delay_ms: u64) {
        self.inner.executor.sleep(delay_ms).await;
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.inner.executor.spawn(self.inner.tab, future);
    }

    fn announce(&self, notice: &Notice) {
        let tabs: Vec<(TabId, Hear)> = {
            let tabs = self.inner.profile.tabs.borrow();
            tabs.iter().map(|(tab, hear)| (*tab, Rc::clone(hear))).collect()
        };
        for (tab, hear) in tabs {
            if tab != self.inner.tab {
                hear(notice.clone());
            }
        }
    }
}

/// A file that a person chose, in memory.
pub struct TestFile {
    /// Its bytes; `None` once it vanished.
    pub bytes: Rc<RefCell<Option<Vec<u8>>>>,
}

impl TestFile {
    /// A file with this content.
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: Rc::new(RefCell::new(Some(bytes.to_vec()))) }
    }
}

impl Source for TestFile {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.bytes.borrow().as_ref()?.get(range).map(<[u8]>::to_vec)
    }

    async fn thumb(&self) -> Option<Vec<u8>> {
        self.bytes.borrow().as_deref().filter(|bytes| bytes.starts_with(PICTURE)).map(thumb_of)
    }
}

/// What a test's pictures begin with.
const PICTURE: &[u8] = b"picture";

/// A picture of so many bytes, of which this host makes a thumb.
pub fn picture(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = PICTURE.to_vec();
    bytes.extend(seed.to_be_bytes());
    bytes.extend(pattern(seed as u8, len));
    bytes.truncate(len);
    bytes
}

/// The thumb of a picture.
pub fn thumb_of(picture: &[u8]) -> Vec<u8> {
    [b"thumb of ", &picture[..PICTURE.len() + 8]].concat()
}
