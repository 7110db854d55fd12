//! Where a link led before something was renamed or moved.
//!
//! A link goes from folder to folder by names. Where no node has the name there now, one may
//! have had it: [`Formerly`] is told what was kept of places and names and names those nodes.
//! It rewrites nothing, and whoever finds a node by its name of now has no use for it.
//!
//! Of several, the one that left the name and the folder last comes first: a link was written
//! for what was there last. Everything is a function of the ops, so devices that know the same
//! ones follow a link to the same node.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::id::NodeId;
use crate::name;
use crate::ordered;
use crate::tree::op::OpId;
use crate::tree::past::{self, Field, PastOp, Was};
use crate::tree::row::NodeRow;

/// What was kept of places and names, by node.
#[derive(Debug, Default)]
pub struct Formerly {
    ops: HashMap<NodeId, Vec<PastOp>>,
}

impl Formerly {
    /// Adds an op that was kept; in any order, and more than once does no harm.
    pub fn add(&mut self, op: PastOp) {
        if op.was.field() != Field::Trash {
            self.ops.entry(op.node).or_default().push(op);
        }
    }

    /// The nodes that may have had this name in this folder, in no order: something that was
    /// kept says one of the two. Their rows tell the rest.
    pub fn suspects(&self, folder: NodeId, name: &str) -> Vec<NodeId> {
        let wanted = Wanted::new(folder, name);
        let fits = |ops: &[PastOp]| ops.iter().any(|op| wanted.is(&op.was));
        let found = self.ops.iter().filter(|(_, ops)| fits(ops));
        found.map(|(node, _)| *node).collect()
    }

    /// Those of these nodes that had this name in this folder, the one that left them last first.
    pub fn ranked(&self, folder: NodeId, name: &str, rows: &[NodeRow]) -> Vec<NodeId> {
        let wanted = Wanted::new(folder, name);
        let left = |row: &NodeRow| {
            let place = self.left(row, Field::Place, &wanted)?;
            Some(place.min(self.left(row, Field::Name, &wanted)?))
        };
        let mut found: Vec<_> =
            rows.iter().filter_map(|row| Some((Reverse(left(row)?), row.node))).collect();
        ordered::sort(&mut found);
        found.into_iter().map(|(_, node)| node).collect()
    }

    /// The folders that a node was in before, the one that it left last first.
    pub fn places(&self, row: &NodeRow) -> Vec<NodeId> {
        let mut places = Vec::new();
        for op in self.of(row, Field::Place).into_iter().rev() {
            if let Was::In(folder) = op.was
                && folder != row.shown_parent
                && !places.contains(&folder)
            {
                places.push(folder);
            }
        }
        places
    }

    /// When a node left what is wanted of this field; `None` if it never had it.
    fn left(&self, row: &NodeRow, field: Field, wanted: &Wanted) -> Option<Left> {
        let ops = self.of(row, field);
        let last = ops.iter().rposition(|op| wanted.is(&op.was))?;
        Some(ops.get(last + 1).map_or(Left::Never, |next| Left::By(next.id)))
    }

    /// All that is known of a field, oldest first.
    fn of(&self, row: &NodeRow, field: Field) -> Vec<PastOp> {
        let kept = self.ops.get(&row.node).into_iter().flatten().cloned();
        let mut ops: Vec<PastOp> =
            kept.chain(past::of_row(row)).filter(|op| op.was.field() == field).collect();
        ordered::sort_by_key(&mut ops, |op| op.id);
        ops.dedup_by_key(|op| op.id);
        ops
    }
}

/// When a node left a folder or a name; what has it still is later than all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    By(OpId),
    Never,
}

/// A name in a folder.
struct Wanted {
    folder: NodeId,
    folded: String,
}

impl Wanted {
    fn new(folder: NodeId, name: &str) -> Self {
        Self { folder, folded: name::fold(name) }
    }

    fn is(&self, was: &Was) -> bool {
        match was {
            Was::In(folder) => *folder == self.folder,
            Was::Called(name) => name::fold(name) == self.folded,
            Was::Trashed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DeviceId;
    use crate::rpc::Kind;
    use crate::tree::memory::MemoryTree;
    use crate::tree::op::{Context, KnownOp, Op, Value};
    use crate::tree::past::replaced;

    const TRIP: NodeId = NodeId([0x20; 16]);
    const BOAT: NodeId = NodeId([0x21; 16]);

    fn file(n: u8) -> NodeId {
        NodeId([0x80 + n; 16])
    }

    /// One device that makes, renames and moves, and keeps what that replaces.
    #[derive(Default)]
    struct Drive {
        tree: MemoryTree,
        formerly: Formerly,
        lamport: u64,
    }

    impl Drive {
        fn does(&mut self, node: NodeId, value: Value) {
            self.lamport += 1;
            let id = OpId { lamport: self.lamport, device: DeviceId([1; 16]) };
            let context =
                Context { seq: Some(self.lamport), seen_seq: self.lamport - 1, time_ms: 0 };
            let supersedes = Vec::new();
            let ops = [KnownOp { op: Op { id, node, value, supersedes }, context }];
            let kept = self.tree.with_working_set(|set| {
                let changes = crate::tree::apply(set, &ops)?;
                Ok((changes, replaced(&ops, set)))
            });
            self.tree.write(&kept.0);
            kept.1.into_iter().for_each(|op| self.formerly.add(op));
        }

        fn creates(&mut self, node: NodeId, parent: NodeId, name: &str) {
            let kind = if [TRIP, BOAT].contains(&node) { Kind::Folder } else { Kind::File };
            self.does(node, Value::Create { kind, parent, name: name.to_owned() });
        }

        fn renames(&mut self, node: NodeId, name: &str) {
            self.does(node, Value::Name(name.to_owned()));
        }

        fn moves(&mut self, node: NodeId, to: NodeId) {
            self.does(node, Value::Parent(to));
        }

        fn finds(&self, folder: NodeId, name: &str) -> Vec<NodeId> {
            let suspects = self.formerly.suspects(folder, name);
            let rows: Vec<NodeRow> =
                suspects.iter().map(|node| self.tree.rows[node].clone()).collect();
            self.formerly.ranked(folder, name, &rows)
        }
    }

    fn drive() -> Drive {
        let mut drive = Drive::default();
        drive.creates(TRIP, NodeId::ROOT, "trip");
        drive.creates(BOAT, NodeId::ROOT, "boat");
        drive
    }

    #[test]
    fn a_file_is_found_by_the_name_it_had() {
        let mut drive = drive();
        drive.creates(file(1), TRIP, "Plan.md");
        drive.renames(file(1), "route.md");
        drive.renames(file(1), "way.md");
        assert_eq!(drive.finds(TRIP, "plan.md"), [file(1)]);
        assert_eq!(drive.finds(TRIP, "route.md"), [file(1)]);
        assert_eq!(drive.finds(BOAT, "plan.md"), []);
        assert_eq!(drive.finds(TRIP, "other.md"), []);
    }

    #[test]
    fn a_file_is_found_in_the_folder_it_was_in() {
        let mut drive = drive();
        drive.creates(file(1), TRIP, "plan.md");
        drive.moves(file(1), BOAT);
        drive.renames(file(1), "route.md");
        assert_eq!(drive.finds(TRIP, "plan.md"), [file(1)]);
        assert_eq!(drive.finds(TRIP, "route.md"), [file(1)]);
        assert_eq!(drive.finds(NodeId::ROOT, "plan.md"), []);
    }

    #[test]
    fn of_several_the_one_that_left_the_name_last_comes_first() {
        let mut drive = drive();
        drive.creates(file(1), TRIP, "plan.md");
        drive.renames(file(1), "plan of May.md");
        drive.creates(file(2), TRIP, "plan.md");
        drive.renames(file(2), "plan of June.md");
        assert_eq!(drive.finds(TRIP, "plan.md"), [file(2), file(1)]);
        drive.renames(file(1), "plan.md");
        drive.renames(file(1), "plan of July.md");
        assert_eq!(drive.finds(TRIP, "plan.md"), [file(1), file(2)]);
    }

    #[test]
    fn ops_that_come_in_another_order_tell_the_same() {
        let mut drive = drive();
        for n in 1..6 {
            drive.creates(file(n), TRIP, "plan.md");
            drive.renames(file(n), &format!("plan {n}.md"));
        }
        let found = drive.finds(TRIP, "plan.md");
        let mut ops: Vec<PastOp> = drive.formerly.ops.drain().flat_map(|(_, ops)| ops).collect();
        ops.sort_unstable_by_key(|op| Reverse(op.id));
        ops.iter().chain(&ops).for_each(|op| drive.formerly.add(op.clone()));
        assert_eq!(drive.finds(TRIP, "plan.md"), found);
        assert_eq!(found, [5, 4, 3, 2, 1].map(file));
    }

    #[test]
    fn a_text_that_was_moved_knows_the_folders_it_was_in() {
        let mut drive = drive();
        drive.creates(file(1), TRIP, "notes.md");
        drive.moves(file(1), BOAT);
        drive.moves(file(1), NodeId::ROOT);
        assert_eq!(drive.formerly.places(&drive.tree.rows[&file(1)]), [BOAT, TRIP]);
    }
}
