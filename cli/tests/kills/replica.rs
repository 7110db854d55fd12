//! A replica that works without pause, and remembers what the server acknowledged.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use offing_cli::failure::Failure;
use offing_cli::host::NativeHost;
use offing_cli::listing;
use offing_cli::profile::Profile;
use offing_cli::session::{self, binding};
use offing_cli::wire::Wire;
use offing_core::account::recovery::RecoveryCode;
use offing_core::crypto::native::NativeCrypto;
use offing_core::id::{ChunkId, DeviceId, Hash, NodeId, Seq, VaultId};
use offing_core::log::verify::LogState;
use offing_core::proto::{
    AccountView, AppendResult, Appended, CHUNK_HEAD_BYTES, ChunksStored, DeviceBinding, Devices,
    LogPage,
};
use offing_core::rpc::{Clash, Event, Reply, Status, SyncState, UploadItem};
use offing_core::sync::machine;
use offing_server::service::accounts::invite_beside;
use offing_server::state::system_clock;
use offing_worker::host::{Server as Reads, Source};
use offing_worker::net::api::Api;
use offing_worker::net::{NetError, Remote};
use offing_worker::proof::{self, NewAccount};
use offing_worker::replica::{Replica, Verified};
use offing_worker::store::chunks::Framed;
use rand::rngs::{OsRng, StdRng};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

use crate::REPLICAS;
use crate::server::Server;

const USERNAME: &str = "alice";
const PASSWORD: &str = "a long and quiet evening";
/// How long the last changes may take to arrive once the server stays alive.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a worker rests between two changes, in milliseconds.
const REST_MS: std::ops::Range<u64> = 10..60;
/// Changes that may wait for the server before a worker makes no more.
const PENDING_MAX: u32 = 100;

/// Makes an account and its vault; the founder's profile is the first in the folder.
pub(crate) fn sign_up(server: &Server, folder: &Path) {
    on_its_own(async {
        let invite = invite_beside(server.places(), system_clock()).await.unwrap();
        let profile = Profile::open(&founder(folder)).unwrap();
        let api = Api::new(profile.wire(&server.url()).unwrap());
        let (identity, device) = (Profile::new_device(), Profile::new_device());
        let new = NewAccount {
            invite,
            username: USERNAME.to_owned(),
            password: PASSWORD,
            code: &RecoveryCode::new([7; 16]),
            identity: &identity,
            device: binding(&device),
        };
        let proved = proof::sign_up(&api, &NativeCrypto, &mut OsRng, new).await.unwrap();
        let settled = session::settle(&profile, api, USERNAME, &proved, &device, "Founder").await;
        settled.unwrap().settle().await.unwrap();
    });
}

fn founder(folder: &Path) -> PathBuf {
    folder.join("founder")
}

fn worker(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("worker-{number}"))
}

/// Runs a future on this thread, with all that it spawns, and then drops all of it.
fn on_its_own<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

/// What the server has acknowledged to one replica.
#[derive(Default)]
pub(crate) struct Acks {
    /// Entries: their place, and the chain there where it was told.
    pub(crate) entries: BTreeMap<Seq, Option<Hash>>,
    /// Chunks.
    pub(crate) chunks: BTreeSet<ChunkId>,
    /// Calls that were not answered.
    pub(crate) broken_calls: u64,
}

/// The server as a replica reaches it, with a memory.
#[derive(Clone)]
struct Recorded {
    api: Api<Wire>,
    acks: Rc<RefCell<Acks>>,
}

impl Recorded {
    fn heard<T>(&self, answer: Result<T, NetError>) -> Result<T, NetError> {
        if matches!(&answer, Err(error) if error.is_offline()) {
            self.acks.borrow_mut().broken_calls += 1;
        }
        answer
    }
}

impl Remote for Recorded {
    async fn have(&self, vault: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError> {
        let held = self.heard(self.api.have(vault, ids).await)?;
        // What it says it has, it must have: the replica sends it no more.
        let known = ids.iter().zip(&held).filter(|(_, held)| **held).map(|(id, _)| *id);
        self.acks.borrow_mut().chunks.extend(known);
        Ok(held)
    }

    async fn put_chunks(&self, vault: VaultId, batch: &Framed) -> Result<ChunksStored, NetError> {
        let stored = self.heard(self.api.put_chunks(vault, batch).await)?;
        let Framed::Bytes(bytes) = batch;
        self.acks.borrow_mut().chunks.extend(ids_of(bytes));
        Ok(stored)
    }

    async fn append(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        let appended = self.heard(self.api.append(vault, entries).await)?;
        let mut acks = self.acks.borrow_mut();
        for result in &appended.results {
            if let AppendResult::Ok { seq, chain } = result {
                acks.entries.insert(*seq, Some(*chain));
            } else if let AppendResult::Dup { seq } = result {
                acks.entries.entry(*seq).or_default();
            } else {
                panic!("an honest entry is refused: {result:?}");
            }
        }
        Ok(appended)
    }
}

impl Reads for Recorded {
    async fn read_log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError> {
        self.heard(self.api.read_log(vault, after, own).await)
    }

    async fn give_back(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        self.heard(self.api.give_back(vault, entries).await)
    }

    async fn beginning(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        self.heard(self.api.beginning(vault, skip).await)
    }

    async fn index(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        self.heard(self.api.index(vault, skip).await)
    }

    async fn chunk(&self, vault: VaultId, id: ChunkId) -> Result<Vec<u8>, NetError> {
        self.heard(Reads::chunk(&self.api, vault, id).await)
    }

    async fn account(&self) -> Result<AccountView, NetError> {
        self.heard(self.api.account().await)
    }

    async fn bind_device(&self, device: &DeviceBinding) -> Result<(), NetError> {
        self.heard(self.api.bind_device(device).await)
    }

    async fn devices(&self) -> Result<Devices, NetError> {
        self.heard(self.api.devices().await)
    }
}

/// The ids of a framed batch.
fn ids_of(mut batch: &[u8]) -> Vec<ChunkId> {
    let mut ids = Vec::new();
    while let Some((head, rest)) = batch.split_at_checked(CHUNK_HEAD_BYTES) {
        let (id, len) = head.split_at(ChunkId::LEN);
        ids.push(ChunkId::from_slice(id).unwrap());
        batch = &rest[u32::from_be_bytes(len.try_into().unwrap()) as usize..];
    }
    ids
}

/// A device that makes changes without pause.
pub(crate) struct Worker {
    number: u32,
    profile: PathBuf,
    /// Where what it makes can be found.
    place: String,
}

/// What a worker has made, and what was acknowledged of it.
pub(crate) struct Made {
    pub(crate) acks: Acks,
    place: String,
    names: BTreeSet<String>,
}

impl Worker {
    /// Makes a device of the account.
    pub(crate) fn new(number: u32, folder: &Path, server: &str) -> Self {
        let profile = worker(folder, number);
        let place = format!("Worker {number}");
        on_its_own(async {
            let open = Profile::open(&profile).unwrap();
            let drive = session::log_in(&open, server, USERNAME, PASSWORD, &place, &|_| None)
                .await
                .unwrap();
            drive.settle().await.unwrap();
        });
        Self { number, profile, place }
    }

    /// Makes changes until it is told to stop, and then waits until all are on the server.
    pub(crate) fn run(self, all_in: &Barrier, stopping: &AtomicBool) -> Made {
        on_its_own(async {
            let profile = Profile::open(&self.profile).unwrap();
            let signed_in = profile.signed_in().unwrap().unwrap();
            let api = Api::new(profile.wire(&signed_in.server).unwrap());
            let server = Recorded { api, acks: Rc::default() };
            let (store, chunks) = profile.stores().unwrap();
            let host = NativeHost::new(store, chunks, server.clone(), profile.minted());
            let status = Rc::new(Cell::new(None));
            let hears = hearing(Rc::clone(&status));
            let keys = profile.keys().await.unwrap();
            let replica = Replica::open(host, signed_in.identity, keys, hears).await.unwrap();
            replica.start().await.unwrap();
            let Reply::Created { node: folder, .. } =
                replica.create_folder(NodeId::ROOT, &self.place).await.unwrap()
            else {
                panic!("a folder is made");
            };
            all_in.wait();
            let mut dice = StdRng::seed_from_u64(u64::from(self.number));
            let mut names = BTreeSet::new();
            while !stopping.load(Ordering::SeqCst) {
                if replica.pending().await.unwrap() < PENDING_MAX {
                    let name = format!("{:05}", names.len());
                    names.insert(make(&replica, folder, name, &mut dice).await);
                }
                // As the live socket or the browser would tell that the server is back.
                replica.tell(machine::Event::Nudge);
                tokio::time::sleep(Duration::from_millis(dice.gen_range(REST_MS))).await;
            }
            let begun = Instant::now();
            while status.get().is_none_or(|status| status.state != SyncState::OnServer) {
                assert!(begun.elapsed() < PATIENCE, "what waits arrives: {:?}", status.get());
                replica.tell(machine::Event::Nudge);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            replica.close();
            Made { acks: server.acks.take(), place: self.place, names }
        })
    }
}

/// Listens to a replica; an honest server that was killed is no reason for an alarm.
fn hearing(status: Rc<Cell<Option<Status>>>) -> Box<dyn Fn(Event)> {
    Box::new(move |event| {
        assert!(!matches!(event, Event::Alarm(_)), "a false alarm: {event:?}");
        if let Event::Status(now) = event {
            status.set(Some(now));
        }
    })
}

/// Makes a folder, a text or a file, mostly small.
async fn make(
    replica: &Rc<Replica<NativeHost<Recorded>>>,
    folder: NodeId,
    name: String,
    dice: &mut StdRng,
) -> String {
    match dice.gen_range(0..40) {
        0..12 => {
            replica.create_folder(folder, &name).await.unwrap();
            name
        }
        12..24 => {
            let name = format!("{name}.txt");
            replica.create_text(folder, &name).await.unwrap();
            name
        }
        kind => {
            let name = format!("{name}.bin");
            let max = if kind == 39 { 2_000_000 } else { 60_000 };
            let mut bytes = vec![0; dice.gen_range(1..max)];
            dice.fill_bytes(&mut bytes);
            let size = bytes.len() as u64;
            let item = UploadItem { path: vec![name.clone()], size, modified_ms: 0 };
            let files = vec![InMemory(bytes)];
            replica.upload(folder, vec![item], files, Clash::KeepBoth).await.unwrap();
            name
        }
    }
}

struct InMemory(Vec<u8>);

impl Source for InMemory {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.0.get(range).map(<[u8]>::to_vec)
    }
}

/// Opens a profile that somebody here has closed. A server that a test beside this one starts has all
/// our files until it has become another program, their locks too.
fn open_again(folder: &Path) -> Profile {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Profile::open(folder) {
            Err(Failure::ProfileInUse { .. }) if Instant::now() < deadline => thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// Has the workers' devices give back to the server what it lacks after `restore`, and go on.
pub(crate) fn give_back(folder: &Path, restore: impl FnOnce()) {
    on_its_own(async {
        let profiles: Vec<Profile> =
            (0..REPLICAS).map(|number| open_again(&worker(folder, number))).collect();
        let mut drives = Vec::new();
        for profile in &profiles {
            let drive = offing_cli::drive::Drive::open(profile).await.unwrap();
            drive.settle().await.unwrap();
            drives.push(drive);
        }
        restore();
        let mut lacked = 0;
        for drive in &drives {
            // The first call may find that the old connection is broken.
            let lacking = match drive.replica.lacking_there().await {
                Ok(lacking) => lacking,
                Err(_) => drive.replica.lacking_there().await.unwrap(),
            };
            lacked += lacking.entries;
            // Entries come from the first; chunks from whoever has them.
            let lacking = drive.replica.give_back().await.unwrap();
            assert_eq!(lacking.entries, 0);
        }
        assert!(lacked > 0, "the backup lacked something");
        drives[0].replica.go_on().await.unwrap();
        for drive in &drives {
            drive.settle().await.unwrap();
        }
    });
}

/// Reads all that the server keeps, and looks for everything that it ever acknowledged.
pub(crate) fn inspect(folder: &Path, made: &[Made]) -> Verified {
    on_its_own(async {
        let profile = Profile::open(&founder(folder)).unwrap();
        let drive = offing_cli::drive::Drive::open(&profile).await.unwrap();
        drive.settle().await.unwrap();
        let found = drive.replica.verify(&mut |_, _| {}).await.unwrap();
        assert!(found.is_sound(), "{found:?}");

        let vault = drive.replica.vault();
        let chains = chains(&drive.api, vault, &profile).await;
        for (seq, chain) in made.iter().flat_map(|made| &made.acks.entries) {
            let kept = chains.get(seq).unwrap_or_else(|| panic!("entry {seq} is missing"));
            assert!(chain.is_none_or(|chain| chain == *kept), "entry {seq} is another one");
        }
        let acked: BTreeSet<ChunkId> =
            made.iter().flat_map(|made| made.acks.chunks.iter().copied()).collect();
        for id in acked {
            let bytes = Reads::chunk(&drive.api, vault, id).await.unwrap();
            assert_eq!(Sha256::digest(&bytes).as_slice(), id.0, "chunk {id} is what it was");
        }
        for Made { place, names, .. } in made {
            let folder = listing::find(&drive.replica, place).await.unwrap().node();
            let rows = listing::list(&drive.replica, folder).await.unwrap();
            let shown: BTreeSet<String> = rows.into_iter().map(|row| row.name).collect();
            assert_eq!(&shown, names, "{place} has what its device made");
        }
        found
    })
}

/// The chain at every place of the log.
async fn chains(api: &Api<Wire>, vault: VaultId, profile: &Profile) -> BTreeMap<Seq, Hash> {
    use offing_worker::store::{Store as _, Table};
    let (store, _) = profile.stores().unwrap();
    let state = store.get(Table::Meta, b"log").await.unwrap().unwrap();
    let mut state = postcard::from_bytes::<LogState>(&state).unwrap().from_the_start();
    let mut chains = BTreeMap::new();
    loop {
        let page = api.log(vault, state.at().seq, None).await.unwrap();
        for step in state.check_page(&NativeCrypto, &page).await.unwrap() {
            chains.insert(step.point.seq, step.point.chain);
        }
        if state.at().seq >= page.tip.seq {
            return chains;
        }
    }
}
