//! Stars and tags: put on and taken off, and what has them.
//!
//! The listing has an index of them, label by label (`core::tree::listing`). It knows nothing of
//! folders that are in the trash, so whoever counts looks at what is above each node; whoever
//! shows a node asks for its path anyway.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::limits;
use offing_core::rpc::{Fault, Reply};
use offing_core::tree::{Labelled, listing};

use super::Replica;
use super::commit::Extra;
use super::fault::from_store;
use crate::host::Host;
use crate::store::{Range, Store, Table};

/// Keys of the index that are read at once.
const PAGE_KEYS: u32 = 2_048;

impl<H: Host> Replica<H> {
    /// Puts a label on nodes or takes it off, where that is not so already.
    pub async fn label(
        self: &Rc<Self>,
        nodes: &[NodeId],
        labelled: &Labelled,
    ) -> Result<Reply, Fault> {
        let done = self
            .commit(Extra::about(nodes), &|ops| {
                nodes.iter().try_for_each(|node| ops.label(*node, labelled.clone()))
            })
            .await?;
        Ok(self.changed(&done, nodes.len()))
    }

    /// The labels of each of these nodes; none of one that is not there.
    pub async fn labels(&self, nodes: &[NodeId]) -> Result<Vec<Vec<Label>>, Fault> {
        let rows = self.rows(nodes).await?.into_iter();
        let labels = rows.map(|row| row.iter().flat_map(|row| row.labels()).cloned().collect());
        Ok(labels.collect())
    }

    /// All labels in use, and how many nodes that are not in the trash have each.
    pub async fn labels_in_use(&self) -> Result<BTreeMap<Label, u32>, Fault> {
        let (mut counts, mut above) = (BTreeMap::new(), HashMap::new());
        let mut after = listing::LABELS.0.to_vec();
        loop {
            let keys = self.label_keys(&listing::LABELS.0, after).await?;
            self.count(&keys, &mut above, &mut counts).await?;
            match end_of(&keys) {
                Some(end) => after = end,
                None => return Ok(counts),
            }
        }
    }

    /// Nodes with a label, in the order of a folder, and where the next ones begin; what is in
    /// the trash is among them.
    pub async fn labelled(
        &self,
        label: &Label,
        after: Option<Vec<u8>>,
    ) -> Result<(Vec<NodeId>, Option<Vec<u8>>), Fault> {
        let prefix = listing::label_prefix(label);
        let start = after.filter(|key| key.starts_with(&prefix)).unwrap_or_else(|| prefix.clone());
        let keys = self.label_keys(&prefix, start).await?;
        let nodes = keys.iter().filter_map(|key| listing::node_of_key(key));
        Ok((nodes.collect(), end_of(&keys)))
    }

    async fn label_keys(&self, prefix: &[u8], start: Vec<u8>) -> Result<Vec<Vec<u8>>, Fault> {
        let range = Range { start, ..Range::prefix(prefix) };
        let keys = self.host.store().scan_keys(Table::Listing, &range, PAGE_KEYS).await;
        keys.map_err(|e| from_store(&e))
    }

    /// Counts the nodes of some keys, reading level by level what is above them.
    async fn count(
        &self,
        keys: &[Vec<u8>],
        above: &mut HashMap<NodeId, NodeId>,
        counts: &mut BTreeMap<Label, u32>,
    ) -> Result<(), Fault> {
        let mut level: Vec<NodeId> =
            keys.iter().filter_map(|key| listing::node_of_key(key)).collect();
        loop {
            level.sort_unstable();
            level.dedup();
            level.retain(|node| !node.is_builtin() && !above.contains_key(node));
            if level.is_empty() {
                break;
            }
            let rows = self.rows(&level).await?;
            let shown =
                rows.into_iter().map(|row| row.map_or(NodeId::GONE, |row| row.shown_parent));
            let parents: Vec<NodeId> = shown.collect();
            above.extend(level.drain(..).zip(parents.iter().copied()));
            level = parents;
        }
        for key in keys {
            let up =
                std::iter::successors(listing::node_of_key(key), |node| above.get(node).copied());
            let is_there = !up.take(limits::TREE_DEPTH_MAX + 2).any(|node| node.is_trash());
            if let Some(label) = listing::label_of_key(key).filter(|_| is_there) {
                *counts.entry(label).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Where the next page begins, the least key after these; none where they are the last.
fn end_of(keys: &[Vec<u8>]) -> Option<Vec<u8>> {
    let last = keys.last().filter(|_| keys.len() as u32 == PAGE_KEYS)?;
    Some([last.as_slice(), &[0]].concat())
}
