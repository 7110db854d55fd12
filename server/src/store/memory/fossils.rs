//! Pieces and fossils in memory.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::State;
use crate::store::fossil::{FossilRead, FossilTx, Piece};
use crate::store::meta::{MetaError, MetaResult};

/// What is known of chunks that may go.
#[derive(Clone, Default)]
pub(super) struct Fossils {
    /// Pieces, and since when those that are dead are counted.
    pieces: BTreeMap<(VaultId, ChunkId), (Piece, Option<i64>)>,
    awaited: BTreeSet<(VaultId, ChunkId)>,
    reads: BTreeMap<(VaultId, DeviceId), Seq>,
}

impl Fossils {
    fn of(&self, vault: &VaultId) -> impl Iterator<Item = (Piece, Seq, Option<i64>)> {
        let (from, to) = ((*vault, ChunkId([0; 32])), (*vault, ChunkId([0xff; 32])));
        let pieces = self.pieces.range(from..=to).map(|(_, known)| *known);
        pieces.filter_map(|(piece, since)| Some((piece, piece.dead_seq?, since)))
    }
}

impl FossilRead for State {
    fn piece(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<Piece>> {
        Ok(self.fossils.pieces.get(&(*vault, *id)).map(|(piece, _)| *piece))
    }

    fn is_awaited(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<bool> {
        Ok(self.fossils.awaited.contains(&(*vault, *id)))
    }

    fn last_fossil(&self, vault: &VaultId) -> MetaResult<Option<Seq>> {
        Ok(self.fossils.of(vault).map(|(_, seq, _)| seq).max())
    }

    fn fossil_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let has = |vault: &&VaultId| self.fossils.of(vault).next().is_some();
        Ok(self.vaults.keys().filter(has).copied().collect())
    }

    fn fossils(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>> {
        let old = self.fossils.of(vault).filter(|(_, seq, since)| {
            *seq <= dead_seq_max && since.is_some_and(|since| since <= since_ms)
        });
        Ok(old.map(|(piece, ..)| piece.id).take(limit).collect())
    }

    fn read_mark(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq> {
        Ok(self.fossils.reads.get(&(*vault, *device)).copied().unwrap_or(0))
    }
}

impl FossilTx for State {
    fn put_piece(&mut self, piece: &Piece) -> MetaResult<()> {
        if !self.vaults.contains_key(&piece.vault) {
            return Err(MetaError::Constraint);
        }
        self.fossils.pieces.insert((piece.vault, piece.id), (*piece, None));
        Ok(())
    }

    fn remove_piece(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        self.fossils.pieces.remove(&(*vault, *id));
        Ok(())
    }

    fn await_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        self.fossils.awaited.insert((*vault, *id));
        Ok(())
    }

    fn date_fossils(&mut self, now_ms: i64) -> MetaResult<()> {
        for (piece, since) in self.fossils.pieces.values_mut() {
            if piece.dead_seq.is_some() {
                since.get_or_insert(now_ms);
            }
        }
        Ok(())
    }

    fn undate_fossils(&mut self) -> MetaResult<()> {
        self.fossils.pieces.values_mut().for_each(|(_, since)| *since = None);
        Ok(())
    }

    fn note_read(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        let mark = self.fossils.reads.entry((*vault, *device)).or_default();
        *mark = seq.max(*mark);
        Ok(())
    }
}
