//! Entries that were set aside: told, and tried again by a later version.
//!
//! An entry that is not genuine, or that this version cannot open, keeps its place in the
//! log and a row here. When the app is a later version than the one that read the log, and
//! something was set aside, the log is read and verified once more from its beginning: what
//! can be opened now is merged, with all that came after it and may stand on it. The cursor
//! stays where it is; merging what is known already changes nothing.
//!
//! ```text
//! Table::Quarantine   be64 seq → postcard(Refused), or the header of what could not be opened
//! Table::Meta         "reads"  → postcard(the version that has tried everything set aside)
//! ```

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::{NodeId, Seq};
use offing_core::limits;
use offing_core::log::entry::EntryKind;
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Refused, Step};
use offing_core::ordered;
use offing_core::rpc::{Alarm, Event, Fault, SetAside, WhySetAside};
use offing_core::tree::WorkingSet;

use super::commit::{put_changes, put_increments};
use super::fault::from_store;
use super::pull::{Brought, PullError};
use super::{LOG_KEY, Own, Replica, encode, epochs};
use crate::host::{Host, Server};
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

/// Key of the version that has tried everything that was set aside, in `Table::Meta`.
const READS_KEY: &[u8] = b"reads";
/// This version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

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
        let mut state = verified.from_the_start();
        while state.at().seq < verified.at().seq {
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
            self.take_again(&steps, aside).await?;
        }
        // Read beyond it, the next pull begins there; its chain holds the verified place.
        let at = verified.at();
        if state.chain_at(at.seq).is_some_and(|chain| chain != at.chain) {
            return Err(self.history_changed(at.seq));
        }
        if state.at() == at {
            let mut batch = Batch::new();
            batch.put(Table::Meta, LOG_KEY, encode(&state));
            let written = self.host.store().write(batch, Durability::Relaxed).await;
            written.map_err(|e| from_store(&e))?;
        }
        Ok(())
    }

    /// Merges what can be opened of a page, from the first entry that was set aside on.
    async fn take_again(
        self: &Rc<Self>,
        steps: &[Step],
        aside: &BTreeSet<Seq>,
    ) -> Result<(), Fault> {
        let mut brought = Brought::default();
        for step in steps {
            let seq = step.point.seq;
            let Ok(checked) = &step.outcome else { continue };
            if aside.first().is_none_or(|first| seq < *first) {
                continue;
            }
            let was_aside = aside.contains(&seq);
            let opened = match &checked.body {
                CheckedBody::Epoch(record) => {
                    epochs::keep_record(&mut brought.also, record);
                    self.open_epoch(record).await?;
                    true
                }
                CheckedBody::Device(intro) => {
                    self.note_device(&mut brought.also, checked, intro).await;
                    true
                }
                CheckedBody::Sealed(body) if checked.header.kind == EntryKind::Change => {
                    let change = self.open_change(checked, body).await;
                    if let Some(change) = &change {
                        brought.ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
                        self.want_content(&mut brought.also, change);
                    }
                    let device = checked.header.device;
                    let texts = change.as_ref().map(|change| change.texts.clone());
                    // The others' texts are stored already.
                    if was_aside {
                        let texts = texts.into_iter().flatten().map(|part| (device, part));
                        brought.texts.extend(texts);
                    }
                    change.is_some()
                }
                // It was false, however well it can be read.
                CheckedBody::Sealed(_) if checked.header.kind == EntryKind::Gc => false,
                CheckedBody::Sealed(_) | CheckedBody::Held(_) | CheckedBody::Recovery(_) => true,
            };
            if was_aside && opened {
                brought.also.delete(Table::Quarantine, seq.to_be_bytes());
            }
        }
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
        batch.put(Table::Meta, Own::KEY, encode(&own));
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))?;
        drop(guard);
        let typed = brought.texts.iter().map(|(_, part)| part.node);
        let texts: BTreeSet<NodeId> = ordered::set(typed.chain(replaced));
        for node in &texts {
            self.load_increments(*node).await?;
        }
        self.announce(changes.folders.into_iter().collect(), texts.into_iter().collect()).await
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
