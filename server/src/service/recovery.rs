//! A server that was restored from a backup is given back what it lacks.
//!
//! The restored data gets another life, and every vault of it is *recovering*: its log takes
//! the entries that come after its tip, in their old order, from whichever device of the
//! account kept them. They make the old chain again, so nothing that anybody verified is
//! contradicted. Each is checked as ever and its signature too, since whoever sends it need
//! not be who wrote it. An entry of kind *recovery* at the tip ends this.
//!
//! Chunks come before, as far as anybody has them. One that nobody has keeps no entry out:
//! what comes after it would be lost with it.

use offing_core::id::{DeviceId, Hash, Incarnation, VaultId};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header, signed_bytes};
use offing_core::log::epoch::{DeviceIntro, EpochRecord};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::proto::{AppendResult, Appended, decode_give_back};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use rand::RngCore as _;

use super::append::{Parsed, held_or_refused, place, question, until_refused};
use super::ledger::Ledger;
use super::{Caller, ServiceError, Services, open_database};
use crate::store::growth::Question;
use crate::store::meta::{
    Durability, MetaResult, MetaStore, MetaTx, PageBounds, StoredEntry, Vault,
};
use crate::store::places::Places;

/// Begins another life of the data in a folder that no server uses: it was restored from a
/// backup. Says how many vaults wait for their devices.
pub async fn restored(places: impl Into<Places>) -> Result<u64, ServiceError> {
    begin_life(&*open_database(&places.into())?).await
}

async fn begin_life(meta: &dyn MetaStore) -> Result<u64, ServiceError> {
    Ok(meta.write(Durability::Now, another_life()).await?)
}

/// What begins another life of what a database holds.
pub(crate) fn another_life() -> impl FnOnce(&mut dyn MetaTx) -> MetaResult<u64> + Send {
    let mut incarnation = Incarnation([0; 16]);
    rand::rngs::OsRng.fill_bytes(&mut incarnation.0);
    move |tx: &mut dyn MetaTx| {
        // What came after the backup may have declared some of them.
        tx.undate_fossils()?;
        tx.undate_contents()?;
        tx.undate_witnessed()?;
        // A backup is in other hands than the server, perhaps.
        tx.remove_passes_before(i64::MAX)?;
        tx.begin_life(&incarnation)
    }
}

impl Services {
    /// Begins another life of what these services hold; see [`restored`].
    pub async fn begin_life(&self) -> Result<u64, ServiceError> {
        begin_life(&*self.meta).await
    }

    /// Takes entries that stood right after a place (`proto::encode_give_back`); says with
    /// the results which devices they have taken off the account.
    pub async fn give_back(
        &self,
        caller: &Caller,
        vault: VaultId,
        body: &[u8],
    ) -> Result<(Appended, Vec<DeviceId>), ServiceError> {
        let (seq, chain, entries) = decode_give_back(body)?;
        let after = ChainPoint { seq, chain };
        let entries = entries.into_iter();
        let entries: Vec<Option<Parsed>> =
            entries.map(|bytes| Parsed::decode(bytes, self.collect_delete).ok()).collect();
        let caller = *caller;
        let question = question(&caller, vault, &entries);
        let job = move |tx: &mut dyn MetaTx| give_back_all(tx, &caller, &question, after, entries);
        let (appended, taken_off) = self.meta.write(Durability::Now, job).await??;
        self.tell_growth(caller.account, vault, &appended);
        Ok((appended, taken_off))
    }
}

fn give_back_all(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    question: &Question,
    after: ChainPoint,
    entries: Vec<Option<Parsed>>,
) -> MetaResult<Result<(Appended, Vec<DeviceId>), ServiceError>> {
    let Some(mut ledger) = Ledger::open(tx, question)? else {
        return Ok(Err(ServiceError::VaultUnknown));
    };
    let mut at = after;
    let mut taken_off = Vec::new();
    let results = until_refused(entries, |parsed| {
        let place = at;
        at = at.extend(&parsed.hash);
        give_back_one(tx, caller, &mut ledger, place, parsed, &mut taken_off)
    })?;
    ledger.settle(tx)?;
    Ok(Ok((Appended { tip: ledger.tip(), results }, taken_off)))
}

/// Takes the entry that comes right after a place.
fn give_back_one(
    tx: &mut dyn MetaTx,
    caller: &Caller,
    ledger: &mut Ledger,
    at: ChainPoint,
    parsed: Parsed,
    taken_off: &mut Vec<DeviceId>,
) -> MetaResult<AppendResult> {
    ledger.settle(tx)?;
    let (vault, point) = (ledger.vault, at.extend(&parsed.hash));
    if point.seq <= vault.seq {
        let held = tx.entry_at(&vault.id, point.seq)?;
        let same = held == Some((parsed.hash, point.chain));
        return Ok(if same {
            AppendResult::Dup { seq: point.seq }
        } else {
            AppendResult::DeviceFork
        });
    }
    if !vault.recovering || (at.seq, at.chain) != (vault.seq, vault.chain) {
        return Ok(AppendResult::DeviceFork);
    }
    if parsed.header.vault != Some(vault.id) || !is_signed(tx, &vault, &parsed)? {
        return Ok(AppendResult::Malformed);
    }
    match held_or_refused(tx, ledger, &parsed)? {
        Some(answer) => Ok(answer),
        None => place(tx, caller, ledger, parsed, taken_off),
    }
}

/// Says whether these entries end the recovery: one of kind *recovery* comes first, or right
/// after the introduction of who writes it, and names the tip.
pub(super) fn ends(vault: &Vault, entries: &[Option<Parsed>]) -> bool {
    let mut entries = entries.iter().flatten();
    let mut first = entries.next();
    if first.is_some_and(|parsed| parsed.header.kind == EntryKind::Device) {
        first = entries.next();
    }
    let record = first.and_then(record_of);
    record.is_some_and(|record| record.tip == ChainPoint { seq: vault.seq, chain: vault.chain })
}

/// Says whether an entry of kind *recovery* names this life of the server.
pub(super) fn names(state: &dyn MetaTx, parsed: &Parsed) -> MetaResult<bool> {
    let incarnation = state.incarnation()?;
    Ok(record_of(parsed).is_some_and(|record| record.incarnation == incarnation))
}

fn record_of(parsed: &Parsed) -> Option<RecoveryRecord> {
    let is_one = parsed.header.kind == EntryKind::Recovery;
    is_one.then(|| RecoveryRecord::decode(&parsed.entry.body).ok()).flatten()
}

/// Says whether an entry is signed by the device that it names.
pub(super) fn is_signed(tx: &dyn MetaTx, vault: &Vault, parsed: &Parsed) -> MetaResult<bool> {
    let header = &parsed.header;
    let public = match introduced(&parsed.entry, header) {
        Some(public) => Some(public),
        None => device_key(tx, vault, &header.device)?,
    };
    Ok(public.is_some_and(|public| verifies(&public, &parsed.hash, &parsed.entry.signature)))
}

/// A device's public key: of a session, or from its first entry, which introduces it.
fn device_key(state: &dyn MetaTx, vault: &Vault, device: &DeviceId) -> MetaResult<Option<Vec<u8>>> {
    let sessions = state.sessions_of(&vault.account)?;
    if let Some(session) = sessions.into_iter().find(|session| session.device == *device) {
        return Ok(Some(session.device_public));
    }
    let Some((seq, _)) = state.entry_of_device(&vault.id, device, 1)? else {
        return Ok(None);
    };
    let bounds =
        PageBounds { entries_max: 1, bytes_max: limits::ENTRY_BYTES_MAX, without_bodies_of: None };
    let first = state.entries_after(&vault.id, seq - 1, &bounds)?.pop();
    Ok(first.and_then(|StoredEntry { header, signature, body, .. }| {
        let decoded = Header::decode(&header).ok()?;
        introduced(&Entry { header, signature, body: body? }, &decoded)
    }))
}

/// The key by which an entry introduces its own device. A device is named by its key, so
/// no other one fits.
fn introduced(entry: &Entry, header: &Header) -> Option<Vec<u8>> {
    let certificate = match header.kind {
        EntryKind::Device => DeviceIntro::decode(&entry.body).ok()?.certificate,
        EntryKind::Epoch => {
            EpochRecord::decode(&entry.body).ok()?.certificates.into_iter().next()?
        }
        EntryKind::Change
        | EntryKind::Snapshot
        | EntryKind::Heartbeat
        | EntryKind::Gc
        | EntryKind::Share
        | EntryKind::Recovery => return None,
    };
    (certificate.device() == header.device).then(|| certificate.public.0.to_vec())
}

fn verifies(public: &[u8], hash: &Hash, signature: &[u8; 64]) -> bool {
    let (Ok(key), Ok(signature)) =
        (VerifyingKey::from_sec1_bytes(public), Signature::from_slice(signature))
    else {
        return false;
    };
    key.verify(&signed_bytes(hash), &signature).is_ok()
}
