//! Large files: a pipeline of reading, sealing and sending, each a few chunks ahead.
//!
//! Chunk n+2 is read while n+1 is sealed and stored and those up to n are sent. Reading does
//! not wait for the line: a file that was read to its end outlives the tab, and the disk,
//! not memory, holds what waits. Of a file that replaces another, only what that one lacks
//! is sealed and sent ([`Reading`]).

use std::rc::Rc;

use futures_util::future::{Either, join, select};
use futures_util::stream::{self, FuturesUnordered, Stream, StreamExt};
use offing_core::content::manifest::Manifest;
use offing_core::content::pack::{self, Part};
use offing_core::rpc::{Fault, TransferState};

use super::Upload;
use super::content::Reading;
use super::send::Sent;
use crate::host::{Host, Source};
use crate::replica::Replica;
use crate::replica::sealing::Sealed;

/// Chunks that are read ahead, and chunks that are sealed at once.
const LANES: usize = 2;
/// Fewest bytes that gather before they are sent, as long as the file goes on.
const ROUND_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// Most of them, so that little is left at the end.
const ROUND_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most files of which thumbs are made together.
const THUMBS_MAX: usize = 32;

/// Why a file is not read on.
#[derive(Debug, Clone)]
enum Stop {
    Cancelled,
    Failed(Fault),
}

impl<H: Host> Replica<H> {
    /// Stages large files, one after the other. Thumbs of the next ones are made meanwhile:
    /// of one at first, so that nothing waits, then of twice as many at a time, which share
    /// a chunk.
    pub(super) async fn stage_all_large<S: Source>(self: &Rc<Self>, files: &[(&Rc<Upload>, &S)]) {
        let (mut staged, mut made) = (0, files.len().min(1));
        self.make_thumbs(&files[..made]).await;
        while staged < files.len() {
            let next = files.len().min(made + THUMBS_MAX.min(2 * (made - staged)));
            let stage = async {
                for &(upload, source) in &files[staged..made] {
                    self.stage_large(upload, source).await;
                }
            };
            join(stage, self.make_thumbs(&files[made..next])).await;
            (staged, made) = (made, next);
        }
    }

    /// Reads a large file to its end, sending what is stored meanwhile; then makes its node.
    async fn stage_large<S: Source>(self: &Rc<Self>, upload: &Rc<Upload>, source: &S) {
        self.turn(upload, TransferState::Reading);
        if let Err(fault) = self.store_record(upload).await {
            return self.fail(upload, fault).await;
        }
        let before = self.revision_before(upload).await;
        let reading = match self.current_epoch() {
            Ok((_, epoch)) => Reading::new(upload, before.as_ref(), &epoch.blocks),
            Err(fault) => return self.fail(upload, fault).await,
        };
        match self.pump(upload, source, &reading).await {
            Ok(()) => self.send_staged(upload).await,
            Err(Stop::Cancelled) => {}
            Err(Stop::Failed(fault)) => self.fail(upload, fault).await,
        }
    }

    /// The content that an upload replaces, if it can be had; without it all is sent.
    async fn revision_before(&self, upload: &Upload) -> Option<Manifest> {
        if !upload.replaces {
            return None;
        }
        let row = self.row(upload.node).await.ok()??;
        self.manifest(upload.node, &row.contents.first()?.value).await.ok()
    }

    /// Runs the pipeline to the end of the file and records it as read.
    async fn pump<S: Source>(
        self: &Rc<Self>,
        upload: &Rc<Upload>,
        source: &S,
        reading: &Reading<'_>,
    ) -> Result<(), Stop> {
        let mut chunks = std::pin::pin!(self.sealed_chunks(upload, source, reading));
        let mut sends = FuturesUnordered::new();
        let mut made = Vec::new();
        let (mut unsent, mut unsent_bytes, mut reachable) = (Vec::new(), 0, true);
        loop {
            let round_bytes =
                (self.pace.batch_bytes() as u64).clamp(ROUND_BYTES_MIN, ROUND_BYTES_MAX);
            if reachable && sends.is_empty() && unsent_bytes >= round_bytes {
                unsent_bytes = 0;
                let ids = std::mem::take(&mut unsent);
                sends.push(async move { self.send(upload, &ids).await });
            }
            let chunk = if sends.is_empty() {
                chunks.next().await
            } else {
                match select(chunks.next(), sends.next()).await {
                    Either::Left((chunk, _)) => chunk,
                    Either::Right((sent, _)) => {
                        reachable &= sent.is_none_or(|sent| matches!(sent, Sent::Yes));
                        continue;
                    }
                }
            };
            let Some(chunk) = chunk else {
                break;
            };
            let (sealed, len) = chunk?;
            made.push((sealed.chunk, sealed.key, len));
            unsent.push(sealed.chunk);
            unsent_bytes += sealed.sealed_bytes as u64;
            if !reachable {
                upload.done.set(upload.size.min(upload.done.get() + u64::from(len)));
            }
            self.show(std::slice::from_ref(upload));
        }
        *upload.staged.borrow_mut() = Some(reading.staged(upload, &made));
        self.store_record(upload).await.map_err(Stop::Failed)?;
        // What is under way would be sent twice otherwise.
        while sends.next().await.is_some() {}
        Ok(())
    }

    /// The chunks of a file in order, stored here, with the bytes of the file in each.
    fn sealed_chunks<S: Source>(
        self: &Rc<Self>,
        upload: &Rc<Upload>,
        source: &S,
        reading: &Reading<'_>,
    ) -> impl Stream<Item = Result<(Sealed, u32), Stop>> {
        let pieces = stream::iter(pack::plan([upload.size]))
            .map(move |plan| self.read_piece(upload, source, plan.parts[0]))
            .buffered(LANES);
        // The pieces come in order here, one at a time.
        let cuts = pieces.flat_map(move |piece| {
            stream::iter(match piece {
                Ok(bytes) => reading.take(upload, bytes).into_iter().map(Ok).collect(),
                Err(stop) => vec![Err(stop)],
            })
        });
        let rest = stream::once(async move { stream::iter(reading.rest()).map(Ok) }).flatten();
        let sealing = cuts.chain(rest).map(move |cut| async move {
            let bytes = cut?;
            let sealed = self.seal_and_keep(&bytes).await.map_err(Stop::Failed)?;
            Ok((sealed, u32::try_from(bytes.len()).expect("at most CHUNK_PLAIN_BYTES_LARGE")))
        });
        sealing.buffered(LANES)
    }

    async fn read_piece<S: Source>(
        &self,
        upload: &Upload,
        source: &S,
        part: Part,
    ) -> Result<Vec<u8>, Stop> {
        self.wait_while_paused(upload).await;
        if upload.cancelled.get() {
            return Err(Stop::Cancelled);
        }
        let end = part.file_offset + u64::from(part.len);
        let vanished = || Stop::Failed(Fault::FileVanished { name: upload.name.clone() });
        source.read(part.file_offset, end).await.ok_or_else(vanished)
    }
}
