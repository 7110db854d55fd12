//! What the server says when it refuses.
//!
//! A [`Code`] and sometimes a time to wait; no text for people, no cause.

use serde::{Deserialize, Serialize};

/// Names what went wrong, stable across releases; people's words for it live in the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The request is malformed.
    BadRequest,
    /// The body is larger than this call takes.
    TooLarge,
    /// No session, or one that ended.
    SignedOut,
    /// The session's device was taken off the account; what it holds is its person's.
    TakenOff,
    /// The access token has expired; refresh and try again.
    TokenExpired,
    /// Username or password (or recovery code) do not match.
    WrongCredentials,
    /// The username cannot be used: length or characters.
    NameMalformed,
    /// The username is taken.
    NameTaken,
    /// The sign-up link is unknown.
    InviteUnknown,
    /// The sign-up link was used.
    InviteUsed,
    /// The sign-up link has expired.
    InviteExpired,
    /// The sign-in took too long or was already finished.
    LoginExpired,
    /// This call wants a sign-in of the last few minutes.
    SignInAgain,
    /// The session belongs to another device.
    WrongDevice,
    /// No such vault for this account.
    VaultUnknown,
    /// No such chunk in this vault.
    ChunkUnknown,
    /// The bytes do not hash to the id they came with.
    ChunkMismatch,
    /// The range cannot be satisfied.
    RangeInvalid,
    /// The account's space is used up.
    QuotaExceeded,
    /// The server's disk is full; nothing was stored.
    StorageFull,
    /// The server was restored from a backup, and the vault waits to be given back what it
    /// lacks.
    Recovering,
    /// Too many requests; wait as `retry_after_ms` says.
    RateLimited,
    /// The server is shutting down or overloaded.
    Unavailable,
    /// A fault of the server; its log has the cause.
    Internal,
    /// No such call.
    NotFound,
    /// Whoever keeps the server has closed the account; nothing of it is gone.
    AccountClosed,
    /// The password is right, and the account wants a second factor beside it.
    SecondFactor,
    /// Nobody can sign up here.
    RegistrationClosed,
    /// The account has as many vaults as it may.
    TooManyVaults,
    /// The account has as many devices as it may; one has to be taken off first.
    TooManyDevices,
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What went wrong.
    pub code: Code,
    /// How long to wait before the next try, where that helps.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
}
