//! What is on a device's disk right now, read behind its back.
//!
//! No replica notices: nothing waits, nothing is counted, and no fault strikes.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::content::manifest::Manifest;
use offing_core::content::reference::ManifestRef;
use offing_core::crypto::native::ready;
use offing_core::id::{ChunkId, Hash, NodeId};
use offing_core::rpc::Kind;
use offing_core::tree::{Content, NodeRow};
use offing_worker::store::{Direction, Range, Row, Store, Table};

use crate::host::Profile;

/// Steps up before a path is given up; the tree has no cycles, and this is no place to rely
/// on it.
const DEPTH_MAX: usize = 40;

/// The nodes of one device.
pub struct Picture {
    /// Their rows.
    pub rows: BTreeMap<NodeId, NodeRow>,
}

impl Picture {
    /// Reads a profile.
    pub fn of(profile: &Profile) -> Self {
        let rows = table(profile, Table::Nodes).into_iter();
        let rows = rows.map(|(_, bytes)| NodeRow::decode(&bytes).unwrap());
        Self { rows: rows.map(|row| (row.node, row)).collect() }
    }

    /// A node's path, for people.
    pub fn path(&self, node: NodeId) -> String {
        let (mut path, mut at) = (String::new(), node);
        for _ in 0..DEPTH_MAX {
            match self.rows.get(&at) {
                Some(row) => {
                    path = format!("/{}{path}", row.shown_name());
                    at = row.shown_parent;
                }
                None if at == NodeId::TRASH => return format!("trash:{path}"),
                None if at == NodeId::GONE => return format!("gone:{path}"),
                None if at == NodeId::RECOVERED => return format!("recovered:{path}"),
                None if path.is_empty() => return "/".to_owned(),
                None => return path,
            }
        }
        path
    }

    /// The folders that are not in the trash, the root too.
    pub fn folders(&self) -> Vec<NodeId> {
        let live = self.live().filter(|row| row.is_folder()).map(|row| row.node);
        std::iter::once(NodeId::ROOT).chain(live).collect()
    }

    /// The texts that are not in the trash.
    pub fn texts(&self) -> Vec<NodeId> {
        self.live().filter(|row| row.kind() == Kind::Text).map(|row| row.node).collect()
    }

    /// Everything that is not in the trash.
    pub fn live(&self) -> impl Iterator<Item = &NodeRow> {
        self.rows.values().filter(|row| !self.is_trashed(row))
    }

    /// What lies in the trash by itself.
    pub fn trash(&self) -> Vec<NodeId> {
        let in_trash = |row: &&NodeRow| row.shown_parent == NodeId::TRASH;
        self.rows.values().filter(in_trash).map(|row| row.node).collect()
    }

    /// A node, and all that is shown below it.
    pub fn below(&self, node: NodeId) -> Vec<NodeId> {
        let is_below = |row: &&NodeRow| row.node == node || self.top(row, Some(node)) == node;
        self.rows.values().filter(is_below).map(|row| row.node).collect()
    }

    /// What was deleted for good, with all below it.
    pub fn gone(&self) -> Vec<NodeId> {
        self.below(NodeId::GONE)
    }

    /// The chunks of what files have and had that are not gone, as far as manifests are short.
    pub fn named(&self, profile: &Profile) -> Vec<ChunkId> {
        let gone: BTreeSet<NodeId> = self.gone().into_iter().collect();
        let mut contents: Vec<(NodeId, Content)> = Vec::new();
        for row in self.rows.values() {
            contents.extend(row.contents.iter().map(|content| (row.node, content.value.clone())));
        }
        for (key, value) in table(profile, Table::Texts) {
            let node = NodeId::from_slice(&key[..NodeId::LEN]).unwrap();
            // A content that was replaced, and what a file had with when it was set.
            match key[NodeId::LEN] {
                2 => contents.push((node, postcard::from_bytes(&value).unwrap())),
                3 => {
                    let (content, _): (Content, i64) = postcard::from_bytes(&value).unwrap();
                    contents.push((node, content));
                }
                _ => {}
            }
        }
        contents.retain(|(node, _)| !gone.contains(node));
        let manifests = contents.iter().filter_map(|(_, content)| short(content));
        manifests.flat_map(|manifest| manifest.chunks()).collect()
    }

    /// The built-in folder that a node is in; or a folder above it, if that comes first.
    fn top(&self, row: &NodeRow, until: Option<NodeId>) -> NodeId {
        let mut at = row.shown_parent;
        for _ in 0..DEPTH_MAX {
            match self.rows.get(&at) {
                Some(row) if Some(at) != until => at = row.shown_parent,
                Some(_) | None => break,
            }
        }
        at
    }

    fn is_trashed(&self, row: &NodeRow) -> bool {
        self.top(row, None).is_trash()
    }
}

/// The nodes whose contents are kept on a device.
pub fn kept(profile: &Profile) -> Vec<NodeId> {
    let rows = table(profile, Table::Meta).into_iter();
    rows.filter_map(|(key, _)| NodeId::from_slice(key.strip_prefix(b"kept/")?)).collect()
}

/// The hashes of what a file has, as far as manifests are short.
pub fn hashes(row: &NodeRow) -> impl Iterator<Item = Hash> {
    let manifests = row.contents.iter().filter_map(|content| short(&content.value));
    manifests.map(|manifest| manifest.plain_hash)
}

/// The chunks of what a file has, as far as manifests are short.
pub fn chunks(row: &NodeRow) -> impl Iterator<Item = ChunkId> {
    let manifests = row.contents.iter().filter_map(|content| short(&content.value));
    manifests.flat_map(|manifest| manifest.chunks())
}

fn short(content: &Content) -> Option<Manifest> {
    match ManifestRef::decode(&content.manifest).unwrap() {
        ManifestRef::Inline(manifest) => Some(manifest),
        ManifestRef::Stored(_) => None,
    }
}

/// All rows of a table.
pub fn table(profile: &Profile, table: Table) -> Vec<Row> {
    ready(profile.store.scan(table, &Range::all(), 0, u32::MAX, Direction::Forward)).unwrap()
}
