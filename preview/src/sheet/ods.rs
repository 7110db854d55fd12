//! ODS: every cell holds its text as it was last shown, so formats are read by nobody here.

use std::collections::HashSet;

use super::table::{Kind, Merge, ROWS_MAX, Table};
use crate::{
    Refusal, limits,
    package::{Element, Package, Seen},
};

/// The part that holds all sheets.
pub(super) const CONTENT: &str = "content.xml";
const MANIFEST: &str = "META-INF/manifest.xml";
/// Further styles are plain.
const STYLES_MAX: usize = 65_536;
/// A text of one cell; more is cut before it is kept.
const CELL_BYTES_MAX: usize = 64 * 1024;

/// What is known of a file's sheets before they are read.
pub(super) struct Ods {
    /// Places of the sheets that are not hidden.
    shown: Vec<usize>,
    bold: HashSet<String>,
}

impl Ods {
    /// Reads the sheets' names.
    pub(super) fn open(package: &mut Package) -> Result<(Self, Vec<String>), Refusal> {
        package.walk(MANIFEST, |seen| match seen {
            Seen::Open(element) if element.name() == "encryption-data" => Err(Refusal::Locked),
            Seen::Open(_) | Seen::Close(_) | Seen::Text(_) => Ok(()),
        })?;
        let (mut bold, mut hidden, mut style) = (HashSet::new(), HashSet::new(), String::new());
        let (mut names, mut shown, mut count) = (Vec::new(), Vec::new(), 0);
        let mut aside = Aside::default();
        package.walk(CONTENT, |seen| {
            let Some(Seen::Open(element)) = aside.pass(seen) else { return Ok(()) };
            match element.name() {
                "style" => style = element.attribute("name").unwrap_or_default().into_owned(),
                "text-properties"
                    if element.attribute("font-weight").as_deref() == Some("bold")
                        && bold.len() < STYLES_MAX =>
                {
                    bold.insert(style.clone());
                }
                "table-properties"
                    if element.attribute("display").as_deref() == Some("false")
                        && hidden.len() < STYLES_MAX =>
                {
                    hidden.insert(style.clone());
                }
                "table" => {
                    let look = element.attribute("style-name").unwrap_or_default();
                    if !hidden.contains(&*look) {
                        names.push(element.attribute("name").unwrap_or_default().into_owned());
                        shown.push(count);
                    }
                    count += 1;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok((Self { shown, bold }, names))
    }

    /// Reads a sheet's cells.
    pub(super) fn read(
        &self,
        package: &mut Package,
        index: usize,
        table: &mut Table,
    ) -> Result<(), Refusal> {
        let (mut aside, mut count) = (Aside::default(), 0);
        let mut reading = Reading {
            bold: &self.bold,
            table,
            row: 0,
            column: 0,
            repeated: 1,
            cells: Vec::new(),
            cell: None,
        };
        package.walk(CONTENT, |seen| {
            let Some(seen) = aside.pass(seen) else { return Ok(()) };
            if count == self.shown[index] + 1 {
                reading.see(&seen);
            }
            if let Seen::Open(element) = seen
                && element.name() == "table"
            {
                count += 1;
            }
            Ok(())
        })
    }
}

/// What belongs to a sheet and is none of its cells: notes, drawings, what was changed.
#[derive(Default)]
struct Aside {
    depth: usize,
}

impl Aside {
    /// Lets through what is in no such place.
    fn pass<'a>(&mut self, seen: Seen<'a>) -> Option<Seen<'a>> {
        let (name, step) = match &seen {
            Seen::Open(element) => (element.name(), 1),
            Seen::Close(name) => (*name, -1),
            Seen::Text(_) => ("", 0),
        };
        let is_aside = matches!(
            name,
            "annotation" | "tracked-changes" | "shapes" | "frame" | "forms" | "dde-links"
        );
        if is_aside {
            self.depth = self.depth.saturating_add_signed(step);
            return None;
        }
        (self.depth == 0).then_some(seen)
    }
}

/// A sheet that is being read.
struct Reading<'a> {
    bold: &'a HashSet<String>,
    table: &'a mut Table,
    row: u32,
    column: u32,
    /// How many rows are as this one.
    repeated: u32,
    /// Cells of this row that are not empty.
    cells: Vec<Cell>,
    cell: Option<Cell>,
}

#[derive(Default)]
struct Cell {
    column: u32,
    /// How many cells are as this one.
    repeated: u32,
    /// Rows and columns that it covers.
    covers: (u32, u32),
    kind: Option<Kind>,
    is_bold: bool,
    /// What it holds where it does not say how that is shown.
    value: String,
    text: String,
    /// Paragraphs of its text.
    paragraphs: usize,
    is_text: bool,
}

impl Reading<'_> {
    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            Seen::Open(element) => self.open(element),
            Seen::Text(text) => {
                if let Some(cell) = &mut self.cell
                    && cell.is_text
                {
                    cell.write(text);
                }
            }
            Seen::Close(name) => match (*name, &mut self.cell) {
                ("p", Some(cell)) => cell.is_text = false,
                ("table-cell" | "covered-table-cell", Some(_)) => {
                    let cell = self.cell.take().expect("it is there");
                    self.column = self.column.saturating_add(cell.repeated);
                    if cell.kind.is_some() || !cell.text.is_empty() || cell.covers != (1, 1) {
                        self.cells.push(cell);
                    }
                }
                ("table-row", _) => self.take(),
                _ => {}
            },
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match (element.name(), &mut self.cell) {
            ("table-row", _) => {
                self.column = 0;
                self.repeated = element.number("number-rows-repeated").unwrap_or(1);
            }
            ("table-cell" | "covered-table-cell", _) => self.cell = Some(self.cell_of(element)),
            ("p", Some(cell)) => {
                if cell.paragraphs > 0 {
                    cell.write("\n");
                }
                cell.paragraphs += 1;
                cell.is_text = true;
            }
            ("s", Some(cell)) => {
                let count: usize = element.number("c").unwrap_or(1);
                cell.write(&" ".repeat(count.min(CELL_BYTES_MAX)));
            }
            ("tab", Some(cell)) => cell.write("\t"),
            ("line-break", Some(cell)) => cell.write("\n"),
            _ => {}
        }
    }

    fn cell_of(&self, element: &Element<'_>) -> Cell {
        let (kind, value) = match element.attribute("value-type").as_deref() {
            Some("float" | "currency" | "percentage") => (Kind::Number, "value"),
            Some("date") => (Kind::Time, "date-value"),
            Some("time") => (Kind::Time, "time-value"),
            Some("boolean") => (Kind::Bool, "boolean-value"),
            _ => (Kind::Text, "string-value"),
        };
        let style = element.attribute("style-name").unwrap_or_default();
        let number = |name: &str| element.number(name).unwrap_or(1u32).max(1);
        Cell {
            column: self.column,
            repeated: number("number-columns-repeated"),
            covers: (number("number-rows-spanned"), number("number-columns-spanned")),
            kind: element.attribute("value-type").map(|_| kind),
            is_bold: self.bold.contains(&*style),
            value: element.attribute(value).unwrap_or_default().into_owned(),
            ..Cell::default()
        }
    }

    /// Takes the cells of a row, as often as the file says that they are there.
    fn take(&mut self) {
        let (first, repeated) = (self.row, self.repeated);
        self.row = first.saturating_add(repeated);
        for cell in self.cells.iter().filter(|cell| cell.covers != (1, 1)) {
            let (rows, columns) = cell.covers;
            let bottom = first.saturating_add(rows - 1);
            let right = cell.column.saturating_add(columns - 1);
            self.table.merge(Merge(first, cell.column, bottom, right));
        }
        self.cells.retain(|cell| !cell.shown().1.is_empty());
        let last = if self.cells.is_empty() { first } else { self.row.min(ROWS_MAX) };
        for row in first..last {
            for cell in &self.cells {
                let (kind, text) = cell.shown();
                // One that is beyond says that something is left out.
                let end = cell.column.saturating_add(cell.repeated);
                for column in cell.column..end.min(cell.column.max(limits::COLUMNS_MAX as u32) + 1)
                {
                    if self.table.is_full() {
                        return self.table.cut();
                    }
                    self.table.add(row, column, kind, cell.is_bold, text);
                }
            }
        }
        self.cells.clear();
    }
}

impl Cell {
    fn write(&mut self, text: &str) {
        if self.text.len() + text.len() <= CELL_BYTES_MAX {
            self.text += text;
        }
    }

    fn shown(&self) -> (Kind, &str) {
        let kind = self.kind.unwrap_or(Kind::Text);
        (kind, if self.paragraphs > 0 { &self.text } else { &self.value })
    }
}
