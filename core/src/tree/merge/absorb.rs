//! The first stage of a merge: ops go into the registers of their rows.
//!
//! What is invalid is decided by the log alone (does the node exist, is it a folder), so
//! that every replica rejects the same ops.

use crate::id::{DeviceId, NodeId};
use crate::name;
use crate::rpc::Kind;
use crate::tree::listing::DISPLACED;
use crate::tree::merge::{Merge, Missing, RejectReason, Rejected};
use crate::tree::op::{Context, KnownOp, Op, OpId, Value};
use crate::tree::row::{NodeRow, PARENTS_KEPT, Stamped};
use crate::tree::working_set::TreeReader;

/// Lamport times end here, so that a hostile one cannot exhaust the clock.
const LAMPORT_MAX: u64 = 1 << 53;

impl<R: TreeReader> Merge<'_, R> {
    /// Takes all ops in, in their order.
    pub(super) fn absorb(&mut self, ops: &[KnownOp]) -> Result<(), Missing> {
        for known in ops {
            self.row(&known.op.node);
            match &known.op.value {
                Value::Create { parent, .. } => self.want_parent(parent),
                Value::Parent(parent) => {
                    self.want_parent(parent);
                    self.old_children(&DISPLACED);
                }
                Value::Name(_)
                | Value::Content(_)
                | Value::Trashed(_)
                | Value::Text(_)
                | Value::Purged
                | Value::Label(_) => {}
            }
        }
        // Rows that an earlier op of this batch makes are asked for too: that they do not
        // exist must be known as well.
        self.checked()?;
        for known in ops {
            if let Err(reason) = self.absorb_op(known) {
                self.rejected.push(Rejected { op: known.op.id, node: known.op.node, reason });
            }
        }
        self.checked()
    }

    fn want_parent(&mut self, parent: &NodeId) {
        if !parent.is_builtin() {
            self.row(parent);
        }
    }

    fn absorb_op(&mut self, known: &KnownOp) -> Result<(), RejectReason> {
        let KnownOp { op, context } = known;
        let late = op.supersedes.iter().any(|earlier| earlier.lamport >= op.id.lamport);
        if late || op.id.lamport > LAMPORT_MAX || op.id.lamport == 0 {
            return Err(RejectReason::ClockUnfit);
        }
        let row = self.row(&op.node).flatten();
        if let Some(row) = row
            && row.has_applied(&op.id)
        {
            if context.seq.is_some() && !row.synced() {
                give_place(self.row_mut(&op.node), &op.id, context);
            }
            return Ok(());
        }
        match (row.map(|row| row.is_folder()), &op.value) {
            (Some(_), Value::Create { .. }) => return Err(RejectReason::NodeTaken),
            (None, Value::Create { .. }) if op.node.is_builtin() => {
                return Err(RejectReason::NodeTaken);
            }
            (None, Value::Create { .. }) => {}
            (None, _) => return Err(RejectReason::NodeUnknown),
            (Some(true), Value::Content(_) | Value::Text(_)) => return Err(RejectReason::NotAFile),
            (Some(_), _) => {}
        }
        match &op.value {
            Value::Create { parent, name, .. } => {
                self.check_parent(parent)?;
                name::check(name).map_err(|_| RejectReason::NameUnfit)?;
            }
            Value::Parent(parent) => self.check_parent(parent)?,
            Value::Name(name) => name::check(name).map_err(|_| RejectReason::NameUnfit)?,
            Value::Label(labelled) => {
                labelled.label.check().map_err(|_| RejectReason::LabelUnfit)?;
            }
            Value::Content(_) | Value::Trashed(_) | Value::Text(_) | Value::Purged => {}
        }
        self.lamport_max = self.lamport_max.max(op.id.lamport);
        if op.value == Value::Trashed(true) && self.in_view {
            self.trashed_in_view.insert(op.node);
        }
        self.merge_op(op, context);
        Ok(())
    }

    fn check_parent(&mut self, parent: &NodeId) -> Result<(), RejectReason> {
        if *parent == NodeId::ROOT {
            return Ok(());
        }
        let folder = self.row(parent).flatten().is_some_and(NodeRow::is_folder);
        if folder { Ok(()) } else { Err(RejectReason::NotAFolder) }
    }

    /// Merges an op that is valid and new.
    fn merge_op(&mut self, op: &Op, context: &Context) {
        let node = op.node;
        if let Value::Create { kind, parent, name } = &op.value {
            self.overlay.insert(node, new_row(op, context, *kind, *parent, name));
            self.dirty.insert(node);
            return;
        }
        let row = self.row_mut(&node);
        note_applied(&mut row.applied, &op.id);
        match &op.value {
            Value::Parent(parent) => {
                let at = insert_sorted(&mut row.parents, stamp(op, context, *parent));
                row.parents.truncate(PARENTS_KEPT);
                // Behind the place that it has, or fell back from, a move changes nothing.
                if at < PARENTS_KEPT && at <= usize::from(row.fallback) {
                    self.moved.insert(node);
                }
                // Yet it may say that something is not to go for good.
                self.dirty.insert(node);
                return;
            }
            Value::Name(name) => {
                if op.id > row.name.id {
                    row.name = stamp(op, context, name.clone());
                }
                return;
            }
            Value::Label(labelled) => {
                supersede(&mut row.labels, op, stamp(op, context, labelled.clone()));
                forget_taken_off(row);
                return;
            }
            Value::Content(content) => {
                supersede(&mut row.contents, op, stamp(op, context, content.clone()))
            }
            Value::Text(edit) => supersede(&mut row.texts, op, stamp(op, context, edit.clone())),
            Value::Trashed(trashed) => {
                supersede(&mut row.trashed, op, stamp(op, context, *trashed));
                let NodeRow { trashed, purged, .. } = row;
                purged.retain(|purge| trashed.iter().any(|trash| trash.id == purge.value));
            }
            Value::Purged => {
                for trash in row.trashed.iter().filter(|trash| op.supersedes.contains(&trash.id)) {
                    let purge = stamp(op, context, trash.id);
                    // Nobody can mean what comes later.
                    if trash.value && trash.seen_by(&purge) {
                        insert_sorted(&mut row.purged, purge);
                    }
                }
                // Something below may be unknown to its author.
                self.trashed_in_view.remove(&node);
            }
            Value::Create { .. } => unreachable!("handled above"),
        }
        self.dirty.insert(node);
        self.trash_changed.insert(node);
    }
}

fn new_row(op: &Op, context: &Context, kind: Kind, parent: NodeId, name: &str) -> NodeRow {
    NodeRow {
        node: op.node,
        created: stamp(op, context, kind),
        parents: vec![stamp(op, context, parent)],
        name: stamp(op, context, name.to_owned()),
        contents: Vec::new(),
        texts: Vec::new(),
        trashed: Vec::new(),
        applied: vec![(op.id.device, op.id.lamport)],
        shown_parent: parent,
        suffix: 0,
        fallback: 0,
        purged: Vec::new(),
        labels: Vec::new(),
    }
}

fn stamp<T>(op: &Op, context: &Context, value: T) -> Stamped<T> {
    Stamped { id: op.id, context: *context, value }
}

/// Keeps the register's ops in order, greatest first; tells where the new one is.
fn insert_sorted<T>(register: &mut Vec<Stamped<T>>, new: Stamped<T>) -> usize {
    let at = register.partition_point(|op| op.id > new.id);
    register.insert(at, new);
    at
}

fn supersede<T>(register: &mut Vec<Stamped<T>>, op: &Op, new: Stamped<T>) {
    register.retain(|old| !op.supersedes.contains(&old.id));
    insert_sorted(register, new);
}

fn note_applied(applied: &mut Vec<(DeviceId, u64)>, id: &OpId) {
    match applied.binary_search_by_key(&id.device, |(device, _)| *device) {
        Ok(at) => applied[at].1 = id.lamport,
        Err(at) => applied.insert(at, (id.device, id.lamport)),
    }
}

/// Gives an op that had no place in the log the one it has now.
fn give_place(row: &mut NodeRow, id: &OpId, context: &Context) {
    for (known, place) in row.contexts_mut() {
        if known == *id && place.seq.is_none() {
            place.seq = context.seq;
        }
    }
    forget_taken_off(row);
}

/// A label that was taken off is gone once that has its place in the log.
fn forget_taken_off(row: &mut NodeRow) {
    row.labels.retain(|op| op.value.on || op.context.seq.is_none());
}
