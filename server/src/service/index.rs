//! Shared search indexes, as far as the server knows them: by their clear headers.
//!
//! An entry of kind *heartbeat* that says it is about the index (`StreamId::INDEX`) declares the pieces of
//! one; the newest is the last in the log. One of kind *gc* about it calls pieces dead that a newer one
//! replaced (`collect`). Whether anything of that is true is for the devices to judge.

use std::collections::BTreeSet;

use offing_core::id::{ChunkId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::{EntryKind, Header};
use offing_core::proto::LogPage;

use super::log::page;
use super::{Caller, ServiceError, Services};
use crate::store::meta::{MetaRead, MetaResult, StoredEntry};

/// Entries of the kind that are looked through for one about the index: there are others.
const HEARTBEATS_MAX: usize = 256;

impl Services {
    /// Reads the entry of the newest shared index but `skip`, alone in a page; none where there is
    /// no such index.
    pub async fn index(
        &self,
        caller: &Caller,
        vault: VaultId,
        skip: u8,
    ) -> Result<LogPage, ServiceError> {
        let read = self.read_as_member(caller, vault, move |state| {
            let found = newest(state, &vault, usize::from(skip) + 1)?;
            Ok(found.into_iter().nth(usize::from(skip)).map(|(entry, _)| entry))
        });
        let (tip, entry) = read.await?;
        Ok(page(tip, entry.into_iter().collect()))
    }
}

/// The pieces of the newest indexes, which nobody can call dead.
pub(super) fn kept_pieces(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<BTreeSet<ChunkId>> {
    let kept = newest(state, vault, usize::from(limits::INDEXES_KEPT))?;
    Ok(kept.into_iter().flat_map(|(_, header)| header.chunks).collect())
}

/// So many of the newest indexes, the last first.
fn newest(
    state: &dyn MetaRead,
    vault: &VaultId,
    count: usize,
) -> MetaResult<Vec<(StoredEntry, Header)>> {
    let (mut found, mut before) = (Vec::new(), Seq::MAX);
    for _ in 0..HEARTBEATS_MAX {
        let Some(entry) = state.last_of_kind(vault, EntryKind::Heartbeat, before)? else { break };
        before = entry.seq;
        let Ok(header) = Header::decode(&entry.header) else { continue };
        if header.is_about_index() {
            found.push((entry, header));
        }
        if found.len() == count {
            break;
        }
    }
    Ok(found)
}
