//! Documents of Word (DOCX): headings, paragraphs, lists, tables, pictures, links, notes and
//! comments, and what was changed, shown as such.
//!
//! What is shown is the text with its structure, not its pages. A document is read once, into
//! a list of blocks, and given out by pieces; a picture is unpacked when it comes into sight.
//! What is not shown says so at its place. Nothing of a file becomes markup, and no address of
//! it is followed.

mod body;
mod lists;
mod notes;
mod styles;
mod table;
mod told;

use serde::{Deserialize, Serialize};

use crate::{Answer, Format, Refusal, package::Package};

/// Further blocks, spans and cells are left out, counted together.
const PIECES_MAX: usize = 500_000;
/// Further text is left out.
const TEXT_BYTES_MAX: usize = 32 << 20;
/// Of one paragraph further text is left out: a browser lays it out as a whole.
const PARAGRAPH_BYTES_MAX: usize = 256 << 10;
/// What is given out at once, about: what a browser draws without a pause.
const PIECE_BYTES: usize = 64 << 10;
/// A picture that is given out.
const PICTURE_BYTES_MAX: usize = 32 << 20;

/// An open document.
pub struct Document {
    package: Package,
    blocks: Vec<Block>,
    /// The blocks of notes, by the notes' indexes.
    notes: Vec<std::ops::Range<usize>>,
    pictures: Vec<String>,
}

/// What can be asked of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Reads a piece. → a list of blocks, one at least
    Blocks {
        /// The first.
        start: usize,
    },
    /// Reads a note. → a list of its blocks
    Note {
        /// Its number in a span.
        index: usize,
    },
    /// Unpacks a picture. → its kind as browsers name it, and its bytes
    Picture {
        /// Its number in a span.
        index: usize,
    },
}

#[derive(Serialize)]
struct About<'a> {
    blocks: usize,
    /// The first block that is of a note.
    notes: usize,
    outline: &'a [Heading],
    links: &'a [String],
    changes: &'a [Change],
    /// Some of it is left out.
    cut: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Heading {
    title: String,
    level: u8,
    block: usize,
}

/// What somebody put in or took out while changes were tracked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Change {
    deleted: bool,
    by: String,
    on: String,
}

/// A piece of a document, from one side of the page to the other.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Block {
    Text(Paragraph),
    Table {
        /// It goes on from the block before.
        #[serde(skip_serializing_if = "is_default")]
        more: bool,
        rows: Vec<Row>,
    },
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Paragraph {
    /// 1 to 6 for a heading, 0 for another.
    #[serde(skip_serializing_if = "is_default")]
    heading: u8,
    /// Its place in a list: how deep, and what stands before it.
    #[serde(skip_serializing_if = "is_default")]
    item: Option<(u8, String)>,
    /// It is of a note: the mark, where it begins one.
    #[serde(skip_serializing_if = "is_default")]
    note: Option<String>,
    spans: Vec<Span>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Row {
    /// It names the columns.
    #[serde(skip_serializing_if = "is_default")]
    head: bool,
    cells: Vec<Cell>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Cell {
    /// Columns that it covers.
    columns: usize,
    /// Rows that it covers.
    rows: usize,
    #[serde(skip)]
    merge: Merge,
    blocks: Vec<Block>,
}

/// How a cell and those above and below it are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Merge {
    #[default]
    None,
    Begins,
    GoesOn,
}

/// What stands in a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Span {
    Text(Text),
    Picture(Picture),
    /// Refers to a note.
    Note {
        index: usize,
        mark: String,
    },
    /// What is here is not shown.
    Missing(Missing),
}

/// A text in one look.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Text {
    text: String,
    #[serde(skip_serializing_if = "is_default")]
    look: Look,
    /// Where it leads, by its place among the links.
    #[serde(skip_serializing_if = "is_default")]
    link: Option<usize>,
    /// By its place among the changes.
    #[serde(skip_serializing_if = "is_default")]
    change: Option<usize>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Picture {
    index: usize,
    /// What it shows, for who does not see it.
    alt: String,
    /// In pixels; 0 where the file does not say.
    width: u32,
    height: u32,
}

/// How letters look: a bit for each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Look(u8);

impl Look {
    const BOLD: u8 = 1;
    const ITALIC: u8 = 2;
    const UNDER: u8 = 4;
    const STRUCK: u8 = 8;
    const ABOVE: u8 = 16;
    const BELOW: u8 = 32;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Missing {
    Chart,
    Diagram,
    Equation,
    Object,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Format for Document {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let mut package = Package::open(bytes)?;
        let read = body::read(&mut package)?;
        let about = Answer::of(&About {
            blocks: read.blocks.len(),
            notes: read.notes.iter().map(|note| note.start).min().unwrap_or(read.blocks.len()),
            outline: &read.outline,
            links: &read.links,
            changes: &read.changes,
            cut: read.is_cut,
        })?;
        let body::Read { blocks, notes, pictures, .. } = read;
        Ok((Self { package, blocks, notes, pictures }, about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::Blocks { start } => {
                let blocks = self.blocks.get(start..).ok_or(Refusal::Unknown)?;
                let mut bytes = 0;
                let fits = blocks.iter().take_while(|block| {
                    let is_room = bytes < PIECE_BYTES;
                    bytes += block.weight();
                    is_room
                });
                Answer::of(&fits.collect::<Vec<_>>())
            }
            Request::Note { index } => {
                let range = self.notes.get(index).ok_or(Refusal::Unknown)?;
                Answer::of(&self.blocks.get(range.clone()).unwrap_or_default())
            }
            Request::Picture { index } => {
                let path = self.pictures.get(index).ok_or(Refusal::Unknown)?;
                let kind = picture_kind(path).ok_or(Refusal::Unsupported)?;
                let bytes = self.package.bytes(path, PICTURE_BYTES_MAX)?;
                Answer::with(&kind, bytes)
            }
        }
    }
}

impl Block {
    /// What it costs to draw, in bytes of text.
    fn weight(&self) -> usize {
        match self {
            Self::Text(paragraph) => {
                let weight = |span: &Span| match span {
                    Span::Text(text) => 32 + text.text.len(),
                    Span::Picture(_) | Span::Note { .. } | Span::Missing(_) => 64,
                };
                64 + paragraph.spans.iter().map(weight).sum::<usize>()
            }
            Self::Table { rows, .. } => {
                let cells = rows.iter().flat_map(|row| &row.cells);
                cells.map(|cell| 32 + cell.blocks.iter().map(Self::weight).sum::<usize>()).sum()
            }
        }
    }
}

/// Kinds that every browser draws and that hold no script.
fn picture_kind(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()?.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" | "jpe" | "jfif" => Some("image/jpeg"),
        "gif" => Some("image/gif"),
        "bmp" => Some("image/bmp"),
        "webp" => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
