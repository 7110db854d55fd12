//! What a merge takes in, what it asks for on the way, and what it holds registers in.

use super::*;
use crate::id::{DeviceId, Seq};
use crate::rpc::Kind;
use crate::tree::memory::MemoryTree;
use crate::tree::op::{Content, Context, Op, Value};
use crate::tree::resolve::resolve_all;
use crate::tree::working_set::WorkingSet;

const HERE: DeviceId = DeviceId([1; 16]);
const THERE: DeviceId = DeviceId([2; 16]);
const ELSEWHERE: DeviceId = DeviceId([3; 16]);

fn node(seed: u8) -> NodeId {
    NodeId([0x40 + seed; 16])
}

fn op(lamport: u64, device: DeviceId, node: NodeId, value: Value) -> Op {
    Op { id: OpId { lamport, device }, node, value, supersedes: Vec::new() }
}

fn made(lamport: u64, seed: u8, parent: NodeId, kind: Kind) -> Op {
    let name = format!("node {seed}");
    op(lamport, HERE, node(seed), Value::Create { kind, parent, name })
}

/// An op of this place in the log, whose author had verified the log up to another.
fn at(seq: Seq, seen_seq: Seq, op: Op) -> KnownOp {
    KnownOp { op, context: Context { seq: Some(seq), seen_seq, time_ms: 0 } }
}

/// A tree of these ops, of which each author had seen all before.
fn tree(ops: &[Op]) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for (op, seq) in ops.iter().zip(1..) {
        assert_eq!(tree.apply(&[at(seq, seq - 1, op.clone())]).rejected, []);
    }
    tree
}

/// A folder with a folder with a file in it.
fn nested() -> Vec<Op> {
    vec![
        made(1, 1, NodeId::ROOT, Kind::Folder),
        made(2, 2, node(1), Kind::Folder),
        made(3, 3, node(2), Kind::File),
    ]
}

type Merging = fn(&WorkingSet, &[KnownOp]) -> Result<Changes, Missing>;

/// How often something had to be loaded for a merge.
fn rounds(tree: &MemoryTree, merging: Merging, ops: &[KnownOp]) -> usize {
    let mut tree = MemoryTree { rounds: 0, ..tree.clone() };
    let changes = tree.with_working_set(|set| merging(set, ops));
    assert_eq!(changes.rejected, []);
    tree.rounds
}

#[test]
fn what_the_ops_of_a_batch_name_is_asked_for_at_once() {
    let t = tree(&nested());
    // The rows, then the siblings of the name.
    assert_eq!(rounds(&t, apply, &[at(4, 3, made(4, 4, NodeId::ROOT, Kind::Folder))]), 2);
    assert_eq!(rounds(&t, apply, &[at(4, 3, made(4, 4, node(1), Kind::Folder))]), 2);
    // Below what the batch makes itself there is nothing to ask for.
    let mut batch = vec![
        at(4, 3, made(4, 4, node(1), Kind::Folder)),
        at(5, 4, made(5, 5, node(4), Kind::Folder)),
    ];
    assert_eq!(rounds(&t, apply, &batch), 2);
    batch.push(at(6, 5, op(6, HERE, node(4), Value::Trashed(true))));
    assert_eq!(rounds(&t, apply, &batch), 1, "the trash has no numbers");
}

#[test]
fn whoever_trashes_a_folder_with_all_in_view_does_not_look_at_what_is_in_it() {
    let t = tree(&nested());
    let trashed = [at(4, 3, op(4, HERE, node(1), Value::Trashed(true)))];
    // Its row, then the siblings that it leaves.
    assert_eq!(rounds(&t, apply_in_view, &trashed), 2);
    // Else it has to be known what its author had not seen.
    assert!(rounds(&t, apply, &trashed) > 2);
}

#[test]
fn a_folder_that_falls_back_into_another_trashed_one_takes_along_what_does_not_escape_that() {
    let content = Content { manifest: vec![1], size: 1, modified_ms: 0, text: false };
    let [a, b, folder, file] = [1, 2, 3, 4].map(node);
    let log = [
        at(1, 0, made(1, 1, NodeId::ROOT, Kind::Folder)),
        at(2, 1, made(2, 2, NodeId::ROOT, Kind::Folder)),
        at(3, 2, made(3, 3, b, Kind::Folder)),
        at(4, 3, made(4, 4, folder, Kind::File)),
        at(5, 4, op(5, HERE, b, Value::Trashed(true))),
        // Who writes the next three has not heard of that.
        at(6, 4, op(6, THERE, file, Value::Content(content))),
        at(7, 4, op(7, THERE, folder, Value::Parent(a))),
        at(8, 4, op(8, THERE, a, Value::Trashed(true))),
        // … and this one of none of them; so the folder is where it was first.
        at(9, 4, op(5, ELSEWHERE, a, Value::Parent(folder))),
    ];
    let mut tree = MemoryTree::default();
    for known in log {
        tree.apply(&[known]);
        for (node, shown) in resolve_all(tree.rows.values()) {
            assert_eq!(tree.rows[&node].shown_parent, shown.parent, "{node:?}");
        }
    }
    let shown = [folder, file].map(|node| tree.rows[&node].shown_parent);
    assert_eq!(shown, [b, NodeId::RECOVERED]);
}

#[test]
fn only_a_trashing_that_was_known_is_deleted_for_good() {
    let trash = op(2, HERE, node(1), Value::Trashed(true));
    let mut restore = op(3, HERE, node(1), Value::Trashed(false));
    restore.supersedes = vec![trash.id];
    let purge = |about: &Op| {
        let mut purge = op(9, THERE, node(1), Value::Purged);
        purge.supersedes = vec![about.id];
        purge
    };
    let file = made(1, 1, NodeId::ROOT, Kind::File);
    let mut t = tree(&[file.clone(), trash.clone()]);
    t.apply(&[at(3, 1, purge(&trash))]);
    let row = &t.rows[&node(1)];
    assert_eq!((row.purged.len(), row.shown_parent), (0, NodeId::TRASH), "it was not seen");
    let mut t = tree(&[file.clone(), trash.clone(), restore.clone()]);
    t.apply(&[at(4, 3, purge(&restore))]);
    let row = &t.rows[&node(1)];
    assert_eq!((row.purged.len(), row.shown_parent), (0, NodeId::ROOT), "it is no trashing");
    let mut t = tree(&[file, trash.clone()]);
    t.apply(&[at(3, 2, purge(&trash))]);
    let row = &t.rows[&node(1)];
    assert_eq!((row.purged.len(), row.shown_parent), (1, NodeId::GONE));
}

#[test]
fn trashings_that_are_deleted_for_good_at_once_are_held_from_the_least() {
    let mut t = tree(&[made(1, 1, NodeId::ROOT, Kind::File)]);
    let [mine, theirs] = [HERE, THERE].map(|device| op(2, device, node(1), Value::Trashed(true)));
    let mut purge = op(3, HERE, node(1), Value::Purged);
    purge.supersedes = vec![theirs.id, mine.id];
    t.apply(&[at(2, 1, mine.clone()), at(3, 1, theirs.clone()), at(4, 3, purge)]);
    let row = &t.rows[&node(1)];
    let held: Vec<OpId> = row.purged.iter().map(|purge| purge.value).collect();
    assert_eq!((held, row.shown_parent), (vec![mine.id, theirs.id], NodeId::GONE));
}

#[test]
fn folders_are_listed_before_files() {
    let t = tree(&[
        made(1, 1, NodeId::ROOT, Kind::File),
        made(2, 2, NodeId::ROOT, Kind::Folder),
        made(3, 3, NodeId::ROOT, Kind::File),
        made(4, 4, NodeId::ROOT, Kind::Folder),
    ]);
    let listed: Vec<NodeId> = t.list(&NodeId::ROOT).into_iter().map(|(node, _)| node).collect();
    assert_eq!(listed, [2, 4, 1, 3].map(node));
}
