//! What an append is judged by, and what it changes, each as one value.
//!
//! A store that is reached over a line can ask for the one, and send the other, for many appends
//! together. So whoever appends says beforehand what it will ask ([`Question`]), and gathers what it
//! changes ([`Growth`]). What follows from a growth for an answer that was given before it,
//! [`Standing::follow`] says.

use std::collections::BTreeSet;

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};

use super::meta::{DeviceCounter, StoredEntry, Vault};

/// What an append asks when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The vault to whose log it appends.
    pub vault: VaultId,
    /// Who appends.
    pub account: AccountId,
    /// With which device.
    pub device: DeviceId,
    /// The place that its first entry has seen.
    pub seen: Seq,
    /// The chunks that its entries name.
    pub chunks: Vec<ChunkId>,
}

/// What an append is judged by, when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The vault.
    pub vault: Vault,
    /// The most bytes that the account which pays for it may store, if there is a limit.
    pub quota_bytes: Option<u64>,
    /// Bytes that are stored for that account.
    pub used_bytes: u64,
    /// The last entry of the device that appends, if it wrote any.
    pub counter: Option<DeviceCounter>,
    /// The chain value at the place that its first entry has seen.
    pub seen: Option<Hash>,
    /// Those of the named chunks that the vault has.
    pub held: BTreeSet<ChunkId>,
    /// The life of this server's data.
    pub incarnation: Incarnation,
}

/// What an append changes: entries that follow the last one of a vault, and what comes with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The vault as it is then.
    pub vault: Vault,
    /// The entries, in order; at least one.
    pub entries: Vec<StoredEntry>,
    /// Bytes more that are stored for the account that pays.
    pub bytes: u64,
    /// Chunks that are there, which something other than a snapshot declares now, and where.
    pub declared: Vec<(ChunkId, Seq)>,
}

impl Growth {
    /// The last place of the log before it.
    pub fn before(&self) -> Seq {
        self.entries.first().map_or(self.vault.seq, |first| first.seq.saturating_sub(1))
    }
}

impl Standing {
    /// Brings the answer to a question up to date with what has grown since.
    pub fn follow(&mut self, question: &Question, growth: &Growth) {
        if self.vault.account == growth.vault.account {
            self.used_bytes = self.used_bytes.saturating_add(growth.bytes);
        }
        if self.vault.id != growth.vault.id {
            return;
        }
        self.vault = growth.vault;
        for StoredEntry { seq, device, dseq, hash, chain, .. } in &growth.entries {
            if *device == question.device {
                let revoked = self.counter.is_some_and(|counter| counter.revoked);
                self.counter = Some(DeviceCounter { dseq: *dseq, hash: *hash, revoked });
            }
            if *seq == question.seen {
                self.seen = Some(*chain);
            }
        }
    }
}
