//! What is selected in a list, and which row has the focus.
//!
//! Rows are picked by node, so a selection survives sorting and changes from elsewhere;
//! ranges are spans of places, made of the rows that the caller hands in. The anchor is
//! where the last range started; the focus is where the keyboard is.

use std::collections::BTreeMap;

use offing_core::id::NodeId;
use offing_core::rpc::Row;

/// A selection in one list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    picked: BTreeMap<NodeId, Row>,
    anchor: u32,
    focus: u32,
}

impl Selection {
    /// Where the keyboard is.
    pub fn focus(&self) -> u32 {
        self.focus
    }

    /// How many rows are picked.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// Says whether nothing is picked.
    pub fn is_empty(&self) -> bool {
        self.picked.is_empty()
    }

    /// Says whether a node is picked.
    pub fn contains(&self, node: NodeId) -> bool {
        self.picked.contains_key(&node)
    }

    /// The picked nodes.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.picked.keys().copied().collect()
    }

    /// The picked rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.picked.values()
    }

    /// The picked row, if it is the only one.
    pub fn single(&self) -> Option<&Row> {
        if self.picked.len() == 1 { self.picked.values().next() } else { None }
    }

    /// Picks one row and nothing else.
    pub fn one(&mut self, index: u32, row: Row) {
        self.picked.clear();
        self.picked.insert(row.node, row);
        self.anchor = index;
        self.focus = index;
    }

    /// Picks a row in addition, or lets go of it.
    pub fn toggle(&mut self, index: u32, row: Row) {
        if self.picked.remove(&row.node).is_none() {
            self.picked.insert(row.node, row);
        }
        self.anchor = index;
        self.focus = index;
    }

    /// Moves the focus and picks nothing.
    pub fn move_focus(&mut self, index: u32) {
        self.focus = index;
    }

    /// The places between the anchor and `index`: first, and one past the last.
    pub fn span(&self, index: u32) -> (u32, u32) {
        (self.anchor.min(index), self.anchor.max(index) + 1)
    }

    /// Picks the rows of a span that ends at `index`; the anchor stays.
    pub fn range(&mut self, index: u32, rows: impl IntoIterator<Item = Row>) {
        self.picked = rows.into_iter().map(|row| (row.node, row)).collect();
        self.focus = index;
    }

    /// Lets go of everything; the focus stays.
    pub fn clear(&mut self) {
        self.picked.clear();
    }

    /// Follows a change of the list: the focus stays inside, and `focused`, the node that
    /// had it, keeps it at its new place.
    pub fn settle(&mut self, total: u32, focused: Option<u32>) {
        let last = total.saturating_sub(1);
        if let Some(index) = focused {
            if self.anchor == self.focus {
                self.anchor = index;
            }
            self.focus = index;
        }
        self.focus = self.focus.min(last);
        self.anchor = self.anchor.min(last);
    }

    /// Takes newer rows in for nodes that are picked.
    pub fn refresh(&mut self, rows: &[Row]) {
        for row in rows {
            if let Some(picked) = self.picked.get_mut(&row.node) {
                picked.clone_from(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offing_core::rpc::{Kind, Saved};

    fn row(id: u8) -> Row {
        Row {
            node: NodeId([id; 16]),
            name: format!("{id}"),
            kind: Kind::File,
            size: None,
            modified_ms: 0,
            saved: Saved::Here,
            local: true,
            kept: false,
            two_versions: false,
            trashed_ms: None,
        }
    }

    #[test]
    fn a_range_grows_and_shrinks_around_its_anchor() {
        let mut selection = Selection::default();
        selection.one(5, row(5));
        assert_eq!(selection.span(8), (5, 9));
        selection.range(8, (5..9).map(row));
        assert_eq!(selection.span(3), (3, 6));
        selection.range(3, (3..6).map(row));
        assert_eq!(selection.nodes(), [3, 4, 5].map(|id| NodeId([id; 16])));
        assert_eq!(selection.focus(), 3);
    }

    #[test]
    fn a_toggle_picks_and_lets_go() {
        let mut selection = Selection::default();
        selection.one(0, row(0));
        selection.toggle(2, row(2));
        assert_eq!(selection.len(), 2);
        selection.toggle(0, row(0));
        assert_eq!(selection.single(), Some(&row(2)));
    }

    #[test]
    fn a_selection_follows_its_nodes_when_the_list_changes() {
        let mut selection = Selection::default();
        selection.one(4, row(4));
        selection.settle(10, Some(7));
        assert!(selection.contains(NodeId([4; 16])));
        assert_eq!((selection.focus(), selection.span(7)), (7, (7, 8)));
        selection.settle(3, None);
        assert_eq!(selection.focus(), 2);
        selection.settle(0, None);
        assert_eq!(selection.focus(), 0);
    }
}
