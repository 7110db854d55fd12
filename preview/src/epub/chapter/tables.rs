//! Tables that are open.

use crate::{
    blocks::{
        Block, Cell, Row,
        rows::{NESTED_MAX, pieces},
    },
    limits,
    package::Element,
};

/// Rows that a cell may cover.
const ROWS_MAX: usize = 1000;

/// The tables that an element stands in, the innermost last.
#[derive(Default)]
pub(super) struct Tables {
    open: Vec<Table>,
    /// Those inside of them that are read as if they were not tables.
    deeper: usize,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    row: Option<Row>,
    cell: Option<Cell>,
    /// All cells of the row name something.
    is_head: bool,
}

impl Tables {
    pub(super) fn open(&mut self) {
        if self.open.len() < NESTED_MAX {
            self.open.push(Table::default());
        } else {
            self.deeper += 1;
        }
    }

    pub(super) fn open_row(&mut self) {
        self.close_row();
        if let Some(table) = self.innermost() {
            (table.row, table.is_head) = (Some(Row::default()), true);
        }
    }

    /// Opens a cell. → whether there is room for it
    pub(super) fn open_cell(&mut self, element: &Element<'_>) -> bool {
        self.close_cell();
        let Some(table) = self.innermost() else { return true };
        if table.row.is_none() {
            (table.row, table.is_head) = (Some(Row::default()), true);
        }
        if table.row.as_ref().is_some_and(|row| row.columns() >= limits::COLUMNS_MAX) {
            return false;
        }
        let columns = element.number("colspan").unwrap_or(1).clamp(1, limits::COLUMNS_MAX);
        let mut cell = Cell::new(columns);
        cell.rows = element.number("rowspan").unwrap_or(1).clamp(1, ROWS_MAX);
        table.is_head &= element.name() == "th";
        table.cell = Some(cell);
        true
    }

    pub(super) fn close_cell(&mut self) {
        let Some(table) = self.innermost() else { return };
        if let (Some(cell), Some(row)) = (table.cell.take(), &mut table.row) {
            row.cells.push(cell);
        }
    }

    pub(super) fn close_row(&mut self) {
        self.close_cell();
        let Some(table) = self.innermost() else { return };
        if let Some(mut row) = table.row.take().filter(|row| !row.cells.is_empty()) {
            row.head = table.is_head;
            table.rows.push(row);
        }
    }

    /// Closes the innermost. → its pieces
    pub(super) fn close(&mut self) -> impl Iterator<Item = Block> + use<> {
        self.close_row();
        let closed = match self.deeper.checked_sub(1) {
            Some(fewer) => {
                self.deeper = fewer;
                None
            }
            None => self.open.pop(),
        };
        pieces(closed.unwrap_or_default().rows)
    }

    /// The innermost cell.
    pub(super) fn cell(&mut self) -> Option<&mut Cell> {
        self.open.iter_mut().rev().find_map(|table| table.cell.as_mut())
    }

    /// The innermost that is read as one, while nothing deeper is open.
    fn innermost(&mut self) -> Option<&mut Table> {
        self.open.last_mut().filter(|_| self.deeper == 0)
    }
}
