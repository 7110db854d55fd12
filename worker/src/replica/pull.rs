//! What others wrote: pages of the log, verified, opened, merged.
//!
//! Pages are read until a round of them is worth a merge; its signatures are verified and
//! its bodies opened many at once. A round moves the cursor, the rows, the texts and the
//! outbox in one transaction, so a crash repeats a round or has it whole. An entry that is
//! refused or cannot be opened is set aside with an alarm, and the log goes on; a history
//! that contradicts itself stops everything.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use futures_util::future::join_all;
use offing_core::id::{ChunkId, DeviceId, NodeId, Seq};
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::change::{ChangeBody, TextPart};
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::DeviceIntro;
use offing_core::log::verify::{Checked, CheckedBody, HistoryError, LogState, Step};
use offing_core::ordered;
use offing_core::proto::{Code, PageItem, Tip};
use offing_core::rpc::{Alarm, Event, Fault};
use offing_core::text;
use offing_core::tree::{self, KnownOp, NodeRow, TreeReader, Value, WorkingSet};

use super::commit::{CURSOR_KEY, put_changes, put_increments};
use super::fault::{from_net, from_store};
use super::renew::Unseated;
use super::{LOG_KEY, Own, Replica, encode, epochs, keep};
use crate::host::{Host, Server};
use crate::net::NetError;
use crate::store::tail::{self, Piece};
use crate::store::{Batch, Durability, Table, outbox};

/// Prefix of what devices are called, in `Table::Meta`.
pub(super) const DEVICE_PREFIX: &[u8] = b"device/";

/// Why a pull stopped.
#[derive(Debug)]
pub(super) enum PullError {
    /// A call failed.
    Net(NetError),
    /// The server's history contradicts what was verified.
    History,
    /// The server was restored from a backup, and did not go on yet.
    Restored,
    /// Bodies that were not read here are gone from the log; a snapshot has them.
    Gone,
    /// Nothing can be written as this device any more.
    Unseated(Unseated),
    /// Something on this device failed.
    Local(Fault),
}

impl From<Fault> for PullError {
    fn from(fault: Fault) -> Self {
        Self::Local(fault)
    }
}

impl PullError {
    /// What a person who waits for it is told.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Net(error) => from_net(&error),
            Self::Local(fault) => fault,
            Self::History | Self::Unseated(_) | Self::Gone => Fault::CannotOpen,
            Self::Restored => Fault::Server(Code::Recovering),
        }
    }
}

/// Ops after which a round of pages is merged. What a merge looks up is shared by all ops
/// of a round, so a round takes several pages of small entries.
const ROUND_OPS: usize = 8 * 1024;
/// Bytes of texts after which a round of pages is merged.
const ROUND_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Entries that are opened at once.
const OPEN_AT_ONCE: usize = 256;

/// How far a pull has read.
struct Reader {
    /// The log as far as it was read and verified; not stored yet.
    state: LogState,
    /// The server's tip, as of the last page.
    tip: Option<Tip>,
    /// Whose bodies need not come.
    bare: Option<DeviceId>,
}

/// What a round of pages brings, opened.
#[derive(Default)]
pub(super) struct Brought {
    /// The log up to where all of it is in here; `None` as long as nothing is.
    through: Option<LogState>,
    ops: Vec<KnownOp>,
    /// Texts of other devices.
    texts: Vec<(DeviceId, TextPart)>,
    text_bytes: usize,
    /// The greatest counter of this device that the log holds.
    pub(super) own_dseq: u64,
    /// The entries as they came.
    tail: tail::Addition,
    pub(super) also: Batch,
    /// Pieces of own snapshots, which nobody reads here.
    pub(super) pieces: HashSet<ChunkId>,
    /// Where other devices call chunks dead, and which.
    pub(super) deaths: Vec<(Seq, Vec<ChunkId>)>,
}

/// Key of a device's name.
pub(super) fn device_key(device: DeviceId) -> Vec<u8> {
    [DEVICE_PREFIX, device.0.as_slice()].concat()
}

impl<H: Host> Replica<H> {
    /// Reads and verifies the log up to the server's tip; returns the place reached.
    pub(super) async fn pull(self: &Rc<Self>) -> Result<Seq, PullError> {
        let state: Option<LogState> = self.meta(LOG_KEY).await?;
        let mut reader =
            Reader { state: state.ok_or(Fault::Storage)?, tip: None, bare: Some(self.device()) };
        if reader.state.epoch() > 0 && self.epoch(reader.state.epoch()).is_err() {
            self.open_new_epochs().await?;
        }
        loop {
            let mut brought = Brought::default();
            let read = self.read_round(&mut reader, &mut brought).await;
            // What came before a line broke or a history turned false is kept.
            if let Some(state) = brought.through.take() {
                self.take(state, brought).await?;
            }
            match read {
                Err(PullError::Gone) if !self.is_joining() => {
                    let (state, tip) = self.come_back(&reader.state).await?;
                    (reader.state, reader.tip) = (state, Some(tip));
                }
                read => read?,
            }
            let at = reader.state.at().seq;
            if let Some(tip) = reader.tip.filter(|tip| at >= tip.seq) {
                if !reader.state.is_of(&tip.incarnation) {
                    self.lacking.set(0);
                    return Err(PullError::Restored);
                }
                let own = reader.state.device(&self.device());
                if own.is_some_and(|own| own.revoked_at.is_some()) {
                    return Err(PullError::Unseated(Unseated::TakenOff));
                }
                return self.has_what_it_took(at).await.map(|()| at);
            }
        }
    }

    /// Says whether all that the server said to have taken is in the log, read to its end: what is
    /// waits here no more. Nobody pushes meanwhile, since whoever pulls holds the lock for both.
    async fn has_what_it_took(&self, at: Seq) -> Result<(), PullError> {
        let last = outbox::last_ack(self.host.store(), &self.vault).await;
        let last = last.map_err(|e| PullError::Local(from_store(&e)))?;
        if last.is_some() {
            self.emit(Event::Alarm(Alarm::HistoryChanged { seq: at }));
            return Err(PullError::History);
        }
        Ok(())
    }

    /// Reads pages until there are enough ops to merge at once, or no more pages.
    async fn read_round(
        &self,
        reader: &mut Reader,
        brought: &mut Brought,
    ) -> Result<(), PullError> {
        while brought.ops.len() < ROUND_OPS && brought.text_bytes < ROUND_TEXT_BYTES {
            let mut next = reader.state.clone();
            let before = next.at();
            let after = before.seq;
            let page = self.host.server().read_log(self.vault, after, reader.bare).await;
            let page = page.map_err(PullError::Net)?;
            let steps = match next.check_page(self.host.crypto(), &page).await {
                Ok(steps) => steps,
                Err(HistoryError::BodyNeeded { .. }) if reader.bare.is_some() => {
                    reader.bare = None;
                    continue;
                }
                Err(error) => {
                    return Err(self.contradicted(error, &reader.state, &page.tip).await);
                }
            };
            let waiting = self.waiting_for(&steps).await?;
            if self.a_copy_wrote(&steps, &waiting).await? {
                return Err(PullError::Unseated(Unseated::Copied));
            }
            if !steps.is_empty() {
                // Half a page is no state of the log: if opening it fails, nothing is taken.
                let whole = brought.through.take();
                if !self.open_page(&steps, &waiting, brought).await? {
                    brought.through = whole;
                    if reader.bare.take().is_none() {
                        return Err(PullError::Gone);
                    }
                    // A body of our own is not here (any more): the server may have it.
                    continue;
                }
                brought.through = Some(next.clone());
                keep_as_they_came(&mut brought.tail, before, page.items, &steps, &waiting);
            }
            reader.state = next;
            reader.tip = Some(page.tip);
            if reader.state.at().seq >= page.tip.seq {
                break;
            }
        }
        Ok(())
    }

    /// What it means that a page was refused.
    pub(super) async fn contradicted(
        &self,
        error: HistoryError,
        state: &LogState,
        tip: &Tip,
    ) -> PullError {
        let after = state.at().seq;
        if let HistoryError::Crypto(_) = error {
            return Fault::Internal.into();
        }
        if self.is_joining() {
            // A snapshot that the log contradicts is passed over.
            return PullError::History;
        }
        if let HistoryError::Lacks { tip } = error {
            self.lacking.set(u32::try_from(after - tip).unwrap_or(u32::MAX));
            return PullError::Restored;
        }
        if !state.is_of(&tip.incarnation) {
            // How much is only here shows when somebody compares.
            self.lacking.set(self.lacking.get().max(1));
            self.is_left_behind(after).await;
            return PullError::History;
        }
        self.history_changed(after)
    }

    /// Says whether this device reads the log from a snapshot that may not hold.
    fn is_joining(&self) -> bool {
        self.stands_on.get().is_some()
    }

    /// Opens the entries of a page, many at once, and adds what they bring; says whether
    /// every body was there or here. If not, nothing was added.
    async fn open_page(
        &self,
        steps: &[Step],
        waiting: &HashMap<u64, Entry>,
        brought: &mut Brought,
    ) -> Result<bool, Fault> {
        let mut sealed: Vec<(Seq, &Checked, &[u8])> = Vec::new();
        for step in steps {
            let Ok(checked) = &step.outcome else { continue };
            let body = match &checked.body {
                CheckedBody::Epoch(_) | CheckedBody::Device(_) | CheckedBody::Recovery(_) => {
                    continue;
                }
                CheckedBody::Sealed(body) => body,
                CheckedBody::Held(hash) => match waiting.get(&checked.header.dseq) {
                    Some(entry) if entry.body_hash() == *hash => &entry.body,
                    Some(_) | None => return Ok(false),
                },
            };
            if checked.header.kind == EntryKind::Change {
                sealed.push((step.point.seq, checked, body));
            }
        }
        for step in steps {
            self.note_step(step, brought).await?;
        }
        for many in sealed.chunks(OPEN_AT_ONCE) {
            let opening = many.iter().map(|(_, checked, body)| self.open_change(checked, body));
            let opened = join_all(opening).await;
            for ((seq, checked, _), change) in many.iter().zip(opened) {
                match change {
                    Some(change) => self.add_change(brought, *seq, checked, change),
                    None => {
                        self.set_aside(&mut brought.also, *seq, &checked.header_bytes).await?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// Takes in what a step says beside a sealed body.
    pub(super) async fn note_step(&self, step: &Step, brought: &mut Brought) -> Result<(), Fault> {
        let checked = match &step.outcome {
            Ok(checked) => checked,
            Err(refused) => {
                return self.set_aside(&mut brought.also, step.point.seq, &encode(refused)).await;
            }
        };
        if checked.header.device == self.device() {
            brought.own_dseq = brought.own_dseq.max(checked.header.dseq);
        }
        if checked.header.kind == EntryKind::Snapshot {
            self.note_snapshot(step, &checked.header, brought);
        }
        if checked.header.is_about_contents() {
            self.note_burial(&mut brought.also, step.point.seq, &checked.header);
        } else if checked.header.kind == EntryKind::Gc && checked.header.device != self.device() {
            brought.deaths.push((step.point.seq, checked.header.chunks.clone()));
        }
        match &checked.body {
            CheckedBody::Epoch(record) => {
                epochs::keep_record(&mut brought.also, record);
                self.open_epoch(record).await?;
            }
            CheckedBody::Device(intro) => {
                self.note_device(&mut brought.also, checked, intro).await;
            }
            CheckedBody::Recovery(_) => self.note_recovery(&mut brought.also),
            CheckedBody::Sealed(_) | CheckedBody::Held(_) => {}
        }
        Ok(())
    }

    fn add_change(&self, brought: &mut Brought, seq: Seq, checked: &Checked, change: ChangeBody) {
        brought.ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
        self.want_content(&mut brought.also, &change);
        let device = checked.header.device;
        if device != self.device() {
            for part in change.texts {
                brought.text_bytes += part.changes.iter().map(Vec::len).sum::<usize>();
                brought.texts.push((device, part));
            }
        }
    }

    pub(super) async fn open_change(&self, checked: &Checked, body: &[u8]) -> Option<ChangeBody> {
        let epoch = self.epoch(checked.header.epoch).ok()?;
        let (crypto, header) = (self.host.crypto(), &checked.header_bytes);
        let plain =
            author::open_body(crypto, &epoch.secret, &self.vault, header, body).await.ok()?;
        let change = ChangeBody::decode(&plain, &checked.header.device).ok()?;
        let device = &checked.header.device;
        let sound = |part: &TextPart| {
            text::check_changes(&part.changes, device, &part.node, &part.base).is_ok()
        };
        change.texts.iter().all(sound).then_some(change)
    }

    /// Applies what a round brought, and moves the cursor, in one transaction.
    async fn take(self: &Rc<Self>, state: LogState, brought: Brought) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let mut set = WorkingSet::default();
        let changes = self.apply(tree::apply, &mut set, &brought.ops).await?;
        let mut batch = brought.also;
        put_changes(&mut batch, &changes);
        self.note_back(&mut batch, &changes.rows, &set).await?;
        let replaced = self.keep_replaced(&mut batch, &brought.ops, &set).await?;
        own.lamport = own.lamport.max(changes.lamport_max);
        for (device, part) in &brought.texts {
            put_increments(&mut batch, &mut own, std::slice::from_ref(part), *device);
        }
        if brought.own_dseq > 0 {
            self.mark_sent(&mut batch, brought.own_dseq).await?;
            outbox::forget_through(&mut batch, &self.vault, brought.own_dseq);
        }
        batch.put(Table::Meta, Own::KEY, encode(&own));
        batch.put(Table::Meta, LOG_KEY, encode(&state));
        batch.put(Table::Meta, CURSOR_KEY, encode(&state.at()));
        if self.no_room_for_tail.get() {
            tail::forget(&mut batch);
        } else {
            let added = tail::add(&mut batch, self.host.store(), brought.tail).await;
            added.map_err(|e| from_store(&e))?;
        }
        let written = self.write(batch, Durability::Relaxed).await;
        if written == Err(Fault::StorageFull) {
            // The next try goes without.
            self.no_room_for_tail.set(true);
        }
        written?;
        drop(guard);
        self.let_go(&brought.pieces).await?;
        self.judge_deaths(&brought.deaths).await?;
        let typed = brought.texts.iter().map(|(_, part)| part.node);
        let texts: BTreeSet<NodeId> = ordered::set(typed.chain(replaced));
        for node in &texts {
            self.load_increments(*node).await?;
        }
        self.settle_uploads(brought.own_dseq);
        self.tell_what_came_back(&changes.rows, &set).await;
        let folders = changes.folders.into_iter().collect();
        self.announce(folders, texts.into_iter().collect()).await
    }

    /// Tells of what a deletion did not take away, since it had not seen an edit.
    async fn tell_what_came_back(&self, rows: &[NodeRow], before: &WorkingSet) {
        let known = |node: &NodeId| before.row(node).flatten();
        let is_recovered = |row: &NodeRow| row.shown_parent == NodeId::RECOVERED;
        let came_back = rows.iter().filter(|row| match known(&row.node) {
            Some(old) => {
                let kept = row.kept_by().is_some() && old.kept_by().is_none();
                kept || (is_recovered(row) && !is_recovered(old))
            }
            // Made unseen in a folder that was deleted here.
            None => is_recovered(row) && known(&row.placed_parent()).is_some(),
        });
        let came_back: Vec<&NodeRow> = came_back.collect();
        if let Some(row) = came_back.first() {
            let by = self.device_name(row.kept_by().unwrap_or_else(|| row.last_device())).await;
            let (name, more) = (row.name.value.clone(), came_back.len() as u32 - 1);
            let recovered = row.shown_parent == NodeId::RECOVERED;
            self.emit(Event::CameBack { name, by, recovered, more });
        }
    }

    /// Remembers a device's name, for "merged from Phone".
    pub(super) async fn note_device(
        &self,
        batch: &mut Batch,
        checked: &Checked,
        intro: &DeviceIntro,
    ) {
        let number = checked.header.epoch;
        let Ok(epoch) = self.epoch(number) else {
            return;
        };
        let (crypto, vault) = (self.host.crypto(), &self.vault);
        if let Ok(Some(name)) = intro.open_name(crypto, &epoch.secret, vault, number).await {
            batch.put(Table::Meta, device_key(intro.certificate.device()), encode(&name));
        }
    }

    /// What people call a device.
    pub(super) async fn device_name(&self, device: DeviceId) -> String {
        if device == self.device() {
            return self.identity().device_name;
        }
        self.meta(&device_key(device)).await.ok().flatten().unwrap_or_default()
    }

    /// New text content is fetched soon, so that it opens offline.
    pub(super) fn want_content(&self, batch: &mut Batch, change: &ChangeBody) {
        for op in &change.ops {
            let kept = self.kept.borrow().contains(&op.node);
            if let Value::Content(content) = &op.value
                && (content.text || kept)
            {
                keep::want(batch, op.node);
            }
        }
    }
}

/// Adds a page's entries to the tail. Those of this device came without their bodies, which
/// the outbox has.
fn keep_as_they_came(
    tail: &mut tail::Addition,
    before: ChainPoint,
    items: Vec<PageItem>,
    steps: &[Step],
    waiting: &HashMap<u64, Entry>,
) {
    let mut piece = Piece { before, entries: Vec::with_capacity(items.len()) };
    for (item, step) in items.into_iter().zip(steps) {
        let own = || {
            let dseq = step.outcome.as_ref().ok()?.header.dseq;
            waiting.get(&dseq).filter(|entry| entry.hash() == step.hash).map(Entry::encode)
        };
        let wire = match item {
            PageItem::Full(wire) => Some(wire),
            PageItem::Bare { .. } => own(),
        };
        match wire {
            Some(wire) => piece.entries.push(wire),
            None => {
                tail.cut();
                piece = Piece { before: step.point, entries: Vec::new() };
            }
        }
    }
    tail.push(piece);
}
