//! Whatever was done to a folder, rewinding it makes it what it was.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::id::DeviceId;
use crate::tree::edit::{Edit, EditError};
use crate::tree::memory::MemoryTree;
use crate::tree::{
    Content, Context, KnownOp, Missing, NO_BASE, Op, OpId, TextEdit, Value, WorkingSet, replaced,
};

const DEVICE: DeviceId = DeviceId([7; 16]);

/// A device with its tree and what it kept.
#[derive(Default)]
struct Tree {
    tree: MemoryTree,
    kept: Vec<PastOp>,
    lamport: u64,
    now_ms: i64,
    made: Vec<NodeId>,
}

type Paths = BTreeMap<Vec<String>, NodeId>;

impl Tree {
    /// Makes an edit, a millisecond after the one before; says whether it was allowed.
    fn edit(
        &mut self,
        act: impl Fn(&mut Edit<'_, WorkingSet>) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        self.now_ms += 1;
        let lamport = self.lamport;
        let ops = self.tree.with_working_set(|set| {
            let mut edit = Edit::new(set, DEVICE, lamport);
            match act(&mut edit) {
                Ok(()) => Ok(Ok(edit.into_ops())),
                Err(EditError::Missing(missing)) => Err::<_, Missing>(missing),
                Err(refused) => Ok(Err(refused)),
            }
        })?;
        self.lamport += ops.len() as u64;
        self.take(&ops);
        Ok(())
    }

    fn take(&mut self, ops: &[Op]) {
        let context = Context { seq: None, seen_seq: 0, time_ms: self.now_ms };
        let known: Vec<KnownOp> =
            ops.iter().map(|op| KnownOp { op: op.clone(), context }).collect();
        let mut before = WorkingSet::default();
        for op in ops {
            before.put_row(op.node, self.tree.rows.get(&op.node).cloned());
        }
        self.kept.extend(replaced(&known, &before));
        assert_eq!(self.tree.apply(&known).rejected, []);
    }

    fn makes(&mut self, seed: u8, parent: NodeId, name: &str, folder: bool) -> NodeId {
        let node = NodeId([0x40 + seed; 16]);
        let made = self.edit(|edit| match folder {
            true => edit.create_folder(node, parent, name),
            false => edit.create_text(node, parent, name),
        });
        if made.is_ok() {
            self.made.push(node);
        }
        node
    }

    /// Everything below a folder by its path.
    fn paths(&self, folder: NodeId) -> Paths {
        let mut paths = Paths::new();
        let mut level = vec![(Vec::new(), folder)];
        while let Some((path, folder)) = level.pop() {
            for (node, listed) in self.tree.list(&folder) {
                let path = [path.as_slice(), &[listed.name]].concat();
                paths.insert(path.clone(), node);
                level.push((path, node));
            }
        }
        paths
    }

    fn rewind(&self, folder: NodeId, at_ms: i64) -> Plan {
        let mut rewind = Rewind::new(folder, at_ms);
        self.tree.rows.values().for_each(|row| rewind.add_row(row));
        self.kept.iter().cloned().for_each(|op| rewind.add_past(op));
        rewind.plan()
    }

    fn carry_out(&mut self, plan: &Plan) {
        for change in &plan.changes {
            self.edit(|edit| change.iter().try_for_each(|(node, step)| step.make(*node, edit)))
                .expect("what was once can be again");
        }
    }
}

#[test]
fn what_was_renamed_moved_deleted_and_made_is_as_it_was() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let plans = t.makes(2, trip, "Plans", true);
    let map = t.makes(3, plans, "map", false);
    let list = t.makes(4, trip, "list", false);
    let other = t.makes(5, NodeId::ROOT, "Other", true);
    let guest = t.makes(6, other, "guest", false);
    let then = (t.now_ms, t.paths(trip), t.paths(other));

    t.edit(|edit| edit.rename(list, "packing list")).unwrap();
    t.edit(|edit| edit.move_to(map, trip)).unwrap();
    t.edit(|edit| edit.trash(plans)).unwrap();
    t.edit(|edit| edit.move_to(guest, trip)).unwrap();
    let new = t.makes(7, trip, "new", true);
    t.edit(|edit| edit.move_to(list, new)).unwrap();

    let plan = t.rewind(trip, then.0);
    let changes = [
        vec![(plans, Step::Untrash)],
        vec![(list, Step::Move(trip))],
        vec![(map, Step::Move(plans))],
        vec![(guest, Step::Move(other))],
        vec![(list, Step::Rename("list".to_owned()))],
        vec![(new, Step::Trash)],
    ];
    assert_eq!(plan.changes, changes);
    t.carry_out(&plan);
    assert_eq!(t.paths(trip), then.1);
    assert_eq!(t.paths(other), then.2);
    assert_eq!(t.rewind(trip, then.0), Plan::default());
}

#[test]
fn what_was_made_since_goes_along_with_its_folder_unless_that_goes_elsewhere() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let plans = t.makes(2, trip, "Plans", true);
    let then = (t.now_ms, t.paths(trip));
    let new = t.makes(3, trip, "new", true);
    let below = t.makes(4, new, "below", true);
    t.makes(5, below, "in it", false);
    t.edit(|edit| edit.move_to(plans, below)).unwrap();
    let in_plans = t.makes(6, plans, "in Plans", false);
    let plan = t.rewind(trip, then.0);
    let changes =
        [vec![(plans, Step::Move(trip))], vec![(new, Step::Trash), (in_plans, Step::Trash)]];
    assert_eq!(plan.changes, changes);
    t.carry_out(&plan);
    assert_eq!(t.paths(trip), then.1);
}

#[test]
fn what_nobody_kept_stays_where_it_is() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let other = t.makes(2, NodeId::ROOT, "Other", true);
    let old = t.makes(3, other, "old", false);
    let then_ms = t.now_ms;
    for to in [trip, other].into_iter().cycle().take(11) {
        t.edit(|edit| edit.move_to(old, to)).unwrap();
    }
    // As in a vault of a version that kept nothing: the row itself has the last eight places.
    t.kept.clear();
    assert_eq!(t.rewind(trip, then_ms), Plan::default());
}

#[test]
fn a_folder_that_its_own_rewinding_would_move_is_left_alone() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let inner = t.makes(2, trip, "Inner", true);
    let then_ms = t.now_ms;
    t.edit(|edit| edit.move_to(inner, NodeId::ROOT)).unwrap();
    t.edit(|edit| edit.move_to(trip, inner)).unwrap();
    assert_eq!(t.rewind(trip, then_ms), Plan::default());
}

#[test]
fn an_op_that_comes_back_from_the_log_is_kept_once() {
    let mut t = Tree::default();
    let note = t.makes(1, NodeId::ROOT, "note", false);
    t.edit(|edit| edit.rename(note, "note of today")).unwrap();
    let kept = t.kept.clone();
    let id = OpId { lamport: t.lamport, device: DEVICE };
    let value = Value::Name("note of today".to_owned());
    t.take(&[Op { id, node: note, value, supersedes: Vec::new() }]);
    assert_eq!(t.kept, kept);
}

#[test]
fn files_that_were_edited_since_have_their_content_of_then() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let [map, list, ticket] = [(2, "map"), (3, "list"), (4, "ticket")]
        .map(|(seed, name)| t.makes(seed, trip, name, false));
    let elsewhere = t.makes(5, NodeId::ROOT, "elsewhere", false);
    let then_ms = t.now_ms;
    let content = Content { manifest: vec![1], size: 1, modified_ms: 0, text: false };
    let typed = TextEdit { base: content.base(), size: 2, modified_ms: 0 };
    t.edit(|edit| edit.set_content(map, content.clone())).unwrap();
    t.edit(|edit| edit.text_edited(list, typed.clone())).unwrap();
    t.edit(|edit| edit.set_content(elsewhere, content.clone())).unwrap();
    t.edit(|edit| edit.rename(ticket, "tickets")).unwrap();
    let plan = t.rewind(trip, then_ms);
    assert_eq!(plan.contents, [map, list]);
    assert_eq!(plan.changes, [vec![(ticket, Step::Rename("ticket".to_owned()))]]);
}

#[test]
fn what_an_edit_saved_from_the_trash_goes_back_into_its_folder() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let plans = t.makes(2, trip, "Plans", true);
    let map = t.makes(3, plans, "map", false);
    let then = (t.now_ms, t.paths(trip));
    t.edit(|edit| edit.trash(plans)).unwrap();
    // Typed on another device, which had not heard of that.
    let (lamport, device) = (t.lamport + 1, DeviceId([9; 16]));
    let edit = TextEdit { base: NO_BASE, size: 2, modified_ms: 0 };
    let value = Value::Text(edit);
    let id = OpId { lamport, device };
    t.take(&[Op { id, node: map, value, supersedes: Vec::new() }]);
    t.lamport = lamport;
    assert_eq!(t.tree.rows[&map].shown_parent, NodeId::RECOVERED);
    let plan = t.rewind(trip, then.0);
    assert_eq!(plan.changes, [vec![(plans, Step::Untrash)], vec![(map, Step::Move(plans))]]);
    t.carry_out(&plan);
    assert_eq!(t.paths(trip), then.1);
}

#[test]
fn what_came_from_elsewhere_returns_if_that_is_there_still() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let other = t.makes(2, NodeId::ROOT, "Other", true);
    let group = t.makes(3, other, "Group", true);
    let guest = t.makes(4, group, "guest", false);
    let from_root = t.makes(5, NodeId::ROOT, "from the root", false);
    let gone = t.makes(6, NodeId::ROOT, "Gone", true);
    let stray = t.makes(7, gone, "stray", false);
    let then_ms = t.now_ms;
    for node in [group, from_root, stray] {
        t.edit(|edit| edit.move_to(node, trip)).unwrap();
    }
    t.edit(|edit| edit.trash(gone)).unwrap();
    let plan = t.rewind(trip, then_ms);
    // The guest goes along with its group; the stray has nowhere to go.
    assert_eq!(
        plan.changes,
        [vec![(group, Step::Move(other)), (from_root, Step::Move(NodeId::ROOT))]]
    );
    t.carry_out(&plan);
    let there = [guest, stray].map(|node| t.tree.rows[&node].shown_parent);
    assert_eq!(there, [group, trip]);
    // Where it was is below it now: it cannot go in there.
    t.edit(|edit| edit.move_to(group, trip)).unwrap();
    t.edit(|edit| edit.move_to(other, group)).unwrap();
    let plan = t.rewind(trip, then_ms);
    assert!(!plan.changes.concat().contains(&(group, Step::Move(other))), "{plan:?}");
}

#[test]
fn what_was_kept_of_a_node_without_a_row_is_passed_over() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let then_ms = t.now_ms;
    let id = OpId { lamport: 1, device: DEVICE };
    let node = NodeId([0x70; 16]);
    t.kept.push(PastOp { node, id, time_ms: then_ms, was: Was::In(trip) });
    assert_eq!(t.rewind(trip, then_ms), Plan::default());
}

#[test]
fn what_was_deleted_for_good_is_left_out_and_the_rest_is_put_back() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let maps = t.makes(2, trip, "maps", true);
    let [map, note] = [3, 4].map(|seed| t.makes(seed, maps, &format!("file {seed}"), false));
    let list = t.makes(5, trip, "list", false);
    let at_ms = t.now_ms;
    t.edit(|edit| edit.move_to(note, NodeId::ROOT)).unwrap();
    t.edit(|edit| edit.rename(list, "packing list")).unwrap();
    t.edit(|edit| edit.trash(maps)).unwrap();
    t.edit(|edit| edit.purge(maps)).unwrap();
    let plan = t.rewind(trip, at_ms);
    t.carry_out(&plan);
    let paths = t.paths(NodeId::ROOT);
    let there: Vec<String> = paths.keys().map(|path| path.join("/")).collect();
    assert_eq!(there, ["Trip", "Trip/list", "file 4"], "not {:?}", t.tree.rows[&map].name.value);
}

/// Something a person does: which, to what, where.
type Act = (u8, usize, usize);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_vault_is_rewound_to_any_moment(
        acts in proptest::collection::vec((0_u8..6, 0_usize..64, 0_usize..64), 4..40),
        moment in 0_usize..40,
    ) {
        let mut t = Tree::default();
        let mut moments: Vec<(i64, Paths)> = vec![(0, Paths::new())];
        for (at, act) in acts.iter().enumerate() {
            do_something(&mut t, at, *act);
            moments.push((t.now_ms, t.paths(NodeId::ROOT)));
        }
        let (at_ms, then) = &moments[moment % moments.len()];
        let plan = t.rewind(NodeId::ROOT, *at_ms);
        t.carry_out(&plan);
        prop_assert_eq!(&t.paths(NodeId::ROOT), then);
    }
}

fn do_something(t: &mut Tree, at: usize, (what, one, other): Act) {
    let any = |place: usize| match place % (t.made.len() + 1) {
        0 => NodeId::ROOT,
        place => t.made[place - 1],
    };
    let (node, to) = (any(one), any(other));
    // A refusal is no failure: people try what cannot be.
    match what {
        0 => drop(t.makes(at as u8 + 1, to, &format!("folder {}", one % 3), true)),
        1 => drop(t.makes(at as u8 + 1, to, &format!("file {}", one % 3), false)),
        2 => drop(t.edit(|edit| edit.rename(node, &format!("name {}", other % 3)))),
        3 => drop(t.edit(|edit| edit.move_to(node, to))),
        4 => drop(t.edit(|edit| edit.trash(node))),
        _ => drop(t.edit(|edit| edit.restore(node))),
    }
}

#[test]
fn changes_of_one_device_that_follow_each_other_are_one_moment() {
    let mut t = Tree::default();
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    let list = t.makes(2, trip, "list", false);
    t.now_ms += 60 * 60 * 1000;
    t.makes(3, NodeId::ROOT, "elsewhere", false);
    t.now_ms += 60 * 60 * 1000;
    t.edit(|edit| edit.rename(list, "packing list")).unwrap();
    t.edit(|edit| edit.move_to(list, NodeId::ROOT)).unwrap();
    let last_ms = t.now_ms;
    let told: Vec<_> = stretches(&t, trip)
        .iter()
        .map(|one| (one.from_ms, one.until_ms, one.nodes.len()))
        .collect();
    assert_eq!(told, [(last_ms - 1, last_ms, 1), (2, 2, 1)]);
}

#[test]
fn a_change_far_below_is_a_moment_of_the_folder_and_of_none_beside_it() {
    let mut t = Tree::default();
    let [trip, beside] = [1, 2].map(|n| t.makes(n, NodeId::ROOT, &format!("folder {n}"), true));
    let inner = t.makes(3, trip, "inner", true);
    let file = t.makes(4, inner, "file", false);
    t.now_ms += 60 * 60 * 1000;
    t.edit(|edit| edit.rename(file, "other")).unwrap();
    let newest = stretches(&t, trip).remove(0);
    assert_eq!((newest.from_ms, newest.nodes), (t.now_ms, [file].into()));
    assert_eq!(stretches(&t, beside), []);
}

fn stretches(t: &Tree, folder: NodeId) -> Vec<Stretch> {
    let mut moments = Moments::new(folder);
    t.tree.rows.values().for_each(|row| moments.add_row(row));
    t.kept.iter().for_each(|op| moments.add_past(op));
    moments.stretches()
}

/// The stretches that are told of a folder made at 0 and changed at these times by these
/// devices: from, until, by whom.
fn told(changes: &[(i64, u8)]) -> Vec<(i64, i64, DeviceId)> {
    let mut moments = Moments::new(NodeId::ROOT);
    let mut t = Tree { now_ms: -1, ..Tree::default() };
    let trip = t.makes(1, NodeId::ROOT, "Trip", true);
    t.tree.rows.values().for_each(|row| moments.add_row(row));
    for (n, (time_ms, device)) in changes.iter().enumerate() {
        let id = OpId { lamport: n as u64 + 1, device: DeviceId([*device; 16]) };
        moments.add_past(&PastOp { node: trip, id, time_ms: *time_ms, was: Was::In(NodeId::ROOT) });
    }
    let stretches = moments.stretches();
    stretches.into_iter().map(|one| (one.from_ms, one.until_ms, one.device)).collect()
}

#[test]
fn a_stretch_ends_with_its_device_a_pause_or_an_hour_and_the_newest_are_told() {
    const MINUTE: i64 = 60 * 1000;
    let (one, two) = (DeviceId([1; 16]), DeviceId([2; 16]));
    let start = (0, 0, DEVICE);
    let within = [(100 * MINUTE, 1), (110 * MINUTE, 1)];
    assert_eq!(told(&within), [(100 * MINUTE, 110 * MINUTE, one), start]);
    let paused = [(100 * MINUTE, 1), (110 * MINUTE + 1, 1)];
    assert_eq!(told(&paused).len(), 3);
    let devices = [(100 * MINUTE, 1), (101 * MINUTE, 2)];
    assert_eq!(
        told(&devices),
        [(101 * MINUTE, 101 * MINUTE, two), (100 * MINUTE, 100 * MINUTE, one), start]
    );
    let busy: Vec<(i64, u8)> = (0..8).map(|n| (100 * MINUTE + n * 10 * MINUTE, 1)).collect();
    let hours = [(110 * MINUTE, 170 * MINUTE, one), (100 * MINUTE, 100 * MINUTE, one), start];
    assert_eq!(told(&busy), hours);
    let many: Vec<(i64, u8)> = (1..=101).map(|n| (n * 100 * MINUTE, 1)).collect();
    let newest = told(&many);
    assert_eq!(newest.len(), 100);
    assert_eq!((newest[0].0, newest[99].0), (10_100 * MINUTE, 200 * MINUTE));
}
