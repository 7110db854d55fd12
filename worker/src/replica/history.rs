//! What a file was before, from what is on the device: listed, read, brought back.
//!
//! Contents that were replaced are kept as rows beside the text documents (`text_store`);
//! a text document has all its changes. Bringing something back is a new edit: a text is
//! typed so that it reads as it did, anything else is given its earlier content again. So
//! nothing that came after is taken out of the history, and Undo works.

use std::collections::BTreeMap;
use std::rc::Rc;

use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::limits;
use offing_core::ordered;
use offing_core::rpc::{At, Fault, Kind, Reply, Revision, RevisionId};
use offing_core::tree::{Content, KnownOp, NO_BASE, NodeRow, OpId, WorkingSet};

use super::Replica;
use super::actions::Undo;
use super::commit::Extra;
use super::documents::Retype;
use super::fault::from_store;
use super::rewind::put_past;
use super::text_store::{self, Past};
use crate::host::Host;
use crate::store::{Batch, Direction, Store, Table};

/// Contents that are remembered of one file.
pub(super) const PAST_MAX: usize = 100;
/// Revisions of one file that are listed, the newest.
const REVISIONS_MAX: usize = 10_000;

/// A state of a file, found.
#[derive(Debug)]
pub(super) enum State {
    /// A text, with the file's own line ends.
    Text(String),
    /// A content as it was given to the file.
    Content(Content),
}

impl State {
    /// Says whether a file is the same in both.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Content(one), Self::Content(other)) => one.base() == other.base(),
            (Self::Text(_), Self::Content(_)) | (Self::Content(_), Self::Text(_)) => false,
        }
    }
}

impl<H: Host> Replica<H> {
    /// Lists what a file is and was, newest first.
    pub async fn revisions(self: &Rc<Self>, node: NodeId) -> Result<Vec<Revision>, Fault> {
        // What is being typed belongs to it; a text that is not open has nothing to save.
        self.flush_text(node).await.ok();
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let contents = self.contents_ever(&row).await?;
        let mut found: Vec<(DeviceId, Revision)> = Vec::new();
        let mut bases = ordered::set([NO_BASE]);
        for (op, past) in &contents {
            let id = RevisionId { base: past.content.base(), at: At::Start };
            let mut revision = unnamed(id, past.time_ms);
            (revision.size, revision.text) = (Some(past.content.size), past.content.text);
            revision.current = row.contents.first().is_some_and(|shown| shown.id == *op);
            if past.content.text {
                bases.insert(id.base);
            }
            found.push((op.device, revision));
        }
        if bases.len() == 1 && row.kind() != Kind::Text {
            bases.clear();
        }
        for base in bases {
            let points = self.points(&row, base).await;
            let last = points.len();
            let of_base = contents.values().filter(|past| past.content.base() == base);
            let since = of_base.map(|past| past.time_ms).min().unwrap_or(i64::MIN);
            for (at, point) in points.into_iter().enumerate() {
                let id = RevisionId { base, at: At::Change(point.change) };
                // Changes tell whole seconds, and nobody types before there is a file.
                let mut revision = unnamed(id, point.time_ms.max(since));
                (revision.text, revision.current) = (true, base == row.base() && at + 1 == last);
                found.push((point.device, revision));
            }
            if base == row.base() && last > 0 {
                found.iter_mut().for_each(|(_, known)| known.current &= known.id.at != At::Start);
            }
        }
        found.reverse();
        ordered::sort_by_key(&mut found, |(_, revision)| (!revision.current, -revision.time_ms));
        found.truncate(REVISIONS_MAX);
        let mut names: BTreeMap<DeviceId, String> = BTreeMap::new();
        let mut revisions = Vec::with_capacity(found.len());
        for (device, mut revision) in found {
            revision.device_name = match names.get(&device) {
                Some(name) => name.clone(),
                None => self.device_name(device).await,
            };
            names.entry(device).or_insert_with(|| revision.device_name.clone());
            revisions.push(revision);
        }
        Ok(revisions)
    }

    /// Makes a file what it was, by a new edit.
    pub async fn revert(self: &Rc<Self>, node: NodeId, id: RevisionId) -> Result<Reply, Fault> {
        let undo = self.revert_to(node, id).await?;
        Ok(Reply::Changed { action: self.remember(undo), count: 1 })
    }

    /// The same; tells what takes it back.
    pub(super) async fn revert_to(
        self: &Rc<Self>,
        node: NodeId,
        id: RevisionId,
    ) -> Result<Undo, Fault> {
        let _staging = self.staging().await;
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let content = match self.state_read(&row, id).await? {
            State::Text(text) if row.kind() == Kind::Text => {
                return self.rewrite(&row, &text).await;
            }
            State::Text(text) => self.content_of_text(node, &text).await?,
            State::Content(content) => Content { modified_ms: self.host.now_ms(), ..content },
        };
        let about = Extra::about(&[node]);
        let done = self.commit(about, &|ops| ops.set_content(node, content.clone())).await?;
        Ok(Undo::of(&done))
    }

    /// Finds a state of a file; a text as what it reads.
    pub(super) async fn state_read(&self, row: &NodeRow, id: RevisionId) -> Result<State, Fault> {
        match self.state_of(row, id).await? {
            State::Content(content) if content.text => {
                let manifest = self.manifest(row.node, &content).await?;
                let bytes = self.read_all(&manifest, limits::TEXT_BYTES_MAX).await?;
                let text = String::from_utf8(bytes);
                Ok(State::Text(text.map_err(|_| Fault::Corrupt { name: row.shown_name() })?))
            }
            State::Text(text) => Ok(State::Text(text)),
            State::Content(content) => Ok(State::Content(content)),
        }
    }

    /// Finds a state of a file.
    pub(super) async fn state_of(&self, row: &NodeRow, id: RevisionId) -> Result<State, Fault> {
        let gone = || Fault::NotHere { name: row.shown_name() };
        match id.at {
            At::Change(change) => {
                let mut doc = self.load_doc(row, id.base, Retype::None).await?.doc;
                return Ok(State::Text(doc.at(&change).ok_or_else(gone)?.content()));
            }
            At::Now => {
                if let Some(text) = self.edited_text(row, id.base).await? {
                    return Ok(State::Text(text));
                }
            }
            At::Start => {}
        }
        if id.base == NO_BASE {
            return Ok(State::Text(String::new()));
        }
        let ever = self.contents_ever(row).await?;
        let found = ever.into_values().find(|past| past.content.base() == id.base);
        match found {
            Some(past) => Ok(State::Content(past.content)),
            None => {
                let content = self.content_of_base(row, id.base).await?;
                Ok(State::Content(content.ok_or_else(gone)?))
            }
        }
    }

    /// Adds to a transaction what ops replace: contents, of which it lets go of the oldest
    /// where a file has had very many, and places and names. Tells the files that have new
    /// content.
    pub(super) async fn keep_replaced(
        &self,
        batch: &mut Batch,
        ops: &[KnownOp],
        before: &WorkingSet,
    ) -> Result<Vec<NodeId>, Fault> {
        put_past(batch, ops, before);
        let nodes = text_store::put_replaced(batch, ops, before);
        for node in &nodes {
            let range = text_store::past_of(*node);
            let keys = self.host.store().scan_keys(Table::Texts, &range, u32::MAX).await;
            let keys = keys.map_err(|e| from_store(&e))?;
            let excess = keys.len().saturating_sub(PAST_MAX);
            for key in keys.into_iter().take(excess) {
                batch.delete(Table::Texts, key);
            }
        }
        Ok(nodes)
    }

    /// All contents that a file has and had, by the ops that set them.
    async fn contents_ever(&self, row: &NodeRow) -> Result<BTreeMap<OpId, Past>, Fault> {
        let store = self.host.store();
        let range = text_store::past_of(row.node);
        let rows = store.scan(Table::Texts, &range, 0, u32::MAX, Direction::Forward).await;
        let mut contents = BTreeMap::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let op = text_store::past_op(&key).ok_or(Fault::Storage)?;
            contents.insert(op, postcard::from_bytes(&value).map_err(|_| Fault::Storage)?);
        }
        for content in &row.contents {
            let (time_ms, content) = (content.context.time_ms, (content.id, content.value.clone()));
            contents.insert(content.0, Past { content: content.1, time_ms });
        }
        Ok(contents)
    }

    /// The history of one of a file's documents; empty where there is none, or where its
    /// beginning cannot be had now.
    async fn points(&self, row: &NodeRow, base: Hash) -> Vec<offing_core::text::Point> {
        match self.was_edited(row, base).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Vec::new(),
        }
        let loaded = self.load_doc(row, base, Retype::None).await;
        loaded.map_or_else(|_| Vec::new(), |mut loaded| loaded.doc.points())
    }
}

fn unnamed(id: RevisionId, time_ms: i64) -> Revision {
    let device_name = String::new();
    Revision { id, device_name, time_ms, size: None, text: false, current: false }
}
