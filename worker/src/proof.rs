//! How an account is made and opened: OPAQUE proves a secret, its export key opens a slot,
//! the slot holds the account master key.
//!
//! The same for the browser and for a program. Passwords and recovery codes go no further
//! than this; what comes out is [`Proved`], and what becomes of its key is the caller's.

use offing_core::account::recovery::RecoveryCode;
use offing_core::account::{self, MasterKey};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::{RawKey, SigningPair};
use offing_core::id::AccountId;
use offing_core::limits;
use offing_core::proto::{
    AccountRecord, Bytes, Code, DeviceBinding, FactorAnswer, FactorProof, LoginFinish, LoginStart,
    RegisterFinish, RegisterStart, SecretKind, SessionStarted,
};
use offing_core::rpc::Fault;

use crate::net::api::Api;
use crate::net::call::Transport;
use crate::replica::fault::from_net;

pub mod opaque;

use opaque::{Opaque, OpaqueError};

/// What a sign-up or sign-in proved.
pub struct Proved {
    /// The session that has begun.
    pub started: SessionStarted,
    /// The account's master key.
    pub master: MasterKey,
}

/// What an account is made of.
pub struct NewAccount<'a> {
    /// The token of a sign-up link.
    pub invite: String,
    /// The name to sign in with.
    pub username: String,
    /// Its password.
    pub password: &'a str,
    /// Its recovery code.
    pub code: &'a RecoveryCode,
    /// Its identity.
    pub identity: &'a SigningPair,
    /// The device that signs up.
    pub device: DeviceBinding,
}

/// Creates an account, with a master key of its own.
pub async fn sign_up<T: Transport, C: Crypto>(
    api: &Api<T>,
    crypto: &C,
    opaque: &mut impl Opaque,
    new: NewAccount<'_>,
) -> Result<Proved, Fault> {
    check_password(new.password)?;
    let (by_password, password_request) =
        opaque.register(new.password.as_bytes()).map_err(from_opaque)?;
    let (by_code, recovery_request) = opaque.register(new.code.secret()).map_err(from_opaque)?;
    let start = RegisterStart {
        invite: new.invite.clone(),
        username: new.username.clone(),
        password_request: password_request.into(),
        recovery_request: recovery_request.into(),
    };
    let answer = api.register_start(&start).await.map_err(|e| from_net(&e))?;
    let by_password = opaque.finish(by_password, &answer.password_response.0);
    let by_password = by_password.map_err(from_opaque)?;
    let by_code = opaque.finish(by_code, &answer.recovery_response.0).map_err(from_opaque)?;

    let account = AccountId(opaque.random());
    let master = MasterKey { version: 1, key: RawKey::new(opaque.random()) };
    let secret = master.import(crypto).await.map_err(|_| Fault::Unsupported)?;
    let (salt, identity) = (opaque.random(), new.identity);
    let sealed = account::seal_identity(crypto, &secret, 1, &account, &salt, identity).await;
    let (password, recovery) = (SecretKind::Password, SecretKind::Recovery);
    let (password_salt, recovery_salt) = (opaque.random(), opaque.random());
    let password_key = &by_password.export_key;
    let recovery_key = &by_code.export_key;
    let record = AccountRecord {
        account,
        identity_public: new.identity.public.0.to_vec().into(),
        identity_sealed: sealed.map_err(|_| Fault::Internal)?.into(),
        password_slot: slot(crypto, &password_salt, password_key, &account, password, &master)
            .await?,
        recovery_slot: slot(crypto, &recovery_salt, recovery_key, &account, recovery, &master)
            .await?,
    };
    let finish = RegisterFinish {
        invite: new.invite,
        username: new.username,
        password_upload: by_password.message.into(),
        recovery_upload: by_code.message.into(),
        record,
        device: new.device,
    };
    let started = api.register_finish(&finish).await.map_err(|e| from_net(&e))?;
    Ok(Proved { started, master })
}

/// Proves a secret to the server and opens the slot that it opens. Where the server wants a second factor
/// beside it, `factor` has the person prove that for the attempt it is given, or give up.
pub async fn sign_in<T: Transport, C: Crypto>(
    api: &Api<T>,
    crypto: &C,
    opaque: &mut impl Opaque,
    username: &str,
    (kind, secret): (SecretKind, &[u8]),
    device: DeviceBinding,
    factor: impl AsyncFn(&str) -> Result<(), Fault>,
) -> Result<Proved, Fault> {
    let (login, request) = opaque.sign_in(kind, secret).map_err(from_opaque)?;
    let start = LoginStart { username: username.to_owned(), kind, request: request.into() };
    let response = api.login_start(&start).await.map_err(|e| from_net(&e))?;
    let logged_in = opaque.finish(login, &response.response.0).map_err(from_opaque)?;
    let finish =
        LoginFinish { login: response.login, finalization: logged_in.message.into(), device };
    // Once more for each proof, which is a person's, so it ends.
    let started = loop {
        match api.login_finish(&finish).await {
            Err(error) if error.code() == Some(Code::SecondFactor) => factor(&finish.login).await?,
            finished => break finished.map_err(|e| from_net(&e))?,
        }
    };
    let record = &started.record;
    let slot = match kind {
        SecretKind::Password => &record.password_slot.0,
        SecretKind::Recovery => &record.recovery_slot.0,
    };
    let key = &logged_in.export_key;
    let master = account::open_slot(crypto, key, &record.account, kind, slot).await;
    let master = master.map_err(|_| Fault::CannotOpen)?;
    Ok(Proved { started, master })
}

/// Answers what a sign-in is asked for beside the password by a code of the person's app, or a spare code; says
/// whether it was right.
pub async fn answer_factor<T: Transport>(
    api: &Api<T>,
    login: &str,
    code: String,
) -> Result<bool, Fault> {
    let answer = FactorAnswer { login: login.to_owned(), proof: FactorProof::Code(code) };
    match api.factor_answer(&answer).await {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some(Code::WrongCredentials) => Ok(false),
        Err(error) => Err(from_net(&error)),
    }
}

/// Seals the master key under the export key of a secret.
pub(crate) async fn slot<C: Crypto>(
    crypto: &C,
    salt: &[u8; 32],
    export_key: &[u8],
    account: &AccountId,
    kind: SecretKind,
    master: &MasterKey,
) -> Result<Bytes, Fault> {
    let sealed = account::seal_slot(crypto, export_key, account, kind, salt, master).await;
    sealed.map(Bytes).map_err(|_| Fault::Internal)
}

/// Refuses a new password that is too short or too long.
pub(crate) fn check_password(password: &str) -> Result<(), Fault> {
    let long_enough = password.chars().count() >= limits::PASSWORD_CHARS_MIN;
    if long_enough && password.len() <= limits::PASSWORD_BYTES_MAX {
        Ok(())
    } else {
        Err(Fault::PasswordUnfit)
    }
}

pub(crate) fn from_opaque(error: OpaqueError) -> Fault {
    match error {
        OpaqueError::WrongSecret => Fault::Server(Code::WrongCredentials),
        OpaqueError::NotLoaded => Fault::Offline,
        OpaqueError::Failed => Fault::Internal,
    }
}
