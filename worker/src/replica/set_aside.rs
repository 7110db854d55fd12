//! Entries that were set aside: told, and tried again by a later version.
//!
//! An entry that is not genuine, or that this version cannot open, keeps its place in the
//! log and a row here. When the app is a later version than the one that read the log, and
//! something was set aside, the log is read and verified once more from its beginning. If
//! something can be opened now, the rows are made anew of all of it, and of what waits in
//! the outbox: a row knows only the last op of each device, so merged into those that are
//! here an op would count as known where its device has changed the node since. The cursor
//! stays where it is.
//!
//! ```text
//! Table::Quarantine   be64 seq → postcard(Refused), or the header of what could not be opened
//! Table::Meta         "reads"  → postcard(the version that has tried everything set aside)
//! ```

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{DeviceId, NodeId, Seq};
use offing_core::limits;
use offing_core::log::change::TextPart;
use offing_core::log::entry::EntryKind;
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Refused, Step};
use offing_core::ordered;
use offing_core::rpc::{Alarm, Event, Fault, SetAside, WhySetAside};
use offing_core::tree::memory::MemoryTree;
use offing_core::tree::{KnownOp, WorkingSet};

use super::come_back::is_gone;
use super::commit::put_increments;
use super::fault::from_store;
use super::pull::PullError;
use super::renew::replace_rows;
use super::{LOG_KEY, Own, Replica, encode, epochs};
use crate::host::{Host, Server};
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

/// Key of the version that has tried everything that was set aside, in `Table::Meta`.
const READS_KEY: &[u8] = b"reads";
/// This version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the log says when it is read again.
#[derive(Default)]
struct Again {
    /// The rows, of the log alone.
    tree: MemoryTree,
    lamport_max: u64,
    /// Texts of what was set aside.
    texts: Vec<(DeviceId, TextPart)>,
    also: Batch,
    /// Whether something that was set aside could be opened.
    opened: bool,
}

impl Again {
    fn apply(&mut self, ops: &[KnownOp]) {
        let changes = self.tree.apply(ops);
        self.lamport_max = self.lamport_max.max(changes.lamport_max);
    }
}

impl<H: Host> Replica<H> {
    /// Sets an entry aside; tells of it the first time.
    pub(super) async fn set_aside(
        &self,
        batch: &mut Batch,
        seq: Seq,
        what: &[u8],
    ) -> Result<(), Fault> {
        let known = self.host.store().get(Table::Quarantine, &seq.to_be_bytes()).await;
        if known.map_err(|e| from_store(&e))?.is_none() {
            batch.put(Table::Quarantine, seq.to_be_bytes(), what);
            self.emit(Event::Alarm(Alarm::EntryRefused { seq }));
        }
        Ok(())
    }

    /// Lists what was set aside, oldest first, as far as one window reaches.
    pub async fn all_set_aside(&self) -> Result<(Vec<SetAside>, u32), Fault> {
        let (store, all) = (self.host.store(), Range::all());
        let limit = limits::WINDOW_ROWS_MAX as u32;
        let rows = store.scan(Table::Quarantine, &all, 0, limit, Direction::Forward).await;
        let count = store.count(Table::Quarantine, &all).await.map_err(|e| from_store(&e))?;
        let listed = rows.map_err(|e| from_store(&e))?.into_iter().filter_map(|(key, value)| {
            let seq = u64::from_be_bytes(key.try_into().ok()?);
            Some(SetAside { seq, why: why(&value) })
        });
        Ok((listed.collect(), u32::try_from(count).unwrap_or(u32::MAX)))
    }

    /// Tries again what an earlier version set aside. Called by whoever holds the lock for
    /// pulling, with the log read to its end.
    pub(super) async fn try_set_aside(self: &Rc<Self>) -> Result<(), PullError> {
        let tried: Option<String> = self.meta(READS_KEY).await?;
        if tried.as_deref() == Some(VERSION) {
            return Ok(());
        }
        let keys = self.host.store().scan_keys(Table::Quarantine, &Range::all(), u32::MAX).await;
        let keys = keys.map_err(|e| PullError::Local(from_store(&e)))?;
        let places = keys.into_iter().filter_map(|key| key.try_into().ok());
        let aside: BTreeSet<Seq> = ordered::set(places.map(u64::from_be_bytes));
        if !aside.is_empty() {
            self.read_again(&aside).await?;
        }
        let mut batch = Batch::new();
        batch.put(Table::Meta, READS_KEY, encode(&VERSION));
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| PullError::Local(from_store(&e)))
    }

    /// Reads the log from its beginning to where this device has verified it.
    async fn read_again(self: &Rc<Self>, aside: &BTreeSet<Seq>) -> Result<(), PullError> {
        let verified: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let at = verified.at();
        let mut state = verified.from_the_start();
        let mut again = Again::default();
        while state.at().seq < at.seq {
            let after = state.at().seq;
            let page = self.host.server().read_log(self.vault, after, None).await;
            let page = page.map_err(PullError::Net)?;
            if !verified.is_of(&page.tip.incarnation) {
                return Err(PullError::Restored);
            }
            let steps = match state.check_page(self.host.crypto(), &page).await {
                Ok(steps) if !steps.is_empty() => steps,
                Err(HistoryError::Crypto(_)) => return Err(Fault::Internal.into()),
                Ok(_) | Err(_) => return Err(self.history_changed(after)),
            };
            let known = steps.partition_point(|step| step.point.seq <= at.seq);
            if steps[..known].iter().any(is_gone) {
                // Nothing that is set aside and can be read later is below a snapshot for which
                // bodies went.
                let retold = self.retell_beginning(&verified).await?;
                let retold = retold.ok_or(Fault::CannotOpen)?;
                again =
                    Again { tree: retold.tree, lamport_max: retold.lamport, ..Again::default() };
                state = retold.state;
                continue;
            }
            self.take_again(&mut again, &steps[..known], aside).await?;
        }
        // Read beyond it, the next pull begins there; its chain holds the verified place.
        if state.chain_at(at.seq).is_some_and(|chain| chain != at.chain) {
            return Err(self.history_changed(at.seq));
        }
        if state.at() == at {
            again.also.put(Table::Meta, LOG_KEY, encode(&state));
        }
        if again.opened {
            return Ok(self.begin_anew(again).await?);
        }
        Ok(self.write(again.also, Durability::Relaxed).await?)
    }

    /// Takes in what can be opened of a page.
    async fn take_again(
        &self,
        again: &mut Again,
        steps: &[Step],
        aside: &BTreeSet<Seq>,
    ) -> Result<(), Fault> {
        let mut ops = Vec::new();
        for step in steps {
            let seq = step.point.seq;
            let Ok(checked) = &step.outcome else { continue };
            let was_aside = aside.contains(&seq);
            let opened = match &checked.body {
                CheckedBody::Epoch(record) => {
                    epochs::keep_record(&mut again.also, record);
                    self.open_epoch(record).await?;
                    true
                }
                CheckedBody::Device(intro) => {
                    self.note_device(&mut again.also, checked, intro).await;
                    true
                }
                CheckedBody::Sealed(body) if checked.header.kind == EntryKind::Change => {
                    let change = self.open_change(checked, body).await;
                    let opened = change.is_some();
                    if let Some(change) = change {
                        ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
                        if was_aside || again.opened {
                            self.want_content(&mut again.also, &change);
                        }
                        // The others' texts are here already.
                        if was_aside {
                            let device = checked.header.device;
                            again.texts.extend(change.texts.into_iter().map(|part| (device, part)));
                        }
                    }
                    opened
                }
                // It was false, however well it can be read.
                CheckedBody::Sealed(_)
                    if matches!(checked.header.kind, EntryKind::Gc | EntryKind::Snapshot) =>
                {
                    false
                }
                CheckedBody::Sealed(_) | CheckedBody::Held(_) | CheckedBody::Recovery(_) => true,
            };
            if was_aside && opened {
                again.also.delete(Table::Quarantine, seq.to_be_bytes());
                again.opened = true;
            }
        }
        if again.opened {
            let mut before = WorkingSet::default();
            for KnownOp { op, .. } in &ops {
                before.put_row(op.node, again.tree.rows.get(&op.node).cloned());
            }
            self.keep_replaced(&mut again.also, &ops, &before).await?;
        }
        again.apply(&ops);
        Ok(())
    }

    /// Puts rows that are made of the log and of the outbox in the place of those here.
    async fn begin_anew(self: &Rc<Self>, mut again: Again) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let waiting = self.waiting().await?;
        for (waiting, change) in self.changes_of(waiting).await? {
            again.apply(&change.known_ops(None, waiting.header.seen_seq));
        }
        let mut batch = again.also;
        replace_rows(&mut batch, &again.tree);
        own.lamport = own.lamport.max(again.lamport_max);
        for (device, part) in &again.texts {
            put_increments(&mut batch, &mut own, std::slice::from_ref(part), *device);
        }
        batch.put(Table::Meta, Own::KEY, encode(&own));
        self.write(batch, Durability::Relaxed).await?;
        drop(guard);
        let typed = again.texts.iter().map(|(_, part)| part.node);
        self.announce_all(&again.tree, typed.collect()).await
    }

    /// Tells everybody that all rows were made anew, and these texts may have more.
    pub(super) async fn announce_all(
        self: &Rc<Self>,
        tree: &MemoryTree,
        texts: BTreeSet<NodeId>,
    ) -> Result<(), Fault> {
        let texts: BTreeSet<NodeId> = ordered::set(texts.into_iter().chain(self.open_texts()));
        for node in &texts {
            self.load_increments(*node).await?;
        }
        let folders = tree.rows.values().filter(|row| row.is_folder()).map(|row| row.node);
        let builtin = [NodeId::ROOT, NodeId::TRASH, NodeId::RECOVERED];
        self.announce(folders.chain(builtin).collect(), texts.into_iter().collect()).await
    }

    pub(super) fn history_changed(&self, seq: Seq) -> PullError {
        self.emit(Event::Alarm(Alarm::HistoryChanged { seq }));
        PullError::History
    }
}

/// What a row says, in people's terms.
fn why(value: &[u8]) -> WhySetAside {
    match postcard::take_from_bytes::<Refused>(value) {
        Ok((Refused::Malformed, [])) => WhySetAside::NotUnderstood,
        Ok((_, [])) => WhySetAside::NotGenuine,
        Ok(_) | Err(_) => WhySetAside::NotUnderstood,
    }
}
