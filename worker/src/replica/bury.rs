//! Contents that die: those of files that were deleted for good, which nothing else names.
//!
//! The device that deleted names them, when all it wrote is in the log, in an entry of kind
//! *gc*: dead as of the place at which it looked. Every device, that one too, answers with an
//! entry of kind *heartbeat*, which declares again whatever is named where it is; the server
//! waits for all of them. A device answers when all it wrote is in the log, so what it did
//! unknowing is known by then, and whoever brings something back answers for that. Where it is not
//! certain what is named, nothing is called dead, and everything is declared again. So is, by all
//! who see it, what comes back later all the same.
//!
//! Texts never end: somebody may have one open, and typing brings it back.
//!
//! ```text
//! Table::Meta   "dying/" node      → ()                       deleted here, to be named
//!               "death/" be64 seq  → postcard(Death)          named, to be answered
//!               "answered"         → postcard((device, seq))  up to where that was done
//!               "back/" node       → ()                       was gone and is not any more
//! ```

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, DeviceId, NodeId, Seq, StreamId};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{EntryKind, Header};
use offing_core::log::verify::{LogState, Refused};
use offing_core::ordered;
use offing_core::proto::Code;
use offing_core::rpc::{Fault, Kind};
use offing_core::tree::{Content, NodeRow, TreeReader, WorkingSet};
use serde::{Deserialize, Serialize};

use super::fault::from_store;
use super::retell::is_unread;
use super::{LOG_KEY, Own, Replica, encode, text_store};
use crate::host::{Host, Notice};
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

const DYING_PREFIX: &[u8] = b"dying/";
const DEATH_PREFIX: &[u8] = b"death/";
const BACK_PREFIX: &[u8] = b"back/";
const ANSWERED_KEY: &[u8] = b"answered";
/// Between two looks of a tab for what is dead.
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Rows that are read at once.
const PAGE_ROWS: u32 = 1_024;

/// What an entry calls dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Death {
    /// As of which place.
    as_of: Seq,
    /// Says whether another device wrote it.
    others: bool,
    chunks: Vec<ChunkId>,
}

/// Notes, with a deletion, that contents of these nodes may be dead then.
pub(super) fn dies(batch: &mut Batch, nodes: &[NodeId]) {
    for node in nodes {
        batch.put(Table::Meta, [DYING_PREFIX, node.0.as_slice()].concat(), []);
    }
}

fn back_key(node: NodeId) -> Vec<u8> {
    [BACK_PREFIX, node.0.as_slice()].concat()
}

fn death_key(seq: Seq) -> Vec<u8> {
    [DEATH_PREFIX, seq.to_be_bytes().as_slice()].concat()
}

/// Says whether the contents of a file may end with it.
pub(super) fn may_end(row: &NodeRow) -> bool {
    let text = row.contents.iter().any(|content| content.value.text);
    !row.is_folder() && !text && row.kind() != Kind::Text && row.texts.is_empty()
}

impl<H: Host> Replica<H> {
    /// Names what is dead, once a day, and answers for what others named, on its own.
    pub(super) fn bury_in_time(self: &Rc<Self>) {
        let now_ms = self.host.now_ms();
        let names = now_ms.abs_diff(self.buried_ms.get()) >= DAY_MS;
        if !names && !self.may_answer.get() {
            return;
        }
        if names {
            self.buried_ms.set(now_ms);
        }
        self.may_answer.set(false);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // What failed is tried again after a later pull.
            if names && this.bury().await.is_err() {
                this.buried_ms.set(i64::MIN / 2);
            }
            if this.answer().await.is_err() {
                this.may_answer.set(true);
            }
        });
    }

    /// Takes in what an entry about contents that die says.
    pub(super) fn note_burial(&self, batch: &mut Batch, seq: Seq, header: &Header) {
        let others = header.device != self.device();
        if header.kind == EntryKind::Gc {
            let chunks = header.chunks.clone();
            let death = Death { as_of: header.seen_seq, others, chunks };
            batch.put(Table::Meta, death_key(seq), encode(&death));
            self.may_answer.set(true);
        } else if header.kind == EntryKind::Heartbeat && !others {
            let answered = Range::between(death_key(0), death_key(header.seen_seq + 1));
            batch.delete_range(Table::Meta, answered);
        }
    }

    /// Names the contents of what was deleted here; says whether there were any.
    pub async fn bury(self: &Rc<Self>) -> Result<bool, Fault> {
        let Some(_turn) = self.host.try_lock(&format!("bury:{}", self.vault)).await else {
            return Ok(false);
        };
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let dying = self.noted(DYING_PREFIX).await?;
        if dying.is_empty() || self.may_lack_chunks() {
            return Ok(false);
        }
        let own = self.own_in_log(&state).await?;
        let aside = self.all_of(Table::Quarantine).await?;
        if aside.values().any(|what| is_unread(what)) {
            return Ok(false);
        }
        let mut dead = self.contents_below(&dying, true).await?;
        let Some(named) = self.named(&dead, true).await? else {
            return Ok(false);
        };
        dead.retain(|id| !named.contains_key(id));
        let mut batch = Batch::new();
        batch.delete_range(Table::Meta, Range::prefix(DYING_PREFIX));
        if dead.is_empty() {
            self.write(batch, Durability::Relaxed).await?;
            return Ok(false);
        }
        let mut dead: Vec<ChunkId> = dead.into_iter().collect();
        ordered::sort(&mut dead);
        self.tell_of(batch, own, state.at(), EntryKind::Gc, &dead).await?;
        Ok(true)
    }

    /// Answers for contents that were called dead; says whether there was anything to answer.
    pub async fn answer(self: &Rc<Self>) -> Result<bool, Fault> {
        let Some(_turn) = self.host.try_lock(&format!("answer:{}", self.vault)).await else {
            return Ok(false);
        };
        // First, so that no death up to its place is missed.
        let state: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let answered: Option<(DeviceId, Seq)> = self.meta(ANSWERED_KEY).await?;
        let answered = answered.filter(|(device, _)| *device == self.device());
        let after = answered.map_or(0, |(_, seq)| seq);
        let range = Range::between(death_key(after + 1), death_key(state.at().seq + 1));
        let store = self.host.store();
        let rows = store.scan(Table::Meta, &range, 0, u32::MAX, Direction::Forward).await;
        let mut deaths: Vec<(Seq, Death)> = Vec::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let seq = key[DEATH_PREFIX.len()..].try_into().map_err(|_| Fault::Storage)?;
            let death = postcard::from_bytes(&value).map_err(|_| Fault::Storage)?;
            deaths.push((u64::from_be_bytes(seq), death));
        }
        let back = self.noted(BACK_PREFIX).await?;
        if (deaths.is_empty() && back.is_empty()) || self.may_lack_chunks() {
            return Ok(false);
        }
        let own = self.own_in_log(&state).await?;
        let dead = deaths.iter().flat_map(|(_, death)| death.chunks.iter().copied()).collect();
        let named = self.named(&dead, true).await?;
        let mut batch = Batch::new();
        for node in &back {
            batch.delete(Table::Meta, back_key(*node));
        }
        batch.put(Table::Meta, ANSWERED_KEY, encode(&(self.device(), state.at().seq)));
        for (seq, death) in deaths.iter().filter(|(_, death)| death.others) {
            let was_named = |id| named.as_ref().and_then(|named| named.get(id));
            let places = death.chunks.iter().filter_map(was_named);
            if places.min().is_some_and(|place| *place <= death.as_of) {
                self.set_aside(&mut batch, *seq, &encode(&Refused::StillNamed)).await?;
            }
        }
        let is_named = |id: &ChunkId| named.as_ref().is_none_or(|named| named.contains_key(id));
        let mut again: Vec<ChunkId> = dead.into_iter().filter(is_named).collect();
        again.extend(self.contents_below(&back, false).await?);
        ordered::sort(&mut again);
        again.dedup();
        self.tell_of(batch, own, state.at(), EntryKind::Heartbeat, &again).await?;
        Ok(true)
    }

    /// Writes entries about contents that die, as of a place; at least one. Fails if this
    /// device has written something since that was looked at.
    async fn tell_of(
        self: &Rc<Self>,
        mut batch: Batch,
        mut own: Own,
        at: ChainPoint,
        kind: EntryKind,
        chunks: &[ChunkId],
    ) -> Result<(), Fault> {
        let guard = self.host.lock(&self.commit_lock()).await;
        if self.own().await? != own {
            return Err(Fault::Internal);
        }
        let (number, _) = self.current_epoch()?;
        let who = self.who();
        let mut rest = chunks;
        loop {
            let (some, more) = rest.split_at(rest.len().min(limits::ENTRY_CHUNKS_MAX));
            let mut header = self.next_header(kind, who.device, &own, at, number);
            (header.streams, header.chunks) = (vec![StreamId::CONTENTS], some.to_vec());
            let entry = self.seal_headed(&who, &mut own, &header, &[]).await?;
            // It needs none of the chunks that it names.
            self.put_entry(&mut batch, &own, &entry, Vec::new());
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        self.write_strict(batch).await?;
        drop(guard);
        self.host.announce(&Notice::Outbox);
        self.count_pending().await
    }

    /// Notes what a merge brings back that is gone here.
    pub(super) async fn note_back(
        &self,
        batch: &mut Batch,
        rows: &[NodeRow],
        before: &WorkingSet,
    ) -> Result<(), Fault> {
        let mut gone: HashMap<NodeId, bool> = HashMap::new();
        for row in rows {
            let Some(old) = before.row(&row.node).flatten() else { continue };
            let from = old.shown_parent;
            if from == row.shown_parent || (from.is_builtin() && from != NodeId::GONE) {
                continue;
            }
            let was_gone = match gone.get(&from) {
                Some(gone) => *gone,
                None => from == NodeId::GONE || self.is_gone(from).await?,
            };
            gone.insert(from, was_gone);
            if was_gone {
                batch.put(Table::Meta, back_key(row.node), []);
                self.may_answer.set(true);
            }
        }
        Ok(())
    }

    /// The nodes that are noted under a prefix.
    async fn noted(&self, prefix: &[u8]) -> Result<Vec<NodeId>, Fault> {
        let keys = self.host.store().scan_keys(Table::Meta, &Range::prefix(prefix), u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        Ok(keys.iter().filter_map(|key| NodeId::from_slice(&key[prefix.len()..])).collect())
    }

    /// The chunks of what files among these nodes and below have and had, of those that are gone
    /// or of the others, as far as they may end and can be read.
    async fn contents_below(
        &self,
        nodes: &[NodeId],
        gone: bool,
    ) -> Result<HashSet<ChunkId>, Fault> {
        let all_gone = self.gone().await?;
        let (mut chunks, mut files) = (HashSet::new(), HashSet::new());
        let counts = |node: &&NodeId| all_gone.contains(*node) == gone;
        let mut level: Vec<NodeId> = nodes.iter().filter(counts).copied().collect();
        while !level.is_empty() {
            for row in self.rows(&level).await?.iter().flatten().filter(|row| may_end(row)) {
                files.insert(row.node);
                for content in &row.contents {
                    self.add_all(&mut chunks, row.node, &content.value, true).await?;
                }
            }
            level = self.children_of(&level).await?.concat();
        }
        if files.is_empty() {
            return Ok(chunks);
        }
        for (node, content) in self.replaced_contents(text_store::is_replaced_key).await? {
            if files.contains(&node) && !content.text {
                self.add_all(&mut chunks, node, &content, true).await?;
            }
        }
        Ok(chunks)
    }

    /// Those of some chunks that are named: by what waits to be sent, by contents that files have
    /// and had. Each with the place since which that is so at the latest, as far as it is known.
    ///
    /// To be `sure` of contents, long manifests that are not here are fetched, and what is
    /// gone names nothing; `None` if it is not to be known what some file is made of.
    pub(super) async fn named(
        &self,
        ids: &HashSet<ChunkId>,
        sure: bool,
    ) -> Result<Option<HashMap<ChunkId, Seq>>, Fault> {
        let mut named: HashMap<ChunkId, Seq> = HashMap::new();
        let unsent = self.unsent().await?;
        named.extend(unsent.into_iter().filter(|id| ids.contains(id)).map(|id| (id, Seq::MAX)));
        let gone = if sure { self.gone().await? } else { HashSet::new() };
        let mut ended = HashSet::new();
        let mut range = Range::all();
        loop {
            let store = self.host.store();
            let rows = store.scan(Table::Nodes, &range, 0, PAGE_ROWS, Direction::Forward).await;
            let rows = rows.map_err(|e| from_store(&e))?;
            let Some((last, _)) = rows.last() else { break };
            range.start = [last.as_slice(), &[0]].concat();
            for (_, row) in &rows {
                let row = NodeRow::decode(row).map_err(|_| Fault::Storage)?;
                if gone.contains(&row.node) && may_end(&row) {
                    ended.insert(row.node);
                    continue;
                }
                let mut chunks = HashSet::new();
                for content in &row.contents {
                    if !self.add_all(&mut chunks, row.node, &content.value, sure).await? {
                        return Ok(None);
                    }
                }
                chunks.retain(|id| ids.contains(id));
                if chunks.is_empty() {
                    continue;
                }
                let place = self.place_of(&row).await?;
                for id in chunks {
                    named.entry(id).and_modify(|at| *at = place.min(*at)).or_insert(place);
                }
            }
        }
        for (node, content) in self.replaced_contents(text_store::is_replaced_key).await? {
            if ended.contains(&node) && !content.text {
                continue;
            }
            let mut chunks = HashSet::new();
            if !self.add_all(&mut chunks, node, &content, sure).await? {
                return Ok(None);
            }
            for id in chunks.into_iter().filter(|id| ids.contains(id)) {
                // Which of them are remembered differs from device to device.
                named.entry(id).or_insert(Seq::MAX);
            }
        }
        Ok(Some(named))
    }

    /// Adds the chunks of a content. To be `sure`, a long manifest that is not here is fetched;
    /// says whether all are known then.
    async fn add_all(
        &self,
        chunks: &mut HashSet<ChunkId>,
        node: NodeId,
        content: &Content,
        sure: bool,
    ) -> Result<bool, Fault> {
        match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Stored(_)) if sure => match self.manifest(node, content).await {
                Ok(manifest) => chunks.extend(manifest.chunks()),
                Err(
                    Fault::Corrupt { .. } | Fault::CannotOpen | Fault::Server(Code::ChunkUnknown),
                ) => return Ok(false),
                Err(fault) => return Err(fault),
            },
            Err(_) if sure => return Ok(false),
            Ok(_) | Err(_) => {}
        }
        self.add_chunks(chunks, node, std::iter::once(content)).await?;
        Ok(true)
    }

    /// The place since which a node is where it is; `Seq::MAX` where that is not known.
    async fn place_of(&self, row: &NodeRow) -> Result<Seq, Fault> {
        let (mut at, mut last) = (row.clone(), 0);
        for _ in 0..limits::TREE_DEPTH_MAX {
            let Some(seq) = at.last_seq().filter(|_| at.fallback == 0) else {
                return Ok(Seq::MAX);
            };
            last = last.max(seq);
            match self.row(at.placed_parent()).await? {
                Some(above) => at = above,
                None => return Ok(last),
            }
        }
        Ok(Seq::MAX)
    }
}
