//! Appends entries to a vault's log.
//!
//! The entries of one append are tried in order inside one transaction; the first that is
//! refused ends it, those before it stay. Checked blind: vault, device, the device's dense
//! counter and hash link, that what it has seen is this log, the epoch, the chunks it refers
//! to, the quota. Signatures and roles are for the replicas to judge, who trust no server
//! with it. Repeating an append is safe: an entry that is held already answers `Dup`.
//!
//! While a vault is recovering (`recovery`), only the entry that ends that is taken.

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, VaultId};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header, entry_hash};
use offing_core::log::epoch::EpochRecord;
use offing_core::proto::{AppendResult, Appended, Wake, decode_append};

use super::ledger::Ledger;
use super::{Caller, ServiceError, Services, bury, collect, log, quota, recovery};
use crate::store::growth::Question;
use crate::store::meta::{Durability, MetaResult, MetaTx, StoredEntry, Vault};

/// An entry whose encoding has been checked.
pub(super) struct Parsed {
    pub(super) entry: Entry,
    pub(super) header: Header,
    body_hash: Hash,
    pub(super) hash: Hash,
    /// Contents that it calls dead may be so: the configuration lets them.
    may_bury: bool,
}

impl Parsed {
    pub(super) fn decode(bytes: &[u8], may_bury: bool) -> Result<Self, ServiceError> {
        let entry = Entry::decode(bytes).map_err(ServiceError::MalformedEntry)?;
        let header = Header::decode(&entry.header).map_err(ServiceError::MalformedEntry)?;
        // Hashed here, not in the job: the thread that writes serves everybody.
        let body_hash = entry.body_hash();
        let hash = entry_hash(&entry.header, &body_hash);
        Ok(Self { entry, header, body_hash, hash, may_bury })
    }

    fn stored_bytes(&self) -> u64 {
        (self.entry.header.len() + self.entry.body.len() + 64) as u64
    }
}

impl Services {
    /// Appends the entries of one request (`proto::encode_append`).
    pub async fn append(
        &self,
        caller: &Caller,
        vault: VaultId,
        body: &[u8],
    ) -> Result<Appended, ServiceError> {
        self.append_all(caller, vault, body).await.map(|(appended, _)| appended)
    }

    /// The same, with the devices that the entries have taken off the account.
    pub async fn append_all(
        &self,
        caller: &Caller,
        vault: VaultId,
        body: &[u8],
    ) -> Result<(Appended, Vec<DeviceId>), ServiceError> {
        let entries = decode_append(body)?.into_iter();
        let entries: Vec<Option<Parsed>> =
            entries.map(|bytes| Parsed::decode(bytes, self.collect_delete).ok()).collect();
        let first = entries.iter().flatten().next();
        if first.is_some_and(|parsed| parsed.header.device != caller.device) {
            return Err(ServiceError::WrongDevice);
        }
        let caller = *caller;
        let question = question(&caller, vault, &entries);
        let asked = question.clone();
        let job = move |tx: &mut dyn MetaTx| append_all(tx, &caller, &question, entries);
        let (appended, taken_off) = self.meta.append(asked, job).await??;
        self.tell_growth(caller.account, vault, &appended);
        Ok((appended, taken_off))
    }

    /// Makes a vault from its genesis entry, which names it. Repeating it is safe.
    pub async fn create_vault(
        &self,
        caller: &Caller,
        genesis: &[u8],
        now_ms: i64,
    ) -> Result<(VaultId, Appended), ServiceError> {
        let parsed = Parsed::decode(genesis, self.collect_delete)?;
        let header = &parsed.header;
        let begins = header.kind == EntryKind::Epoch
            && header.vault.is_none()
            && header.device == caller.device
            && header.dseq == 1
            && header.prev == Hash([0; 32])
            && header.seen_seq == 0
            && header.chunks.is_empty();
        if !begins {
            return Err(ServiceError::NotGenesis);
        }
        let id = VaultId(parsed.hash.0);
        let (caller, vaults_max) = (*caller, self.counts.vaults as usize);
        let job = move |tx: &mut dyn MetaTx| create(tx, &caller, id, parsed, vaults_max, now_ms);
        let appended = self.meta.write(Durability::Now, job).await??;
        self.tell_growth(caller.account, id, &appended);
        Ok((id, appended))
    }

    pub(super) fn tell_growth(&self, account: AccountId, vault: VaultId, appended: &Appended) {
        if appended.results.iter().any(|result| matches!(result, AppendResult::Ok { .. })) {
            let wake = Wake { vault, seq: appended.tip.seq };
            self.hearers.grown(account, wake);
        }
    }
}

fn create(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    id: VaultId,
    genesis: Parsed,
    vaults_max: usize,
    now_ms: i64,
) -> MetaResult<Result<Appended, ServiceError>> {
    if tx.vault(&id)?.is_some() {
        if !tx.is_member(&id, &caller.account)? {
            return Ok(Err(ServiceError::VaultUnknown));
        }
        let tip = log::tip(tx, &id)?.expect("the vault was just found");
        return Ok(Ok(Appended { tip, results: vec![AppendResult::Dup { seq: 1 }] }));
    }
    let Some(account) = tx.account(&caller.account)? else {
        return Ok(Err(ServiceError::SignedOut));
    };
    if tx.vaults_of(&caller.account)?.len() >= vaults_max {
        return Ok(Err(ServiceError::TooManyVaults));
    }
    if !quota::fits(account.quota_bytes, account.used_bytes, genesis.stored_bytes()) {
        return Ok(Err(ServiceError::QuotaExceeded));
    }
    let start = ChainPoint::START;
    let mut vault = Vault {
        id,
        account: caller.account,
        seq: start.seq,
        chain: start.chain,
        epoch: genesis.header.epoch,
        recovering: false,
    };
    tx.add_vault(&vault, now_ms)?;
    let StoredEntry { seq, chain, .. } = store(tx, &mut vault, genesis)?;
    let result = AppendResult::Ok { seq, chain };
    let tip = log::tip(tx, &id)?.expect("the vault was just added");
    Ok(Ok(Appended { tip, results: vec![result] }))
}

fn append_all(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    question: &Question,
    entries: Vec<Option<Parsed>>,
) -> MetaResult<Result<(Appended, Vec<DeviceId>), ServiceError>> {
    let Some(mut ledger) = Ledger::open(tx, question)? else {
        return Ok(Err(ServiceError::VaultUnknown));
    };
    if ledger.vault.recovering && !recovery::ends(&ledger.vault, &entries) {
        return Ok(Err(ServiceError::Recovering));
    }
    let mut taken_off = Vec::new();
    let results = until_refused(entries, |parsed| {
        append_one(tx, caller, &mut ledger, parsed, &mut taken_off)
    })?;
    ledger.settle(tx)?;
    Ok(Ok((Appended { tip: ledger.tip(), results }, taken_off)))
}

/// What an append of these entries asks.
pub(super) fn question(caller: &Caller, vault: VaultId, entries: &[Option<Parsed>]) -> Question {
    let headers = || entries.iter().flatten().map(|parsed| &parsed.header);
    Question {
        vault,
        account: caller.account,
        device: caller.device,
        seen: headers().next().map_or(0, |header| header.seen_seq),
        chunks: headers().flat_map(|header| &header.chunks).copied().collect(),
    }
}

/// Tries entries in order; the first that is refused ends it.
pub(super) fn until_refused(
    entries: Vec<Option<Parsed>>,
    mut try_one: impl FnMut(Parsed) -> MetaResult<AppendResult>,
) -> MetaResult<Vec<AppendResult>> {
    let mut results = Vec::with_capacity(entries.len());
    let mut refused = false;
    for parsed in entries {
        let result = match parsed {
            _ if refused => AppendResult::Skipped,
            None => AppendResult::Malformed,
            Some(parsed) => try_one(parsed)?,
        };
        refused = !matches!(result, AppendResult::Ok { .. } | AppendResult::Dup { .. });
        results.push(result);
    }
    Ok(results)
}

fn append_one(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    ledger: &mut Ledger,
    parsed: Parsed,
    taken_off: &mut Vec<DeviceId>,
) -> MetaResult<AppendResult> {
    let (header, vault) = (&parsed.header, ledger.vault.id);
    if header.device != caller.device {
        return Ok(AppendResult::Malformed);
    }
    match header.vault {
        Some(id) if id == vault => {}
        // The genesis entry again, from an outbox that missed the first answer.
        None if parsed.hash.0 == vault.0 => return Ok(AppendResult::Dup { seq: 1 }),
        Some(_) | None => return Ok(AppendResult::Malformed),
    }
    if let Some(answer) = held_or_refused(tx, ledger, &parsed)? {
        return Ok(answer);
    }
    let sound = match header.kind {
        EntryKind::Recovery => recovery::names(tx, &parsed)?,
        // A record that no replica takes would leave nobody an epoch to write in.
        EntryKind::Epoch => {
            ledger.settle(tx)?;
            recovery::is_signed(tx, &ledger.vault, &parsed)?
        }
        EntryKind::Change
        | EntryKind::Snapshot
        | EntryKind::Heartbeat
        | EntryKind::Gc
        | EntryKind::Device
        | EntryKind::Share => true,
    };
    if !sound {
        return Ok(AppendResult::Malformed);
    }
    // What is dead need not be there; a snapshot that is countersigned may be gone by now, and
    // whoever did that has none of it.
    let needs_none = matches!(header.kind, EntryKind::Gc | EntryKind::Heartbeat);
    if !needs_none {
        let ids: Vec<ChunkId> = ledger.missing(&header.chunks).into_iter().collect();
        if !ids.is_empty() {
            return Ok(AppendResult::Missing { ids });
        }
    }
    if header.kind == EntryKind::Recovery {
        ledger.vault.recovering = false;
    }
    place(tx, caller, ledger, parsed, taken_off)
}

/// What becomes of an entry that does not follow its device's last one, or this log.
pub(super) fn held_or_refused(
    tx: &mut dyn MetaTx,
    ledger: &mut Ledger,
    parsed: &Parsed,
) -> MetaResult<Option<AppendResult>> {
    let header = &parsed.header;
    let last = ledger.counter(tx, &header.device)?;
    if header.dseq <= last.dseq {
        ledger.settle(tx)?;
        let held = tx.entry_of_device(&ledger.vault.id, &header.device, header.dseq)?;
        return Ok(Some(match held {
            Some((seq, hash)) if hash == parsed.hash => AppendResult::Dup { seq },
            Some(_) | None => AppendResult::DeviceFork,
        }));
    }
    if last.revoked {
        return Ok(Some(AppendResult::Revoked));
    }
    if header.dseq != last.dseq + 1 || header.prev != last.hash {
        return Ok(Some(AppendResult::DeviceFork));
    }
    // Whoever has seen another log was left behind by a restored server. What it writes would
    // be in everybody's way for good; its next pull tells it.
    if ledger.chain_at(tx, header.seen_seq)? != Some(header.seen_chain) {
        return Ok(Some(AppendResult::DeviceFork));
    }
    // An epoch record is a compare-and-set: the first that follows the current one wins.
    let new_epoch = header.kind == EntryKind::Epoch;
    let epoch = ledger.vault.epoch;
    let expected = if new_epoch { epoch.checked_add(1) } else { Some(epoch) };
    Ok((expected != Some(header.epoch)).then_some(AppendResult::EpochStale))
}

/// Puts a checked entry at the next place, if there is space for it.
pub(super) fn place(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    ledger: &mut Ledger,
    parsed: Parsed,
    taken_off: &mut Vec<DeviceId>,
) -> MetaResult<AppendResult> {
    let header = &parsed.header;
    let bytes = parsed.stored_bytes();
    if !ledger.has_room(bytes) {
        return Ok(AppendResult::Quota);
    }
    ledger.vault.epoch = header.epoch;
    // What nothing else is to be noted of, nearly all there is, is stored with what comes after it.
    if header.kind == EntryKind::Change
        && !bury::is_answer(header)
        && ledger.missing(&header.chunks).is_empty()
    {
        let declared = parsed.header.chunks.clone();
        let entry = next(&mut ledger.vault, parsed);
        let result = AppendResult::Ok { seq: entry.seq, chain: entry.chain };
        ledger.gather(entry, bytes, &declared);
        return Ok(result);
    }
    ledger.settle(tx)?;
    // The record is clear; who may write it is for the replicas to judge, like all of it.
    let record = (header.kind == EntryKind::Epoch)
        .then(|| EpochRecord::decode(&parsed.entry.body).ok())
        .flatten();
    let entry = store(tx, &mut ledger.vault, parsed)?;
    ledger.placed(&entry, bytes);
    for device in record.into_iter().flat_map(|record| record.revoked) {
        tx.take_off(&ledger.vault.id, &caller.account, &device)?;
        ledger.took_off(&device);
        taken_off.push(device);
    }
    Ok(AppendResult::Ok { seq: entry.seq, chain: entry.chain })
}

/// Stores a checked entry at the next place.
fn store(tx: &mut dyn MetaTx, vault: &mut Vault, parsed: Parsed) -> MetaResult<StoredEntry> {
    let (header, may_bury) = (parsed.header.clone(), parsed.may_bury);
    let bytes = i64::try_from(parsed.stored_bytes()).expect("bounded by ENTRY_BYTES_MAX");
    let stored = next(vault, parsed);
    tx.add_entry(&vault.id, &stored)?;
    tx.advance_vault(vault)?;
    collect::take_note(tx, &vault.id, &header, stored.seq, may_bury)?;
    tx.add_usage(&vault.account, bytes)?;
    Ok(stored)
}

/// A checked entry as the one that follows a vault's last.
fn next(vault: &mut Vault, parsed: Parsed) -> StoredEntry {
    let Parsed { entry, header, body_hash, hash, .. } = parsed;
    let point = ChainPoint { seq: vault.seq, chain: vault.chain }.extend(&hash);
    (vault.seq, vault.chain) = (point.seq, point.chain);
    StoredEntry {
        seq: point.seq,
        device: header.device,
        dseq: header.dseq,
        hash,
        chain: point.chain,
        header: entry.header,
        signature: entry.signature,
        body_hash,
        body: Some(entry.body),
    }
}
