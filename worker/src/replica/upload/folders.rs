//! Finds and makes the folders that uploads go to, and the names that exist there.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::ordered;
use offing_core::rpc::{Clash, Fault, Kind, UploadItem};
use offing_core::tree::edit::Edit;
use offing_core::tree::{WorkingSet, listing};
use offing_core::{limits, name};

use super::super::commit::Extra;
use crate::host::Host;
use crate::replica::Replica;
use crate::replica::fault::from_store;
use crate::store::{Range, Store, Table};

/// Files by the start of their keys in the listing.
type Siblings = HashMap<Vec<u8>, NodeId>;

/// Where one file goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) parent: NodeId,
    pub(super) node: NodeId,
    pub(super) replaces: bool,
}

/// Where all files of an upload go.
pub(super) enum Places {
    /// Names exist, and the person is to be asked.
    Clashes(Vec<String>),
    /// A place for each file; `None` for those to leave out.
    Found(Vec<Option<Place>>),
}

/// Folders by their paths, and those of them that are to be made.
struct Folders<'a> {
    found: HashMap<&'a [String], NodeId>,
    /// Node, folder above, name.
    to_make: Vec<(NodeId, NodeId, &'a str)>,
}

impl<H: Host> Replica<H> {
    /// Finds a place for each file, making folders that do not exist.
    pub(super) async fn places(
        self: &Rc<Self>,
        parent: NodeId,
        items: &[UploadItem],
        clash: Clash,
    ) -> Result<Places, Fault> {
        check_names(items)?;
        let paths = ordered::set(items.iter().flat_map(|item| parents(&item.path)));
        let Folders { found: folders, to_make } = self.find_folders(parent, paths).await?;
        let mut clashes = BTreeSet::new();
        let mut places = Vec::with_capacity(items.len());
        let mut listed: HashMap<NodeId, Siblings> = HashMap::new();
        for item in items {
            let (name, above) = item.path.split_last().ok_or(Fault::Internal)?;
            let parent = *folders.get(above).ok_or(Fault::Internal)?;
            let made_now = to_make.iter().any(|(node, _, _)| *node == parent);
            let existing = if made_now {
                None
            } else {
                let siblings = match listed.entry(parent) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(self.siblings(parent).await?),
                };
                siblings.get(&listing::siblings_prefixes(&parent, &name::fold(name))[1]).copied()
            };
            let fresh = Place { parent, node: NodeId(self.host.random()), replaces: false };
            places.push(match (existing, clash) {
                (None, _) | (Some(_), Clash::KeepBoth) => Some(fresh),
                (Some(node), Clash::Replace) => Some(Place { parent, node, replaces: true }),
                (Some(_), Clash::Skip) => None,
                (Some(_), Clash::Ask) => {
                    clashes.insert(name.clone());
                    None
                }
            });
        }
        if !clashes.is_empty() {
            return Ok(Places::Clashes(clashes.into_iter().collect()));
        }
        self.make_all(&to_make).await?;
        Ok(Places::Found(places))
    }

    /// Makes the folders of these paths below a folder, where they do not exist yet.
    pub async fn make_folders(
        self: &Rc<Self>,
        parent: NodeId,
        paths: &[Vec<String>],
    ) -> Result<(), Fault> {
        if paths.len() > limits::UPLOAD_FILES_MAX {
            return Err(Fault::TooMany);
        }
        paths.iter().flatten().try_for_each(|segment| check_name(segment))?;
        let all = paths.iter().flat_map(|path| (1..=path.len()).map(|len| &path[..len]));
        let folders = self.find_folders(parent, ordered::set(all)).await?;
        self.make_all(&folders.to_make).await
    }

    /// Finds folders by their paths, and gives those that do not exist a node.
    async fn find_folders<'a>(
        &self,
        parent: NodeId,
        paths: BTreeSet<&'a [String]>,
    ) -> Result<Folders<'a>, Fault> {
        let mut found: HashMap<&[String], NodeId> = HashMap::new();
        found.insert(&[], parent);
        let mut to_make: Vec<(NodeId, NodeId, &str)> = Vec::new();
        let mut made: HashSet<NodeId> = HashSet::new();
        // Sorted, a folder comes before what is in it.
        for path in paths {
            let (name, above) = path.split_last().ok_or(Fault::Internal)?;
            let above = *found.get(above).ok_or(Fault::Internal)?;
            let existing = if made.contains(&above) {
                None
            } else {
                self.child(above, name, Kind::Folder).await?
            };
            let node = match existing {
                Some(node) => node,
                None => {
                    let node = NodeId(self.host.random());
                    made.insert(node);
                    to_make.push((node, above, name));
                    node
                }
            };
            found.insert(path, node);
        }
        Ok(Folders { found, to_make })
    }

    async fn make_all(self: &Rc<Self>, to_make: &[(NodeId, NodeId, &str)]) -> Result<(), Fault> {
        if to_make.is_empty() {
            return Ok(());
        }
        let make = |edit: &mut Edit<'_, WorkingSet>| {
            to_make
                .iter()
                .try_for_each(|(node, above, name)| edit.create_folder(*node, *above, name))
        };
        self.commit(Extra::default(), &make).await.map(drop)
    }

    /// The files of a folder by what their keys begin with: one read for a whole upload.
    async fn siblings(&self, parent: NodeId) -> Result<Siblings, Fault> {
        let range = Range::prefix(&[parent.0.as_slice(), &[1]].concat());
        let keys = self.host.store().scan_keys(Table::Listing, &range, u32::MAX).await;
        let keys = keys.map_err(|e| from_store(&e))?;
        let split = |key: Vec<u8>| {
            let node = listing::node_of_key(&key)?;
            // Behind the prefix stand the suffix and the node itself.
            let prefix = key.get(..key.len().checked_sub(4 + NodeId::LEN)?)?.to_vec();
            Some((prefix, node))
        };
        // Of several with one name the first is the one that is shown without a number.
        let mut first = Siblings::new();
        for (prefix, node) in keys.into_iter().filter_map(split) {
            first.entry(prefix).or_insert(node);
        }
        Ok(first)
    }

    /// Finds a folder or a file by its name.
    pub(in crate::replica) async fn child(
        &self,
        parent: NodeId,
        name: &str,
        kind: Kind,
    ) -> Result<Option<NodeId>, Fault> {
        let [folders, files] = &listing::siblings_prefixes(&parent, &name::fold(name));
        let prefix = if kind == Kind::Folder { folders } else { files };
        let found = self.scan_listing(&Range::prefix(prefix), 0, 1).await?;
        Ok(found.first().and_then(|(key, _)| listing::node_of_key(key)))
    }
}

/// The folders above a file, outermost first.
fn parents(path: &[String]) -> impl Iterator<Item = &[String]> {
    (1..path.len()).map(|len| &path[..len])
}

fn check_names(items: &[UploadItem]) -> Result<(), Fault> {
    for item in items {
        if item.path.is_empty() {
            return Err(Fault::Internal);
        }
        item.path.iter().try_for_each(|segment| check_name(segment))?;
    }
    Ok(())
}

fn check_name(segment: &str) -> Result<(), Fault> {
    name::check(segment).map_err(|reason| Fault::NameUnfit { name: segment.to_owned(), reason })
}
