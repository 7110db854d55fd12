//! Signing up, in and out: the account's keys, and what of them this device keeps.
//!
//! The password and the recovery code stay in here: OPAQUE proves them, its export key
//! opens a slot, the slot holds the account master key. Keys that stay on the device are
//! non-extractable `CryptoKey`s beside the tables; on a borrowed computer nothing is.

use std::rc::Rc;

use offing_core::account::recovery::RecoveryCode;
use offing_core::account::{self, MasterKey};
use offing_core::auth::{AuthError, Login, Registration, Stretch};
use offing_core::crypto::{PublicKey, RawKey};
use offing_core::id::{AccountId, VaultId};
use offing_core::proto::{
    AccountRecord, Code, DeviceBinding, LoginFinish, LoginStart, RegisterFinish, RegisterStart,
    SecretKind, SessionStarted,
};
use offing_core::rpc::{Event, Fault, KitState, Session};
use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::enrol::{self, Enrolment};
use crate::host::Host;
use crate::host::browser::BrowserHost;
use crate::net::api::Api;
use crate::platform::webcrypto::{DeviceKey, WebCrypto, WebSigningKey};
use crate::platform::{identity, random};
use crate::replica::fault::{from_net, from_store};
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
use secrets::{check_password, kit_check, slot};

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
    /// The pair of keys of the device that the session is bound to.
    device: JsValue,
    /// Where the keys are; `None` on a borrowed computer.
    keys: Option<KeyStore>,
}

/// What a sign-up or sign-in proved.
struct Proved {
    username: String,
    started: SessionStarted,
    master: MasterKey,
    device: DeviceKey,
}

impl Opened {
    /// What the page is told.
    pub fn session(&self) -> Session {
        Session::SignedIn {
            username: self.profile.username.clone(),
            vault: self.profile.identity.vault,
            device_name: self.profile.identity.device_name.clone(),
            kit: self.profile.kit(),
            sign_in_again: self.replica.is_signed_out(),
        }
    }

    /// Forgets everything on this device.
    pub async fn forget(self) -> Result<(), Fault> {
        self.replica.close();
        self.host.stop_listening();
        if let Some(keys) = &self.keys {
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
    let crypto = WebCrypto::new();
    let mut rng = Dice;
    let code = RecoveryCode::new(random::array());
    let (password_reg, password_request) =
        Registration::start(&mut rng, password.as_bytes()).map_err(from_auth)?;
    let (recovery_reg, recovery_request) =
        Registration::start(&mut rng, code.secret()).map_err(from_auth)?;
    let start = RegisterStart {
        invite: invite.clone(),
        username: username.clone(),
        password_request: password_request.into(),
        recovery_request: recovery_request.into(),
    };
    let responses = api.register_start(&start).await.map_err(|e| from_net(&e))?;
    let stretch = Stretch::default();
    let by_password = password_reg
        .finish(&mut rng, &responses.password_response.0, &stretch)
        .map_err(from_auth)?;
    let by_recovery = recovery_reg
        .finish(&mut rng, &responses.recovery_response.0, &stretch)
        .map_err(from_auth)?;

    let id = AccountId(random::array());
    let master = MasterKey { version: 1, key: RawKey::new(random::array()) };
    let secret = master.import(&crypto).await.map_err(|_| Fault::Unsupported)?;
    let pair = identity::generate().await.map_err(|_| Fault::Unsupported)?;
    let salt = random::array();
    let sealed = account::seal_identity(&crypto, &secret, 1, &id, &salt, &pair).await;
    let record = AccountRecord {
        account: id,
        identity_public: pair.public.0.to_vec().into(),
        identity_sealed: sealed.map_err(|_| Fault::Internal)?.into(),
        password_slot: slot(&crypto, &by_password.export_key, &id, SecretKind::Password, &master)
            .await?,
        recovery_slot: slot(&crypto, &by_recovery.export_key, &id, SecretKind::Recovery, &master)
            .await?,
    };
    let device = new_device().await?;
    let finish = RegisterFinish {
        invite,
        username: username.clone(),
        password_upload: by_password.upload.into(),
        recovery_upload: by_recovery.upload.into(),
        record,
        device: binding(&device),
    };
    let started = api.register_finish(&finish).await.map_err(|e| from_net(&e))?;
    let proved = Proved { username, started, master, device };
    let opened = settle(api, events, proved, false, Some(&code)).await?;
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
        let proved = prove(&api, username, kind, password.as_bytes(), device).await?;
        return settle(api, events, proved, true, None).await;
    }
    let held = held_by(&username).await?;
    let device = device_of(held.as_ref()).await?;
    let kind = SecretKind::Password;
    let proved = prove(&api, username, kind, password.as_bytes(), device).await?;
    come_back(api, events, proved, held).await
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
    proved: Proved,
    held: Option<Held>,
) -> Result<Opened, Fault> {
    match held {
        Some(mut held) if held.profile.identity.account == proved.started.record.account => {
            if held.profile.kit_confirmed != proved.started.kit_confirmed {
                // It was read back, or replaced, on another device.
                held.profile.kit_confirmed = proved.started.kit_confirmed;
                held.profile.kit_check.clear();
                save_profile(&held.store, &held.profile).await?;
            }
            let opened = held.open(api, &events);
            opened.replica.open_secrets().await?;
            Ok(opened)
        }
        _ => settle(api, events, proved, false, None).await,
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
    let proved = prove(&api, username, SecretKind::Recovery, code.secret(), device).await?;
    secrets::set(&api, &proved, SecretKind::Password, new_password.as_bytes()).await?;
    come_back(api, events, proved, held).await
}

/// Proves a secret to the server and opens the slot that it opens.
async fn prove(
    api: &Api,
    username: String,
    kind: SecretKind,
    secret: &[u8],
    device: DeviceKey,
) -> Result<Proved, Fault> {
    let mut rng = Dice;
    let (login, request) = Login::start(&mut rng, kind, secret).map_err(from_auth)?;
    let start = LoginStart { username: username.clone(), kind, request: request.into() };
    let response = api.login_start(&start).await.map_err(|e| from_net(&e))?;
    let logged_in =
        login.finish(&mut rng, &response.response.0, &Stretch::default()).map_err(from_auth)?;
    let crypto = WebCrypto::new();
    let finish = LoginFinish {
        login: response.login,
        finalization: logged_in.finalization.into(),
        device: binding(&device),
    };
    let started = api.login_finish(&finish).await.map_err(|e| from_net(&e))?;
    let record = &started.record;
    let slot = match kind {
        SecretKind::Password => &record.password_slot.0,
        SecretKind::Recovery => &record.recovery_slot.0,
    };
    let key = &logged_in.export_key;
    let master = account::open_slot(&crypto, key, &record.account, kind, slot).await;
    Ok(Proved { username, master: master.map_err(|_| Fault::CannotOpen)?, started, device })
}

/// Makes this device one of the account's: opens or founds the vault, keeps the keys.
async fn settle(
    api: Rc<Api>,
    events: Events,
    proved: Proved,
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
    let host = BrowserHost::new(store, chunks, Rc::clone(&api));
    let record = &proved.started.record;
    let crypto = host.crypto();
    let public = PublicKey::from_slice(&record.identity_public.0).ok_or(Fault::CannotOpen)?;
    let master = proved.master.import(crypto).await.map_err(|_| Fault::Unsupported)?;
    let sealed = &record.identity_sealed.0;
    let identity: WebSigningKey =
        account::open_identity(crypto, &master, &record.account, &public, sealed)
            .await
            .map_err(|_| Fault::CannotOpen)?;
    let name = device_name();
    let who = Enrolment {
        account: record.account,
        identity: public,
        identity_signing: &identity,
        master: &master,
        device: proved.device.public,
        device_signing: &proved.device.signing,
        device_name: &name,
    };
    let emit = page_events(&events);
    let replica = match proved.started.vaults.first() {
        Some(vault) => enrol::enter(host.clone(), &who, *vault, None, emit).await?,
        None => {
            let genesis = enrol::found(&host, &who).await?;
            let vault: VaultId = genesis.vault;
            api.create_vault(vault, &genesis.entry.encode()).await.map_err(|e| from_net(&e))?;
            enrol::enter(host.clone(), &who, vault, Some(&genesis), emit).await?
        }
    };
    let profile = Profile {
        identity: replica.identity().clone(),
        username: proved.username.clone(),
        kit_confirmed: proved.started.kit_confirmed,
        kit_check: code.map(kit_check).unwrap_or_default(),
    };
    if let Some(keys) = &keys {
        keys.put(ACCOUNT_KEY, master.as_js()).await.map_err(|e| from_store(&e))?;
        keys.put(DEVICE_KEY, proved.device.as_js()).await.map_err(|e| from_store(&e))?;
    }
    // The profile comes last: with it, a start of the app finds everything else.
    save_profile(host.store(), &profile).await?;
    Ok(Opened { replica, host, profile, device: proved.device.as_js().clone(), keys })
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

fn from_auth(error: AuthError) -> Fault {
    if error == AuthError::WrongSecret {
        Fault::Server(Code::WrongCredentials)
    } else {
        Fault::Internal
    }
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

/// The browser's randomness, as OPAQUE wants it.
struct Dice;

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(random::array())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(random::array())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        random::fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        random::fill(bytes);
        Ok(())
    }
}

impl CryptoRng for Dice {}
