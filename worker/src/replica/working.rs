//! Loads what merging and editing need, then tries again.
//!
//! The tree's functions are synchronous and name what they miss; here it is read from the
//! store, everything that a round asks for at once.

use std::collections::{HashMap, HashSet};

use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use offing_core::tree::listing;
use offing_core::tree::{Need, NodeRow, WorkingSet};

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::{Range, Store, Table};

/// Rounds of loading before a merge is given up: deeper than any tree within limits.
const ROUNDS_MAX: usize = 4_096;

/// Names of one folder that are looked up each by itself; more, and the folder is read.
const NAMES_ONE_BY_ONE_MAX: usize = 32;

/// Why a synchronous step did not finish.
pub(super) enum Stop<E> {
    /// These are to be loaded first.
    Needs(Vec<Need>),
    /// It failed.
    Failed(E),
}

impl<H: Host> Replica<H> {
    /// Runs `step` until it misses nothing.
    pub(super) async fn with_rows<T, E: Into<Fault>>(
        &self,
        set: &mut WorkingSet,
        mut step: impl FnMut(&WorkingSet) -> Result<T, Stop<E>>,
    ) -> Result<T, Fault> {
        for _ in 0..ROUNDS_MAX {
            match step(set) {
                Ok(done) => return Ok(done),
                Err(Stop::Failed(error)) => return Err(error.into()),
                Err(Stop::Needs(needs)) => self.load(set, needs).await?,
            }
        }
        Err(Fault::TooMany)
    }

    /// Reads what is needed into the set.
    pub(super) async fn load(&self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), Fault> {
        let mut rows: HashSet<NodeId> = HashSet::new();
        let mut named: HashMap<NodeId, Vec<String>> = HashMap::new();
        for need in needs {
            match need {
                Need::Row(node) => {
                    rows.insert(node);
                }
                Need::Children(folder) => {
                    let nodes = self.listed_under(&Range::prefix(&folder.0)).await?;
                    rows.extend(&nodes);
                    set.put_children(folder, nodes);
                }
                Need::Siblings { parent, folded_name } => {
                    named.entry(parent).or_default().push(folded_name);
                }
            }
        }
        for (parent, names) in named {
            let siblings = self.siblings_of(parent, names).await?;
            for (folded_name, nodes) in siblings {
                rows.extend(&nodes);
                set.put_siblings(parent, folded_name, nodes);
            }
        }
        use offing_core::tree::TreeReader;
        let nodes: Vec<NodeId> = rows.into_iter().filter(|node| set.row(node).is_none()).collect();
        let keys: Vec<Vec<u8>> = nodes.iter().map(|node| node.0.to_vec()).collect();
        let values =
            self.host.store().get_many(Table::Nodes, &keys).await.map_err(|e| from_store(&e))?;
        for (node, value) in nodes.into_iter().zip(values) {
            let row = value.map(|bytes| NodeRow::decode(&bytes)).transpose();
            set.put_row(node, row.map_err(|_| Fault::Storage)?);
        }
        Ok(())
    }

    /// The nodes of a folder by these folded names.
    async fn siblings_of(
        &self,
        parent: NodeId,
        names: Vec<String>,
    ) -> Result<Vec<(String, Vec<NodeId>)>, Fault> {
        let mut found = Vec::with_capacity(names.len());
        if names.len() < NAMES_ONE_BY_ONE_MAX {
            for name in names {
                let mut nodes = Vec::new();
                for prefix in listing::siblings_prefixes(&parent, &name) {
                    nodes.extend(self.listed_under(&Range::prefix(&prefix)).await?);
                }
                found.push((name, nodes));
            }
            return Ok(found);
        }
        // A transaction for each name costs more than the keys of the whole folder.
        let mut by_prefix: HashMap<Vec<u8>, Vec<NodeId>> = HashMap::new();
        let range = Range::prefix(&parent.0);
        let keys = self.host.store().scan_keys(Table::Listing, &range, u32::MAX).await;
        for mut key in keys.map_err(|e| from_store(&e))? {
            // Behind the prefix stand the suffix and the node itself.
            let prefix_bytes = key.len().checked_sub(4 + NodeId::LEN);
            if let (Some(node), Some(prefix_bytes)) = (listing::node_of_key(&key), prefix_bytes) {
                key.truncate(prefix_bytes);
                by_prefix.entry(key).or_default().push(node);
            }
        }
        for name in names {
            let prefixes = listing::siblings_prefixes(&parent, &name);
            let nodes = prefixes.iter().filter_map(|prefix| by_prefix.get(prefix)).flatten();
            let nodes = nodes.copied().collect();
            found.push((name, nodes));
        }
        Ok(found)
    }

    async fn listed_under(&self, range: &Range) -> Result<Vec<NodeId>, Fault> {
        let keys = self.host.store().scan_keys(Table::Listing, range, u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        Ok(keys.iter().filter_map(|key| listing::node_of_key(key)).collect())
    }
}
