//! Uploads: files become sealed chunks on this device, then nodes, then are sent.
//!
//! Small files share chunks and become nodes as soon as their chunk is stored here; the
//! outbox sends it. A large file sends its chunks while it is read, and becomes a node when
//! all are on the server, so that a slow line never holds back a text edit behind it. If
//! the server cannot be reached it becomes a node at once, and the outbox has it.
//!
//! What the person sees of an upload survives the tab once the file was read: its record
//! is in `Table::Transfers`. A file that was not read to its end has to be chosen again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};
use offing_core::content::chunk::Dedupe;
use offing_core::content::manifest::{self, Extent, Manifest};
use offing_core::content::pack::{self, ChunkPlan, Part};
use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, Hash, NodeId};
use offing_core::limits;
use offing_core::rpc::{
    Clash, Event, Fault, Reply, Transfer, TransferControl, TransferId, TransferState, UploadItem,
};
use offing_core::sync::machine;
use offing_core::tree::{Content, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Replica;
use super::fault::from_store;
use crate::host::{Host, Source};
use crate::push::{self, Ended, Step};
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

mod folders;
mod kind;

/// Chunks that are read and sealed at once.
const LANES: usize = 2;
/// Bytes of chunks of a large file that are sent in one round.
const ROUND_BYTES: usize = 8 * 1024 * 1024;

/// The uploads of this tab.
#[derive(Default)]
pub(super) struct Uploads {
    all: BTreeMap<TransferId, Rc<Upload>>,
}

/// One file on its way up.
pub(super) struct Upload {
    id: TransferId,
    name: String,
    parent: NodeId,
    node: NodeId,
    /// The node exists; this becomes its new revision.
    replaces: bool,
    size: u64,
    modified_ms: i64,
    done: Cell<u64>,
    state: RefCell<TransferState>,
    paused: Cell<bool>,
    cancelled: Cell<bool>,
    /// The entry that carries it, once there is one.
    dseq: Cell<Option<u64>>,
    /// Read to its end, with all chunks stored here.
    staged: RefCell<Option<Staged>>,
    /// Reads it from the start, for as long as the file that was chosen is at hand.
    again: RefCell<Option<Box<dyn Fn()>>>,
}

/// A file whose content is on this device as sealed chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Staged {
    manifest: Manifest,
    text: bool,
}

/// An upload as it is stored between starts.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    name: String,
    parent: NodeId,
    node: NodeId,
    replaces: bool,
    size: u64,
    modified_ms: i64,
    paused: bool,
    staged: Option<Staged>,
}

/// A node to be made of an upload.
struct Arrival {
    upload: Rc<Upload>,
    staged: Staged,
}

impl Upload {
    fn record(&self) -> Record {
        Record {
            name: self.name.clone(),
            parent: self.parent,
            node: self.node,
            replaces: self.replaces,
            size: self.size,
            modified_ms: self.modified_ms,
            paused: self.paused.get(),
            staged: self.staged.borrow().clone(),
        }
    }

    fn show(&self) -> Transfer {
        Transfer {
            id: self.id,
            name: self.name.clone(),
            upload: true,
            size: self.size,
            done: self.done.get().min(self.size),
            state: self.state.borrow().clone(),
        }
    }

    /// Is over, or is carried by an entry of the outbox.
    fn is_settled(&self) -> bool {
        let over = matches!(
            *self.state.borrow(),
            TransferState::Done | TransferState::Cancelled | TransferState::Failed(_)
        );
        over || self.dseq.get().is_some()
    }
}

impl<H: Host> Replica<H> {
    /// Begins to upload files.
    pub async fn upload<S: Source + 'static>(
        self: &Rc<Self>,
        parent: NodeId,
        items: Vec<UploadItem>,
        files: Vec<S>,
        clash: Clash,
    ) -> Result<Reply, Fault> {
        if items.len() > limits::UPLOAD_FILES_MAX || items.len() != files.len() {
            return Err(Fault::TooMany);
        }
        let places = self.places(parent, &items, clash).await?;
        let clashes = match places {
            folders::Places::Clashes(names) => return Ok(Reply::Clashes(names)),
            folders::Places::Found(found) => found,
        };
        let mut uploads = Vec::new();
        let mut sources = Vec::new();
        for ((item, place), file) in items.into_iter().zip(clashes).zip(files) {
            let Some(place) = place else { continue };
            let name = item.path.last().cloned().unwrap_or_default();
            uploads.push(Rc::new(Upload {
                id: u64::from_be_bytes(self.host.random()) >> 11,
                name,
                parent: place.parent,
                node: place.node,
                replaces: place.replaces,
                size: item.size,
                modified_ms: item.modified_ms,
                done: Cell::new(0),
                state: RefCell::new(TransferState::Waiting),
                paused: Cell::new(false),
                cancelled: Cell::new(false),
                dseq: Cell::new(None),
                staged: RefCell::new(None),
                again: RefCell::default(),
            }));
            sources.push(Rc::new(file));
        }
        let ids = uploads.iter().map(|upload| upload.id).collect();
        for (upload, source) in uploads.iter().zip(&sources) {
            self.keep_source(upload, source);
            self.uploads
                .borrow_mut()
                .all
                .insert(upload.id, Rc::clone(upload));
        }
        self.show(&uploads);
        self.count_pending().await?;
        let this = Rc::clone(self);
        self.host
            .spawn(async move { this.run(uploads, sources).await });
        Ok(Reply::Uploading(ids))
    }

    /// Makes an upload able to begin anew.
    fn keep_source<S: Source + 'static>(self: &Rc<Self>, upload: &Rc<Upload>, source: &Rc<S>) {
        let (this, weak) = (Rc::downgrade(self), Rc::downgrade(upload));
        let source = Rc::clone(source);
        *upload.again.borrow_mut() = Some(Box::new(move || {
            let (Some(this), Some(upload)) = (this.upgrade(), weak.upgrade()) else {
                return;
            };
            let (host, sources) = (this.host.clone(), vec![Rc::clone(&source)]);
            host.spawn(async move { this.run(vec![upload], sources).await });
        }));
    }

    /// Steers an upload.
    pub async fn steer(
        self: &Rc<Self>,
        id: TransferId,
        control: TransferControl,
    ) -> Result<(), Fault> {
        let upload = self
            .uploads
            .borrow()
            .all
            .get(&id)
            .cloned()
            .ok_or(Fault::NotOpen)?;
        match control {
            TransferControl::Pause if !upload.is_settled() => {
                upload.paused.set(true);
                self.turn(&upload, TransferState::Paused);
                self.store_record(&upload).await?;
            }
            TransferControl::Resume | TransferControl::Retry => {
                upload.paused.set(false);
                let staged = upload.staged.borrow().is_some();
                let failed = matches!(*upload.state.borrow(), TransferState::Failed(_));
                if staged && upload.dseq.get().is_none() {
                    self.turn(&upload, TransferState::Moving);
                    let this = Rc::clone(self);
                    self.host
                        .spawn(async move { this.send_staged(&upload).await });
                } else if !failed {
                    self.turn(&upload, TransferState::Reading);
                } else if let Some(again) = &*upload.again.borrow() {
                    upload.done.set(0);
                    self.turn(&upload, TransferState::Waiting);
                    again();
                }
                self.count_pending().await?;
                self.tell(machine::Event::Nudge);
            }
            TransferControl::Cancel if !upload.is_settled() => {
                upload.cancelled.set(true);
                upload.paused.set(false);
                self.turn(&upload, TransferState::Cancelled);
                self.forget_record(&upload).await?;
                self.count_pending().await?;
            }
            TransferControl::Pause | TransferControl::Cancel => {}
        }
        Ok(())
    }

    /// Forgets the transfers that ended.
    pub fn clear_transfers(&self) {
        self.uploads.borrow_mut().all.retain(|_, upload| {
            let state = upload.state.borrow();
            !matches!(
                *state,
                TransferState::Done | TransferState::Cancelled | TransferState::Failed(_)
            )
        });
    }

    /// Uploads that no entry carries yet.
    pub(super) fn unfinished_uploads(&self) -> u32 {
        let uploads = self.uploads.borrow();
        uploads
            .all
            .values()
            .filter(|upload| !upload.is_settled())
            .count() as u32
    }

    /// Takes up what an earlier start of the app left.
    pub(super) async fn resume_uploads(self: &Rc<Self>) -> Result<(), Fault> {
        // Another tab may be at it; only one that gets this lock takes them up.
        let name = format!("uploads:{}", self.vault);
        let Some(guard) = self.host.try_lock(&name).await else {
            return Ok(());
        };
        let store = self.host.store();
        let rows = store
            .scan(
                Table::Transfers,
                &Range::all(),
                0,
                u32::MAX,
                Direction::Forward,
            )
            .await;
        let mut found = Vec::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let Ok(id) = <[u8; 8]>::try_from(key.as_slice()) else {
                continue;
            };
            let Ok(record) = postcard::from_bytes::<Record>(&value) else {
                continue;
            };
            let state = match (&record.staged, record.paused) {
                (None, _) => TransferState::Failed(Fault::FileVanished {
                    name: record.name.clone(),
                }),
                (Some(_), true) => TransferState::Paused,
                (Some(_), false) => TransferState::Here,
            };
            let upload = Rc::new(Upload {
                id: u64::from_be_bytes(id),
                name: record.name,
                parent: record.parent,
                node: record.node,
                replaces: record.replaces,
                size: record.size,
                modified_ms: record.modified_ms,
                done: Cell::new(0),
                state: RefCell::new(state),
                paused: Cell::new(record.paused),
                cancelled: Cell::new(false),
                dseq: Cell::new(None),
                staged: RefCell::new(record.staged),
                again: RefCell::default(),
            });
            self.uploads
                .borrow_mut()
                .all
                .insert(upload.id, Rc::clone(&upload));
            found.push(upload);
        }
        self.show(&found);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            let _guard = guard;
            for upload in found {
                let staged = upload.staged.borrow().is_some();
                match staged {
                    true if !upload.paused.get() => {}
                    true => continue,
                    false => {
                        this.forget_record(&upload).await.ok();
                        continue;
                    }
                }
                this.send_staged(&upload).await;
            }
            // Held as long as the tab lives, so that no second tab takes up the same work.
            std::future::pending::<()>().await;
        });
        Ok(())
    }

    /// Hears what a push did, to move the tray.
    pub(super) fn saw_step(&self, step: &Step) {
        if let Step::Acked { dseq, .. } = step {
            self.settle_uploads(*dseq);
        }
    }

    /// The server has this device's entries up to `dseq`, whoever brought them.
    pub(super) fn settle_uploads(&self, dseq: u64) {
        let done: Vec<Rc<Upload>> = {
            let uploads = self.uploads.borrow();
            let carried = |u: &&Rc<Upload>| u.dseq.get().is_some_and(|own| own <= dseq);
            uploads.all.values().filter(carried).cloned().collect()
        };
        for upload in done {
            if *upload.state.borrow() != TransferState::Done {
                upload.done.set(upload.size);
                self.turn(&upload, TransferState::Done);
            }
        }
    }

    /// Reads, seals and stores; small files by shared chunks, large ones each on their own.
    async fn run<S: Source + 'static>(self: Rc<Self>, uploads: Vec<Rc<Upload>>, sources: Vec<S>) {
        let small = |upload: &Upload| upload.size <= limits::PACKED_FILE_BYTES_MAX;
        let sizes = uploads
            .iter()
            .map(|upload| if small(upload) { upload.size } else { 0 });
        let plans: Vec<ChunkPlan> = pack::plan(sizes.collect::<Vec<_>>()).collect();
        let empty = uploads.iter().filter(|upload| upload.size == 0);
        for upload in empty {
            let staged = self.staged(upload, Vec::new(), Hash(Sha256::digest(b"").into()), true);
            self.arrive(vec![Arrival {
                upload: Rc::clone(upload),
                staged,
            }])
            .await;
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
        &self,
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
                self.fail(
                    upload,
                    Fault::FileVanished {
                        name: upload.name.clone(),
                    },
                )
                .await;
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
                    let extent = Extent {
                        chunk: *chunk,
                        key: *key,
                        offset: offset as u32,
                        len: part.len,
                    };
                    let hash = Hash(Sha256::digest(bytes).into());
                    let staged = self.staged(
                        upload,
                        vec![extent],
                        hash,
                        kind::is_text(&upload.name, bytes),
                    );
                    upload.done.set(upload.size);
                    arrivals.push(Arrival {
                        upload: Rc::clone(upload),
                        staged,
                    });
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
                return self
                    .fail(
                        upload,
                        Fault::FileVanished {
                            name: upload.name.clone(),
                        },
                    )
                    .await;
            };
            hash.update(&bytes);
            text = text && kind::is_text(&upload.name, &bytes);
            match self.seal_and_keep(&bytes).await {
                Ok((chunk, key, sealed_bytes)) => {
                    extents.push(Extent {
                        chunk,
                        key,
                        offset: 0,
                        len: part.len,
                    });
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

    /// Sends what a staged file still needs on the server, then makes its node.
    async fn send_staged(self: &Rc<Self>, upload: &Rc<Upload>) {
        let Some(staged) = upload.staged.borrow().clone() else {
            return;
        };
        self.turn(upload, TransferState::Moving);
        for ids in staged.manifest.chunks().chunks(limits::CHUNK_BATCH_MAX) {
            if upload.paused.get() {
                return self.turn(upload, TransferState::Paused);
            }
            if upload.cancelled.get() {
                return;
            }
            if !self.send(upload, ids).await {
                // Not to be reached: the node is made now, and the outbox brings it.
                break;
            }
        }
        if upload.paused.get() {
            return self.turn(upload, TransferState::Paused);
        }
        self.arrive(vec![Arrival {
            upload: Rc::clone(upload),
            staged,
        }])
        .await;
    }

    /// Makes chunks durable on the server; says whether that worked.
    async fn send(&self, upload: &Rc<Upload>, ids: &[ChunkId]) -> bool {
        if ids.is_empty() {
            return true;
        }
        let mut observe = |step: &Step| {
            if let Step::Stored { sent_bytes, ids } = step {
                let chunk = pack::chunk_bytes(upload.size) as u64;
                let bytes = (*sent_bytes).max(ids.len() as u64 * chunk);
                upload.done.set(upload.size.min(upload.done.get() + bytes));
                self.show(std::slice::from_ref(upload));
            }
            if upload.paused.get() || upload.cancelled.get() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let (store, chunks, server) = (self.host.store(), self.host.chunks(), self.host.server());
        let ended = push::upload(self.vault, ids, store, chunks, server, &mut observe).await;
        matches!(ended, Ok(Ended::Drained | Ended::Stopped))
    }

    /// Makes nodes of staged files, in one entry.
    async fn arrive(self: &Rc<Self>, arrivals: Vec<Arrival>) {
        let arrivals: Vec<Arrival> = arrivals
            .into_iter()
            .filter(|a| !a.upload.cancelled.get())
            .collect();
        if arrivals.is_empty() {
            return;
        }
        let mut contents = Vec::with_capacity(arrivals.len());
        let mut also = Batch::new();
        for arrival in &arrivals {
            match self.content_of(&arrival.staged).await {
                Ok(content) => contents.push(content),
                Err(fault) => return self.fail(&arrival.upload, fault).await,
            }
            also.delete(Table::Transfers, arrival.upload.id.to_be_bytes());
        }
        let extra = super::commit::Extra {
            also,
            ..Default::default()
        };
        let committed = self
            .commit(extra, |edit| {
                for (arrival, content) in arrivals.iter().zip(&contents) {
                    let upload = &arrival.upload;
                    if upload.replaces {
                        edit.set_content(upload.node, content.clone())?;
                    } else {
                        edit.create_file(
                            upload.node,
                            upload.parent,
                            &upload.name,
                            content.clone(),
                        )?;
                    }
                }
                Ok(())
            })
            .await;
        match committed {
            Ok(committed) => {
                for arrival in &arrivals {
                    arrival.upload.dseq.set(Some(committed.dseq));
                    arrival.upload.again.take();
                    arrival.upload.done.set(arrival.upload.size);
                    self.turn(&arrival.upload, TransferState::Here);
                }
                self.count_pending().await.ok();
            }
            Err(fault) => {
                for arrival in &arrivals {
                    self.fail(&arrival.upload, fault.clone()).await;
                }
            }
        }
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
        Staged {
            manifest,
            text: text && kind::has_text_name(&upload.name),
        }
    }

    /// Makes the tree's value of a manifest, storing the manifest by itself if it is long.
    async fn content_of(&self, staged: &Staged) -> Result<Content, Fault> {
        let manifest = &staged.manifest;
        self.make_content(manifest, staged.text).await
    }

    /// Makes the tree's value of a manifest, storing the manifest by itself if it is long.
    pub(super) async fn make_content(
        &self,
        manifest: &Manifest,
        text: bool,
    ) -> Result<Content, Fault> {
        let reference = if manifest.fits_inline() {
            ManifestRef::Inline(manifest.clone())
        } else {
            let (number, epoch) = self.current_epoch()?;
            let crypto = self.host.crypto();
            let salt = self.host.random();
            let sealed = manifest::seal_manifest(
                crypto,
                &epoch.secret,
                &self.vault,
                number,
                &salt,
                manifest,
            );
            let sealed = sealed.await.map_err(|_| Fault::TooMany)?;
            self.keep_chunk(sealed.id, &sealed.bytes).await?;
            ManifestRef::Stored(sealed.id)
        };
        Ok(Content {
            manifest: reference.encode().map_err(|_| Fault::TooMany)?,
            size: manifest.size,
            modified_ms: manifest.modified_ms,
            text,
        })
    }

    /// Seals plaintext as one chunk and stores it here.
    pub(super) async fn seal_and_keep(
        &self,
        plain: &[u8],
    ) -> Result<(ChunkId, offing_core::content::chunk::ContentKey, usize), Fault> {
        let (_, epoch) = self.current_epoch()?;
        let sealed = epoch
            .sealer
            .seal(self.host.crypto(), plain, Dedupe::On)
            .await;
        let sealed = sealed.map_err(|_| Fault::Internal)?;
        self.keep_chunk(sealed.id, &sealed.bytes).await?;
        Ok((sealed.id, sealed.key, sealed.bytes.len()))
    }

    async fn wait_while_paused(&self, upload: &Upload) {
        while upload.paused.get() && !upload.cancelled.get() && !self.closed.get() {
            self.host.sleep(100).await;
        }
    }

    async fn fail(&self, upload: &Rc<Upload>, fault: Fault) {
        self.forget_record(upload).await.ok();
        self.turn(upload, TransferState::Failed(fault));
    }

    async fn store_record(&self, upload: &Upload) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.put(
            Table::Transfers,
            upload.id.to_be_bytes(),
            super::encode(&upload.record()),
        );
        let written = self.host.store().write(batch, Durability::Strict).await;
        written.map_err(|e| from_store(&e))
    }

    async fn forget_record(&self, upload: &Upload) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.delete(Table::Transfers, upload.id.to_be_bytes());
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))
    }

    /// Moves an upload to another state and shows it; a cancelled one stays so.
    fn turn(&self, upload: &Rc<Upload>, state: TransferState) {
        if upload.cancelled.get() && state != TransferState::Cancelled {
            return;
        }
        *upload.state.borrow_mut() = state;
        self.show(std::slice::from_ref(upload));
    }

    fn show(&self, uploads: &[Rc<Upload>]) {
        let transfers = uploads.iter().map(|upload| upload.show()).collect();
        self.emit(Event::Transfers(transfers));
    }

    /// The chunks that the contents set by these values need, with what names them.
    pub(super) async fn chunks_of(
        &self,
        node: NodeId,
        value: &Value,
    ) -> Result<Vec<ChunkId>, Fault> {
        let Value::Content(content) = value else {
            return Ok(Vec::new());
        };
        match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Inline(manifest)) => Ok(manifest.chunks()),
            Ok(ManifestRef::Stored(id)) => {
                let mut chunks = vec![id];
                chunks.extend(self.manifest(node, content).await?.chunks());
                Ok(chunks)
            }
            Err(_) => Err(Fault::Internal),
        }
    }
}
