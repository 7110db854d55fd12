//! What is shown, worked out from all rows at once.
//!
//! Simple, complete and slow: this is the definition that `apply` is held to by property
//! tests, and what a rebuilt index is filled from. It reads only the registers of the rows,
//! none of what they say is shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::id::NodeId;
use crate::name;
use crate::ordered;
use crate::tree::op::OpId;
use crate::tree::row::{NodeRow, Stamped};

/// Where and how a node is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The folder that lists it.
    pub parent: NodeId,
    /// The number after its name; 0 for none.
    pub suffix: u32,
    /// How many parents a cycle has made it pass over.
    pub fallback: u8,
}

/// Works out where every node is shown.
pub fn resolve_all<'a>(rows: impl IntoIterator<Item = &'a NodeRow>) -> BTreeMap<NodeId, Shown> {
    let rows: BTreeMap<NodeId, &NodeRow> = rows.into_iter().map(|row| (row.node, row)).collect();
    let mut tree = Resolution { fallback: rows.keys().map(|node| (*node, 0)).collect(), rows };
    while tree.break_one_cycle_each() {}
    let parents = tree.shown_parents();
    let suffixes = tree.suffixes(&parents);
    let shown = |node: &NodeId| Shown {
        parent: parents[node],
        suffix: suffixes[node],
        fallback: tree.fallback[node],
    };
    tree.rows.keys().map(|node| (*node, shown(node))).collect()
}

struct Resolution<'a> {
    rows: BTreeMap<NodeId, &'a NodeRow>,
    fallback: HashMap<NodeId, u8>,
}

impl Resolution<'_> {
    fn placing(&self, node: &NodeId) -> Option<&Stamped<NodeId>> {
        self.rows[node].parents.get(usize::from(self.fallback[node]))
    }

    fn placed_parent(&self, node: &NodeId) -> NodeId {
        let parent = self.placing(node).map_or(NodeId::RECOVERED, |op| op.value);
        let known = parent.is_builtin() || self.rows.contains_key(&parent);
        if known { parent } else { NodeId::RECOVERED }
    }

    /// Displaces one node of each cycle there is; says whether there was one.
    fn break_one_cycle_each(&mut self) -> bool {
        let mut seen: HashSet<NodeId> = HashSet::new();
        let mut displaced = Vec::new();
        for start in self.rows.keys() {
            let (mut path, mut node) = (Vec::new(), *start);
            while !node.is_builtin() && seen.insert(node) {
                path.push(node);
                node = self.placed_parent(&node);
            }
            if let Some(entry) = path.iter().position(|n| *n == node) {
                let cycle = &path[entry..];
                displaced.extend(cycle.iter().max_by_key(|n| self.placing(n).map(|op| op.id)));
            }
        }
        for node in &displaced {
            *self.fallback.entry(*node).or_default() += 1;
        }
        !displaced.is_empty()
    }

    /// Places parents before children, so that the standing of a parent is known.
    fn shown_parents(&self) -> HashMap<NodeId, NodeId> {
        let mut shown: HashMap<NodeId, NodeId> = HashMap::new();
        let mut trash_root: HashMap<NodeId, Option<NodeId>> = HashMap::new();
        for start in self.rows.keys() {
            let (mut path, mut node) = (Vec::new(), *start);
            while !node.is_builtin() && !shown.contains_key(&node) {
                path.push(node);
                node = self.placed_parent(&node);
            }
            for node in path.into_iter().rev() {
                let row = self.rows[&node];
                let parent = self.placed_parent(&node);
                let above = trash_root.get(&parent).copied().flatten();
                let (parent, root) = match above {
                    _ if row.self_trashed() => (row.trash_folder(), Some(node)),
                    Some(root) if self.escapes(&node, &root) => (NodeId::RECOVERED, None),
                    above => (parent, above),
                };
                shown.insert(node, parent);
                trash_root.insert(node, root);
            }
        }
        shown
    }

    fn escapes(&self, node: &NodeId, root: &NodeId) -> bool {
        let mut row = self.rows[node].clone();
        row.fallback = self.fallback[node];
        row.escapes(self.rows[root])
    }

    fn suffixes(&self, parents: &HashMap<NodeId, NodeId>) -> HashMap<NodeId, u32> {
        let mut groups: BTreeMap<(NodeId, String), Vec<(OpId, NodeId)>> = BTreeMap::new();
        let mut suffixes = HashMap::new();
        for (node, row) in &self.rows {
            suffixes.insert(*node, 0);
            if !parents[node].is_trash() {
                let group = (parents[node], name::fold(&row.name.value));
                groups.entry(group).or_default().push((row.created.id, *node));
            }
        }
        for ((parent, folded), members) in &groups {
            let mut members = members.clone();
            ordered::sort(&mut members);
            let mut free =
                (2..).filter(|n| !groups.contains_key(&(*parent, name::with_suffix(folded, *n))));
            for (_, node) in members.iter().skip(1) {
                suffixes.insert(*node, free.next().expect("numbers do not end"));
            }
        }
        suffixes
    }
}
