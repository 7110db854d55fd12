//! The listing: the index from which a folder is listed in order, and nothing else loaded.
//!
//! ```text
//! key   = shown parent[16] | rank u8 (folder 0, file 1) | sort key of the own name
//!       | be32 suffix | node[16]
//! value = postcard(Listed)
//! ```
//!
//! A folder is the range of keys that begin with its id; siblings of one name are the
//! range that begins with [`siblings_prefixes`]. What is in the trash by itself is under
//! `NodeId::TRASH`, or under `NodeId::GONE` when it was deleted for good; what is in a trashed
//! folder stays under that folder.
//!
//! Two more indexes are among these keys, with empty values: of nodes that a cycle displaced,
//! and of each label's nodes, in the order in which a folder would have them:
//!
//! ```text
//! key = 03×16 | node[16]
//! key = 05×16 | label | 00 | rank u8 | sort key | be32 suffix | node[16]
//! ```

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::label::Label;
use crate::name;
use crate::rpc::Kind;
use crate::tree::row::NodeRow;

/// The index of displaced nodes; no folder, never shown.
pub const DISPLACED: NodeId = NodeId([3; 16]);
/// The index of labels; no folder, never shown.
pub const LABELS: NodeId = NodeId([5; 16]);

/// What a list shows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The name as shown.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes, for files.
    pub size: Option<u64>,
    /// Last change, milliseconds since 1970.
    pub modified_ms: i64,
    /// All that is known of it has a place in the log.
    pub synced: bool,
    /// It has versions that nobody has settled.
    pub two_versions: bool,
}

impl Listed {
    /// Takes what a list shows from a row.
    pub fn of(row: &NodeRow) -> Self {
        Self {
            name: row.shown_name(),
            kind: row.kind(),
            size: row.size(),
            modified_ms: row.modified_ms(),
            synced: row.synced(),
            two_versions: row.two_versions(),
        }
    }

    /// Encodes it.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always serialises")
    }

    /// Decodes it; `None` for bytes that are no such value.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// All that the listing has of a row.
pub fn entries(row: &NodeRow) -> Vec<(Vec<u8>, Vec<u8>)> {
    let key = listing_key(row);
    let mut entries = Vec::new();
    for label in row.labels() {
        let labelled = [&label_prefix(label), &key[NodeId::LEN..]].concat();
        entries.push((labelled, Vec::new()));
    }
    if row.fallback > 0 {
        entries.push((displaced_key(&row.node), Vec::new()));
    }
    entries.push((key, listing_value(row)));
    entries
}

/// The beginning of the keys of a label's nodes. No label holds a zero, so none is among
/// another's.
pub fn label_prefix(label: &Label) -> Vec<u8> {
    [LABELS.as_bytes().as_slice(), label.as_str().as_bytes(), &[0]].concat()
}

/// Takes the label from a key of the index of labels.
pub fn label_of_key(key: &[u8]) -> Option<Label> {
    let label = key.strip_prefix(LABELS.as_bytes().as_slice())?.split(|byte| *byte == 0).next()?;
    Label::parse(std::str::from_utf8(label).ok()?).ok()
}

/// Builds the key of a row.
pub fn listing_key(row: &NodeRow) -> Vec<u8> {
    let mut key = siblings_prefix(
        &row.shown_parent,
        u8::from(!row.is_folder()),
        &name::fold(&row.name.value),
    );
    key.extend_from_slice(&row.suffix.to_be_bytes());
    key.extend_from_slice(row.node.as_bytes());
    key
}

/// Builds the value of a row.
pub fn listing_value(row: &NodeRow) -> Vec<u8> {
    Listed::of(row).encode()
}

/// Builds the key under which a displaced node is remembered.
fn displaced_key(node: &NodeId) -> Vec<u8> {
    [DISPLACED.as_bytes().as_slice(), node.as_bytes()].concat()
}

/// Takes the node from a key of the listing.
pub fn node_of_key(key: &[u8]) -> Option<NodeId> {
    NodeId::from_slice(key.get(key.len().checked_sub(NodeId::LEN)?..)?)
}

/// The two prefixes (folders, files) of siblings whose own name folds to `folded`.
pub fn siblings_prefixes(parent: &NodeId, folded: &str) -> [Vec<u8>; 2] {
    [siblings_prefix(parent, 0, folded), siblings_prefix(parent, 1, folded)]
}

fn siblings_prefix(parent: &NodeId, rank: u8, folded: &str) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(folded.len() + 48);
    prefix.extend_from_slice(parent.as_bytes());
    prefix.push(rank);
    prefix.extend_from_slice(&name::sort_key(folded));
    prefix
}
