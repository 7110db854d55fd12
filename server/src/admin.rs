//! What whoever runs a server does to accounts, beside a server that runs.
//!
//! Only the database is opened. Everything that changes something is noted first, in `audit.log`
//! in the data folder: when, what, to whom.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use offing_core::id::DeviceId;
use serde_json::json;

use crate::auth::username::normalise;
use crate::migrate::open_tables;
use crate::service::{ServiceError, open_existing};
use crate::state::system_clock;
use crate::store::meta::{Account, Durability, MetaError, MetaStore, MetaTx};
use crate::store::places::Places;
use crate::store::tables::{Table, Value};

/// What a list of accounts shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub username: String,
    /// Bytes that are stored for it.
    pub used_bytes: i64,
    /// The most that may be, if there is a limit.
    pub quota_bytes: Option<i64>,
    /// When it was made.
    pub created_ms: i64,
    /// It is closed.
    pub is_closed: bool,
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
    /// The database cannot be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The database failed.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The audit log cannot be written.
    #[error("cannot write the audit log")]
    Audit(#[from] io::Error),
}

/// All accounts, by name; blocks, on a thread outside any runtime.
pub fn accounts(places: &Places) -> Result<Vec<Row>, AdminError> {
    // Says first whether they are this program's tables.
    let closed = open_existing(places)?.read_blocking(|state| state.closed())?;
    let columns = ["username", "used_bytes", "quota_bytes", "created_ms", "id"];
    let columns = columns.map(str::to_owned).to_vec();
    let (table, mut rows) = (Table { name: "accounts".to_owned(), columns }, Vec::new());
    open_tables(places)?.read(&table, &mut |values| {
        let Ok(
            [
                Value::Text(username),
                Value::Int(used_bytes),
                quota,
                Value::Int(created_ms),
                Value::Bytes(id),
            ],
        ) = <[Value; 5]>::try_from(values)
        else {
            return Err(MetaError::Corrupt { column: "account" });
        };
        let quota_bytes = if let Value::Int(bytes) = quota { Some(bytes) } else { None };
        let is_closed = closed.iter().any(|closed| closed.0[..] == id);
        rows.push(Row { username, used_bytes, quota_bytes, created_ms, is_closed });
        Ok(())
    })?;
    rows.sort_by(|one, other| one.username.cmp(&other.username));
    Ok(rows)
}

/// Sets or lifts the most that an account may store. What is stored stays.
pub fn limit(places: &Places, name: &str, quota_bytes: Option<u64>) -> Result<(), AdminError> {
    let (meta, account) = find(places, name)?;
    note(places, "quota", &account, &json!({ "quota_bytes": quota_bytes }))?;
    let job = move |tx: &mut dyn MetaTx| tx.limit_account(&account.id, quota_bytes);
    Ok(meta.write_blocking(Durability::Now, job)?)
}

/// The sessions of an account.
pub fn sessions(places: &Places, name: &str) -> Result<Vec<Seen>, AdminError> {
    let (meta, account) = find(places, name)?;
    let sessions = meta.read_blocking(move |state| state.sessions_of(&account.id))?;
    let live = sessions.into_iter().filter(|session| !session.taken_off);
    let seen = live.map(|session| Seen {
        device: session.device,
        signed_in_ms: session.created_ms,
        used_ms: session.used_ms,
    });
    Ok(seen.collect())
}

/// Ends all sessions of an account, and says how many. Its devices keep what they have, and ask
/// for the password.
pub fn sign_out(places: &Places, name: &str) -> Result<u64, AdminError> {
    let (meta, account) = find(places, name)?;
    note(places, "sign-out", &account, &json!({}))?;
    let job = move |tx: &mut dyn MetaTx| tx.remove_other_sessions(&account.id, None);
    Ok(meta.write_blocking(Durability::Now, job)?)
}

/// Closes an account: its devices keep what they have and are refused, nothing of it is deleted,
/// and its sessions stay for when it is opened again.
pub fn close(places: &Places, name: &str) -> Result<(), AdminError> {
    let (meta, account) = find(places, name)?;
    note(places, "close", &account, &json!({}))?;
    let now_ms = system_clock();
    let job = move |tx: &mut dyn MetaTx| tx.close_account(&account.id, now_ms);
    Ok(meta.write_blocking(Durability::Now, job)?)
}

/// Opens an account again.
pub fn open(places: &Places, name: &str) -> Result<(), AdminError> {
    let (meta, account) = find(places, name)?;
    note(places, "open", &account, &json!({}))?;
    let job = move |tx: &mut dyn MetaTx| tx.open_account(&account.id);
    Ok(meta.write_blocking(Durability::Now, job)?)
}

fn find(places: &Places, name: &str) -> Result<(Arc<dyn MetaStore>, Account), AdminError> {
    let meta = open_existing(places)?;
    let unknown = || AdminError::AccountUnknown { username: name.to_owned() };
    let username = normalise(name).map_err(|_| unknown())?;
    let account = meta.read_blocking(move |state| state.account_by_name(&username))?;
    Ok((meta, account.ok_or_else(unknown)?))
}

fn note(
    places: &Places,
    action: &str,
    account: &Account,
    more: &serde_json::Value,
) -> io::Result<()> {
    let at_ms = system_clock();
    let line =
        json!({ "at_ms": at_ms, "action": action, "account": account.username, "set": more });
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).mode(0o600).open(places.data.join("audit.log"));
    let mut log = log?;
    writeln!(log, "{line}")?;
    log.sync_all()
}
