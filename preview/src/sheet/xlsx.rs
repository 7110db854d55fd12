//! XLSX: shared texts and formats are read once, a sheet's cells when they are asked for.

use super::{
    number::NumberFormat,
    table::{Kind, Merge, Table},
};
use crate::{
    Refusal, limits,
    package::{Element, Package, Relation, Seen},
};

/// Further shared texts are left out.
const SHARED_BYTES_MAX: usize = 48 << 20;
/// What is kept of one, with room for characters that are written in seven.
const SHARED_ONE_BYTES_MAX: usize = 8 * limits::FIELD_BYTES_MAX;
/// Further formats are left out.
const STYLES_MAX: usize = 65_536;
/// A text of one cell; more is cut before it is kept.
const CELL_BYTES_MAX: usize = 64 * 1024;

/// What all sheets of a workbook share.
pub(super) struct Xlsx {
    /// Paths of the sheets.
    paths: Vec<String>,
    shared: Shared,
    styles: Styles,
    is_1904: bool,
}

impl Xlsx {
    /// Reads what sheets share; returns their names.
    pub(super) fn open(package: &mut Package) -> Result<(Self, Vec<String>), Refusal> {
        let relations = package.relations("")?;
        let book = relations.iter().find(|relation| relation.kind == "officeDocument");
        let book = book.map_or("xl/workbook.xml", |relation| &relation.target);
        if !package.has(book) {
            return Err(Refusal::Broken);
        }
        if book.ends_with(".bin") {
            return Err(Refusal::Unsupported);
        }
        let relations = package.relations(book)?;
        let (names, paths, is_1904) = sheets(package, book, &relations)?;
        let target = |kind: &str| relations.iter().find(|relation| relation.kind == kind);
        let shared = match target("sharedStrings") {
            Some(relation) => Shared::read(package, &relation.target)?,
            None => Shared::default(),
        };
        let styles = match target("styles") {
            Some(relation) => Styles::read(package, &relation.target)?,
            None => Styles::default(),
        };
        Ok((Self { paths, shared, styles, is_1904 }, names))
    }

    /// Reads a sheet's cells.
    pub(super) fn read(
        &self,
        package: &mut Package,
        index: usize,
        table: &mut Table,
    ) -> Result<(), Refusal> {
        if self.shared.is_cut {
            table.cut();
        }
        let mut reading =
            Reading { xlsx: self, table, row: None, next_row: 0, next_column: 0, cell: None };
        let path = &self.paths[index];
        package.part(path)?.ok_or(Refusal::Broken)?;
        package.walk(path, |seen| {
            reading.see(&seen);
            Ok(())
        })
    }
}

type Named = (Vec<String>, Vec<String>, bool);

/// Names and paths of the sheets that are not hidden, and whether days count from 1904.
fn sheets(package: &mut Package, book: &str, relations: &[Relation]) -> Result<Named, Refusal> {
    let (mut names, mut paths, mut is_1904) = (Vec::new(), Vec::new(), false);
    package.walk(book, |seen| {
        let Seen::Open(element) = seen else { return Ok(()) };
        match element.name() {
            "workbookPr" => {
                let date1904 = element.attribute("date1904");
                is_1904 |= date1904.is_some_and(|value| is_true(&value));
            }
            "sheet" if element.attribute("state").is_none_or(|state| state == "visible") => {
                let id = element.attribute("id").unwrap_or_default();
                let found = relations.iter().find(|relation| relation.id == id);
                // Sheets of charts alone have no cells.
                if let Some(found) = found.filter(|found| found.kind == "worksheet") {
                    names.push(element.attribute("name").unwrap_or_default().into_owned());
                    paths.push(found.target.clone());
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((names, paths, is_1904))
}

fn is_true(value: &str) -> bool {
    matches!(value.trim(), "1" | "true")
}

/// Texts that cells refer to by number.
#[derive(Default)]
struct Shared {
    text: String,
    ends: Vec<u32>,
    is_cut: bool,
}

impl Shared {
    fn read(package: &mut Package, path: &str) -> Result<Self, Refusal> {
        let mut shared = Self::default();
        let (mut is_text, mut is_reading_aid) = (false, false);
        package.walk(path, |seen| {
            match seen {
                Seen::Open(element) => match element.name() {
                    "t" => is_text = true,
                    "rPh" => is_reading_aid = true,
                    _ => {}
                },
                Seen::Close("t") => is_text = false,
                Seen::Close("rPh") => is_reading_aid = false,
                Seen::Close("si") => shared.ends.push(shared.text.len() as u32),
                Seen::Text(text) if is_text && !is_reading_aid => shared.add(text),
                Seen::Text(_) | Seen::Close(_) => {}
            }
            Ok(())
        })?;
        Ok(shared)
    }

    /// Adds to the text that is open.
    fn add(&mut self, text: &str) {
        // Every cell may refer to one long text: no more of it is kept than a cell shows.
        let start = self.ends.last().map_or(0, |end| *end as usize);
        if self.text.len() - start > SHARED_ONE_BYTES_MAX {
            return;
        }
        let text = &text[..text.floor_char_boundary(SHARED_ONE_BYTES_MAX)];
        if self.text.len() + text.len() > SHARED_BYTES_MAX {
            self.is_cut = true;
        } else {
            self.text += text;
        }
    }

    fn at(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        Some(&self.text[start..end])
    }
}

/// How cells look, by the number of their style.
#[derive(Default)]
struct Styles {
    formats: Vec<NumberFormat>,
    /// A format's place, and whether letters are bold.
    cells: Vec<(usize, bool)>,
}

impl Styles {
    fn read(package: &mut Package, path: &str) -> Result<Self, Refusal> {
        let mut codes: Vec<(u32, String)> = Vec::new();
        let (mut fonts, mut cells, mut list) = (Vec::new(), Vec::new(), String::new());
        package.walk(path, |seen| {
            match seen {
                Seen::Open(element) => match (list.as_str(), element.name()) {
                    (_, name @ ("numFmts" | "fonts" | "cellXfs" | "cellStyleXfs" | "dxfs")) => {
                        name.clone_into(&mut list);
                    }
                    ("numFmts", "numFmt") if codes.len() < STYLES_MAX => {
                        let code = element.attribute("formatCode").unwrap_or_default();
                        codes.push((element.number("numFmtId").unwrap_or(0), code.into_owned()));
                    }
                    ("fonts", "font") if fonts.len() < STYLES_MAX => fonts.push(false),
                    ("fonts", "b") => {
                        let is_bold = element.attribute("val").is_none_or(|value| is_true(&value));
                        if let Some(font) = fonts.last_mut() {
                            *font = is_bold;
                        }
                    }
                    ("cellXfs", "xf") if cells.len() < STYLES_MAX => {
                        let font: usize = element.number("fontId").unwrap_or(0);
                        cells.push((element.number("numFmtId").unwrap_or(0), font));
                    }
                    _ => {}
                },
                Seen::Close(name) if name == list => list.clear(),
                Seen::Close(_) | Seen::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(Self::of(&codes, &fonts, &cells))
    }

    fn of(codes: &[(u32, String)], fonts: &[bool], cells: &[(u32, usize)]) -> Self {
        let mut ids: Vec<u32> = cells.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let format = |id: &u32| match codes.iter().find(|(own, _)| own == id) {
            Some((_, code)) => NumberFormat::parse(code),
            None => NumberFormat::of_id(*id),
        };
        let formats = ids.iter().map(format).collect();
        let cells = cells.iter().map(|(id, font)| {
            let place = ids.binary_search(id).expect("it was put there");
            (place, fonts.get(*font).copied().unwrap_or(false))
        });
        Self { formats, cells: cells.collect() }
    }

    fn at(&self, style: usize) -> (Option<&NumberFormat>, bool) {
        let (format, is_bold) = self.cells.get(style).copied().unwrap_or((usize::MAX, false));
        (self.formats.get(format), is_bold)
    }
}

/// A sheet that is being read.
struct Reading<'a> {
    xlsx: &'a Xlsx,
    table: &'a mut Table,
    row: Option<u32>,
    next_row: u32,
    next_column: u32,
    cell: Option<Open>,
}

/// A cell that is being read.
struct Open {
    row: u32,
    column: u32,
    style: usize,
    kind: String,
    is_value: bool,
    is_reading_aid: bool,
    text: String,
}

impl Reading<'_> {
    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            Seen::Open(element) => self.open(element),
            Seen::Text(text) => {
                if let Some(cell) = &mut self.cell
                    && cell.is_value
                    && !cell.is_reading_aid
                    && cell.text.len() + text.len() <= CELL_BYTES_MAX
                {
                    cell.text += text;
                }
            }
            Seen::Close(name) => match (*name, &mut self.cell) {
                ("c", Some(_)) => {
                    let cell = self.cell.take().expect("it is there");
                    self.take(&cell);
                }
                ("v" | "t", Some(cell)) => cell.is_value = false,
                ("rPh", Some(cell)) => cell.is_reading_aid = false,
                ("row", _) => {
                    self.next_row = self.row.take().unwrap_or(self.next_row).saturating_add(1);
                }
                _ => {}
            },
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match (element.name(), &mut self.cell) {
            ("row", _) => {
                let number = element.number::<u32>("r").and_then(|number| number.checked_sub(1));
                self.row = Some(number.unwrap_or(self.next_row));
                self.next_column = 0;
            }
            ("c", _) => {
                let place = element.attribute("r").and_then(|name| place(&name));
                let here = (self.row.unwrap_or(self.next_row), self.next_column);
                let (row, column) = place.unwrap_or(here);
                self.next_column = column.saturating_add(1);
                self.cell = Some(Open {
                    row,
                    column,
                    style: element.number("s").unwrap_or(0),
                    kind: element.attribute("t").unwrap_or_default().into_owned(),
                    is_value: false,
                    is_reading_aid: false,
                    text: String::new(),
                });
            }
            ("v" | "t", Some(cell)) => cell.is_value = true,
            ("rPh", Some(cell)) => cell.is_reading_aid = true,
            ("mergeCell", None) => {
                let range = element.attribute("ref").unwrap_or_default();
                if let Some((first, last)) = range.split_once(':')
                    && let (Some((top, left)), Some((bottom, right))) = (place(first), place(last))
                {
                    self.table.merge(Merge(top, left, bottom, right));
                }
            }
            ("col", None) => {
                let (first, last) = (element.number::<u32>("min"), element.number::<u32>("max"));
                let width = element.number::<f64>("width");
                if let (Some(first), Some(last), Some(width)) = (first, last, width)
                    && first > 0
                    && width >= 1.0
                {
                    self.table.widen(first - 1, last.saturating_sub(1), width.min(255.0) as u16);
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, cell: &Open) {
        let (format, is_bold) = self.xlsx.styles.at(cell.style);
        let shown = |text: &str| match format {
            Some(format) => format.show_text(&unescaped(text)),
            None => unescaped(text),
        };
        let trimmed = cell.text.trim();
        let (kind, text) = match cell.kind.as_str() {
            "s" => {
                let text = trimmed.parse().ok().and_then(|index| self.xlsx.shared.at(index));
                (Kind::Text, shown(text.unwrap_or_default()))
            }
            "str" | "inlineStr" => (Kind::Text, shown(&cell.text)),
            "b" => (Kind::Bool, if is_true(trimmed) { "TRUE" } else { "FALSE" }.to_owned()),
            "e" => (Kind::Error, cell.text.clone()),
            "d" => (Kind::Time, trimmed.trim_end_matches("T00:00:00").replace('T', " ")),
            _ if trimmed.is_empty() => return,
            _ => match (trimmed.parse(), format) {
                (Ok(number), Some(format)) => format.show(number, self.xlsx.is_1904),
                (Ok(number), None) => (Kind::Number, super::number::general(number)),
                (Err(_), _) => (Kind::Text, cell.text.clone()),
            },
        };
        self.table.add(cell.row, cell.column, kind, is_bold, &text);
    }
}

/// Row and column of a cell's name, `B7`.
fn place(name: &str) -> Option<(u32, u32)> {
    let letters = name.find(|char: char| char.is_ascii_digit())?;
    let (column, row) = name.split_at(letters);
    let column = column.bytes().try_fold(0u32, |sum, byte| match byte {
        b'A'..=b'Z' => sum.checked_mul(26)?.checked_add(u32::from(byte - b'A') + 1),
        b'a'..=b'z' => sum.checked_mul(26)?.checked_add(u32::from(byte - b'a') + 1),
        b'$' => Some(sum),
        _ => None,
    })?;
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

/// A text whose characters that XML cannot hold are written `_x000D_`.
fn unescaped(text: &str) -> String {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 7).and_then(|code| code.strip_suffix('_'));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        let char = code.and_then(char::from_u32);
        whole += &rest[..if char.is_some() { at } else { at + 2 }];
        // A line's end of two characters is one.
        whole.extend(char.filter(|char| *char != '\r'));
        rest = &rest[if char.is_some() { at + 7 } else { at + 2 }..];
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_their_names() {
        assert_eq!(place("A1"), Some((0, 0)));
        assert_eq!(place("$XFD$1048576").or(place("XFD1048576")), Some((1_048_575, 16_383)));
        assert_eq!(place("AA10"), Some((9, 26)));
        for none in ["", "A", "1", "A0", "ZZZZZZZZZZ1", "A99999999999", "é1", "A1x"] {
            assert_eq!(place(none), None, "{none}");
        }
    }

    #[test]
    fn no_more_of_a_shared_text_is_kept_than_a_cell_may_show() {
        let mut shared = Shared::default();
        for _ in 0..100 {
            shared.add(&"海".repeat(10_000));
        }
        shared.ends.push(shared.text.len() as u32);
        assert!((limits::FIELD_BYTES_MAX..3 * SHARED_ONE_BYTES_MAX).contains(&shared.text.len()));
        assert!(shared.at(0).unwrap().chars().all(|char| char == '海'));
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_told() {
        assert_eq!(unescaped("a_x000D_\nb_x005F_x"), "a\nb_x");
        assert_eq!(unescaped("_x12_ _xéééé_ _xD800_"), "_x12_ _xéééé_ _xD800_");
    }
}
