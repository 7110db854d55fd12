//! The server was restored from a backup: it is given back what it lacks, and goes on.
//!
//! While the server has a life that this replica did not adopt, nothing is pushed and the log
//! is read as far as it goes. A person gives back from here what the server lacks: chunks
//! first, then the entries of the tail, in their old order, so the chain is the old one.
//! Another device may have seen more and gives back that. Then, on one of them, an entry of
//! kind *recovery* adopts the new life at the tip that was reached, for everybody.

use std::ops::ControlFlow;
use std::rc::Rc;

use offing_core::id::{ChunkId, NodeId, Seq};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::log::verify::LogState;
use offing_core::proto::{AppendResult, Code, Tip, encode_give_back};
use offing_core::rpc::{Alarm, Event, Fault, Lacking};
use offing_core::sync::machine;

use super::expiry::AGE_KEY;
use super::fault::{from_net, from_store};
use super::pull::PullError;
use super::{LOG_KEY, Own, Replica};
use crate::host::{Host, Notice, Server};
use crate::push;
use crate::store::{Batch, Durability, Table, outbox, tail};

/// Key that says that chunks are to be offered, in `Table::Meta`.
const OFFER_KEY: &[u8] = b"offer";

impl<H: Host> Replica<H> {
    /// The server lacks what is here, or takes nothing before a person decides.
    pub(super) fn is_restored(&self) {
        self.restored.set(true);
        self.emit(Event::Alarm(Alarm::ServerRestored));
    }

    /// The log was read to its end, in a life of the server that is adopted. Says whether
    /// that is news: then what waits is offered.
    pub(super) fn goes_on(&self) -> bool {
        self.lacking.set(0);
        let news = self.restored.replace(false);
        if news {
            self.emit(Event::AlarmOver(Alarm::ServerRestored));
        }
        news
    }

    /// After a recovery was read: offers the chunks that are here, once. Whoever gave back the
    /// entries may not have had them. Called by whoever holds the lock for pulling.
    pub(super) async fn offer_chunks(&self) -> Result<(), Fault> {
        if self.offered_chunks.get() {
            return Ok(());
        }
        if self.meta_bytes(OFFER_KEY).await?.is_some() {
            self.give_back_chunks().await?;
            let mut batch = Batch::new();
            batch.delete(Table::Meta, OFFER_KEY);
            self.write(batch, Durability::Relaxed).await?;
        }
        self.offered_chunks.set(true);
        Ok(())
    }

    /// The server went on without what was seen here. Nothing more is taken from it; what it has
    /// of others may name chunks that are here alone, so it gets those once.
    pub(super) async fn is_left_behind(&self, seq: Seq) {
        self.emit(Event::Alarm(Alarm::LeftBehind { seq }));
        if !self.left_behind.replace(true) {
            self.offered_chunks.set(false);
        }
        if !self.offered_chunks.get() {
            self.offered_chunks.set(self.give_back_chunks().await.is_ok());
        }
    }

    /// What was sent may be gone there.
    pub(super) fn may_lack_chunks(&self) -> bool {
        self.restored.get() || self.left_behind.get()
    }

    /// Takes in that the log goes on in another life of the server.
    pub(super) fn note_recovery(&self, batch: &mut Batch) {
        // What was acknowledged may be gone: all of it is offered again.
        outbox::forget_acks(batch, &self.vault);
        batch.put(Table::Meta, OFFER_KEY, []);
        // Its places are those of another log from some place on.
        batch.delete(Table::Meta, AGE_KEY);
        self.offered_chunks.set(false);
        self.restored.set(true);
    }

    /// What the server lacks of what was verified here.
    pub async fn lacking_there(self: &Rc<Self>) -> Result<Lacking, Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let (state, tip) = self.standing().await?;
        self.lacks(&state, &tip).await
    }

    /// Gives the server back what it lacks, as far as it is here.
    pub async fn give_back(self: &Rc<Self>) -> Result<Lacking, Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        self.give_back_chunks().await?;
        let (state, tip) = self.standing().await?;
        let mut after = ChainPoint { seq: tip.seq, chain: tip.chain };
        while after.seq < state.at().seq {
            let store = self.host.store();
            let piece = tail::read(store, after.seq).await.map_err(|e| from_store(&e))?;
            let Some(piece) = piece.filter(|piece| piece.before == after) else {
                break;
            };
            let mut bytes = 0;
            let fits = piece.entries.iter().take(limits::APPEND_ENTRIES_MAX).take_while(|wire| {
                bytes += 4 + wire.len();
                bytes + 4 <= limits::APPEND_BYTES_MAX
            });
            let fits = &piece.entries[..fits.count().max(1)];
            let body = encode_give_back(after.seq, &after.chain, fits);
            let given = self.host.server().give_back(self.vault, &body).await;
            let given = given.map_err(|e| from_net(&e))?;
            let taken = given.results.iter().filter(|result| {
                matches!(result, AppendResult::Ok { .. } | AppendResult::Dup { .. })
            });
            if taken.count() != fits.len() {
                return Err(Fault::CannotOpen);
            }
            for wire in fits {
                let entry = Entry::decode(wire).map_err(|_| Fault::Storage)?;
                after = after.extend(&entry.hash());
            }
        }
        let (state, tip) = self.standing().await?;
        self.lacks(&state, &tip).await
    }

    /// Adopts the server's new life, for everybody: what it has now is the log, and what
    /// waits here comes after it.
    pub async fn go_on(self: &Rc<Self>) -> Result<(), Fault> {
        let guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let (state, tip) = self.standing().await?;
        let lacking = self.lacks(&state, &tip).await?;
        if lacking.entries > 0 {
            return Err(Fault::Unsynced { pending: lacking.entries });
        }
        if state.at().seq < tip.seq {
            // It cannot read on as the device that it is; another one has to.
            return Err(Fault::CannotOpen);
        }
        self.write_recovery(RecoveryRecord { incarnation: tip.incarnation, tip: state.at() })
            .await?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await?;
        self.tell(machine::Event::Rewritten);
        Ok(())
    }

    /// Writes an entry of kind *recovery* as the next one of this device.
    pub(super) async fn seal_recovery(
        &self,
        own: &mut Own,
        seen: ChainPoint,
        record: RecoveryRecord,
    ) -> Result<Entry, Fault> {
        let who = self.who();
        let (number, _) = self.current_epoch()?;
        let header = self.next_header(EntryKind::Recovery, who.device, own, seen, number);
        let crypto = self.host.crypto();
        let entry = author::write_clear(crypto, &header, record.encode(), &who.signing).await;
        let entry = entry.map_err(|_| Fault::Internal)?;
        own.dseq += 1;
        own.prev = entry.hash();
        Ok(entry)
    }

    /// The verified log and the server's tip, with everything read that the server has.
    async fn standing(self: &Rc<Self>) -> Result<(LogState, Tip), Fault> {
        match self.pull().await {
            // A copied profile becomes a device of its own when the server goes on; what it
            // has seen it can give back before.
            Ok(_) | Err(PullError::Restored | PullError::Unseated(_)) => {}
            Err(error) => return Err(error.fault()),
        }
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let page = self.host.server().read_log(self.vault, state.at().seq, None).await;
        Ok((state, page.map_err(|e| from_net(&e))?.tip))
    }

    async fn lacks(&self, state: &LogState, tip: &Tip) -> Result<Lacking, Fault> {
        let entries = state.at().seq.saturating_sub(tip.seq);
        let before = ChainPoint { seq: tip.seq, chain: tip.chain };
        let piece = tail::read(self.host.store(), tip.seq).await.map_err(|e| from_store(&e))?;
        Ok(Lacking {
            entries: u32::try_from(entries).unwrap_or(u32::MAX),
            kept: entries == 0 || piece.is_some_and(|piece| piece.before == before),
        })
    }

    /// Sends chunks that are here and that the server lacks, whatever names them: the tail is
    /// dropped where there was no room for it. Of what it lacks otherwise, another device may
    /// have some.
    async fn give_back_chunks(&self) -> Result<(), Fault> {
        let mut looked = false;
        loop {
            let here: Vec<ChunkId> = self.all_held().await?.into_iter().map(|(id, _)| id).collect();
            let (store, held, server) = (self.host.store(), self.host.chunks(), self.host.server());
            let observe = &mut |_: &push::Step| ControlFlow::Continue(());
            let sent =
                push::upload(self.vault, &here, store, held, server, &self.pace, observe).await;
            match sent {
                Ok(_) => return Ok(()),
                Err(push::PushError::Net(error))
                    if error.code() == Some(Code::ChunkMismatch) && !looked =>
                {
                    // What is damaged here is in the way of all others. Looking at it lets go of it.
                    for id in here {
                        self.sealed_chunk(id, NodeId::ROOT).await.ok();
                    }
                    looked = true;
                }
                Err(push::PushError::Store(error)) => return Err(from_store(&error)),
                Err(push::PushError::Net(error)) => return Err(from_net(&error)),
            }
        }
    }
}
