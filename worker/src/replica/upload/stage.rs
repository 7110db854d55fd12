//! Reading files: pieces become sealed chunks on this device.

use std::rc::Rc;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};
use offing_core::content::manifest::{Extent, Manifest};
use offing_core::content::pack::{self, ChunkPlan, Part};
use offing_core::id::{ChunkId, Hash};
use offing_core::limits;
use offing_core::rpc::{Fault, TransferState};
use sha2::{Digest, Sha256};

use super::{Arrival, Staged, Upload, kind};
use crate::host::{Host, Source};
use crate::replica::Replica;

/// Chunks that are read and sealed at once.
const LANES: usize = 2;
/// Bytes of chunks of a large file that are sent in one round.
const ROUND_BYTES: usize = 8 * 1024 * 1024;
/// Empty files that become nodes in one entry.
const EMPTY_FILES_AT_ONCE: usize = 512;

impl<H: Host> Replica<H> {
    /// Reads, seals and stores; small files by shared chunks, large ones each on their own.
    pub(super) async fn run<S: Source + 'static>(
        self: Rc<Self>,
        uploads: Vec<Rc<Upload>>,
        sources: Vec<S>,
    ) {
        let small = |upload: &Upload| upload.size <= limits::PACKED_FILE_BYTES_MAX;
        let sizes = uploads.iter().map(|upload| if small(upload) { upload.size } else { 0 });
        let plans: Vec<ChunkPlan> = pack::plan(sizes.collect::<Vec<_>>()).collect();
        let empty: Vec<_> = uploads.iter().filter(|upload| upload.size == 0).collect();
        for uploads in empty.chunks(EMPTY_FILES_AT_ONCE) {
            let arrivals = uploads.iter().map(|upload| {
                let hash = Hash(Sha256::digest(b"").into());
                let staged = self.staged(upload, Vec::new(), hash, true);
                Arrival { upload: Rc::clone(upload), staged }
            });
            self.arrive(arrivals.collect()).await;
        }
        let (this, uploads_ref, sources_ref) = (&self, &uploads, &sources);
        let packs = stream::iter(plans)
            .map(|plan| async move { this.stage_pack(plan, uploads_ref, sources_ref).await });
        let mut packs = packs.buffered(LANES);
        while let Some(arrivals) = packs.next().await {
            self.arrive(arrivals).await;
        }
        drop(packs);
        for (upload, source) in uploads.iter().zip(&sources) {
            if !small(upload) {
                self.stage_large(upload, source).await;
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
        let read = plan.parts.iter().map(|part| async {
            let upload = &uploads[part.file];
            self.wait_while_paused(upload).await;
            if upload.cancelled.get() {
                return None;
            }
            self.turn(upload, TransferState::Reading);
            let bytes = sources[part.file].read(0, u64::from(part.len)).await;
            if bytes.is_none() {
                self.fail(upload, Fault::FileVanished { name: upload.name.clone() }).await;
            }
            bytes
        });
        let contents = join_all(read).await;
        let mut plain = Vec::with_capacity(plan.bytes());
        let mut packed: Vec<(&Part, usize)> = Vec::new();
        for (part, bytes) in plan.parts.iter().zip(&contents) {
            if let Some(bytes) = bytes {
                packed.push((part, plain.len()));
                plain.extend_from_slice(bytes);
            }
        }
        if plain.is_empty() {
            return Vec::new();
        }
        let sealed = self.seal_and_keep(&plain).await;
        let mut arrivals = Vec::new();
        for (part, offset) in packed {
            let upload = &uploads[part.file];
            match &sealed {
                Ok((chunk, key, _)) => {
                    let bytes = &plain[offset..offset + part.len as usize];
                    let extent =
                        Extent { chunk: *chunk, key: *key, offset: offset as u32, len: part.len };
                    let hash = Hash(Sha256::digest(bytes).into());
                    let staged =
                        self.staged(upload, vec![extent], hash, kind::is_text(&upload.name, bytes));
                    upload.done.set(upload.size);
                    arrivals.push(Arrival { upload: Rc::clone(upload), staged });
                }
                Err(fault) => self.fail(upload, fault.clone()).await,
            }
        }
        arrivals
    }

    /// Reads a large file chunk by chunk, sending what is stored while reading on.
    async fn stage_large<S: Source>(self: &Rc<Self>, upload: &Rc<Upload>, source: &S) {
        self.turn(upload, TransferState::Reading);
        if let Err(fault) = self.store_record(upload).await {
            return self.fail(upload, fault).await;
        }
        let mut hash = Sha256::new();
        let mut text = upload.size <= limits::TEXT_BYTES_MAX as u64;
        let mut extents = Vec::new();
        let mut unsent: Vec<(ChunkId, usize)> = Vec::new();
        let mut reachable = true;
        for plan in pack::plan([upload.size]) {
            self.wait_while_paused(upload).await;
            if upload.cancelled.get() {
                return;
            }
            let part = plan.parts[0];
            let end = part.file_offset + u64::from(part.len);
            let unsent_bytes: usize = unsent.iter().map(|(_, len)| len).sum();
            let sending =
                (reachable && unsent_bytes >= ROUND_BYTES).then(|| std::mem::take(&mut unsent));
            let ids: Vec<ChunkId> = sending.iter().flatten().map(|(id, _)| *id).collect();
            // Reading and sealing the next chunk overlaps with sending the last ones.
            let (bytes, sent) =
                join(source.read(part.file_offset, end), self.send(upload, &ids)).await;
            reachable &= sent;
            let Some(bytes) = bytes else {
                return self.fail(upload, Fault::FileVanished { name: upload.name.clone() }).await;
            };
            hash.update(&bytes);
            text = text && kind::is_text(&upload.name, &bytes);
            match self.seal_and_keep(&bytes).await {
                Ok((chunk, key, sealed_bytes)) => {
                    extents.push(Extent { chunk, key, offset: 0, len: part.len });
                    unsent.push((chunk, sealed_bytes));
                }
                Err(fault) => return self.fail(upload, fault).await,
            }
            if !reachable {
                upload.done.set(end);
            }
            self.show(std::slice::from_ref(upload));
        }
        let hash = Hash(hash.finalize().into());
        let staged = self.staged(upload, extents, hash, text);
        *upload.staged.borrow_mut() = Some(staged);
        if let Err(fault) = self.store_record(upload).await {
            return self.fail(upload, fault).await;
        }
        self.send_staged(upload).await;
    }
    fn staged(
        &self,
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
}
