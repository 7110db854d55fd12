//! Contents that die: chunks that changes have declared, of files that were deleted for good.
//!
//! An entry of kind *gc* that says it is about contents (`StreamId::CONTENTS`) calls them dead as
//! of what its device had seen. Whether that is true the server cannot know, so it asks everybody: each
//! device answers with an entry of kind *heartbeat*, about contents too, which declares again what
//! is needed where it is. The time of what is dead begins when [`Services::collect`] first finds that
//! every device which writes in the vault or has a session has answered; it is as long as that of
//! fossils, and while it goes on any declaration makes a content live again. Who is new and
//! had read the entry before its own first one has nothing to answer for; who writes for the first
//! time, and had not, is waited for.
//!
//! Never dead: what was declared after the place that was seen, the pieces of the newest snapshots and
//! of the one that bodies below it were let go of for, what somebody declared when it was not there.
//! Where the configuration does not let contents die, nothing is noted.

use std::collections::BTreeSet;

use offing_core::id::{ChunkId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::{EntryKind, Header};

use super::collect::{FOSSIL_MS, REMOVED_MAX};
use super::{ServiceError, Services, prune};
use crate::store::meta::{Durability, MetaRead, MetaResult, MetaTx};

/// Says whether an entry answers for its device.
pub(super) fn is_answer(header: &Header) -> bool {
    let answers = header.kind == EntryKind::Heartbeat && header.is_about_contents();
    answers || header.dseq == 1
}

/// Notes up to where an entry answers for its device.
pub(super) fn note_answer(tx: &mut dyn MetaTx, vault: &VaultId, header: &Header) -> MetaResult<()> {
    if is_answer(header) {
        tx.note_answer(vault, &header.device, header.seen_seq)?;
    }
    Ok(())
}

/// Notes the contents that an entry calls dead, as far as it is to be believed.
pub(super) fn bury(
    tx: &mut dyn MetaTx,
    vault: &VaultId,
    header: &Header,
    seq: Seq,
) -> MetaResult<()> {
    let kept = kept(tx, vault)?;
    for id in &header.chunks {
        let Some(chunk) = tx.chunk(vault, id)? else { continue };
        let declared = 1..=header.seen_seq;
        let is_content = declared.contains(&chunk.last_declared)
            && tx.piece(vault, id)?.is_none()
            && !tx.is_awaited(vault, id)?;
        if is_content && !kept.contains(id) {
            tx.bury_content(vault, id, seq)?;
        }
    }
    Ok(())
}

/// The pieces of snapshots that somebody may begin with.
pub(super) fn kept(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<BTreeSet<ChunkId>> {
    let mut kept = prune::kept_pieces(state, vault)?;
    let mut before = Seq::MAX;
    for _ in 0..limits::SNAPSHOTS_KEPT {
        let Some(found) = state.last_of_kind(vault, EntryKind::Snapshot, before)? else { break };
        before = found.seq;
        kept.extend(Header::decode(&found.header).into_iter().flat_map(|header| header.chunks));
    }
    Ok(kept)
}

impl Services {
    /// Counts the time of contents for which everybody has answered, and removes those whose time
    /// has come; says how many.
    pub(super) async fn collect_contents(&self, now_ms: i64) -> Result<usize, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let vaults = tx.burial_vaults()?;
            for vault in &vaults {
                let answered = answered_by_all(tx, vault)?;
                tx.date_contents(vault, answered, now_ms)?;
            }
            Ok(vaults)
        };
        let mut removed = 0;
        let since_ms = now_ms.saturating_sub(FOSSIL_MS);
        for vault in self.meta.write(Durability::Now, job).await? {
            let due = move |state: &dyn MetaRead| due(state, &vault, since_ms);
            removed += self.chunks.remove(vault, move |state| due(state)).await?;
        }
        Ok(removed)
    }
}

/// The contents of a vault that may go now.
fn due(state: &dyn MetaRead, vault: &VaultId, since_ms: i64) -> MetaResult<Vec<ChunkId>> {
    // What is given back may declare some of them.
    if state.vault(vault)?.is_none_or(|row| row.recovering) {
        return Ok(Vec::new());
    }
    let kept = kept(state, vault)?;
    let answered = answered_by_all(state, vault)?;
    let mut due = state.dead_contents(vault, since_ms, answered, REMOVED_MAX + kept.len())?;
    due.retain(|id| !kept.contains(id));
    Ok(due)
}

/// Up to where every device has answered that writes in a vault or may come to.
fn answered_by_all(state: &dyn MetaRead, vault: &VaultId) -> MetaResult<Seq> {
    let Some(row) = state.vault(vault)? else { return Ok(0) };
    let sessions = state.sessions_of(&row.account)?.into_iter();
    let signed_in = sessions.filter(|session| !session.taken_off).map(|session| session.device);
    let mut answered = Seq::MAX;
    for device in state.writers(vault)?.into_iter().chain(signed_in) {
        answered = answered.min(state.answered(vault, &device)?);
    }
    Ok(answered)
}
