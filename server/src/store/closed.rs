//! Which accounts whoever keeps the server has closed. All that is theirs stays as it is, and
//! refusing them is the callers' business.

use offing_core::id::AccountId;

use super::meta::MetaResult;

/// Reads one consistent state.
pub trait ClosedRead {
    /// The accounts that are closed.
    fn closed(&self) -> MetaResult<Vec<AccountId>>;
    /// Says whether an account is closed.
    fn is_closed(&self, id: &AccountId) -> MetaResult<bool>;
}

/// Changes one state.
pub trait ClosedTx {
    /// Closes an account; one that is closed keeps its time.
    fn close_account(&mut self, id: &AccountId, now_ms: i64) -> MetaResult<()>;
    /// Opens an account again; one that is open is left as it is.
    fn open_account(&mut self, id: &AccountId) -> MetaResult<()>;
}
