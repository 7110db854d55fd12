//! Deleting for good: what is in the trash goes, for everybody, with all that is below it.
//!
//! Nothing takes that back, so a person is told first what goes and how much it is, and then
//! names just that. What is gone is in no list any more; its rows stay, as what merging
//! needs (`docs/sync.md`).

use std::collections::HashSet;
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::{Fault, Reply};
use offing_core::tree::edit::EditError;

use super::Replica;
use super::bury::dies;
use super::commit::Extra;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// Deletes nodes of the trash for good if that is `sure`. Else it tells how much that would
    /// be; no nodes are all that is in the trash, as far as one change can hold it.
    pub async fn purge(self: &Rc<Self>, nodes: &[NodeId], sure: bool) -> Result<Reply, Fault> {
        if sure {
            self.delete_for_good(nodes).await?;
            return Ok(Reply::Done);
        }
        let mut nodes = nodes.to_vec();
        if nodes.is_empty() {
            nodes = self.children_of(&[NodeId::TRASH]).await?.concat();
            nodes.truncate(limits::CHANGE_OPS_MAX);
        }
        let (mut count, mut bytes) = (0, 0);
        let mut level = nodes.clone();
        while !level.is_empty() {
            count += u32::try_from(level.len()).unwrap_or(u32::MAX);
            let rows = self.rows(&level).await?;
            bytes += rows.iter().flatten().filter_map(|row| row.size()).sum::<u64>();
            level = self.children_of(&level).await?.concat();
        }
        Err(Fault::ForGood { nodes, count, bytes })
    }

    /// Deletes nodes for good. What is not in the trash any more stays.
    pub(super) async fn delete_for_good(self: &Rc<Self>, nodes: &[NodeId]) -> Result<(), Fault> {
        let mut extra = Extra::about(nodes);
        dies(&mut extra.also, nodes);
        let deleted = self
            .commit(extra, &|ops| {
                nodes.iter().try_for_each(|node| match ops.purge(*node) {
                    Err(EditError::NodeUnknown) => Ok(()),
                    purged => purged,
                })
            })
            .await;
        deleted.map(drop)
    }

    /// Says whether a node was deleted for good.
    pub(super) async fn is_gone(&self, node: NodeId) -> Result<bool, Fault> {
        match self.path(node).await {
            Err(Fault::NodeUnknown) => Ok(true),
            found => found.map(|_| false),
        }
    }

    /// What was deleted for good, with all below it.
    pub(super) async fn gone(&self) -> Result<HashSet<NodeId>, Fault> {
        let mut gone = HashSet::new();
        let mut level = vec![NodeId::GONE];
        while !level.is_empty() {
            level = self.children_of(&level).await?.concat();
            gone.extend(&level);
        }
        Ok(gone)
    }
}
