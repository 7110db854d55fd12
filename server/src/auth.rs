//! Who is who: sign-up, sign-in, passwords, access tokens.
//!
//! The server never sees a password or a recovery code; OPAQUE proves them. Whatever a name
//! that does not exist is asked, it answers like one that does. Sessions and accounts are
//! kept by `service`; here are the secrets of the server (`server-setup`, `token-key`, each
//! in its own file) and what lives for minutes only.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use offing_core::id::{AccountId, DeviceId};
use offing_core::limits;
use offing_core::proto::{
    AccessToken, AccountRecord, Bytes, Code, DeviceBinding, LoginFinish, LoginStart, LoginStarted,
    RegisterFinish, RegisterStart, RegisterStarted, SecretFinish, SecretKind, SecretStart,
    SecretStarted, SessionStarted,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::error::ApiError;
use crate::service::accounts::{NewAccount, account_record};
use crate::service::ended::Ended;
use crate::service::sign_ins::Proof;
use crate::service::{Caller, Services};
use crate::store::meta::{Account, Session, SessionId};

mod attempt;
pub mod cookie;
pub mod factor;
mod known;
mod opaque;
pub mod secret_file;
pub mod token;
pub(crate) mod username;

use attempt::{Attempt, AttemptKey};
use factor::FactorKey;
use opaque::{OpaqueLogin, OpaqueServer};
use secret_file::SecretFileError;
use token::{Claims, TokenKey};

/// Milliseconds after a sign-in in which secrets and second factors may be changed.
pub const FRESH_SESSION_MS: i64 = 5 * 60 * 1_000;

/// Signs people up and in, and issues what their devices call with.
#[derive(Debug)]
pub struct Auth {
    opaque: OpaqueServer,
    tokens: TokenKey,
    attempts: AttemptKey,
    factor_key: FactorKey,
    ended: Arc<Ended>,
    /// Accounts that are closed, as far as this process knows.
    closed: watch::Sender<HashSet<AccountId>>,
}

/// A verified caller of a bearer call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// Account and device, as the services want them.
    pub caller: Caller,
    /// The session behind the token.
    pub session: SessionId,
}

/// A finished sign-up or sign-in: the answer, and the token for the cookie.
#[derive(Debug)]
pub struct Started {
    /// The answer.
    pub answer: SessionStarted,
    /// The cookie's token.
    pub cookie_token: String,
}

/// The file of the secret that every OPAQUE record depends on.
pub(crate) const OPAQUE_SETUP: &str = "server-setup";
/// The file of the key that signs access tokens.
pub(crate) const TOKEN_KEY: &str = "token-key";

impl Auth {
    /// Reads the server's secrets from the data folder, or generates them at first start.
    pub(crate) fn open(data: &Path, ended: Arc<Ended>) -> Result<Self, SecretFileError> {
        let opaque = OpaqueServer::open(&data.join(OPAQUE_SETUP))?;
        let factor_key = FactorKey::new(opaque.derive_key(FactorKey::PURPOSE));
        let attempts = AttemptKey::new(opaque.derive_key(AttemptKey::PURPOSE));
        Ok(Self {
            opaque,
            factor_key,
            attempts,
            tokens: TokenKey::open(&data.join(TOKEN_KEY))?,
            ended,
            closed: watch::Sender::default(),
        })
    }

    /// Starts a sign-up.
    pub async fn register_start(
        &self,
        services: &Services,
        asked: &RegisterStart,
        now_ms: i64,
    ) -> Result<RegisterStarted, ApiError> {
        services.check_invite(&asked.invite, now_ms).await?;
        let username = username::normalise(&asked.username)?;
        if !services.name_is_free(&username).await? {
            return Err(Code::NameTaken.into());
        }
        let answer =
            |kind, request: &Bytes| self.opaque.register(&username, kind, &request.0).map(Bytes);
        Ok(RegisterStarted {
            password_response: answer(SecretKind::Password, &asked.password_request)?,
            recovery_response: answer(SecretKind::Recovery, &asked.recovery_request)?,
        })
    }

    /// Finishes a sign-up: makes the account, uses up the link, starts a session.
    pub async fn register_finish(
        &self,
        services: &Services,
        asked: RegisterFinish,
        now_ms: i64,
    ) -> Result<Started, ApiError> {
        let username = username::normalise(&asked.username)?;
        check_record(&asked.record)?;
        check_device(&asked.device)?;
        let new = NewAccount {
            invite: asked.invite,
            username,
            password_file: OpaqueServer::record(&asked.password_upload.0)?,
            recovery_file: OpaqueServer::record(&asked.recovery_upload.0)?,
            record: asked.record.clone(),
        };
        services.register(new, now_ms).await?;
        self.start_session(services, asked.record, (false, None), asked.device, now_ms).await
    }

    /// Brings a username into the form that rate limits count by.
    pub fn login_name(asked: &LoginStart) -> Result<String, ApiError> {
        // A malformed name cannot have an account, which is no secret.
        Ok(username::normalise(&asked.username)?)
    }

    /// Starts a sign-in with either secret. Nothing is kept of it, so that any process goes on with it.
    pub async fn login_start(
        &self,
        services: &Services,
        asked: &LoginStart,
        now_ms: i64,
    ) -> Result<LoginStarted, ApiError> {
        let username = username::normalise(&asked.username)?;
        let account = services.account_by_name(&username).await?;
        let attempt = Attempt::begin(asked.kind, asked.request.0.clone(), username, now_ms)?;
        let (_, response) = self.answer(&attempt, account.as_ref())?;
        Ok(LoginStarted { login: self.attempts.name(&attempt), response: Bytes(response) })
    }

    /// Finishes a sign-in and starts a session. With a second factor that is a second call, word for
    /// word the first, when it is answered.
    pub async fn login_finish(
        &self,
        services: &Services,
        asked: LoginFinish,
        now_ms: i64,
    ) -> Result<Started, ApiError> {
        let attempt = self.attempts.read(&asked.login)?;
        check_device(&asked.device)?;
        let said = factor::said(&asked);
        let id = match services.sign_in(attempt.id).await? {
            Some(sign_in) => factor::goes_on(&sign_in, &said, now_ms)?,
            None => self.prove(services, &attempt, &asked, now_ms).await?,
        };
        let proof = Proof { id: attempt.id, account: id, said };
        let account = services.account(id).await?.ok_or(Code::WrongCredentials)?;
        let (record, kit) = (account_record(&account), account.kit_confirmed);
        self.start_session(services, record, (kit, Some(proof)), asked.device, now_ms).await
    }

    /// Checks the last message of a sign-in that was begun at whichever process, and says whose it is.
    async fn prove(
        &self,
        services: &Services,
        attempt: &Attempt,
        asked: &LoginFinish,
        now_ms: i64,
    ) -> Result<AccountId, ApiError> {
        if attempt.is_over(now_ms) {
            return Err(Code::LoginExpired.into());
        }
        let account = services.account_by_name(&attempt.username).await?;
        let (state, _) = self.answer(attempt, account.as_ref())?;
        state.finish(&asked.finalization.0)?;
        let account = account.ok_or(Code::WrongCredentials)?.id;
        if attempt.kind == SecretKind::Password && services.wants_factor(account).await? {
            let proof = Proof { id: attempt.id, account, said: factor::said(asked) };
            services.wait_for_factor(proof, now_ms).await?;
            return Err(Code::SecondFactor.into());
        }
        Ok(account)
    }

    /// Answers the first message of a sign-in, each time in the same way while the account is the same.
    fn answer(
        &self,
        attempt: &Attempt,
        account: Option<&Account>,
    ) -> Result<(OpaqueLogin, Vec<u8>), Code> {
        let record = account.map(|account| match attempt.kind {
            SecretKind::Password => account.password_file.as_slice(),
            SecretKind::Recovery => account.recovery_file.as_slice(),
        });
        let seed = self.attempts.seed(attempt);
        self.opaque.login(&attempt.username, attempt.kind, record, &attempt.request, seed)
    }

    /// Exchanges the cookie for an access token and, as a rule, the next cookie.
    pub async fn refresh(
        &self,
        services: &Services,
        cookie_token: &str,
        now_ms: i64,
    ) -> Result<(AccessToken, Option<String>), ApiError> {
        let refreshed = services.refresh_session(cookie_token, now_ms).await?;
        Ok((self.access_token(&refreshed.session, now_ms), refreshed.token))
    }

    /// Binds the session to a newly minted device.
    pub async fn rebind(
        &self,
        services: &Services,
        signed_in: &SignedIn,
        device: DeviceBinding,
        now_ms: i64,
    ) -> Result<AccessToken, ApiError> {
        check_device(&device)?;
        let session =
            services.rebind_session(signed_in.session, device.device, device.public.0).await?;
        Ok(self.access_token(&session, now_ms))
    }

    /// Ends the session of a cookie; one that is no longer valid is fine.
    pub async fn sign_out(
        &self,
        services: &Services,
        cookie_token: &str,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        match services.session_of_token(cookie_token, now_ms).await {
            Ok(session) => {
                services.end_session(session.id, now_ms).await?;
                Ok(())
            }
            Err(error) if error.code() == Code::SignedOut => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Heeds which accounts are closed, from now on.
    pub fn heed_closed(&self, closed: HashSet<AccountId>) {
        self.closed.send_if_modified(|known| {
            let is_news = *known != closed;
            *known = closed;
            is_news
        });
    }

    /// The accounts that are closed, and word of each change.
    pub(crate) fn closed(&self) -> watch::Receiver<HashSet<AccountId>> {
        self.closed.subscribe()
    }

    /// Starts setting a new secret, which wants a sign-in of the last minutes.
    pub async fn secret_start(
        &self,
        services: &Services,
        signed_in: &SignedIn,
        asked: &SecretStart,
        now_ms: i64,
    ) -> Result<SecretStarted, ApiError> {
        let account = fresh_account(services, signed_in, now_ms).await?;
        let response = self.opaque.register(&account.username, asked.kind, &asked.request.0)?;
        Ok(SecretStarted { response: Bytes(response) })
    }

    /// Sets the new secret. Whoever knew the old password is signed out by a new one.
    pub async fn secret_finish(
        &self,
        services: &Services,
        signed_in: &SignedIn,
        asked: SecretFinish,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let account = fresh_account(services, signed_in, now_ms).await?;
        check_secret(&asked.slot)?;
        let record = OpaqueServer::record(&asked.upload.0)?;
        services.replace_secret(account.id, asked.kind, record, asked.slot.0).await?;
        if asked.kind == SecretKind::Password {
            services.end_other_sessions(account.id, signed_in.session, now_ms).await?;
        }
        Ok(())
    }

    /// Checks an access token if it is known to be right, which costs next to nothing.
    pub fn check_known_token(&self, token: &str, now_ms: i64) -> Option<Result<SignedIn, Code>> {
        let claims = self.tokens.check_known(token, now_ms)?;
        Some(claims.and_then(|claims| self.signed_in(claims)))
    }

    /// Checks an access token.
    pub fn check_token(&self, token: &str, now_ms: i64) -> Result<SignedIn, Code> {
        self.signed_in(self.tokens.check(token, now_ms)?)
    }

    fn signed_in(&self, claims: Claims) -> Result<SignedIn, Code> {
        if self.ended.covers(&SessionId(claims.session)) {
            return Err(Code::SignedOut);
        }
        if self.closed.borrow().contains(&claims.account) {
            return Err(Code::AccountClosed);
        }
        Ok(SignedIn {
            caller: Caller { account: claims.account, device: claims.device },
            session: SessionId(claims.session),
        })
    }

    async fn start_session(
        &self,
        services: &Services,
        record: AccountRecord,
        (kit_confirmed, proof): (bool, Option<Proof>),
        device: DeviceBinding,
        now_ms: i64,
    ) -> Result<Started, ApiError> {
        // Only who proved a secret hears it.
        services.require_open(record.account).await?;
        let (device, public) = (device.device, device.public.0);
        let (session, cookie_token) = match proof {
            Some(proof) => services.start_session_by(proof, device, public, now_ms).await?,
            None => services.start_session(record.account, device, public, now_ms).await?,
        };
        let vaults = services.vaults(record.account).await?;
        let access = self.access_token(&session, now_ms);
        let answer = SessionStarted { access, record, vaults, kit_confirmed };
        Ok(Started { answer, cookie_token })
    }

    fn access_token(&self, session: &Session, now_ms: i64) -> AccessToken {
        let claims = Claims {
            account: session.account,
            device: session.device,
            session: session.id.0,
            issued_s: now_ms.div_euclid(1_000),
        };
        AccessToken {
            token: self.tokens.issue(&claims),
            expires_in_s: limits::ACCESS_TOKEN_SECONDS,
        }
    }
}

async fn fresh_account(
    services: &Services,
    signed_in: &SignedIn,
    now_ms: i64,
) -> Result<Account, ApiError> {
    let session = services.session(signed_in.session).await?.ok_or(Code::SignedOut)?;
    check_fresh(&session, now_ms)?;
    services.account(session.account).await?.ok_or_else(|| Code::SignedOut.into())
}

/// Refuses a session whose person proved a secret too long ago.
fn check_fresh(session: &Session, now_ms: i64) -> Result<(), Code> {
    let is_fresh = now_ms - session.created_ms <= FRESH_SESSION_MS;
    if is_fresh { Ok(()) } else { Err(Code::SignInAgain) }
}

/// A device is named by its key, so nobody can take another one's name.
fn check_device(device: &DeviceBinding) -> Result<(), Code> {
    check_public_key(&device.public)?;
    let hash = Sha256::digest(&device.public.0);
    let derived = DeviceId::from_slice(&hash[..DeviceId::LEN]);
    if derived == Some(device.device) { Ok(()) } else { Err(Code::BadRequest) }
}

fn check_record(record: &AccountRecord) -> Result<(), Code> {
    check_public_key(&record.identity_public)?;
    check_secret(&record.identity_sealed)?;
    check_secret(&record.password_slot)?;
    check_secret(&record.recovery_slot)
}

fn check_public_key(public: &Bytes) -> Result<(), Code> {
    let is_key = public.0.len() == PUBLIC_KEY_BYTES
        && p256::ecdsa::VerifyingKey::from_sec1_bytes(&public.0).is_ok();
    if is_key { Ok(()) } else { Err(Code::BadRequest) }
}

fn check_secret(sealed: &Bytes) -> Result<(), Code> {
    let fits = (1..=SEALED_SECRET_BYTES_MAX).contains(&sealed.0.len());
    if fits { Ok(()) } else { Err(Code::BadRequest) }
}

const PUBLIC_KEY_BYTES: usize = 65;
const SEALED_SECRET_BYTES_MAX: usize = 4 * 1024;
