//! Calls about accounts, sessions and the server itself: all JSON.
//!
//! Every secret that passes here is sealed or a message of OPAQUE, so the server learns no
//! password, no recovery code and no key.

use serde::{Deserialize, Serialize};

use super::Bytes;
use crate::id::{AccountId, DeviceId, VaultId};

/// What stands in the place of a link's token where everybody may sign up.
pub const OPEN_SIGN_UP: &str = "open";

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody, with a link neither.
    Closed,
    /// Who has a link.
    #[default]
    Invitation,
    /// Everybody.
    Open,
}

/// `POST /auth/register/start`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterStart {
    /// The token of the sign-up link, or [`OPEN_SIGN_UP`].
    pub invite: String,
    /// The name to sign in with.
    pub username: String,
    /// OPAQUE registration request for the password.
    pub password_request: Bytes,
    /// OPAQUE registration request for the recovery code.
    pub recovery_request: Bytes,
}

/// Answer to [`RegisterStart`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterStarted {
    /// OPAQUE registration response for the password.
    pub password_response: Bytes,
    /// OPAQUE registration response for the recovery code.
    pub recovery_response: Bytes,
}

/// What the server keeps for an account; every secret in it is a SEAL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// The account.
    pub account: AccountId,
    /// Public identity key (P-256, uncompressed point, 65 bytes).
    pub identity_public: Bytes,
    /// Private identity key, sealed under the account master key.
    pub identity_sealed: Bytes,
    /// The account master key, sealed under the password's export key.
    pub password_slot: Bytes,
    /// The account master key, sealed under the recovery code's export key.
    pub recovery_slot: Bytes,
}

/// `POST /auth/register/finish`; answers [`SessionStarted`] and sets the session cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterFinish {
    /// The token of the sign-up link, or [`OPEN_SIGN_UP`].
    pub invite: String,
    /// The name to sign in with.
    pub username: String,
    /// OPAQUE registration upload for the password.
    pub password_upload: Bytes,
    /// OPAQUE registration upload for the recovery code.
    pub recovery_upload: Bytes,
    /// What the server keeps.
    pub record: AccountRecord,
    /// The device that signs up.
    pub device: DeviceBinding,
}

/// Which secret a sign-in proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// The password.
    Password,
    /// The recovery code of the kit.
    Recovery,
}

/// `POST /auth/login/start`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginStart {
    /// The name to sign in with.
    pub username: String,
    /// Which secret is proved.
    pub kind: SecretKind,
    /// OPAQUE KE1.
    pub request: Bytes,
}

/// Answer to [`LoginStart`]; the same shape for names that do not exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginStarted {
    /// Names this attempt in [`LoginFinish`].
    pub login: String,
    /// OPAQUE KE2.
    pub response: Bytes,
}

/// A device's id and public key, which a session is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBinding {
    /// The device.
    pub device: DeviceId,
    /// Its public signing key (P-256, uncompressed point, 65 bytes).
    pub public: Bytes,
}

/// `POST /auth/login/finish`; answers [`SessionStarted`] and sets the session cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginFinish {
    /// The attempt.
    pub login: String,
    /// OPAQUE KE3.
    pub finalization: Bytes,
    /// The device that signs in.
    pub device: DeviceBinding,
}

/// An access token for calls, beside the session cookie.
///
/// Also the answer of `POST /auth/refresh` (cookie only) and `POST /auth/device`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The ES256 JWT for `Authorization: Bearer`.
    pub token: String,
    /// Seconds from now until it expires.
    pub expires_in_s: u64,
}

/// Answer to a finished sign-up or sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionStarted {
    /// The access token.
    #[serde(flatten)]
    pub access: AccessToken,
    /// The account and its sealed secrets.
    pub record: AccountRecord,
    /// The account's vaults.
    pub vaults: Vec<VaultId>,
    /// The recovery kit was read back, on whichever device.
    pub kit_confirmed: bool,
}

/// `POST /auth/secret/start`: sets a new password or recovery code after a fresh sign-in with
/// either of the two.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretStart {
    /// Which secret is set.
    pub kind: SecretKind,
    /// OPAQUE registration request for it.
    pub request: Bytes,
}

/// Answer to [`SecretStart`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretStarted {
    /// OPAQUE registration response.
    pub response: Bytes,
}

/// `POST /auth/secret/finish`. A new password ends every other session of the account; a new
/// recovery code has to be read back again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretFinish {
    /// Which secret is set.
    pub kind: SecretKind,
    /// OPAQUE registration upload.
    pub upload: Bytes,
    /// The account master key, sealed under the new export key.
    pub slot: Bytes,
}

/// Answer of `GET /account`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountView {
    /// The name to sign in with.
    pub username: String,
    /// Bytes of chunks and entries stored for the account.
    pub used_bytes: u64,
    /// The most it may store, if there is a limit.
    pub quota_bytes: Option<u64>,
    /// The account's vaults.
    pub vaults: Vec<VaultId>,
    /// Private identity key, sealed under the account master key: a device that becomes
    /// another one certifies that with it.
    pub identity_sealed: Bytes,
}

/// Answer of `GET /account/devices`: the devices that have a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Each once.
    pub devices: Vec<DeviceSeen>,
}

/// When a device was here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSeen {
    /// The device.
    pub device: DeviceId,
    /// When its person last signed in, milliseconds since 1970.
    pub signed_in_ms: i64,
    /// When it last asked for an access token, which it does every ten minutes of use.
    pub seen_ms: i64,
}

/// Answer of `GET /info`, which needs no session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The server's version.
    pub version: String,
    /// The server's clock, milliseconds since 1970.
    pub now_ms: i64,
    /// Who may sign up.
    #[serde(default)]
    pub registration: Registration,
}
