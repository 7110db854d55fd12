//! The one thread that writes chunks, and what it does first: bring the index up to date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use offing_core::id::{AccountId, ChunkId, VaultId};
use tokio::sync::{mpsc, oneshot};

use super::{ChunkStoreError, IncomingChunk, Message, Recovery};
use crate::store::blob::{BlobStore, FoundChunk};
use crate::store::meta::{Durability, MetaError, MetaStore, MetaTx, StoredChunk};

/// The thread that owns the blob store.
pub(super) struct Keeper {
    meta: Arc<dyn MetaStore>,
    blobs: Box<dyn BlobStore>,
    syncs: Arc<AtomicU64>,
    /// Written, not in the index yet.
    written: Vec<(AccountId, StoredChunk)>,
    /// Who waits for the next flush.
    waiting: Vec<oneshot::Sender<Result<(), ChunkStoreError>>>,
    /// Bytes in `written`, for each account.
    reserved: BTreeMap<AccountId, u64>,
}

impl Keeper {
    pub(super) fn new(
        meta: Arc<dyn MetaStore>,
        blobs: Box<dyn BlobStore>,
        syncs: Arc<AtomicU64>,
    ) -> Self {
        Self {
            meta,
            blobs,
            syncs,
            written: Vec::new(),
            waiting: Vec::new(),
            reserved: BTreeMap::new(),
        }
    }

    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut flush = false;
            let mut next = Some(first);
            // Everything that queued up during the last fsync shares the next one.
            while let Some(message) = next {
                match message {
                    Message::Put(chunk, answer) => self.put(chunk, answer),
                    Message::Flush => flush = true,
                    Message::Remove(vault, ids, answer) => {
                        self.flush();
                        let _ = answer.send(self.remove(vault, ids));
                    }
                    Message::Compact(answer) => {
                        self.flush();
                        let _ = answer.send(self.compact());
                    }
                }
                next = inbox.try_recv().ok();
            }
            if flush || self.waiting.len() >= WAITING_MAX {
                self.flush();
            }
        }
        self.flush();
    }

    fn put(&mut self, chunk: IncomingChunk, answer: oneshot::Sender<Result<(), ChunkStoreError>>) {
        let result = self.write(&chunk);
        // Its bytes and its permit are needed no longer; the answer may take a while.
        drop(chunk);
        match result {
            Ok(()) => self.waiting.push(answer),
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    fn write(&mut self, chunk: &IncomingChunk) -> Result<(), ChunkStoreError> {
        let (vault, id) = (chunk.vault, chunk.id);
        let again =
            self.written.iter().any(|(_, written)| written.vault == vault && written.id == id);
        if again {
            return Ok(());
        }
        let state = self.meta.read_blocking(move |state| {
            let Some(row) = state.vault(&vault)? else {
                return Ok(None);
            };
            Ok(Some((state.account(&row.account)?, state.chunk(&vault, &id)?)))
        })?;
        let Some((Some(account), held)) = state else {
            return Err(ChunkStoreError::VaultUnknown);
        };
        if held.is_some() {
            return Ok(());
        }
        let len = chunk.bytes.len() as u64;
        let reserved = self.reserved.get(&account.id).copied().unwrap_or(0);
        let wanted = account.used_bytes.saturating_add(reserved).saturating_add(len);
        if account.quota_bytes.is_some_and(|quota| wanted > quota) {
            return Err(ChunkStoreError::Quota);
        }
        if self.blobs.is_full() {
            // What was written belongs to the segment that ends here; its fate is settled first.
            self.flush();
            self.blobs.rotate()?;
        }
        let at = self.blobs.write(&vault, &id, &chunk.bytes)?;
        self.written.push((account.id, StoredChunk { vault, id, at, last_declared: 0 }));
        *self.reserved.entry(account.id).or_default() += len;
        Ok(())
    }

    /// Makes what was written durable and known, and answers everybody who waits.
    fn flush(&mut self) {
        let result = self.commit();
        self.syncs.store(self.blobs.syncs(), Ordering::Relaxed);
        self.written.clear();
        self.reserved.clear();
        for answer in self.waiting.drain(..) {
            let _ = answer.send(result.clone());
        }
    }

    fn commit(&mut self) -> Result<(), ChunkStoreError> {
        if self.written.is_empty() {
            return Ok(());
        }
        self.blobs.sync()?;
        let written = std::mem::take(&mut self.written);
        self.meta.write_blocking(Durability::Later, move |tx| index(tx, &written))?;
        Ok(())
    }

    fn remove(&mut self, vault: VaultId, ids: Vec<ChunkId>) -> Result<(), ChunkStoreError> {
        self.meta.write_blocking(Durability::Now, move |tx| {
            let Some(row) = tx.vault(&vault)? else {
                return Ok(());
            };
            for id in ids {
                if let Some(chunk) = tx.chunk(&vault, &id)? {
                    tx.remove_chunk(&vault, &id)?;
                    tx.add_usage(&row.account, -i64::from(chunk.at.len))?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn compact(&mut self) -> Result<usize, ChunkStoreError> {
        let rows = self.meta.read_blocking(|state| state.segments())?;
        let mut removed = 0;
        for row in rows {
            if row.segment == self.blobs.active() {
                continue;
            }
            let bytes = self.blobs.segment_bytes(row.segment)?;
            if row.live_bytes * 2 <= bytes {
                self.evacuate(row.segment)?;
                removed += 1;
            }
        }
        self.syncs.store(self.blobs.syncs(), Ordering::Relaxed);
        Ok(removed)
    }

    /// Copies what lives in a segment to the end of the active one, then removes it.
    fn evacuate(&mut self, segment: u32) -> Result<(), ChunkStoreError> {
        if self.blobs.is_full() {
            self.blobs.rotate()?;
        }
        let reader = self.blobs.reader();
        let mut chunks = self.meta.read_blocking(move |state| state.chunks_in(segment))?;
        let mut bytes = Vec::new();
        for chunk in &mut chunks {
            bytes.resize(chunk.at.len as usize, 0);
            reader.read_at(segment, chunk.at.offset, &mut bytes)?;
            chunk.at = self.blobs.write(&chunk.vault, &chunk.id, &bytes)?;
        }
        self.blobs.sync()?;
        // The old bytes go only when the rows that point to the new ones cannot be lost.
        self.meta.write_blocking(Durability::Now, move |tx| {
            for moved in &chunks {
                tx.mark_indexed(moved.at.segment, moved.at.end())?;
                // An append may have declared the chunk meanwhile; only the place moves.
                if let Some(row) = tx.chunk(&moved.vault, &moved.id)? {
                    tx.put_chunk(&StoredChunk { at: moved.at, ..row })?;
                }
            }
            tx.remove_segment(segment)
        })?;
        Ok(self.blobs.remove(segment)?)
    }
}

/// Most chunks that wait before a flush happens unasked.
const WAITING_MAX: usize = 1024;

/// Puts rows for chunks that have none, and counts them to their accounts.
fn index(tx: &mut dyn MetaTx, written: &[(AccountId, StoredChunk)]) -> Result<(), MetaError> {
    for (account, chunk) in written {
        tx.mark_indexed(chunk.at.segment, chunk.at.end())?;
        tx.put_chunk(chunk)?;
        tx.add_usage(account, i64::from(chunk.at.len))?;
    }
    Ok(())
}

/// Brings the index up to the segments, and cuts what a crash left half-written.
pub(super) fn recover(
    meta: &dyn MetaStore,
    blobs: &mut dyn BlobStore,
) -> Result<Recovery, ChunkStoreError> {
    let mut recovery = Recovery::default();
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
        let end = scanned.valid_to;
        recovery.reindexed_chunks += meta.write_blocking(Durability::Now, move |tx| {
            tx.mark_indexed(segment, end)?;
            let mut added = 0;
            for chunk in &found {
                let Some(vault) = tx.vault(&chunk.vault)? else {
                    continue;
                };
                if tx.chunk(&chunk.vault, &chunk.id)?.is_none() {
                    index(tx, &[(vault.account, *chunk)])?;
                    added += 1;
                }
            }
            Ok(added)
        })?;
    }
    Ok(recovery)
}
