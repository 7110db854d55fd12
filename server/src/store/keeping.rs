//! What whoever keeps the server needs beside what it serves by: the list of accounts, and what lets
//! that person into the page. How long a pass is good is the caller's business.

use offing_core::id::Hash;

use super::meta::MetaResult;

/// An account, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub username: String,
    /// Bytes that are stored for it.
    pub used_bytes: u64,
    /// The most that may be, if there is a limit.
    pub quota_bytes: Option<u64>,
    /// When it was made.
    pub created_ms: i64,
    /// It is closed.
    pub is_closed: bool,
    /// A sign-in with its password is asked for a second factor.
    pub second_factor: bool,
}

/// What lets somebody into the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// SHA-256 of its secret.
    pub token_hash: Hash,
    /// What it is.
    pub kind: PassKind,
    /// When it was made.
    pub created_ms: i64,
    /// When it was last used.
    pub used_ms: i64,
}

/// Kinds of passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// A link that a command printed.
    Link,
    /// A browser that came by one.
    Session,
}

impl PassKind {
    /// The number that rows have.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Link => 0,
            Self::Session => 1,
        }
    }

    /// The kind of a row's number.
    pub(super) fn of(number: i64) -> Option<Self> {
        [Self::Link, Self::Session].into_iter().find(|kind| kind.number() == number)
    }
}

/// Reads one consistent state.
pub trait KeepingRead {
    /// So many accounts whose names come after this one, in the order of their bytes.
    fn accounts_after(&self, username: &str, count_max: usize) -> MetaResult<Vec<Listed>>;
    /// The pass whose secret has this hash.
    fn pass(&self, token_hash: &Hash) -> MetaResult<Option<Pass>>;
}

/// Changes one state.
pub trait KeepingTx {
    /// Adds a pass; nobody has its secret twice.
    fn add_pass(&mut self, pass: &Pass) -> MetaResult<()>;
    /// Notes that a pass was used; one that is gone stays so.
    fn use_pass(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()>;
    /// Ends a pass.
    fn remove_pass(&mut self, token_hash: &Hash) -> MetaResult<()>;
    /// Ends passes that were made before a time, and says how many.
    fn remove_passes_before(&mut self, created_ms: i64) -> MetaResult<u64>;
}
