//! What changes of others must be before they are merged.
//!
//! [`check_changes`] looks at a change alone: whose it is, and that it only types. [`Known`]
//! looks at it beside the document: every change, actor and element it names has to be in
//! the past it claims for itself, since Automerge panics on names it does not know. Nothing
//! but a change and its past decides, so every replica refuses the same.

mod columns;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, AutoCommit, Change, ChangeHash, ScalarValue};

use super::{TextError, seed_actor};
use crate::id::{DeviceId, Hash, NodeId};
use crate::limits;

/// First byte of a change's type after magic and checksum; 2 would be a compressed one.
const CHUNK_TYPE_AT: usize = 8;
/// Where the first bytes of its hash are.
const CHECKSUM: Range<usize> = 4..8;
const CHUNK_TYPE_CHANGE: u8 = 1;
/// Most ops of one text change: a whole document deleted and typed anew.
const CHANGE_OPS_MAX: usize = 4 * limits::TEXT_BYTES_MAX;
/// The op of the first change that makes the text; its characters follow.
pub(super) const TEXT_OP: u64 = 1;

/// Checks changes that came from `device` for the document of `node` at `base`, before they
/// are merged.
pub fn check_changes(
    changes: &[Vec<u8>],
    device: &DeviceId,
    node: &NodeId,
    base: &Hash,
) -> Result<(), TextError> {
    let seed = seed_actor(node, base);
    for bytes in changes {
        let change = decode(bytes)?;
        let actor = change.actor_id().to_bytes();
        if actor.len() != DeviceId::LEN + 4 || !actor.starts_with(device.as_bytes()) {
            return Err(TextError::WrongActor);
        }
        if change.len() > CHANGE_OPS_MAX {
            return Err(TextError::TooLong);
        }
        let in_text = |op: &Op| match &op.obj {
            ObjectId::Id(id) => id.counter() == TEXT_OP && *id.actor() == seed,
            ObjectId::Root => false,
        };
        let expanded = change.decode();
        if !expanded.operations.iter().all(|op| in_text(op) && types(op)) {
            return Err(TextError::NotTyping);
        }
        // A document keeps what a change says, not its bytes; written otherwise than anybody
        // writes it, the change would come out of a saved document with another hash.
        if Change::from(expanded).raw_bytes() != bytes {
            return Err(TextError::Malformed);
        }
    }
    Ok(())
}

/// Says whether an op inserts one character or deletes one, as splicing makes them.
fn types(op: &Op) -> bool {
    match &op.action {
        OpType::Put(ScalarValue::Str(text)) => {
            let mut chars = text.chars();
            // A `\r` would be a line end for the editor and none for the document.
            let one = matches!((chars.next(), chars.next()), (Some(c), None) if c != '\r');
            op.insert && op.pred.is_empty() && one
        }
        OpType::Delete => match op.key.to_opid() {
            Some(element) => !op.insert && op.pred.iter().eq([&element]),
            None => false,
        },
        OpType::Put(_)
        | OpType::Make(_)
        | OpType::Increment(_)
        | OpType::MarkBegin(_)
        | OpType::MarkEnd(_) => false,
    }
}

/// Decodes a change.
pub(super) fn decode(bytes: &[u8]) -> Result<Change, TextError> {
    // A compressed change could unfold to any size; whole bodies are compressed instead.
    if bytes.get(CHUNK_TYPE_AT) != Some(&CHUNK_TYPE_CHANGE) || !columns::are_sound(bytes) {
        return Err(TextError::Malformed);
    }
    let change = Change::from_bytes(bytes.to_vec()).map_err(|_| TextError::Malformed)?;
    // Automerge does not compare the checksum of a single change.
    let checked = bytes.get(CHECKSUM) == Some(&change.hash().0[..CHECKSUM.len()]);
    if checked { Ok(change) } else { Err(TextError::Malformed) }
}

/// The changes that a document has, as far as the next ones have to fit them.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The greatest op that each change or its past has.
    max_ops: HashMap<ChangeHash, u64>,
    last_seqs: HashMap<ActorId, u64>,
    elements: Elements,
}

impl Known {
    /// Those of a document.
    pub(super) fn of(doc: &mut AutoCommit) -> Self {
        let mut known = Self::default();
        for change in doc.get_changes_meta(&[]) {
            known.max_ops.insert(change.hash, change.max_op);
            let actor = change.actor.into_owned();
            if change.start_op == TEXT_OP {
                // The first change makes the text and its characters, and deletes nothing.
                let characters = TEXT_OP + 1..change.max_op + 1;
                known.elements.inserted.insert(actor.clone(), vec![characters]);
            }
            let last = known.last_seqs.entry(actor).or_default();
            *last = change.seq.max(*last);
        }
        known
    }

    /// One more.
    pub(super) fn note(&mut self, change: &Change) {
        self.max_ops.insert(change.hash(), change.max_op());
        self.last_seqs.insert(change.actor_id().clone(), change.seq());
        self.elements.note(change);
    }

    /// Says whether a change is there.
    pub(super) fn has(&self, change: &Change) -> bool {
        self.max_ops.contains_key(&change.hash())
    }

    /// Checks that a change fits the document: that whoever wrote it had its past and, in
    /// it, every element that it names.
    pub(super) fn check_fit(
        &mut self,
        doc: &mut AutoCommit,
        change: &Change,
    ) -> Result<(), TextError> {
        let missing = TextError::DependencyMissing;
        let past_op = change
            .deps()
            .iter()
            .try_fold(0, |max: u64, dep| self.max_ops.get(dep).map(|max_op| max.max(*max_op)));
        let past_op = past_op.ok_or(TextError::DependencyMissing)?;
        let last_seq = self.last_seqs.get(change.actor_id()).copied().unwrap_or_default();
        let actors_known =
            change.other_actor_ids().iter().all(|actor| self.last_seqs.contains_key(actor));
        if change.deps().is_empty() || !actors_known || change.seq() != last_seq + 1 {
            return Err(missing);
        }
        // Ops are counted on from the greatest that is seen, so they are named once and come
        // after what they stand on.
        if change.start_op().get() != past_op + 1 {
            return Err(missing);
        }
        let beside = first_ops_beside(doc, change.deps());
        if beside.contains_key(change.actor_id()) {
            return Err(missing);
        }
        let ops = change.decode().operations;
        if self.elements.hold_all_of(change, &ops, &beside) {
            return Ok(());
        }
        // The document was saved, and what its changes inserted was not looked at yet.
        let all = !self.elements.are_complete && {
            self.elements = Elements::of(doc);
            self.elements.hold_all_of(change, &ops, &beside)
        };
        if all { Ok(()) } else { Err(TextError::ElementMissing) }
    }
}

/// The changes of a document that are not in a change's past, by their actors' first ops.
fn first_ops_beside(doc: &mut AutoCommit, deps: &[ChangeHash]) -> HashMap<ActorId, u64> {
    let mut first_ops: HashMap<ActorId, u64> = HashMap::new();
    if doc.get_heads().iter().all(|head| deps.contains(head)) {
        return first_ops;
    }
    for change in doc.get_changes_meta(deps) {
        let first = first_ops.entry(change.actor.into_owned()).or_insert(u64::MAX);
        *first = change.start_op.min(*first);
    }
    first_ops
}

/// The characters that were ever in a text, by the ops that inserted them.
#[derive(Debug, Clone, Default)]
struct Elements {
    /// Runs of ops by actor, in order.
    inserted: HashMap<ActorId, Vec<Range<u64>>>,
    /// Those of all changes were looked at.
    are_complete: bool,
}

impl Elements {
    fn of(doc: &mut AutoCommit) -> Self {
        let mut elements = Self { are_complete: true, ..Self::default() };
        for change in doc.get_changes(&[]) {
            elements.note(&change);
        }
        elements
    }

    fn note(&mut self, change: &Change) {
        let runs = self.inserted.entry(change.actor_id().clone()).or_default();
        let first = change.start_op().get();
        // Decoded, each of a million ops names its actor.
        let inserted = columns::inserted(change.raw_bytes()).unwrap_or_else(|| {
            let ops = change.decode().operations;
            let inserts = ops.iter().zip(0..).filter(|(op, _)| op.insert);
            inserts.map(|(_, at)| at..at + 1).collect()
        });
        for Range { start, end } in inserted {
            match runs.last_mut() {
                Some(run) if run.end == first + start => run.end = first + end,
                _ => runs.push(first + start..first + end),
            }
        }
    }

    fn hold(&self, id: &OpId) -> bool {
        let Some(runs) = self.inserted.get(id.actor()) else {
            return false;
        };
        let after = runs.partition_point(|run| run.start <= id.counter());
        after.checked_sub(1).is_some_and(|at| runs[at].contains(&id.counter()))
    }

    /// Says whether every element that a change names is in its past, or its own and earlier.
    fn hold_all_of(&self, change: &Change, ops: &[Op], beside: &HashMap<ActorId, u64>) -> bool {
        let first = change.start_op().get();
        let mut inserted: HashSet<u64> = HashSet::new();
        ops.iter().zip(first..).all(|(op, own)| {
            let known = match &op.key {
                Key::Map(_) => false,
                Key::Seq(ElementId::Head) => true,
                Key::Seq(ElementId::Id(id)) if id.counter() >= first => {
                    id.actor() == change.actor_id() && inserted.contains(&id.counter())
                }
                Key::Seq(ElementId::Id(id)) => {
                    let past = beside.get(id.actor()).is_none_or(|first| id.counter() < *first);
                    past && self.hold(id)
                }
            };
            if op.insert {
                inserted.insert(own);
            }
            known
        })
    }
}

#[cfg(test)]
mod tests;
