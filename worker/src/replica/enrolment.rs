//! The first steps of a replica: its empty state, the first pull, the introduction.

use std::rc::Rc;

use offing_core::account::device::DeviceCertificate;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::DeviceIntro;
use offing_core::log::verify::LogState;
use offing_core::rpc::Fault;

use super::commit::CURSOR_KEY;
use super::fault::from_net;
use super::pull::PullError;
use super::{LOG_KEY, Own, Replica, encode};
use crate::host::Host;
use crate::push;
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

    /// Reads the log for the first time.
    pub(crate) async fn catch_up(self: &Rc<Self>) -> Result<(), Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        match self.pull().await {
            Ok(_) => Ok(()),
            Err(PullError::Net(error)) => Err(from_net(&error)),
            Err(PullError::History) => Err(Fault::CannotOpen),
            Err(PullError::Local(fault)) => Err(fault),
        }
    }

    /// Puts the device's certificate and name into the outbox.
    pub(crate) async fn introduce(
        self: &Rc<Self>,
        certificate: DeviceCertificate,
    ) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let cursor = self.meta(CURSOR_KEY).await?.unwrap_or(ChainPoint::START);
        let (number, epoch) = self.current_epoch()?;
        let crypto = self.host.crypto();
        let place = (&self.vault, number);
        let (salt, name) = (self.host.random(), &self.identity.device_name);
        let intro = DeviceIntro::seal(crypto, &epoch.secret, place, &salt, certificate, name).await;
        let intro = intro.map_err(|_| Fault::Internal)?;
        let header = Header {
            kind: EntryKind::Device,
            vault: Some(self.vault),
            device: self.identity.device,
            dseq: own.dseq + 1,
            prev: own.prev,
            seen_seq: cursor.seq,
            seen_chain: cursor.chain,
            epoch: number,
            streams: Vec::new(),
            chunks: Vec::new(),
        };
        let entry = author::write_clear(crypto, &header, intro.encode(), &self.keys.signing).await;
        let entry = entry.map_err(|_| Fault::Internal)?;
        own.dseq += 1;
        own.prev = entry.hash();
        let mut batch = Batch::new();
        self.put_entry(&mut batch, &own, &entry, Vec::new());
        self.write_strict(batch).await?;
        drop(guard);
        Ok(())
    }
}
