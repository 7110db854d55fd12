//! The log of a vault while entries are appended to it, in one transaction.
//!
//! What it is judged by is asked for once, at the beginning, and kept up to date by what is placed: a
//! database that is reached over a line has one question for a batch, not some for each entry. Changes
//! are gathered and stored together; whatever else is asked or done has to let them be stored first
//! ([`Ledger::settle`]).

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{ChunkId, DeviceId, Hash, Incarnation, Seq};
use offing_core::log::chain::ChainPoint;
use offing_core::proto::Tip;

use super::quota;
use crate::store::growth::{Growth, Question, Standing};
use crate::store::meta::{DeviceCounter, MetaRead, MetaResult, MetaTx, StoredEntry, Vault};

/// The log of a vault that grows.
pub(super) struct Ledger {
    pub(super) vault: Vault,
    incarnation: Incarnation,
    quota_bytes: Option<u64>,
    used_bytes: u64,
    counters: BTreeMap<DeviceId, DeviceCounter>,
    /// Chain values of places that are held; a place that is not may come to be.
    chain: BTreeMap<Seq, Hash>,
    /// Of the chunks that the entries name, those that the vault has.
    held: BTreeSet<ChunkId>,
    /// What was placed and is not stored yet.
    gathered: Option<Growth>,
}

impl Ledger {
    /// Opens the log for what an append asks; `None` unless who asks is a member of the vault.
    pub(super) fn open(state: &dyn MetaRead, question: &Question) -> MetaResult<Option<Self>> {
        Ok(state.standing(question)?.map(|found| {
            let Standing { vault, quota_bytes, used_bytes, counter, seen, held, incarnation } =
                found;
            let counter = counter.unwrap_or(NOTHING);
            Self {
                vault,
                incarnation,
                quota_bytes,
                used_bytes,
                counters: BTreeMap::from([(question.device, counter)]),
                chain: seen.map(|chain| (question.seen, chain)).into_iter().collect(),
                held,
                gathered: None,
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

    /// Those of some chunks, which the entries name, that the vault does not have.
    pub(super) fn missing(&self, chunks: &[ChunkId]) -> BTreeSet<ChunkId> {
        chunks.iter().filter(|id| !self.held.contains(*id)).copied().collect()
    }

    /// Places an entry of so many bytes, which declares chunks that are there; it is stored later.
    pub(super) fn gather(&mut self, entry: StoredEntry, bytes: u64, declared: &[ChunkId]) {
        self.placed(&entry, bytes);
        let gathered = self.gathered.get_or_insert_with(|| Growth {
            vault: self.vault,
            entries: Vec::new(),
            bytes: 0,
            declared: Vec::new(),
        });
        gathered.declared.extend(declared.iter().map(|id| (*id, entry.seq)));
        gathered.entries.push(entry);
        gathered.bytes += bytes;
    }

    /// Stores what was gathered.
    pub(super) fn settle(&mut self, tx: &mut dyn MetaTx) -> MetaResult<()> {
        match self.gathered.take() {
            Some(growth) => tx.grow(Growth { vault: self.vault, ..growth }),
            None => Ok(()),
        }
    }

    /// Notes an entry that was placed, of so many bytes.
    pub(super) fn placed(&mut self, entry: &StoredEntry, bytes: u64) {
        let StoredEntry { seq, device, dseq, hash, chain, .. } = *entry;
        self.counters.insert(device, DeviceCounter { dseq, hash, revoked: false });
        self.chain.insert(seq, chain);
        self.used_bytes = self.used_bytes.saturating_add(bytes);
    }

    /// Notes that a device was taken off.
    pub(super) fn took_off(&mut self, device: &DeviceId) {
        self.counters.entry(*device).and_modify(|counter| counter.revoked = true);
    }
}

/// Where a device begins.
const NOTHING: DeviceCounter = DeviceCounter { dseq: 0, hash: Hash([0; 32]), revoked: false };
