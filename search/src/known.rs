//! The nodes of the vault as the engine last told them: where files are, and what they are.
//!
//! Told page by page; until a telling is whole, the one before counts.

use std::collections::HashMap;

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::index::NodePage;
use offing_core::rpc::{Kind, Row};

use crate::names::Names;
use crate::segment::File;

/// The largest file that a module of previews reads.
const FOREIGN_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The files whose words can be taken, as people tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// What is a text by itself, apart from tables.
    Text,
    /// A PDF.
    Pdf,
    /// A document of a word processor, or a book.
    Document,
    /// A workbook, or a table.
    Sheet,
}

impl FileKind {
    /// The kind of a name that the page uses.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "pdf" => Self::Pdf,
            "document" => Self::Document,
            "sheet" => Self::Sheet,
            _ => return None,
        })
    }

    /// The kind of a node, by the end of its name; nothing if it has no words.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        let end = row.name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
        Some(match end.as_str() {
            _ if row.kind == Kind::Folder => return None,
            "pdf" => Self::Pdf,
            "docx" | "docm" | "epub" => Self::Document,
            "xlsx" | "xlsm" | "ods" | "csv" | "tsv" => Self::Sheet,
            _ if row.kind == Kind::Text => Self::Text,
            _ => return None,
        })
    }
}

/// The nodes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    nodes: HashMap<NodeId, (NodeId, Row)>,
    names: Names,
    coming: HashMap<NodeId, (NodeId, Row)>,
    coming_names: Names,
}

impl Known {
    /// Begins to be told anew.
    pub(crate) fn begin(&mut self) {
        self.coming = HashMap::with_capacity(self.nodes.len());
        self.coming_names = Names::default();
    }

    /// Takes a page; says where to go on, or nothing at the end.
    pub(crate) fn take(&mut self, page: NodePage) -> Option<Vec<u8>> {
        for (_, row) in &page.nodes {
            self.coming_names.add(row.node, &row.name);
        }
        let nodes = page.nodes.into_iter();
        self.coming.extend(nodes.map(|(parent, row)| (row.node, (parent, row))));
        if page.end.is_empty() {
            self.nodes = std::mem::take(&mut self.coming);
            self.names = std::mem::take(&mut self.coming_names);
            self.names.finish();
            return None;
        }
        Some(page.end)
    }

    /// A node as it is now.
    pub(crate) fn row(&self, node: &NodeId) -> Option<&Row> {
        self.nodes.get(node).map(|(_, row)| row)
    }

    /// Those that were not deleted and have all words of a query in their names, the best first.
    pub(crate) fn named(
        &self,
        query: &str,
        wants: impl Fn(&NodeId) -> bool,
        limit: usize,
    ) -> Vec<NodeId> {
        self.names.find(query, |node| wants(node) && self.is_there(node), limit)
    }

    /// Says whether a file is now as it was when its words were taken.
    pub(crate) fn is_as(&self, file: &File) -> bool {
        let now = |row: &Row| (row.size.unwrap_or(0), row.modified_ms);
        self.row(&file.node).is_some_and(|row| now(row) == (file.size, file.modified_ms))
    }

    /// The folders from the root to a node, without itself; nothing if it was deleted.
    pub(crate) fn path(&self, node: &NodeId) -> Option<Vec<NodeId>> {
        let mut path = Vec::new();
        let mut at = self.nodes.get(node)?.0;
        while !at.is_builtin() {
            if path.len() == limits::TREE_DEPTH_MAX {
                return None;
            }
            path.push(at);
            at = self.nodes.get(&at)?.0;
        }
        path.push(at);
        path.reverse();
        [NodeId::ROOT, NodeId::RECOVERED].contains(&at).then_some(path)
    }

    /// Says whether a node was not deleted.
    pub(crate) fn is_there(&self, node: &NodeId) -> bool {
        self.path(node).is_some()
    }

    /// The files whose words can be taken, the latest first.
    pub(crate) fn readable(&self) -> Vec<&Row> {
        let files = self.nodes.values().map(|(_, row)| row);
        let mut files: Vec<&Row> =
            files.filter(|row| can_be_read(row) && self.is_there(&row.node)).collect();
        files.sort_by_key(|row| (std::cmp::Reverse(row.modified_ms), row.node));
        files
    }
}

fn can_be_read(row: &Row) -> bool {
    let is_bounded =
        row.kind == Kind::Text || row.size.is_some_and(|size| size <= FOREIGN_BYTES_MAX);
    is_bounded && FileKind::of(row).is_some()
}

#[cfg(test)]
pub(crate) mod tests {
    use offing_core::rpc::Saved;

    use super::*;

    pub(crate) fn node(number: u8) -> NodeId {
        NodeId([number; 16])
    }

    pub(crate) fn row(number: u8, name: &str, kind: Kind) -> Row {
        Row {
            node: node(number),
            name: name.into(),
            kind,
            size: (kind != Kind::Folder).then_some(5),
            modified_ms: i64::from(number),
            saved: Saved::Server,
            local: true,
            kept: false,
            two_versions: false,
            trashed_ms: None,
        }
    }

    fn known(nodes: Vec<(NodeId, Row)>) -> Known {
        let mut known = Known::default();
        known.begin();
        known.take(NodePage { nodes, end: vec![] });
        known
    }

    #[test]
    fn what_was_deleted_is_not_there_nor_what_is_in_it() {
        let known = known(vec![
            (NodeId::ROOT, row(20, "trips", Kind::Folder)),
            (NodeId::TRASH, row(21, "old", Kind::Folder)),
            (node(20), row(30, "a.md", Kind::Text)),
            (node(21), row(31, "b.md", Kind::Text)),
            (node(99), row(32, "c.md", Kind::Text)),
        ]);
        assert_eq!(known.path(&node(30)), Some(vec![NodeId::ROOT, node(20)]));
        assert!(!known.is_there(&node(31)) && !known.is_there(&node(32)));
        assert_eq!(known.readable().len(), 1);
    }

    #[test]
    fn a_telling_counts_when_it_is_whole() {
        let mut known = known(vec![(NodeId::ROOT, row(30, "a.md", Kind::Text))]);
        known.begin();
        let nodes = vec![(NodeId::ROOT, row(31, "b.md", Kind::Text))];
        assert_eq!(known.take(NodePage { nodes, end: vec![7] }), Some(vec![7]));
        assert!(known.is_there(&node(30)) && !known.is_there(&node(31)));
        assert_eq!(known.take(NodePage { nodes: vec![], end: vec![] }), None);
        assert!(!known.is_there(&node(30)) && known.is_there(&node(31)));
    }

    #[test]
    fn folders_that_go_round_end() {
        let known = known(vec![
            (node(21), row(20, "a", Kind::Folder)),
            (node(20), row(21, "b", Kind::Folder)),
        ]);
        assert!(!known.is_there(&node(20)));
    }
}
