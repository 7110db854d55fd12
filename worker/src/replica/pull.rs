//! What others wrote: pages of the log, verified, opened, merged.
//!
//! A page moves the cursor, the rows, the texts and the outbox in one transaction, so a
//! crash repeats a page or has it whole. An entry that is refused or cannot be opened is
//! set aside with an alarm, and the log goes on; a history that contradicts itself stops
//! everything.

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{DeviceId, NodeId, Seq};
use offing_core::log::author;
use offing_core::log::change::{ChangeBody, TextPart};
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::DeviceIntro;
use offing_core::log::verify::{Checked, CheckedBody, HistoryError, LogState, Step};
use offing_core::rpc::{Alarm, Event, Fault};
use offing_core::text;
use offing_core::tree::{KnownOp, NodeRow, TreeReader, Value, WorkingSet};

use super::commit::{CURSOR_KEY, put_changes, put_increments};
use super::{LOG_KEY, Own, Replica, encode, epochs, keep};
use crate::host::{Host, Server};
use crate::net::NetError;
use crate::store::{Batch, Durability, Table, outbox};

const DEVICE_PREFIX: &[u8] = b"device/";

/// Why a pull stopped.
#[derive(Debug)]
pub(super) enum PullError {
    /// A call failed.
    Net(NetError),
    /// The server's history contradicts what was verified.
    History,
    /// Something on this device failed.
    Local(Fault),
}

impl From<Fault> for PullError {
    fn from(fault: Fault) -> Self {
        Self::Local(fault)
    }
}

/// What a page brings, opened.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) ops: Vec<KnownOp>,
    /// Texts of other devices.
    pub(super) texts: Vec<(DeviceId, TextPart)>,
    /// The greatest counter of this device that the log holds.
    own_dseq: u64,
    pub(super) also: Batch,
}

/// Key of a device's name.
pub(super) fn device_key(device: DeviceId) -> Vec<u8> {
    [DEVICE_PREFIX, device.0.as_slice()].concat()
}

impl<H: Host> Replica<H> {
    /// Reads and verifies the log up to the server's tip; returns the place reached.
    pub(super) async fn pull(self: &Rc<Self>) -> Result<Seq, PullError> {
        let mut bare = Some(self.identity.device);
        loop {
            let state: Option<LogState> = self.meta(LOG_KEY).await?;
            let mut state = state.ok_or(Fault::Storage)?;
            let after = state.at().seq;
            let page = self.host.server().read_log(self.vault, after, bare).await;
            let page = page.map_err(PullError::Net)?;
            let steps = match state.check_page(self.host.crypto(), &page).await {
                Ok(steps) => steps,
                Err(HistoryError::BodyNeeded { .. }) if bare.is_some() => {
                    bare = None;
                    continue;
                }
                Err(HistoryError::Crypto(_)) => return Err(Fault::Internal.into()),
                Err(_) => {
                    self.emit(Event::Alarm(Alarm::HistoryChanged { seq: after }));
                    return Err(PullError::History);
                }
            };
            if self.a_copy_wrote(&steps).await? {
                self.emit(Event::Alarm(Alarm::DeviceCopied));
                return Err(PullError::History);
            }
            if !steps.is_empty() {
                match self.open_page(&steps).await? {
                    Some(brought) => self.take(state.clone(), brought).await?,
                    // A body of our own is not here (any more): the server has it.
                    None if bare.is_some() => {
                        bare = None;
                        continue;
                    }
                    None => return Err(Fault::Internal.into()),
                }
            }
            if state.at().seq >= page.tip.seq {
                return Ok(state.at().seq);
            }
        }
    }

    /// Opens the entries of a page; `None` if a body is neither there nor here.
    async fn open_page(&self, steps: &[Step]) -> Result<Option<Brought>, Fault> {
        let mut brought = Brought::default();
        for step in steps {
            let seq = step.point.seq;
            let checked = match &step.outcome {
                Ok(checked) => checked,
                Err(refused) => {
                    self.set_aside(&mut brought.also, seq, &encode(refused)).await?;
                    continue;
                }
            };
            let own = checked.header.device == self.identity.device;
            if own {
                brought.own_dseq = brought.own_dseq.max(checked.header.dseq);
            }
            let body = match &checked.body {
                CheckedBody::Epoch(record) => {
                    epochs::keep_record(&mut brought.also, record);
                    self.open_epoch(record).await?;
                    continue;
                }
                CheckedBody::Device(intro) => {
                    self.note_device(&mut brought.also, checked, intro).await;
                    continue;
                }
                CheckedBody::Sealed(body) => body.clone(),
                CheckedBody::Held(hash) => match self.own_body(checked.header.dseq).await? {
                    Some(entry) if entry.body_hash() == *hash => entry.body,
                    Some(_) | None => return Ok(None),
                },
            };
            if checked.header.kind != EntryKind::Change {
                continue;
            }
            match self.open_change(checked, &body).await {
                Some(change) => {
                    brought.ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
                    self.want_content(&mut brought.also, &change);
                    if !own {
                        let device = checked.header.device;
                        brought.texts.extend(change.texts.into_iter().map(|part| (device, part)));
                    }
                }
                None => {
                    self.set_aside(&mut brought.also, seq, &checked.header_bytes).await?;
                }
            }
        }
        Ok(Some(brought))
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

    /// Applies what a page brought, and moves the cursor, in one transaction.
    async fn take(self: &Rc<Self>, state: LogState, brought: Brought) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let mut set = WorkingSet::default();
        let changes = self.apply(&mut set, &brought.ops).await?;
        let mut batch = brought.also;
        put_changes(&mut batch, &changes);
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
        self.write(batch, Durability::Relaxed).await?;
        drop(guard);
        let typed = brought.texts.iter().map(|(_, part)| part.node);
        let texts: BTreeSet<NodeId> = typed.chain(replaced).collect();
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

    /// Finds an entry signed as this device that this device never wrote: a copy of the
    /// profile did. Taking it would count what waits here as sent, and mix two authors'
    /// ops of one name.
    async fn a_copy_wrote(&self, steps: &[Step]) -> Result<bool, Fault> {
        for step in steps {
            let Ok(checked) = &step.outcome else {
                continue;
            };
            if checked.header.device != self.identity.device {
                continue;
            }
            let dseq = checked.header.dseq;
            let waits = self.own_body(dseq).await?;
            let other = waits.is_some_and(|entry| entry.header != checked.header_bytes);
            if other || dseq > self.own().await?.dseq {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn own_body(&self, dseq: u64) -> Result<Option<Entry>, Fault> {
        let found = outbox::entries(self.host.store(), &self.vault, &[dseq]).await;
        Ok(found.ok().and_then(|mut wires| wires.pop()).and_then(|wire| Entry::decode(&wire).ok()))
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
        if device == self.identity.device {
            return self.identity.device_name.clone();
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
