//! Entries of this device in the log: those that wait here, and those of another copy of the
//! profile.

use std::collections::HashMap;

use offing_core::id::Hash;
use offing_core::log::entry::Entry;
use offing_core::log::verify::{Checked, Step};
use offing_core::rpc::Fault;

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::outbox;

impl<H: Host> Replica<H> {
    /// Finds an entry signed as this device that this device never wrote: a copy of the
    /// profile did. Taking it would count what waits here as sent, and mix two authors'
    /// ops of one name.
    pub(super) async fn a_copy_wrote(
        &self,
        steps: &[Step],
        waiting: &HashMap<u64, Entry>,
    ) -> Result<bool, Fault> {
        let mut own = self.own_steps(steps).peekable();
        if own.peek().is_none() {
            return Ok(false);
        }
        let last = self.own().await?.dseq;
        Ok(own.any(|(hash, checked)| {
            let waits = waiting.get(&checked.header.dseq);
            // Two entries on top of the same one have equal headers: only bodies differ.
            let other = waits.is_some_and(|entry| entry.hash() != hash);
            other || checked.header.dseq > last
        }))
    }

    /// The entries of this device, with their hashes.
    pub(super) fn own_steps<'a>(
        &self,
        steps: &'a [Step],
    ) -> impl Iterator<Item = (Hash, &'a Checked)> {
        let device = self.device();
        let checked =
            |step: &'a Step| step.outcome.as_ref().ok().map(|checked| (step.hash, checked));
        let checked = steps.iter().filter_map(checked);
        checked.filter(move |(_, checked)| checked.header.device == device)
    }

    /// The entries of this device among these that wait in its outbox still, by counter.
    pub(super) async fn waiting_for(&self, steps: &[Step]) -> Result<HashMap<u64, Entry>, Fault> {
        let dseqs: Vec<u64> =
            self.own_steps(steps).map(|(_, checked)| checked.header.dseq).collect();
        let found = outbox::find(self.host.store(), &self.vault, &dseqs).await;
        let found = dseqs.into_iter().zip(found.map_err(|e| from_store(&e))?);
        Ok(found.filter_map(|(dseq, wire)| Some((dseq, Entry::decode(&wire?).ok()?))).collect())
    }
}
