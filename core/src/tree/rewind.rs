//! A folder as it was at a moment, and what makes it so again.
//!
//! A field's value at a moment is that of the greatest op that was made by then, by its
//! author's clock: what a device that had heard of everything would have shown. Nothing is
//! taken out of the history; a rewinding is changes like any other, so it merges, and Undo
//! takes it back.
//!
//! What was in the folder then is put where it was, under its name of then, out of the trash
//! if it was not there, unless it was deleted for good. What is in the folder now and was not: what was made since goes to
//! the trash, and what was somewhere else returns there.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::id::NodeId;
use crate::limits;
use crate::ordered;
use crate::tree::edit::{Edit, EditError};
use crate::tree::past::{self, Field, PastOp, Was};
use crate::tree::row::NodeRow;
use crate::tree::working_set::TreeReader;

mod moments;

pub use moments::{Moments, Stretch};

/// What is known of a node now and at the moment.
#[derive(Debug, Default)]
struct Node {
    /// The folder that shows it now; `None` while its row was not added.
    now: Option<Now>,
    /// The greatest op of each field that was made by then.
    then: BTreeMap<Field, PastOp>,
}

#[derive(Debug)]
struct Now {
    shown_parent: NodeId,
    placed_parent: NodeId,
    name: String,
    trashed: bool,
    folder: bool,
    existed: bool,
    /// Its content was set or edited since.
    edited: bool,
}

/// Gathers what is known of a vault to compare it with what it was at a moment.
#[derive(Debug)]
pub struct Rewind {
    folder: NodeId,
    at_ms: i64,
    nodes: HashMap<NodeId, Node>,
}

/// One thing to do with a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Out of the trash.
    Untrash,
    /// To this folder.
    Move(NodeId),
    /// To this name.
    Rename(String),
    /// To the trash, with all below it.
    Trash,
}

impl Step {
    /// Does it.
    pub fn make<R: TreeReader>(
        &self,
        node: NodeId,
        edit: &mut Edit<'_, R>,
    ) -> Result<(), EditError> {
        match self {
            Self::Untrash => edit.untrash(node),
            Self::Move(to) => edit.move_to(node, *to),
            Self::Rename(name) => edit.rename(node, name),
            Self::Trash => edit.trash(node),
        }
    }
}

/// What makes a folder what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is to be done, in this order; each a change of its own, since the next stands
    /// on it. None is empty.
    pub changes: Vec<Vec<(NodeId, Step)>>,
    /// Files whose content is to be that of the moment afterwards, if it is another.
    pub contents: Vec<NodeId>,
}

impl Rewind {
    /// Begins to look at a folder as it was at a moment, in milliseconds since 1970.
    pub fn new(folder: NodeId, at_ms: i64) -> Self {
        Self { folder, at_ms, nodes: HashMap::new() }
    }

    /// Adds a row; all of the vault are needed, in any order.
    pub fn add_row(&mut self, row: &NodeRow) {
        let since = |time_ms: i64| time_ms > self.at_ms;
        let edited = row.contents.iter().any(|op| since(op.context.time_ms))
            || row.texts.iter().any(|op| since(op.context.time_ms));
        let now = Now {
            shown_parent: row.shown_parent,
            placed_parent: row.placed_parent(),
            name: row.name.value.clone(),
            trashed: row.self_trashed(),
            folder: row.is_folder(),
            existed: !since(row.created.context.time_ms),
            edited,
        };
        past::of_row(row).for_each(|op| self.add_past(op));
        self.nodes.entry(row.node).or_default().now = Some(now);
    }

    /// Adds an op that was kept; all of them are needed, in any order.
    pub fn add_past(&mut self, op: PastOp) {
        if op.time_ms > self.at_ms {
            return;
        }
        let then = &mut self.nodes.entry(op.node).or_default().then;
        let field = op.was.field();
        if then.get(&field).is_none_or(|known| known.id < op.id) {
            then.insert(field, op);
        }
    }

    /// Works out what makes the folder what it was.
    pub fn plan(mut self) -> Plan {
        self.leave_out_what_is_gone();
        let above: HashSet<NodeId> = self.above_now(self.folder).collect();
        let (mut untrashed, mut renamed) = (Vec::new(), Vec::new());
        // By how deep a node was, so that its folder is there before it.
        let mut moved: BTreeMap<usize, Vec<(NodeId, NodeId)>> = BTreeMap::new();
        let (mut gone, mut contents) = (HashSet::new(), Vec::new());
        for (id, node) in &self.nodes {
            let Some(now) = &node.now else { continue };
            if *id == self.folder || above.contains(id) {
                continue;
            }
            let Some((depth, parent)) = self.below_then(*id) else {
                if self.comes_below(*id) {
                    match self.place_elsewhere(*id) {
                        Elsewhere::There => {}
                        Elsewhere::To(parent) => {
                            moved.entry(usize::MAX).or_default().push((*id, parent));
                        }
                        Elsewhere::Nowhere => drop(gone.insert(*id)),
                    }
                }
                continue;
            };
            if now.trashed {
                untrashed.push((*id, Step::Untrash));
            }
            if parent != now.placed_parent || now.shown_parent == NodeId::RECOVERED {
                moved.entry(depth).or_default().push((*id, parent));
            }
            match self.was(*id, Field::Name) {
                Some(Was::Called(name)) if *name != now.name => {
                    renamed.push((*id, Step::Rename(name.clone())));
                }
                _ => {}
            }
            if !now.folder && now.edited {
                contents.push(*id);
            }
        }
        // What is below goes along with a folder, unless it is moved out before.
        let leaves: HashSet<NodeId> = moved.values().flatten().map(|(id, _)| *id).collect();
        let goes_along = |id: NodeId| {
            let stays = |above: &NodeId| !leaves.contains(above);
            self.placed_above(id).take_while(stays).any(|above| gone.contains(&above))
        };
        let trashed = gone.iter().filter(|id| !goes_along(**id)).map(|id| (*id, Step::Trash));
        let to = |level: Vec<(NodeId, NodeId)>| -> Vec<(NodeId, Step)> {
            level.into_iter().map(|(id, parent)| (id, Step::Move(parent))).collect()
        };
        let mut changes = vec![untrashed];
        changes.extend(moved.into_values().map(to));
        changes.extend([renamed, trashed.collect()]);
        changes.retain(|change| !change.is_empty());
        // Maps have no order.
        changes.iter_mut().for_each(|change| ordered::sort(change));
        ordered::sort(&mut contents);
        Plan { changes, contents }
    }

    /// What was deleted for good is as if it had never been.
    fn leave_out_what_is_gone(&mut self) {
        let is_gone = |node: &NodeId| self.above_now(*node).last() == Some(NodeId::GONE);
        let gone: Vec<NodeId> = self.nodes.keys().copied().filter(is_gone).collect();
        for node in gone {
            self.nodes.entry(node).and_modify(|known| known.now = None);
        }
    }

    fn was(&self, node: NodeId, field: Field) -> Option<&Was> {
        self.nodes.get(&node)?.then.get(&field).map(|op| &op.was)
    }

    /// The folder it was in by itself.
    fn place_then(&self, node: NodeId) -> Place {
        let existed = self.nodes.get(&node).and_then(|known| known.now.as_ref());
        let trashed = matches!(self.was(node, Field::Trash), Some(Was::Trashed(true)));
        match self.was(node, Field::Place) {
            _ if existed.is_none_or(|now| !now.existed) || trashed => Place::None,
            Some(Was::In(parent)) => Place::In(*parent),
            // It was there before this was kept.
            _ => Place::Unknown,
        }
    }

    /// How deep below the folder it was, and in which; `None` if it was not there.
    fn below_then(&self, node: NodeId) -> Option<(usize, NodeId)> {
        let Place::In(parent) = self.place_then(node) else { return None };
        let mut at = parent;
        for depth in 0..limits::TREE_DEPTH_MAX {
            if at == self.folder {
                return Some((depth, parent));
            }
            let Place::In(above) = self.place_then(at) else { return None };
            at = above;
        }
        None
    }

    /// Where a node that was not below the folder belongs.
    fn place_elsewhere(&self, node: NodeId) -> Elsewhere {
        let mut at = node;
        for _ in 0..limits::TREE_DEPTH_MAX {
            match self.place_then(at) {
                Place::None => return Elsewhere::Nowhere,
                Place::Unknown => return Elsewhere::There,
                Place::In(NodeId::ROOT) => return self.return_to_place(node),
                Place::In(parent) => at = parent,
            }
        }
        Elsewhere::There
    }

    /// Says whether a node can return to where it was, outside of the folder.
    fn return_to_place(&self, node: NodeId) -> Elsewhere {
        let Place::In(parent) = self.place_then(node) else { return Elsewhere::There };
        let is_live = parent == NodeId::ROOT || self.above_now(parent).last() == Some(NodeId::ROOT);
        let inside = parent == node || self.above_now(parent).any(|above| above == node);
        // What came along with the folder that it is in goes back with that.
        let moved = self.nodes.get(&node).and_then(|known| known.now.as_ref());
        let came_along = moved.is_none_or(|now| now.placed_parent == parent);
        if came_along || !is_live || inside { Elsewhere::There } else { Elsewhere::To(parent) }
    }

    /// Says whether a node that was not below the folder would be there, with all put back
    /// that was: now, or along with a folder that comes out of the trash.
    fn comes_below(&self, node: NodeId) -> bool {
        let mut at = node;
        for _ in 0..limits::TREE_DEPTH_MAX {
            match self.nodes.get(&at).and_then(|known| known.now.as_ref()) {
                Some(now) if !now.trashed => at = now.placed_parent,
                Some(_) | None => return false,
            }
            if at == self.folder || self.below_then(at).is_some() {
                return true;
            }
        }
        false
    }

    /// The folders that it is put in now, whatever of them is in the trash.
    fn placed_above(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let parent = |node: &NodeId| Some(self.nodes.get(node)?.now.as_ref()?.placed_parent);
        std::iter::successors(parent(&node), move |at| parent(at)).take(limits::TREE_DEPTH_MAX)
    }

    /// The folders that show it now, from the nearest one up to a built-in one.
    fn above_now(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let parent = |node: &NodeId| Some(self.nodes.get(node)?.now.as_ref()?.shown_parent);
        std::iter::successors(parent(&node), move |at| parent(at)).take(limits::TREE_DEPTH_MAX)
    }
}

/// Where a node was.
enum Place {
    /// In this folder.
    In(NodeId),
    /// In the trash, or not made yet.
    None,
    /// Nobody kept it.
    Unknown,
}

/// What becomes of a node that is in the folder now and was not.
enum Elsewhere {
    /// It stays where it is.
    There,
    /// It was in this folder, which is there still.
    To(NodeId),
    /// It was nowhere.
    Nowhere,
}

#[cfg(test)]
mod tests;
