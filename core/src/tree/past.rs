//! What rows let go of: places, names and the trash, as they were before.
//!
//! A row keeps what shows and what can matter for merging. Looking back needs the rest, so
//! whoever writes what a merge changed keeps [`replaced`] beside the rows. It is a function
//! of the ops and the rows before them; keeping something twice changes nothing.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::tree::op::{KnownOp, OpId, Value};
use crate::tree::row::NodeRow;
use crate::tree::working_set::TreeReader;

/// What an op set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Was {
    /// The folder it was in.
    In(NodeId),
    /// Its own name.
    Called(String),
    /// Whether it was put in the trash, or taken out.
    Trashed(bool),
}

/// An op that may not show any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastOp {
    /// The node.
    pub node: NodeId,
    /// The op.
    pub id: OpId,
    /// When its author says it was, in milliseconds since 1970.
    pub time_ms: i64,
    /// What it set.
    pub was: Was,
}

/// A field of a node that can be looked back at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Field {
    Place,
    Name,
    Trash,
}

impl Was {
    pub(super) fn field(&self) -> Field {
        match self {
            Self::In(_) => Field::Place,
            Self::Called(_) => Field::Name,
            Self::Trashed(_) => Field::Trash,
        }
    }
}

/// The ops to keep when `ops` are merged into rows that are `before`: these ops, where they
/// set a place, a name or the trash of a node that was made earlier, and what they replace.
/// The first of them is one of `ops`, and is never the first again.
pub fn replaced(ops: &[KnownOp], before: &impl TreeReader) -> Vec<PastOp> {
    let mut kept = Vec::new();
    let mut fields: HashSet<(NodeId, Field)> = HashSet::new();
    for KnownOp { op, context } in ops {
        let was = match &op.value {
            Value::Parent(parent) => Was::In(*parent),
            Value::Name(name) => Was::Called(name.clone()),
            Value::Trashed(trashed) => Was::Trashed(*trashed),
            Value::Create { .. }
            | Value::Content(_)
            | Value::Text(_)
            | Value::Purged
            | Value::Label(_) => continue,
        };
        let row = before.row(&op.node).flatten();
        // An own op that comes back with its place in the log replaces nothing again.
        if row.is_some_and(|row| row.has_applied(&op.id)) {
            continue;
        }
        let field = was.field();
        kept.push(PastOp { node: op.node, id: op.id, time_ms: context.time_ms, was });
        if fields.insert((op.node, field))
            && let Some(row) = row
        {
            kept.extend(of_row(row).filter(|past| past.was.field() == field));
        }
    }
    // A node may be made and changed by the same ops.
    for KnownOp { op, context } in ops {
        let Value::Create { parent, name, .. } = &op.value else { continue };
        let of = |was| PastOp { node: op.node, id: op.id, time_ms: context.time_ms, was };
        let made = [Was::In(*parent), Was::Called(name.clone())].map(of);
        kept.extend(made.into_iter().filter(|past| fields.contains(&(op.node, past.was.field()))));
    }
    kept
}

/// All that a row holds of what can be looked back at.
pub fn of_row(row: &NodeRow) -> impl Iterator<Item = PastOp> {
    let node = row.node;
    let past = move |id, time_ms, was| PastOp { node, id, time_ms, was };
    let places = row.parents.iter();
    let places = places.map(move |op| past(op.id, op.context.time_ms, Was::In(op.value)));
    let name = &row.name;
    let name = past(name.id, name.context.time_ms, Was::Called(name.value.clone()));
    let trash = row.trashed.iter();
    let trash = trash.map(move |op| past(op.id, op.context.time_ms, Was::Trashed(op.value)));
    places.chain([name]).chain(trash)
}
