//! Tables that are being read: which cells are one.

use super::{Block, Cell, Merge, Row};

/// Rows of a long table that are one block.
const ROWS_PIECE: usize = 50;

impl Cell {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, rows: 1, merge: Merge::None, blocks: Vec::new() }
    }
}

impl Row {
    /// Columns that its cells cover.
    pub(super) fn columns(&self) -> usize {
        self.cells.iter().map(|cell| cell.columns).sum()
    }
}

/// Makes one cell of those that go on below one another, with all that is in them.
pub(super) fn merge(rows: &mut [Row]) {
    // By the column, where the cell is that may go on, and how wide it is.
    let mut begun: Vec<Option<(usize, usize, usize)>> = Vec::new();
    for at in 0..rows.len() {
        let mut column = 0;
        let mut kept = Vec::new();
        for mut cell in std::mem::take(&mut rows[at].cells) {
            let end = column + cell.columns;
            if begun.len() < end {
                begun.resize(end, None);
            }
            match begun[column] {
                Some((row, place, columns))
                    if cell.merge == Merge::GoesOn && columns == cell.columns =>
                {
                    let first = &mut rows[row].cells[place];
                    first.rows = at + 1 - row;
                    // Word leaves them empty, others may not.
                    cell.blocks.retain(|block| !block.is_empty());
                    first.blocks.append(&mut cell.blocks);
                }
                _ => {
                    begun[column..end].fill(None);
                    if cell.merge == Merge::Begins {
                        begun[column] = Some((at, kept.len(), cell.columns));
                    }
                    kept.push(cell);
                }
            }
            column = end;
        }
        if let Some(rest) = begun.get_mut(column..) {
            rest.fill(None);
        }
        rows[at].cells = kept;
    }
}

/// A table as blocks, none of which is long.
pub(super) fn pieces(rows: Vec<Row>) -> impl Iterator<Item = Block> {
    let mut rows = rows.into_iter();
    let mut more = false;
    std::iter::from_fn(move || {
        let piece: Vec<Row> = rows.by_ref().take(ROWS_PIECE).collect();
        let block = Block::Table { more, rows: piece };
        more = true;
        (!block.is_empty()).then_some(block)
    })
}

impl Block {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(paragraph) => paragraph.spans.is_empty(),
            Self::Table { rows, .. } => rows.is_empty(),
        }
    }
}
