//! Calls about what a sign-in is asked for beside the password. Devices' engines know none of it: a script
//! of the page, and the command line, ask their person.

use serde::{Deserialize, Serialize};

use super::Bytes;

/// `POST /auth/factor/ask`, for a sign-in that was refused with `second_factor`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactorAsk {
    /// The attempt.
    pub login: String,
}

/// Answer to [`FactorAsk`]: what the account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorAsked {
    /// An app that shows codes.
    pub totp: bool,
    /// Spare codes that are not used up.
    pub spare_codes: bool,
    /// Passkeys, and what they have to sign.
    pub passkeys: Option<PasskeysAsked>,
}

/// What one of an account's passkeys has to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeysAsked {
    /// For this attempt alone.
    pub challenge: Bytes,
    /// What the site is to browsers.
    pub rp_id: String,
    /// The passkeys.
    pub credentials: Vec<Bytes>,
}

/// `POST /auth/factor/answer`; after it the sign-in is finished by saying `LoginFinish` again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactorAnswer {
    /// The attempt.
    pub login: String,
    /// The proof.
    pub proof: FactorProof,
}

/// What proves a second factor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorProof {
    /// What the app shows now, or a spare code, as the person typed it.
    Code(String),
    /// What a passkey signed.
    Passkey(PasskeyProof),
}

/// An assertion of WebAuthn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasskeyProof {
    /// Which passkey.
    pub credential: Bytes,
    /// What the browser says of the ceremony.
    pub client_data: Bytes,
    /// What the authenticator says.
    pub authenticator_data: Bytes,
    /// Its signature.
    pub signature: Bytes,
}

/// Answer of `GET /account/factors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// Since when there is an app that shows codes, milliseconds since 1970.
    pub totp_since_ms: Option<i64>,
    /// How many spare codes are left.
    pub spare_codes: u64,
    /// Its passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Browsers can make passkeys for this server: it is opened by a name.
    pub passkeys_work: bool,
}

/// A passkey, as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyView {
    /// What its authenticator calls it.
    pub credential: Bytes,
    /// What its person calls it.
    pub name: String,
    /// When it was made, milliseconds since 1970.
    pub made_ms: i64,
    /// When it was used last.
    pub used_ms: i64,
}

/// Answer of `POST /account/factors/passkeys/start`: what a browser makes a passkey by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasskeyStarted {
    /// What it is made for, for five minutes and this session.
    pub challenge: Bytes,
    /// What the site is to browsers.
    pub rp_id: String,
    /// What the account is to authenticators.
    pub user: Bytes,
    /// What it is called.
    pub username: String,
    /// Passkeys that it has, so that no authenticator makes a second one.
    pub credentials: Vec<Bytes>,
}

/// `POST /account/factors/passkeys/finish`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasskeyFinish {
    /// What its person calls it.
    pub name: String,
    /// What the browser says of the ceremony.
    pub client_data: Bytes,
    /// What the authenticator says, the new public key in it.
    pub authenticator_data: Bytes,
}

/// `POST /account/factors/passkeys/remove`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasskeyRemove {
    /// Which passkey.
    pub credential: Bytes,
}

/// Answer of `POST /account/factors/totp/start`: what an app is to share with the server. Nothing is kept of it
/// before it is confirmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TotpStarted {
    /// The secret in base32, to be typed.
    pub secret: String,
    /// The same with names, as apps read it from a picture.
    pub url: String,
    /// Sixteen bytes that the server makes the same secret of, for [`TotpFinish`].
    pub seed: Bytes,
}

/// `POST /account/factors/totp/finish`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TotpFinish {
    /// What the start answered.
    pub seed: Bytes,
    /// What the app shows now.
    pub code: String,
}

/// Spare codes, which are shown once. None where the account has some already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpareCodes {
    /// Each works once.
    pub spare_codes: Vec<String>,
}
