//! Members and devices, as a state knows them.

use serde::{Deserialize, Serialize};

use crate::crypto::PublicKey;
use crate::id::{AccountId, Hash, Seq};
use crate::log::epoch::Role;

/// A member, as of the state's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// What it may do.
    pub role: Role,
    /// Its identity; pinned for as long as the vault exists.
    pub identity: PublicKey,
}

/// A certified device, as of the state's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Its account.
    pub account: AccountId,
    /// Its public signing key.
    pub public: PublicKey,
    /// Counter of its last entry; 0 before its first.
    pub dseq: u64,
    /// Hash of its last entry; zeros before its first.
    pub prev: Hash,
    /// How much it had seen in its last entry.
    pub seen_seq: Seq,
    /// Where it was revoked, if it was.
    pub revoked_at: Option<Seq>,
}

impl DeviceState {
    pub(super) fn new(account: AccountId, public: PublicKey) -> Self {
        let prev = Hash([0; 32]);
        Self { account, public, dseq: 0, prev, seen_seq: 0, revoked_at: None }
    }
}
