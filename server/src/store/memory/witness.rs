//! Countersigned snapshots in memory, and bodies that go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use offing_core::id::{DeviceId, Seq, VaultId};

use super::State;
use crate::store::meta::{MetaError, MetaResult};
use crate::store::witness::{WitnessRead, WitnessTx, Witnessed};

/// What is known of countersigned snapshots.
#[derive(Clone, Default)]
pub(super) struct Witnesses {
    snapshots: BTreeMap<(VaultId, Seq), Witnessed>,
    pruned_to: BTreeMap<VaultId, Seq>,
}

impl WitnessRead for State {
    fn witnessed(&self, vault: &VaultId) -> MetaResult<Vec<Witnessed>> {
        let of_vault = self.witnesses.snapshots.range((*vault, 0)..=(*vault, Seq::MAX));
        Ok(of_vault.map(|(_, witnessed)| *witnessed).collect())
    }

    fn witnessed_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let vaults = self.witnesses.snapshots.keys().map(|(vault, _)| *vault);
        Ok(vaults.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn pruned_to(&self, vault: &VaultId) -> MetaResult<Seq> {
        Ok(self.witnesses.pruned_to.get(vault).copied().unwrap_or(0))
    }

    fn writers(&self, vault: &VaultId) -> MetaResult<Vec<DeviceId>> {
        let log = self.logs.get(vault).into_iter().flatten();
        let devices: BTreeSet<DeviceId> = log.map(|entry| entry.device).collect();
        let writes = |device: &DeviceId| !self.revoked.contains(&(*vault, *device));
        Ok(devices.into_iter().filter(writes).collect())
    }
}

impl WitnessTx for State {
    fn put_witnessed(&mut self, vault: &VaultId, seq: Seq, through: Seq) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        let witnessed = Witnessed { seq, through, since_ms: None };
        self.witnesses.snapshots.entry((*vault, seq)).or_insert(witnessed);
        Ok(())
    }

    fn date_witnessed(&mut self, now_ms: i64) -> MetaResult<()> {
        for witnessed in self.witnesses.snapshots.values_mut() {
            witnessed.since_ms.get_or_insert(now_ms);
        }
        Ok(())
    }

    fn undate_witnessed(&mut self) -> MetaResult<()> {
        self.witnesses.snapshots.values_mut().for_each(|witnessed| witnessed.since_ms = None);
        Ok(())
    }

    fn remove_witnessed_before(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        self.witnesses.snapshots.retain(|(of, at), _| of != vault || *at >= seq);
        Ok(())
    }

    fn drop_body(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        let log = self.logs.get_mut(vault).ok_or(MetaError::Constraint)?;
        let entry = log.iter_mut().find(|entry| entry.seq == seq).ok_or(MetaError::Constraint)?;
        Arc::make_mut(entry).body = None;
        Ok(())
    }

    fn set_pruned_to(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        if !self.vaults.contains_key(vault) {
            return Err(MetaError::Constraint);
        }
        self.witnesses.pruned_to.insert(*vault, seq);
        Ok(())
    }
}
