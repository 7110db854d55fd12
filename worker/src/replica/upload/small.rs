//! Small files: read together, sealed in shared chunks, made nodes group by group.
//!
//! Three things go on at once: packs are read, sealed and stored; the chunks of the group
//! that is being gathered go ahead to the server, if the line is fast; the group before
//! becomes nodes. Packs stop while a full group waits for the one before, so memory holds a
//! few packs and the manifests of two groups.
//!
//! What went ahead is known to the server when the outbox asks; what did not, the outbox
//! brings. A line that is slow or away therefore costs nothing but [`AHEAD_MS_MAX`].

use std::rc::Rc;

use futures_util::future::{Either, LocalBoxFuture, join_all, join3, select};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use offing_core::content::manifest::{Extent, Manifest};
use offing_core::content::pack::{ChunkPlan, Part};
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{ChunkId, Hash};
use offing_core::rpc::{Fault, TransferState};
use sha2::{Digest, Sha256};

use super::group::Grouping;
use super::{Arrival, Staged, Upload, kind};
use crate::host::{Host, Source};
use crate::push::{self, Ended};
use crate::replica::Replica;
use crate::replica::sealing::Sealed;

/// Packs that are read and sealed at once.
const LANES: usize = 3;
/// Bytes of chunks that are worth a request ahead of their entry.
const AHEAD_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// How long a request may go ahead; a line that needs longer is left to the outbox.
const AHEAD_MS_MAX: u64 = 1_500;

/// What happens while small files are staged.
enum Happened {
    /// A pack was stored, or there are no more.
    Pack(Option<Vec<Arrival>>),
    /// Chunks went ahead, or could not.
    Ahead(bool),
    /// A group has become nodes.
    Arrived,
}

impl<H: Host> Replica<H> {
    /// Stages small files by these plans, and makes nodes of them.
    pub(super) async fn stage_small<S: Source>(
        self: &Rc<Self>,
        plans: Vec<ChunkPlan>,
        uploads: &[Rc<Upload>],
        sources: &[S],
    ) {
        let packs = stream::iter(plans).map(|plan| self.stage_pack(plan, uploads, sources));
        let mut packs = packs.buffered(LANES);
        let mut work: FuturesUnordered<LocalBoxFuture<'_, Happened>> = FuturesUnordered::new();
        let (mut grouping, mut group) = (Grouping::new(), Vec::new());
        let (mut unsent, mut may_go_ahead) = (Unsent::default(), true);
        // At most one of each is under way.
        let (mut sending, mut arriving, mut all_read) = (false, false, false);
        loop {
            let full = grouping.is_full(self.host.now_ms()) || (all_read && !group.is_empty());
            if full && !arriving && !sending {
                arriving = true;
                grouping.next();
                // The outbox brings those that did not go ahead.
                unsent = Unsent::default();
                let group = std::mem::take(&mut group);
                work.push(Box::pin(async move {
                    self.arrive(group).await;
                    Happened::Arrived
                }));
            } else if !full && !sending && may_go_ahead && self.is_worth_a_request(unsent.bytes) {
                sending = true;
                let ids = std::mem::take(&mut unsent).ids;
                work.push(Box::pin(async move { Happened::Ahead(self.go_ahead(&ids).await) }));
            }
            let happened = if all_read || (full && !group.is_empty()) {
                match work.next().await {
                    Some(happened) => happened,
                    None => return,
                }
            } else if work.is_empty() {
                Happened::Pack(packs.next().await)
            } else {
                match select(packs.next(), work.next()).await {
                    Either::Left((pack, _)) => Happened::Pack(pack),
                    Either::Right((Some(happened), _)) => happened,
                    Either::Right((None, _)) => continue,
                }
            };
            match happened {
                Happened::Pack(None) => all_read = true,
                Happened::Pack(Some(arrivals)) => {
                    let bytes = arrivals.iter().map(|arrival| arrival.upload.size).sum();
                    grouping.add(arrivals.len(), bytes, self.host.now_ms());
                    unsent.add(&arrivals);
                    group.extend(arrivals);
                }
                Happened::Ahead(went) => (sending, may_go_ahead) = (false, may_go_ahead && went),
                Happened::Arrived => arriving = false,
            }
        }
    }

    /// Makes one chunk of small files.
    async fn stage_pack<S: Source>(
        self: &Rc<Self>,
        plan: ChunkPlan,
        uploads: &[Rc<Upload>],
        sources: &[S],
    ) -> Vec<Arrival> {
        let mut parts: Vec<Part> = Vec::with_capacity(plan.parts.len());
        for part in plan.parts {
            let upload = &uploads[part.file];
            if upload.paused.get() {
                // It is read when the person lets it go on; the others need not wait.
                upload.set_aside.set(true);
            } else if !upload.cancelled.get() {
                self.turn(upload, TransferState::Reading);
                parts.push(part);
            }
        }
        let plain = self.read_pack(&mut parts, uploads, sources).await;
        if plain.is_empty() {
            return Vec::new();
        }
        let mut at = 0;
        let pieces: Vec<&[u8]> = parts
            .iter()
            .map(|part| {
                let piece = &plain[at..at + part.len as usize];
                at += piece.len();
                piece
            })
            .collect();
        let hashes = join_all(pieces.iter().map(|piece| self.host.crypto().sha256(piece)));
        let files: Vec<_> =
            parts.iter().map(|part| (&uploads[part.file], &sources[part.file])).collect();
        let (sealed, hashes, ()) =
            join3(self.seal_and_put(&plain), hashes, self.make_thumbs(&files)).await;
        let (mut arrivals, mut offset) = (Vec::with_capacity(parts.len()), 0);
        for ((part, piece), hash) in parts.iter().zip(pieces).zip(hashes) {
            let upload = &uploads[part.file];
            match (&sealed, hash) {
                (Ok(sealed), Ok(hash)) => {
                    let text = kind::is_text(&upload.name, piece);
                    let Sealed { chunk, key, .. } = *sealed;
                    let extent = Extent { chunk, key, offset, len: part.len };
                    let staged = staged(upload, vec![extent], Hash(hash), text);
                    upload.done.set(upload.size);
                    let (upload, fresh) = (Rc::clone(upload), Some(*sealed));
                    arrivals.push(Arrival { upload, staged, fresh });
                }
                (Err(fault), _) => self.fail(upload, fault.clone()).await,
                (Ok(_), Err(_)) => self.fail(upload, Fault::Internal).await,
            }
            offset += part.len;
        }
        arrivals
    }

    /// Reads a pack's files, one behind the other; those that vanished fail by name and
    /// leave `parts`.
    async fn read_pack<S: Source>(
        self: &Rc<Self>,
        parts: &mut Vec<Part>,
        uploads: &[Rc<Upload>],
        sources: &[S],
    ) -> Vec<u8> {
        let files: Vec<(&S, u64)> =
            parts.iter().map(|part| (&sources[part.file], u64::from(part.len))).collect();
        if let Some(plain) = S::read_together(&files).await {
            return plain;
        }
        // One of them cannot be had: each is read by itself, to find which.
        let mut plain = Vec::new();
        let mut here = Vec::with_capacity(parts.len());
        for (part, (file, len)) in parts.iter().zip(files) {
            match file.read(0, len).await {
                Some(bytes) => {
                    plain.extend(bytes);
                    here.push(*part);
                }
                None => {
                    let upload = &uploads[part.file];
                    let name = upload.name.clone();
                    self.fail(upload, Fault::FileVanished { name }).await;
                }
            }
        }
        *parts = here;
        plain
    }

    /// Makes nodes of empty files, which need no chunk.
    pub(super) async fn stage_empty(self: &Rc<Self>, uploads: &[Rc<Upload>]) {
        let empty = uploads.iter().filter(|upload| upload.size == 0);
        let arrivals = empty.map(|upload| {
            let hash = Hash(Sha256::digest(b"").into());
            let staged = staged(upload, Vec::new(), hash, true);
            Arrival { upload: Rc::clone(upload), staged, fresh: None }
        });
        self.arrive(arrivals.collect()).await;
    }

    /// Says whether so many bytes should go ahead: over a line that is known to be fast.
    fn is_worth_a_request(&self, bytes: u64) -> bool {
        let learned = self.pace.learned_bytes();
        learned.is_some_and(|batch_bytes| bytes >= AHEAD_BYTES_MIN.max(batch_bytes as u64))
    }

    /// Sends chunks ahead of their entry; says whether the line is good enough for more.
    async fn go_ahead(&self, ids: &[ChunkId]) -> bool {
        let (store, chunks, server) = (self.host.store(), self.host.chunks(), self.host.server());
        let mut observe = |_: &push::Step| {
            if self.closed.get() {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        };
        let sent = push::upload(self.vault, ids, store, chunks, server, &self.pace, &mut observe);
        let late = self.host.sleep(AHEAD_MS_MAX);
        match select(std::pin::pin!(sent), std::pin::pin!(late)).await {
            Either::Left((ended, _)) => matches!(ended, Ok(Ended::Drained)),
            Either::Right(_) => false,
        }
    }
}

/// Chunks of the group that is being gathered, stored here and not sent.
#[derive(Default)]
struct Unsent {
    ids: Vec<ChunkId>,
    bytes: u64,
}

impl Unsent {
    /// Takes the one chunk that a pack came with.
    fn add(&mut self, pack: &[Arrival]) {
        if let Some(sealed) = pack.first().and_then(|arrival| arrival.fresh) {
            self.ids.push(sealed.chunk);
            self.bytes += sealed.sealed_bytes as u64;
        }
    }
}

/// Describes a file that was read to its end.
pub(super) fn staged(
    upload: &Upload,
    extents: Vec<Extent>,
    plain_hash: Hash,
    text: bool,
) -> Staged {
    let manifest = Manifest {
        file: upload.node,
        size: upload.size,
        mime: String::new(),
        modified_ms: upload.modified_ms,
        extents,
        plain_hash,
        signatures: None,
    };
    Staged { manifest, text: text && kind::has_text_name(&upload.name) }
}
