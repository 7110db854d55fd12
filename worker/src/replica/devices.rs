//! The account's devices: which there are, and taking one off.
//!
//! Taking one off is an entry that ends the epoch and names the device: from its place on
//! nobody takes what that device writes, and the server ends its sessions (ADR 13). It goes
//! through the outbox like every other entry, so it happens once, also after a crash.

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::crypto::RawKey;
use offing_core::id::DeviceId;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::{EpochRecord, NextEpoch};
use offing_core::log::verify::LogState;
use offing_core::rpc::{DeviceRow, Fault};
use offing_core::sync::machine::Event;

use super::commit::{CURSOR_KEY, Who};
use super::fault::from_store;
use super::pull::PullError;
use super::{LOG_KEY, Own, Replica, epochs};
use crate::host::{Host, Notice, Server};
use crate::push;
use crate::store::{Batch, Store, Table};

/// How long taking a device off waits for the log to say so, in steps of a tenth of a second.
const STEPS_MAX: u32 = 50;

impl<H: Host> Replica<H> {
    /// Lists the devices: this one first, then by name. When each was here last is the
    /// server's to say, if it can be reached.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, Fault> {
        let log: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let leaving = self.leaving().await?;
        let seen = self.host.server().devices().await.map(|devices| devices.devices);
        let seen = seen.unwrap_or_default();
        let mut rows = Vec::new();
        for (device, state) in log.devices() {
            if state.revoked_at.is_some() {
                continue;
            }
            let at = seen.iter().find(|seen| seen.device == *device);
            let row = DeviceRow {
                device: *device,
                name: self.device_name(*device).await,
                this: *device == self.device(),
                leaving: leaving.contains(device),
                signed_in_ms: at.map(|at| at.signed_in_ms),
                seen_ms: at.map(|at| at.seen_ms),
            };
            let place = |row: &DeviceRow| (!row.this, row.name.clone(), row.device);
            rows.insert(rows.partition_point(|other| place(other) < place(&row)), row);
        }
        Ok(rows)
    }

    /// Takes another device off the account. Needs the server, so that nobody believes it
    /// done while it is not.
    pub async fn take_off(self: &Rc<Self>, device: DeviceId) -> Result<(), Fault> {
        if device == self.device() {
            return Err(Fault::Internal);
        }
        let pulling = self.host.lock(&push::lock_name(&self.vault)).await;
        self.pull().await.map_err(PullError::fault)?;
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let seen = self.meta(CURSOR_KEY).await?.unwrap_or(ChainPoint::START);
        let entry = self.seal_epoch(&self.who(), &mut own, seen, vec![device]).await?;
        if let Some(entry) = &entry {
            let mut batch = Batch::new();
            self.put_entry(&mut batch, &own, entry, Vec::new());
            self.write_strict(batch).await?;
        }
        drop((guard, pulling));
        self.host.announce(&Notice::Outbox);
        self.count_pending().await?;
        self.tell(Event::Nudge);
        for _ in 0..STEPS_MAX {
            if self.is_off(device).await? {
                break;
            }
            self.host.sleep(100).await;
        }
        Ok(())
    }

    /// Writes the entry that ends the current epoch and takes devices off; `None` if all of
    /// them are off already.
    pub(super) async fn seal_epoch(
        &self,
        who: &Who<H>,
        own: &mut Own,
        seen: ChainPoint,
        devices: Vec<DeviceId>,
    ) -> Result<Option<Entry>, Fault> {
        let log: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let on = |device: &DeviceId| log.device(device).is_some_and(|d| d.revoked_at.is_none());
        let revoked: Vec<DeviceId> = devices.into_iter().filter(on).collect();
        if revoked.is_empty() {
            return Ok(None);
        }
        let (number, _) = self.current_epoch()?;
        let current = self.host.store().get(Table::Meta, &epochs::record_key(number)).await;
        let current = current.map_err(|e| from_store(&e))?.ok_or(Fault::Storage)?;
        let current = EpochRecord::decode(&current).map_err(|_| Fault::Storage)?;
        let (crypto, master) = (self.host.crypto(), self.keys.borrow().account.clone());
        let next = NextEpoch {
            vault: self.vault,
            state: &log,
            current: &current,
            account: self.identity().account,
            master: &master,
            tip: seen,
            revoked,
            secret: RawKey::new(self.host.random()),
            salts: [self.host.random(), self.host.random()],
        };
        let record = next.record(crypto).await.map_err(|_| Fault::CannotOpen)?;
        let header = self.next_header(EntryKind::Epoch, who.device, own, seen, record.epoch);
        let entry = author::write_clear(crypto, &header, record.encode(), &who.signing).await;
        let entry = entry.map_err(|_| Fault::Internal)?;
        own.dseq += 1;
        own.prev = entry.hash();
        Ok(Some(entry))
    }

    /// The devices that an entry of the outbox takes off.
    async fn leaving(&self) -> Result<BTreeSet<DeviceId>, Fault> {
        let mut leaving = BTreeSet::new();
        for waiting in self.waiting().await? {
            if waiting.header.kind == EntryKind::Epoch
                && let Ok(record) = EpochRecord::decode(&waiting.entry.body)
            {
                leaving.extend(record.revoked);
            }
        }
        Ok(leaving)
    }

    async fn is_off(&self, device: DeviceId) -> Result<bool, Fault> {
        let log: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        Ok(log.device(&device).is_none_or(|device| device.revoked_at.is_some()))
    }
}
