//! Accounts and the invites that make them.
//!
//! The OPAQUE records are opaque bytes here; `auth` makes and uses them. An invite's token
//! exists in clear only in the link, the store has its hash. An invite is consumed in the
//! transaction that adds the account, so one link makes one account whatever races. Where
//! everybody may sign up a word stands in the place of a token, and links go on working.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::id::{AccountId, Hash, VaultId};
use offing_core::proto::{AccountRecord, AccountView, OPEN_SIGN_UP, Registration, SecretKind};
use rand::RngCore as _;
use sha2::{Digest, Sha256};

use super::{ServiceError, Services};
use crate::store::meta::{Account, Durability, Invite, MetaRead, MetaResult, MetaTx};
use crate::store::places::Places;

/// Milliseconds a sign-up link works.
pub const INVITE_MS: i64 = 7 * 24 * 3600 * 1000;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The token of the sign-up link, or `OPEN_SIGN_UP`.
    pub invite: String,
    /// The name to sign in with, normalised.
    pub username: String,
    /// The OPAQUE record of the password.
    pub password_file: Vec<u8>,
    /// The OPAQUE record of the recovery code.
    pub recovery_file: Vec<u8>,
    /// What the server keeps for the account.
    pub record: AccountRecord,
}

/// What became of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InviteState {
    Open,
    Unknown,
    Used,
    Expired,
    NameTaken,
}

impl InviteState {
    fn of(invite: Option<&Invite>, now_ms: i64) -> Self {
        match invite {
            None => Self::Unknown,
            Some(invite) if invite.used_ms.is_some() => Self::Used,
            Some(invite) if invite.expires_ms <= now_ms => Self::Expired,
            Some(_) => Self::Open,
        }
    }

    fn into_result(self) -> Result<(), ServiceError> {
        match self {
            Self::Open => Ok(()),
            Self::Unknown => Err(ServiceError::InviteUnknown),
            Self::Used => Err(ServiceError::InviteUsed),
            Self::Expired => Err(ServiceError::InviteExpired),
            Self::NameTaken => Err(ServiceError::NameTaken),
        }
    }
}

impl Services {
    /// Makes the sign-up link of the first account, in place of any made before; `None`
    /// once there is an account, or where nobody can sign up.
    pub async fn first_invite(&self, now_ms: i64) -> Result<Option<String>, ServiceError> {
        if self.registration == Registration::Closed {
            return Ok(None);
        }
        let (token, invite) = new_invite(now_ms);
        let made = self.meta.write(Durability::Now, move |tx| {
            if tx.account_count()? > 0 {
                return Ok(false);
            }
            tx.remove_open_invites()?;
            tx.add_invite(&invite)?;
            Ok(true)
        });
        Ok(made.await?.then_some(token))
    }

    /// Makes a sign-up link's token.
    pub async fn create_invite(&self, now_ms: i64) -> Result<String, ServiceError> {
        let (token, invite) = new_invite(now_ms);
        self.meta.write(Durability::Now, move |tx| tx.add_invite(&invite)).await?;
        Ok(token)
    }

    /// Checks that somebody who has this link, or none, may sign up.
    pub async fn check_invite(&self, token: &str, now_ms: i64) -> Result<(), ServiceError> {
        if self.is_let_in_openly(token)? {
            return Ok(());
        }
        let hash = token_hash(token);
        let invite = self.meta.read(move |state| state.invite(&hash)).await?;
        InviteState::of(invite.as_ref(), now_ms).into_result()
    }

    /// Says whether this stands for no link, where none is wanted; refuses where nobody can sign up.
    pub(crate) fn is_let_in_openly(&self, token: &str) -> Result<bool, ServiceError> {
        match self.registration {
            Registration::Closed => Err(ServiceError::RegistrationClosed),
            Registration::Invitation => Ok(false),
            Registration::Open => Ok(token == OPEN_SIGN_UP),
        }
    }

    /// Says whether nobody has this normalised name.
    pub async fn name_is_free(&self, username: &str) -> Result<bool, ServiceError> {
        let username = username.to_owned();
        Ok(self.meta.read(move |state| state.account_by_name(&username)).await?.is_none())
    }

    /// Makes an account and consumes its invite, if it has one: both or neither.
    pub async fn register(&self, new: NewAccount, now_ms: i64) -> Result<(), ServiceError> {
        let invite =
            if self.is_let_in_openly(&new.invite)? { None } else { Some(token_hash(&new.invite)) };
        let account = Account {
            id: new.record.account,
            username: new.username,
            password_file: new.password_file,
            recovery_file: new.recovery_file,
            identity_public: new.record.identity_public.0,
            identity_sealed: new.record.identity_sealed.0,
            password_slot: new.record.password_slot.0,
            recovery_slot: new.record.recovery_slot.0,
            kit_confirmed: false,
            quota_bytes: self.account_quota_bytes,
            used_bytes: 0,
            created_ms: now_ms,
        };
        let state = self.meta.write(Durability::Now, move |tx| {
            if let Some(hash) = &invite {
                let state = InviteState::of(tx.invite(hash)?.as_ref(), now_ms);
                if state != InviteState::Open {
                    return Ok(state);
                }
            }
            if tx.account_by_name(&account.username)?.is_some()
                || tx.account(&account.id)?.is_some()
            {
                return Ok(InviteState::NameTaken);
            }
            if let Some(hash) = &invite {
                tx.use_invite(hash, now_ms)?;
            }
            tx.add_account(&account)?;
            Ok(InviteState::Open)
        });
        state.await?.into_result()
    }

    /// The account.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, ServiceError> {
        Ok(self.meta.read(move |state| state.account(&id)).await?)
    }

    /// The account with this normalised name.
    pub async fn account_by_name(&self, username: &str) -> Result<Option<Account>, ServiceError> {
        let username = username.to_owned();
        Ok(self.meta.read(move |state| state.account_by_name(&username)).await?)
    }

    /// The accounts that are closed.
    pub async fn closed(&self) -> Result<HashSet<AccountId>, ServiceError> {
        let closed = self.meta.read(|state| state.closed()).await?;
        Ok(closed.into_iter().collect())
    }

    /// Refuses whoever has an account that is closed.
    pub async fn require_open(&self, id: AccountId) -> Result<(), ServiceError> {
        let is_closed = self.meta.read(move |state| state.is_closed(&id)).await?;
        if is_closed { Err(ServiceError::AccountClosed) } else { Ok(()) }
    }

    /// The account's vaults.
    pub async fn vaults(&self, account: AccountId) -> Result<Vec<VaultId>, ServiceError> {
        Ok(self.meta.read(move |state| state.vaults_of(&account)).await?)
    }

    /// What `GET /account` shows.
    pub async fn account_view(&self, id: AccountId) -> Result<AccountView, ServiceError> {
        let found = self.meta.read(move |state| view(state, &id)).await?;
        found.ok_or(ServiceError::SignedOut)
    }

    /// Replaces a secret's OPAQUE record together with its slot.
    pub async fn replace_secret(
        &self,
        account: AccountId,
        kind: SecretKind,
        file: Vec<u8>,
        slot: Vec<u8>,
    ) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| tx.replace_secret(&account, kind, &file, &slot);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Records that the recovery kit was read back.
    pub async fn confirm_kit(&self, account: AccountId) -> Result<(), ServiceError> {
        Ok(self.meta.write(Durability::Now, move |tx| tx.confirm_kit(&account)).await?)
    }
}

/// Makes a sign-up link's token in a data folder that another process may be serving.
///
/// Only the database is opened, which several processes may share; the chunks are not.
pub async fn invite_beside(places: impl Into<Places>, now_ms: i64) -> Result<String, ServiceError> {
    let places = places.into();
    let meta = match super::open_existing(&places) {
        // Nobody serves what is not there yet.
        Err(ServiceError::DatabaseMissing { .. }) => super::open_database(&places)?,
        opened => opened?,
    };
    let (token, invite) = new_invite(now_ms);
    meta.write(Durability::Now, move |tx| tx.add_invite(&invite)).await?;
    Ok(token)
}

fn view(state: &dyn MetaRead, id: &AccountId) -> MetaResult<Option<AccountView>> {
    let Some(account) = state.account(id)? else {
        return Ok(None);
    };
    Ok(Some(AccountView {
        username: account.username,
        used_bytes: account.used_bytes,
        quota_bytes: account.quota_bytes,
        vaults: state.vaults_of(id)?,
        identity_sealed: account.identity_sealed.into(),
    }))
}

/// Makes a sign-up link's token, and what is kept of it.
pub(crate) fn new_invite(now_ms: i64) -> (String, Invite) {
    let mut secret = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut secret);
    let token = URL_SAFE_NO_PAD.encode(secret);
    let invite = Invite {
        token_hash: token_hash(&token),
        created_ms: now_ms,
        expires_ms: now_ms.saturating_add(INVITE_MS),
        used_ms: None,
    };
    (token, invite)
}

fn token_hash(token: &str) -> Hash {
    Hash(Sha256::digest(token.as_bytes()).into())
}

/// Turns a stored account into what its devices receive at sign-in.
pub fn account_record(account: &Account) -> AccountRecord {
    AccountRecord {
        account: account.id,
        identity_public: account.identity_public.clone().into(),
        identity_sealed: account.identity_sealed.clone().into(),
        password_slot: account.password_slot.clone().into(),
        recovery_slot: account.recovery_slot.clone().into(),
    }
}
