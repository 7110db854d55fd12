//! What a [`MetaStore`](super::meta::MetaStore) remembers of snapshots that a second device has
//! countersigned, and how far the bodies below them are gone. When they go is
//! `service::prune`'s business.

use offing_core::id::{DeviceId, Seq, VaultId};

use super::meta::MetaResult;

/// A snapshot that was countersigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witnessed {
    /// The place of its entry.
    pub seq: Seq,
    /// All of the log up to this place is in it.
    pub through: Seq,
    /// Since when that is counted.
    pub since_ms: Option<i64>,
}

/// Reads one consistent state.
pub trait WitnessRead {
    /// The countersigned snapshots of a vault, oldest first.
    fn witnessed(&self, vault: &VaultId) -> MetaResult<Vec<Witnessed>>;
    /// The vaults that have any.
    fn witnessed_vaults(&self) -> MetaResult<Vec<VaultId>>;
    /// Up to which place of a log bodies are gone; 0 if none is.
    fn pruned_to(&self, vault: &VaultId) -> MetaResult<Seq>;
    /// The devices that have written in a vault and were not taken off.
    fn writers(&self, vault: &VaultId) -> MetaResult<Vec<DeviceId>>;
}

/// Changes one state.
pub trait WitnessTx {
    /// Notes that the snapshot at `seq`, which has all up to `through`, was countersigned; its
    /// time is kept if that is known already.
    fn put_witnessed(&mut self, vault: &VaultId, seq: Seq, through: Seq) -> MetaResult<()>;
    /// Counts from now on the time of every one of which it is not counted yet.
    fn date_witnessed(&mut self, now_ms: i64) -> MetaResult<()>;
    /// Forgets since when they are counted.
    fn undate_witnessed(&mut self) -> MetaResult<()>;
    /// Forgets those before a place.
    fn remove_witnessed_before(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()>;
    /// Takes away the body of the entry at a place.
    fn drop_body(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()>;
    /// Notes up to which place bodies are gone.
    fn set_pruned_to(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()>;
}
