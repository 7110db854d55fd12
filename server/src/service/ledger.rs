//! The log of a vault while entries are appended to it, in one transaction.
//!
//! What it is judged by is asked for once, at the beginning, and kept up to date by what is placed: a
//! database that is reached over a line has one question for a batch, not some for each entry.

use std::collections::BTreeMap;

use offing_core::id::{DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::log::chain::ChainPoint;
use offing_core::proto::Tip;

use super::{Caller, quota};
use crate::store::meta::{DeviceCounter, MetaRead, MetaResult, Standing, StoredEntry, Vault};

/// The log of a vault that grows.
pub(super) struct Ledger {
    pub(super) vault: Vault,
    incarnation: Incarnation,
    quota_bytes: Option<u64>,
    used_bytes: u64,
    counters: BTreeMap<DeviceId, DeviceCounter>,
    /// Chain values of places that are held; a place that is not may come to be.
    chain: BTreeMap<Seq, Hash>,
}

impl Ledger {
    /// Opens the log for entries of which the first has seen this place; `None` unless the caller is a
    /// member of the vault.
    pub(super) fn open(
        state: &dyn MetaRead,
        caller: &Caller,
        vault: &VaultId,
        seen: Seq,
    ) -> MetaResult<Option<Self>> {
        let found = state.standing(vault, &caller.account, &caller.device, seen)?;
        Ok(found.map(|found| {
            let Standing { vault, quota_bytes, used_bytes, counter, seen: chain, incarnation } =
                found;
            let counter = counter.unwrap_or(NOTHING);
            Self {
                vault,
                incarnation,
                quota_bytes,
                used_bytes,
                counters: BTreeMap::from([(caller.device, counter)]),
                chain: chain.map(|chain| (seen, chain)).into_iter().collect(),
            }
        }))
    }

    /// Where the log ends now.
    pub(super) fn tip(&self) -> Tip {
        Tip { seq: self.vault.seq, chain: self.vault.chain, incarnation: self.incarnation }
    }

    /// The last entry of a device.
    pub(super) fn counter(
        &mut self,
        state: &dyn MetaRead,
        device: &DeviceId,
    ) -> MetaResult<DeviceCounter> {
        if let Some(counter) = self.counters.get(device) {
            return Ok(*counter);
        }
        let counter = state.device_counter(&self.vault.id, device)?.unwrap_or(NOTHING);
        self.counters.insert(*device, counter);
        Ok(counter)
    }

    /// The chain value at a place, if the log has come so far.
    pub(super) fn chain_at(&mut self, state: &dyn MetaRead, seq: Seq) -> MetaResult<Option<Hash>> {
        if seq == ChainPoint::START.seq {
            return Ok(Some(ChainPoint::START.chain));
        }
        if let Some(chain) = self.chain.get(&seq) {
            return Ok(Some(*chain));
        }
        let chain = state.entry_at(&self.vault.id, seq)?.map(|(_, chain)| chain);
        if let Some(chain) = chain {
            self.chain.insert(seq, chain);
        }
        Ok(chain)
    }

    /// Says whether so many bytes more may be stored for the account that pays.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        quota::fits(self.quota_bytes, self.used_bytes, bytes)
    }

    /// Notes an entry that was placed, of so many bytes.
    pub(super) fn placed(&mut self, entry: &StoredEntry, bytes: u64) {
        let StoredEntry { device, dseq, hash, .. } = *entry;
        self.counters.insert(device, DeviceCounter { dseq, hash, revoked: false });
        self.used_bytes = self.used_bytes.saturating_add(bytes);
    }

    /// Notes that a device was taken off.
    pub(super) fn took_off(&mut self, device: &DeviceId) {
        self.counters.entry(*device).and_modify(|counter| counter.revoked = true);
    }
}

/// Where a device begins.
const NOTHING: DeviceCounter = DeviceCounter { dseq: 0, hash: Hash([0; 32]), revoked: false };
