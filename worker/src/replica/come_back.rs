//! A device that was away so long that bodies it never read are gone from the log.
//!
//! It reads on by what is left of the entries, which is all that the chain is made of; so nothing
//! is hidden from it and nothing slipped in. What they said it has from a snapshot that has all of
//! them, and from the log after that. Its own place comes out the same either way, or the
//! snapshot does not hold. Then rows are made of that, with what waits in the outbox on top; texts
//! get the changes they lack, and nothing that is here is taken away. One strict transaction.
//!
//! A server that lets go of bodies and has no such snapshot hides them: that is an alarm.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use offing_core::id::{ChunkId, DeviceId, Hash, NodeId, Seq};
use offing_core::log::change::TextPart;
use offing_core::log::entry::EntryKind;
use offing_core::log::verify::{Checked, CheckedBody, LogState, Step};
use offing_core::proto::Tip;
use offing_core::rpc::Fault;
use offing_core::text::change_name;

use super::commit::{CURSOR_KEY, put_increments};
use super::countersign::past_ops;
use super::pull::{Brought, PullError};
use super::renew::{Unseated, replace_rows};
use super::retell::{Retold, Rows};
use super::text_store::{self, change_key, names_of_row};
use super::{LOG_KEY, Own, Replica, encode, keep, rewind};
use crate::host::{Host, Server};
use crate::store::{Batch, Table, outbox, tail};

/// The log from the cursor on, by what is left of it.
pub(super) struct Skimmed {
    /// The log up to the server's tip.
    pub(super) state: LogState,
    /// The tip.
    pub(super) tip: Tip,
    pub(super) brought: Brought,
    /// Snapshots, with the hashes of their entries, oldest first.
    snapshots: Vec<(Hash, Checked)>,
    /// The last place whose body is gone.
    gone: Seq,
    /// The hashes of this device's entries, by their counters.
    pub(super) own: BTreeMap<u64, Hash>,
    /// Another copy of the profile wrote some of those.
    copied: bool,
}

/// What takes the place of entries whose bodies are gone, up to the server's tip.
pub(super) struct Instead {
    /// The log, by what is left of it.
    pub(super) skimmed: Skimmed,
    /// What it says.
    pub(super) retold: Retold,
}

/// Says whether an entry's body is gone from the server.
pub(super) fn is_gone(step: &Step) -> bool {
    step.outcome.as_ref().is_ok_and(|checked| matches!(checked.body, CheckedBody::Held(_)))
}

impl<H: Host> Replica<H> {
    /// Takes a snapshot and the log after it in the place of entries whose bodies are gone.
    /// Called by whoever holds the lock for pulling.
    pub(super) async fn come_back(
        self: &Rc<Self>,
        from: &LogState,
    ) -> Result<(LogState, Tip), PullError> {
        let instead = self.read_instead(from).await?;
        if instead.skimmed.copied {
            return Err(PullError::Unseated(Unseated::Copied));
        }
        let reached = (instead.skimmed.state.clone(), instead.skimmed.tip);
        self.take_instead(instead).await?;
        Ok(reached)
    }

    /// Reads what takes the place of entries whose bodies are gone, into memory.
    pub(super) async fn read_instead(&self, from: &LogState) -> Result<Instead, PullError> {
        let skimmed = self.skim(from).await?;
        for (_, checked) in skimmed.snapshots.iter().rev() {
            if let Some(retold) = self.retell_instead(&skimmed, checked).await? {
                return Ok(Instead { skimmed, retold });
            }
        }
        // It may have been restored meanwhile.
        let mut state = skimmed.state.clone();
        let page = self.host.server().read_log(self.vault, state.at().seq, None).await;
        let page = page.map_err(PullError::Net)?;
        match state.check_page(self.host.crypto(), &page).await {
            Ok(_) => Err(self.history_changed(from.at().seq)),
            Err(error) => Err(self.contradicted(error, &skimmed.state, &page.tip).await),
        }
    }

    /// Reads the log to its end by headers and hashes.
    async fn skim(&self, from: &LogState) -> Result<Skimmed, PullError> {
        let (mut state, mut brought) = (from.clone(), Brought::default());
        let (mut snapshots, mut gone) = (Vec::new(), 0);
        let (mut own, mut copied) = (BTreeMap::new(), false);
        loop {
            let page = self.host.server().read_log(self.vault, state.at().seq, None).await;
            let page = page.map_err(PullError::Net)?;
            let checked = state.check_page(self.host.crypto(), &page).await;
            let steps = match checked {
                Ok(steps) => steps,
                Err(error) => return Err(self.contradicted(error, &state, &page.tip).await),
            };
            let waiting = self.waiting_for(&steps).await?;
            copied |= self.a_copy_wrote(&steps, &waiting).await?;
            let mine = self.own_steps(&steps).map(|(hash, checked)| (checked.header.dseq, hash));
            own.extend(mine);
            for step in steps {
                self.note_step(&step, &mut brought).await?;
                if is_gone(&step) {
                    gone = step.point.seq;
                }
                if let Ok(checked) = step.outcome
                    && checked.header.kind == EntryKind::Snapshot
                {
                    snapshots.push((step.hash, checked));
                }
            }
            if state.at().seq >= page.tip.seq {
                let tip = page.tip;
                return Ok(Skimmed { state, tip, brought, snapshots, gone, own, copied });
            }
        }
    }

    /// What a snapshot and the log after it say; `None` if it does not hold, or has not all
    /// that is gone.
    async fn retell_instead(
        &self,
        skimmed: &Skimmed,
        checked: &Checked,
    ) -> Result<Option<Retold>, PullError> {
        let (state, header) = (&skimmed.state, &checked.header);
        let signer = state.device(&header.device);
        let (CheckedBody::Sealed(body), Some(None)) =
            (&checked.body, signer.map(|signer| signer.revoked_at))
        else {
            return Ok(None);
        };
        let opened = self.open_snapshot_body(header, &checked.header_bytes, body).await;
        let Some(body) = opened.filter(|body| body.at.seq >= skimmed.gone) else {
            return Ok(None);
        };
        let empty = state.from_the_start();
        let retold = self.retell_snapshot(&empty, header, &body).await.map_err(PullError::Net)?;
        let Some(mut retold) = retold else {
            return Ok(None);
        };
        match self.read_on(&mut retold, state.at().seq, &mut |_| ()).await {
            Ok(()) => Ok(Some(retold).filter(|retold| retold.state.freeze() == state.freeze())),
            Err(PullError::Local(Fault::CannotOpen)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts what was retold in the place of all rows, with what waits here on top.
    async fn take_instead(self: &Rc<Self>, instead: Instead) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let Instead { skimmed: Skimmed { state, brought, .. }, mut retold } = instead;
        let Brought { also: mut batch, own_dseq, pieces, deaths, .. } = brought;
        let mut waiting = self.waiting().await?;
        waiting.retain(|waiting| waiting.item.dseq > own_dseq);
        for (waiting, change) in self.changes_of(waiting).await? {
            retold.tree.apply(&change.known_ops(None, waiting.header.seen_seq));
        }
        replace_rows(&mut batch, &retold.tree);
        let texts = self.put_retold(&mut batch, &mut own, &state, &retold).await?;
        if own_dseq > 0 {
            self.mark_sent(&mut batch, own_dseq).await?;
            outbox::forget_through(&mut batch, &self.vault, own_dseq);
        }
        batch.put(Table::Meta, Own::KEY, encode(&own));
        self.write_strict(batch).await?;
        drop(guard);
        self.went_on(&pieces, &deaths).await?;
        self.settle_uploads(own_dseq);
        self.announce_all(&retold.tree, texts).await
    }

    /// Puts all but the rows of what was retold, and the place up to which it goes; the files
    /// whose texts grew.
    pub(super) async fn put_retold(
        &self,
        batch: &mut Batch,
        own: &mut Own,
        state: &LogState,
        retold: &Retold,
    ) -> Result<BTreeSet<NodeId>, Fault> {
        for row in retold.tree.rows.values() {
            let kept = self.kept.borrow().contains(&row.node);
            if row.contents.iter().any(|content| content.value.text || kept) {
                keep::want(batch, row.node);
            }
        }
        for (seq, what) in &retold.aside {
            let seq = seq.as_slice().try_into().map_err(|_| Fault::Storage)?;
            self.set_aside(batch, u64::from_be_bytes(seq), what).await?;
        }
        let texts = self.add_texts(batch, own, retold).await?;
        self.add_past(batch, retold, state.at().seq).await?;
        own.lamport = own.lamport.max(retold.lamport);
        batch.put(Table::Meta, LOG_KEY, encode(state));
        batch.put(Table::Meta, CURSOR_KEY, encode(&state.at()));
        // What came without its body can be given back by nobody.
        tail::forget(batch);
        Ok(texts)
    }

    /// Does what entries that were read by their headers alone ask for.
    pub(super) async fn went_on(
        self: &Rc<Self>,
        pieces: &HashSet<ChunkId>,
        deaths: &[(Seq, Vec<ChunkId>)],
    ) -> Result<(), Fault> {
        self.let_go(pieces).await?;
        self.judge_deaths(deaths).await
    }

    /// Adds the changes that texts here lack, and the contents that files had; the files whose
    /// texts they are.
    async fn add_texts(
        &self,
        batch: &mut Batch,
        own: &mut Own,
        retold: &Retold,
    ) -> Result<BTreeSet<NodeId>, Fault> {
        let mut known = Rows::new();
        for (key, value) in self.all_of(Table::Texts).await? {
            if let Some(((node, base), changes)) = names_of_row(&key, &value) {
                for (name, _) in changes {
                    known.insert(change_key(node, base, name), Vec::new());
                }
            }
        }
        let nobody = DeviceId([0; 16]);
        let mut parts: Vec<(DeviceId, TextPart)> = Vec::new();
        for (key, value) in &retold.texts {
            if text_store::is_replaced_key(key) {
                batch.put(Table::Texts, key.as_slice(), value.as_slice());
            } else if let Some(((node, base), changes)) = names_of_row(key, value) {
                let changes = changes.into_iter().map(|(_, change)| change).collect();
                parts.push((nobody, TextPart { node, base, changes }));
            }
        }
        let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
        for (device, part) in parts.iter().chain(&retold.typed) {
            let mut part = part.clone();
            let (node, base) = (part.node, part.base);
            part.changes.retain(|change| {
                change_name(change).is_some_and(|name| {
                    known.insert(change_key(node, base, name), Vec::new()).is_none()
                })
            });
            if !part.changes.is_empty() {
                nodes.insert(part.node);
                put_increments(batch, own, std::slice::from_ref(&part), *device);
            }
        }
        Ok(nodes)
    }

    /// Adds what was replaced of places, names and the trash, and is not known here.
    async fn add_past(&self, batch: &mut Batch, retold: &Retold, at: Seq) -> Result<(), Fault> {
        let mut known = past_ops(retold, &mut self.all_of(Table::Past).await?.values())?;
        let mut new = Vec::new();
        for value in &retold.past {
            new.extend(rewind::past_of(value)?);
        }
        new.retain(|op| known.insert(encode(op), Vec::new()).is_none());
        rewind::put_past_ops(batch, &at.to_be_bytes(), &new);
        Ok(())
    }
}
