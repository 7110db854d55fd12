//! What a sign-in is asked for beside the password. What is right is the callers' business, who also have the
//! key that secrets are made under.

use offing_core::id::{AccountId, Hash};

use super::meta::MetaResult;

/// An app that shows a code every half a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// What the secret that it shares with the server is made of.
    pub seed: Vec<u8>,
    /// When it was set up.
    pub since_ms: i64,
    /// No code of this step is taken, nor of an earlier one.
    pub last_step: i64,
    /// Wrong codes since the last right one.
    pub wrong: u32,
    /// When the last of them came.
    pub wrong_ms: i64,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// What its authenticator calls it.
    pub credential: Vec<u8>,
    /// What its person calls it.
    pub name: String,
    /// What it signs by.
    pub public_key: Vec<u8>,
    /// How often it has signed, if it counts.
    pub count: u32,
    /// When it was made.
    pub made_ms: i64,
    /// When it was used last.
    pub used_ms: i64,
}

/// Reads one consistent state.
pub trait FactorRead {
    /// The app of an account.
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>>;
    /// How many spare codes an account has left.
    fn spare_code_count(&self, account: &AccountId) -> MetaResult<u64>;
    /// The passkeys of an account, oldest first.
    fn passkeys(&self, account: &AccountId) -> MetaResult<Vec<Passkey>>;
}

/// Changes one state.
pub trait FactorTx {
    /// Gives an account an app, in place of the one it has.
    fn put_totp(&mut self, account: &AccountId, totp: &Totp) -> MetaResult<()>;
    /// Takes an account's app off; without one nothing happens.
    fn remove_totp(&mut self, account: &AccountId) -> MetaResult<()>;
    /// Gives an account these spare codes, in place of all that it has.
    fn put_spare_codes(&mut self, account: &AccountId, hashes: &[Hash]) -> MetaResult<()>;
    /// Uses a spare code up, and says whether there was one.
    fn use_spare_code(&mut self, account: &AccountId, hash: &Hash) -> MetaResult<bool>;
    /// Gives an account a passkey; it has none of this credential.
    fn add_passkey(&mut self, account: &AccountId, passkey: &Passkey) -> MetaResult<()>;
    /// Notes that a passkey was used, and its new count; one that is gone stays so.
    fn use_passkey(
        &mut self,
        account: &AccountId,
        credential: &[u8],
        count: u32,
        now_ms: i64,
    ) -> MetaResult<()>;
    /// Takes a passkey off, and says whether there was one.
    fn remove_passkey(&mut self, account: &AccountId, credential: &[u8]) -> MetaResult<bool>;
    /// Takes all passkeys off.
    fn remove_passkeys(&mut self, account: &AccountId) -> MetaResult<()>;
}
