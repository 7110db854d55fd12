//! The one thread that writes chunks.
//!
//! What it does first, bringing the index up to date, is in `recover`; how it reclaims dead
//! space in `compact`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use offing_core::id::{AccountId, VaultId};
use tokio::sync::{mpsc, oneshot};

use super::{ChunkStoreError, IncomingChunk, Message, Select};
use crate::store::blob::BlobStore;
use crate::store::meta::{Durability, MetaError, MetaStore, MetaTx, StoredChunk};

mod compact;
mod recover;

pub(super) use recover::recover;

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
    /// Segments with something unknown or damaged in them, found since the start.
    set_aside: BTreeSet<u32>,
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
            set_aside: BTreeSet::new(),
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
                    Message::Remove(vault, select, answer) => {
                        self.flush();
                        let _ = answer.send(self.remove(vault, select));
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
        let durability = if self.blobs.is_shared() { Durability::Now } else { Durability::Later };
        self.meta.write_blocking(durability, move |tx| index(tx, &written))?;
        Ok(())
    }

    fn remove(&mut self, vault: VaultId, select: Select) -> Result<usize, ChunkStoreError> {
        let removed = self.meta.write_blocking(Durability::Now, move |tx| {
            let Some(row) = tx.vault(&vault)? else {
                return Ok(0);
            };
            let mut removed = 0;
            for id in select(tx)? {
                if let Some(chunk) = tx.chunk(&vault, &id)? {
                    tx.remove_chunk(&vault, &id)?;
                    tx.remove_piece(&vault, &id)?;
                    tx.spare_content(&vault, &id)?;
                    tx.add_usage(&row.account, -i64::from(chunk.at.len))?;
                    removed += 1;
                }
            }
            Ok(removed)
        })?;
        Ok(removed)
    }
}

/// Most chunks that wait before a flush happens unasked.
const WAITING_MAX: usize = 1024;

/// Puts rows for chunks that have none, and counts them to their accounts.
fn index(tx: &mut dyn MetaTx, written: &[(AccountId, StoredChunk)]) -> Result<(), MetaError> {
    for (account, chunk) in written {
        tx.mark_indexed(chunk.at.segment, chunk.at.end())?;
        if tx.chunk(&chunk.vault, &chunk.id)?.is_some() {
            // Another process was faster; this copy nobody needs.
            tx.add_dead_bytes(chunk.at.segment, u64::from(chunk.at.len))?;
            continue;
        }
        tx.put_chunk(chunk)?;
        tx.add_usage(account, i64::from(chunk.at.len))?;
    }
    Ok(())
}
