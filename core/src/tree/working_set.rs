//! What merging reads: rows and two lookups, loaded beforehand.
//!
//! Merging is synchronous and never waits. Where something is not loaded it says what, as
//! [`Need`]s, all of the batch at once; the caller loads them and tries again.

use std::collections::HashMap;

use crate::id::NodeId;
use crate::tree::row::NodeRow;

/// Something that has to be loaded before merging can go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// The row of a node, or the knowledge that there is none.
    Row(NodeId),
    /// The nodes listed under a folder: all keys of the listing that begin with its id.
    Children(NodeId),
    /// The nodes listed under a folder whose own name folds to this: all keys that begin
    /// with one of `listing::siblings_prefixes`.
    Siblings {
        /// The folder.
        parent: NodeId,
        /// The folded name.
        folded_name: String,
    },
}

/// What merging and editing read the tree through. In every answer the outer `None` means
/// "not loaded".
pub trait TreeReader {
    /// The row of a node; `Some(None)` where it is known that there is none.
    fn row(&self, node: &NodeId) -> Option<Option<&NodeRow>>;
    /// The nodes listed under a folder.
    fn children(&self, folder: &NodeId) -> Option<&[NodeId]>;
    /// The nodes listed under a folder whose own name folds to `folded_name`.
    fn siblings(&self, parent: &NodeId, folded_name: &str) -> Option<&[NodeId]>;
}

/// A [`TreeReader`] over what was put into it.
#[derive(Debug, Clone, Default)]
pub struct WorkingSet {
    rows: HashMap<NodeId, Option<NodeRow>>,
    children: HashMap<NodeId, Vec<NodeId>>,
    siblings: HashMap<NodeId, HashMap<String, Vec<NodeId>>>,
}

impl WorkingSet {
    /// Puts what was found for [`Need::Row`].
    pub fn put_row(&mut self, node: NodeId, row: Option<NodeRow>) {
        self.rows.insert(node, row);
    }

    /// Puts what was found for [`Need::Children`].
    pub fn put_children(&mut self, folder: NodeId, nodes: Vec<NodeId>) {
        self.children.insert(folder, nodes);
    }

    /// Puts what was found for [`Need::Siblings`].
    pub fn put_siblings(&mut self, parent: NodeId, folded_name: String, nodes: Vec<NodeId>) {
        self.siblings.entry(parent).or_default().insert(folded_name, nodes);
    }
}

impl TreeReader for WorkingSet {
    fn row(&self, node: &NodeId) -> Option<Option<&NodeRow>> {
        self.rows.get(node).map(Option::as_ref)
    }

    fn children(&self, folder: &NodeId) -> Option<&[NodeId]> {
        self.children.get(folder).map(Vec::as_slice)
    }

    fn siblings(&self, parent: &NodeId, folded_name: &str) -> Option<&[NodeId]> {
        self.siblings.get(parent)?.get(folded_name).map(Vec::as_slice)
    }
}
