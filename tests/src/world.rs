//! A person with devices, and a server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use offing_core::account::seal_identity;
use offing_core::crypto::PublicKey;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Person, pair};
use offing_core::id::{ChunkId, DeviceId, Hash, Seq, VaultId};
use offing_core::proto::AccountRecord;
use offing_core::rpc::{Fault, SyncState};
use offing_core::sync::machine;
use offing_server::service::accounts::NewAccount;
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, ServiceOptions, Services};
use offing_worker::enrol::{self, Enrolment};
use offing_worker::host::Keys;
use offing_worker::replica::{Identity, Replica};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::device::{Device, Parts};
use crate::executor::Executor;
use crate::host::{EPOCH_MS, Profile, TestHost};
use crate::net::{Line, Net, TestServer};

/// Rounds of synchronising before a scenario is given up.
const ROUNDS_MAX: usize = 60;

/// A tab that the live socket wakes.
struct Woken {
    device: DeviceId,
    tab: u64,
    line: Rc<Line>,
    replica: Weak<Replica<TestHost>>,
}

/// Everything there is in a scenario.
pub struct World {
    /// Runs it.
    pub executor: Executor,
    /// The server and the way to it.
    pub net: Rc<Net>,
    pub(crate) person: Person,
    seed: u64,
    pub(crate) vault: Cell<Option<VaultId>>,
    devices: RefCell<Vec<Rc<Device>>>,
    last_tab: Rc<Cell<u64>>,
    /// The public keys of the devices that have a session.
    signed_in: RefCell<BTreeMap<DeviceId, PublicKey>>,
    /// Pieces of snapshots that the server may have removed.
    pub(crate) remembered: RefCell<BTreeMap<ChunkId, Vec<u8>>>,
    /// Bodies of entries that the server may have let go of, by the entries' hashes.
    pub(crate) bodies: RefCell<BTreeMap<Hash, Vec<u8>>>,
    woken: Rc<RefCell<Vec<Woken>>>,
}

/// The server lets what is dead go.
pub(crate) fn options() -> ServiceOptions {
    ServiceOptions { collect_delete: true, ..ServiceOptions::default() }
}

impl World {
    /// Makes a world in which nobody has a device yet.
    pub fn new(seed: u64) -> Self {
        Self::over(seed, Services::in_memory(options()).unwrap())
    }

    /// Makes such a world over a server that has nothing yet.
    pub fn over(seed: u64, services: Services) -> Self {
        let executor = Executor::default();
        let net = Net::new(executor.clone(), services, StdRng::seed_from_u64(seed));
        let world = Self {
            net,
            executor,
            person: Person::new(7),
            seed,
            vault: Cell::new(None),
            devices: RefCell::default(),
            last_tab: Rc::new(Cell::new(0)),
            signed_in: RefCell::default(),
            remembered: RefCell::default(),
            bodies: RefCell::default(),
            woken: Rc::default(),
        };
        world.net.ask(async |services| world.signs_up(&services).await);
        world.wires_the_live_socket();
        world
    }

    /// Makes a world with these devices, all online and in step.
    pub fn with(names: &[&str]) -> Self {
        Self::seeded(1, names)
    }

    /// Makes such a world from a seed.
    pub fn seeded(seed: u64, names: &[&str]) -> Self {
        let world = Self::new(seed);
        for name in names {
            world.adds(name);
        }
        world.sync_all();
        world
    }

    pub(crate) async fn signs_up(&self, services: &Services) {
        let invite = services.create_invite(EPOCH_MS).await.unwrap();
        let (master, account) = (&self.person.master_secret, &self.person.account);
        let identity = &self.person.identity;
        let sealed = seal_identity(&NativeCrypto, master, 1, account, &[1; 32], identity).await;
        let record = AccountRecord {
            account: self.person.account,
            identity_public: self.person.identity.public.0.to_vec().into(),
            identity_sealed: sealed.unwrap().into(),
            password_slot: vec![3].into(),
            recovery_slot: vec![4].into(),
        };
        let new = NewAccount {
            invite,
            username: "alice".to_owned(),
            password_file: vec![5],
            recovery_file: vec![6],
            record,
        };
        services.register(new, EPOCH_MS).await.unwrap();
    }

    /// Every device has a session.
    pub(crate) async fn signs_in(&self, services: &Services) {
        let devices = self.signed_in.borrow().clone();
        for (device, public) in devices {
            let (account, public) = (self.person.account, public.0.to_vec());
            services.start_session(account, device, public, EPOCH_MS).await.unwrap();
        }
    }

    /// The session of a device ends, since it was away for so long.
    pub fn forgets_session(&self, device: &Device) {
        self.signed_in.borrow_mut().remove(&device.identity().device);
        self.signs_all_in_again();
    }

    /// The server lets go of bodies while these devices are away for so long that their sessions
    /// have ended; they sign in again later.
    pub fn prunes_without(&self, away: &[DeviceId]) -> usize {
        let all = self.signed_in.borrow().clone();
        self.signed_in.borrow_mut().retain(|device, _| !away.contains(device));
        self.signs_all_in_again();
        let gone = self.prunes();
        *self.signed_in.borrow_mut() = all;
        self.signs_all_in_again();
        gone
    }

    fn signs_all_in_again(&self) {
        let end = async |services: Services| services.sweep_sessions(i64::MAX).await;
        self.net.ask(end).unwrap();
        self.net.ask(async |services| self.signs_in(&services).await);
    }

    /// Whoever is online hears of growth, as by the live socket.
    fn wires_the_live_socket(&self) {
        let (woken, executor) = (Rc::clone(&self.woken), self.executor.clone());
        *self.net.grown.borrow_mut() = Some(Box::new(move |by, seq| {
            woken.borrow_mut().retain(|listener| listener.replica.strong_count() > 0);
            for listener in woken.borrow().iter() {
                if listener.device == by || listener.line.offline.get() {
                    continue;
                }
                let (replica, sleeper) = (Weak::clone(&listener.replica), executor.clone());
                executor.spawn(listener.tab, async move {
                    sleeper.sleep(20).await;
                    if let Some(replica) = replica.upgrade() {
                        replica.tell(machine::Event::Wake(seq));
                    }
                });
            }
        }));
    }

    // ------------------------------------------------------------ devices

    /// Gives the person one more device: the first founds the vault, others join it.
    pub fn adds(&self, name: &str) -> Rc<Device> {
        self.tries_to_add(name).unwrap()
    }

    /// The same, where the server may show what cannot be joined.
    pub fn tries_to_add(&self, name: &str) -> Result<Rc<Device>, Fault> {
        let number = u8::try_from(self.devices.borrow().len()).unwrap();
        let pair = pair(100 + number);
        let signing = ready(NativeCrypto.import_signing(&pair)).unwrap();
        let caller = Caller { account: self.person.account, device: pair.public.device_id() };
        self.signed_in.borrow_mut().insert(caller.device, pair.public);
        self.net.ask(async |services| {
            let (account, public) = (caller.account, pair.public.0.to_vec());
            services.start_session(account, caller.device, public, EPOCH_MS).await.unwrap();
        });
        let (profile, line) = (Rc::new(Profile::default()), Rc::new(Line::default()));
        let start = self.starter(caller);
        let host = start(Rc::clone(&profile), Rc::clone(&line));
        let who = Enrolment {
            account: self.person.account,
            identity: self.person.identity.public,
            identity_signing: &self.person.identity_key,
            master: &self.person.master_secret,
            device: pair.public,
            device_signing: &signing,
            device_name: name,
        };
        let genesis = self.vault.get().is_none().then(|| {
            let genesis = ready(enrol::found(&host, &who)).unwrap();
            let create = async |services: Services| {
                services.create_vault(&caller, &genesis.entry.encode(), EPOCH_MS).await
            };
            self.net.ask(create).unwrap();
            self.vault.set(Some(genesis.vault));
            genesis
        });
        let vault = self.vault.get().unwrap();
        let identity = Identity {
            account: self.person.account,
            vault,
            device: caller.device,
            device_name: name.to_owned(),
        };
        let keys = Keys { account: self.person.master_secret.clone(), signing: signing.clone() };
        let executor = self.executor.clone();
        let device = Device::new(Parts { executor, line, profile, identity, keys, start });
        let (events, opening) = (device.events(), host.clone());
        let (person_keys, public) = (self.person.identity_key.clone(), pair.public);
        let (account, identity) = (self.person.account, self.person.identity.public);
        let (master, name) = (self.person.master_secret.clone(), name.to_owned());
        let entered = self.executor.block_on(async move {
            let who = Enrolment {
                account,
                identity,
                identity_signing: &person_keys,
                master: &master,
                device: public,
                device_signing: &signing,
                device_name: &name,
            };
            enrol::enter(opening, &who, vault, genesis.as_ref(), events).await
        });
        let replica = entered?;
        wakes(&self.woken, &device, host.tab(), &replica);
        device.begins(host, Rc::clone(&replica));
        self.executor.block_on(async move { replica.start().await }).unwrap();
        self.devices.borrow_mut().push(Rc::clone(&device));
        Ok(device)
    }

    /// Copies a device's profile, as a backup program does, and opens the copy as well.
    pub fn clones(&self, name: &str) -> Rc<Device> {
        let copy = self.device(name).copies_its_profile();
        copy.opens();
        self.devices.borrow_mut().push(Rc::clone(&copy));
        copy
    }

    /// The person signs in again on a device that was taken off.
    pub fn signs_in_again(&self, name: &str) {
        let device = self.device(name);
        let of_session = device.replica().identity().device;
        self.net.taken_off.borrow_mut().remove(&of_session);
        self.restarts(name);
    }

    fn starter(&self, caller: Caller) -> Rc<dyn Fn(Rc<Profile>, Rc<Line>) -> TestHost> {
        let (net, executor) = (Rc::clone(&self.net), self.executor.clone());
        let (last_tab, seed) = (Rc::clone(&self.last_tab), self.seed);
        Rc::new(move |profile, line| {
            last_tab.set(last_tab.get() + 1);
            let server = TestServer::new(Rc::clone(&net), line, Rc::clone(&profile), caller);
            let tab = seed * 1_000 + last_tab.get();
            TestHost::new(profile, executor.clone(), server, tab)
        })
    }

    /// What makes the live socket wake a device's open tab.
    pub fn wakers(&self) -> impl Fn(&Device) + 'static {
        let woken = Rc::clone(&self.woken);
        move |device| wakes(&woken, device, device.tab(), &device.replica())
    }

    /// A device.
    pub fn device(&self, name: &str) -> Rc<Device> {
        let devices = self.devices.borrow();
        let found = devices.iter().find(|device| device.name == name);
        Rc::clone(found.expect("the scenario has this device"))
    }

    /// All devices.
    pub fn devices(&self) -> Vec<Rc<Device>> {
        self.devices.borrow().clone()
    }

    /// A device loses its network.
    pub fn goes_offline(&self, name: &str) {
        self.device(name).line.offline.set(true);
    }

    /// A device has its network again.
    pub fn goes_online(&self, name: &str) {
        let device = self.device(name);
        device.line.offline.set(false);
        device.nudges();
    }

    /// The browser of a device is killed, and the app opened again.
    pub fn restarts(&self, name: &str) {
        let device = self.device(name);
        device.crashes();
        device.opens();
    }

    // ------------------------------------------------------------ time

    /// Lets time pass.
    pub fn passes(&self, duration_ms: u64) {
        self.executor.run_for(duration_ms);
    }

    /// The last place of the server's log.
    pub fn tip(&self) -> Seq {
        let (vault, caller) = (self.vault.get().unwrap(), self.caller());
        let read = async |services: Services| {
            services.read_log(&caller, vault, 0, None, PageLimits::default()).await
        };
        self.net.ask(read).unwrap().tip.seq
    }

    /// The vault that the first device founded.
    pub fn vault(&self) -> VaultId {
        self.vault.get().expect("somebody founded it")
    }

    /// The first device, as the server knows it.
    pub fn caller(&self) -> Caller {
        let device = self.devices.borrow()[0].identity().device;
        Caller { account: self.person.account, device }
    }

    /// Puts every open device online and waits until all is on the server and on all of them.
    pub fn sync_all(&self) {
        for device in self.devices() {
            device.line.offline.set(false);
            device.line.bad_percent.set(0);
            device.line.mishaps.borrow_mut().clear();
        }
        for _ in 0..ROUNDS_MAX {
            for device in self.devices().iter().filter(|device| device.is_open()) {
                device.nudges();
            }
            self.passes(6_000);
            if self.is_in_step() {
                return;
            }
        }
        for device in self.devices() {
            eprintln!(
                "{}: {:?} at {} of {}, alarms {:?}",
                device.name,
                device.page.status.get(),
                device.cursor(),
                self.tip(),
                device.page.alarms.borrow()
            );
        }
        panic!("the devices never come into step");
    }

    fn is_in_step(&self) -> bool {
        let tip = self.tip();
        self.devices()
            .iter()
            .filter(|device| device.is_open())
            .all(|device| device.status().state == SyncState::OnServer && device.cursor() == tip)
    }

    /// The server gives the person so many bytes more than are used now, or as many as
    /// anybody wants.
    pub fn leaves_space(&self, bytes: Option<u64>) {
        let account = self.person.account;
        self.net.ask(async |services| {
            let used = services.account(account).await.unwrap().unwrap().used_bytes;
            services.limit_account(account, bytes.map(|bytes| used + bytes)).await.unwrap();
        });
    }

    /// All open devices show the same tree with the same contents.
    pub fn assert_converged(&self) {
        let devices = self.devices();
        let mut open = devices.iter().filter(|device| device.is_open());
        let first = open.next().expect("a device is open");
        let expected = first.everything();
        for device in open {
            let shown = device.everything();
            assert_eq!(expected, shown, "{} and {} differ", first.name, device.name);
        }
        for (path, shown) in &expected {
            assert!(shown.content.is_ok(), "{path} cannot be read: {:?}", shown.content);
        }
    }
}

impl Drop for World {
    /// Ten thousand lives in one process would not have room otherwise, nor open files enough.
    fn drop(&mut self) {
        self.net.grown.take();
        self.executor.end();
    }
}

fn wakes(woken: &RefCell<Vec<Woken>>, device: &Device, tab: u64, replica: &Rc<Replica<TestHost>>) {
    woken.borrow_mut().push(Woken {
        device: device.identity().device,
        tab,
        line: Rc::clone(&device.line),
        replica: Rc::downgrade(replica),
    });
}
