//! PDF: pages as pixels and as text, links, outline, properties.
//!
//! Opening reads the table of objects and the tree of pages, no page's content: a file of a
//! thousand pages opens as fast as one of ten. What a page draws is interpreted when it is
//! asked for, by one interpreter for pixels ([`Request::Draw`]) and for text
//! ([`Request::Text`]), so both stand at the same places. Fonts and other objects that were
//! read once are kept for the next page.
//!
//! Lengths are points of the page as it is shown, turned already: from its upper left
//! corner, downwards. Pages are counted from 0.

mod draw;
mod links;
mod outline;
mod places;
mod strings;
mod text;

use std::{
    cell::{OnceCell, RefCell},
    sync::Arc,
};

use hayro::{
    RenderCache,
    hayro_interpret::InterpreterSettings,
    hayro_syntax::{DecryptionError, LoadPdfError, Pdf as File, metadata::Metadata, page::Page},
};
use serde::{Deserialize, Serialize};

use crate::{Answer, Format, Refusal};

use self::places::Places;

pub use self::{
    draw::{PIXELS_MAX, SCALE_MAX, SIDE_PX_MAX, Tile},
    links::{ADDRESS_BYTES_MAX, LINKS_MAX, Leads, Link},
    outline::{ITEMS_MAX, Item},
    places::Place,
    text::{Joint, RUNS_MAX, Run, TEXT_BYTES_MAX},
};

/// Files with more pages are not opened.
pub const PAGES_MAX: usize = 20_000;
/// A page's sides are shown no longer than this; the format itself stops at 14,400.
pub const SIDE_PT_MAX: f32 = 20_000.0;
/// After so many drawings the objects kept between pages are let go.
const DRAWINGS_KEPT_MAX: u32 = 200;

/// A PDF, which may want its password first.
pub struct Pdf(State);

enum State {
    Locked(Arc<Vec<u8>>),
    Open(Box<Document>),
}

/// What can be asked of a PDF.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Tries a password. → [`Opened`]
    Unlock {
        /// The password.
        password: String,
    },
    /// The table of contents. → a list of [`Item`]
    Outline,
    /// A piece of a page. → nothing, and its pixels: red, green, blue, 255, row after row
    Draw {
        /// The page.
        page: usize,
        /// Pixels for a point.
        scale: f32,
        /// The piece.
        tile: Tile,
    },
    /// A page's text. → a list of [`Run`]
    Text {
        /// The page.
        page: usize,
    },
    /// A page's links. → a list of [`Link`]
    Links {
        /// The page.
        page: usize,
    },
}

/// What comes of opening.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Opened {
    /// It wants a password, or another one.
    Locked,
    /// It is open.
    Open(Box<Overview>),
}

/// What can be said of a file before any page is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// Width and height of each page.
    pub pages: Vec<(f32, f32)>,
    /// What the file says of itself.
    pub properties: Properties,
}

/// What a file says of itself; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Properties {
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// What it is about.
    pub subject: String,
    /// Words to find it by.
    pub keywords: String,
    /// The program it was written with.
    pub creator: String,
    /// The program that made the PDF of it.
    pub producer: String,
    /// When it was made, `2026-11-26 09:30`, in its maker's time.
    pub created: String,
    /// When it was changed last.
    pub modified: String,
}

impl Format for Pdf {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let bytes = Arc::new(bytes);
        match read(&bytes, "") {
            Ok(document) => {
                let answer = Answer::of(&Opened::Open(Box::new(document.overview())))?;
                Ok((Self(State::Open(Box::new(document))), answer))
            }
            Err(Refusal::Locked) => Ok((Self(State::Locked(bytes)), Answer::of(&Opened::Locked)?)),
            Err(refusal) => Err(refusal),
        }
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        match (&self.0, request) {
            (State::Locked(bytes), Request::Unlock { password }) => match read(bytes, &password) {
                Ok(document) => {
                    let answer = Answer::of(&Opened::Open(Box::new(document.overview())));
                    self.0 = State::Open(Box::new(document));
                    answer
                }
                Err(Refusal::Locked) => Answer::of(&Opened::Locked),
                Err(refusal) => Err(refusal),
            },
            (State::Locked(_), _) => Err(Refusal::Locked),
            (State::Open(_), Request::Unlock { .. }) => Err(Refusal::Unknown),
            (State::Open(document), Request::Outline) => Answer::of(&document.outline()),
            (State::Open(document), Request::Draw { page, scale, tile }) => {
                Answer::with(&(), document.draw(page, scale, tile)?)
            }
            (State::Open(document), Request::Text { page }) => Answer::of(&document.text(page)?),
            (State::Open(document), Request::Links { page }) => Answer::of(&document.links(page)?),
        }
    }
}

/// Reads a file's table of objects.
fn read(bytes: &Arc<Vec<u8>>, password: &str) -> Result<Document, Refusal> {
    let file = File::new_with_password(Arc::clone(bytes), password);
    let file = file.map_err(|error| match error {
        LoadPdfError::Invalid => Refusal::Broken,
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::Locked,
        LoadPdfError::Decryption(
            DecryptionError::MissingIDEntry
            | DecryptionError::InvalidEncryption
            | DecryptionError::UnsupportedAlgorithm,
        ) => Refusal::Unsupported,
    })?;
    match file.pages().len() {
        0 => Err(Refusal::Broken),
        pages if pages > PAGES_MAX => Err(Refusal::Output),
        // Pages and what is kept of them borrow from the file. It is never let go: a module
        // opens one file in its life, and its memory goes as a whole.
        _ => Ok(Document {
            file: Box::leak(Box::new(file)),
            settings: InterpreterSettings::default(),
            places: OnceCell::new(),
            kept: RefCell::default(),
        }),
    }
}

/// An open file, and what was read of it so far.
struct Document {
    file: &'static File,
    settings: InterpreterSettings,
    /// Read when something leads to one.
    places: OnceCell<Places<'static>>,
    kept: RefCell<Kept>,
}

/// What is kept between drawings.
#[derive(Default)]
struct Kept {
    cache: RenderCache<'static>,
    drawings: u32,
}

impl Document {
    fn overview(&self) -> Overview {
        Overview {
            pages: self.file.pages().iter().map(size).collect(),
            properties: properties(self.file.metadata()),
        }
    }

    /// The file's table of contents, flat, in its order.
    fn outline(&self) -> Vec<Item> {
        outline::read(self.file, self.places())
    }

    /// A piece of a page as pixels, at a scale: 1 is a pixel for each point.
    fn draw(&self, page: usize, scale: f32, tile: Tile) -> Result<Vec<u8>, Refusal> {
        let page = self.page(page)?;
        tile.check(scale)?;
        let mut kept = self.kept.borrow_mut();
        kept.drawings += 1;
        if kept.drawings > DRAWINGS_KEPT_MAX {
            *kept = Kept { drawings: 1, ..Kept::default() };
        }
        Ok(draw::draw(page, &kept.cache, &self.settings, scale, tile))
    }

    /// A page's text: runs in the order in which they are drawn, with their places.
    fn text(&self, page: usize) -> Result<Vec<Run>, Refusal> {
        Ok(text::read(self.page(page)?, &self.settings))
    }

    /// A page's links, in its order.
    fn links(&self, page: usize) -> Result<Vec<Link>, Refusal> {
        Ok(links::read(self.page(page)?, self.places()))
    }

    fn places(&self) -> &Places<'static> {
        self.places.get_or_init(|| Places::new(self.file))
    }

    fn page(&self, page: usize) -> Result<&'static Page<'static>, Refusal> {
        self.file.pages().get(page).ok_or(Refusal::Unknown)
    }
}

/// A page's width and height as it is shown.
fn size(page: &Page<'_>) -> (f32, f32) {
    let (width, height) = page.render_dimensions();
    let within = |side: f32| if side.is_finite() { side.clamp(1.0, SIDE_PT_MAX) } else { 1.0 };
    (within(width), within(height))
}

fn properties(metadata: &Metadata) -> Properties {
    let text = |field: &Option<Box<[u8]>>| field.as_deref().map(strings::read).unwrap_or_default();
    Properties {
        title: text(&metadata.title),
        author: text(&metadata.author),
        subject: text(&metadata.subject),
        keywords: text(&metadata.keywords),
        creator: text(&metadata.creator),
        producer: text(&metadata.producer),
        created: metadata.creation_date.as_ref().map(strings::date).unwrap_or_default(),
        modified: metadata.modification_date.as_ref().map(strings::date).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
