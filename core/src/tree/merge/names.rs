//! The last stage of a merge: siblings of one name are told apart by a number.
//!
//! Of the siblings whose names fold to the same, the one made first shows its name as it
//! is; the others, in the order they were made, show it with ` (2)`, ` (3)` and so on,
//! leaving out what some sibling is really called. A number stands for one name only, so
//! shown names are unique. The trash does without: two rows of one name are no harm there.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::id::NodeId;
use crate::name;
use crate::ordered;
use crate::tree::merge::{Merge, Missing};
use crate::tree::op::OpId;
use crate::tree::working_set::{Need, TreeReader};

/// The siblings of a folder that share a folded name.
type Group = (NodeId, String);

/// What this merge takes from groups and adds to them.
#[derive(Default)]
struct Moves {
    left: HashMap<Group, HashSet<NodeId>>,
    joined: HashMap<Group, Vec<NodeId>>,
}

impl<R: TreeReader> Merge<'_, R> {
    pub(super) fn number(&mut self) -> Result<(), Missing> {
        let (moves, groups) = self.regroup();
        let members: Vec<(Group, Vec<NodeId>)> = groups
            .into_iter()
            .filter_map(|group| self.members(&group, &moves).map(|members| (group, members)))
            .collect();
        self.checked()?;
        for (_, members) in &members {
            for node in members {
                self.row(node);
            }
        }
        self.checked()?;
        let mut suffixes = Vec::new();
        for (group, members) in members {
            let mut members: Vec<(OpId, NodeId)> = members
                .into_iter()
                .filter_map(|node| self.row(&node).flatten().map(|row| (row.created.id, node)))
                .collect();
            ordered::sort(&mut members);
            let mut n = 1;
            for (at, (_, node)) in members.into_iter().enumerate() {
                if at == 0 {
                    suffixes.push((node, 0));
                    continue;
                }
                n += 1;
                while self.taken(&group, n, &moves) {
                    n += 1;
                }
                suffixes.push((node, n));
            }
        }
        self.checked()?;
        for (node, suffix) in suffixes {
            if self.row(&node).flatten().is_some_and(|row| row.suffix != suffix) {
                self.row_mut(&node).suffix = suffix;
            }
        }
        Ok(())
    }

    /// Finds which groups this merge touches, and how.
    fn regroup(&mut self) -> (Moves, BTreeSet<Group>) {
        let mut moves = Moves::default();
        let mut groups = BTreeSet::new();
        let mut unnumbered = Vec::new();
        for (node, row) in &self.overlay {
            let old = self.reader.row(node).flatten();
            let same = old.is_some_and(|old| {
                old.shown_parent == row.shown_parent && old.name.value == row.name.value
            });
            if same {
                continue;
            }
            if let Some(old) = old.filter(|old| !old.shown_parent.is_trash()) {
                let group = (old.shown_parent, name::fold(&old.name.value));
                moves.left.entry(group).or_default().insert(*node);
            }
            if row.shown_parent.is_trash() {
                unnumbered.push(*node);
            } else {
                let group = (row.shown_parent, name::fold(&row.name.value));
                moves.joined.entry(group).or_default().push(*node);
            }
        }
        for node in unnumbered {
            self.row_mut(&node).suffix = 0;
        }
        for group in moves.left.keys().chain(moves.joined.keys()) {
            if let Some((base, _)) = name::without_suffix(&group.1) {
                groups.insert((group.0, base));
            }
            groups.insert(group.clone());
        }
        (moves, groups)
    }

    fn members(&mut self, group: &Group, moves: &Moves) -> Option<Vec<NodeId>> {
        let stored: &[NodeId] = if self.is_new(&group.0) {
            &[]
        } else if let Some(stored) = self.reader.siblings(&group.0, &group.1) {
            stored
        } else {
            self.needs.insert(Need::Siblings { parent: group.0, folded_name: group.1.clone() });
            return None;
        };
        let left = moves.left.get(group);
        let mut members: Vec<NodeId> = stored
            .iter()
            .filter(|node| !left.is_some_and(|left| left.contains(node)))
            .copied()
            .collect();
        members.extend(moves.joined.get(group).into_iter().flatten());
        Some(members)
    }

    /// Says whether a sibling is really called as the `n`-th of this group would show.
    fn taken(&mut self, group: &Group, n: u32, moves: &Moves) -> bool {
        let candidate = (group.0, name::with_suffix(&group.1, n));
        self.members(&candidate, moves).is_some_and(|members| !members.is_empty())
    }
}
