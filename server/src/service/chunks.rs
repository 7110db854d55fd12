//! Receives and gives chunks.
//!
//! An upload holds at most one chunk in memory, for which it has reserved when the first bytes
//! came, hashes it while it arrives, and hands it to
//! the store, which writes it at once; the end of the request waits for the disk, once for
//! all of the request's chunks and for those of every request beside it. Nothing is
//! acknowledged before that. Uploading what is held already is free and answers the same.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use offing_core::id::{AccountId, ChunkId, VaultId};
use offing_core::limits;
use offing_core::proto::{ChunksStored, WireError};
use sha2::{Digest, Sha256};

use super::{Caller, ServiceError, Services};
use crate::store::blob::{BlobError, Pieces};
use crate::store::chunks::{ChunkStoreError, IncomingChunk, Pending, Permit};
use crate::store::meta::{MetaStore, StoredChunk};

impl From<ChunkStoreError> for ServiceError {
    fn from(error: ChunkStoreError) -> Self {
        match error {
            ChunkStoreError::Quota => Self::QuotaExceeded,
            ChunkStoreError::VaultUnknown => Self::VaultUnknown,
            ChunkStoreError::Busy(_) | ChunkStoreError::Closed => Self::Busy,
            ChunkStoreError::Blob(error) => error.into(),
            ChunkStoreError::Meta(error) => error.into(),
        }
    }
}

/// A chunk that arrives in pieces.
struct Arriving {
    id: ChunkId,
    /// Bytes that it will have, or may have.
    len_max: usize,
    bytes: Vec<u8>,
    sha: Sha256,
    /// Reserved when the first bytes come: who only announces takes nobody's place.
    permit: Option<Permit>,
}

impl Arriving {
    fn new(id: ChunkId, len_max: usize) -> Self {
        Self { id, len_max, bytes: Vec::new(), sha: Sha256::new(), permit: None }
    }

    async fn push(&mut self, from: &Source, piece: &[u8]) -> Result<(), ServiceError> {
        if self.permit.is_none() && !piece.is_empty() {
            self.permit = Some(from.services.chunks.reserve(from.account, self.len_max).await?);
            self.bytes.reserve_exact(self.len_max);
        }
        self.sha.update(piece);
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn verify(self, vault: VaultId) -> Result<IncomingChunk, ServiceError> {
        let hash: [u8; 32] = self.sha.finalize().into();
        match self.permit {
            Some(permit) if hash == self.id.0 => {
                Ok(IncomingChunk { vault, id: self.id, bytes: self.bytes, permit })
            }
            _ => Err(ServiceError::ChunkMismatch { id: self.id }),
        }
    }
}

/// Who uploads, and where to.
struct Source {
    services: Services,
    account: AccountId,
    vault: VaultId,
}

/// One chunk's upload; dropping it before `finish` stores nothing.
pub struct ChunkUpload {
    from: Source,
    arriving: Arriving,
}

impl ChunkUpload {
    /// Takes the next bytes of the body.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), ServiceError> {
        if self.arriving.bytes.len() + piece.len() > self.arriving.len_max {
            return Err(ServiceError::TooLarge { max: self.arriving.len_max });
        }
        self.arriving.push(&self.from, piece).await
    }

    /// Verifies the chunk and waits until it is durable.
    pub async fn finish(self) -> Result<ChunksStored, ServiceError> {
        let chunk = self.arriving.verify(self.from.vault)?;
        let pending = self.from.services.chunks.write(chunk).await?;
        self.from.services.chunks.flush().await?;
        pending.durable().await?;
        Ok(ChunksStored { stored: 1 })
    }
}

/// A framed batch's upload (`proto::encode_chunk_batch`).
///
/// Chunks before a broken one may stay, which harms nothing: they are whole, verified and
/// can be asked for with `have`.
pub struct BatchUpload {
    from: Source,
    head: Vec<u8>,
    /// The chunk that is arriving, with the bytes it still lacks.
    arriving: Option<(Arriving, usize)>,
    pending: Vec<Pending>,
    received_bytes: usize,
    finished: bool,
}

/// Bytes before each chunk of a batch: its id and its length.
const HEAD_BYTES: usize = ChunkId::LEN + 4;

impl BatchUpload {
    /// Takes the next bytes of the body, cut wherever the network cut them.
    pub async fn push(&mut self, mut piece: &[u8]) -> Result<(), ServiceError> {
        self.received_bytes += piece.len();
        if self.received_bytes > limits::CHUNK_BATCH_BYTES_MAX {
            return Err(ServiceError::TooLarge { max: limits::CHUNK_BATCH_BYTES_MAX });
        }
        while !piece.is_empty() {
            match &mut self.arriving {
                None => {
                    let wanted = (HEAD_BYTES - self.head.len()).min(piece.len());
                    let (head, rest) = piece.split_at(wanted);
                    self.head.extend_from_slice(head);
                    piece = rest;
                    if self.head.len() == HEAD_BYTES {
                        self.begin_chunk()?;
                    }
                }
                Some((arriving, lacking)) => {
                    let (bytes, rest) = piece.split_at((*lacking).min(piece.len()));
                    arriving.push(&self.from, bytes).await?;
                    *lacking -= bytes.len();
                    piece = rest;
                    if *lacking == 0 {
                        self.end_chunk().await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn begin_chunk(&mut self) -> Result<(), ServiceError> {
        let (id, len) = self.head.split_at(ChunkId::LEN);
        let id = ChunkId::from_slice(id).expect("the head has an id");
        let len = u32::from_be_bytes(len.try_into().expect("the head has a length")) as usize;
        self.head.clear();
        if len > limits::CHUNK_SEALED_BYTES_MAX {
            return Err(ServiceError::TooLarge { max: limits::CHUNK_SEALED_BYTES_MAX });
        }
        if len == 0 {
            return Err(ServiceError::ChunkMismatch { id });
        }
        if self.pending.len() == limits::CHUNK_BATCH_MAX {
            return Err(ServiceError::TooLarge { max: limits::CHUNK_BATCH_MAX });
        }
        self.arriving = Some((Arriving::new(id, len), len));
        Ok(())
    }

    async fn end_chunk(&mut self) -> Result<(), ServiceError> {
        let (arriving, _) = self.arriving.take().expect("called while a chunk arrives");
        let chunk = arriving.verify(self.from.vault)?;
        self.pending.push(self.from.services.chunks.write(chunk).await?);
        Ok(())
    }

    /// Waits until every chunk is durable.
    pub async fn finish(mut self) -> Result<ChunksStored, ServiceError> {
        if self.arriving.is_some() || !self.head.is_empty() {
            return Err(WireError::Truncated.into());
        }
        self.finished = true;
        self.from.services.chunks.flush().await?;
        let mut stored = 0;
        for pending in std::mem::take(&mut self.pending) {
            pending.durable().await?;
            stored += 1;
        }
        Ok(ChunksStored { stored })
    }
}

impl Drop for BatchUpload {
    fn drop(&mut self) {
        // What was written shall not wait for another request to become durable.
        if !self.finished && !self.pending.is_empty() {
            self.from.services.chunks.flush_later();
        }
    }
}

/// A chunk that can be read.
pub struct ChunkHandle {
    services: Services,
    chunk: StoredChunk,
}

impl ChunkHandle {
    /// Its length in bytes.
    pub fn len_bytes(&self) -> u64 {
        u64::from(self.chunk.at.len)
    }

    /// Reads a range of it, `end` exclusive.
    pub fn body(self, range: Range<u64>) -> Result<ChunkBody, ServiceError> {
        let len = self.len_bytes();
        if range.start >= range.end || range.end > len {
            return Err(ServiceError::RangeInvalid { len });
        }
        let pieces = self.services.chunks.read(&self.chunk, range.clone());
        Ok(ChunkBody { services: self.services, chunk: self.chunk, range, pieces })
    }
}

/// The bytes of a chunk, a piece at a time.
pub struct ChunkBody {
    services: Services,
    chunk: StoredChunk,
    /// What is still to come.
    range: Range<u64>,
    pieces: Pieces,
}

impl ChunkBody {
    /// Bytes still to come.
    pub fn remaining_bytes(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Reads the next piece; `None` at the end.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, ServiceError> {
        let read = match self.pieces.try_next().await {
            // Compaction has moved the chunk since it was looked up.
            Err(BlobError::SegmentGone { .. }) => {
                let (vault, id) = (self.chunk.vault, self.chunk.id);
                self.chunk = find(&*self.services.meta, vault, id).await?;
                self.pieces = self.services.chunks.read(&self.chunk, self.range.clone());
                self.pieces.try_next().await
            }
            read => read,
        };
        let piece = read.map_err(Arc::new)?;
        self.range.start += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}

impl Services {
    /// Begins the upload of one chunk of at most `len_max` bytes.
    pub async fn begin_chunk(
        &self,
        caller: &Caller,
        vault: VaultId,
        id: ChunkId,
        len_max: usize,
    ) -> Result<ChunkUpload, ServiceError> {
        self.require_member(caller.account, vault).await?;
        let len_max = len_max.min(limits::CHUNK_SEALED_BYTES_MAX);
        let from = Source { services: self.clone(), account: caller.account, vault };
        Ok(ChunkUpload { from, arriving: Arriving::new(id, len_max) })
    }

    /// Begins the upload of a framed batch of chunks.
    pub async fn begin_batch(
        &self,
        caller: &Caller,
        vault: VaultId,
    ) -> Result<BatchUpload, ServiceError> {
        self.require_member(caller.account, vault).await?;
        Ok(BatchUpload {
            from: Source { services: self.clone(), account: caller.account, vault },
            head: Vec::with_capacity(HEAD_BYTES),
            arriving: None,
            pending: Vec::new(),
            received_bytes: 0,
            finished: false,
        })
    }

    /// Says for each id whether the vault has the chunk.
    pub async fn have_chunks(
        &self,
        caller: &Caller,
        vault: VaultId,
        ids: Vec<ChunkId>,
    ) -> Result<Vec<bool>, ServiceError> {
        if ids.len() > limits::HAVE_IDS_MAX {
            return Err(ServiceError::TooLarge { max: limits::HAVE_IDS_MAX });
        }
        self.require_member(caller.account, vault).await?;
        let held = self.meta.read(move |state| {
            let held = state.chunks_held(&vault, &ids)?;
            Ok(ids.iter().map(|id| held.contains(id)).collect())
        });
        Ok(held.await?)
    }

    /// Finds a chunk to read.
    pub async fn chunk(
        &self,
        caller: &Caller,
        vault: VaultId,
        id: ChunkId,
    ) -> Result<ChunkHandle, ServiceError> {
        self.require_member(caller.account, vault).await?;
        let chunk = find(&*self.meta, vault, id).await?;
        Ok(ChunkHandle { services: self.clone(), chunk })
    }
}

async fn find(
    meta: &dyn MetaStore,
    vault: VaultId,
    id: ChunkId,
) -> Result<StoredChunk, ServiceError> {
    let found = meta.read(move |state| state.chunk(&vault, &id)).await?;
    found.ok_or(ServiceError::ChunkUnknown)
}
