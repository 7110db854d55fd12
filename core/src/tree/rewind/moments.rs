//! When something below a folder was changed: the moments that a person can choose from.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::id::{DeviceId, NodeId};
use crate::limits;
use crate::ordered;
use crate::tree::op::OpId;
use crate::tree::past::{self, PastOp, Was};
use crate::tree::row::NodeRow;

/// Changes of one device belong together when no more time than this is between them.
const PAUSE_MS: i64 = 10 * 60 * 1000;
/// No stretch is longer, however busy its device was.
const STRETCH_MS: i64 = 60 * 60 * 1000;
/// Stretches that are told, the newest.
const STRETCHES_MAX: usize = 100;

/// A stretch of time in which one device changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The first change, in milliseconds since 1970, by the device's clock.
    pub from_ms: i64,
    /// The last one.
    pub until_ms: i64,
    /// The device.
    pub device: DeviceId,
    /// The nodes that were changed.
    pub nodes: BTreeSet<NodeId>,
}

/// Gathers what is known of a vault to tell when something below a folder was changed.
#[derive(Debug)]
pub struct Moments {
    folder: NodeId,
    placed: HashMap<NodeId, NodeId>,
    /// Time, device, node, and the folder where the change put it.
    changes: Vec<(i64, DeviceId, NodeId, Option<NodeId>)>,
}

impl Moments {
    /// Begins to look at a folder.
    pub fn new(folder: NodeId) -> Self {
        Self { folder, placed: HashMap::new(), changes: Vec::new() }
    }

    /// Adds a row; all of the vault are needed, in any order.
    pub fn add_row(&mut self, row: &NodeRow) {
        self.placed.insert(row.node, row.placed_parent());
        past::of_row(row).for_each(|op| self.add_past(&op));
        let mut note = |op: OpId, time_ms| self.note(time_ms, op, row.node, None);
        note(row.created.id, row.created.context.time_ms);
        row.contents.iter().for_each(|op| note(op.id, op.context.time_ms));
        row.texts.iter().for_each(|op| note(op.id, op.context.time_ms));
    }

    /// Adds an op that was kept.
    pub fn add_past(&mut self, op: &PastOp) {
        let into = match op.was {
            Was::In(parent) => Some(parent),
            Was::Called(_) | Was::Trashed(_) => None,
        };
        self.note(op.time_ms, op.id, op.node, into);
    }

    fn note(&mut self, time_ms: i64, op: OpId, node: NodeId, into: Option<NodeId>) {
        self.changes.push((time_ms, op.device, node, into));
    }

    /// The stretches in which something below the folder was changed, or left it; the newest
    /// first.
    pub fn stretches(mut self) -> Vec<Stretch> {
        let below = self.below();
        let is_below = |node: &NodeId| *node == self.folder || below.contains(node);
        // What is there now, or was put there by one of its changes.
        let mut concerned: HashSet<NodeId> = below.clone();
        let put_there =
            self.changes.iter().filter(|(.., into)| into.as_ref().is_some_and(is_below));
        concerned.extend(put_there.map(|(_, _, node, _)| *node));
        self.changes.retain(|(_, _, node, _)| concerned.contains(node));
        ordered::sort(&mut self.changes);
        let mut stretches: Vec<Stretch> = Vec::new();
        for (time_ms, device, node, _) in self.changes.into_iter().rev() {
            let goes_on = stretches.last().is_some_and(|last| {
                last.device == device
                    && last.from_ms.saturating_sub(time_ms) <= PAUSE_MS
                    && last.until_ms.saturating_sub(time_ms) <= STRETCH_MS
            });
            if !goes_on {
                if stretches.len() == STRETCHES_MAX {
                    break;
                }
                let (from_ms, until_ms, nodes) = (time_ms, time_ms, BTreeSet::new());
                stretches.push(Stretch { from_ms, until_ms, device, nodes });
            }
            if let Some(last) = stretches.last_mut() {
                last.from_ms = time_ms;
                last.nodes.insert(node);
            }
        }
        stretches
    }

    /// The nodes that are put below the folder, in the trash or not.
    fn below(&self) -> HashSet<NodeId> {
        let mut below = HashSet::new();
        for node in self.placed.keys() {
            let parent = |at: &NodeId| self.placed.get(at).copied();
            let mut above =
                std::iter::successors(parent(node), parent).take(limits::TREE_DEPTH_MAX);
            if above.any(|at| at == self.folder || below.contains(&at)) {
                below.insert(*node);
            }
        }
        below
    }
}
