//! Tables as blocks, none of which is long.

use super::{Block, Cell, Merge, Row};

/// Rows of a long table that are one block.
const ROWS_PIECE: usize = 50;
/// Deeper tables are read as if they were not tables.
pub(crate) const NESTED_MAX: usize = 8;

/// The pieces of a table.
pub(crate) fn pieces(rows: Vec<Row>) -> impl Iterator<Item = Block> {
    let mut rows = rows.into_iter();
    let mut more = false;
    std::iter::from_fn(move || {
        let piece: Vec<Row> = rows.by_ref().take(ROWS_PIECE).collect();
        let block = Block::Table { more, rows: piece };
        more = true;
        (!block.is_empty()).then_some(block)
    })
}

impl Cell {
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, rows: 1, merge: Merge::None, blocks: Vec::new() }
    }
}

impl Row {
    /// Columns that its cells cover.
    pub(crate) fn columns(&self) -> usize {
        self.cells.iter().map(|cell| cell.columns).sum()
    }
}

impl Block {
    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(paragraph) => paragraph.spans.is_empty(),
            Self::Table { rows, .. } => rows.is_empty(),
        }
    }
}
