//! The server in the same process, behind a network that can be bad.
//!
//! What a device calls reaches the real services. A call takes virtual time both ways, so
//! calls of devices interleave; on the way it can be lost, its answer can be, it can arrive
//! twice, and a server that lies can be played by changing what it hands out.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};
use offing_core::proto::{self, Appended, ChunksStored, Code, LogPage, Refusal};
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceError, Services};
use offing_worker::host::Server;
use offing_worker::net::{NetError, Remote};
use offing_worker::store::chunks::Framed;
use rand::Rng;
use rand::rngs::StdRng;

use crate::executor::Executor;

/// Milliseconds until a lost call is given up.
const TIMEOUT_MS: u64 = 15_000;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Asks which chunks the server has.
    Have,
    /// Stores chunks.
    Put,
    /// Appends entries.
    Append,
    /// Reads the log.
    Log,
    /// Reads a chunk.
    Chunk,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The request never arrives.
    RequestLost,
    /// The call takes effect and its answer never arrives.
    AnswerLost,
    /// The call arrives twice.
    Twice,
}

/// A device's line to the server.
#[derive(Default)]
pub struct Line {
    /// No call gets through.
    pub offline: Cell<bool>,
    /// How many of a hundred calls suffer a mishap.
    pub bad_percent: Cell<u32>,
    /// Mishaps for the next calls of a kind, in order.
    pub mishaps: RefCell<BTreeMap<Call, VecDeque<Mishap>>>,
    /// How many calls of each kind were made.
    pub calls: RefCell<BTreeMap<Call, u32>>,
    /// How many chunks were sent.
    pub chunks_sent: Cell<u32>,
}

impl Line {
    /// How many calls of a kind were made.
    pub fn count(&self, call: Call) -> u32 {
        self.calls.borrow().get(&call).copied().unwrap_or(0)
    }

    /// Makes the next call of a kind suffer.
    pub fn strike(&self, call: Call, mishap: Mishap) {
        self.mishaps.borrow_mut().entry(call).or_default().push_back(mishap);
    }
}

type ChangePage = Box<dyn Fn(Seq, &mut LogPage)>;
type ChangeChunk = Box<dyn Fn(ChunkId, &mut Vec<u8>)>;
type Grown = Box<dyn Fn(DeviceId, Seq)>;

/// The server and the way to it.
pub struct Net {
    executor: Executor,
    runtime: tokio::runtime::Runtime,
    services: RefCell<Services>,
    rng: RefCell<StdRng>,
    /// Plays a server that changes pages of the log; gets the place asked for.
    pub page_lie: RefCell<Option<ChangePage>>,
    /// Plays a server that changes chunks.
    pub chunk_lie: RefCell<Option<ChangeChunk>>,
    /// Hears that the log has grown, and by whom.
    pub grown: RefCell<Option<Grown>>,
}

impl Net {
    /// Puts a network before services.
    pub fn new(executor: Executor, services: Services, rng: StdRng) -> Rc<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Rc::new(Self {
            executor,
            runtime,
            services: RefCell::new(services),
            rng: RefCell::new(rng),
            page_lie: RefCell::default(),
            chunk_lie: RefCell::default(),
            grown: RefCell::default(),
        })
    }

    /// Asks the services directly, past the network.
    pub fn ask<T>(&self, call: impl AsyncFnOnce(Services) -> T) -> T {
        let services = self.services.borrow().clone();
        self.runtime.block_on(call(services))
    }

    /// Puts another server in the place of this one.
    pub fn replace(&self, services: Services) {
        *self.services.borrow_mut() = services;
    }

    /// What becomes of the next call on a line.
    fn fate(&self, line: &Line, call: Call) -> Option<Mishap> {
        let planned = line.mishaps.borrow_mut().get_mut(&call).and_then(VecDeque::pop_front);
        if planned.is_some() {
            return planned;
        }
        let mut rng = self.rng.borrow_mut();
        (rng.gen_range(0..100) < line.bad_percent.get()).then(|| match rng.gen_range(0..3) {
            0 => Mishap::RequestLost,
            1 => Mishap::AnswerLost,
            _ => Mishap::Twice,
        })
    }

    fn latency_ms(&self) -> u64 {
        self.rng.borrow_mut().gen_range(5..40)
    }
}

/// The server as one device reaches it.
#[derive(Clone)]
pub struct TestServer {
    net: Rc<Net>,
    line: Rc<Line>,
    caller: Caller,
}

impl TestServer {
    /// Connects a device.
    pub fn new(net: Rc<Net>, line: Rc<Line>, caller: Caller) -> Self {
        Self { net, line, caller }
    }

    async fn call<T>(
        &self,
        call: Call,
        serve: impl AsyncFn(Services, Caller) -> Result<T, ServiceError>,
    ) -> Result<T, NetError> {
        *self.line.calls.borrow_mut().entry(call).or_default() += 1;
        if self.line.offline.get() {
            return Err(NetError::Offline);
        }
        let fate = self.net.fate(&self.line, call);
        self.net.executor.sleep(self.net.latency_ms()).await;
        if fate == Some(Mishap::RequestLost) || self.line.offline.get() {
            self.net.executor.sleep(TIMEOUT_MS).await;
            return Err(NetError::TimedOut);
        }
        let mut answer = self.net.ask(async |services| serve(services, self.caller).await);
        if fate == Some(Mishap::Twice) {
            answer = self.net.ask(async |services| serve(services, self.caller).await);
        }
        if fate == Some(Mishap::AnswerLost) {
            self.net.executor.sleep(TIMEOUT_MS).await;
            return Err(NetError::TimedOut);
        }
        self.net.executor.sleep(self.net.latency_ms()).await;
        if self.line.offline.get() {
            return Err(NetError::TimedOut);
        }
        answer.map_err(|error| refusal(&error))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other code is a refusal")]
fn refusal(error: &ServiceError) -> NetError {
    let code = error.code();
    match code {
        Code::Internal | Code::Unavailable => {
            NetError::Unavailable { status: 503, retry_after_ms: None }
        }
        code => NetError::Refused { status: 400, refusal: Refusal { code, retry_after_ms: None } },
    }
}

impl Remote for TestServer {
    async fn have(&self, vault: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError> {
        let have = async |services: Services, caller: Caller| {
            services.have_chunks(&caller, vault, ids.to_vec()).await
        };
        self.call(Call::Have, have).await
    }

    async fn put_chunks(&self, vault: VaultId, batch: &Framed) -> Result<ChunksStored, NetError> {
        let Framed::Bytes(batch) = batch;
        let put = async |services: Services, caller: Caller| {
            let mut upload = services.begin_batch(&caller, vault).await?;
            upload.push(batch).await?;
            upload.finish().await
        };
        let stored = self.call(Call::Put, put).await?;
        self.line.chunks_sent.set(self.line.chunks_sent.get() + stored.stored);
        Ok(stored)
    }

    async fn append(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        let append = async |services: Services, caller: Caller| {
            let appended = services.append(&caller, vault, entries).await?;
            if let Some(grown) = &*self.net.grown.borrow() {
                grown(caller.device, appended.tip.seq);
            }
            Ok(appended)
        };
        self.call(Call::Append, append).await
    }
}

impl Server for TestServer {
    async fn read_log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError> {
        let read = async |services: Services, caller: Caller| {
            services.read_log(&caller, vault, after, own, PageLimits::default()).await
        };
        let page = self.call(Call::Log, read).await?;
        let mut page = LogPage::decode(&page.encode()).map_err(|_| NetError::Malformed)?;
        if let Some(lie) = &*self.net.page_lie.borrow() {
            lie(after, &mut page);
        }
        Ok(page)
    }

    async fn chunk(&self, vault: VaultId, id: ChunkId) -> Result<Vec<u8>, NetError> {
        let read = async |services: Services, caller: Caller| {
            let handle = services.chunk(&caller, vault, id).await?;
            let len = handle.len_bytes();
            let mut body = handle.body(0..len)?;
            let mut bytes = Vec::new();
            while let Some(piece) = body.next_piece().await? {
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes)
        };
        let mut bytes = self.call(Call::Chunk, read).await?;
        if let Some(lie) = &*self.net.chunk_lie.borrow() {
            lie(id, &mut bytes);
        }
        Ok(bytes)
    }
}

/// Frames chunks as a device does, for putting them past the network.
pub fn frame(id: ChunkId, bytes: &[u8]) -> Vec<u8> {
    proto::encode_chunk_batch([(id, bytes)])
}
