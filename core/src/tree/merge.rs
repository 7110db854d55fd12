//! Merging ops into rows, keeping up what is shown.
//!
//! A merge goes through stages, each of which may find that something is not loaded:
//! absorb the ops into copies of their rows; break cycles (`cycles`); find where each
//! touched node is shown (`places`); number the siblings of one name (`names`). Rows are
//! copied only when they change. The result equals `resolve_all` over all rows; property
//! tests hold the two together.

mod absorb;
mod cycles;
mod names;
mod places;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::id::NodeId;
use crate::ordered;
use crate::tree::listing;
use crate::tree::op::{KnownOp, OpId};
use crate::tree::row::NodeRow;
use crate::tree::working_set::{Need, TreeReader};

/// What a merge changes; to be written in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The rows to put.
    pub rows: Vec<NodeRow>,
    /// Keys to delete from the listing, before putting.
    pub listing_delete: Vec<Vec<u8>>,
    /// Keys and values to put into the listing.
    pub listing_put: Vec<(Vec<u8>, Vec<u8>)>,
    /// The folders whose lists are no longer what they were.
    pub folders: BTreeSet<NodeId>,
    /// The greatest Lamport time among the ops; the device's clock must not be behind it.
    pub lamport_max: u64,
    /// Ops that no honest device writes; they were passed over.
    pub rejected: Vec<Rejected>,
}

/// An op that was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// The op.
    pub op: OpId,
    /// The node it is about.
    pub node: NodeId,
    /// Why.
    pub reason: RejectReason,
}

/// Why an op was passed over. Every replica passes over the same ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// It is about a node that was never made.
    NodeUnknown,
    /// It makes a node that exists, or one of the built-in folders.
    NodeTaken,
    /// It puts a node where there is no folder.
    NotAFolder,
    /// It gives content to a folder.
    NotAFile,
    /// Its name is unfit.
    NameUnfit,
    /// Its label is unfit.
    LabelUnfit,
    /// Its Lamport time is not after what it supersedes, or beyond the clock's end.
    ClockUnfit,
}

/// Lists what has to be loaded before the merge can go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} things must be loaded first", .needs.len())]
pub struct Missing {
    /// What is missing; never empty.
    pub needs: Vec<Need>,
}

/// Merges ops, which must come in causal order: in the log's order, the own ones at any
/// time before.
///
/// Pure and all or nothing. An op that is already merged changes nothing, except that one
/// without a place in the log takes the place it has now.
pub fn apply(reader: &impl TreeReader, ops: &[KnownOp]) -> Result<Changes, Missing> {
    Merge::new(reader, false).run(ops)
}

/// Merges ops that this device makes now, from just these rows.
///
/// Their author has everything here in view, so nothing escapes what is put in the trash, and
/// nobody has to look below it. Ops that were made earlier and have no place in the log yet
/// are not such: the rows may have more since.
pub fn apply_in_view(reader: &impl TreeReader, ops: &[KnownOp]) -> Result<Changes, Missing> {
    Merge::new(reader, true).run(ops)
}

/// A merge under way.
struct Merge<'a, R> {
    reader: &'a R,
    /// The rows that changed, or may have.
    overlay: HashMap<NodeId, NodeRow>,
    needs: BTreeSet<Need>,
    /// Nodes that were moved by an op, other than by being made.
    moved: BTreeSet<NodeId>,
    /// Nodes whose place has to be found again.
    dirty: HashSet<NodeId>,
    /// Nodes whose trashing or restoring changed.
    trash_changed: HashSet<NodeId>,
    /// Whether the authors of the ops have all rows in view.
    in_view: bool,
    /// Nodes that are put in the trash by this very merge, with all below them in view.
    trashed_in_view: HashSet<NodeId>,
    lamport_max: u64,
    rejected: Vec<Rejected>,
}

impl<'a, R: TreeReader> Merge<'a, R> {
    fn new(reader: &'a R, in_view: bool) -> Self {
        Self {
            reader,
            overlay: HashMap::new(),
            needs: BTreeSet::new(),
            moved: BTreeSet::new(),
            dirty: HashSet::new(),
            trash_changed: HashSet::new(),
            in_view,
            trashed_in_view: HashSet::new(),
            lamport_max: 0,
            rejected: Vec::new(),
        }
    }

    fn run(mut self, ops: &[KnownOp]) -> Result<Changes, Missing> {
        self.absorb(ops)?;
        self.break_cycles()?;
        self.place()?;
        self.number()?;
        Ok(self.finish())
    }

    /// The row as it is now in this merge; notes a need where it is not loaded.
    fn row(&mut self, node: &NodeId) -> Option<Option<&NodeRow>> {
        if self.overlay.contains_key(node) {
            return Some(self.overlay.get(node));
        }
        let row = self.reader.row(node);
        if row.is_none() {
            self.needs.insert(Need::Row(*node));
        }
        row
    }

    /// The row as it was before this merge.
    fn old_row(&self, node: &NodeId) -> Option<&'a NodeRow> {
        self.reader.row(node).flatten()
    }

    /// The row to change; it must be loaded and exist.
    fn row_mut(&mut self, node: &NodeId) -> &mut NodeRow {
        let reader = self.reader;
        self.overlay.entry(*node).or_insert_with(|| {
            reader.row(node).flatten().expect("only rows that were read are changed").clone()
        })
    }

    /// The nodes listed under a folder before this merge; notes a need.
    fn old_children(&mut self, folder: &NodeId) -> Option<&'a [NodeId]> {
        let children = self.reader.children(folder);
        if children.is_none() {
            self.needs.insert(Need::Children(*folder));
        }
        children
    }

    /// Says whether the node is made by this merge, so that nothing can be stored below it.
    fn is_new(&self, node: &NodeId) -> bool {
        self.overlay.contains_key(node) && self.old_row(node).is_none()
    }

    /// Ends a stage: what was found to be missing is an error.
    fn checked(&mut self) -> Result<(), Missing> {
        if self.needs.is_empty() {
            return Ok(());
        }
        Err(Missing { needs: std::mem::take(&mut self.needs).into_iter().collect() })
    }

    fn finish(self) -> Changes {
        let mut changes = Changes {
            lamport_max: self.lamport_max,
            rejected: self.rejected,
            ..Changes::default()
        };
        let mut rows: Vec<NodeRow> = self.overlay.into_values().collect();
        ordered::sort_by_key(&mut rows, |row| row.node);
        for row in rows {
            let old = self.reader.row(&row.node).flatten();
            if old == Some(&row) {
                continue;
            }
            let (before, after) =
                (old.map(listing::entries).unwrap_or_default(), listing::entries(&row));
            if before != after {
                changes.folders.insert(row.shown_parent);
                changes.folders.extend(old.map(|old| old.shown_parent));
            }
            let is_left = |(key, _): &&(Vec<u8>, Vec<u8>)| after.iter().all(|(new, _)| new != key);
            changes
                .listing_delete
                .extend(before.iter().filter(is_left).map(|(key, _)| key.clone()));
            changes.listing_put.extend(after.into_iter().filter(|entry| !before.contains(entry)));
            changes.rows.push(row);
        }
        changes
    }
}

#[cfg(test)]
mod tests;
