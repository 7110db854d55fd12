//! What a sign-in is asked for beside the password. What is right is the callers' business, who also have the
//! key that a secret is sealed under.

use offing_core::id::{AccountId, Hash};

use super::meta::MetaResult;

/// An app that shows a code every half a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The secret that it shares with the server, sealed.
    pub sealed: Vec<u8>,
    /// When it was set up.
    pub since_ms: i64,
    /// No code of this step is taken, nor of an earlier one.
    pub last_step: i64,
    /// Wrong codes since the last right one.
    pub wrong: u32,
    /// When the last of them came.
    pub wrong_ms: i64,
}

/// Reads one consistent state.
pub trait FactorRead {
    /// The app of an account.
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>>;
    /// How many spare codes an account has left.
    fn spare_code_count(&self, account: &AccountId) -> MetaResult<u64>;
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
}
