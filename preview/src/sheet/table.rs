//! The cells of a sheet: one text after another, and where each ends.
//!
//! Eight bytes for each cell and its text, nothing for one that is empty: a million rows fit,
//! and so do two cells in far corners. What is beyond the bounds is left out and said to be.

use serde::Serialize;

use crate::limits;

/// Further cells are left out.
const CELLS_MAX: usize = 8 << 20;
/// Further text is left out.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// Further merged cells are shown apart.
const MERGES_MAX: usize = 50_000;
/// More rows than any program for sheets has.
pub(super) const ROWS_MAX: u32 = 1 << 24;
/// Rows that the widths of columns are told by.
const MEASURED: usize = 200;

/// A sheet as far as it was read.
#[derive(Default)]
pub(super) struct Table {
    text: String,
    cells: Vec<Cell>,
    rows: Vec<Row>,
    merges: Vec<Merge>,
    /// Columns and their widths in characters, where the file says them.
    widths: Vec<(u32, u32, u16)>,
    cut: bool,
    is_full: bool,
}

struct Cell {
    /// Where its text ends; it begins where that of the cell before ends.
    end: u32,
    column: u16,
    kind: Kind,
    is_bold: bool,
}

struct Row {
    number: u32,
    /// Its cells.
    start: u32,
    end: u32,
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    Text,
    Number,
    /// A date, a time, or how long something took.
    Time,
    Bool,
    Error,
}

/// Cells that are one: first row and column, last row and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Merge(pub(super) u32, pub(super) u32, pub(super) u32, pub(super) u32);

/// How large a sheet is.
#[derive(Serialize)]
pub(super) struct Extent {
    /// Rows up to the last that is not empty.
    rows: u32,
    /// Characters that each column has room for.
    widths: Vec<u16>,
    /// Some of it is left out.
    cut: bool,
}

/// Rows as they are given out.
#[derive(Serialize)]
pub(super) struct Window<'a> {
    rows: Vec<(u32, Vec<Shown<'a>>)>,
    merges: Vec<Merge>,
}

/// A cell as it is given out: its column, what it is, whether it is bold, its text.
type Shown<'a> = (u16, Kind, bool, &'a str);

impl Table {
    /// Says that nothing more is taken.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds a cell; one after another in a row.
    pub(super) fn add(&mut self, row: u32, column: u32, kind: Kind, is_bold: bool, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = limits::shortened(text);
        self.is_full |=
            self.cells.len() == CELLS_MAX || self.text.len() + text.len() > TEXT_BYTES_MAX;
        if self.is_full || row >= ROWS_MAX || column as usize >= limits::COLUMNS_MAX {
            self.cut = true;
            return;
        }
        self.text += &text;
        let start = self.cells.len() as u32;
        let end = self.text.len() as u32;
        self.cells.push(Cell { end, column: column as u16, kind, is_bold });
        match self.rows.last_mut() {
            Some(open) if open.number == row => open.end = start + 1,
            _ => self.rows.push(Row { number: row, start, end: start + 1 }),
        }
    }

    /// Takes cells together.
    pub(super) fn merge(&mut self, merge: Merge) {
        let Merge(top, left, bottom, right) = merge;
        let is_whole = top <= bottom && left <= right && (top, left) != (bottom, right);
        if is_whole && bottom < ROWS_MAX && self.merges.len() < MERGES_MAX {
            self.merges.push(merge);
        }
    }

    /// Says how many characters the columns from one to another have room for.
    pub(super) fn widen(&mut self, first: u32, last: u32, chars: u16) {
        if self.widths.len() < limits::COLUMNS_MAX {
            self.widths.push((first, last, chars));
        }
    }

    /// Says that something was left out.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// Puts rows in their order, which not all writers do.
    pub(super) fn settle(&mut self) {
        self.rows.sort_by_key(|row| row.number);
        self.merges.sort_by_key(|merge| merge.0);
    }

    pub(super) fn extent(&self) -> Extent {
        let columns = self.cells.iter().map(|cell| usize::from(cell.column) + 1).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in self.rows.iter().take(MEASURED) {
            for (column, _, _, text) in self.cells_of(row) {
                let lines = text.lines().map(|line| line.chars().map(places).sum::<usize>());
                let chars = lines.max().unwrap_or(0).min(usize::from(u16::MAX)) as u16;
                // A heading or a note beside empty cells runs over them.
                let is_alone = row.end - row.start == 1;
                let width = &mut widths[usize::from(column)];
                *width = chars.min(if is_alone { 12 } else { u16::MAX }).max(*width);
            }
        }
        for (first, last, chars) in &self.widths {
            let last = (*last as usize).min(columns.saturating_sub(1));
            if let Some(widths) = widths.get_mut(*first as usize..=last) {
                widths.fill(*chars);
            }
        }
        let rows = self.rows.last().map_or(0, |row| row.number + 1);
        Extent { rows, widths, cut: self.cut }
    }

    pub(super) fn window(&self, start: u32, end: u32) -> Window<'_> {
        let first = self.rows.partition_point(|row| row.number < start);
        let rows = self.rows[first..].iter().take_while(|row| row.number < end);
        let rows = rows.map(|row| (row.number, self.cells_of(row).collect())).collect();
        let merges = self.merges.iter().take_while(|merge| merge.0 < end);
        Window { rows, merges: merges.filter(|merge| merge.2 >= start).copied().collect() }
    }

    fn cells_of(&self, row: &Row) -> impl Iterator<Item = Shown<'_>> {
        (row.start as usize..row.end as usize).map(|at| {
            let Cell { end, column, kind, is_bold } = self.cells[at];
            let start = at.checked_sub(1).map_or(0, |before| self.cells[before].end);
            (column, kind, is_bold, &self.text[start as usize..end as usize])
        })
    }
}

/// How many letters' room a character takes.
fn places(char: char) -> usize {
    if matches!(char, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}' | '\u{20000}'..) {
        2
    } else {
        1
    }
}
