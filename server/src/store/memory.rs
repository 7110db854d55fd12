//! Both stores in memory, for tests. Nothing is durable; the rules are those of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::log::entry::EntryKind;
use offing_core::proto::SecretKind;
use rand::RngCore as _;
use tokio::sync::oneshot;

use super::keeping::Pass;
use super::meta::{
    Account, Answer, DeviceCounter, Durability, Invite, MetaError, MetaRead, MetaResult, MetaStats,
    MetaStore, MetaTx, PageBounds, ReadJob, SegmentRow, Session, SessionId, StoredChunk,
    StoredEntry, Vault, WriteJob,
};
use super::sign_ins::{SignIn, SignInId};

mod blobs;
mod burial;
mod closed;
mod ends;
mod factors;
mod fossils;
mod keeping;
mod sign_ins;
mod witness;

pub use blobs::MemoryBlobs;

/// A [`MetaStore`] in memory.
pub struct MemoryMeta {
    state: Mutex<(State, MetaStats)>,
}

#[derive(Clone, Default)]
struct State {
    incarnation: [u8; 16],
    accounts: BTreeMap<AccountId, Account>,
    invites: BTreeMap<Hash, Invite>,
    sessions: BTreeMap<SessionId, Session>,
    vaults: BTreeMap<VaultId, (i64, Vault)>,
    revoked: BTreeSet<(VaultId, DeviceId)>,
    logs: BTreeMap<VaultId, Vec<Arc<StoredEntry>>>,
    chunks: BTreeMap<(VaultId, ChunkId), StoredChunk>,
    /// To where each segment is indexed, and how many of its bytes are dead.
    segments: BTreeMap<u32, (u64, u64)>,
    fossils: fossils::Fossils,
    burials: burial::Burials,
    witnesses: witness::Witnesses,
    /// Accounts that are closed, and since when.
    closed: BTreeMap<AccountId, i64>,
    /// What lets its keeper into the page.
    passes: BTreeMap<Hash, Pass>,
    factors: factors::Factors,
    sign_ins: BTreeMap<SignInId, SignIn>,
    /// Sessions that ended, and when.
    ends: BTreeMap<SessionId, i64>,
}

impl Default for MemoryMeta {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryMeta {
    /// Makes an empty store.
    pub fn new() -> Self {
        let mut incarnation = Incarnation([0; 16]);
        rand::rngs::OsRng.fill_bytes(&mut incarnation.0);
        Self::of_life(incarnation)
    }

    /// Makes an empty store of this life, as one that is restored from a backup has.
    pub fn of_life(incarnation: Incarnation) -> Self {
        let state = State { incarnation: incarnation.0, ..State::default() };
        Self { state: Mutex::new((state, MetaStats::default())) }
    }

    fn lock(&self) -> MutexGuard<'_, (State, MetaStats)> {
        // A job that panicked left the state as it was before: it worked on a copy.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetaStore for MemoryMeta {
    fn submit_write(&self, durability: Durability, job: WriteJob) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let mut guard = self.lock();
        let mut copy = guard.0.clone();
        let result = job(&mut copy);
        if result.is_ok() {
            guard.0 = copy;
            guard.1.writes += 1;
            match durability {
                Durability::Now => guard.1.durable_commits += 1,
                Durability::Later => guard.1.lazy_commits += 1,
            }
        }
        let _ = answer.send(result);
        receiver
    }

    fn submit_read(&self, job: ReadJob) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let _ = answer.send(job(&self.lock().0));
        receiver
    }

    fn stats(&self) -> MetaStats {
        self.lock().1
    }
}

impl State {
    fn account_mut(&mut self, id: &AccountId) -> MetaResult<&mut Account> {
        self.accounts.get_mut(id).ok_or(MetaError::Constraint)
    }
}

impl MetaRead for State {
    fn incarnation(&self) -> MetaResult<Incarnation> {
        Ok(Incarnation(self.incarnation))
    }

    fn account_count(&self) -> MetaResult<u64> {
        Ok(self.accounts.len() as u64)
    }

    fn account(&self, id: &AccountId) -> MetaResult<Option<Account>> {
        Ok(self.accounts.get(id).cloned())
    }

    fn account_by_name(&self, username: &str) -> MetaResult<Option<Account>> {
        Ok(self.accounts.values().find(|account| account.username == username).cloned())
    }

    fn invite(&self, token_hash: &Hash) -> MetaResult<Option<Invite>> {
        Ok(self.invites.get(token_hash).cloned())
    }

    fn sessions_of(&self, account: &AccountId) -> MetaResult<Vec<Session>> {
        Ok(self.sessions.values().filter(|s| s.account == *account).cloned().collect())
    }

    fn session(&self, id: &SessionId) -> MetaResult<Option<Session>> {
        Ok(self.sessions.get(id).cloned())
    }

    fn vault(&self, id: &VaultId) -> MetaResult<Option<Vault>> {
        Ok(self.vaults.get(id).map(|(_, vault)| *vault))
    }

    fn vaults_of(&self, account: &AccountId) -> MetaResult<Vec<VaultId>> {
        let mut vaults: Vec<_> =
            self.vaults.values().filter(|(_, vault)| vault.account == *account).collect();
        vaults.sort_by_key(|(created_ms, vault)| (*created_ms, vault.id));
        Ok(vaults.into_iter().map(|(_, vault)| vault.id).collect())
    }

    fn is_member(&self, vault: &VaultId, account: &AccountId) -> MetaResult<bool> {
        Ok(self.vaults.get(vault).is_some_and(|(_, vault)| vault.account == *account))
    }

    fn device_counter(
        &self,
        vault: &VaultId,
        device: &DeviceId,
    ) -> MetaResult<Option<DeviceCounter>> {
        let log = self.logs.get(vault).into_iter().flatten();
        let last = log.rev().find(|entry| entry.device == *device);
        let revoked = self.revoked.contains(&(*vault, *device));
        let nothing = revoked.then_some(DeviceCounter { dseq: 0, hash: Hash([0; 32]), revoked });
        let of = |entry: &Arc<StoredEntry>| {
            let (dseq, hash) = (entry.dseq, entry.hash);
            DeviceCounter { dseq, hash, revoked }
        };
        Ok(last.map(of).or(nothing))
    }

    fn entry_of_device(
        &self,
        vault: &VaultId,
        device: &DeviceId,
        dseq: u64,
    ) -> MetaResult<Option<(Seq, Hash)>> {
        let mut log = self.logs.get(vault).into_iter().flatten();
        let found = log.find(|entry| entry.device == *device && entry.dseq == dseq);
        Ok(found.map(|entry| (entry.seq, entry.hash)))
    }

    fn entry_at(&self, vault: &VaultId, seq: Seq) -> MetaResult<Option<(Hash, Hash)>> {
        let mut log = self.logs.get(vault).into_iter().flatten();
        let found = log.find(|entry| entry.seq == seq);
        Ok(found.map(|entry| (entry.hash, entry.chain)))
    }

    fn entries_after(
        &self,
        vault: &VaultId,
        after: Seq,
        bounds: &PageBounds,
    ) -> MetaResult<Vec<StoredEntry>> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let log = self.logs.get(vault).into_iter().flatten().filter(|entry| entry.seq > after);
        for entry in log.take(bounds.entries_max) {
            let mut entry = StoredEntry::clone(entry);
            if bounds.without_bodies_of == Some(entry.device) {
                entry.body = None;
            }
            bytes += entry.page_bytes();
            if bytes > bounds.bytes_max && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn last_of_kind(
        &self,
        vault: &VaultId,
        kind: EntryKind,
        before: Seq,
    ) -> MetaResult<Option<StoredEntry>> {
        let log = self.logs.get(vault).into_iter().flatten();
        let is_it = |entry: &&Arc<StoredEntry>| {
            entry.seq < before && entry.header.get(9) == Some(&(kind as u8))
        };
        Ok(log.rev().find(is_it).map(|entry| StoredEntry::clone(entry)))
    }

    fn chunk(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<StoredChunk>> {
        Ok(self.chunks.get(&(*vault, *id)).copied())
    }

    fn chunks_in(&self, segment: u32) -> MetaResult<Vec<StoredChunk>> {
        let mut chunks: Vec<_> =
            self.chunks.values().filter(|chunk| chunk.at.segment == segment).copied().collect();
        chunks.sort_by_key(|chunk| chunk.at);
        Ok(chunks)
    }

    fn segments(&self) -> MetaResult<Vec<SegmentRow>> {
        let row = |(segment, (indexed_to, dead_bytes)): (&u32, &(u64, u64))| SegmentRow {
            segment: *segment,
            indexed_to: *indexed_to,
            dead_bytes: *dead_bytes,
            live_bytes: self
                .chunks
                .values()
                .filter(|chunk| chunk.at.segment == *segment)
                .map(|chunk| u64::from(chunk.at.len))
                .sum(),
        };
        Ok(self.segments.iter().map(row).collect())
    }
}

impl MetaTx for State {
    fn begin_life(&mut self, incarnation: &Incarnation) -> MetaResult<u64> {
        self.incarnation = incarnation.0;
        self.vaults.values_mut().for_each(|(_, vault)| vault.recovering = true);
        Ok(self.vaults.len() as u64)
    }

    fn add_account(&mut self, account: &Account) -> MetaResult<()> {
        if self.accounts.contains_key(&account.id)
            || self.account_by_name(&account.username)?.is_some()
        {
            return Err(MetaError::Constraint);
        }
        self.accounts.insert(account.id, account.clone());
        Ok(())
    }

    fn replace_secret(
        &mut self,
        id: &AccountId,
        kind: SecretKind,
        file: &[u8],
        slot: &[u8],
    ) -> MetaResult<()> {
        let account = self.account_mut(id)?;
        match kind {
            SecretKind::Password => {
                account.password_file = file.to_vec();
                account.password_slot = slot.to_vec();
            }
            SecretKind::Recovery => {
                account.recovery_file = file.to_vec();
                account.recovery_slot = slot.to_vec();
                account.kit_confirmed = false;
            }
        }
        Ok(())
    }

    fn confirm_kit(&mut self, id: &AccountId) -> MetaResult<()> {
        self.account_mut(id)?.kit_confirmed = true;
        Ok(())
    }

    fn limit_account(&mut self, id: &AccountId, quota_bytes: Option<u64>) -> MetaResult<()> {
        self.account_mut(id)?.quota_bytes = quota_bytes;
        Ok(())
    }

    fn add_usage(&mut self, id: &AccountId, bytes: i64) -> MetaResult<()> {
        let account = self.account_mut(id)?;
        account.used_bytes = account.used_bytes.saturating_add_signed(bytes);
        Ok(())
    }

    fn add_invite(&mut self, invite: &Invite) -> MetaResult<()> {
        match self.invites.insert(invite.token_hash, invite.clone()) {
            None => Ok(()),
            Some(_) => Err(MetaError::Constraint),
        }
    }

    fn use_invite(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        let invite = self.invites.get_mut(token_hash).ok_or(MetaError::Constraint)?;
        invite.used_ms = Some(now_ms);
        Ok(())
    }

    fn remove_open_invites(&mut self) -> MetaResult<()> {
        self.invites.retain(|_, invite| invite.used_ms.is_some());
        Ok(())
    }

    fn put_session(&mut self, session: &Session) -> MetaResult<()> {
        if !self.accounts.contains_key(&session.account) {
            return Err(MetaError::Constraint);
        }
        self.sessions.insert(session.id, session.clone());
        Ok(())
    }

    fn remove_session(&mut self, id: &SessionId) -> MetaResult<()> {
        self.sessions.remove(id);
        Ok(())
    }

    fn remove_other_sessions(
        &mut self,
        account: &AccountId,
        keep: Option<&SessionId>,
    ) -> MetaResult<u64> {
        let before = self.sessions.len();
        self.sessions.retain(|id, session| session.account != *account || Some(id) == keep);
        Ok((before - self.sessions.len()) as u64)
    }

    fn take_off(
        &mut self,
        vault: &VaultId,
        account: &AccountId,
        device: &DeviceId,
    ) -> MetaResult<()> {
        self.revoked.insert((*vault, *device));
        let of_device = |s: &&mut Session| s.account == *account && s.device == *device;
        self.sessions.values_mut().filter(of_device).for_each(|session| session.taken_off = true);
        Ok(())
    }

    fn remove_sessions_unused_since(&mut self, used_ms: i64) -> MetaResult<u64> {
        let before = self.sessions.len();
        self.sessions.retain(|_, session| session.used_ms >= used_ms);
        Ok((before - self.sessions.len()) as u64)
    }

    fn add_vault(&mut self, vault: &Vault, created_ms: i64) -> MetaResult<()> {
        if self.vaults.contains_key(&vault.id) || !self.accounts.contains_key(&vault.account) {
            return Err(MetaError::Constraint);
        }
        self.vaults.insert(vault.id, (created_ms, *vault));
        Ok(())
    }

    fn advance_vault(&mut self, vault: &Vault) -> MetaResult<()> {
        let (_, row) = self.vaults.get_mut(&vault.id).ok_or(MetaError::Constraint)?;
        (row.seq, row.chain, row.epoch) = (vault.seq, vault.chain, vault.epoch);
        row.recovering = vault.recovering;
        Ok(())
    }

    fn add_entry(&mut self, vault: &VaultId, entry: &StoredEntry) -> MetaResult<()> {
        let twice = self.entry_of_device(vault, &entry.device, entry.dseq)?.is_some();
        let log = self.logs.entry(*vault).or_default();
        if twice || log.last().is_some_and(|last| last.seq >= entry.seq) {
            return Err(MetaError::Constraint);
        }
        log.push(Arc::new(entry.clone()));
        Ok(())
    }

    fn put_chunk(&mut self, chunk: &StoredChunk) -> MetaResult<()> {
        if !self.segments.contains_key(&chunk.at.segment) || !self.vaults.contains_key(&chunk.vault)
        {
            return Err(MetaError::Constraint);
        }
        self.remove_chunk(&chunk.vault, &chunk.id)?;
        self.chunks.insert((chunk.vault, chunk.id), *chunk);
        Ok(())
    }

    fn declare_chunk(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()> {
        let chunk = self.chunks.get_mut(&(*vault, *id)).ok_or(MetaError::Constraint)?;
        chunk.last_declared = chunk.last_declared.max(seq);
        Ok(())
    }

    fn remove_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        if let Some(chunk) = self.chunks.remove(&(*vault, *id)) {
            self.add_dead_bytes(chunk.at.segment, u64::from(chunk.at.len))?;
        }
        Ok(())
    }

    fn mark_indexed(&mut self, segment: u32, indexed_to: u64) -> MetaResult<()> {
        let (row, _) = self.segments.entry(segment).or_default();
        *row = indexed_to.max(*row);
        Ok(())
    }

    fn add_dead_bytes(&mut self, segment: u32, bytes: u64) -> MetaResult<()> {
        let (_, dead_bytes) = self.segments.get_mut(&segment).ok_or(MetaError::Constraint)?;
        *dead_bytes += bytes;
        Ok(())
    }

    fn remove_segment(&mut self, segment: u32) -> MetaResult<()> {
        if self.chunks.values().any(|chunk| chunk.at.segment == segment) {
            return Err(MetaError::Constraint);
        }
        self.segments.remove(&segment);
        Ok(())
    }
}
