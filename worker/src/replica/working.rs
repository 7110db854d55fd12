//! Loads what merging and editing need, then tries again.
//!
//! The tree's functions are synchronous and name what they miss; here it is read from the
//! store, everything that a round asks for at once: 10,000 scattered renames take a handful
//! of reads, not some for each of them.

use std::collections::{HashMap, HashSet};

use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use offing_core::tree::listing;
use offing_core::tree::{Need, NodeRow, TreeReader, WorkingSet};

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::{Range, Store, Table};

/// Rounds of loading before a merge is given up: deeper than any tree within limits.
const ROUNDS_MAX: usize = 4_096;

/// Keys of a folder that are read for each name that is looked for in it, before the names
/// are looked up one by one: in bulk, so many keys cost about as much as two requests.
const KEYS_FOR_A_NAME: u32 = 16;
/// Fewer names than this are looked up one by one at once.
const NAMES_IN_BULK_MIN: usize = 8;

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

    /// Reads what is needed into the set: all keys of a kind with one read, then the rows.
    pub(super) async fn load(&self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), Fault> {
        let mut rows: HashSet<NodeId> = HashSet::new();
        let mut folders: Vec<NodeId> = Vec::new();
        let mut named: HashMap<NodeId, Vec<String>> = HashMap::new();
        for need in needs {
            match need {
                Need::Row(node) => {
                    rows.insert(node);
                }
                Need::Children(folder) => folders.push(folder),
                Need::Siblings { parent, folded_name } => {
                    named.entry(parent).or_default().push(folded_name);
                }
            }
        }
        for (folder, nodes) in folders.iter().zip(self.children_of(&folders).await?) {
            rows.extend(&nodes);
            set.put_children(*folder, nodes);
        }
        for (parent, folded_name, nodes) in self.siblings_of(named).await? {
            rows.extend(&nodes);
            set.put_siblings(parent, folded_name, nodes);
        }
        let nodes: Vec<NodeId> = rows.into_iter().filter(|node| set.row(node).is_none()).collect();
        for (node, row) in nodes.iter().zip(self.rows(&nodes).await?) {
            set.put_row(*node, row);
        }
        Ok(())
    }

    /// Reads the rows of nodes, in their order, with one read.
    pub(super) async fn rows(&self, nodes: &[NodeId]) -> Result<Vec<Option<NodeRow>>, Fault> {
        let keys: Vec<Vec<u8>> = nodes.iter().map(|node| node.0.to_vec()).collect();
        let values = self.host.store().get_many(Table::Nodes, &keys).await;
        let values = values.map_err(|e| from_store(&e))?.into_iter();
        let rows = values.map(|value| value.map(|bytes| NodeRow::decode(&bytes)).transpose());
        rows.collect::<Result<_, _>>().map_err(|_| Fault::Storage)
    }

    /// Reads the nodes listed under each of these folders, with one read.
    pub(super) async fn children_of(&self, folders: &[NodeId]) -> Result<Vec<Vec<NodeId>>, Fault> {
        let ranges: Vec<_> = folders.iter().map(|folder| all_under(&folder.0)).collect();
        let listed = self.listed_under(&ranges).await?;
        Ok(listed.iter().map(|keys| nodes_of(keys)).collect())
    }

    /// The nodes of folders by these folded names, in two reads at most: folders in which
    /// many names are looked for are read whole, unless they are much larger than that.
    async fn siblings_of(
        &self,
        named: HashMap<NodeId, Vec<String>>,
    ) -> Result<Vec<(NodeId, String, Vec<NodeId>)>, Fault> {
        let (many, mut few): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(_, names)| names.len() >= NAMES_IN_BULK_MIN);
        let bounds: Vec<(Range, u32)> = many
            .iter()
            .map(|(parent, names)| {
                let keys = u32::try_from(names.len()).unwrap_or(u32::MAX);
                (Range::prefix(&parent.0), keys.saturating_mul(KEYS_FOR_A_NAME))
            })
            .collect();
        let mut found = Vec::new();
        let whole = self.listed_under(&bounds).await?;
        for (((parent, names), keys), (_, bound)) in many.into_iter().zip(whole).zip(bounds) {
            if keys.len() < bound as usize {
                found.extend(pick(parent, names, &keys));
            } else {
                few.push((parent, names));
            }
        }
        let few: Vec<(NodeId, String)> = few
            .into_iter()
            .flat_map(|(parent, names)| names.into_iter().map(move |name| (parent, name)))
            .collect();
        let ranges: Vec<(Range, u32)> = few
            .iter()
            .flat_map(|(parent, name)| listing::siblings_prefixes(parent, name))
            .map(|prefix| all_under(&prefix))
            .collect();
        let mut keys = self.listed_under(&ranges).await?.into_iter();
        for (parent, name) in few {
            let both = keys.next().into_iter().chain(keys.next());
            found.push((parent, name, both.flat_map(|keys| nodes_of(&keys)).collect()));
        }
        Ok(found)
    }

    async fn listed_under(&self, ranges: &[(Range, u32)]) -> Result<Vec<Vec<Vec<u8>>>, Fault> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.host.store().scan_keys_many(Table::Listing, ranges).await;
        keys.map_err(|e| from_store(&e))
    }
}

fn all_under(prefix: &[u8]) -> (Range, u32) {
    (Range::prefix(prefix), u32::MAX)
}

fn nodes_of(keys: &[Vec<u8>]) -> Vec<NodeId> {
    keys.iter().filter_map(|key| listing::node_of_key(key)).collect()
}

/// Picks the nodes of these names out of all keys of their folder.
fn pick(
    parent: NodeId,
    names: Vec<String>,
    keys: &[Vec<u8>],
) -> impl Iterator<Item = (NodeId, String, Vec<NodeId>)> {
    let mut found: Vec<Vec<NodeId>> = vec![Vec::new(); names.len()];
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        let prefixes = listing::siblings_prefixes(&parent, name);
        places.extend(prefixes.map(|prefix| (prefix, place)));
    }
    for key in keys {
        // Behind the prefix stand the suffix and the node itself.
        let prefix = key.len().checked_sub(4 + NodeId::LEN).map(|end| &key[..end]);
        if let (Some(place), Some(node)) =
            (prefix.and_then(|prefix| places.get(prefix)), listing::node_of_key(key))
        {
            found[*place].push(node);
        }
    }
    names.into_iter().zip(found).map(move |(name, nodes)| (parent, name, nodes))
}
