//! Sessions that ended a short while ago, while access tokens of theirs live. How long that is of interest is the
//! callers' business.

use super::meta::{MetaResult, SessionId};

/// A session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The session.
    pub session: SessionId,
    /// When it ended.
    pub at_ms: i64,
}

/// Reads one consistent state.
pub trait EndRead {
    /// The sessions that ended at a time or later, in any order.
    fn ends_since(&self, at_ms: i64) -> MetaResult<Vec<End>>;
}

/// Changes one state.
pub trait EndTx {
    /// Notes that a session ended, and tells the other processes over the same store; one that ended before keeps its
    /// time.
    fn note_end(&mut self, end: &End) -> MetaResult<()>;
    /// Forgets those that ended before a time, and says how many.
    fn remove_ends_before(&mut self, at_ms: i64) -> MetaResult<u64>;
}
