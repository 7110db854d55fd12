//! What an edit makes, and what it refuses.

use super::*;
use crate::id::Seq;
use crate::label::Label;
use crate::limits::{CHANGE_OPS_MAX, TREE_DEPTH_MAX};
use crate::tree::memory::MemoryTree;
use crate::tree::op::NO_BASE;
use crate::tree::{Context, KnownOp, WorkingSet};

/// A device and what it knows of the log.
#[derive(Clone, Default)]
struct Tree {
    tree: MemoryTree,
    device: u8,
    lamport: u64,
    seq: Seq,
}

/// A node of a seed, none of the built-in ones.
fn node(seed: u8) -> NodeId {
    NodeId([0x40 + seed; 16])
}

type Act<'a> = &'a dyn Fn(&mut Edit<'_, WorkingSet>) -> Result<(), EditError>;

impl Tree {
    /// Gathers an edit's ops.
    fn ops(&self, act: Act<'_>) -> Result<Vec<Op>, EditError> {
        let (device, lamport) = (DeviceId([self.device; 16]), self.lamport);
        self.tree.clone().with_working_set(|set| {
            let mut edit = Edit::new(set, device, lamport);
            match act(&mut edit) {
                Ok(()) => Ok(Ok(edit.into_ops())),
                Err(EditError::Missing(missing)) => Err(missing),
                Err(refused) => Ok(Err(refused)),
            }
        })
    }

    /// Makes an edit; its ops as another device hears of them.
    fn edit(&mut self, act: Act<'_>) -> Vec<KnownOp> {
        let context = Context { seq: None, seen_seq: self.seq, time_ms: 0 };
        let ops = self.ops(act).expect("it is allowed");
        let known: Vec<KnownOp> = ops.into_iter().map(|op| KnownOp { op, context }).collect();
        self.take(&known);
        known
    }

    /// Gives ops the next place in the log.
    fn take(&mut self, ops: &[KnownOp]) {
        self.seq += 1;
        let mut ops = ops.to_vec();
        ops.iter_mut().for_each(|known| known.context.seq = Some(self.seq));
        let changes = self.tree.apply(&ops);
        assert_eq!(changes.rejected, []);
        self.lamport = self.lamport.max(changes.lamport_max);
    }

    fn takes_back(&mut self, ops: &[KnownOp], before: &Self) {
        let ops: Vec<Op> = ops.iter().map(|known| known.op.clone()).collect();
        let rows: Vec<NodeRow> =
            ops.iter().filter_map(|op| before.tree.rows.get(&op.node).cloned()).collect();
        let inverses = invert(&ops, &rows);
        self.edit(&|e| inverses.iter().try_for_each(|inverse| e.take_back(inverse)));
    }

    fn folder(&mut self, seed: u8, parent: NodeId) -> NodeId {
        let node = node(seed);
        self.edit(&|e| e.create_folder(node, parent, &format!("folder {seed}")));
        node
    }

    fn file(&mut self, seed: u8, parent: NodeId) -> NodeId {
        let node = node(seed);
        self.edit(&|e| e.create_file(node, parent, &format!("file {seed}"), content(1)));
        node
    }

    fn row(&self, node: NodeId) -> &NodeRow {
        &self.tree.rows[&node]
    }

    fn shown_in(&self, node: NodeId) -> NodeId {
        self.row(node).shown_parent
    }
}

fn content(size: u64) -> Content {
    Content { manifest: vec![size as u8], size, modified_ms: 0, text: false }
}

/// A folder that moves of two devices have left with no place of its own.
fn without_a_place() -> (Tree, NodeId) {
    let mut t = Tree::default();
    let [a, x, y] = [1, 2, 3].map(|seed| t.folder(seed, NodeId::ROOT));
    let mut away = Tree { device: 9, ..t.clone() };
    let mut theirs = away.edit(&|e| e.move_to(x, a));
    theirs.extend(away.edit(&|e| e.move_to(y, a)));
    // So often that nobody remembers that it was in the root.
    for to in [x, y].into_iter().cycle().take(12) {
        t.edit(&|e| e.move_to(a, to));
    }
    t.take(&theirs);
    assert_eq!((t.row(a).placed_parent(), t.shown_in(a)), (NodeId::RECOVERED, NodeId::RECOVERED));
    (t, a)
}

#[test]
fn what_an_edit_makes_is_there_for_the_rest_of_it() {
    let t = Tree::default();
    let [folder, inner, text] = [1, 2, 3].map(node);
    let typed = TextEdit { base: NO_BASE, size: 5, modified_ms: 1 };
    let ops = t.ops(&|e| {
        e.create_folder(folder, NodeId::ROOT, "folder")?;
        e.create_folder(inner, folder, "inner")?;
        e.create_text(text, inner, "text")?;
        e.text_edited(text, typed.clone())
    });
    let ops = ops.unwrap();
    assert_eq!(ops.iter().map(|op| op.id.lamport).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((&ops[3].value, ops[3].supersedes.len()), (&Value::Text(typed), 0));
    let in_a_file = t.ops(&|e| {
        e.create_text(text, NodeId::ROOT, "text")?;
        e.create_text(inner, text, "inner")
    });
    assert_eq!(in_a_file, Err(EditError::NodeUnknown));
}

#[test]
fn folders_go_as_deep_in_one_edit_as_in_many() {
    let mut t = Tree::default();
    let nodes: Vec<NodeId> = (1..=TREE_DEPTH_MAX as u16 + 1)
        .map(|n| {
            let mut id = [7; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            NodeId(id)
        })
        .collect();
    let nest = |e: &mut Edit<'_, WorkingSet>, depth: usize| {
        let parents = [NodeId::ROOT].into_iter().chain(nodes.iter().copied());
        let mut made = nodes.iter().zip(parents).take(depth);
        made.try_for_each(|(node, parent)| e.create_folder(*node, parent, "folder"))
    };
    let deeper = t.ops(&|e| nest(e, TREE_DEPTH_MAX + 1)).map(|ops| ops.len());
    assert_eq!(deeper, Err(EditError::TooMany));
    t.edit(&|e| nest(e, TREE_DEPTH_MAX));
    let deepest = nodes[TREE_DEPTH_MAX - 1];
    let below = t.ops(&|e| e.create_folder(nodes[TREE_DEPTH_MAX], deepest, "folder"));
    assert_eq!(below, Err(EditError::TooMany));
}

#[test]
fn an_edit_has_no_more_ops_than_an_entry_may_have() {
    let mut t = Tree::default();
    let file = t.file(1, NodeId::ROOT);
    let versions = |count| t.ops(&|e| (0..count).try_for_each(|_| e.add_version(file, content(2))));
    assert_eq!(versions(CHANGE_OPS_MAX).map(|ops| ops.len()), Ok(CHANGE_OPS_MAX));
    assert_eq!(versions(CHANGE_OPS_MAX + 1).map(|ops| ops.len()), Err(EditError::TooMany));
}

#[test]
fn what_is_so_already_takes_no_op() {
    let mut t = Tree::default();
    let folder = t.folder(1, NodeId::ROOT);
    let file = t.file(2, folder);
    let none = Ok(Vec::new());
    assert_eq!(t.ops(&|e| e.rename(file, "file 2")), none);
    assert_eq!(t.ops(&|e| e.move_to(file, folder)), none);
    assert_eq!(t.ops(&|e| e.restore(file)), none);
    assert_eq!(t.ops(&|e| e.untrash(file)), none);
    t.edit(&|e| e.trash(file));
    assert_eq!(t.ops(&|e| e.trash(file)), none);
}

#[test]
fn a_folder_has_no_content_and_no_versions() {
    let mut t = Tree::default();
    let folder = t.folder(1, NodeId::ROOT);
    let typed = TextEdit { base: NO_BASE, size: 5, modified_ms: 1 };
    let acts: [Act<'_>; 4] = [
        &|e| e.set_content(folder, content(1)),
        &|e| e.text_edited(folder, typed.clone()),
        &|e| e.add_version(folder, content(1)),
        &|e| e.settle(folder, &[], content(1)),
    ];
    for act in acts {
        assert_eq!(t.ops(act), Err(EditError::NodeUnknown));
    }
}

#[test]
fn a_move_out_of_the_trash_is_one_out_of_it_and_one_to_the_folder() {
    let mut t = Tree::default();
    let folder = t.folder(1, NodeId::ROOT);
    let file = t.file(2, folder);
    t.edit(&|e| e.trash(file));
    assert_eq!(t.shown_in(file), NodeId::TRASH);
    let ops = t.edit(&|e| e.move_to(file, folder));
    let values: Vec<Value> = ops.into_iter().map(|known| known.op.value).collect();
    assert_eq!(values, [Value::Trashed(false), Value::Parent(folder)]);
    assert_eq!(t.shown_in(file), folder);
}

#[test]
fn what_has_no_place_of_its_own_stays_recovered_until_it_is_moved() {
    let (mut t, lost) = without_a_place();
    assert_eq!(t.ops(&|e| e.restore(lost)), Ok(Vec::new()));
    let before = t.clone();
    let moved = t.edit(&|e| e.move_to(lost, NodeId::ROOT));
    assert_eq!(t.shown_in(lost), NodeId::ROOT);
    // Nobody can be put back into `Recovered`.
    let folder = t.folder(20, NodeId::ROOT);
    t.takes_back(&moved, &before);
    assert_eq!(t.shown_in(lost), NodeId::ROOT);
    t.edit(&|e| e.move_to(lost, folder));
    assert_eq!(t.shown_in(lost), folder);
}

#[test]
fn what_is_in_a_trashed_folder_without_a_place_is_restored_to_the_root() {
    let (mut t, lost) = without_a_place();
    let [file, edited] = [10, 11].map(|seed| t.file(seed, lost));
    let mut away = Tree { device: 9, ..t.clone() };
    let theirs = away.edit(&|e| e.set_content(edited, content(2)));
    t.edit(&|e| e.trash(lost));
    t.take(&theirs);
    assert_eq!((t.shown_in(file), t.shown_in(edited)), (lost, NodeId::RECOVERED));
    assert_eq!(t.ops(&|e| e.restore(edited)), Ok(Vec::new()), "it is where it can be");
    t.edit(&|e| e.restore(file));
    assert_eq!(t.shown_in(file), NodeId::ROOT);
}

#[test]
fn what_is_deep_in_the_trash_is_restored_to_the_nearest_folder_that_is_not() {
    let mut t = Tree::default();
    let home = t.folder(1, NodeId::ROOT);
    let outer = t.folder(2, home);
    let inner = t.folder(3, outer);
    let file = t.file(4, inner);
    t.edit(&|e| e.trash(inner));
    t.edit(&|e| e.trash(outer));
    t.edit(&|e| e.restore(file));
    assert_eq!((t.shown_in(file), t.shown_in(inner)), (home, NodeId::TRASH));
    t.edit(&|e| e.untrash(inner));
    let inner = t.row(inner);
    assert_eq!((inner.placed_parent(), inner.shown_parent), (outer, NodeId::RECOVERED));
}

#[test]
fn what_a_cycle_keeps_out_of_a_folder_keeps_that_from_going_for_good() {
    let mut t = Tree::default();
    let [x, y] = [1, 2].map(|seed| t.folder(seed, NodeId::ROOT));
    let inner = t.folder(3, y);
    let other = t.file(4, NodeId::ROOT);
    let mut away = Tree { device: 9, ..t.clone() };
    let theirs = away.edit(&|e| e.move_to(x, inner));
    t.edit(&|e| e.move_to(y, x));
    t.take(&theirs);
    assert_eq!((t.shown_in(x), t.row(x).parents[0].value), (NodeId::ROOT, inner));
    t.edit(&|e| [y, other].into_iter().try_for_each(|node| e.trash(node)));
    assert_eq!(t.ops(&|e| e.purge(y)), Ok(Vec::new()), "x would go back into it");
    t.edit(&|e| e.purge(other));
    assert_eq!((t.shown_in(y), t.shown_in(other)), (NodeId::TRASH, NodeId::GONE));
    // Once it is somewhere else for good, nothing does.
    t.edit(&|e| e.move_to(x, NodeId::ROOT));
    let folder = t.folder(5, NodeId::ROOT);
    t.edit(&|e| e.move_to(x, folder));
    t.edit(&|e| e.purge(y));
    assert_eq!(t.shown_in(y), NodeId::GONE);
}

#[test]
fn typing_takes_the_place_of_what_was_typed_into_nothing_that_is_shown() {
    let mut t = Tree::default();
    let file = t.file(1, NodeId::ROOT);
    let typed =
        |replaces: u64, size| TextEdit { base: content(replaces).base(), size, modified_ms: 1 };
    let texts = |t: &Tree| -> Vec<TextEdit> {
        t.row(file).texts.iter().map(|op| op.value.clone()).collect()
    };
    t.edit(&|e| e.text_edited(file, typed(1, 5)));
    t.edit(&|e| e.set_content(file, content(2)));
    t.edit(&|e| e.text_edited(file, typed(2, 6)));
    assert_eq!(texts(&t), [typed(2, 6)], "who replaced the first had seen it");
    // An editor that goes on with the first all the same.
    t.edit(&|e| e.text_edited(file, typed(1, 7)));
    assert_eq!(texts(&t), [typed(1, 7), typed(2, 6)]);
    t.edit(&|e| e.text_edited(file, typed(1, 8)));
    assert_eq!(texts(&t), [typed(1, 8), typed(2, 6)]);
    t.edit(&|e| e.text_edited(file, typed(2, 9)));
    assert_eq!(texts(&t), [typed(2, 9), typed(1, 8)]);
}

#[test]
fn taking_back_a_content_brings_back_all_that_it_replaced() {
    let mut t = Tree::default();
    let file = t.file(1, NodeId::ROOT);
    t.edit(&|e| e.add_version(file, content(2)));
    let before = t.clone();
    let replaced = t.edit(&|e| e.set_content(file, content(3)));
    assert_eq!(t.row(file).contents.len(), 1);
    t.takes_back(&replaced, &before);
    let mut sizes: Vec<u64> = t.row(file).contents.iter().map(|op| op.value.size).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2]);
}

#[test]
fn making_and_restoring_are_taken_back_by_the_trash() {
    let mut t = Tree::default();
    let before = t.clone();
    let node = node(1);
    let made = t.edit(&|e| e.create_text(node, NodeId::ROOT, "text"));
    t.takes_back(&made, &before);
    assert_eq!(t.shown_in(node), NodeId::TRASH);
    let before = t.clone();
    let restored = t.edit(&|e| e.restore(node));
    t.takes_back(&restored, &before);
    assert_eq!(t.shown_in(node), NodeId::TRASH);
}

#[test]
fn a_restoring_that_others_followed_is_not_taken_back() {
    let mut t = Tree::default();
    let file = t.file(1, NodeId::ROOT);
    t.edit(&|e| e.trash(file));
    let before = t.clone();
    let restored = t.edit(&|e| e.restore(file));
    t.edit(&|e| e.trash(file));
    t.edit(&|e| e.restore(file));
    t.takes_back(&restored, &before);
    assert_eq!(t.shown_in(file), NodeId::ROOT);
}

#[test]
fn a_copy_is_of_the_kind_and_the_name_of_what_it_copies() {
    let mut t = Tree::default();
    let folder = t.folder(1, NodeId::ROOT);
    let file = t.file(2, NodeId::ROOT);
    let text = node(3);
    t.edit(&|e| e.create_text(text, NodeId::ROOT, "text"));
    let copies = [11, 12, 13].map(node);
    t.edit(&|e| {
        e.copy(folder, copies[0], folder, Some(content(9)))?;
        e.copy(file, copies[1], folder, Some(content(2)))?;
        e.copy(text, copies[2], folder, None)
    });
    for (copy, of) in copies.into_iter().zip([folder, file, text]) {
        assert_eq!(t.shown_in(copy), folder);
        assert_eq!(t.row(copy).name.value, t.row(of).name.value);
        assert_eq!(t.row(copy).kind(), t.row(of).kind());
    }
    assert_eq!((t.row(copies[0]).size(), t.row(copies[1]).size()), (None, Some(2)));
}

#[test]
fn each_refusal_is_told_in_its_own_words() {
    let reason = name::check("a/b").unwrap_err();
    let told = [
        (missing(NodeId::ROOT), Fault::Internal),
        (EditError::NodeUnknown, Fault::NodeUnknown),
        (EditError::MoveIntoItself, Fault::MoveIntoItself),
        (EditError::Builtin, Fault::Builtin),
        (EditError::TooMany, Fault::TooMany),
        (
            EditError::NameUnfit { name: "a/b".to_owned(), reason },
            Fault::NameUnfit { name: "a/b".to_owned(), reason },
        ),
    ];
    for (error, fault) in told {
        assert_eq!(error.fault(), fault);
    }
}

#[test]
fn to_take_back_that_a_label_was_taken_off_says_nothing_where_it_is_on_again() {
    let mut t = Tree::default();
    let file = t.file(1, NodeId::ROOT);
    let star = |on| Labelled { label: Label::STAR, on };
    t.edit(&|e| e.label(file, star(true)));
    let before = t.clone();
    let taken_off = t.edit(&|e| e.label(file, star(false)));
    t.edit(&|e| e.label(file, star(true)));
    let put_on_again = ids(&t.row(file).labels);
    t.takes_back(&taken_off, &before);
    assert_eq!(ids(&t.row(file).labels), put_on_again);
}
