//! A whole tree in memory: the tables of a store and the loop that serves [`Need`]s.
//!
//! For what is built from the log at once, and for tests. The engine does the same over its
//! database.

use std::collections::{BTreeMap, HashMap};

use crate::id::NodeId;
use crate::tree::listing::{self, Listed};
use crate::tree::merge::{Changes, Missing, apply};
use crate::tree::op::KnownOp;
use crate::tree::row::NodeRow;
use crate::tree::working_set::{Need, WorkingSet};

/// Rows and listing, kept as a store would keep them.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    /// The rows by node.
    pub rows: HashMap<NodeId, NodeRow>,
    /// The listing.
    pub listing: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How often something had to be loaded, over all merges.
    pub rounds: usize,
}

impl MemoryTree {
    /// Merges ops, loading what is needed.
    pub fn apply(&mut self, ops: &[KnownOp]) -> Changes {
        let changes = self.with_working_set(|set| apply(set, ops));
        self.write(&changes);
        changes
    }

    /// Runs something that reads the tree until nothing is missing.
    pub fn with_working_set<T>(
        &mut self,
        mut run: impl FnMut(&WorkingSet) -> Result<T, Missing>,
    ) -> T {
        let mut set = WorkingSet::default();
        loop {
            match run(&set) {
                Ok(done) => return done,
                Err(missing) => self.load(&mut set, missing.needs),
            }
            self.rounds += 1;
        }
    }

    /// The nodes of a folder in order, with what a list shows.
    pub fn list(&self, folder: &NodeId) -> Vec<(NodeId, Listed)> {
        self.scan(folder.as_bytes())
            .filter_map(|(key, value)| Some((listing::node_of_key(key)?, Listed::decode(value)?)))
            .collect()
    }

    /// Writes what a merge changed.
    pub fn write(&mut self, changes: &Changes) {
        for row in &changes.rows {
            self.rows.insert(row.node, row.clone());
        }
        for key in &changes.listing_delete {
            self.listing.remove(key);
        }
        self.listing.extend(changes.listing_put.iter().cloned());
    }

    fn load(&self, set: &mut WorkingSet, needs: Vec<Need>) {
        for need in needs {
            match need {
                Need::Row(node) => set.put_row(node, self.rows.get(&node).cloned()),
                Need::Children(folder) => set.put_children(folder, self.nodes(folder.as_bytes())),
                Need::Siblings { parent, folded_name } => {
                    let prefixes = listing::siblings_prefixes(&parent, &folded_name);
                    let nodes = prefixes.iter().flat_map(|prefix| self.nodes(prefix)).collect();
                    set.put_siblings(parent, folded_name, nodes);
                }
            }
        }
    }

    fn nodes(&self, prefix: &[u8]) -> Vec<NodeId> {
        self.scan(prefix).filter_map(|(key, _)| listing::node_of_key(key)).collect()
    }

    fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        let prefix = prefix.to_vec();
        self.listing.range(prefix.clone()..).take_while(move |(key, _)| key.starts_with(&prefix))
    }
}
