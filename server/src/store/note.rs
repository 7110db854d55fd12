//! What processes over the same database tell one another.

use offing_core::id::{AccountId, Seq, VaultId};

use super::ends::End;

/// What another process over the same store did. A hint: it may come twice, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A vault's log has grown.
    Grown {
        /// Whose vault.
        account: AccountId,
        /// Which.
        vault: VaultId,
        /// How far.
        seq: Seq,
    },
    /// A session has ended.
    Ended(End),
    /// What happened up to now may not have been told.
    Missed,
}
