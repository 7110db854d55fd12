//! Dead contents in memory, and who answered for them.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::State;
use crate::store::burial::{BurialRead, BurialTx};
use crate::store::meta::{MetaError, MetaResult};

/// What is known of dead contents.
#[derive(Clone, Default)]
pub(super) struct Burials {
    /// Where they are called dead, and since when that is counted.
    dead: BTreeMap<(VaultId, ChunkId), (Seq, Option<i64>)>,
    answers: BTreeMap<(VaultId, DeviceId), Seq>,
}

impl BurialRead for State {
    fn burial_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let vaults = self.burials.dead.keys().map(|(vault, _)| *vault);
        Ok(vaults.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn dead_contents(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>> {
        let old = self.burials.dead.iter().filter(|((of, _), (seq, since))| {
            of == vault && *seq <= dead_seq_max && since.is_some_and(|since| since <= since_ms)
        });
        Ok(old.map(|((_, id), _)| *id).take(limit).collect())
    }

    fn answered(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq> {
        Ok(self.burials.answers.get(&(*vault, *device)).copied().unwrap_or(0))
    }
}

impl BurialTx for State {
    fn bury_content(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        self.burials.dead.entry((*vault, *id)).or_insert((seq, None));
        Ok(())
    }

    fn spare_content(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        self.burials.dead.remove(&(*vault, *id));
        Ok(())
    }

    fn date_contents(&mut self, vault: &VaultId, dead_seq_max: Seq, now_ms: i64) -> MetaResult<()> {
        for ((of, _), (seq, since)) in &mut self.burials.dead {
            if of == vault && *seq <= dead_seq_max {
                since.get_or_insert(now_ms);
            }
        }
        Ok(())
    }

    fn undate_contents(&mut self) -> MetaResult<()> {
        self.burials.dead.values_mut().for_each(|(_, since)| *since = None);
        Ok(())
    }

    fn note_answer(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        let mark = self.burials.answers.entry((*vault, *device)).or_default();
        *mark = seq.max(*mark);
        Ok(())
    }
}
