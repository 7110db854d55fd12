//! Where text documents and earlier contents are in the local store.
//!
//! ```text
//! node[16] | 0 | base[32]     a saved document, up to and including an increment
//! node[16] | 1 | be64 n       an increment: the changes of one entry, n grows
//! node[16] | 2 | base[32]     a content that was replaced and that a document begins with
//! node[16] | 3 | op[24]       a content that was replaced, with when it was set: history
//! ```
//!
//! A file has a document for each content that was edited: whoever replaces the content may
//! not have seen what others typed into the document of the one before.

use std::collections::BTreeSet;

use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::text::{self, Actor, LineEnds, TextDoc};
use offing_core::tree::{Content, KnownOp, OpId, TreeReader, Value, WorkingSet};
use serde::{Deserialize, Serialize};

use super::encode;
use crate::store::{Batch, Range, Table};

/// A document as it was last saved whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedDoc {
    /// The last increment that is in it.
    pub(super) through: u64,
    /// The line ends of the content that the document began with.
    pub(super) ends: LineEnds,
    /// Automerge's own encoding.
    pub(super) doc: Vec<u8>,
}

/// The changes that one entry brought to a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Increment {
    /// Names the content that the changes build on.
    pub(super) base: Hash,
    /// Automerge's changes, oldest first.
    pub(super) changes: Vec<Vec<u8>>,
    /// The device that wrote them.
    pub(super) device: DeviceId,
}

pub(super) fn doc_key(node: NodeId, base: Hash) -> Vec<u8> {
    [node.0.as_slice(), &[0], &base.0].concat()
}

pub(super) fn increment_key(node: NodeId, number: u64) -> Vec<u8> {
    [node.0.as_slice(), &[1], &number.to_be_bytes()].concat()
}

/// The number of an increment's key.
pub(super) fn increment_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(17..)?.try_into().ok()?))
}

/// The last increment that a row has; 0 for contents. `None` if the row is none.
pub(super) fn last_increment(key: &[u8], value: &[u8]) -> Option<u64> {
    match key.get(NodeId::LEN)? {
        0 => Some(postcard::from_bytes::<SavedDoc>(value).ok()?.through),
        1 => increment_number(key),
        2 | 3 => Some(0),
        _ => None,
    }
}

/// A document, and its changes by their names.
pub(super) type Named = ((NodeId, Hash), Vec<(Hash, Vec<u8>)>);

/// A change of a document, as a key of things in memory.
pub(super) fn change_key(node: NodeId, base: Hash, name: Hash) -> Vec<u8> {
    [node.0.as_slice(), &base.0, &name.0].concat()
}

/// The changes that a row has, whether an increment or all that was saved whole; `None` if it
/// has none.
pub(super) fn names_of_row(key: &[u8], value: &[u8]) -> Option<Named> {
    let node = NodeId::from_slice(key.get(..NodeId::LEN)?)?;
    match key.get(NodeId::LEN)? {
        0 => {
            let base = Hash::from_slice(key.get(NodeId::LEN + 1..)?)?;
            let saved: SavedDoc = postcard::from_bytes(value).ok()?;
            let nobody = Actor { device: DeviceId([0; 16]), slot: 0 };
            let mut doc = TextDoc::load(&saved.doc, saved.ends, nobody).ok()?;
            Some(((node, base), doc.changes(&node, &base)))
        }
        1 => {
            let increment: Increment = postcard::from_bytes(value).ok()?;
            let named = increment.changes.into_iter();
            let named = named.map(|change| Some((text::change_name(&change)?, change)));
            Some(((node, increment.base), named.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// The increments of a text after a number.
pub(super) fn increments_after(node: NodeId, number: u64) -> Range {
    Range::between(increment_key(node, number + 1), [node.0.as_slice(), &[2]].concat())
}

/// The key of a content that was replaced.
pub(super) fn base_key(node: NodeId, base: Hash) -> Vec<u8> {
    [node.0.as_slice(), &[2], &base.0].concat()
}

/// Says whether a key is of a content that was replaced and that a document begins with.
pub(super) fn is_base_key(key: &[u8]) -> bool {
    key.get(NodeId::LEN) == Some(&2)
}

/// Says whether a key is of a content that was replaced.
pub(super) fn is_replaced_key(key: &[u8]) -> bool {
    matches!(key.get(NodeId::LEN), Some(2 | 3))
}

/// A content that was replaced, with its file.
pub(super) fn replaced_content(key: &[u8], value: &[u8]) -> Option<(NodeId, Content)> {
    let node = NodeId::from_slice(key.get(..NodeId::LEN)?)?;
    let content = if is_base_key(key) {
        postcard::from_bytes(value).ok()?
    } else {
        postcard::from_bytes::<Past>(value).ok()?.content
    };
    Some((node, content))
}

/// A content that a file has or had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Past {
    /// The content.
    pub(super) content: Content,
    /// When it was set, by the clock of whoever did.
    pub(super) time_ms: i64,
}

/// The key of a content that was replaced, by the op that set it; in the order of ops.
pub(super) fn past_key(node: NodeId, op: OpId) -> Vec<u8> {
    [node.0.as_slice(), &[3], &op.lamport.to_be_bytes(), &op.device.0].concat()
}

/// The contents of a file that were replaced.
pub(super) fn past_of(node: NodeId) -> Range {
    Range::prefix(&[node.0.as_slice(), &[3]].concat())
}

/// The op of such a key.
pub(super) fn past_op(key: &[u8]) -> Option<OpId> {
    let (lamport, device) = key.get(17..)?.split_first_chunk()?;
    let device = DeviceId::from_slice(device)?;
    Some(OpId { lamport: u64::from_be_bytes(*lamport), device })
}

/// Keeps the contents that ops replace: for the history, and the texts since others may be
/// typing into their documents. `before` has the rows as they were. Tells the files that
/// have new content.
pub(super) fn put_replaced(batch: &mut Batch, ops: &[KnownOp], before: &WorkingSet) -> Vec<NodeId> {
    let mut nodes = BTreeSet::new();
    // What is replaced may have come with the same page of the log.
    let mut contents: Vec<(NodeId, OpId, i64, &Content)> = Vec::new();
    for KnownOp { op, context } in ops {
        let Value::Content(content) = &op.value else { continue };
        let row = before.row(&op.node).flatten();
        // An own op that comes back with its place in the log replaces nothing again.
        if row.is_some_and(|row| row.has_applied(&op.id)) {
            continue;
        }
        if row.is_some() || !op.supersedes.is_empty() {
            nodes.insert(op.node);
        }
        contents.push((op.node, op.id, context.time_ms, content));
    }
    for node in &nodes {
        let row = before.row(node).flatten();
        let old = row.into_iter().flat_map(|row| &row.contents);
        contents.extend(old.map(|old| (*node, old.id, old.context.time_ms, &old.value)));
    }
    for (node, op, time_ms, content) in contents {
        if !nodes.contains(&node) {
            continue;
        }
        if content.text {
            batch.put(Table::Texts, base_key(node, content.base()), encode(content));
        }
        let past = Past { content: content.clone(), time_ms };
        batch.put(Table::Texts, past_key(node, op), encode(&past));
    }
    nodes.into_iter().collect()
}
