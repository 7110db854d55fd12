//! The third stage of a merge: where each touched node is shown.
//!
//! A node that was trashed itself is shown in the trash, or in `NodeId::GONE` if for good. Otherwise it is shown in its
//! placed parent, unless that is in the trash and the node escapes the trashing of the
//! folder concerned: then in `Recovered`. What is below a trashed folder keeps its row as
//! it is, so trashing a large folder writes one row.
//!
//! When the standing of a folder changes, so may that of what is below it: its children
//! are looked at, and theirs if their own standing changes, and so on.

use std::collections::{HashMap, HashSet};

use crate::id::NodeId;
use crate::tree::merge::{Merge, Missing};
use crate::tree::row::NodeRow;
use crate::tree::working_set::TreeReader;

/// Whether a node is live or in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Live,
    /// In the trash, because this node, itself or above it, was put there.
    Trashed(NodeId),
}

/// What this stage finds out on the way.
#[derive(Default)]
struct Found {
    standing: HashMap<NodeId, Standing>,
    shown_parent: HashMap<NodeId, NodeId>,
}

impl<R: TreeReader> Merge<'_, R> {
    pub(super) fn place(&mut self) -> Result<(), Missing> {
        let mut looked_below = HashSet::new();
        let mut old_standing = HashMap::new();
        let mut recovered_looked_at = false;
        let found = loop {
            let mut found = Found::default();
            let dirty: Vec<NodeId> = self.dirty.iter().copied().collect();
            for node in &dirty {
                self.find(*node, &mut found);
            }
            self.checked()?;
            let mut changed = Vec::new();
            for node in &dirty {
                if !looked_below.contains(node)
                    && self.standing_changed(node, &found, &mut old_standing)
                {
                    looked_below.insert(*node);
                    changed.push(*node);
                }
            }
            self.checked()?;
            if changed.is_empty() {
                break found;
            }
            for folder in changed {
                let children = self.old_children(&folder).unwrap_or_default();
                self.dirty.extend(children);
            }
            if !recovered_looked_at {
                recovered_looked_at = true;
                let children = self.old_children(&NodeId::RECOVERED).unwrap_or_default();
                self.dirty.extend(children);
            }
            self.checked()?;
        };
        for (node, shown_parent) in found.shown_parent {
            let shown = self.row(&node).flatten().map(|row| row.shown_parent);
            if shown != Some(shown_parent) {
                self.row_mut(&node).shown_parent = shown_parent;
            }
        }
        self.checked()
    }

    /// Finds the standing of a node and of all above it, by the new state.
    fn find(&mut self, start: NodeId, found: &mut Found) {
        let mut path = Vec::new();
        let mut node = start;
        let mut standing = loop {
            if node.is_builtin() {
                break Standing::Live;
            }
            if let Some(known) = found.standing.get(&node) {
                break *known;
            }
            let dirty = self.dirty.contains(&node);
            let Some(row) = self.row(&node) else { return };
            let Some(row) = row else { break Standing::Live };
            let trashed = if dirty { row.self_trashed() } else { row.shown_parent.is_trash() };
            let up = if dirty { row.placed_parent() } else { row.shown_parent };
            if trashed {
                found.standing.insert(node, Standing::Trashed(node));
                if dirty {
                    let folder = row.trash_folder();
                    found.shown_parent.insert(node, folder);
                }
                break Standing::Trashed(node);
            }
            path.push(node);
            node = up;
        };
        for node in path.into_iter().rev() {
            if self.dirty.contains(&node) {
                let row = self.now(&node);
                let mut shown_parent = row.placed_parent();
                if let Standing::Trashed(root) = standing
                    && row.escapes(self.now(&root))
                {
                    shown_parent = NodeId::RECOVERED;
                    standing = Standing::Live;
                }
                found.shown_parent.insert(node, shown_parent);
            }
            found.standing.insert(node, standing);
        }
    }

    /// A row that this stage has read already.
    fn now(&self, node: &NodeId) -> &NodeRow {
        self.overlay.get(node).or_else(|| self.old_row(node)).expect("it was walked through")
    }

    /// Says whether a folder stands otherwise than before, so that what is below it has to
    /// be looked at.
    fn standing_changed(
        &mut self,
        node: &NodeId,
        found: &Found,
        old_standing: &mut HashMap<NodeId, Standing>,
    ) -> bool {
        if !self.now(node).is_folder() || self.is_new(node) {
            return false;
        }
        let Some(old) = self.find_old(node, old_standing) else {
            return false;
        };
        let Some(new) = found.standing.get(node).copied() else {
            return false;
        };
        match (old, new) {
            // Whoever trashed the folder has everything here in view, so nothing below it
            // escapes.
            (Standing::Live, Standing::Trashed(root)) if root == *node => {
                !self.trashed_in_view.contains(node)
            }
            (Standing::Trashed(old), Standing::Trashed(new)) => {
                old != new || self.trash_changed.contains(&new)
            }
            (old, new) => old != new,
        }
    }

    /// Finds the standing of a node as it was before this merge.
    fn find_old(
        &mut self,
        start: &NodeId,
        known: &mut HashMap<NodeId, Standing>,
    ) -> Option<Standing> {
        let mut path = Vec::new();
        let mut node = *start;
        let standing = loop {
            if node.is_builtin() {
                break Standing::Live;
            }
            if let Some(standing) = known.get(&node) {
                break *standing;
            }
            if self.reader.row(&node).is_none() {
                self.row(&node);
                return None;
            }
            path.push(node);
            match self.old_row(&node).map(|row| row.shown_parent) {
                Some(parent) if parent.is_trash() => break Standing::Trashed(node),
                Some(parent) => node = parent,
                None => break Standing::Live,
            }
        };
        known.extend(path.into_iter().map(|node| (node, standing)));
        Some(standing)
    }
}
