//! What a [`MetaStore`](super::meta::MetaStore) remembers of chunks that may go: which were
//! pieces of snapshots and nothing else, which of them a device calls dead (*fossils*), and how
//! far devices have read. Which of them go when is `service::collect`'s business.

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::meta::MetaResult;

/// A chunk that nothing but snapshots has declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its vault.
    pub vault: VaultId,
    /// The chunk.
    pub id: ChunkId,
    /// The place of the entry that calls it dead, if one does.
    pub dead_seq: Option<Seq>,
}

/// Reads one consistent state.
pub trait FossilRead {
    /// The chunk, if nothing but snapshots has declared it.
    fn piece(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<Piece>>;
    /// Says whether something other than a snapshot declared the chunk when nobody had it.
    fn is_awaited(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<bool>;
    /// The last place that calls a piece dead which is still kept.
    fn last_fossil(&self, vault: &VaultId) -> MetaResult<Option<Seq>>;
    /// The vaults that have fossils.
    fn fossil_vaults(&self) -> MetaResult<Vec<VaultId>>;
    /// Fossils of a vault that are counted since a time or longer, and were called dead at a
    /// place or before; at most so many.
    fn fossils(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>>;
    /// How far a device is known to have read the log; 0 if nothing is known.
    fn read_mark(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq>;
}

/// Changes one state.
pub trait FossilTx {
    /// Adds a piece, or says anew whether it is dead; a fossil's time begins again.
    fn put_piece(&mut self, piece: &Piece) -> MetaResult<()>;
    /// Forgets that a chunk is a piece: something else declared it, or it is gone.
    fn remove_piece(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()>;
    /// Notes that something other than a snapshot declared a chunk that is not there.
    fn await_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()>;
    /// Counts from now on the time of every fossil of which it is not counted yet.
    fn date_fossils(&mut self, now_ms: i64) -> MetaResult<()>;
    /// Forgets since when fossils are counted.
    fn undate_fossils(&mut self) -> MetaResult<()>;
    /// Notes that a device has read the log up to a place; never less than before.
    fn note_read(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()>;
}
