//! What an earlier sign-in left on this device, and what of it is only here.
//!
//! Read at each start of the app, which waits for it, and before another sign-in takes
//! its place, which must lose nothing of it.

use std::collections::HashSet;
use std::rc::Rc;

use futures_util::future::join5;
use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use wasm_bindgen::JsValue;

use super::{
    ACCOUNT_KEY, DEVICE_KEY, Events, Opened, PROFILE_KEY, Profile, browser_stores, page_events,
};
use crate::host::Keys;
use crate::host::browser::{BrowserHost, minted_name};
use crate::net::fetch::Api;
use crate::platform::webcrypto::{WebSecret, WebSigningKey};
use crate::replica::fault::from_store;
use crate::replica::{self, RENEWED_KEY, Renewed, Replica, Unsynced};
use crate::store::keys::KeyStore;
use crate::store::local::{LocalChunks, LocalStore};
use crate::store::{Store, Table};

/// What an earlier sign-in left on this device.
pub(super) struct Held {
    pub(super) store: LocalStore,
    chunks: LocalChunks,
    keys: KeyStore,
    pub(super) profile: Profile,
    kept: HashSet<NodeId>,
    account: WebSecret,
    /// The pair of keys of this device.
    pub(super) device: JsValue,
}

/// Opens what an earlier start left on this device; `None` if nobody is signed in.
///
/// The replica can list at once; [`Replica::open_secrets`] comes before all else.
pub async fn resume(api: Rc<Api>, events: Events) -> Result<Option<Opened>, Fault> {
    Ok(held().await?.map(|held| held.open(api, &events)))
}

async fn held() -> Result<Option<Held>, Fault> {
    let (store, chunks, keys) = browser_stores().await?;
    // Side by side: a start of the app waits for these.
    let profile = store.get(Table::Meta, PROFILE_KEY);
    let (account, device) = (keys.get(ACCOUNT_KEY), keys.get(DEVICE_KEY));
    let renewed = store.get(Table::Meta, RENEWED_KEY);
    let (profile, account, device, kept, renewed) =
        join5(profile, account, device, replica::kept_nodes(&store), renewed).await;
    let profile = profile.map_err(|e| from_store(&e))?;
    let account = account.map_err(|e| from_store(&e))?;
    let device = device.map_err(|e| from_store(&e))?;
    let (Some(profile), Some(account), Some(device)) = (profile, account, device) else {
        return Ok(None);
    };
    let mut profile: Profile = postcard::from_bytes(&profile).map_err(|_| Fault::Storage)?;
    let mut device = device;
    if let Some(renewed) = renewed.map_err(|e| from_store(&e))? {
        let renewed: Renewed = postcard::from_bytes(&renewed).map_err(|_| Fault::Storage)?;
        profile.identity = renewed.identity;
        let minted = keys.get(&minted_name(profile.identity.device)).await;
        device = minted.map_err(|e| from_store(&e))?.ok_or(Fault::Storage)?;
    }
    let account = WebSecret::from_js(account);
    Ok(Some(Held { store, chunks, keys, profile, kept: kept?, account, device }))
}

impl Held {
    pub(super) fn open(self, api: Rc<Api>, events: &Events) -> Opened {
        let signing = WebSigningKey::of_pair(&self.device);
        let host = BrowserHost::new(self.store, self.chunks, api, Some(self.keys), self.device);
        let keys = Keys { account: self.account, signing };
        let (identity, emit) = (self.profile.identity.clone(), page_events(events));
        let replica = Replica::assemble(host.clone(), identity, keys, self.kept, emit);
        Opened { replica, host, profile: self.profile }
    }

    /// How much is only here: entries, typing of a killed tab, and uploads.
    async fn unsynced(&self) -> Result<u32, Fault> {
        let unsynced = Unsynced::count(&self.store, &self.profile.identity.vault).await?;
        Ok(unsynced.total())
    }

    fn is_of(&self, username: &str) -> bool {
        self.profile.username.trim().to_lowercase() == username.trim().to_lowercase()
    }
}

/// Another account is about to take this device's place: nothing of the one before may be
/// lost by that.
pub(super) async fn refuse_unsynced() -> Result<(), Fault> {
    match held().await? {
        Some(held) => match held.unsynced().await? {
            0 => Ok(()),
            pending => Err(Fault::Unsynced { pending }),
        },
        None => Ok(()),
    }
}

/// What this device holds of that person; refuses to push out another one's work.
pub(super) async fn held_by(username: &str) -> Result<Option<Held>, Fault> {
    match held().await? {
        Some(held) if held.is_of(username) => Ok(Some(held)),
        Some(_) => refuse_unsynced().await.map(|()| None),
        None => Ok(None),
    }
}
