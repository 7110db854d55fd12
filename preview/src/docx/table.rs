//! Tables that are being read, and which of their cells are one.

use crate::{
    blocks::{Cell, Merge, Row, rows::NESTED_MAX},
    limits,
    package::Element,
};

/// The tables that an element stands in, with their open rows and cells, the innermost last.
#[derive(Default)]
pub(super) struct Frames(Vec<Frame>);

/// One of them, with the depth of its element.
enum Frame {
    Table(usize, Vec<Row>),
    Row(usize, Row),
    Cell(usize, Cell),
}

/// What ends with an element.
pub(super) enum Closed {
    /// Nothing: it was not read as part of a table.
    Nothing,
    /// A cell or a row, which its table has now.
    Piece,
    /// A table.
    Table(Vec<Row>),
}

impl Frames {
    /// Opens a table, row or cell where it may stand. → whether there is room for it
    pub(super) fn open(&mut self, name: &str, depth: usize) -> bool {
        let frame = match (name, self.0.last()) {
            ("tbl", None | Some(Frame::Cell(..))) if self.0.len() < 3 * NESTED_MAX => {
                Frame::Table(depth, Vec::new())
            }
            ("tr", Some(Frame::Table(..))) => Frame::Row(depth, Row::default()),
            ("tc", Some(Frame::Row(_, row))) if row.columns() >= limits::COLUMNS_MAX => {
                return false;
            }
            ("tc", Some(Frame::Row(..))) => Frame::Cell(depth, Cell::new(1)),
            _ => return true,
        };
        self.0.push(frame);
        true
    }

    /// Hears what a cell or its row says of itself.
    pub(super) fn describe(&mut self, element: &Element<'_>) {
        let val = element.attribute("val");
        let columns = || element.number("val").unwrap_or(1).clamp(1, limits::COLUMNS_MAX);
        match (element.name(), self.0.last_mut()) {
            ("gridSpan", Some(Frame::Cell(_, cell))) => cell.columns = columns(),
            ("vMerge", Some(Frame::Cell(_, cell))) => {
                let begins = val.as_deref() == Some("restart");
                cell.merge = if begins { Merge::Begins } else { Merge::GoesOn };
            }
            ("gridBefore", Some(Frame::Row(_, row))) if row.cells.is_empty() => {
                row.cells.push(Cell::new(columns()));
            }
            ("tblHeader", Some(Frame::Row(_, row))) => {
                row.head = !matches!(val.as_deref(), Some("0" | "false" | "off"));
            }
            _ => {}
        }
    }

    /// Closes what was opened at a depth; a cell or row is kept or dropped.
    pub(super) fn close(&mut self, depth: usize, is_kept: bool) -> Closed {
        if self.depth() != Some(depth) {
            return Closed::Nothing;
        }
        match (self.0.pop(), self.0.last_mut()) {
            (Some(Frame::Cell(_, cell)), Some(Frame::Row(_, row))) => {
                row.cells.extend(is_kept.then_some(cell));
                Closed::Piece
            }
            (Some(Frame::Row(_, row)), Some(Frame::Table(_, rows))) => {
                rows.extend(is_kept.then_some(row));
                Closed::Piece
            }
            (Some(Frame::Table(_, rows)), _) => Closed::Table(rows),
            _ => Closed::Nothing,
        }
    }

    /// The depth of the innermost.
    pub(super) fn depth(&self) -> Option<usize> {
        self.0.last().map(|frame| match frame {
            Frame::Table(depth, _) | Frame::Row(depth, _) | Frame::Cell(depth, _) => *depth,
        })
    }

    /// The innermost cell.
    pub(super) fn cell(&mut self) -> Option<&mut Cell> {
        self.0.iter_mut().rev().find_map(|frame| match frame {
            Frame::Cell(_, cell) => Some(cell),
            Frame::Table(..) | Frame::Row(..) => None,
        })
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
