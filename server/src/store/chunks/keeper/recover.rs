//! Brings the index up to the segments at a start.
//!
//! What a crash left half-written at the end of the last segment is cut; nothing else is
//! ever taken away. Records that the index does not know get their rows, if their vault is
//! known. A record whose chunk the index has elsewhere is dead if that copy is whole (a
//! crash came between copying and removing), and takes its place if it is not.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::AccountId;

use super::{ChunkStoreError, index};
use crate::store::blob::{BlobStore, FoundChunk};
use crate::store::check::read_whole;
use crate::store::chunks::Recovery;
use crate::store::meta::{Durability, MetaError, MetaRead, MetaStore, MetaTx, StoredChunk};

/// What a record found behind the index is.
enum Found {
    /// No vault of this database has it; it stays, and nobody counts it.
    Unknown,
    /// A chunk without a row, of this account's vault.
    New(AccountId),
    /// A chunk whose row points to bytes that are lost or damaged.
    Better(StoredChunk),
    /// A second copy.
    Again,
}

/// Brings the index up to the segments, and cuts what a crash left half-written.
pub(in crate::store::chunks) fn recover(
    meta: &dyn MetaStore,
    blobs: &mut dyn BlobStore,
) -> Result<Recovery, ChunkStoreError> {
    let mut recovery = Recovery::default();
    if blobs.is_shared() {
        // The index was durable before anything was acknowledged, and what it lacks may be
        // another process's, just being written.
        return Ok(recovery);
    }
    let rows = meta.read_blocking(|state| state.segments())?;
    let indexed: BTreeMap<u32, u64> =
        rows.iter().map(|row| (row.segment, row.indexed_to)).collect();
    let present: BTreeSet<u32> = blobs.segments()?.into_iter().collect();
    let lost = rows.iter().filter(|row| !present.contains(&row.segment) && row.live_bytes > 0);
    recovery.lost_segments = u32::try_from(lost.count()).unwrap_or(u32::MAX);
    for segment in present {
        let from = indexed.get(&segment).copied().unwrap_or(0);
        let mut found = Vec::new();
        let scanned = blobs.scan(segment, from, &mut |chunk| {
            let FoundChunk { vault, id, at } = chunk;
            found.push(StoredChunk { vault, id, at, last_declared: 0 });
        })?;
        recovery.damaged_bytes += scanned.damaged_bytes;
        if scanned.torn_bytes > 0 && segment == blobs.active() {
            blobs.cut(segment, scanned.valid_to)?;
            recovery.cut_bytes += scanned.torn_bytes;
        } else {
            // A segment was whole on the disk before the next was begun, so this is no torn
            // write but damage: what is left stays for whoever repairs it.
            recovery.damaged_bytes += scanned.torn_bytes;
        }
        if from >= scanned.valid_to {
            continue;
        }
        let judged = judge(meta, blobs, found)?;
        let unknown = judged.iter().filter(|(_, found)| matches!(found, Found::Unknown));
        recovery.unknown_chunks += unknown.count() as u64;
        let end = scanned.valid_to;
        recovery.reindexed_chunks += meta.write_blocking(Durability::Now, move |tx| {
            tx.mark_indexed(segment, end)?;
            let mut added = 0;
            for (chunk, found) in &judged {
                added += settle(tx, chunk, found)?;
            }
            Ok(added)
        })?;
    }
    Ok(recovery)
}

/// Says what each record is; the copies that rows point to are read where it matters.
fn judge(
    meta: &dyn MetaStore,
    blobs: &dyn BlobStore,
    chunks: Vec<StoredChunk>,
) -> Result<Vec<(StoredChunk, Found)>, ChunkStoreError> {
    let known = meta.read_blocking(move |state: &dyn MetaRead| {
        let mut known = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let vault = state.vault(&chunk.vault)?;
            let held = state.chunk(&chunk.vault, &chunk.id)?;
            known.push((chunk, vault.map(|vault| vault.account), held));
        }
        Ok(known)
    })?;
    let reader = blobs.reader();
    let mut bytes = Vec::new();
    let judged = known.into_iter().map(|(chunk, account, held)| {
        let found = match (account, held) {
            (None, _) => Found::Unknown,
            (Some(account), None) => Found::New(account),
            // A copy that cannot be read is as good as none.
            (Some(_), Some(held)) => match read_whole(&*reader, &held, &mut bytes) {
                Ok(true) => Found::Again,
                Ok(false) | Err(_) => Found::Better(held),
            },
        };
        (chunk, found)
    });
    Ok(judged.collect())
}

/// Puts the row of one record, and says whether it is a new one.
fn settle(tx: &mut dyn MetaTx, chunk: &StoredChunk, found: &Found) -> Result<u64, MetaError> {
    match found {
        Found::Unknown => Ok(0),
        // The same segment may hold it twice: the first row came a moment ago.
        Found::New(_) if tx.chunk(&chunk.vault, &chunk.id)?.is_some() => again(tx, chunk),
        Found::New(account) => index(tx, &[(*account, *chunk)]).map(|()| 1),
        Found::Better(held) => {
            let row = StoredChunk { last_declared: held.last_declared, ..*chunk };
            tx.put_chunk(&row).map(|()| 1)
        }
        Found::Again => again(tx, chunk),
    }
}

fn again(tx: &mut dyn MetaTx, chunk: &StoredChunk) -> Result<u64, MetaError> {
    tx.add_dead_bytes(chunk.at.segment, u64::from(chunk.at.len)).map(|()| 0)
}
