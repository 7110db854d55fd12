//! Reads a vault's log in pages.

use std::collections::BTreeSet;

use offing_core::id::{DeviceId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::proto::{LogPage, PageItem, Tip, Wake};

use super::{Caller, ServiceError, Services};
use crate::store::meta::{Durability, MetaRead, MetaResult, MetaTx, PageBounds, StoredEntry};

/// What a page of the log may hold.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    /// Most entries.
    pub entries_max: usize,
    /// Most bytes; one entry fits always.
    pub bytes_max: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { entries_max: limits::LOG_PAGE_ENTRIES_MAX, bytes_max: limits::LOG_PAGE_BYTES_MAX }
    }
}

impl Services {
    /// Reads the entries after a place. With `own`, that device's entries come without
    /// their bodies, which it holds already.
    pub async fn read_log(
        &self,
        caller: &Caller,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
        bounds: PageLimits,
    ) -> Result<LogPage, ServiceError> {
        let device = caller.device;
        let bounds = PageBounds {
            entries_max: bounds.entries_max.min(limits::LOG_PAGE_ENTRIES_MAX),
            bytes_max: bounds.bytes_max.min(limits::LOG_PAGE_BYTES_MAX),
            without_bodies_of: own,
        };
        let read = self.read_as_member(caller, vault, move |state| {
            let entries = state.entries_after(&vault, after, &bounds)?;
            Ok((entries, passed_marks(state, &vault, &device, after)?))
        });
        let (tip, (entries, passed)) = read.await?;
        if passed {
            let note = move |tx: &mut dyn MetaTx| tx.note_read(&vault, &device, after);
            // What is not noted now is with the next page.
            self.meta.write(Durability::Later, note).await.ok();
        }
        Ok(page(tip, entries))
    }

    /// Reads for a member of a vault: its tip, and what the job finds beside it.
    pub(super) async fn read_as_member<T, F>(
        &self,
        caller: &Caller,
        vault: VaultId,
        job: F,
    ) -> Result<(Tip, T), ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn MetaRead) -> MetaResult<T> + Send + 'static,
    {
        let account = caller.account;
        let read = self.meta.read(move |state| {
            if !state.is_member(&vault, &account)? {
                return Ok(None);
            }
            let Some(tip) = tip(state, &vault)? else {
                return Ok(None);
            };
            Ok(Some((tip, job(state)?)))
        });
        read.await?.ok_or(ServiceError::VaultUnknown)
    }

    /// Reads what a newcomer begins with in the place of the log's beginning: the last
    /// snapshot but `skip`, and before it the entries that a newcomer needs to believe it. No
    /// entries where there is no such snapshot.
    pub async fn beginning(
        &self,
        caller: &Caller,
        vault: VaultId,
        skip: u8,
    ) -> Result<LogPage, ServiceError> {
        let read = self.read_as_member(caller, vault, move |state| beginning(state, &vault, skip));
        let (tip, entries) = read.await?;
        Ok(page(tip, entries))
    }

    /// The tips of the account's vaults, which a live socket tells when it opens.
    pub async fn wakes(&self, caller: &Caller) -> Result<Vec<Wake>, ServiceError> {
        let account = caller.account;
        let wakes = self.meta.read(move |state| {
            let mut wakes = Vec::new();
            for id in state.vaults_of(&account)? {
                if let Some(vault) = state.vault(&id)? {
                    wakes.push(Wake { vault: id, seq: vault.seq });
                }
            }
            Ok(wakes)
        });
        Ok(wakes.await?)
    }
}

/// The tip of a vault's log.
pub(crate) fn tip(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<Option<Tip>> {
    let incarnation = state.incarnation()?;
    let vault = state.vault(vault)?;
    Ok(vault.map(|vault| Tip { seq: vault.seq, chain: vault.chain, incarnation }))
}

/// Says whether a device that asks for what comes after a place has read past all that is dead
/// and all that was countersigned, and that is not known yet.
fn passed_marks(
    state: &dyn MetaRead,
    vault: &VaultId,
    device: &DeviceId,
    after: Seq,
) -> MetaResult<bool> {
    let witnessed = state.witnessed(vault)?.last().map(|witnessed| witnessed.seq);
    Ok(match state.last_fossil(vault)?.max(witnessed) {
        Some(last) => last <= after && state.read_mark(vault, device)? < last,
        None => false,
    })
}

/// The genesis entry, the record of the snapshot's epoch, its device's first entry, itself.
fn beginning(state: &dyn MetaRead, vault: &VaultId, skip: u8) -> MetaResult<Vec<StoredEntry>> {
    let mut found: Option<StoredEntry> = None;
    for _ in 0..=skip {
        let before = found.map_or(Seq::MAX, |newer| newer.seq);
        found = state.last_of_kind(vault, EntryKind::Snapshot, before)?;
        if found.is_none() {
            break;
        }
    }
    let Some(snapshot) = found else {
        return Ok(Vec::new());
    };
    let record = state.last_of_kind(vault, EntryKind::Epoch, snapshot.seq)?;
    let first = state.entry_of_device(vault, &snapshot.device, 1)?;
    let mut seqs = BTreeSet::from([1]);
    seqs.extend(record.map(|record| record.seq));
    seqs.extend(first.map(|(seq, _)| seq));
    let one = PageBounds { entries_max: 1, bytes_max: usize::MAX, without_bodies_of: None };
    let mut entries = Vec::with_capacity(seqs.len() + 1);
    for seq in seqs {
        entries.extend(state.entries_after(vault, seq - 1, &one)?);
    }
    entries.push(snapshot);
    Ok(entries)
}

/// Entries as they are handed out.
pub(super) fn page(tip: Tip, entries: Vec<StoredEntry>) -> LogPage {
    LogPage { tip, items: entries.into_iter().map(page_item).collect() }
}

fn page_item(entry: StoredEntry) -> PageItem {
    match entry.body {
        Some(body) => PageItem::Full(
            Entry { header: entry.header, signature: entry.signature, body }.encode(),
        ),
        None => PageItem::Bare {
            header: entry.header,
            signature: entry.signature,
            body_hash: entry.body_hash,
        },
    }
}
