//! Garbage: pieces of snapshots and of shared indexes that newer ones replaced, and that a device
//! calls dead.
//!
//! An entry of kind *gc* names chunks that are dead as of what its device had seen. The server
//! reads no bodies, so it believes as little as it can: only chunks that nothing but snapshots
//! and shared indexes has ever declared can die, not those of the last of these, and not those that
//! anything has declared since. What a file needs was declared by a change; no entry can have it
//! removed.
//!
//! Dead pieces stay as *fossils*. They are dated by the first [`Services::collect`] that finds
//! them and go [`FOSSIL_MS`] later at the earliest, when every device with a session has read
//! the entry that calls them dead; those of a snapshot that has what bodies said that are gone
//! (`prune`) stay. Until then any declaration makes a fossil live again, in the
//! transaction that places its entry. Nobody collects unless the configuration says so.
//! What changes have declared dies by another rule (`bury`).

use std::collections::BTreeSet;

use offing_core::id::{ChunkId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::{EntryKind, Header};

use super::{ServiceError, Services, bury, index, prune};
use crate::store::fossil::Piece;
use crate::store::meta::{Durability, MetaRead, MetaResult, MetaTx, Vault};

/// Milliseconds that a fossil is kept: as long as a device may stay away and have a session.
pub const FOSSIL_MS: i64 = 30 * 24 * 3600 * 1000;
/// Most chunks that one call takes from a vault; the next call goes on.
pub(super) const REMOVED_MAX: usize = 1_024;

/// Notes what an entry that was just placed says of its chunks.
pub(super) fn take_note(
    tx: &mut dyn MetaTx,
    vault: &VaultId,
    header: &Header,
    seq: Seq,
    may_bury: bool,
) -> MetaResult<()> {
    bury::note_answer(tx, vault, header)?;
    if header.kind == EntryKind::Gc {
        return match (header.is_about_contents(), may_bury) {
            (false, _) => bury_pieces(tx, vault, header, seq),
            (true, true) => bury::bury(tx, vault, header, seq),
            (true, false) => Ok(()),
        };
    }
    // A heartbeat names the pieces of a snapshot that it countersigns, those of a shared index, or
    // contents that others have declared.
    let by_snapshot = matches!(header.kind, EntryKind::Snapshot | EntryKind::Heartbeat);
    let held = match &header.chunks[..] {
        [] => BTreeSet::new(),
        ids => tx.chunks_held(vault, ids)?,
    };
    for id in &header.chunks {
        if !held.contains(id) {
            // What is given back may name a chunk that nobody has any more, or brings later.
            if !by_snapshot {
                tx.await_chunk(vault, id)?;
            }
            continue;
        }
        if !by_snapshot {
            tx.remove_piece(vault, id)?;
        } else if is_piece(tx, vault, id)? {
            tx.put_piece(&Piece { vault: *vault, id: *id, dead_seq: None })?;
        }
        tx.spare_content(vault, id)?;
        tx.declare_chunk(vault, id, seq)?;
    }
    if header.kind == EntryKind::Heartbeat {
        prune::note_heartbeat(tx, vault, header)?;
    }
    Ok(())
}

/// Says whether nothing but snapshots has declared a chunk yet.
fn is_piece(state: &dyn MetaRead, vault: &VaultId, id: &ChunkId) -> MetaResult<bool> {
    let chunk = state.chunk(vault, id)?;
    let declared = chunk.is_some_and(|chunk| chunk.last_declared > 0);
    Ok(!(declared || state.is_awaited(vault, id)?) || state.piece(vault, id)?.is_some())
}

/// Makes fossils of the pieces that an entry calls dead, as far as it is to be believed.
fn bury_pieces(tx: &mut dyn MetaTx, vault: &VaultId, header: &Header, seq: Seq) -> MetaResult<()> {
    let mut kept = index::kept_pieces(tx, vault)?;
    let kept_from = if header.is_about_index() {
        // It may come after the newest snapshots, whose pieces it says nothing of.
        kept.extend(bury::kept(tx, vault)?);
        Seq::MAX
    } else {
        kept_from(tx, vault)?
    };
    for id in &header.chunks {
        let (Some(chunk), Some(piece)) = (tx.chunk(vault, id)?, tx.piece(vault, id)?) else {
            continue;
        };
        let declared = chunk.last_declared;
        let is_kept = declared >= kept_from || kept.contains(id);
        if declared <= header.seen_seq && !is_kept && piece.dead_seq.is_none() {
            tx.put_piece(&Piece { dead_seq: Some(seq), ..piece })?;
        }
    }
    Ok(())
}

/// The place from which on snapshots keep their pieces, whatever anybody says.
fn kept_from(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<Seq> {
    let mut before = Seq::MAX;
    for _ in 0..limits::SNAPSHOTS_KEPT {
        let newest = state.last_of_kind(vault, EntryKind::Snapshot, before)?;
        before = newest.map_or(0, |newest| newest.seq);
    }
    Ok(before)
}

impl Services {
    /// Dates the fossils that are new, and removes those whose time has come; says how many.
    pub async fn collect(&self, now_ms: i64) -> Result<usize, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            tx.date_fossils(now_ms)?;
            tx.fossil_vaults()
        };
        let mut removed = 0;
        let since_ms = now_ms.saturating_sub(FOSSIL_MS);
        for vault in self.meta.write(Durability::Now, job).await? {
            removed += self.chunks.remove(vault, move |state| due(state, &vault, since_ms)).await?;
        }
        removed += self.collect_contents(now_ms).await?;
        Ok(removed)
    }
}

/// The fossils of a vault that may go now.
fn due(state: &dyn MetaRead, vault: &VaultId, since_ms: i64) -> MetaResult<Vec<ChunkId>> {
    let row = state.vault(vault)?;
    // What is given back may declare some of them.
    let Some(row) = row.filter(|row| !row.recovering) else {
        return Ok(Vec::new());
    };
    let kept = prune::kept_pieces(state, vault)?;
    let read_by_all = read_by_all(state, &row)?;
    let mut due = state.fossils(vault, since_ms, read_by_all, REMOVED_MAX + kept.len())?;
    due.retain(|id| !kept.contains(id));
    Ok(due)
}

/// Up to where every device that has a session is known to have read a vault's log.
pub(super) fn read_by_all(state: &dyn MetaRead, vault: &Vault) -> MetaResult<Seq> {
    let mut read_by_all = Seq::MAX;
    for session in state.sessions_of(&vault.account)?.iter().filter(|session| !session.taken_off) {
        read_by_all = read_by_all.min(state.read_mark(&vault.id, &session.device)?);
    }
    Ok(read_by_all)
}
