//! A folder rewound to a moment, from what is on the device.
//!
//! What merges replace of places, names and the trash is kept in `Table::Past`, one row for
//! each transaction, so that a merge of ten thousand renames puts one row more. Looking back
//! reads all of it, and all rows, by pages. A rewinding is several changes, each whole in
//! itself: where a tab is killed between two of them, rewinding again does the rest.

use std::collections::BTreeMap;
use std::rc::Rc;

use offing_core::id::{DeviceId, NodeId};
use offing_core::rpc::{At, Fault, Moment, Reply, Revision, RevisionId, RewindStep, Rewound};
use offing_core::tree::edit::Edit;
use offing_core::tree::rewind::{Moments, Plan, Rewind, Step};
use offing_core::tree::{KnownOp, NodeRow, PastOp, WorkingSet, replaced};

use super::Replica;
use super::actions::Undo;
use super::commit::Extra;
use super::fault::from_store;
use crate::host::Host;
use crate::store::{Batch, Direction, Range, Store, Table};

const VERSION: u8 = 1;
/// Rows that are read at once.
const PAGE_ROWS: u32 = 2_048;
/// Nodes that one of the changes is about.
const CHANGE_NODES: usize = 4_096;
/// Steps that the page is told.
const STEPS_MAX: usize = 200;

/// When a revision was made at the latest: changes of texts tell whole seconds.
fn latest_ms(revision: &Revision) -> i64 {
    match revision.id.at {
        At::Change(_) => revision.time_ms.saturating_add(999),
        At::Start | At::Now => revision.time_ms,
    }
}

/// What a rewinding does, with the contents that files get.
struct Found {
    plan: Plan,
    contents: Vec<(NodeId, RevisionId)>,
}

/// Keeps beside the rows what ops replace of places, names and the trash.
pub(super) fn put_past(batch: &mut Batch, ops: &[KnownOp], before: &WorkingSet) {
    let kept = replaced(ops, before);
    let Some(first) = kept.first() else { return };
    let key = [first.id.lamport.to_be_bytes().as_slice(), &first.id.device.0].concat();
    put_past_ops(batch, &key, &kept);
}

/// Keeps ops under a key, if there are any.
pub(super) fn put_past_ops(batch: &mut Batch, key: &[u8], kept: &[PastOp]) {
    if !kept.is_empty() {
        let value = postcard::to_extend(kept, vec![VERSION]);
        batch.put(Table::Past, key, value.expect("plain data always serialises"));
    }
}

pub(super) fn past_of(value: &[u8]) -> Result<Vec<PastOp>, Fault> {
    match value.split_first() {
        Some((&VERSION, kept)) => postcard::from_bytes(kept).map_err(|_| Fault::Storage),
        Some(_) | None => Err(Fault::Storage),
    }
}

impl<H: Host> Replica<H> {
    /// Lists when something below a folder was changed, newest first.
    pub async fn moments(&self, folder: NodeId) -> Result<Vec<Moment>, Fault> {
        let mut moments = Moments::new(folder);
        self.each_row(Table::Nodes, &mut |value| {
            moments.add_row(&NodeRow::decode(value).map_err(|_| Fault::Storage)?);
            Ok(())
        })
        .await?;
        self.each_row(Table::Past, &mut |value| {
            past_of(value)?.iter().for_each(|op| moments.add_past(op));
            Ok(())
        })
        .await?;
        let mut names: BTreeMap<DeviceId, String> = BTreeMap::new();
        let mut told = Vec::new();
        for stretch in moments.stretches() {
            let device_name = match names.get(&stretch.device) {
                Some(name) => name.clone(),
                None => self.device_name(stretch.device).await,
            };
            names.entry(stretch.device).or_insert_with(|| device_name.clone());
            let (from_ms, until_ms) = (stretch.from_ms, stretch.until_ms);
            let count = stretch.nodes.len() as u32;
            told.push(Moment { from_ms, until_ms, device_name, count });
        }
        Ok(told)
    }

    /// Tells the first of what would make a folder what it was, and how much it is.
    pub async fn plan_rewind(
        self: &Rc<Self>,
        folder: NodeId,
        at_ms: i64,
    ) -> Result<(Vec<RewindStep>, u32), Fault> {
        let Found { plan, contents } = self.look_back(folder, at_ms).await?;
        let changes = plan.changes.into_iter().flatten().map(|(node, step)| match step {
            Step::Untrash => (node, Rewound::Restored, None),
            Step::Move(_) => (node, Rewound::Moved, None),
            Step::Rename(name) => (node, Rewound::Renamed, Some(name)),
            Step::Trash => (node, Rewound::Trashed, None),
        });
        let contents = contents.iter().map(|(node, _)| (*node, Rewound::Changed, None));
        let mut steps: Vec<_> = changes.chain(contents).collect();
        let count = steps.len() as u32;
        steps.truncate(STEPS_MAX);
        let nodes: Vec<NodeId> = steps.iter().map(|(node, ..)| *node).collect();
        let rows = self.rows(&nodes).await?;
        let named = steps.into_iter().zip(rows).filter_map(|((_, what, was), row)| {
            Some(RewindStep { what, name: row?.name.value, was })
        });
        Ok((named.collect(), count))
    }

    /// Makes a folder what it was at a moment, by new changes.
    pub async fn rewind(self: &Rc<Self>, folder: NodeId, at_ms: i64) -> Result<Reply, Fault> {
        let Found { plan, contents } = self.look_back(folder, at_ms).await?;
        let count = plan.changes.iter().map(Vec::len).sum::<usize>() + contents.len();
        let mut done = Vec::new();
        for change in plan.changes.iter().flat_map(|change| change.chunks(CHANGE_NODES)) {
            let about: Vec<NodeId> = change.iter().map(|(node, _)| *node).collect();
            let make = |ops: &mut Edit<'_, WorkingSet>| {
                change.iter().try_for_each(|(node, step)| step.make(*node, ops))
            };
            done.push(Undo::of(&self.commit(Extra::about(&about), &make).await?));
        }
        for (node, revision) in contents {
            done.push(self.revert_to(node, revision).await?);
        }
        let action = self.remember(Undo::Several(done));
        Ok(Reply::Changed { action, count: count as u32 })
    }

    async fn look_back(self: &Rc<Self>, folder: NodeId, at_ms: i64) -> Result<Found, Fault> {
        let mut rewind = Rewind::new(folder, at_ms);
        self.each_row(Table::Nodes, &mut |value| {
            rewind.add_row(&NodeRow::decode(value).map_err(|_| Fault::Storage)?);
            Ok(())
        })
        .await?;
        self.each_row(Table::Past, &mut |value| {
            past_of(value)?.into_iter().for_each(|op| rewind.add_past(op));
            Ok(())
        })
        .await?;
        let mut plan = rewind.plan();
        let mut contents = Vec::new();
        for node in std::mem::take(&mut plan.contents) {
            if let Some(then) = self.content_then(node, at_ms).await? {
                contents.push((node, then));
            }
        }
        Ok(Found { plan, contents })
    }

    /// The content that a file had at a moment, if it is another and its history goes back
    /// that far.
    async fn content_then(
        self: &Rc<Self>,
        node: NodeId,
        at_ms: i64,
    ) -> Result<Option<RevisionId>, Fault> {
        let revisions = self.revisions(node).await?;
        let current = revisions.iter().find(|one| one.current).map(|one| one.id);
        let by_then = revisions.iter().rev().filter(|one| latest_ms(one) <= at_ms);
        let then = by_then.max_by_key(|one| latest_ms(one)).map(|one| one.id);
        let (Some(then), Some(row)) = (then, self.row(node).await?) else { return Ok(None) };
        // Brought back before, it reads as it did.
        let same = match current {
            Some(now) if now == then => true,
            Some(now) => {
                let then = self.state_read(&row, then).await?;
                self.state_read(&row, now).await?.same(&then)
            }
            None => false,
        };
        Ok((!same).then_some(then))
    }

    /// Reads a table to its end, by pages.
    async fn each_row(
        &self,
        table: Table,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut range = Range::all();
        loop {
            let store = self.host.store();
            let rows = store.scan(table, &range, 0, PAGE_ROWS, Direction::Forward).await;
            let rows = rows.map_err(|e| from_store(&e))?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            range.start = [last.as_slice(), &[0]].concat();
            rows.iter().try_for_each(|(_, value)| take(value))?;
        }
    }
}
