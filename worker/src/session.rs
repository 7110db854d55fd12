//! Signing up, in and out: the account's keys, and what of them this device keeps.
//!
//! `proof` proves the password or the recovery code and opens the account master key. Keys
//! that stay on the device are non-extractable `CryptoKey`s beside the tables; on a borrowed
//! computer nothing is.

use std::rc::Rc;

use offing_core::account::recovery::RecoveryCode;
use offing_core::proto::{DeviceBinding, SecretKind};
use offing_core::rpc::{Event, Fault, KitState, Session};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::enrol::{self, NewDevice};
use crate::host::Host;
use crate::host::browser::BrowserHost;
use crate::net::fetch::Api;
use crate::platform::opaque::{Module, ask_factor};
use crate::platform::webcrypto::{DeviceKey, WebCrypto};
use crate::platform::{identity, random};
use crate::proof::{self, NewAccount, Proved, check_password, from_opaque};
use crate::replica::fault::from_store;
use crate::replica::{Identity, Replica};
use crate::store::chunks::ChunkStore;
use crate::store::chunks::memory::MemoryChunks;
use crate::store::keys::KeyStore;
use crate::store::local::{self, LocalChunks, LocalStore};
use crate::store::memory::MemoryStore;
use crate::store::{self, Batch, Durability, Store, Table};

mod held;
pub mod secrets;

pub use held::resume;

use held::{Held, held_by, refuse_unsynced};
use secrets::kit_check;

const PROFILE_KEY: &[u8] = b"profile";
const ACCOUNT_KEY: &str = "account";
const DEVICE_KEY: &str = "device";
/// Left behind by a sign-out that could not reach the server.
const LEFT_KEY: &str = "left";

/// Where a session's events go.
pub type Events = Rc<dyn Fn(Event)>;

/// The signed-in person on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Who this device is.
    pub identity: Identity,
    /// The name to sign in with.
    pub username: String,
    /// The recovery kit was read back.
    pub kit_confirmed: bool,
    /// SHA-256 of the recovery code, to check what is read back; empty where that was done
    /// or the code was never seen.
    pub kit_check: Vec<u8>,
}

impl Profile {
    fn kit(&self) -> KitState {
        match (self.kit_confirmed, self.kit_check.is_empty()) {
            (true, _) => KitState::Kept,
            (false, false) => KitState::Shown,
            (false, true) => KitState::Missing,
        }
    }
}

/// An open session: the replica and what stands around it.
pub struct Opened {
    /// The vault.
    pub replica: Rc<Replica<BrowserHost>>,
    /// Where it runs.
    pub host: BrowserHost,
    /// The person.
    pub profile: Profile,
}

/// A sign-up or sign-in of a person on a device.
struct Entered {
    username: String,
    proved: Proved,
    device: DeviceKey,
}

impl Opened {
    /// What the page is told.
    pub fn session(&self) -> Session {
        Session::SignedIn {
            username: self.profile.username.clone(),
            vault: self.profile.identity.vault,
            device_name: self.replica.identity().device_name,
            kit: self.profile.kit(),
            sign_in_again: self.replica.is_signed_out(),
            taken_off: self.replica.is_taken_off(),
        }
    }

    /// Forgets everything on this device.
    pub async fn forget(self) -> Result<(), Fault> {
        self.replica.close();
        self.host.stop_listening();
        if let Some(keys) = self.host.keys() {
            keys.clear().await.map_err(|e| from_store(&e))?;
        }
        self.host.store().clear().await.map_err(|e| from_store(&e))?;
        self.host.chunks().clear().await.map_err(|e| from_store(&e))
    }
}

/// Remembers that the session at the server is to be ended once it can be reached.
pub async fn leave_later() -> Result<(), Fault> {
    let (_, _, keys) = browser_stores().await?;
    keys.put(LEFT_KEY, &JsValue::TRUE).await.map_err(|e| from_store(&e))
}

/// Ends the session at the server that a sign-out without network left.
pub async fn leave(api: Rc<Api>) {
    let Ok((_, _, keys)) = browser_stores().await else {
        return;
    };
    if matches!(keys.get(LEFT_KEY).await, Ok(Some(_))) && api.sign_out().await.is_ok() {
        // Left in place, it is tried again at the next start, which does no harm.
        keys.delete(LEFT_KEY).await.ok();
    }
}

/// Creates an account and its first vault; returns the recovery code, shown once.
pub async fn sign_up(
    api: Rc<Api>,
    events: Events,
    invite: String,
    username: String,
    password: &str,
) -> Result<(Opened, String), Fault> {
    check_password(password)?;
    refuse_unsynced().await?;
    let code = RecoveryCode::new(random::array());
    let identity = identity::generate().await.map_err(|_| Fault::Unsupported)?;
    let device = new_device().await?;
    let new = NewAccount {
        invite,
        username: username.clone(),
        password,
        code: &code,
        identity: &identity,
        device: binding(&device),
    };
    let mut opaque = Module::load().await.map_err(from_opaque)?;
    let proved = proof::sign_up(&api, &WebCrypto::new(), &mut opaque, new).await?;
    let entered = Entered { username, proved, device };
    let opened = settle(api, events, entered, false, Some(&code)).await?;
    Ok((opened, code.to_string()))
}

/// Signs in with the password.
pub async fn sign_in(
    api: Rc<Api>,
    events: Events,
    username: String,
    password: &str,
    borrowed: bool,
) -> Result<Opened, Fault> {
    if borrowed {
        let device = new_device().await?;
        let kind = SecretKind::Password;
        let entered = prove(&api, username, kind, password.as_bytes(), device).await?;
        return settle(api, events, entered, true, None).await;
    }
    let held = held_by(&username).await?;
    let device = device_of(held.as_ref()).await?;
    let kind = SecretKind::Password;
    let entered = prove(&api, username, kind, password.as_bytes(), device).await?;
    come_back(api, events, entered, held).await
}

/// The device that signs in: the one that is here already, if it is.
async fn device_of(held: Option<&Held>) -> Result<DeviceKey, Fault> {
    match held {
        Some(held) => known_device(&held.device).await,
        None => new_device().await,
    }
}

/// The device of a pair of keys.
async fn known_device(pair: &JsValue) -> Result<DeviceKey, Fault> {
    WebCrypto::new().device_key(pair.clone()).await.map_err(|_| Fault::Storage)
}

async fn new_device() -> Result<DeviceKey, Fault> {
    WebCrypto::new().generate_device_key().await.map_err(|_| Fault::Unsupported)
}

/// Goes on with what is here where it is the same account's, so that a sign-in after an
/// ended session loses nothing; else begins anew.
async fn come_back(
    api: Rc<Api>,
    events: Events,
    entered: Entered,
    held: Option<Held>,
) -> Result<Opened, Fault> {
    let started = &entered.proved.started;
    match held {
        Some(mut held) if held.profile.identity.account == started.record.account => {
            if held.profile.kit_confirmed != started.kit_confirmed {
                // It was read back, or replaced, on another device.
                held.profile.kit_confirmed = started.kit_confirmed;
                held.profile.kit_check.clear();
                save_profile(&held.store, &held.profile).await?;
            }
            let opened = held.open(api, &events);
            opened.replica.open_secrets().await?;
            Ok(opened)
        }
        _ => settle(api, events, entered, false, None).await,
    }
}

/// Signs in with the recovery code and sets a new password.
pub async fn recover(
    api: Rc<Api>,
    events: Events,
    username: String,
    code: &str,
    new_password: &str,
) -> Result<Opened, Fault> {
    check_password(new_password)?;
    let code: RecoveryCode = code.parse().map_err(|_| Fault::CodeMismatch)?;
    let held = held_by(&username).await?;
    let device = device_of(held.as_ref()).await?;
    let entered = prove(&api, username, SecretKind::Recovery, code.secret(), device).await?;
    secrets::set(&api, &entered.proved, SecretKind::Password, new_password.as_bytes()).await?;
    come_back(api, events, entered, held).await
}

/// Proves a secret to the server and opens the slot that it opens.
async fn prove(
    api: &Api,
    username: String,
    kind: SecretKind,
    secret: &[u8],
    device: DeviceKey,
) -> Result<Entered, Fault> {
    let (crypto, binding) = (WebCrypto::new(), binding(&device));
    let mut opaque = Module::load().await.map_err(from_opaque)?;
    let secret = (kind, secret);
    let proved =
        proof::sign_in(api, &crypto, &mut opaque, &username, secret, binding, ask_factor).await?;
    Ok(Entered { username, proved, device })
}

/// Makes this device one of the account's: opens or founds the vault, keeps the keys.
async fn settle(
    api: Rc<Api>,
    events: Events,
    entered: Entered,
    borrowed: bool,
    code: Option<&RecoveryCode>,
) -> Result<Opened, Fault> {
    let (store, chunks, keys) = if borrowed {
        let store = LocalStore::Memory(MemoryStore::new());
        (store, LocalChunks::Memory(MemoryChunks::new()), None)
    } else {
        let (store, chunks, keys) = browser_stores().await?;
        // What another account left here would be mixed into this one's tables; its work
        // was seen to be on the server before.
        refuse_unsynced().await?;
        store.clear().await.map_err(|e| from_store(&e))?;
        chunks.clear().await.map_err(|e| from_store(&e))?;
        (store, chunks, Some(keys))
    };
    let pair = entered.device.as_js().clone();
    let host = BrowserHost::new(store, chunks, Rc::clone(&api), keys, pair);
    let name = device_name();
    let Entered { username, proved, device } = entered;
    let new = NewDevice { public: device.public, signing: &device.signing, name: &name };
    let settled = enrol::settle(host.clone(), &api, &proved, &new, page_events(&events)).await;
    let (replica, master) = settled?;
    let profile = Profile {
        identity: replica.identity(),
        username,
        kit_confirmed: proved.started.kit_confirmed,
        kit_check: code.map(kit_check).unwrap_or_default(),
    };
    if let Some(keys) = host.keys() {
        keys.put(ACCOUNT_KEY, master.as_js()).await.map_err(|e| from_store(&e))?;
        keys.put(DEVICE_KEY, device.as_js()).await.map_err(|e| from_store(&e))?;
    }
    // The profile comes last: with it, a start of the app finds everything else.
    save_profile(host.store(), &profile).await?;
    Ok(Opened { replica, host, profile })
}

async fn browser_stores() -> Result<(LocalStore, LocalChunks, KeyStore), Fault> {
    let (idb, chunks) = local::open(store::DATABASE).await.map_err(|e| from_store(&e))?;
    let keys = KeyStore::new(idb.clone());
    Ok((LocalStore::Browser(idb), chunks, keys))
}

async fn save_profile(store: &LocalStore, profile: &Profile) -> Result<(), Fault> {
    let mut batch = Batch::new();
    let encoded = postcard::to_allocvec(profile).expect("plain data always serialises");
    batch.put(Table::Meta, PROFILE_KEY, encoded);
    store.write(batch, Durability::Strict).await.map_err(|e| from_store(&e))
}

fn binding(device: &DeviceKey) -> DeviceBinding {
    DeviceBinding { device: device.public.device_id(), public: device.public.0.to_vec().into() }
}

fn page_events(events: &Events) -> Box<dyn Fn(Event)> {
    let events = Rc::clone(events);
    Box::new(move |event| events(event))
}

/// What people will call this device: browser and system, as far as the browser says.
fn device_name() -> String {
    use crate::platform::js;
    let navigator = js::global("navigator").unwrap_or(JsValue::UNDEFINED);
    let agent = js::property(&navigator, "userAgent").as_string().unwrap_or_default();
    let find = |names: &[(&str, &str)], other: &str| {
        let found = names.iter().find(|(mark, _)| agent.contains(mark));
        found.map_or(other.to_owned(), |(_, name)| (*name).to_owned())
    };
    let browser = find(
        &[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")],
        "Browser",
    );
    let system = find(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS", "Mac"),
            ("Linux", "Linux"),
        ],
        "this device",
    );
    format!("{browser} on {system}")
}
