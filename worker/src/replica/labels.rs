//! Stars and tags: put on and taken off, and what has them.
//!
//! The listing has an index of them, label by label (`core::tree::listing`). It knows nothing of
//! folders that are in the trash, so whoever counts looks at what is above each folder; whoever
//! shows a node asks for its path anyway.

use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::label::Label;
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

    /// All labels in use, in order, and how many nodes that are not in the trash have each.
    pub async fn labels_in_use(&self) -> Result<Vec<(Label, u32)>, Fault> {
        let mut counts: Vec<(Label, u32)> = Vec::new();
        // Folders, and whether they are there: what has labels is in few.
        let mut folders: Vec<(NodeId, bool)> = Vec::new();
        let mut after = Some(listing::LABELS.0.to_vec());
        while let Some(start) = after {
            let keys = self.label_keys(&listing::LABELS.0, start).await?;
            let nodes: Vec<NodeId> =
                keys.iter().filter_map(|key| listing::node_of_key(key)).collect();
            for (key, row) in keys.iter().zip(self.rows(&nodes).await?) {
                let (Some(label), Some(row)) = (listing::label_of_key(key), row) else { continue };
                let folder = row.shown_parent;
                let known = folders.iter().find(|(known, _)| *known == folder);
                let is_there = match known {
                    Some((_, is_there)) => *is_there,
                    None => {
                        let path = self.path(folder).await;
                        let root = path.as_ref().ok().and_then(|path| path.first());
                        let is_there = root.is_some_and(|root| !root.node.is_trash());
                        folders.push((folder, is_there));
                        is_there
                    }
                };
                match counts.last_mut() {
                    _ if !is_there => {}
                    Some((last, count)) if *last == label => *count += 1,
                    _ => counts.push((label, 1)),
                }
            }
            after = end_of(&keys);
        }
        Ok(counts)
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
}

/// Where the next page begins, the least key after these; none where they are the last.
fn end_of(keys: &[Vec<u8>]) -> Option<Vec<u8>> {
    let last = keys.last().filter(|_| keys.len() as u32 == PAGE_KEYS)?;
    Some([last.as_slice(), &[0]].concat())
}
