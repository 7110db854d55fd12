//! Three replicas do what people do, in any order and offline as they like; then they have
//! the same tree, it is a tree, and nothing is lost.
//!
//! The log is simulated: devices append entries, the server gives them places, everybody
//! reads them in that order. After every step what is kept up incrementally is compared
//! with what `resolve_all` says from scratch.
#![cfg(all(feature = "replica", feature = "testing"))]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use offing_core::id::{DeviceId, NodeId, Seq};
use offing_core::label::Label;
use offing_core::limits;
use offing_core::log::snapshot::{Cutter, Joiner, Part};
use offing_core::name;
use offing_core::tree::edit::{Edit, EditError, Inverse, invert};
use offing_core::tree::listing;
use offing_core::tree::memory::MemoryTree;
use offing_core::tree::{
    Content, Context, KnownOp, Labelled, Missing, NodeRow, Op, OpId, TextEdit, Value, WorkingSet,
    apply_in_view, resolve_all,
};
use proptest::prelude::*;

/// An entry of the simulated log.
#[derive(Clone)]
struct Entry {
    seen_seq: Seq,
    ops: Vec<Op>,
}

impl Entry {
    fn known(&self, seq: Option<Seq>) -> Vec<KnownOp> {
        let context = Context { seq, seen_seq: self.seen_seq, time_ms: 0 };
        self.ops.iter().map(|op| KnownOp { op: op.clone(), context }).collect()
    }
}

struct Replica {
    device: usize,
    tree: MemoryTree,
    cursor: Seq,
    lamport: u64,
    outbox: Vec<Entry>,
    undo: Vec<Vec<Inverse>>,
}

impl Replica {
    fn new(device: usize) -> Self {
        let tree = MemoryTree::default();
        Self { device, tree, cursor: 0, lamport: 0, outbox: Vec::new(), undo: Vec::new() }
    }

    fn device_id(&self) -> DeviceId {
        DeviceId([self.device as u8 + 10; 16])
    }

    /// Makes an edit if it is allowed; a refusal is no failure.
    fn edit(&mut self, act: impl Fn(&mut Edit<'_, WorkingSet>) -> Result<(), EditError>) {
        let (device, lamport) = (self.device_id(), self.lamport);
        let ops = self.tree.with_working_set(|set| {
            let mut edit = Edit::new(set, device, lamport);
            match act(&mut edit) {
                Ok(()) => Ok(edit.into_ops()),
                Err(EditError::Missing(missing)) => Err::<_, Missing>(missing),
                Err(_) => Ok(Vec::new()),
            }
        });
        let Some(last) = ops.last() else { return };
        self.lamport = last.id.lamport;
        let before: Vec<NodeRow> =
            ops.iter().filter_map(|op| self.tree.rows.get(&op.node).cloned()).collect();
        self.undo.push(invert(&ops, &before));
        let entry = Entry { seen_seq: self.cursor, ops };
        let known = entry.known(None);
        let changes = self.tree.with_working_set(|set| apply_in_view(set, &known));
        assert_eq!(changes.rejected, []);
        self.tree.write(&changes);
        self.outbox.push(entry);
    }

    /// Makes the tree anew, of the log and of what waits.
    fn retell(&mut self, log: &[Entry]) {
        self.tree = MemoryTree::default();
        for (entry, seq) in log[..self.cursor as usize].iter().zip(1..) {
            self.tree.apply(&entry.known(Some(seq)));
        }
        let device = self.device_id();
        let own = |entry: &&Entry| entry.ops.iter().all(|op| op.id.device == device);
        let sent = log[self.cursor as usize..].iter().filter(own);
        for entry in sent.chain(&self.outbox) {
            assert_eq!(self.tree.apply(&entry.known(None)).rejected, []);
        }
    }

    /// Reads up to `count` entries of the log, as one batch.
    fn pull(&mut self, log: &[Entry], count: usize) {
        let start = self.cursor as usize;
        let end = log.len().min(start + count);
        let mut ops = Vec::new();
        for (entry, seq) in log[start..end].iter().zip(self.cursor + 1..) {
            ops.extend(entry.known(Some(seq)));
        }
        let changes = self.tree.apply(&ops);
        assert_eq!(changes.rejected, []);
        self.lamport = self.lamport.max(changes.lamport_max);
        self.cursor = end as Seq;
    }

    fn push(&mut self, log: &mut Vec<Entry>) {
        log.append(&mut self.outbox);
    }

    /// Holds what is kept up equal to what is worked out from scratch.
    fn check(&self) {
        let shown = resolve_all(self.tree.rows.values());
        let mut listing = BTreeMap::new();
        for (node, row) in &self.tree.rows {
            let expected = shown[node];
            let actual = (row.shown_parent, row.suffix, row.fallback);
            assert_eq!(
                actual,
                (expected.parent, expected.suffix, expected.fallback),
                "{node:?} {}",
                row.name.value
            );
            listing.extend(listing::entries(row));
            assert_eq!(NodeRow::decode(&row.encode()).as_ref(), Ok(row));
        }
        assert_eq!(listing, self.tree.listing);
        check_tree(&self.tree);
    }
}

/// One root, no cycle, no orphan, no two siblings with one shown name, all nodes reachable.
fn check_tree(tree: &MemoryTree) {
    let mut names = HashSet::new();
    for (node, row) in &tree.rows {
        let (mut at, mut steps) = (row.shown_parent, 0);
        while !at.is_builtin() {
            at = tree.rows[&at].shown_parent;
            steps += 1;
            assert!(steps <= tree.rows.len(), "{node:?} is in a cycle");
        }
        if !row.shown_parent.is_trash() {
            let shown = (row.shown_parent, name::fold(&row.shown_name()));
            assert!(names.insert(shown), "two siblings are shown as {}", row.shown_name());
        }
    }
    let mut reached = BTreeSet::new();
    let mut folders = vec![NodeId::ROOT, NodeId::RECOVERED, NodeId::TRASH, NodeId::GONE];
    while let Some(folder) = folders.pop() {
        for (node, _) in tree.list(&folder) {
            assert!(reached.insert(node), "{node:?} is listed twice");
            folders.push(node);
        }
    }
    assert_eq!(reached.len(), tree.rows.len(), "every node is listed");
}

/// What was deleted for good, with all below it.
fn gone(tree: &MemoryTree) -> BTreeSet<NodeId> {
    let (mut gone, mut folders) = (BTreeSet::new(), vec![NodeId::GONE]);
    while let Some(folder) = folders.pop() {
        folders.extend(tree.list(&folder).into_iter().map(|(node, _)| node));
        gone.insert(folder);
    }
    gone.remove(&NodeId::GONE);
    gone
}

/// Every label of every node; the index of labels has each once, in its folder's order.
fn labels(tree: &MemoryTree) -> BTreeSet<(NodeId, Label)> {
    let of_row = |row: &NodeRow| -> Vec<(NodeId, Label)> {
        row.labels().into_iter().map(|label| (row.node, label.clone())).collect()
    };
    let of_rows: BTreeSet<(NodeId, Label)> = tree.rows.values().flat_map(of_row).collect();
    let keys = tree.listing.keys().filter(|key| key.starts_with(listing::LABELS.as_bytes()));
    let of_key = |key: &Vec<u8>| Some((listing::node_of_key(key)?, listing::label_of_key(key)?));
    let indexed: Vec<Option<(NodeId, Label)>> = keys.map(of_key).collect();
    assert_eq!(indexed.len(), of_rows.len());
    assert_eq!(indexed.into_iter().collect::<Option<BTreeSet<_>>>(), Some(of_rows.clone()));
    of_rows
}

#[derive(Debug, Clone)]
enum Step {
    CreateFolder(usize, usize),
    CreateFile(usize, usize),
    CreateText(usize, usize),
    Rename(usize, usize),
    Move(usize, usize),
    Trash(usize),
    Restore(usize),
    Purge(usize),
    SetContent(usize),
    TextEdited(usize),
    Settle(usize),
    Label(usize, usize, bool),
    Undo,
    Push,
    Pull(usize),
    Retell,
}

const LABELS: [&str; 4] = ["", "a", "a b", "b"];

const NAMES: [&str; 7] = ["a", "A", "a (2)", "b.txt", "b (2).txt", "a (3)", "file 10"];

fn steps(count: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    let any = || 0..1000usize;
    let step = prop_oneof![
        3 => (any(), any()).prop_map(|(p, n)| Step::CreateFolder(p, n)),
        2 => (any(), any()).prop_map(|(p, n)| Step::CreateFile(p, n)),
        1 => (any(), any()).prop_map(|(p, n)| Step::CreateText(p, n)),
        2 => (any(), any()).prop_map(|(x, n)| Step::Rename(x, n)),
        6 => (any(), any()).prop_map(|(x, to)| Step::Move(x, to)),
        3 => any().prop_map(Step::Trash),
        2 => any().prop_map(Step::Restore),
        3 => any().prop_map(Step::Purge),
        2 => any().prop_map(Step::SetContent),
        1 => any().prop_map(Step::TextEdited),
        1 => any().prop_map(Step::Settle),
        4 => (any(), any(), prop::bool::ANY).prop_map(|(x, n, on)| Step::Label(x, n, on)),
        1 => Just(Step::Undo),
        4 => Just(Step::Push),
        5 => (1..6usize).prop_map(Step::Pull),
        1 => Just(Step::Retell),
    ];
    prop::collection::vec((0..3usize, step), 1..count)
}

fn content(tag: usize) -> Content {
    Content {
        manifest: vec![tag as u8],
        size: tag as u64,
        modified_ms: 0,
        text: tag.is_multiple_of(2),
    }
}

struct World {
    replicas: Vec<Replica>,
    log: Vec<Entry>,
    nodes_made: u16,
    /// What was gone where somebody had just deleted something for good.
    purged: BTreeSet<NodeId>,
}

impl World {
    fn new() -> Self {
        let replicas = (0..3).map(Replica::new).collect();
        Self { replicas, log: Vec::new(), nodes_made: 0, purged: BTreeSet::new() }
    }

    fn fresh(&mut self) -> NodeId {
        self.nodes_made += 1;
        let mut id = [0xaa; 16];
        // Scattered, so that the order of ids is not the order of making.
        id[..2].copy_from_slice(&(self.nodes_made.wrapping_mul(40_503)).to_be_bytes());
        id[2..4].copy_from_slice(&self.nodes_made.to_be_bytes());
        NodeId(id)
    }

    fn step(&mut self, who: usize, step: &Step) {
        let fresh = self.fresh();
        let replica = &mut self.replicas[who];
        let mut nodes: Vec<NodeId> = replica.tree.rows.keys().copied().collect();
        nodes.sort_unstable();
        let node = |n: &usize| nodes.get(n % nodes.len().max(1)).copied().unwrap_or(NodeId::ROOT);
        let folder = |n: &usize| {
            if n.is_multiple_of(4) { NodeId::ROOT } else { node(n) }
        };
        let name = |n: &usize| NAMES[n % NAMES.len()];
        match step {
            Step::CreateFolder(p, n) => {
                replica.edit(|e| e.create_folder(fresh, folder(p), name(n)))
            }
            Step::CreateFile(p, n) => {
                replica.edit(|e| e.create_file(fresh, folder(p), name(n), content(*n)))
            }
            Step::CreateText(p, n) => replica.edit(|e| e.create_text(fresh, folder(p), name(n))),
            Step::Rename(x, n) => replica.edit(|e| e.rename(node(x), name(n))),
            Step::Move(x, to) => replica.edit(|e| e.move_to(node(x), folder(to))),
            Step::Trash(x) => replica.edit(|e| e.trash(node(x))),
            Step::Restore(x) => replica.edit(|e| e.restore(node(x))),
            Step::Purge(x) => {
                let trash = replica.tree.list(&NodeId::TRASH);
                if let Some((node, _)) = trash.get(x % trash.len().max(1)) {
                    replica.edit(|e| e.purge(*node));
                    self.purged.extend(gone(&replica.tree));
                }
            }
            Step::SetContent(x) => replica.edit(|e| e.set_content(node(x), content(*x))),
            Step::TextEdited(x) => {
                // Mostly the document that is shown, at times one that was replaced.
                let row = replica.tree.rows.get(&node(x));
                let base = match row {
                    Some(row) if x % 4 != 0 => row.base(),
                    Some(_) | None => content(*x).base(),
                };
                let edit = TextEdit { base, size: *x as u64, modified_ms: 1 };
                replica.edit(|e| e.text_edited(node(x), edit.clone()));
            }
            Step::Settle(x) => {
                let row = replica.tree.rows.get(&node(x)).cloned();
                if let Some(row) = row.filter(|row| !row.contents.is_empty()) {
                    let two: Vec<OpId> = row.contents.iter().take(2).map(|op| op.id).collect();
                    let keep = row.contents[two.len() - 1].value.clone();
                    replica.edit(|e| e.settle(node(x), &two, keep.clone()));
                }
            }
            Step::Label(x, n, on) => {
                let label = Label::parse(LABELS[n % LABELS.len()]).expect("a label");
                let labelled = Labelled { label, on: *on };
                replica.edit(|e| e.label(node(x), labelled.clone()));
            }
            Step::Undo => {
                if let Some(inverses) = replica.undo.pop() {
                    replica.edit(|e| inverses.iter().try_for_each(|inverse| e.take_back(inverse)));
                }
            }
            Step::Push => replica.push(&mut self.log),
            Step::Pull(count) => replica.pull(&self.log, *count),
            Step::Retell => replica.retell(&self.log),
        }
        replica.check();
        assert!(gone(&replica.tree).is_subset(&self.purged), "nobody deleted it for good");
    }

    fn sync_all(&mut self) {
        for replica in &mut self.replicas {
            replica.push(&mut self.log);
        }
        for replica in &mut self.replicas {
            replica.pull(&self.log, usize::MAX / 2);
            replica.check();
        }
    }

    /// The labels that were put on and that nobody who had seen that took off.
    fn labels_in_the_log(&self) -> BTreeSet<(NodeId, Label)> {
        let ops = || self.log.iter().flat_map(|entry| &entry.ops);
        let superseded: HashSet<OpId> = ops().flat_map(|op| op.supersedes.clone()).collect();
        let on = ops().filter_map(|op| {
            let Value::Label(Labelled { label, on: true }) = &op.value else { return None };
            (!superseded.contains(&op.id)).then(|| (op.node, label.clone()))
        });
        on.collect()
    }

    fn assert_converged(&self) {
        let made = self.log.iter().flat_map(|entry| &entry.ops);
        let made = made.filter(|op| matches!(op.value, Value::Create { .. })).count();
        let first = &self.replicas[0].tree;
        assert_eq!(first.rows.len(), made, "nothing is lost");
        assert!(gone(first).is_subset(&self.purged), "nobody deleted it for good");
        for other in &self.replicas[1..] {
            assert_eq!(other.tree.rows, first.rows);
            assert_eq!(other.tree.listing, first.listing);
        }
        assert_eq!(labels(first), self.labels_in_the_log(), "what nobody took off is on");
        let trees = self.replicas.iter().map(|replica| {
            let mut cutter = Cutter::new(self.log.len() as Seq);
            let rows: BTreeMap<_, _> = replica.tree.rows.iter().collect();
            for (node, row) in &rows {
                cutter.push(Part::Node, &node.0, &row.encode()).expect("all is synced");
            }
            let (piece, tree) = cutter.finish().expect("it is small");
            let mut joiner = Joiner::new(self.log.len() as Seq);
            let read = joiner.feed(&piece).expect("it is whole");
            let rows = rows.values().map(|row| row.encode());
            assert!(read.into_iter().map(|record| record.value).eq(rows));
            assert_eq!(joiner.finish(), Ok(tree));
            tree
        });
        assert_eq!(trees.collect::<BTreeSet<_>>().len(), 1, "snapshots are equal");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn three_replicas_converge_and_lose_nothing(steps in steps(120)) {
        let mut world = World::new();
        for (who, step) in &steps {
            world.step(*who, step);
        }
        world.sync_all();
        world.assert_converged();
    }

    #[test]
    fn repetition_changes_nothing(steps in steps(60)) {
        let mut world = World::new();
        for (who, step) in &steps {
            world.step(*who, step);
        }
        world.sync_all();
        let rows = world.replicas[0].tree.rows.clone();
        let all: Vec<KnownOp> =
            world.log.iter().zip(1..).flat_map(|(entry, seq)| entry.known(Some(seq))).collect();
        for ops in [all.as_slice(), &all[all.len() / 2..]] {
            let changes = world.replicas[0].tree.apply(ops);
            prop_assert!(changes.rows.is_empty() && changes.listing_put.is_empty());
        }
        prop_assert_eq!(&world.replicas[0].tree.rows, &rows);
        // A replica that joins late, in one batch or one by one, has the same.
        for batch in [1, 7, usize::MAX / 2] {
            let mut late = Replica::new(7);
            while (late.cursor as usize) < world.log.len() {
                late.pull(&world.log, batch);
            }
            late.check();
            prop_assert_eq!(&late.tree.rows, &rows);
        }
    }
}

fn create(lamport: u64, node: u32, name: &str) -> KnownOp {
    let mut id = [0xbb; 16];
    id[..4].copy_from_slice(&node.to_be_bytes());
    let value = Value::Create {
        kind: offing_core::rpc::Kind::Text,
        parent: NodeId::ROOT,
        name: name.into(),
    };
    known(lamport, NodeId(id), value)
}

fn known(lamport: u64, node: NodeId, value: Value) -> KnownOp {
    let id = OpId { lamport, device: DeviceId([3; 16]) };
    let context = Context { seq: Some(lamport), seen_seq: lamport - 1, time_ms: 0 };
    KnownOp { op: Op { id, node, value, supersedes: Vec::new() }, context }
}

#[test]
fn ten_thousand_files_of_one_name_are_told_apart_at_once() {
    let mut tree = MemoryTree::default();
    let ops: Vec<KnownOp> = (1..=10_000).map(|n| create(n, n as u32, "same.txt")).collect();
    tree.apply(&ops);
    assert!(tree.rounds <= 4, "{} rounds of loading", tree.rounds);
    let suffixes: BTreeSet<u32> = tree.rows.values().map(|row| row.suffix).collect();
    assert_eq!(suffixes.len(), 10_000);
    check_tree(&tree);
}

#[test]
fn ten_thousand_scattered_renames_need_three_rounds_of_loading() {
    let mut tree = MemoryTree::default();
    let ops: Vec<KnownOp> =
        (1..=10_000).map(|n| create(n, n as u32, &format!("file {n}"))).collect();
    tree.apply(&ops);
    tree.rounds = 0;
    let renames: Vec<KnownOp> = ops
        .iter()
        .map(|op| {
            known(
                20_000 + op.op.id.lamport,
                op.op.node,
                Value::Name(format!("new {}", op.op.id.lamport)),
            )
        })
        .collect();
    let changes = tree.apply(&renames);
    assert_eq!(changes.rows.len(), 10_000);
    assert!(tree.rounds <= 3, "{} rounds", tree.rounds);
    check_tree(&tree);
}

impl World {
    /// Makes a node on one replica and tells all of it.
    fn given(&mut self, parent: NodeId, name: &str, folder: bool) -> NodeId {
        let node = self.fresh();
        self.replicas[0].edit(|e| {
            if folder {
                e.create_folder(node, parent, name)
            } else {
                e.create_file(node, parent, name, content(1))
            }
        });
        self.sync_all();
        node
    }

    fn row(&self, node: NodeId) -> &NodeRow {
        &self.replicas[0].tree.rows[&node]
    }

    fn sync_and_check(&mut self) {
        self.sync_all();
        self.assert_converged();
    }
}

#[test]
fn folders_moved_into_each_other_stay_reachable() {
    let mut world = World::new();
    let a = world.given(NodeId::ROOT, "a", true);
    let b = world.given(NodeId::ROOT, "b", true);
    world.replicas[0].edit(|e| e.move_to(a, b));
    world.replicas[1].edit(|e| e.move_to(b, a));
    world.sync_and_check();
    // Equal Lamport times: the greater device's move falls back to where it was before.
    assert_eq!((world.row(a).shown_parent, world.row(b).shown_parent), (b, NodeId::ROOT));
    // When the other moves away, the move that fell back comes into its own.
    world.replicas[2].edit(|e| e.move_to(a, NodeId::ROOT));
    world.sync_and_check();
    assert_eq!((world.row(a).shown_parent, world.row(b).shown_parent), (NodeId::ROOT, a));
}

#[test]
fn an_edit_unknown_to_whoever_trashed_the_file_brings_it_back() {
    let mut world = World::new();
    let edited = world.given(NodeId::ROOT, "edited", false);
    let typed = world.given(NodeId::ROOT, "typed", false);
    let renamed = world.given(NodeId::ROOT, "renamed", false);
    for node in [edited, typed, renamed] {
        world.replicas[0].edit(|e| e.trash(node));
    }
    world.replicas[1].edit(|e| e.set_content(edited, content(9)));
    let edit = TextEdit { base: world.row(typed).base(), size: 5, modified_ms: 7 };
    world.replicas[1].edit(|e| e.text_edited(typed, edit.clone()));
    world.replicas[1].edit(|e| e.rename(renamed, "other"));
    world.sync_and_check();
    assert_eq!(world.row(edited).shown_parent, NodeId::ROOT);
    assert_eq!(world.row(typed).shown_parent, NodeId::ROOT);
    assert_eq!((world.row(typed).size(), world.row(typed).modified_ms()), (Some(5), 7));
    assert_eq!(world.row(renamed).shown_parent, NodeId::TRASH);
}

#[test]
fn what_was_made_unseen_in_a_trashed_folder_is_recovered_and_goes_home_on_restore() {
    let mut world = World::new();
    let folder = world.given(NodeId::ROOT, "folder", true);
    let below = world.given(folder, "below", true);
    let seen = world.given(below, "seen", false);
    let unseen = world.fresh();
    world.replicas[1].edit(|e| e.create_text(unseen, below, "unseen"));
    world.replicas[0].edit(|e| e.trash(folder));
    world.sync_and_check();
    assert_eq!(world.row(unseen).shown_parent, NodeId::RECOVERED);
    assert_eq!(world.row(folder).shown_parent, NodeId::TRASH);
    assert_eq!((world.row(below).shown_parent, world.row(seen).shown_parent), (folder, below));
    world.replicas[2].edit(|e| e.restore(folder));
    world.sync_and_check();
    assert_eq!(
        (world.row(folder).shown_parent, world.row(unseen).shown_parent),
        (NodeId::ROOT, below)
    );
}

/// A folder in the trash that holds a folder and in that a file; everybody knows of it.
fn with_a_trashed_folder(world: &mut World) -> [NodeId; 3] {
    let folder = world.given(NodeId::ROOT, "folder", true);
    let below = world.given(folder, "below", true);
    let file = world.given(below, "file", false);
    world.replicas[0].edit(|e| e.trash(folder));
    [folder, below, file]
}

#[test]
fn what_is_deleted_for_good_goes_with_all_below_it_and_comes_back_for_nothing() {
    let mut world = World::new();
    let [folder, below, file] = with_a_trashed_folder(&mut world);
    let moved = world.given(NodeId::ROOT, "moved", false);
    world.sync_all();
    world.replicas[0].edit(|e| e.trash(moved));
    world.replicas[1].edit(|e| e.rename(file, "other"));
    for node in [folder, moved] {
        world.replicas[0].edit(|e| e.purge(node));
    }
    world.replicas[0].edit(|e| e.purge(below));
    world.purged.extend(gone(&world.replicas[0].tree));
    world.sync_and_check();
    assert_eq!(gone(&world.replicas[1].tree), BTreeSet::from([folder, below, file, moved]));
    for replica in &mut world.replicas {
        let undo = replica.undo.clone();
        replica.edit(|e| e.restore(folder));
        replica.edit(|e| e.untrash(folder));
        replica.edit(|e| e.move_to(moved, NodeId::ROOT));
        replica.edit(|e| e.purge(moved));
        replica.edit(|e| undo.iter().flatten().try_for_each(|inverse| e.take_back(inverse)));
        assert!(replica.outbox.is_empty());
    }
    assert!(world.replicas[0].tree.list(&NodeId::TRASH).is_empty());
}

/// Something that is done with a folder, one below it, and a file in that.
type Act<'a> = &'a dyn Fn(&mut Edit<'_, WorkingSet>, [NodeId; 3]) -> Result<(), EditError>;

#[test]
fn what_somebody_did_unknown_to_whoever_deletes_for_good_is_there() {
    let acts: [Act<'_>; 6] = [
        &|e, [folder, ..]| e.restore(folder),
        &|e, [.., file]| e.restore(file),
        &|e, [.., file]| e.set_content(file, content(9)),
        &|e, [.., below, _]| e.move_to(below, NodeId::ROOT),
        &|e, [_, below, _]| e.create_text(NodeId([0xcc; 16]), below, "new"),
        // Whoever had not seen that it is in the trash puts it there too.
        &|e, [folder, ..]| e.trash(folder),
    ];
    for (act, unseen) in acts.iter().enumerate() {
        let mut world = World::new();
        let nodes = with_a_trashed_folder(&mut world);
        // The last two only work for somebody who has not heard of the trashing.
        if act < 4 {
            world.sync_all();
        }
        world.replicas[1].edit(|e| unseen(e, nodes));
        assert_eq!(world.replicas[1].outbox.len(), 1, "act {act}");
        world.replicas[0].edit(|e| e.purge(nodes[0]));
        world.purged.extend(gone(&world.replicas[0].tree));
        world.sync_and_check();
        let gone = gone(&world.replicas[2].tree);
        let left: BTreeSet<NodeId> = match act {
            0 | 5 => BTreeSet::from([]),
            1 | 2 => BTreeSet::from([nodes[0], nodes[1]]),
            3 => BTreeSet::from([nodes[0]]),
            _ => nodes.into(),
        };
        assert_eq!(gone, left, "act {act}");
        let rows = &world.replicas[2].tree.rows;
        let shown = rows.values().filter(|row| !gone.contains(&row.node));
        for row in shown {
            assert!(!gone.contains(&row.shown_parent), "act {act}: {} is lost", row.name.value);
        }
    }
}

#[test]
fn a_move_that_loses_keeps_what_was_moved_from_going_for_good() {
    let mut world = World::new();
    let [folder, below] = ["folder", "below"].map(|name| world.given(NodeId::ROOT, name, true));
    world.replicas[1].edit(|e| e.move_to(below, NodeId::ROOT));
    let other = world.given(NodeId::ROOT, "other", true);
    // Of two moves that know nothing of each other the later clock wins.
    world.replicas[1].edit(|e| e.move_to(below, other));
    for _ in 0..3 {
        world.replicas[0].edit(|e| e.rename(folder, "a name"));
        world.replicas[0].edit(|e| e.rename(folder, "a folder"));
    }
    world.replicas[0].edit(|e| e.move_to(below, folder));
    world.replicas[0].edit(|e| e.trash(folder));
    world.replicas[0].edit(|e| e.purge(folder));
    world.purged.extend(gone(&world.replicas[0].tree));
    world.sync_and_check();
    assert_eq!(world.row(below).shown_parent, NodeId::RECOVERED);
    assert_eq!(gone(&world.replicas[2].tree), BTreeSet::from([folder]));
}

#[test]
fn what_is_in_a_trashed_folder_is_restored_beside_it() {
    let mut world = World::new();
    let home = world.given(NodeId::ROOT, "home", true);
    let folder = world.given(home, "folder", true);
    let file = world.given(folder, "file", false);
    world.replicas[0].edit(|e| e.trash(folder));
    world.replicas[0].edit(|e| e.restore(file));
    world.sync_and_check();
    assert_eq!(
        (world.row(file).shown_parent, world.row(folder).shown_parent),
        (home, NodeId::TRASH)
    );
}

#[test]
fn what_the_author_of_a_trashing_had_not_seen_escapes_when_the_tree_is_made_anew() {
    let mut world = World::new();
    let folder = world.given(NodeId::ROOT, "folder", true);
    let file = world.given(folder, "file", false);
    world.replicas[0].edit(|e| e.trash(folder));
    world.replicas[1].edit(|e| e.set_content(file, content(3)));
    world.replicas[1].push(&mut world.log);
    world.replicas[0].pull(&world.log, 1);
    world.replicas[0].retell(&world.log);
    world.replicas[0].check();
    assert_eq!(world.replicas[0].tree.rows[&file].shown_parent, NodeId::RECOVERED);
}

#[test]
fn trashing_a_folder_writes_one_row() {
    let mut world = World::new();
    let folder = world.given(NodeId::ROOT, "folder", true);
    for n in 0..50 {
        world.given(folder, &format!("file {n}"), false);
    }
    world.replicas[0].edit(|e| e.trash(folder));
    let entry = world.replicas[0].outbox[0].clone();
    let changes = world.replicas[1].tree.apply(&entry.known(Some(52)));
    assert_eq!(changes.rows.len(), 1);
}

#[test]
fn content_set_twice_at_once_is_two_versions_until_settled() {
    let mut world = World::new();
    let file = world.given(NodeId::ROOT, "file.bin", false);
    world.replicas[0].edit(|e| e.set_content(file, content(3)));
    world.replicas[1].edit(|e| e.set_content(file, content(4)));
    world.sync_and_check();
    assert!(world.row(file).two_versions());
    let (beside, contents) = (world.fresh(), world.row(file).contents.clone());
    let ids: Vec<OpId> = contents.iter().map(|op| op.id).collect();
    world.replicas[0].edit(|e| {
        e.create_file(beside, NodeId::ROOT, "file.bin", contents[1].value.clone())?;
        e.settle(file, &ids, contents[0].value.clone())
    });
    world.sync_and_check();
    assert!(!world.row(file).two_versions());
    assert_eq!(world.row(beside).shown_name(), "file (2).bin");
    let sizes: BTreeSet<_> = [file, beside].map(|node| world.row(node).size()).into();
    assert_eq!(sizes, BTreeSet::from([Some(3), Some(4)]));
}

#[test]
fn text_typed_unseen_by_who_replaced_the_content_is_a_version_until_settled() {
    let mut world = World::new();
    let file = world.given(NodeId::ROOT, "file.txt", false);
    world.replicas[0].edit(|e| e.set_content(file, content(2)));
    world.sync_and_check();
    let typed = |size| TextEdit { base: content(2).base(), size, modified_ms: 0 };
    world.replicas[0].edit(|e| e.text_edited(file, typed(21)));
    world.sync_and_check();
    world.replicas[1].edit(|e| e.set_content(file, content(4)));
    world.sync_and_check();
    assert!(!world.row(file).two_versions(), "whoever replaced it had seen the text");
    world.replicas[0].edit(|e| e.text_edited(file, typed(22)));
    let on_new = TextEdit { base: content(4).base(), size: 41, modified_ms: 0 };
    world.replicas[1].edit(|e| e.text_edited(file, on_new.clone()));
    world.sync_and_check();
    let row = world.row(file);
    assert_eq!((row.two_versions(), row.size()), (true, Some(41)), "the new content is shown");
    assert_eq!(row.strays().iter().map(|stray| stray.value.size).collect::<Vec<_>>(), [22]);
    // Typing in what is shown does not make the other version go away.
    world.replicas[2].edit(|e| e.text_edited(file, on_new.clone()));
    world.sync_and_check();
    assert_eq!(world.row(file).strays().len(), 1);
    let keep = world.row(file).contents[0].value.clone();
    world.replicas[2].edit(|e| e.set_content(file, keep.clone()));
    world.sync_and_check();
    assert!(!world.row(file).two_versions());
    assert_eq!(world.row(file).size(), Some(41), "the edits of what was kept stay");
}

#[test]
fn a_label_that_one_takes_off_while_another_puts_it_on_stays() {
    let mut world = World::new();
    let file = world.given(NodeId::ROOT, "a", false);
    let star =
        |on| move |e: &mut Edit<'_, WorkingSet>| e.label(file, Labelled { label: Label::STAR, on });
    world.replicas[0].edit(star(true));
    world.sync_and_check();
    assert_eq!(world.row(file).labels(), [&Label::STAR]);
    // One takes it off, another does too and puts it on again.
    world.replicas[0].edit(star(false));
    world.replicas[1].edit(star(false));
    world.replicas[1].edit(star(true));
    world.replicas[2]
        .edit(|e| e.label(file, Labelled { label: Label::tag("a").unwrap(), on: true }));
    world.sync_and_check();
    assert_eq!(world.row(file).labels(), [&Label::STAR, &Label::tag("a").unwrap()]);
    // What took it off is not needed any more.
    assert!(world.row(file).labels.iter().all(|op| op.value.on));
    // Two that put it on at once are taken off by one that has both in view.
    world.replicas[0].edit(star(false));
    world.sync_and_check();
    assert_eq!(world.row(file).labels(), [&Label::tag("a").unwrap()]);
}

#[test]
fn undo_takes_a_label_back_and_leaves_what_another_put_on() {
    let mut world = World::new();
    let file = world.given(NodeId::ROOT, "a", false);
    let star =
        |on| move |e: &mut Edit<'_, WorkingSet>| e.label(file, Labelled { label: Label::STAR, on });
    let undo = |world: &mut World| {
        let inverses = world.replicas[0].undo.pop().unwrap();
        world.replicas[0].edit(|e| inverses.iter().try_for_each(|inverse| e.take_back(inverse)));
    };
    world.replicas[0].edit(star(true));
    undo(&mut world);
    assert_eq!(world.row(file).labels(), [&Label::STAR; 0]);
    // That was undone itself: it is on again, and off again.
    undo(&mut world);
    assert_eq!(world.row(file).labels(), [&Label::STAR]);
    world.replicas[0].edit(star(false));
    world.sync_and_check();
    undo(&mut world);
    assert_eq!(world.row(file).labels(), [&Label::STAR], "nothing was left of what took it off");
    world.replicas[0].edit(star(false));
    world.sync_and_check();
    world.replicas[0].edit(star(true));
    world.replicas[1].edit(star(true));
    world.sync_and_check();
    undo(&mut world);
    world.sync_and_check();
    assert_eq!(world.row(file).labels(), [&Label::STAR], "another device put it on too");
}

#[test]
fn a_label_is_fit_within_bounds_and_on_something_that_is_there() {
    let mut world = World::new();
    let file = world.given(NodeId::ROOT, "a", false);
    let on = |label: &Label| Labelled { label: label.clone(), on: true };
    let labels: Vec<Label> =
        (0..=limits::LABELS_MAX).map(|n| Label::tag(&n.to_string()).unwrap()).collect();
    let (last, fit) = labels.split_last().unwrap();
    world.replicas[0].edit(|e| fit.iter().try_for_each(|label| e.label(file, on(label))));
    let refused = |world: &mut World, node, labelled: &Labelled| {
        world.replicas[0].tree.with_working_set(|set| {
            let mut edit = Edit::new(set, DeviceId([10; 16]), 1_000);
            match edit.label(node, labelled.clone()) {
                Err(EditError::Missing(missing)) => Err(missing),
                other => Ok(other.unwrap_err()),
            }
        })
    };
    assert_eq!(refused(&mut world, file, &on(last)), EditError::TooMany);
    assert_eq!(refused(&mut world, NodeId::ROOT, &on(last)), EditError::Builtin);
    world.replicas[0].edit(|e| e.trash(file));
    world.replicas[0].edit(|e| e.purge(file));
    assert_eq!(refused(&mut world, file, &on(&Label::STAR)), EditError::NodeUnknown);
}

#[test]
fn a_number_is_left_out_where_a_sibling_is_really_called_so() {
    let mut world = World::new();
    let nodes: Vec<NodeId> = (0..3).map(|_| world.fresh()).collect();
    for (who, node) in nodes.iter().enumerate() {
        world.replicas[who]
            .edit(|e| e.create_text(*node, NodeId::ROOT, ["a.txt", "A.TXT", "a (2).txt"][who]));
    }
    world.sync_and_check();
    let names: Vec<String> = nodes.iter().map(|node| world.row(*node).shown_name()).collect();
    assert_eq!(names, ["a.txt", "A (3).TXT", "a (2).txt"]);
}

#[test]
fn undo_takes_back_what_was_done_and_no_more() {
    let mut world = World::new();
    let folder = world.given(NodeId::ROOT, "folder", true);
    let file = world.given(NodeId::ROOT, "file", false);
    let undo = |world: &mut World| {
        let inverses = world.replicas[0].undo.pop().unwrap();
        world.replicas[0].edit(|e| inverses.iter().try_for_each(|inverse| e.take_back(inverse)));
        world.replicas[0].undo.pop();
    };
    world.replicas[0].edit(|e| e.rename(file, "other"));
    undo(&mut world);
    world.replicas[0].edit(|e| e.move_to(file, folder));
    undo(&mut world);
    world.replicas[0].edit(|e| e.trash(file));
    undo(&mut world);
    assert_eq!(
        (world.row(file).shown_parent, world.row(file).shown_name().as_str()),
        (NodeId::ROOT, "file")
    );
    // Somebody renamed it since: their name stays.
    world.replicas[0].edit(|e| e.rename(file, "mine"));
    world.sync_all();
    world.replicas[1].edit(|e| e.rename(file, "theirs"));
    world.sync_all();
    let inverses = world.replicas[0].undo.pop().unwrap();
    world.replicas[0].edit(|e| inverses.iter().try_for_each(|inverse| e.take_back(inverse)));
    assert_eq!(world.row(file).shown_name(), "theirs");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::new();
    let folder = world.given(NodeId::ROOT, "folder", true);
    let below = world.given(folder, "below", true);
    let file = world.given(folder, "file", false);
    let refusal =
        |world: &mut World, act: &dyn Fn(&mut Edit<'_, WorkingSet>) -> Result<(), EditError>| {
            world.replicas[0].tree.with_working_set(|set| {
                match act(&mut Edit::new(set, DeviceId([10; 16]), 99)) {
                    Ok(()) => Ok(None),
                    Err(EditError::Missing(missing)) => Err(missing),
                    Err(error) => Ok(Some(error)),
                }
            })
        };
    assert_eq!(refusal(&mut world, &|e| e.move_to(folder, below)), Some(EditError::MoveIntoItself));
    assert_eq!(
        refusal(&mut world, &|e| e.move_to(folder, folder)),
        Some(EditError::MoveIntoItself)
    );
    assert_eq!(refusal(&mut world, &|e| e.move_to(below, file)), Some(EditError::NodeUnknown));
    assert_eq!(refusal(&mut world, &|e| e.move_to(file, NodeId::TRASH)), Some(EditError::Builtin));
    assert_eq!(refusal(&mut world, &|e| e.trash(NodeId::ROOT)), Some(EditError::Builtin));
    assert_eq!(
        refusal(&mut world, &|e| e.rename(NodeId([99; 16]), "x")),
        Some(EditError::NodeUnknown)
    );
    assert!(matches!(
        refusal(&mut world, &|e| e.rename(file, "a/b")),
        Some(EditError::NameUnfit { .. })
    ));
    world.replicas[0].edit(|e| e.trash(folder));
    let created = refusal(&mut world, &|e| e.create_text(NodeId([98; 16]), below, "x"));
    assert_eq!(created, Some(EditError::NodeUnknown));
    world.replicas[0].edit(|e| e.purge(folder));
    let unknown = Some(EditError::NodeUnknown);
    assert_eq!(refusal(&mut world, &|e| e.set_content(file, content(7))), unknown);
    assert_eq!(refusal(&mut world, &|e| e.add_version(file, content(7))), unknown);
    assert_eq!(refusal(&mut world, &|e| e.settle(file, &[], content(7))), unknown);
    let copy = NodeId([97; 16]);
    let copied = refusal(&mut world, &|e| e.copy(file, copy, NodeId::ROOT, Some(content(7))));
    assert_eq!(copied, unknown);
    world.replicas[0].edit(|e| e.trash(file));
    assert!(gone(&world.replicas[0].tree).contains(&file), "it does not come back to the trash");
}

#[test]
fn ops_that_no_honest_device_writes_are_passed_over() {
    use offing_core::tree::RejectReason as Reason;
    let mut tree = MemoryTree::default();
    let file = create(1, 1, "file");
    tree.apply(std::slice::from_ref(&file));
    let before = tree.rows.clone();
    let late = |mut op: KnownOp| {
        op.op.supersedes = vec![op.op.id];
        op
    };
    let node = file.op.node;
    let unfit = postcard::from_bytes(&postcard::to_allocvec("a\"b").unwrap()).unwrap();
    let unfit = Labelled { label: unfit, on: true };
    let cases = [
        (known(5, NodeId([99; 16]), Value::Name("x".into())), Reason::NodeUnknown),
        (known(5, NodeId::ROOT, Value::Trashed(true)), Reason::NodeUnknown),
        (known(5, node, file.op.value.clone()), Reason::NodeTaken),
        (known(5, node, Value::Parent(node)), Reason::NotAFolder),
        (known(5, node, Value::Parent(NodeId::TRASH)), Reason::NotAFolder),
        (known(5, node, Value::Parent(NodeId::GONE)), Reason::NotAFolder),
        (known(5, NodeId::TRASH, Value::Purged), Reason::NodeUnknown),
        (known(5, node, Value::Name("a/b".into())), Reason::NameUnfit),
        (known(5, node, Value::Label(unfit)), Reason::LabelUnfit),
        (known(5, NodeId::TRASH, file.op.value.clone()), Reason::NodeTaken),
        (known(u64::MAX, node, Value::Name("x".into())), Reason::ClockUnfit),
        (known((1 << 53) + 1, node, Value::Name("x".into())), Reason::ClockUnfit),
        (late(known(5, node, Value::Name("x".into()))), Reason::ClockUnfit),
    ];
    for (op, reason) in cases {
        let changes = tree.apply(&[op]);
        assert_eq!(changes.rejected.first().map(|rejected| rejected.reason), Some(reason));
        assert_eq!(tree.rows, before);
    }
    let changes = tree.apply(&[known(1 << 53, node, Value::Name("the last".into()))]);
    assert_eq!(changes.rejected, []);
}
