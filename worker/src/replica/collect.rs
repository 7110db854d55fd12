//! Garbage: pieces of snapshots that newer ones replaced, which a device calls dead for all.
//!
//! Whoever wrote the newest snapshot names, in an entry of kind *gc*, the pieces of those that
//! nobody begins with any more. Nothing that anything here names is ever among them, whatever
//! the server shows; contents of files, what they were before and what is in the trash are not
//! dead as long as people can see them, which is always. An entry of another device that calls
//! dead what is named here is set aside and told. The server has its own reasons to doubt one
//! (`docs/sync.md`), so nobody has to be in time to object.

use std::rc::Rc;

use offing_core::id::{ChunkId, Seq};
use offing_core::limits;
use offing_core::log::entry::EntryKind;
use offing_core::log::verify::{LogState, Refused};
use offing_core::rpc::Fault;

use super::commit::CURSOR_KEY;
use super::fault::from_net;
use super::snapshot::{NEWEST_KEY, Newest};
use super::{LOG_KEY, Replica, encode};
use crate::host::{Host, Notice, Server};
use crate::net::Remote;
use crate::store::{Batch, Durability, Table};

/// Key of the place of the snapshot for which dead pieces were last named, in `Table::Meta`.
const COLLECTED_KEY: &[u8] = b"collected";
/// Most replaced snapshots that are looked at: earlier ones were named before.
const REPLACED_MAX: u8 = 16;

impl<H: Host> Replica<H> {
    /// Collects, on its own, if this device wrote the newest snapshot.
    pub(super) fn collect_in_time(self: &Rc<Self>) {
        if !self.may_collect.replace(false) || !self.host.is_lasting() {
            return;
        }
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // What failed is tried again after a later pull.
            this.may_collect.set(this.collect().await.is_err());
        });
    }

    /// Names what is dead; says whether there was anything to name.
    pub async fn collect(self: &Rc<Self>) -> Result<bool, Fault> {
        let lock = format!("collect:{}", self.vault);
        let Some(_turn) = self.host.try_lock(&lock).await else {
            return Ok(false);
        };
        let newest: Option<Newest> = self.meta(NEWEST_KEY).await?;
        let collected: Option<Seq> = self.meta(COLLECTED_KEY).await?;
        let Some(newest) = newest.filter(|newest| {
            newest.device == self.device() && collected.is_none_or(|seq| seq < newest.seq)
        }) else {
            return Ok(false);
        };
        let mut dead = self.replaced_pieces().await?;
        let named = self.named(&dead.iter().copied().collect(), false).await?.unwrap_or_default();
        dead.retain(|id| !named.contains_key(id));
        let mut batch = Batch::new();
        batch.put(Table::Meta, COLLECTED_KEY, encode(&newest.seq));
        if dead.is_empty() {
            self.write(batch, Durability::Relaxed).await?;
            return Ok(false);
        }
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let seen = self.meta(CURSOR_KEY).await?.ok_or(Fault::Storage)?;
        let entry = self.seal_entry(&self.who(), &mut own, seen, EntryKind::Gc, &dead, &[]).await?;
        // The entry needs none of the chunks that it names.
        self.put_entry(&mut batch, &own, &entry, Vec::new());
        self.write_strict(batch).await?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await?;
        Ok(true)
    }

    /// The pieces of replaced snapshots that the server still has.
    async fn replaced_pieces(&self) -> Result<Vec<ChunkId>, Fault> {
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let (server, first) = (self.host.server(), limits::SNAPSHOTS_KEPT);
        let mut dead = Vec::new();
        for skip in first..first + REPLACED_MAX {
            let page = server.beginning(self.vault, skip).await.map_err(|e| from_net(&e))?;
            // What no device of the account signed ends the search like the first of all.
            let Some(shown) = state.check_beginning(self.host.crypto(), &page).await else {
                break;
            };
            let pieces = shown.header.chunks;
            if dead.len() + pieces.len() > limits::ENTRY_CHUNKS_MAX {
                break;
            }
            let before = dead.len();
            for ids in pieces.chunks(limits::HAVE_IDS_MAX) {
                let have = server.have(self.vault, ids).await.map_err(|e| from_net(&e))?;
                let held = ids.iter().zip(have).filter(|(_, has)| *has);
                dead.extend(held.map(|(id, _)| *id));
            }
            if dead.len() == before {
                break;
            }
        }
        Ok(dead)
    }

    /// Judges entries by which other devices call chunks dead: those that name what is named
    /// here are set aside.
    pub(super) async fn judge_deaths(&self, deaths: &[(Seq, Vec<ChunkId>)]) -> Result<(), Fault> {
        if deaths.is_empty() {
            return Ok(());
        }
        let all = deaths.iter().flat_map(|(_, dead)| dead.iter().copied()).collect();
        let named = self.named(&all, false).await?.unwrap_or_default();
        let mut batch = Batch::new();
        for (seq, dead) in deaths {
            if dead.iter().any(|id| named.contains_key(id)) {
                self.set_aside(&mut batch, *seq, &encode(&Refused::StillNamed)).await?;
            }
        }
        self.write(batch, Durability::Relaxed).await
    }
}
