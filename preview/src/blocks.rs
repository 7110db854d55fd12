//! Texts with their structure, as documents and books are given out: a list of blocks.
//!
//! A file is read once, into blocks that are given out by pieces; a picture is unpacked when it
//! comes into sight. What is not shown says so at its place. Nothing here is markup, and no
//! address is followed: one that leads out of the file is told, one that stays in it is the
//! number of a block.

pub(crate) mod marks;
pub(crate) mod rows;
pub(crate) mod told;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Answer, Refusal, package::Package};

/// Further blocks, spans and cells are left out, counted together.
pub(crate) const PIECES_MAX: usize = 500_000;
/// Further text is left out.
pub(crate) const TEXT_BYTES_MAX: usize = 32 << 20;
/// Of one paragraph further text is left out: a browser lays it out as a whole.
pub(crate) const PARAGRAPH_BYTES_MAX: usize = 256 << 10;
/// What a span costs beside its text.
pub(crate) const SPAN_BYTES: usize = 32;
/// What is given out at once, about: what a browser draws without a pause.
const PIECE_BYTES: usize = 64 << 10;
/// A picture that is given out.
const PICTURE_BYTES_MAX: usize = 32 << 20;

/// What can be asked of a document or a book.
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

/// A file that was read into blocks.
pub(crate) struct Flow {
    pub(crate) package: Package,
    pub(crate) blocks: Vec<Block>,
    /// The blocks of notes, by the notes' indexes.
    pub(crate) notes: Vec<Range<usize>>,
    /// The parts that are pictures.
    pub(crate) pictures: Vec<String>,
}

impl Flow {
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
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

/// What may still be kept of a file.
pub(crate) struct Room {
    pieces: usize,
    bytes: usize,
    /// Something was left out.
    pub(crate) is_cut: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self { pieces: PIECES_MAX, bytes: TEXT_BYTES_MAX, is_cut: false }
    }
}

impl Room {
    /// Whether there is any for another piece.
    pub(crate) fn is_left(&self) -> bool {
        self.pieces > 0
    }

    /// Takes that of one more piece. → whether it was there
    pub(crate) fn spend(&mut self) -> bool {
        let is_left = self.is_left();
        self.pieces = self.pieces.saturating_sub(1);
        self.is_cut |= !is_left;
        is_left
    }

    /// Takes that of more text in a paragraph of so much already. → whether it was there
    pub(crate) fn write(&mut self, text: &str, paragraph_bytes: usize) -> bool {
        let is_left =
            text.len() <= self.bytes && paragraph_bytes + text.len() <= PARAGRAPH_BYTES_MAX;
        self.bytes -= if is_left { text.len() } else { 0 };
        self.is_cut |= !is_left;
        is_left
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Heading {
    pub(crate) title: String,
    pub(crate) level: u8,
    /// Where it leads, if that is there.
    pub(crate) block: Option<usize>,
}

/// Where a link leads, while the text is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// Out of the file.
    Out(String),
    /// To a place in it, by the place's name.
    Place(String),
}

impl Target {
    /// What is told of it: its block, or where nothing is found its name.
    pub(crate) fn told(self, found: impl Fn(&str) -> Option<usize>) -> Link {
        match self {
            Self::Out(address) => Link::Out(address),
            Self::Place(place) => found(&place).map_or(Link::Out(place), Link::Block),
        }
    }
}

/// Where a link leads.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Link {
    /// Out of the file; nobody follows it.
    Out(String),
    /// To a block of it.
    Block(usize),
}

/// A piece of a text, from one side of the page to the other.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Block {
    Text(Paragraph),
    Table {
        /// It goes on from the block before.
        #[serde(skip_serializing_if = "is_default")]
        more: bool,
        rows: Vec<Row>,
    },
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Paragraph {
    /// 1 to 6 for a heading, 0 for another.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) heading: u8,
    /// Its place in a list: how deep, and what stands before it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) item: Option<(u8, String)>,
    /// It is of a note: the mark, where it begins one.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) note: Option<String>,
    /// How many quotations it stands in.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) quote: u8,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) align: Align,
    pub(crate) spans: Vec<Span>,
}

/// To which side lines keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Align {
    /// To the one at which they begin.
    #[default]
    Start,
    Center,
    End,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// It names the columns.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) head: bool,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    /// Columns that it covers.
    pub(crate) columns: usize,
    /// Rows that it covers.
    pub(crate) rows: usize,
    #[serde(skip)]
    pub(crate) merge: Merge,
    pub(crate) blocks: Vec<Block>,
}

/// How a cell and those above and below it are one, where the file says it so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Merge {
    #[default]
    None,
    Begins,
    GoesOn,
}

/// What stands in a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Span {
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
pub(crate) struct Text {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) look: Look,
    /// Where it leads, by its place among the links.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) link: Option<usize>,
    /// By its place among the changes.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) change: Option<usize>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Picture {
    pub(crate) index: usize,
    /// What it shows, for who does not see it.
    pub(crate) alt: String,
    /// In pixels; 0 where the file does not say.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// How letters look: a bit for each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Look(pub(crate) u8);

impl Look {
    pub(crate) const BOLD: u8 = 1;
    pub(crate) const ITALIC: u8 = 2;
    pub(crate) const UNDER: u8 = 4;
    pub(crate) const STRUCK: u8 = 8;
    pub(crate) const ABOVE: u8 = 16;
    pub(crate) const BELOW: u8 = 32;
    /// As of a typewriter.
    pub(crate) const CODE: u8 = 64;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Missing {
    Chart,
    Diagram,
    Equation,
    Object,
    /// A picture that is not in the file.
    NoPicture,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Block {
    /// What it costs to draw, in bytes of text.
    fn weight(&self) -> usize {
        match self {
            Self::Text(paragraph) => {
                let weight = |span: &Span| match span {
                    Span::Text(text) => SPAN_BYTES + text.text.len(),
                    Span::Picture(_) | Span::Note { .. } | Span::Missing(_) => 2 * SPAN_BYTES,
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

/// Kinds that every browser draws. It runs nothing that is in one, and asks for nothing.
pub(crate) fn picture_kind(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()?.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" | "jpe" | "jfif" => Some("image/jpeg"),
        "gif" => Some("image/gif"),
        "bmp" => Some("image/bmp"),
        "webp" => Some("image/webp"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
