//! What waits in the outbox and was sealed in an epoch that has ended, sealed again.
//!
//! Another device was taken off meanwhile, and the server takes nothing of an epoch before
//! the current one. None of these entries is in the log, or the pull that found the new
//! epoch would have taken them out of the outbox; so each keeps its counter, its ops and
//! what it had seen, and only body, epoch and chain are new. One strict transaction.

use std::collections::BTreeMap;
use std::rc::Rc;

use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::{DeviceIntro, EpochRecord};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::rpc::Fault;

use super::commit::Who;
use super::fault::from_store;
use super::renew::Waiting;
use super::{Own, Replica, encode};
use crate::host::Host;
use crate::store::outbox::{self, OutboxItem};
use crate::store::{Batch, Table};

impl<H: Host> Replica<H> {
    /// Seals what waits in the current epoch; says whether there was anything to do. Called
    /// by whoever holds the lock for pulling, with the log read to its end.
    pub(super) async fn reseal(self: &Rc<Self>) -> Result<bool, Fault> {
        let first = outbox::items(self.host.store(), &self.vault, 0, 1).await;
        let first = first.map_err(|e| from_store(&e))?;
        if first.is_empty() {
            return Ok(false);
        }
        self.open_new_epochs().await?;
        let (current, _) = self.current_epoch()?;
        let guard = self.host.lock(&self.commit_lock()).await;
        let waiting = self.waiting().await?;
        if !waiting.iter().any(|waiting| is_stale(waiting, current)) {
            return Ok(false);
        }
        let counters = self.write_all_anew(waiting, None).await?;
        drop(guard);
        self.renumbered(counters);
        Ok(true)
    }

    /// Writes an entry of kind *recovery*, and after it what waits.
    pub(super) async fn write_recovery(
        self: &Rc<Self>,
        record: RecoveryRecord,
    ) -> Result<(), Fault> {
        self.open_new_epochs().await?;
        let guard = self.host.lock(&self.commit_lock()).await;
        let waiting = self.waiting().await?;
        let counters = self.write_all_anew(waiting, Some(record)).await?;
        drop(guard);
        self.renumbered(counters);
        Ok(())
    }

    /// Writes everything in the outbox anew, behind a recovery if there is to be one; under
    /// the commit lock. Says which counters became which.
    async fn write_all_anew(
        &self,
        waiting: Vec<Waiting>,
        mut recovery: Option<RecoveryRecord>,
    ) -> Result<BTreeMap<u64, u64>, Fault> {
        let (mut own, cursor) = self.own_and_cursor().await?;
        // Nobody has seen less later than before.
        let seen = waiting.first().map_or(cursor, Waiting::seen);
        if let Some(first) = waiting.first() {
            (own.dseq, own.prev) = (first.item.dseq - 1, first.header.prev);
        }
        let mut batch = Batch::new();
        let mut counters = BTreeMap::new();
        outbox::forget_all(&mut batch, &self.vault);
        let who = self.who();
        for waiting in waiting {
            let before = waiting.item.clone();
            // A device's first entry introduces it.
            if before.dseq > 1
                && let Some(record) = recovery.take()
            {
                let entry = self.seal_recovery(&mut own, seen, record).await?;
                self.put_entry(&mut batch, &own, &entry, Vec::new());
            }
            let Some(entry) = self.sealed_again(&who, &mut own, waiting).await? else {
                continue;
            };
            counters.insert(before.dseq, own.dseq);
            self.enqueue(&mut batch, OutboxItem { dseq: own.dseq, ..before }, &entry);
        }
        if let Some(record) = recovery {
            let entry = self.seal_recovery(&mut own, seen, record).await?;
            self.put_entry(&mut batch, &own, &entry, Vec::new());
        }
        batch.put(Table::Meta, Own::KEY, encode(&own));
        self.write_strict(batch).await?;
        Ok(counters)
    }

    /// The entry in the current epoch; `None` if nothing of it is left to say.
    async fn sealed_again(
        &self,
        who: &Who<H>,
        own: &mut Own,
        waiting: Waiting,
    ) -> Result<Option<Entry>, Fault> {
        let (crypto, seen) = (self.host.crypto(), waiting.seen());
        match waiting.header.kind {
            EntryKind::Change => {
                let changes = self.changes_of(vec![waiting]).await?;
                let (waiting, change) = changes.into_iter().next().ok_or(Fault::Storage)?;
                let chunks = &waiting.item.chunks;
                self.seal_change(who, own, seen, chunks, &change).await.map(Some)
            }
            EntryKind::Device => {
                let intro = DeviceIntro::decode(&waiting.entry.body).map_err(|_| Fault::Storage)?;
                let epoch = waiting.header.epoch;
                let secret = self.epoch(epoch)?.secret;
                let name = intro.open_name(crypto, &secret, &self.vault, epoch).await;
                let name = name.ok().flatten().unwrap_or_default();
                self.seal_intro(who, own, seen, intro.certificate, &name).await.map(Some)
            }
            EntryKind::Epoch => {
                let record =
                    EpochRecord::decode(&waiting.entry.body).map_err(|_| Fault::Storage)?;
                self.seal_epoch(who, own, seen, record.revoked).await
            }
            EntryKind::Gc | EntryKind::Heartbeat if waiting.header.is_about_contents() => {
                let (number, kind) = (self.current_epoch()?.0, waiting.header.kind);
                let mut header = self.next_header(kind, who.device, own, seen, number);
                (header.streams, header.chunks) = (waiting.header.streams, waiting.header.chunks);
                self.seal_headed(who, own, &header, &[]).await.map(Some)
            }
            // Another device was faster, or gave back more; another snapshot is due before long,
            // whoever writes it collects, and others countersign it.
            EntryKind::Recovery | EntryKind::Snapshot | EntryKind::Gc | EntryKind::Heartbeat => {
                Ok(None)
            }
            EntryKind::Share => Err(Fault::Internal),
        }
    }
}

/// Says whether the server refuses it in this epoch: a record begins the next one. A recovery
/// that waits still came too late.
fn is_stale(waiting: &Waiting, current: u32) -> bool {
    if waiting.header.kind == EntryKind::Recovery {
        return true;
    }
    let begins = u32::from(waiting.header.kind == EntryKind::Epoch);
    waiting.header.epoch < current + begins
}
