//! Uploads: files become sealed chunks on this device, then nodes, then are sent.
//!
//! Small files share chunks, and many of them one entry (`group`): they become nodes as soon
//! as their group is stored here, and the outbox sends what did not go ahead (`small`). A
//! large file (`large`) sends its chunks while it is read, and becomes a node when all are on
//! the server, so that a slow line never holds back a text edit behind it. If the server
//! cannot be reached it becomes a node at once, and the outbox has it.
//!
//! What the person sees of an upload survives the tab once the file was read: its record
//! is in `Table::Transfers`. A file that was not read to its end has to be chosen again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use offing_core::content::manifest::{Extent, Manifest};
use offing_core::content::pack;
use offing_core::id::{ChunkId, NodeId};
use offing_core::limits;
use offing_core::proto::Code;
use offing_core::rpc::{
    Clash, Event, Fault, Reply, Transfer, TransferControl, TransferId, TransferState, UploadItem,
};
use offing_core::sync::machine;
use offing_core::tree::OpId;
use serde::{Deserialize, Serialize};

use super::Replica;
use super::fault::from_store;
use super::sealing::Sealed;
use crate::host::{Host, Source};
use crate::push::Step;
use crate::store::outbox;

mod beside;
mod content;
mod folders;
mod group;
mod kind;
mod large;
mod reading;
mod record;
mod send;
mod small;
mod thumbs;

use record::Record;
pub(super) use record::staged_chunks;

/// How long changes of the tray are gathered before the page is shown them.
const SHOW_DELAY_MS: u64 = 50;

/// The uploads of this tab.
pub(super) struct Uploads<G> {
    all: BTreeMap<TransferId, Rc<Upload>>,
    /// Those that the page has not been shown as they are.
    changed: BTreeSet<TransferId>,
    /// Locks of those that are recorded: no other tab takes them up while this one lives.
    claims: BTreeMap<TransferId, G>,
    /// They will be shown in a moment.
    showing: bool,
    reading: reading::Reading<G>,
}

impl<G> Default for Uploads<G> {
    fn default() -> Self {
        let (all, changed, claims) = Default::default();
        Self { all, changed, claims, showing: false, reading: reading::Reading::default() }
    }
}

/// One file on its way up.
pub(super) struct Upload {
    id: TransferId,
    name: String,
    parent: NodeId,
    node: NodeId,
    /// The node exists; this becomes its new revision.
    replaces: bool,
    /// What it replaces, as the person saw it who chose it.
    replaced: Vec<OpId>,
    size: u64,
    modified_ms: i64,
    done: Cell<u64>,
    state: RefCell<TransferState>,
    paused: Cell<bool>,
    cancelled: Cell<bool>,
    /// Was left out of its group because it was paused, and is not read.
    set_aside: Cell<bool>,
    /// Its node is being made: too late to cancel.
    arriving: Cell<bool>,
    /// Its record is stored.
    recorded: Cell<bool>,
    /// The entry that carries it, once there is one.
    dseq: Cell<Option<u64>>,
    /// Read to its end, with all chunks stored here.
    staged: RefCell<Option<Staged>>,
    /// Chunks of the content it replaces that it goes on using; the server has them, and
    /// this device need not.
    shared: RefCell<Vec<ChunkId>>,
    /// Where its thumb is, if one was made.
    thumb: RefCell<Option<Extent>>,
    /// Reads it from the start, for as long as the file that was chosen is at hand.
    again: RefCell<Option<Box<dyn Fn()>>>,
}

/// A file whose content is on this device as sealed chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Staged {
    manifest: Manifest,
    text: bool,
}

/// A node to be made of an upload.
struct Arrival {
    upload: Rc<Upload>,
    staged: Staged,
    /// The chunk it came with, whose row is not in the index yet.
    fresh: Option<Sealed>,
}

impl Upload {
    /// An upload that has not begun.
    fn new(id: TransferId, record: Record) -> Self {
        Self {
            id,
            name: record.name,
            parent: record.parent,
            node: record.node,
            replaces: record.replaces,
            replaced: record.replaced,
            size: record.size,
            modified_ms: record.modified_ms,
            done: Cell::new(0),
            state: RefCell::new(TransferState::Waiting),
            paused: Cell::new(record.paused),
            cancelled: Cell::new(false),
            set_aside: Cell::new(false),
            arriving: Cell::new(false),
            recorded: Cell::new(false),
            dseq: Cell::new(None),
            staged: RefCell::new(record.staged),
            shared: RefCell::new(record.shared),
            thumb: RefCell::new(record.thumb),
            again: RefCell::default(),
        }
    }

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
            replaced: self.replaced.clone(),
            shared: self.shared.borrow().clone(),
            thumb: self.thumb.borrow().clone(),
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
        self.is_over() || self.dseq.get().is_some()
    }

    /// Nothing more comes of it by itself; what the server refused is recorded, and can be
    /// tried again.
    fn is_over(&self) -> bool {
        match *self.state.borrow() {
            TransferState::Done | TransferState::Cancelled => true,
            TransferState::Failed(_) => !self.recorded.get(),
            TransferState::Waiting
            | TransferState::Reading
            | TransferState::Here
            | TransferState::Moving
            | TransferState::Paused => false,
        }
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
            let id = u64::from_be_bytes(self.host.random()) >> 11;
            let record = Record {
                name,
                parent: place.parent,
                node: place.node,
                replaces: place.replaces,
                size: item.size,
                modified_ms: item.modified_ms,
                paused: false,
                staged: None,
                shared: Vec::new(),
                thumb: None,
                replaced: match place.replaces {
                    true => self.in_place(place.node).await?,
                    false => Vec::new(),
                },
            };
            uploads.push(Rc::new(Upload::new(id, record)));
            sources.push(Rc::new(file));
        }
        let ids = uploads.iter().map(|upload| upload.id).collect();
        for (upload, source) in uploads.iter().zip(&sources) {
            self.keep_source(upload, source);
            self.uploads.borrow_mut().all.insert(upload.id, Rc::clone(upload));
        }
        self.show(&uploads);
        self.tell_moving();
        // They have begun: a disk that fails now must not say that they have not.
        self.count_pending().await.ok();
        let this = Rc::clone(self);
        self.host.spawn(async move { this.run(uploads, sources).await });
        Ok(Reply::Uploading(ids))
    }

    /// Reads, seals and stores; small files by shared chunks, large ones each on their own.
    async fn run<S: Source + 'static>(self: Rc<Self>, uploads: Vec<Rc<Upload>>, sources: Vec<S>) {
        let is_large = |upload: &Upload| upload.size > limits::PACKED_FILE_BYTES_MAX;
        let small_bytes = |upload: &Rc<Upload>| if is_large(upload) { 0 } else { upload.size };
        let staging = self.staging().await;
        let plans = pack::plan(uploads.iter().map(small_bytes)).collect();
        self.stage_empty(&uploads).await;
        self.stage_small(plans, &uploads, &sources).await;
        let large: Vec<_> =
            uploads.iter().zip(&sources).filter(|(upload, _)| is_large(upload)).collect();
        self.stage_all_large(&large).await;
        drop(staging);
        if !self.swept.get() {
            // Some came to nothing: what they left can go now.
            self.keep_up();
        }
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
        let upload = self.uploads.borrow().all.get(&id).cloned().ok_or(Fault::NotOpen)?;
        match control {
            TransferControl::Pause if !upload.is_settled() && !upload.arriving.get() => {
                upload.paused.set(true);
                self.turn(&upload, TransferState::Paused);
                self.store_record(&upload).await?;
            }
            TransferControl::Resume | TransferControl::Retry => {
                upload.paused.set(false);
                let staged = upload.staged.borrow().is_some();
                let failed = matches!(*upload.state.borrow(), TransferState::Failed(_));
                if upload.dseq.get().is_some() {
                    // Its entry waits; the nudge offers it again.
                    if failed {
                        self.turn(&upload, TransferState::Here);
                    }
                } else if staged {
                    self.turn(&upload, TransferState::Moving);
                    let this = Rc::clone(self);
                    self.host.spawn(async move { this.send_staged(&upload).await });
                } else if !failed && !upload.set_aside.take() {
                    self.turn(&upload, TransferState::Reading);
                } else if let Some(again) = &*upload.again.borrow() {
                    upload.done.set(0);
                    self.turn(&upload, TransferState::Waiting);
                    again();
                }
                self.count_pending().await?;
                self.tell(machine::Event::Nudge);
            }
            TransferControl::Cancel if !upload.is_settled() && !upload.arriving.get() => {
                upload.cancelled.set(true);
                upload.paused.set(false);
                self.swept.set(false);
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
        self.uploads.borrow_mut().all.retain(|_, upload| !upload.is_over());
    }

    /// Uploads that no entry carries yet.
    pub(super) fn unfinished_uploads(&self) -> u32 {
        let uploads = self.uploads.borrow();
        uploads.all.values().filter(|upload| !upload.is_settled()).count() as u32
    }

    /// Hears what a push did, to move the tray.
    pub(super) fn saw_step(self: &Rc<Self>, step: &Step) {
        if let Step::Acked { dseq, .. } = step {
            self.settle_uploads(*dseq);
        }
    }

    /// Entries of the outbox have other counters now.
    pub(super) fn move_uploads(&self, places: &BTreeMap<u64, u64>) {
        for upload in self.uploads.borrow().all.values() {
            let moved = upload.dseq.get().and_then(|dseq| places.get(&dseq));
            if let Some(dseq) = moved {
                upload.dseq.set(Some(*dseq));
            }
        }
    }

    /// The server takes no entry from this counter on: says so of the files they carry.
    pub(super) fn refuse_uploads(self: &Rc<Self>, from: u64, code: Code) {
        let refused: Vec<Rc<Upload>> = {
            let uploads = self.uploads.borrow();
            let carried = |u: &&Rc<Upload>| u.dseq.get().is_some_and(|dseq| dseq >= from);
            uploads.all.values().filter(carried).cloned().collect()
        };
        for upload in refused {
            self.turn(&upload, TransferState::Failed(Fault::Server(code)));
        }
    }

    /// The server has this device's entries up to `dseq`, whoever brought them.
    pub(super) fn settle_uploads(self: &Rc<Self>, dseq: u64) {
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

    /// Settles what another tab has brought to the server.
    pub(super) async fn settle_brought(self: &Rc<Self>) -> Result<(), Fault> {
        let is_carried = |upload: &Rc<Upload>| {
            upload.dseq.get().is_some() && *upload.state.borrow() != TransferState::Done
        };
        if !self.uploads.borrow().all.values().any(is_carried) {
            return Ok(());
        }
        let waiting = outbox::items(self.host.store(), &self.vault, 0, 1).await;
        let brought = match waiting.map_err(|e| from_store(&e))?.first() {
            Some(first) => first.dseq - 1,
            None => self.own().await?.dseq,
        };
        self.settle_uploads(brought);
        Ok(())
    }

    async fn wait_while_paused(&self, upload: &Upload) {
        while upload.paused.get() && !upload.cancelled.get() && !self.closed.get() {
            self.host.sleep(100).await;
        }
    }

    async fn fail(self: &Rc<Self>, upload: &Rc<Upload>, fault: Fault) {
        self.forget_record(upload).await.ok();
        self.swept.set(false);
        // For one file there may be no space where there is for others, and its line says so.
        if fault == Fault::Storage {
            self.storage_fails();
        }
        self.turn(upload, TransferState::Failed(fault));
    }

    /// Moves an upload to another state and shows it; a cancelled one stays so.
    fn turn(self: &Rc<Self>, upload: &Rc<Upload>, state: TransferState) {
        if upload.cancelled.get() && state != TransferState::Cancelled {
            return;
        }
        *upload.state.borrow_mut() = state;
        self.show(std::slice::from_ref(upload));
    }

    /// Tells the status whether anything is being read or sent.
    fn tell_moving(self: &Rc<Self>) {
        let moving = self.uploads.borrow().all.values().any(|upload| {
            let state = upload.state.borrow();
            let moves = TransferState::Waiting == *state
                || TransferState::Reading == *state
                || TransferState::Moving == *state;
            moves && !upload.is_settled()
        });
        self.tell(machine::Event::Moving(moving));
        self.tell_reading();
    }

    /// Shows uploads soon: many small files change state faster than anybody reads.
    fn show(self: &Rc<Self>, uploads: &[Rc<Upload>]) {
        let first = {
            let mut all = self.uploads.borrow_mut();
            all.changed.extend(uploads.iter().map(|upload| upload.id));
            !std::mem::replace(&mut all.showing, true)
        };
        if first {
            let this = Rc::clone(self);
            self.host.spawn(async move {
                this.host.sleep(SHOW_DELAY_MS).await;
                let transfers = {
                    let mut all = this.uploads.borrow_mut();
                    all.showing = false;
                    let changed = std::mem::take(&mut all.changed);
                    let shown = changed.iter().filter_map(|id| all.all.get(id));
                    shown.map(|upload| upload.show()).collect()
                };
                this.emit(Event::Transfers(transfers));
                this.tell_moving();
            });
        }
    }
}
