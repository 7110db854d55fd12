//! Where text documents are in the local store.
//!
//! ```text
//! node[16] | 0 | base[32]     a saved document, up to and including an increment
//! node[16] | 1 | be64 n       an increment: the changes of one entry, n grows
//! node[16] | 2 | base[32]     a content that was replaced and that a document begins with
//! ```
//!
//! A file has a document for each content that was edited: whoever replaces the content may
//! not have seen what others typed into the document of the one before.

use std::collections::BTreeSet;

use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::text::LineEnds;
use offing_core::tree::{Op, TreeReader, Value, WorkingSet};
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

/// The increments of a text after a number.
pub(super) fn increments_after(node: NodeId, number: u64) -> Range {
    Range::between(increment_key(node, number + 1), [node.0.as_slice(), &[2]].concat())
}

/// The key of a content that was replaced.
pub(super) fn base_key(node: NodeId, base: Hash) -> Vec<u8> {
    [node.0.as_slice(), &[2], &base.0].concat()
}

/// Says whether a key is of a content that was replaced.
pub(super) fn is_base_key(key: &[u8]) -> bool {
    key.get(NodeId::LEN) == Some(&2)
}

/// Keeps the text contents that ops replace, since others may be typing into their
/// documents; `before` has the rows as they were. Tells the files that have new content.
pub(super) fn put_replaced(batch: &mut Batch, ops: &[&Op], before: &WorkingSet) -> Vec<NodeId> {
    let mut nodes = BTreeSet::new();
    for op in ops {
        let known = before.row(&op.node).flatten().is_some();
        if matches!(op.value, Value::Content(_)) && (known || !op.supersedes.is_empty()) {
            nodes.insert(op.node);
        }
    }
    for node in &nodes {
        let row = before.row(node).flatten();
        let old = row.into_iter().flat_map(|row| &row.contents).map(|content| &content.value);
        // What is replaced may have come with the same page of the log.
        let new = ops.iter().filter(|op| op.node == *node).filter_map(|op| match &op.value {
            Value::Content(content) => Some(content),
            Value::Create { .. }
            | Value::Parent(_)
            | Value::Name(_)
            | Value::Trashed(_)
            | Value::Text(_) => None,
        });
        for content in old.chain(new).filter(|content| content.text) {
            batch.put(Table::Texts, base_key(*node, content.base()), encode(content));
        }
    }
    nodes.into_iter().collect()
}
