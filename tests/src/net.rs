//! The server in the same process, behind a network that can be bad.
//!
//! What a device calls reaches the real services. A call takes virtual time both ways, so
//! calls of devices interleave; on the way it can be lost, its answer can be, it can arrive
//! twice, and a server that lies can be played by changing what it hands out.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use offing_core::id::{AccountId, ChunkId, DeviceId, Seq, VaultId};
use offing_core::proto::{
    self, AccountView, AppendResult, Appended, ChunksStored, Code, DeviceBinding, Devices, LogPage,
    Refusal,
};
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceError, Services};
use offing_worker::host::Server;
use offing_worker::net::{NetError, Remote};
use offing_worker::store::chunks::Framed;
use rand::Rng;
use rand::rngs::StdRng;

use crate::executor::Executor;
use crate::host::Profile;

/// Milliseconds until a lost call is given up.
const TIMEOUT_MS: u64 = 15_000;
/// How long after that a late call may still arrive.
const LATE_MS_MAX: u64 = 60_000;
/// Milliseconds that a call takes in each direction.
const DELAY_MS: std::ops::Range<u64> = 5..40;
/// Whose task a call is that nobody waits for.
const NOBODY: u64 = 0;

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
    /// Reads the account, or binds the session to another device.
    Account,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The request never arrives, and the line stays silent.
    RequestLost,
    /// The call takes effect and its answer never arrives.
    AnswerLost,
    /// The call arrives twice.
    Twice,
    /// The call arrives when the caller has given it up, after whatever it did meanwhile.
    Late,
    /// Something before the server says that it cannot serve now.
    Unavailable,
}

impl Mishap {
    /// Every mishap.
    pub const ALL: [Self; 5] =
        [Self::RequestLost, Self::AnswerLost, Self::Twice, Self::Late, Self::Unavailable];
}

/// A device's line to the server.
#[derive(Default)]
pub struct Line {
    /// No call gets through.
    pub offline: Cell<bool>,
    /// How many of a hundred calls suffer a mishap.
    pub bad_percent: Cell<u32>,
    /// How many milliseconds a call may take more than on a good line, in each direction.
    pub slow_ms: Cell<u64>,
    /// How many mishaps there were.
    pub suffered: Cell<u32>,
    /// Mishaps for the next calls of a kind, in order.
    pub mishaps: RefCell<BTreeMap<Call, VecDeque<Mishap>>>,
    /// How many calls of each kind were made.
    pub calls: RefCell<BTreeMap<Call, u32>>,
    /// How many chunks were sent.
    pub chunks_sent: Cell<u32>,
    /// How many bytes of chunks were sent.
    pub chunk_bytes_sent: Cell<u64>,
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
type ChangeBeginning = Box<dyn Fn(&mut LogPage)>;
type ChangeChunk = Box<dyn Fn(ChunkId, &mut Vec<u8>)>;
type Grown = Box<dyn Fn(DeviceId, Seq)>;

/// The server and the way to it.
pub struct Net {
    executor: Executor,
    runtime: tokio::runtime::Runtime,
    services: RefCell<Services>,
    /// Nobody answers.
    down: Cell<bool>,
    /// How often the server was started.
    starts: Cell<u32>,
    rng: RefCell<StdRng>,
    /// Plays a server that changes pages of the log; gets the place asked for.
    pub page_lie: RefCell<Option<ChangePage>>,
    /// Plays a server that shows newcomers something else to begin with.
    pub beginning_lie: RefCell<Option<ChangeBeginning>>,
    /// Changes what is shown as a shared index.
    pub index_lie: RefCell<Option<ChangeBeginning>>,
    /// Plays a server that changes chunks.
    pub chunk_lie: RefCell<Option<ChangeChunk>>,
    /// Plays a server that refuses appends without a reason.
    pub append_lie: RefCell<Option<AppendResult>>,
    /// Devices whose sessions ended because they were taken off.
    pub taken_off: RefCell<BTreeSet<DeviceId>>,
    /// The server's disk is full: nothing more is written.
    pub disk_full: Cell<bool>,
    /// The account was closed by whoever keeps the server.
    pub closed: Cell<bool>,
    /// Hears that the log has grown, and by whom.
    pub grown: RefCell<Option<Grown>>,
}

impl Net {
    /// Puts a network before services.
    pub fn new(executor: Executor, services: Services, rng: StdRng) -> Rc<Self> {
        // A store in S3 is read by the runtime of whoever asks.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Rc::new(Self {
            executor,
            runtime,
            services: RefCell::new(services),
            down: Cell::new(false),
            starts: Cell::new(1),
            rng: RefCell::new(rng),
            page_lie: RefCell::default(),
            beginning_lie: RefCell::default(),
            index_lie: RefCell::default(),
            chunk_lie: RefCell::default(),
            append_lie: RefCell::default(),
            taken_off: RefCell::default(),
            disk_full: Cell::new(false),
            closed: Cell::new(false),
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
        self.starts.set(self.starts.get() + 1);
    }

    /// The server is killed: calls under way fail, whether they took effect or not.
    pub fn kill_server(&self) {
        self.down.set(true);
        self.starts.set(self.starts.get() + 1);
    }

    /// The server is started again, with all that was durable.
    pub fn start_server(&self) {
        self.down.set(false);
    }

    /// Says whether nobody answers.
    pub fn is_down(&self) -> bool {
        self.down.get()
    }

    /// There is room again for whatever an account wants to store.
    pub fn gives_room(&self, account: AccountId) {
        self.disk_full.set(false);
        let lift = async |services: Services| services.limit_account(account, None).await;
        self.ask(lift).unwrap();
    }

    /// What becomes of the next call on a line.
    fn fate(&self, line: &Line, call: Call) -> Option<Mishap> {
        let planned = line.mishaps.borrow_mut().get_mut(&call).and_then(VecDeque::pop_front);
        if planned.is_some() {
            return planned;
        }
        let mut rng = self.rng.borrow_mut();
        let bad = rng.gen_range(0..100) < line.bad_percent.get();
        bad.then(|| Mishap::ALL[rng.gen_range(0..Mishap::ALL.len())])
    }

    async fn travel(&self, line: &Line) {
        let delay_ms = {
            let mut rng = self.rng.borrow_mut();
            rng.gen_range(DELAY_MS) + rng.gen_range(0..=line.slow_ms.get())
        };
        self.executor.sleep(delay_ms).await;
    }

    /// Lets a call arrive that its caller has given up.
    fn arrives_late(self: &Rc<Self>, serve: impl AsyncFnOnce(Services) + 'static) {
        let delay_ms = TIMEOUT_MS + self.rng.borrow_mut().gen_range(0..LATE_MS_MAX);
        let net = Rc::clone(self);
        self.executor.spawn(NOBODY, async move {
            net.executor.sleep(delay_ms).await;
            if !net.is_down() && !net.disk_full.get() {
                net.ask(serve);
            }
        });
    }
}

/// The server as one device reaches it.
#[derive(Clone)]
pub struct TestServer {
    net: Rc<Net>,
    line: Rc<Line>,
    profile: Rc<Profile>,
    caller: Caller,
}

impl TestServer {
    /// Connects a device; its session is the profile's.
    pub fn new(net: Rc<Net>, line: Rc<Line>, profile: Rc<Profile>, caller: Caller) -> Self {
        Self { net, line, profile, caller }
    }

    /// Who the session says is calling.
    fn caller(&self) -> Caller {
        let device = self.profile.bound.get().unwrap_or(self.caller.device);
        Caller { device, ..self.caller }
    }

    async fn call<T: 'static>(
        &self,
        call: Call,
        serve: impl AsyncFn(Services, Caller) -> Result<T, ServiceError> + 'static,
    ) -> Result<T, NetError> {
        *self.line.calls.borrow_mut().entry(call).or_default() += 1;
        if self.line.offline.get() {
            return Err(NetError::Offline);
        }
        let (net, line, caller) = (&self.net, &self.line, self.caller());
        let fate = net.fate(line, call);
        line.suffered.set(line.suffered.get() + u32::from(fate.is_some()));
        let starts = net.starts.get();
        net.travel(line).await;
        if fate == Some(Mishap::Late) {
            net.arrives_late(async move |services| drop(serve(services, caller).await));
            return self.times_out().await;
        }
        if fate == Some(Mishap::RequestLost) || line.offline.get() {
            return self.times_out().await;
        }
        if net.is_down() {
            return Err(NetError::Offline);
        }
        if fate == Some(Mishap::Unavailable) {
            return Err(NetError::Unavailable { status: 503, retry_after_ms: None });
        }
        if net.closed.get() {
            return Err(refusal(&ServiceError::AccountClosed));
        }
        if net.taken_off.borrow().contains(&caller.device) {
            return Err(refusal(&ServiceError::TakenOff));
        }
        if net.disk_full.get() && matches!(call, Call::Put | Call::Append) {
            return Err(refusal(&ServiceError::StorageFull));
        }
        let mut answer = net.ask(async |services| serve(services, caller).await);
        if fate == Some(Mishap::Twice) {
            answer = net.ask(async |services| serve(services, caller).await);
        }
        if fate == Some(Mishap::AnswerLost) {
            return self.times_out().await;
        }
        net.travel(line).await;
        if net.starts.get() != starts {
            return Err(NetError::Offline);
        }
        if line.offline.get() {
            return Err(NetError::TimedOut);
        }
        answer.map_err(|error| refusal(&error))
    }

    async fn times_out<T>(&self) -> Result<T, NetError> {
        self.net.executor.sleep(TIMEOUT_MS).await;
        Err(NetError::TimedOut)
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
        let ids = ids.to_vec();
        let have = async move |services: Services, caller: Caller| {
            services.have_chunks(&caller, vault, ids.clone()).await
        };
        self.call(Call::Have, have).await
    }

    async fn put_chunks(&self, vault: VaultId, batch: &Framed) -> Result<ChunksStored, NetError> {
        let Framed::Bytes(batch) = batch.clone();
        self.line.chunk_bytes_sent.set(self.line.chunk_bytes_sent.get() + batch.len() as u64);
        let put = async move |services: Services, caller: Caller| {
            let mut upload = services.begin_batch(&caller, vault).await?;
            upload.push(&batch).await?;
            upload.finish().await
        };
        let stored = self.call(Call::Put, put).await?;
        self.line.chunks_sent.set(self.line.chunks_sent.get() + stored.stored);
        Ok(stored)
    }

    async fn append(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        let lie = self.net.append_lie.borrow().clone();
        let count = proto::decode_append(entries).map_err(|_| NetError::Malformed)?.len();
        // Who lies takes nothing.
        let entries = if lie.is_some() { proto::encode_append(&[]) } else { entries.to_vec() };
        let net = Rc::clone(&self.net);
        let append = async move |services: Services, caller: Caller| {
            let (appended, off) = services.append_all(&caller, vault, &entries).await?;
            net.taken_off.borrow_mut().extend(off);
            if let Some(grown) = &*net.grown.borrow() {
                grown(caller.device, appended.tip.seq);
            }
            Ok(appended)
        };
        let mut appended = self.call(Call::Append, append).await?;
        if let Some(lie) = lie {
            appended.results = vec![AppendResult::Skipped; count];
            appended.results[0] = lie;
        }
        Ok(appended)
    }
}

impl Server for TestServer {
    async fn read_log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError> {
        let read = async move |services: Services, caller: Caller| {
            services.read_log(&caller, vault, after, own, PageLimits::default()).await
        };
        let page = self.call(Call::Log, read).await?;
        let mut page = LogPage::decode(&page.encode()).map_err(|_| NetError::Malformed)?;
        if let Some(lie) = &*self.net.page_lie.borrow() {
            lie(after, &mut page);
        }
        Ok(page)
    }

    async fn give_back(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        let (net, entries) = (Rc::clone(&self.net), entries.to_vec());
        let give = async move |services: Services, caller: Caller| {
            let (appended, off) = services.give_back(&caller, vault, &entries).await?;
            net.taken_off.borrow_mut().extend(off);
            if let Some(grown) = &*net.grown.borrow() {
                grown(caller.device, appended.tip.seq);
            }
            Ok(appended)
        };
        self.call(Call::Append, give).await
    }

    async fn beginning(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        let read = async move |services: Services, caller: Caller| {
            services.beginning(&caller, vault, skip).await
        };
        let mut page = self.call(Call::Log, read).await?;
        if let Some(lie) = &*self.net.beginning_lie.borrow() {
            lie(&mut page);
        }
        Ok(page)
    }

    async fn index(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        let read = async move |services: Services, caller: Caller| {
            services.index(&caller, vault, skip).await
        };
        let mut page = self.call(Call::Log, read).await?;
        if let Some(lie) = &*self.net.index_lie.borrow() {
            lie(&mut page);
        }
        Ok(page)
    }

    async fn chunk(&self, vault: VaultId, id: ChunkId) -> Result<Vec<u8>, NetError> {
        let read = async move |services: Services, caller: Caller| {
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

    async fn account(&self) -> Result<AccountView, NetError> {
        let read = async move |services: Services, caller: Caller| {
            services.account_view(caller.account).await
        };
        self.call(Call::Account, read).await
    }

    async fn devices(&self) -> Result<Devices, NetError> {
        let read =
            async move |services: Services, caller: Caller| services.devices(caller.account).await;
        self.call(Call::Account, read).await
    }

    async fn bind_device(&self, device: &DeviceBinding) -> Result<(), NetError> {
        let (profile, device) = (Rc::clone(&self.profile), device.device);
        let bind = async move |_: Services, _: Caller| {
            profile.bound.set(Some(device));
            Ok(())
        };
        self.call(Call::Account, bind).await
    }
}

/// Frames chunks as a device does, for putting them past the network.
pub fn frame(id: ChunkId, bytes: &[u8]) -> Vec<u8> {
    proto::encode_chunk_batch([(id, bytes)])
}
