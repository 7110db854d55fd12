//! The second stage of a merge: cycles of concurrent moves are broken.
//!
//! In each cycle the node with the greatest placing op falls back to its previous parent,
//! at last to `Recovered`, until no cycle is left. Cycles are disjoint and a fall-back
//! concerns only its own, so the order of breaking does not matter. Every cycle among the
//! first choices holds a node that an op of this merge moved or one that was displaced
//! before; those are few, so all of the latter return to their first choice and every walk
//! begins at one of either.

use std::collections::HashSet;

use crate::id::NodeId;
use crate::tree::listing::DISPLACED;
use crate::tree::merge::{Merge, Missing};
use crate::tree::working_set::TreeReader;

/// Where following placed parents from a node ends.
enum Walk {
    /// At a built-in folder, by way of these nodes.
    Ends(Vec<NodeId>),
    /// In a cycle of these nodes.
    Cycle(Vec<NodeId>),
    /// At a row that is not loaded.
    Unknown,
}

impl<R: TreeReader> Merge<'_, R> {
    pub(super) fn break_cycles(&mut self) -> Result<(), Missing> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let displaced = self.old_children(&DISPLACED).unwrap_or_default();
        for node in displaced {
            self.row(node);
        }
        self.checked()?;
        let mut before = Vec::new();
        let starts: Vec<NodeId> = self.moved.iter().chain(displaced).copied().collect();
        for node in &starts {
            before.push(self.old_row(node).map(|row| row.placing().map(|op| op.id)));
            self.row_mut(node).fallback = 0;
        }
        let mut safe = HashSet::new();
        for start in &starts {
            loop {
                match self.walk(*start, &safe) {
                    Walk::Ends(path) => {
                        safe.extend(path);
                        break;
                    }
                    Walk::Cycle(cycle) => self.displace_greatest(&cycle),
                    Walk::Unknown => break,
                }
            }
        }
        self.checked()?;
        for (node, before) in starts.iter().zip(before) {
            let row = &self.overlay[node];
            if before != Some(row.placing().map(|op| op.id)) {
                self.dirty.insert(*node);
            }
        }
        // A cycle may displace a node that was in neither list.
        let fallen: Vec<NodeId> =
            self.overlay.values().filter(|row| row.fallback > 0).map(|row| row.node).collect();
        self.dirty.extend(fallen);
        Ok(())
    }

    fn walk(&mut self, start: NodeId, safe: &HashSet<NodeId>) -> Walk {
        let (mut path, mut on_path) = (Vec::new(), HashSet::new());
        let mut node = start;
        while !node.is_builtin() && !safe.contains(&node) {
            if !on_path.insert(node) {
                let entry = path.iter().position(|n| *n == node).unwrap_or(0);
                return Walk::Cycle(path.split_off(entry));
            }
            path.push(node);
            let Some(row) = self.row(&node) else {
                return Walk::Unknown;
            };
            node = row.map_or(NodeId::RECOVERED, |row| row.placed_parent());
        }
        Walk::Ends(path)
    }

    fn displace_greatest(&mut self, cycle: &[NodeId]) {
        let placing = |merge: &mut Self, node: &NodeId| {
            merge.row(node).flatten().and_then(|row| row.placing().map(|op| op.id))
        };
        let greatest = cycle.iter().copied().max_by_key(|node| placing(self, node));
        let greatest = greatest.expect("a cycle has nodes");
        self.row_mut(&greatest).fallback += 1;
    }
}
