//! Where text documents are in the local store.
//!
//! ```text
//! node[16] | 0                the saved document, up to and including an increment
//! node[16] | 1 | be64 n       an increment: the changes of one entry, n grows
//! node[16] | 3                the line ends of the file that the saved document began with
//! ```

use offing_core::id::{DeviceId, Hash, NodeId};
use serde::{Deserialize, Serialize};

use crate::store::Range;

/// A document as it was last saved whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedDoc {
    /// Names the content that the document was seeded with.
    pub(super) base: Hash,
    /// The last increment that is in it.
    pub(super) through: u64,
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

pub(super) fn doc_key(node: NodeId) -> Vec<u8> {
    [node.0.as_slice(), &[0]].concat()
}

pub(super) fn ends_key(node: NodeId) -> Vec<u8> {
    [node.0.as_slice(), &[3]].concat()
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
