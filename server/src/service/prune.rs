//! Bodies of changes below a snapshot that a second device has countersigned.
//!
//! A snapshot's header says up to where its device had seen the log, and all of that is in it.
//! An entry of kind *heartbeat* that declares the same pieces is another device's word for it
//! (its own, where a vault has one device alone). Such snapshots are remembered. Thirty days after [`Services::prune`] first finds one, when every device with a
//! session has read past it, the bodies of changes up to its place go. Headers, hashes and all
//! other bodies stay, so the chain is checked as ever, and the pieces of that snapshot stay too.
//! Nobody prunes unless the configuration
//! says so.

use std::collections::BTreeSet;

use offing_core::id::{ChunkId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::{EntryKind, Header};

use super::collect::{FOSSIL_MS, read_by_all};
use super::{ServiceError, Services};
use crate::store::meta::{Durability, MetaRead, MetaResult, MetaTx, PageBounds, Vault};
use crate::store::witness::Witnessed;

/// Newest snapshots of which one may be meant by a heartbeat.
const SNAPSHOTS_MAX: u8 = 4;
/// Most entries whose bodies go in one transaction.
const ENTRIES_MAX: usize = 1_024;

/// Remembers the snapshot that a heartbeat countersigns, if it is one and all of it is there.
pub(super) fn note_heartbeat(
    tx: &mut dyn MetaTx,
    vault: &VaultId,
    header: &Header,
) -> MetaResult<()> {
    let mut before = Seq::MAX;
    for _ in 0..SNAPSHOTS_MAX {
        let Some(found) = tx.last_of_kind(vault, EntryKind::Snapshot, before)? else { break };
        before = found.seq;
        let Ok(snapshot) = Header::decode(&found.header) else { continue };
        if snapshot.chunks.is_empty() || snapshot.chunks != header.chunks {
            continue;
        }
        let second = snapshot.device != header.device
            || tx.writers(vault)?.iter().all(|device| *device == header.device);
        if second && has_all(tx, vault, &snapshot.chunks)? {
            tx.put_witnessed(vault, found.seq, snapshot.seen_seq)?;
        }
        break;
    }
    Ok(())
}

/// The pieces of the snapshot below which bodies are gone.
pub(super) fn kept_pieces(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<BTreeSet<ChunkId>> {
    let mut kept = BTreeSet::new();
    // Those before it were forgotten when the first body went.
    if state.pruned_to(vault)? > 0
        && let Some(base) = state.witnessed(vault)?.first()
        && let Some(snapshot) = snapshot_at(state, vault, base.seq)?
    {
        kept.extend(snapshot.chunks);
    }
    Ok(kept)
}

fn snapshot_at(state: &dyn MetaRead, vault: &VaultId, seq: Seq) -> MetaResult<Option<Header>> {
    let found = state.last_of_kind(vault, EntryKind::Snapshot, seq + 1)?;
    let found = found.filter(|found| found.seq == seq);
    Ok(found.and_then(|found| Header::decode(&found.header).ok()))
}

fn has_all(state: &dyn MetaRead, vault: &VaultId, ids: &[ChunkId]) -> MetaResult<bool> {
    for id in ids {
        if state.chunk(vault, id)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Services {
    /// Dates the countersigned snapshots that are new, and takes away what is below those whose
    /// time has come; says how many bodies.
    pub async fn prune(&self, now_ms: i64) -> Result<usize, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            tx.date_witnessed(now_ms)?;
            tx.witnessed_vaults()
        };
        let mut gone = 0;
        let since_ms = now_ms.saturating_sub(FOSSIL_MS);
        for vault in self.meta.write(Durability::Now, job).await? {
            loop {
                let some = move |tx: &mut dyn MetaTx| prune_some(tx, &vault, since_ms);
                let Some(count) = self.meta.write(Durability::Now, some).await? else { break };
                gone += count;
            }
        }
        Ok(gone)
    }
}

#[cfg(feature = "testing")]
impl Services {
    /// Lacks the bodies of these entries, as a backup of a server that let go of them does.
    pub async fn lacks_bodies(&self, vault: VaultId, seqs: Vec<Seq>) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            seqs.iter().try_for_each(|seq| tx.drop_body(&vault, *seq))?;
            tx.set_pruned_to(&vault, seqs.last().copied().unwrap_or(0))
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }
}

/// Takes away the next bodies of a vault, and says how many; `None` if there are none to go.
fn prune_some(tx: &mut dyn MetaTx, vault: &VaultId, since_ms: i64) -> MetaResult<Option<usize>> {
    let Some(row) = tx.vault(vault)?.filter(|row| !row.recovering) else {
        return Ok(None);
    };
    let pruned_to = tx.pruned_to(vault)?;
    let Some(witnessed) = newest_due(tx, &row, since_ms)?.filter(|due| due.through > pruned_to)
    else {
        return Ok(None);
    };
    let bounds = PageBounds {
        entries_max: ENTRIES_MAX,
        bytes_max: limits::LOG_PAGE_BYTES_MAX,
        without_bodies_of: None,
    };
    let mut last = pruned_to;
    let (mut gone, mut bytes) = (0, 0);
    for entry in tx.entries_after(vault, pruned_to, &bounds)? {
        if entry.seq > witnessed.through {
            break;
        }
        last = entry.seq;
        let kind = Header::decode(&entry.header).map(|header| header.kind);
        if let (Ok(EntryKind::Change), Some(body)) = (kind, entry.body) {
            tx.drop_body(vault, entry.seq)?;
            (gone, bytes) = (gone + 1, bytes + body.len());
        }
    }
    if last == pruned_to {
        return Ok(None);
    }
    tx.set_pruned_to(vault, last)?;
    tx.remove_witnessed_before(vault, witnessed.seq)?;
    tx.add_usage(&row.account, -i64::try_from(bytes).expect("bounded by a page"))?;
    Ok(Some(gone))
}

/// The newest snapshot that may take the place of what is below it now.
fn newest_due(state: &dyn MetaRead, row: &Vault, since_ms: i64) -> MetaResult<Option<Witnessed>> {
    let read_by_all = read_by_all(state, row)?;
    for witnessed in state.witnessed(&row.id)?.into_iter().rev() {
        let counted = witnessed.since_ms.is_some_and(|since| since <= since_ms);
        if witnessed.seq > read_by_all || !counted {
            continue;
        }
        let Some(snapshot) = snapshot_at(state, &row.id, witnessed.seq)? else { continue };
        // Nobody begins with what a device wrote that was taken off.
        let counter = state.device_counter(&row.id, &snapshot.device)?;
        let writes = counter.is_some_and(|known| !known.revoked);
        if writes && has_all(state, &row.id, &snapshot.chunks)? {
            return Ok(Some(witnessed));
        }
    }
    Ok(None)
}
