//! What a [`MetaStore`](super::meta::MetaStore) remembers of contents that may go: which a device
//! calls dead, and which devices have answered for them. Which of them go when is
//! `service::bury`'s business.

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::meta::MetaResult;

/// Reads one consistent state.
pub trait BurialRead {
    /// The vaults that have dead contents.
    fn burial_vaults(&self) -> MetaResult<Vec<VaultId>>;
    /// Dead contents of a vault that are counted since a time or longer, and were called dead at
    /// a place or before; at most so many.
    fn dead_contents(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>>;
    /// Up to which place a device has answered; 0 if it has not.
    fn answered(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq>;
}

/// Changes one state.
pub trait BurialTx {
    /// Notes that a content is called dead at a place; what is dead already stays so.
    fn bury_content(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()>;
    /// Forgets that a content is dead: something declared it, or it is gone.
    fn spare_content(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()>;
    /// Counts from now on the time of every dead content of a vault that was called so at a place
    /// or before, and of which it is not counted yet.
    fn date_contents(&mut self, vault: &VaultId, dead_seq_max: Seq, now_ms: i64) -> MetaResult<()>;
    /// Forgets since when dead contents are counted.
    fn undate_contents(&mut self) -> MetaResult<()>;
    /// Notes that a device has answered up to a place; never less than before.
    fn note_answer(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()>;
}
