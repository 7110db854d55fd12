//! Sessions: what the cookie stands for.
//!
//! A cookie's token is `base64url(session id | secret)`; the store has only the secret's
//! hash. Refreshing rotates the secret. For [`GRACE_MS`] the secret before it answers as
//! well, since several tabs share one cookie and race. After that it rotates again: the
//! answer that carried its successor was lost, as happens to a device that goes offline, and
//! the successor is void. Any older secret means that the cookie was copied, so the session
//! ends; of a thief and an owner, whoever comes second ends it for both.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::id::{AccountId, DeviceId, Hash};
use offing_core::limits;
use offing_core::proto::{DeviceSeen, Devices};
use rand::RngCore as _;
use sha2::{Digest, Sha256};

use super::sign_ins::{Proof, use_up};
use super::{ServiceError, Services, ended};
use crate::store::ends::End;
use crate::store::meta::{Durability, MetaResult, MetaTx, Session, SessionId};

/// Milliseconds for which the secret before a rotation answers without rotating again.
pub const GRACE_MS: i64 = 60 * 1000;

/// A refreshed session.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The session.
    pub session: Session,
    /// The cookie's new token; `None` when a racing tab has received it already.
    pub token: Option<String>,
}

/// What a token turned out to be.
enum Checked {
    Fresh(Session),
    Racing(Session),
    TakenOff,
    /// An older secret, so it was copied.
    Reused(AccountId),
    Refused,
}

impl Services {
    /// Starts a session for a device that has just proved a secret; answers it with the
    /// cookie's token.
    pub async fn start_session(
        &self,
        account: AccountId,
        device: DeviceId,
        device_public: Vec<u8>,
        now_ms: i64,
    ) -> Result<(Session, String), ServiceError> {
        self.begin_session((account, None), device, device_public, now_ms).await
    }

    /// The same for a sign-in, which is used up by it: both or neither.
    pub async fn start_session_by(
        &self,
        proof: Proof,
        device: DeviceId,
        device_public: Vec<u8>,
        now_ms: i64,
    ) -> Result<(Session, String), ServiceError> {
        self.begin_session((proof.account, Some(proof)), device, device_public, now_ms).await
    }

    async fn begin_session(
        &self,
        (account, proof): (AccountId, Option<Proof>),
        device: DeviceId,
        device_public: Vec<u8>,
        now_ms: i64,
    ) -> Result<(Session, String), ServiceError> {
        let mut id = [0; 16];
        rand::rngs::OsRng.fill_bytes(&mut id);
        let (token, token_hash) = new_token(SessionId(id));
        let session = Session {
            id: SessionId(id),
            account,
            device,
            device_public,
            token_hash,
            previous_hash: None,
            rotated_ms: now_ms,
            created_ms: now_ms,
            used_ms: now_ms,
            taken_off: false,
        };
        let (row, devices_max) = (session.clone(), self.counts.devices as usize);
        let job = move |tx: &mut dyn MetaTx| {
            if !is_room(tx, &row, devices_max, now_ms)? {
                return Ok(Err(ServiceError::TooManyDevices));
            }
            if let Some(proof) = &proof
                && let Err(error) = use_up(tx, proof, now_ms)?
            {
                return Ok(Err(error));
            }
            Ok(Ok(tx.put_session(&row)?))
        };
        self.meta.write(Durability::Now, job).await??;
        Ok((session, token))
    }

    /// Checks a cookie's token and rotates it.
    pub async fn refresh_session(
        &self,
        token: &str,
        now_ms: i64,
    ) -> Result<Refreshed, ServiceError> {
        let (id, secret_hash) = parse_token(token).ok_or(ServiceError::SignedOut)?;
        let (next, next_hash) = new_token(id);
        let job = move |tx: &mut dyn MetaTx| match check(tx, &id, &secret_hash, now_ms)? {
            // Its cookie stays as it is, for when the account is opened again.
            Checked::Fresh(Session { account, .. }) | Checked::Racing(Session { account, .. })
                if tx.is_closed(&account)? =>
            {
                Ok(Err(ServiceError::AccountClosed))
            }
            Checked::Fresh(mut session) => {
                // The secret that was presented, which is not the current one when the
                // answer that carried the current one was lost.
                session.previous_hash = Some(secret_hash);
                session.token_hash = next_hash;
                session.rotated_ms = now_ms;
                session.used_ms = now_ms;
                tx.put_session(&session)?;
                Ok(Ok((session, true)))
            }
            Checked::Racing(session) => Ok(Ok((session, false))),
            Checked::TakenOff => Ok(Err(ServiceError::TakenOff)),
            Checked::Reused(account) => Ok(Err(reused(tx, &account)?)),
            Checked::Refused => Ok(Err(ServiceError::SignedOut)),
        };
        let (session, rotated) = self.meta.write(Durability::Now, job).await??;
        Ok(Refreshed { session, token: rotated.then_some(next) })
    }

    /// Checks a cookie's token without rotating it, as the live socket does.
    pub async fn session_of_token(
        &self,
        token: &str,
        now_ms: i64,
    ) -> Result<Session, ServiceError> {
        let (id, secret_hash) = parse_token(token).ok_or(ServiceError::SignedOut)?;
        let job = move |tx: &mut dyn MetaTx| {
            Ok(match check(tx, &id, &secret_hash, now_ms)? {
                Checked::Fresh(session) | Checked::Racing(session) => Ok(session),
                Checked::TakenOff => Err(ServiceError::TakenOff),
                Checked::Reused(account) => Err(reused(tx, &account)?),
                Checked::Refused => Err(ServiceError::SignedOut),
            })
        };
        self.meta.write(Durability::Now, job).await?
    }

    /// The session, if it has not ended.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, ServiceError> {
        let found = self.meta.read(move |state| state.session(&id)).await?;
        Ok(found.filter(|session| !session.taken_off))
    }

    /// Binds a session to another device, as after a cloned profile minted a new one.
    pub async fn rebind_session(
        &self,
        id: SessionId,
        device: DeviceId,
        device_public: Vec<u8>,
    ) -> Result<Session, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let Some(mut session) = tx.session(&id)?.filter(|session| !session.taken_off) else {
                return Ok(None);
            };
            session.device = device;
            session.device_public = device_public;
            tx.put_session(&session)?;
            Ok(Some(session))
        };
        self.meta.write(Durability::Now, job).await?.ok_or(ServiceError::SignedOut)
    }

    /// Ends a session, and its access tokens with it.
    pub async fn end_session(&self, id: SessionId, now_ms: i64) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            tx.remove_session(&id)?;
            ended::note(tx, std::iter::once(id), now_ms)
        };
        let ends = self.meta.write(Durability::Now, job).await?;
        self.ended.note(&ends);
        Ok(())
    }

    /// Ends the account's sessions except one, and says how many.
    pub async fn end_other_sessions(
        &self,
        account: AccountId,
        keep: SessionId,
        now_ms: i64,
    ) -> Result<u64, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| end_sessions(tx, &account, Some(&keep), now_ms);
        let ends = self.meta.write(Durability::Now, job).await?;
        self.ended.note(&ends);
        Ok(ends.len() as u64)
    }

    /// When each device that has a session was here.
    pub async fn devices(&self, account: AccountId) -> Result<Devices, ServiceError> {
        let sessions = self.meta.read(move |state| state.sessions_of(&account)).await?;
        let mut seen: BTreeMap<DeviceId, DeviceSeen> = BTreeMap::new();
        for session in sessions.iter().filter(|session| !session.taken_off) {
            let (device, signed_in_ms) = (session.device, session.created_ms);
            let new = DeviceSeen { device, signed_in_ms, seen_ms: session.used_ms };
            let known = seen.entry(device).or_insert_with(|| new.clone());
            known.signed_in_ms = known.signed_in_ms.max(new.signed_in_ms);
            known.seen_ms = known.seen_ms.max(new.seen_ms);
        }
        Ok(Devices { devices: seen.into_values().collect() })
    }

    /// Forgets sessions that nobody used for their lifetime, and says how many.
    pub async fn sweep_sessions(&self, now_ms: i64) -> Result<u64, ServiceError> {
        let since = now_ms.saturating_sub(lifetime_ms());
        let job = move |tx: &mut dyn MetaTx| tx.remove_sessions_unused_since(since);
        Ok(self.meta.write(Durability::Later, job).await?)
    }
}

fn check(
    tx: &mut dyn MetaTx,
    id: &SessionId,
    secret_hash: &Hash,
    now_ms: i64,
) -> MetaResult<Checked> {
    let Some(session) = tx.session(id)? else {
        return Ok(Checked::Refused);
    };
    // Hashes of 256-bit secrets: comparing them in variable time tells nothing useful.
    if session.used_ms < now_ms.saturating_sub(lifetime_ms()) {
        tx.remove_session(id)?;
        return Ok(Checked::Refused);
    }
    if session.taken_off {
        return Ok(Checked::TakenOff);
    }
    if session.token_hash == *secret_hash {
        return Ok(Checked::Fresh(session));
    }
    if session.previous_hash == Some(*secret_hash) {
        let in_grace = now_ms.saturating_sub(session.rotated_ms) <= GRACE_MS;
        return Ok(if in_grace { Checked::Racing(session) } else { Checked::Fresh(session) });
    }
    tx.remove_session(id)?;
    Ok(Checked::Reused(session.account))
}

/// Ends an account's sessions but one, and says which.
pub(crate) fn end_sessions(
    tx: &mut dyn MetaTx,
    account: &AccountId,
    keep: Option<&SessionId>,
    now_ms: i64,
) -> MetaResult<Vec<End>> {
    let sessions = tx.sessions_of(account)?.into_iter().map(|session| session.id);
    let ending: Vec<SessionId> = sessions.filter(|id| Some(id) != keep).collect();
    tx.remove_other_sessions(account, keep)?;
    ended::note(tx, ending.into_iter(), now_ms)
}

/// Says whose cookie was copied, for whoever keeps the server. Access tokens of the session live on for their ten
/// minutes: a server that was restored takes each cookie that was renewed since its backup for a copy, and is
/// given back meanwhile what it lacks.
fn reused(tx: &dyn MetaTx, account: &AccountId) -> MetaResult<ServiceError> {
    let username = tx.account(account)?.map(|account| account.username).unwrap_or_default();
    Ok(ServiceError::CookieReused { username })
}

/// Says whether the device of a new session is known, or one more may be.
fn is_room(tx: &dyn MetaTx, new: &Session, devices_max: usize, now_ms: i64) -> MetaResult<bool> {
    let since = now_ms.saturating_sub(lifetime_ms());
    let sessions = tx.sessions_of(&new.account)?.into_iter();
    let live = sessions.filter(|session| !session.taken_off && session.used_ms >= since);
    let devices: BTreeSet<DeviceId> = live.map(|session| session.device).collect();
    Ok(devices.contains(&new.device) || devices.len() < devices_max)
}

fn lifetime_ms() -> i64 {
    i64::try_from(limits::SESSION_SECONDS * 1000).expect("a month of milliseconds fits")
}

fn new_token(id: SessionId) -> (String, Hash) {
    let mut bytes = [0; 48];
    bytes[..16].copy_from_slice(&id.0);
    rand::rngs::OsRng.fill_bytes(&mut bytes[16..]);
    (URL_SAFE_NO_PAD.encode(bytes), Hash(Sha256::digest(&bytes[16..]).into()))
}

fn parse_token(token: &str) -> Option<(SessionId, Hash)> {
    let bytes: [u8; 48] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let (id, secret) = bytes.split_at(16);
    Some((SessionId(id.try_into().ok()?), Hash(Sha256::digest(secret).into())))
}
