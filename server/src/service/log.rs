//! Reads a vault's log in pages.

use offing_core::id::{DeviceId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::Entry;
use offing_core::proto::{LogPage, PageItem, Tip, Wake};

use super::{Caller, ServiceError, Services};
use crate::store::meta::{MetaRead, MetaResult, PageBounds, StoredEntry};

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
        let account = caller.account;
        let bounds = PageBounds {
            entries_max: bounds.entries_max.min(limits::LOG_PAGE_ENTRIES_MAX),
            bytes_max: bounds.bytes_max.min(limits::LOG_PAGE_BYTES_MAX),
            without_bodies_of: own,
        };
        let page = self.meta.read(move |state| {
            if !state.is_member(&vault, &account)? {
                return Ok(None);
            }
            let Some(tip) = tip(state, &vault)? else {
                return Ok(None);
            };
            let entries = state.entries_after(&vault, after, &bounds)?;
            Ok(Some(LogPage { tip, items: entries.into_iter().map(page_item).collect() }))
        });
        page.await?.ok_or(ServiceError::VaultUnknown)
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
