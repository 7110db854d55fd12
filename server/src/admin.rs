//! What whoever keeps a server does to it: by commands beside a server that runs, and by the page at
//! `/admin` through one.
//!
//! Both go by a [`Keeper`], which has the database alone. Everything that changes something is noted
//! first ([`Audit`]).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use offing_core::id::DeviceId;
use serde_json::{Value, json};

use crate::auth::username::normalise;
use crate::rollout::{Rollout, RolloutError};
use crate::service::accounts::new_invite;
use crate::service::factors::remove_factors;
use crate::service::sessions::end_sessions;
use crate::service::{ServiceError, open_existing};
use crate::state::{Clock, system_clock};
use crate::store::keeping::Listed;
use crate::store::meta::{Account, Durability, MetaError, MetaStore, MetaTx};
use crate::store::places::Places;

mod audit;
mod passes;

pub use audit::{AUDIT, Audit, Way};
pub use passes::{LINK_MS, SESSION_IDLE_MS, SESSION_MS};

/// Most accounts that are listed at one time.
pub const ACCOUNTS_MAX: usize = 200;

/// Does what whoever keeps a server wants.
#[derive(Clone)]
pub struct Keeper {
    meta: Arc<dyn MetaStore>,
    data: PathBuf,
    clock: Clock,
    audit: Audit,
}

/// A session of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its device.
    pub device: DeviceId,
    /// When its person proved a secret.
    pub signed_in_ms: i64,
    /// When it was last here.
    pub used_ms: i64,
}

/// Reports what was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// Nobody has this name.
    #[error("there is no account {username}")]
    AccountUnknown {
        /// The name.
        username: String,
    },
    /// No such link to the page, or one that was used or has expired.
    #[error("no such link")]
    LinkUnknown,
    /// The database cannot be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The database failed.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// What is offered cannot be changed.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// The audit log cannot be written.
    #[error("cannot write the audit log")]
    Audit(#[from] io::Error),
}

impl Keeper {
    /// Works beside a server that may be running; its database has to be there.
    pub fn beside(places: &Places) -> Result<Self, AdminError> {
        let (meta, data) = (open_existing(places)?, places.data.clone());
        let audit = Audit::of(&data, Way::Command);
        Ok(Self { meta, data, clock: Arc::new(system_clock), audit })
    }

    /// Works through the server that has these.
    pub(crate) fn within(meta: Arc<dyn MetaStore>, data: PathBuf, clock: Clock) -> Self {
        let audit = Audit::of(&data, Way::Page);
        Self { meta, data, clock, audit }
    }

    /// At most [`ACCOUNTS_MAX`] accounts whose names come after this one, by name.
    pub async fn accounts_after(&self, name: &str) -> Result<Vec<Listed>, AdminError> {
        let name = name.to_owned();
        Ok(self.meta.read(move |state| state.accounts_after(&name, ACCOUNTS_MAX)).await?)
    }

    /// How many accounts there are.
    pub async fn account_count(&self) -> Result<u64, AdminError> {
        Ok(self.meta.read(|state| state.account_count()).await?)
    }

    /// Sets or lifts the most that an account may store. What is stored stays.
    pub async fn limit(&self, name: &str, quota_bytes: Option<u64>) -> Result<(), AdminError> {
        let account = self.find(name).await?;
        self.note_of("quota", &account, json!({ "quota_bytes": quota_bytes })).await?;
        let job = move |tx: &mut dyn MetaTx| tx.limit_account(&account.id, quota_bytes);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// The sessions of an account.
    pub async fn sessions(&self, name: &str) -> Result<Vec<Seen>, AdminError> {
        let account = self.find(name).await?;
        let sessions = self.meta.read(move |state| state.sessions_of(&account.id)).await?;
        let live = sessions.into_iter().filter(|session| !session.taken_off);
        let seen = live.map(|session| Seen {
            device: session.device,
            signed_in_ms: session.created_ms,
            used_ms: session.used_ms,
        });
        Ok(seen.collect())
    }

    /// Ends all sessions of an account, and says how many. Its devices keep what they have, and
    /// ask for the password.
    pub async fn sign_out(&self, name: &str) -> Result<u64, AdminError> {
        let account = self.find(name).await?;
        self.note_of("sign-out", &account, json!({})).await?;
        let now_ms = self.now_ms();
        let job = move |tx: &mut dyn MetaTx| end_sessions(tx, &account.id, None, now_ms);
        Ok(self.meta.write(Durability::Now, job).await?.len() as u64)
    }

    /// Closes an account: its devices keep what they have and are refused, nothing of it is
    /// deleted, and its sessions stay for when it is opened again.
    pub async fn close(&self, name: &str) -> Result<(), AdminError> {
        let account = self.find(name).await?;
        self.note_of("close", &account, json!({})).await?;
        let now_ms = self.now_ms();
        let job = move |tx: &mut dyn MetaTx| tx.close_account(&account.id, now_ms);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Opens an account again.
    pub async fn open(&self, name: &str) -> Result<(), AdminError> {
        let account = self.find(name).await?;
        self.note_of("open", &account, json!({})).await?;
        let job = move |tx: &mut dyn MetaTx| tx.open_account(&account.id);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Takes everything off that an account is asked for beside its password, for who lost it. The password is
    /// enough then.
    pub async fn remove_second_factor(&self, name: &str) -> Result<(), AdminError> {
        let account = self.find(name).await?;
        self.note_of("second-factor-off", &account, json!({})).await?;
        let job = move |tx: &mut dyn MetaTx| remove_factors(tx, &account.id);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Makes a sign-up link's token.
    pub async fn invite(&self) -> Result<String, AdminError> {
        self.note("invite", json!({})).await?;
        let (token, invite) = new_invite(self.now_ms());
        self.meta.write(Durability::Now, move |tx| tx.add_invite(&invite)).await?;
        Ok(token)
    }

    /// What is offered of the app, if anything was.
    pub fn release(&self) -> Result<Option<Rollout>, AdminError> {
        Ok(Rollout::read(&self.data)?)
    }

    /// Offers it to so many of a hundred devices.
    pub async fn share_release(&self, percent: u8) -> Result<Option<Rollout>, AdminError> {
        self.note("release", json!({ "percent": percent })).await?;
        Ok(Rollout::share(&self.data, percent)?)
    }

    /// Offers it to nobody any more.
    pub async fn stop_release(&self) -> Result<Option<Rollout>, AdminError> {
        self.note("release", json!({ "stopped": true })).await?;
        Ok(Rollout::stop(&self.data, "stopped by hand")?)
    }

    fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    async fn find(&self, name: &str) -> Result<Account, AdminError> {
        let unknown = || AdminError::AccountUnknown { username: name.to_owned() };
        let username = normalise(name).map_err(|_| unknown())?;
        let account = self.meta.read(move |state| state.account_by_name(&username)).await?;
        account.ok_or_else(unknown)
    }

    async fn note_of(
        &self,
        action: &'static str,
        account: &Account,
        more: Value,
    ) -> io::Result<()> {
        let line = json!({ "account": account.username, "set": more });
        self.note(action, line).await
    }

    async fn note(&self, action: &'static str, more: Value) -> io::Result<()> {
        let (audit, now_ms) = (self.audit.clone(), self.now_ms());
        let write = move || audit.note(now_ms, action, more);
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
    }
}
