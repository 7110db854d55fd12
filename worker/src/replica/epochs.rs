//! The secrets of the vault's epochs, as this device holds them.

use std::rc::Rc;

use offing_core::content::chunk::ChunkSealer;
use offing_core::content::delta::BlockKey;
use offing_core::log::epoch::EpochRecord;
use offing_core::rpc::Fault;

use super::fault::from_store;
use super::{Epoch, Replica};
use crate::host::Host;
use crate::store::{Batch, Direction, Range, Store, Table};

/// Prefix of the records, in `Table::Meta`.
pub(super) const PREFIX: &[u8] = b"epoch/";

/// Adds an epoch record to what is kept on the device.
pub(crate) fn keep_record(batch: &mut Batch, record: &EpochRecord) {
    batch.put(Table::Meta, record_key(record.epoch), record.encode());
}

/// Where an epoch's record is kept.
pub(super) fn record_key(epoch: u32) -> Vec<u8> {
    [PREFIX, &epoch.to_be_bytes()].concat()
}

impl<H: Host> Replica<H> {
    /// Opens the secrets of all epochs whose records are on the device; once, however
    /// often and from wherever it is asked for.
    pub(crate) async fn open_secrets(&self) -> Result<(), Fault> {
        let mut done = self.has_secrets.lock().await;
        if *done {
            return Ok(());
        }
        self.open_new_epochs().await?;
        *done = true;
        Ok(())
    }

    /// Opens the secrets that are not open in this tab: another one may have read on.
    pub(super) async fn open_new_epochs(&self) -> Result<(), Fault> {
        let last = self.epochs.borrow().last_key_value().map_or(0, |(last, _)| *last);
        let new = Range { start: record_key(last + 1), ..Range::prefix(PREFIX) };
        let rows = self.host.store().scan(Table::Meta, &new, 0, u32::MAX, Direction::Forward);
        for (_, value) in rows.await.map_err(|e| from_store(&e))? {
            let record = EpochRecord::decode(&value).map_err(|_| Fault::Storage)?;
            self.open_epoch(&record).await?;
        }
        Ok(())
    }

    pub(super) async fn open_epoch(&self, record: &EpochRecord) -> Result<(), Fault> {
        let crypto = self.host.crypto();
        let account = self.identity.borrow().account;
        let master = self.keys.borrow().account.clone();
        let secret = record.open_secret(crypto, &account, &master).await;
        let secret = secret.map_err(|_| Fault::CannotOpen)?;
        let sealer = ChunkSealer::derive(crypto, &secret, self.vault, record.epoch).await;
        let sealer = sealer.map_err(|_| Fault::CannotOpen)?;
        let blocks = BlockKey::derive(crypto, &secret, &self.vault).await;
        let blocks = blocks.map_err(|_| Fault::CannotOpen)?;
        let epoch = Epoch { secret, sealer: Rc::new(sealer), blocks };
        self.epochs.borrow_mut().insert(record.epoch, epoch);
        Ok(())
    }

    /// The epoch with this number.
    pub(super) fn epoch(&self, number: u32) -> Result<Epoch<H::Crypto>, Fault> {
        self.epochs.borrow().get(&number).cloned().ok_or(Fault::CannotOpen)
    }

    /// The epoch that new entries and chunks are sealed in.
    pub(super) fn current_epoch(&self) -> Result<(u32, Epoch<H::Crypto>), Fault> {
        let epochs = self.epochs.borrow();
        let (number, epoch) = epochs.last_key_value().ok_or(Fault::CannotOpen)?;
        Ok((*number, epoch.clone()))
    }
}
