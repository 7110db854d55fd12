//! Empties the outbox: chunks first, then the entries that need them. No key is used.
//!
//! The one way to push, for the engine and for the service worker. Every unit (a `have`, a
//! batch of chunks, an append) is one request of a few seconds whose effect is recorded
//! before the next, so a push may stop anywhere and goes on where it was: chunks and
//! entries are idempotent on the server, acknowledgements are rows beside the items.
//!
//! Whoever drains a vault holds the Web Lock `sync:<vault>`.

use std::collections::HashSet;
use std::ops::ControlFlow;

use futures_util::stream::{FuturesUnordered, StreamExt};
use offing_core::id::{ChunkId, Seq, VaultId};
use offing_core::limits;
use offing_core::proto::{self, AppendResult, ChunksStored, Code, Tip};

use crate::net::{NetError, Remote};
use crate::store::chunks::{ChunkStore, Framed};
use crate::store::outbox::{self, Ack, OutboxItem};
use crate::store::{Batch, Durability, Store, StoreError};

mod pace;

pub use pace::Pace;

/// Batches of chunks under way at once.
const LANES: usize = 2;
/// How often an append may answer `missing` before the push gives up.
const MISSING_ROUNDS_MAX: usize = 3;

/// Reports that a push stopped; what was acknowledged until then stays so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call failed.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// One thing that was done, told while it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// These chunks are durable on the server, held before or sent now.
    Stored {
        /// The chunks.
        ids: Vec<ChunkId>,
        /// How many bytes of them were sent now.
        sent_bytes: u64,
    },
    /// An entry is durable on the server.
    Acked {
        /// The device's counter.
        dseq: u64,
        /// Its place in the log.
        seq: Seq,
    },
}

/// How a push ended that met no error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Nothing is left to send.
    Drained,
    /// The observer asked to stop.
    Stopped,
    /// The server does not take this entry; those after it wait.
    Refused {
        /// The entry's counter.
        dseq: u64,
        /// The server's answer.
        result: AppendResult,
    },
    /// The server does not take the chunks of this entry; what was whole before it is
    /// appended, and what is after it waits.
    Held {
        /// The entry's counter.
        dseq: u64,
        /// Why.
        code: Code,
    },
    /// The server lacks chunks that this device does not hold (any more).
    ChunksLost {
        /// The entry's counter; `None` outside an append.
        dseq: Option<u64>,
        /// The chunks.
        ids: Vec<ChunkId>,
    },
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// How many entries were acknowledged.
    pub acked: u64,
    /// How many bytes of chunks were sent.
    pub sent_bytes: u64,
    /// The tip that the last append told, a hint that there is something to read.
    pub tip: Option<Tip>,
}

/// Pushes everything in a vault's outbox; `observe` hears each step and may stop it.
pub async fn drain<S: Store, C: ChunkStore, R: Remote>(
    vault: VaultId,
    store: &S,
    chunks: &C,
    remote: &R,
    pace: &Pace,
    observe: &mut dyn FnMut(&Step) -> ControlFlow<()>,
) -> Result<Report, PushError> {
    drain_before(u64::MAX, vault, store, chunks, remote, pace, observe).await
}

/// Pushes what is in a vault's outbox before an entry's counter.
pub async fn drain_before<S: Store, C: ChunkStore, R: Remote>(
    end: u64,
    vault: VaultId,
    store: &S,
    chunks: &C,
    remote: &R,
    pace: &Pace,
    observe: &mut dyn FnMut(&Step) -> ControlFlow<()>,
) -> Result<Report, PushError> {
    Push::new(vault, store, chunks, remote, pace, observe).run(end).await
}

/// Makes chunks durable on the server, before an entry needs them; `false` if the observer
/// stopped it. Chunks that are not here are passed over when the server holds them.
pub async fn upload<S: Store, C: ChunkStore, R: Remote>(
    vault: VaultId,
    ids: &[ChunkId],
    store: &S,
    chunks: &C,
    remote: &R,
    pace: &Pace,
    observe: &mut dyn FnMut(&Step) -> ControlFlow<()>,
) -> Result<Ended, PushError> {
    match Push::new(vault, store, chunks, remote, pace, observe).upload(ids).await? {
        ControlFlow::Continue(()) => Ok(Ended::Drained),
        ControlFlow::Break(ended) => Ok(ended),
    }
}

/// Drains under the vault's lock, or does nothing (`None`) if someone else holds it.
#[cfg(target_arch = "wasm32")]
pub async fn drain_if_free<S: Store, C: ChunkStore, R: Remote>(
    vault: VaultId,
    store: &S,
    chunks: &C,
    remote: &R,
    pace: &Pace,
    observe: &mut dyn FnMut(&Step) -> ControlFlow<()>,
) -> Result<Option<Report>, PushError> {
    use crate::platform::locks::{Lock, Mode, Wait};

    let name = lock_name(&vault);
    let Some(lock) = Lock::acquire(&name, Mode::Exclusive, Wait::IfFree).await else {
        return Ok(None);
    };
    let report = drain(vault, store, chunks, remote, pace, observe).await;
    drop(lock);
    report.map(Some)
}

/// The Web Lock that whoever synchronises a vault holds.
pub fn lock_name(vault: &VaultId) -> String {
    format!("sync:{vault}")
}

struct Push<'a, S, C, R> {
    vault: VaultId,
    store: &'a S,
    chunks: &'a C,
    remote: &'a R,
    pace: &'a Pace,
    observe: &'a mut dyn FnMut(&Step) -> ControlFlow<()>,
    /// Chunks that are durable on the server, as it said during this push.
    stored: HashSet<ChunkId>,
    report: Report,
}

impl<'a, S: Store, C: ChunkStore, R: Remote> Push<'a, S, C, R> {
    fn new(
        vault: VaultId,
        store: &'a S,
        chunks: &'a C,
        remote: &'a R,
        pace: &'a Pace,
        observe: &'a mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Self {
        let report = Report { ended: Ended::Drained, acked: 0, sent_bytes: 0, tip: None };
        Self { vault, store, chunks, remote, pace, observe, stored: HashSet::new(), report }
    }

    async fn run(mut self, end: u64) -> Result<Report, PushError> {
        let mut after = outbox::last_ack(self.store, &self.vault).await?.map_or(0, |(d, _)| d);
        loop {
            let limit = limits::APPEND_ENTRIES_MAX as u32;
            let mut items = outbox::items(self.store, &self.vault, after, limit).await?;
            items.retain(|item| item.dseq < end);
            truncate_to_one_append(&mut items);
            let Some(last) = items.last() else {
                return Ok(self.report);
            };
            let last_dseq = last.dseq;
            if let ControlFlow::Break(ended) = self.send(&items).await? {
                self.report.ended = ended;
                return Ok(self.report);
            }
            after = last_dseq;
        }
    }

    /// Sends one append's worth of items with their chunks.
    async fn send(&mut self, items: &[OutboxItem]) -> Result<ControlFlow<Ended>, PushError> {
        let ids: Vec<ChunkId> = items.iter().flat_map(|item| item.chunks.clone()).collect();
        let lost = match self.upload(&ids).await {
            Ok(ControlFlow::Continue(())) => Vec::new(),
            Ok(ControlFlow::Break(Ended::ChunksLost { ids, .. })) => ids,
            Ok(ControlFlow::Break(ended)) => return Ok(ControlFlow::Break(ended)),
            Err(PushError::Net(error)) => match error.code().filter(|code| is_of_chunks(*code)) {
                Some(code) => return self.append_before_refused(items, &ids, code).await,
                None => return Err(error.into()),
            },
            Err(error) => return Err(error),
        };
        // An entry that cannot be sent does not hold up those before it.
        let is_whole = |item: &&OutboxItem| !item.chunks.iter().any(|id| lost.contains(id));
        let (whole, rest) = items.split_at(items.iter().take_while(is_whole).count());
        let flow = self.append(whole).await?;
        match rest.first() {
            Some(item) if flow.is_continue() => {
                Ok(ControlFlow::Break(Ended::ChunksLost { dseq: Some(item.dseq), ids: lost }))
            }
            _ => Ok(flow),
        }
    }

    /// Some chunks were refused: appends the entries before the first that needs one of them.
    async fn append_before_refused(
        &mut self,
        items: &[OutboxItem],
        ids: &[ChunkId],
        code: Code,
    ) -> Result<ControlFlow<Ended>, PushError> {
        // Of a request that was refused, some may have been stored all the same.
        self.ask(&ids[..ids.len().min(limits::HAVE_IDS_MAX)]).await?;
        let is_whole = |item: &&OutboxItem| item.chunks.iter().all(|id| self.stored.contains(id));
        let (whole, rest) = items.split_at(items.iter().take_while(is_whole).count());
        let flow = self.append(whole).await?;
        match rest.first() {
            Some(item) if flow.is_continue() => {
                Ok(ControlFlow::Break(Ended::Held { dseq: item.dseq, code }))
            }
            _ => Ok(flow),
        }
    }

    /// Appends entries whose chunks the server said it has, until it takes them all.
    async fn append(&mut self, items: &[OutboxItem]) -> Result<ControlFlow<Ended>, PushError> {
        let mut items = items;
        for _ in 0..=MISSING_ROUNDS_MAX {
            if items.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            let dseqs: Vec<u64> = items.iter().map(|item| item.dseq).collect();
            let entries = outbox::entries(self.store, &self.vault, &dseqs).await?;
            let appended = self.remote.append(self.vault, &proto::encode_append(&entries)).await?;
            let outcome = read_results(&dseqs, &appended)?;
            self.report.tip = Some(appended.tip);
            if self.record(&outcome.acks).await?.is_break() {
                return Ok(ControlFlow::Break(Ended::Stopped));
            }
            items = &items[outcome.acks.len()..];
            match outcome.refused {
                None => return Ok(ControlFlow::Continue(())),
                Some((dseq, AppendResult::Missing { ids })) => match self.upload(&ids).await? {
                    ControlFlow::Continue(()) => {}
                    ControlFlow::Break(Ended::ChunksLost { ids, .. }) => {
                        let ended = Ended::ChunksLost { dseq: Some(dseq), ids };
                        return Ok(ControlFlow::Break(ended));
                    }
                    ControlFlow::Break(ended) => return Ok(ControlFlow::Break(ended)),
                },
                Some((dseq, result)) => {
                    return Ok(ControlFlow::Break(Ended::Refused { dseq, result }));
                }
            }
        }
        // The server took the chunks and still calls them missing.
        Err(NetError::Malformed.into())
    }

    async fn record(&mut self, acks: &[(u64, Seq)]) -> Result<ControlFlow<()>, PushError> {
        let mut batch = Batch::new();
        for (dseq, seq) in acks {
            outbox::acknowledge(&mut batch, &self.vault, *dseq, Ack { seq: *seq });
        }
        // Relaxed: an ack that is lost costs one answer `dup`.
        if !batch.is_empty() {
            self.store.write(batch, Durability::Relaxed).await?;
        }
        self.report.acked += acks.len() as u64;
        let mut flow = ControlFlow::Continue(());
        for (dseq, seq) in acks {
            if (self.observe)(&Step::Acked { dseq: *dseq, seq: *seq }).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }

    async fn upload(&mut self, ids: &[ChunkId]) -> Result<ControlFlow<Ended>, PushError> {
        let mut seen = HashSet::new();
        let ids: Vec<ChunkId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut lost = Vec::new();
        for page in ids.chunks(limits::HAVE_IDS_MAX) {
            self.ask(page).await?;
            let (ids, wanted): (Vec<ChunkId>, Vec<ChunkId>) =
                page.iter().copied().partition(|id| self.stored.contains(id));
            if !ids.is_empty() && (self.observe)(&Step::Stored { ids, sent_bytes: 0 }).is_break() {
                return Ok(ControlFlow::Break(Ended::Stopped));
            }
            if self.send_chunks(&wanted, &mut lost).await?.is_break() {
                return Ok(ControlFlow::Break(Ended::Stopped));
            }
        }
        if lost.is_empty() {
            Ok(ControlFlow::Continue(()))
        } else {
            Ok(ControlFlow::Break(Ended::ChunksLost { dseq: None, ids: lost }))
        }
    }

    /// Asks the server which of these chunks it has; what it has lost since counts no more.
    async fn ask(&mut self, page: &[ChunkId]) -> Result<(), PushError> {
        if page.is_empty() {
            return Ok(());
        }
        let held = self.remote.have(self.vault, page).await?;
        if held.len() != page.len() {
            return Err(NetError::Malformed.into());
        }
        for (id, held) in page.iter().zip(held) {
            if held {
                self.stored.insert(*id);
            } else {
                self.stored.remove(id);
            }
        }
        Ok(())
    }

    /// Sends chunks, a few batches at once; breaks if the observer wants to stop.
    async fn send_chunks(
        &mut self,
        wanted: &[ChunkId],
        lost: &mut Vec<ChunkId>,
    ) -> Result<ControlFlow<()>, PushError> {
        let (vault, remote, pace) = (self.vault, self.remote, self.pace);
        let send = async |ids: Vec<ChunkId>, framed: Framed| {
            let started_ms = pace.now_ms();
            let answer = remote.put_chunks(vault, &framed).await;
            Sent { ids, bytes: framed.len_bytes(), started_ms, answer }
        };
        let mut rest = wanted;
        let mut lanes = FuturesUnordered::new();
        let mut flow = ControlFlow::Continue(());
        let mut first_error: Option<PushError> = None;
        loop {
            while first_error.is_none()
                && flow.is_continue()
                && lanes.len() < LANES
                && !rest.is_empty()
            {
                match self.fill(&mut rest, lost).await {
                    Ok(Some((ids, framed))) => lanes.push(send(ids, framed)),
                    Ok(None) => {}
                    Err(error) => first_error = Some(error.into()),
                }
            }
            // Every lane is heard before an error ends the push: what was stored counts.
            let Some(sent) = lanes.next().await else {
                break;
            };
            match sent.answer {
                Ok(answer) if answer.stored as usize == sent.ids.len() => {
                    self.pace.learn(sent.bytes, self.pace.now_ms() - sent.started_ms);
                    self.report.sent_bytes += sent.bytes;
                    self.stored.extend(&sent.ids);
                    let step = Step::Stored { ids: sent.ids, sent_bytes: sent.bytes };
                    if (self.observe)(&step).is_break() {
                        flow = ControlFlow::Break(());
                    }
                }
                Ok(_) => first_error = first_error.or(Some(NetError::Malformed.into())),
                Err(error) => first_error = first_error.or(Some(error.into())),
            }
        }
        first_error.map_or(Ok(flow), Err)
    }

    /// Takes chunks from `rest` until a batch is full; at least one, if one is here.
    async fn fill(
        &self,
        rest: &mut &[ChunkId],
        lost: &mut Vec<ChunkId>,
    ) -> Result<Option<(Vec<ChunkId>, Framed)>, StoreError> {
        let batch_bytes = self.pace.batch_bytes().min(self.chunks.frame_bytes_max()) as u64;
        let mut chunks: Vec<(ChunkId, u64)> = Vec::new();
        let mut framed_bytes = 0;
        while let [id, tail @ ..] = *rest {
            if chunks.len() == limits::CHUNK_BATCH_MAX {
                break;
            }
            let Some(len) = self.chunks.len(*id).await? else {
                lost.push(*id);
                *rest = tail;
                continue;
            };
            framed_bytes += len + proto::CHUNK_HEAD_BYTES as u64;
            if !chunks.is_empty() && framed_bytes > batch_bytes {
                break;
            }
            if len > limits::CHUNK_SEALED_BYTES_MAX as u64 {
                return Err(StoreError::Lost);
            }
            chunks.push((*id, len));
            *rest = tail;
        }
        if chunks.is_empty() {
            return Ok(None);
        }
        let framed = self.chunks.frame(&chunks).await?;
        Ok(Some((chunks.into_iter().map(|(id, _)| id).collect(), framed)))
    }
}

/// Says whether a refusal is about the chunks of a request, and not about who sends it.
pub fn is_of_chunks(code: Code) -> bool {
    matches!(code, Code::QuotaExceeded | Code::StorageFull | Code::TooLarge)
}

/// A batch that was answered.
struct Sent {
    ids: Vec<ChunkId>,
    bytes: u64,
    started_ms: i64,
    answer: Result<ChunksStored, NetError>,
}

/// Keeps as many items as one append may carry: at least one.
fn truncate_to_one_append(items: &mut Vec<OutboxItem>) {
    let mut bytes = 4;
    let fits = items.iter().take_while(|item| {
        bytes += 4 + item.entry_bytes as usize;
        bytes <= limits::APPEND_BYTES_MAX
    });
    let count = fits.count().max(1);
    items.truncate(count);
}

struct Outcome {
    acks: Vec<(u64, Seq)>,
    refused: Option<(u64, AppendResult)>,
}

/// Reads an append's results and refuses those that no honest server gives.
fn read_results(dseqs: &[u64], appended: &proto::Appended) -> Result<Outcome, NetError> {
    if appended.results.len() != dseqs.len() {
        return Err(NetError::Malformed);
    }
    let mut outcome = Outcome { acks: Vec::new(), refused: None };
    let mut last_seq = 0;
    for (dseq, result) in dseqs.iter().zip(&appended.results) {
        match (result, &outcome.refused) {
            (AppendResult::Ok { seq, .. } | AppendResult::Dup { seq }, None) => {
                // One device's entries stand in the log in the order of its counter.
                if *seq <= last_seq || *seq > appended.tip.seq {
                    return Err(NetError::Malformed);
                }
                last_seq = *seq;
                outcome.acks.push((*dseq, *seq));
            }
            (AppendResult::Skipped, Some(_)) => {}
            (AppendResult::Skipped, None) | (_, Some(_)) => return Err(NetError::Malformed),
            (result, None) => outcome.refused = Some((*dseq, result.clone())),
        }
    }
    Ok(outcome)
}
