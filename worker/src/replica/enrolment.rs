//! The first steps of a replica: its empty state and its introduction.

use std::rc::Rc;

use offing_core::account::device::DeviceCertificate;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::DeviceIntro;
use offing_core::log::verify::LogState;
use offing_core::rpc::Fault;

use super::commit::{CURSOR_KEY, Who};
use super::{LOG_KEY, Own, Replica, encode};
use crate::host::Host;
use crate::store::{Batch, Table};

impl<H: Host> Replica<H> {
    /// Adds the state of a replica that has read nothing; `founded` is this device's own
    /// genesis entry, if it founded the vault.
    pub(crate) fn begin(batch: &mut Batch, state: &LogState, founded: Option<&Entry>) {
        let mut own = Own::START;
        if let Some(entry) = founded {
            own.dseq = 1;
            own.prev = entry.hash();
        }
        batch.put(Table::Meta, Own::KEY, encode(&own));
        batch.put(Table::Meta, LOG_KEY, encode(state));
        batch.put(Table::Meta, CURSOR_KEY, encode(&ChainPoint::START));
    }

    /// Puts the device's certificate and name into the outbox.
    pub(crate) async fn introduce(
        self: &Rc<Self>,
        certificate: DeviceCertificate,
    ) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let cursor = self.meta(CURSOR_KEY).await?.unwrap_or(ChainPoint::START);
        let name = self.identity().device_name;
        let entry = self.seal_intro(&self.who(), &mut own, cursor, certificate, &name).await?;
        let mut batch = Batch::new();
        self.put_entry(&mut batch, &own, &entry, Vec::new());
        self.write_strict(batch).await?;
        drop(guard);
        Ok(())
    }

    /// Writes the entry with which a device introduces itself.
    pub(super) async fn seal_intro(
        &self,
        who: &Who<H>,
        own: &mut Own,
        seen: ChainPoint,
        certificate: DeviceCertificate,
        name: &str,
    ) -> Result<Entry, Fault> {
        let (number, epoch) = self.current_epoch()?;
        let (crypto, salt) = (self.host.crypto(), self.host.random());
        let place = (&self.vault, number);
        let intro = DeviceIntro::seal(crypto, &epoch.secret, place, &salt, certificate, name).await;
        let intro = intro.map_err(|_| Fault::Internal)?;
        let header = self.next_header(EntryKind::Device, who.device, own, seen, number);
        let entry = author::write_clear(crypto, &header, intro.encode(), &who.signing).await;
        let entry = entry.map_err(|_| Fault::Internal)?;
        own.dseq += 1;
        own.prev = entry.hash();
        Ok(entry)
    }
}
