//! The rows of a view that the page has, as far as it has them.
//!
//! The engine owns the list; this is a bounded cache of windows of it. A view has a
//! `revision`; rows of an older revision stay visible until newer ones come, so nothing
//! flickers, but they are asked for again.

use std::collections::BTreeMap;

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::Row;

/// Most rows kept; far ones are dropped first.
pub const ROWS_KEPT_MAX: usize = 4_096;
/// Rows asked for around what is visible.
const MARGIN_ROWS: u32 = 64;

/// A cache of rows of one view.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    revision: u32,
    total: u32,
    rows: BTreeMap<u32, (u32, Row)>,
}

impl Rows {
    /// Starts with what `OpenFolder` answered.
    pub fn open(revision: u32, total: u32, rows: Vec<Row>) -> Self {
        let mut cache = Self { revision, total, rows: BTreeMap::new() };
        cache.put(revision, 0, rows);
        cache
    }

    /// How many rows the view has.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// The state of the folder that the rows are of, or will be.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Borrows a row, which may be of an older revision.
    pub fn row(&self, index: u32) -> Option<&Row> {
        self.rows.get(&index).map(|(_, row)| row)
    }

    /// Finds the place of a node among the rows that are here.
    pub fn index_of(&self, node: NodeId) -> Option<u32> {
        self.rows.iter().find(|(_, (_, row))| row.node == node).map(|(index, _)| *index)
    }

    /// Takes note of a new state of the view; older news is ignored.
    pub fn changed(&mut self, revision: u32, total: u32) {
        if revision < self.revision {
            return;
        }
        self.revision = revision;
        self.total = total;
        self.rows.retain(|index, _| *index < total);
    }

    /// Takes rows in; rows of a newer revision than known are taken too.
    pub fn put(&mut self, revision: u32, start: u32, rows: Vec<Row>) {
        if revision < self.revision {
            return;
        }
        self.revision = revision;
        let end = start.saturating_add(rows.len() as u32);
        for (index, row) in (start..).zip(rows) {
            self.rows.insert(index, (revision, row));
        }
        while self.rows.len() > ROWS_KEPT_MAX {
            let (Some((&first, _)), Some((&last, _))) =
                (self.rows.first_key_value(), self.rows.last_key_value())
            else {
                break;
            };
            let far_first = start.saturating_sub(first) >= last.saturating_sub(end);
            self.rows.remove(if far_first { &first } else { &last });
        }
    }

    /// Names the window to ask for so that `start..end` is here in its newest state, or
    /// nothing if it is.
    pub fn missing(&self, start: u32, end: u32) -> Option<(u32, u32)> {
        let end = end.min(self.total);
        let lacks = |index: &u32| {
            self.rows.get(index).is_none_or(|(revision, _)| *revision != self.revision)
        };
        let first = (start..end).find(lacks)?;
        let from = first.saturating_sub(MARGIN_ROWS).max(start.saturating_sub(MARGIN_ROWS));
        let to = end.saturating_add(MARGIN_ROWS).min(self.total);
        Some((from, to.min(from + limits::WINDOW_ROWS_MAX as u32)))
    }

    /// Says whether to ask again after an answer of this revision to the question for
    /// `asked`: the view has changed meanwhile, or other rows are wanted now. A view that
    /// lacks rows in its newest state is not asked for them without end.
    pub fn asks_again(&self, start: u32, end: u32, asked: (u32, u32), revision: u32) -> bool {
        let missing = self.missing(start, end);
        missing.is_some() && (missing != Some(asked) || revision < self.revision)
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
            size: Some(1),
            modified_ms: 0,
            saved: Saved::Server,
            local: true,
            kept: false,
            two_versions: false,
            trashed_ms: None,
        }
    }

    #[test]
    fn what_is_here_is_not_asked_for_again() {
        let rows = Rows::open(1, 3, vec![row(1), row(2), row(3)]);
        assert_eq!(rows.missing(0, 3), None);
        assert_eq!(rows.missing(0, 99), None);
    }

    #[test]
    fn a_change_asks_again_but_keeps_showing() {
        let mut rows = Rows::open(1, 2, vec![row(1), row(2)]);
        rows.changed(2, 3);
        assert_eq!(rows.row(0), Some(&row(1)));
        assert_eq!(rows.missing(0, 3), Some((0, 3)));
        rows.put(2, 0, vec![row(3), row(1), row(2)]);
        assert_eq!(rows.missing(0, 3), None);
        assert_eq!(rows.index_of(NodeId([1; 16])), Some(1));
    }

    #[test]
    fn an_answer_that_a_change_has_overtaken_is_asked_for_again() {
        let mut rows = Rows::open(1, 2, vec![row(1), row(2)]);
        rows.changed(2, 1);
        let asked = rows.missing(0, 9).unwrap();
        rows.changed(3, 1);
        rows.put(2, 0, vec![row(2)]);
        assert!(rows.asks_again(0, 9, asked, 2), "the first row is still the one of before");
        rows.put(3, 0, vec![row(2)]);
        assert!(!rows.asks_again(0, 9, asked, 3));
    }

    #[test]
    fn a_view_that_lacks_rows_is_not_asked_without_end() {
        let mut rows = Rows::open(1, 2, vec![row(1), row(2)]);
        rows.changed(2, 3);
        let asked = rows.missing(0, 9).unwrap();
        rows.put(2, 0, vec![row(1), row(2)]);
        assert!(!rows.asks_again(0, 9, asked, 2));
    }

    #[test]
    fn old_news_is_ignored() {
        let mut rows = Rows::open(5, 1, vec![row(1)]);
        rows.changed(4, 9);
        rows.put(4, 0, vec![row(9)]);
        assert_eq!((rows.total(), rows.row(0)), (1, Some(&row(1))));
    }

    #[test]
    fn a_shrunk_list_forgets_its_tail() {
        let mut rows = Rows::open(1, 2, vec![row(1), row(2)]);
        rows.changed(2, 1);
        assert_eq!(rows.row(1), None);
    }

    #[test]
    fn a_window_is_never_larger_than_the_limit() {
        let rows = Rows::open(1, 100_000, Vec::new());
        let (start, end) = rows.missing(10_000, 90_000).unwrap();
        assert!((end - start) as usize <= limits::WINDOW_ROWS_MAX);
        assert!(start <= 10_000);
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut rows = Rows::open(1, 100_000, Vec::new());
        for page in 0..20 {
            rows.put(1, page * 500, (0..500).map(|_| row(1)).collect());
        }
        assert!(rows.rows.len() <= ROWS_KEPT_MAX);
        assert!(rows.row(9_999).is_some(), "what was asked last stays");
    }
}
