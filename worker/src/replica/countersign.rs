//! Another device's snapshot, looked at before the server lets go of what is below it.
//!
//! A newcomer believes one device of the account. So every other one makes the newest snapshot
//! once more in memory, reads the log after it up to its own place, and compares the outcome
//! with what it has. If they are equal, an entry of kind *heartbeat* declares the snapshot's
//! pieces again: the server sees, blind, that a second device vouches for all of them. If they
//! differ, the snapshot is set aside with an alarm. Where something was set aside that a later
//! version may read, nothing can be compared, and nothing below is let go.

use std::rc::Rc;

use offing_core::id::{Hash, NodeId, Seq};
use offing_core::log::change::TextPart;
use offing_core::log::entry::EntryKind;
use offing_core::log::heartbeat::HeartbeatBody;
use offing_core::log::snapshot::SnapshotBody;
use offing_core::log::verify::{Beginning, LogState, Refused, Step};
use offing_core::rpc::Fault;
use offing_core::text;
use offing_core::tree::past_of_row;

use super::commit::CURSOR_KEY;
use super::documents::Retype;
use super::fault::{from_net, from_store};
use super::pull::PullError;
use super::retell::{Retold, Rows, is_unread};
use super::snapshot::{NEWEST_KEY, Newest};
use super::text_store::{self, Past, SavedDoc};
use super::{LOG_KEY, Own, Replica, encode, history, rewind};
use crate::host::{Host, Notice, Server};
use crate::push;
use crate::store::{Batch, Durability, Range, Store, Table};

/// Key of the place of the snapshot that was last looked at, in `Table::Meta`.
const JUDGED_KEY: &[u8] = b"judged";
/// Most nodes of a vault whose snapshots are looked at: it is all in memory.
const NODES_MAX: u64 = 250_000;

/// What a snapshot turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// What the log makes.
    True,
    /// Not what the log makes.
    False,
    /// Not to be compared, or other than what is here in what is no function of the log alone.
    Open,
}

impl<H: Host> Replica<H> {
    /// Looks, on its own, at the newest snapshot if that has not been done.
    pub(super) fn countersign_in_time(self: &Rc<Self>) {
        if !self.may_countersign.replace(false) || !self.host.is_lasting() {
            return;
        }
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // What failed is tried again after a later pull.
            this.may_countersign.set(this.countersign().await.is_err());
        });
    }

    /// Looks at the newest snapshot, if another device wrote it or there is none; says whether
    /// it was countersigned now.
    pub async fn countersign(self: &Rc<Self>) -> Result<bool, Fault> {
        let lock = format!("countersign:{}", self.vault);
        let Some(_turn) = self.host.try_lock(&lock).await else {
            return Ok(false);
        };
        let newest: Option<Newest> = self.meta(NEWEST_KEY).await?;
        let judged: Option<Seq> = self.meta(JUDGED_KEY).await?;
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let others = state
            .devices()
            .filter(|(id, known)| **id != self.device() && known.revoked_at.is_none());
        let alone = others.count() == 0;
        let Some(newest) = newest.filter(|newest| {
            (alone || newest.device != self.device()) && judged.is_none_or(|seq| seq < newest.seq)
        }) else {
            return Ok(false);
        };
        self.own_in_log(&state).await?;
        let nodes = self.host.store().count(Table::Nodes, &Range::all()).await;
        if nodes.map_err(|e| from_store(&e))? > NODES_MAX {
            return Ok(false);
        }
        let Some((shown, mut retold)) = self.retell_newest(&state).await? else {
            return Ok(false);
        };
        let mut contained = false;
        let mut hear = |step: &Step| {
            contained |= step.hash == shown.hash && step.point.seq == newest.seq;
        };
        let read = self.read_on(&mut retold, state.at().seq, &mut hear);
        read.await.map_err(PullError::fault)?;
        if !contained {
            return Ok(false);
        }
        let verdict = self.judge(&mut retold).await?;
        let mut batch = Batch::new();
        batch.put(Table::Meta, JUDGED_KEY, encode(&newest.seq));
        if verdict == Verdict::False {
            self.set_aside(&mut batch, newest.seq, &encode(&Refused::SnapshotFalse)).await?;
        }
        if verdict != Verdict::True {
            self.write(batch, Durability::Relaxed).await?;
            return Ok(false);
        }
        self.write_heartbeat(batch, &shown).await?;
        Ok(true)
    }

    /// Says for all that a snapshot is what the log makes.
    async fn write_heartbeat(
        self: &Rc<Self>,
        mut batch: Batch,
        shown: &Beginning,
    ) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        let mut own = self.own().await?;
        let seen = self.meta(CURSOR_KEY).await?.ok_or(Fault::Storage)?;
        let plain = HeartbeatBody { snapshot: shown.hash }.encode();
        let (kind, pieces) = (EntryKind::Heartbeat, &shown.header.chunks);
        let entry = self.seal_entry(&self.who(), &mut own, seen, kind, pieces, &plain).await?;
        // This device has none of the pieces, and the server may have let go of them.
        self.put_entry(&mut batch, &own, &entry, Vec::new());
        self.write_strict(batch).await?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await
    }

    /// The newest snapshot of the server, made in memory; `None` if it does not hold, or covers
    /// another place than its header says.
    async fn retell_newest(&self, state: &LogState) -> Result<Option<(Beginning, Retold)>, Fault> {
        let page = self.host.server().beginning(self.vault, 0).await;
        let page = page.map_err(|e| from_net(&e))?;
        let Some(shown) = state.check_beginning(self.host.crypto(), &page).await else {
            return Ok(None);
        };
        let (header, bytes) = (&shown.header, &shown.header_bytes);
        let Some(body) = self.open_snapshot_body(header, bytes, &shown.body).await else {
            return Ok(None);
        };
        let SnapshotBody { at, .. } = body;
        let chunks = body.pieces.iter().map(|piece| piece.chunk);
        if (header.seen_seq, header.seen_chain) != (at.seq, at.chain)
            || !chunks.eq(header.chunks.iter().copied())
        {
            return Ok(None);
        }
        let retold = self.retell_snapshot(&state.from_the_start(), header, &body).await;
        Ok(retold.map_err(|e| from_net(&e))?.map(|retold| (shown, retold)))
    }

    /// Compares what a snapshot and the log after it make with what is here; fails if this
    /// device has changes that are not in the log, or makes one meanwhile.
    async fn judge(self: &Rc<Self>, retold: &mut Retold) -> Result<Verdict, Fault> {
        let _guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        self.read_on(retold, state.at().seq, &mut |_| ()).await.map_err(PullError::fault)?;
        let own = self.own_in_log(&state).await?;
        let verdict = self.compare(retold, &state, &own).await?;
        let still = self.own().await? == own && !self.closed.get();
        if still { Ok(verdict) } else { Err(Fault::Internal) }
    }

    /// This device's place; fails if it has changes that are not in the log.
    pub(super) async fn own_in_log(&self, state: &LogState) -> Result<Own, Fault> {
        let own = self.own().await?;
        let known = state.device(&self.device());
        let all = known.is_some_and(|known| known.dseq == own.dseq && known.revoked_at.is_none());
        all.then_some(own).ok_or(Fault::Internal)
    }

    async fn compare(
        &self,
        retold: &Retold,
        state: &LogState,
        own: &Own,
    ) -> Result<Verdict, Fault> {
        let aside = self.all_of(Table::Quarantine).await?;
        if retold.has_unread() || aside.values().any(|what| is_unread(what)) {
            return Ok(Verdict::Open);
        }
        if retold.state.freeze() != state.freeze() {
            return Ok(Verdict::False);
        }
        let keys: Vec<Vec<u8>> = retold.meta.keys().cloned().collect();
        let here = self.host.store().get_many(Table::Meta, &keys).await;
        let here = here.map_err(|e| from_store(&e))?;
        let named = retold.meta.values().map(Some).eq(here.iter().map(Option::as_ref));
        if !named || retold.lamport > own.lamport {
            return Ok(Verdict::Open);
        }
        let rows = self.all_of(Table::Nodes).await?;
        let same = |(key, row): (&Vec<u8>, &Vec<u8>)| {
            let node = NodeId::from_slice(key);
            let told = node.and_then(|node| retold.tree.rows.get(&node));
            told.is_some_and(|told| told.encode() == *row)
        };
        if rows.len() != retold.tree.rows.len() || !rows.iter().all(same) {
            return Ok(Verdict::False);
        }
        let mut mine = Texts::of(&self.all_of(Table::Texts).await?);
        let mut told = Texts::of(&retold.texts);
        let (Some(mine), Some(told)) = (&mut mine, &mut told) else {
            return Ok(Verdict::False);
        };
        let typed = retold.typed.iter().all(|(_, part)| told.add_part(part).is_some());
        if !typed || mine.names != told.names || !self.has_ends(mine, told).await? {
            return Ok(Verdict::False);
        }
        let past = self.all_of(Table::Past).await?;
        let here = past_ops(retold, &mut past.values())?;
        mine.add_contents(retold);
        told.add_contents(retold);
        let past = past_ops(retold, &mut retold.past.iter());
        let whole = past.is_ok_and(|past| past == here) && mine.has_past_of(told);
        Ok(if whole { Verdict::True } else { Verdict::Open })
    }

    /// Says whether saved documents have the line ends that they have here.
    async fn has_ends(&self, mine: &Texts, told: &Texts) -> Result<bool, Fault> {
        for (document, saved) in &told.saved {
            let told = saved_of(saved)?.ends;
            let here = match mine.saved.get(document) {
                Some(saved) => saved_of(saved)?.ends,
                None => {
                    let (node, base) = document.split_at(NodeId::LEN);
                    let node = NodeId::from_slice(node).ok_or(Fault::Storage)?;
                    let base = Hash::from_slice(base).ok_or(Fault::Storage)?;
                    let row = self.row(node).await?.ok_or(Fault::Storage)?;
                    let loaded = self.load_doc(&row, base, Retype::None).await?;
                    loaded.doc.line_ends().clone()
                }
            };
            if here != told {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All rows of a table.
    pub(super) async fn all_of(&self, table: Table) -> Result<Rows, Fault> {
        let mut all = Rows::new();
        let mut range = Range::all();
        loop {
            let rows = self.slice(table, &range).await?;
            let Some((last, _)) = rows.last() else { return Ok(all) };
            range.start = [last.as_slice(), &[0]].concat();
            all.extend(rows);
        }
    }
}

/// The ops of what was replaced of places, names and the trash, with those that rows hold, as
/// keys.
pub(super) fn past_ops(
    retold: &Retold,
    values: &mut dyn Iterator<Item = &Vec<u8>>,
) -> Result<Rows, Fault> {
    let mut ops = Rows::new();
    for value in values {
        for op in rewind::past_of(value)? {
            ops.insert(encode(&op), Vec::new());
        }
    }
    for row in retold.tree.rows.values() {
        for op in past_of_row(row) {
            ops.insert(encode(&op), Vec::new());
        }
    }
    Ok(ops)
}

fn saved_of(value: &[u8]) -> Result<SavedDoc, Fault> {
    postcard::from_bytes(value).map_err(|_| Fault::Storage)
}

/// Texts as they can be compared: how much of a document was saved whole differs from device to
/// device, and what is in it does not.
#[derive(Default)]
struct Texts {
    /// The changes of all documents, as keys.
    names: Rows,
    /// Documents that were saved whole, without their bytes.
    saved: Rows,
    /// Contents that were replaced.
    past: Rows,
}

impl Texts {
    fn of(rows: &Rows) -> Option<Self> {
        let mut texts = Self::default();
        rows.iter().try_for_each(|(key, value)| texts.add_row(key, value))?;
        Some(texts)
    }

    /// Adds a row of the table; `None` if it is none, or would not be looked at.
    fn add_row(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        if text_store::is_replaced_key(key) {
            self.past.insert(key.to_vec(), value.to_vec());
            return Some(());
        }
        let ((node, base), changes) = text_store::names_of_row(key, value)?;
        let document = [node.0.as_slice(), &base.0].concat();
        match text_store::increment_number(key) {
            Some(number) => {
                if let Some(saved) = self.saved.get(&document)
                    && number <= saved_of(saved).ok()?.through
                {
                    return None;
                }
            }
            None => {
                let saved = SavedDoc { doc: Vec::new(), ..saved_of(value).ok()? };
                self.saved.insert(document, encode(&saved));
            }
        }
        for (name, _) in changes {
            self.names.insert(text_store::change_key(node, base, name), Vec::new());
        }
        Some(())
    }

    fn add_part(&mut self, part: &TextPart) -> Option<()> {
        for change in &part.changes {
            let key = text_store::change_key(part.node, part.base, text::change_name(change)?);
            self.names.insert(key, Vec::new());
        }
        Some(())
    }

    /// Adds the contents that files have: whether they are among those that were replaced
    /// differs with where pages of the log end.
    fn add_contents(&mut self, retold: &Retold) {
        for row in retold.tree.rows.values() {
            for content in &row.contents {
                let (value, time_ms) = (content.value.clone(), content.context.time_ms);
                if value.text {
                    let key = text_store::base_key(row.node, value.base());
                    self.past.insert(key, encode(&value));
                }
                let key = text_store::past_key(row.node, content.id);
                self.past.insert(key, encode(&Past { content: value, time_ms }));
            }
        }
    }

    /// Says whether both have the same contents, apart from files with so many that each forgets
    /// some.
    fn has_past_of(&self, other: &Self) -> bool {
        let many = |texts: &Self, key: &[u8]| {
            let of_file = NodeId::from_slice(&key[..NodeId::LEN]).map(text_store::past_of);
            of_file.is_none_or(|range| {
                texts
                    .past
                    .range(range.start..)
                    .take(history::PAST_MAX)
                    .filter(|(known, _)| known[..=NodeId::LEN] == key[..=NodeId::LEN])
                    .count()
                    == history::PAST_MAX
            })
        };
        let within = |one: &Self, two: &Self| {
            one.past.iter().all(|(key, value)| match two.past.get(key) {
                Some(known) => known == value,
                None => many(one, key) || many(two, key),
            })
        };
        within(self, other) && within(other, self)
    }
}
