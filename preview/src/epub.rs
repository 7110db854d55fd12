//! Books (EPUB): their chapters one after the other, with the table of contents.
//!
//! What is shown is the text with its structure, not the book's own pages: of its styles only
//! bold, italic, the side that lines keep to and what is hidden are followed. A book is read
//! once, into blocks that are given out by pieces; a chapter that is damaged ends where the
//! damage is, and the next one follows. A link within the book is the number of a block, a note is
//! shown where something refers to it. Nothing of a book becomes markup, nothing in it runs,
//! and no address of it is followed.

mod chapter;
mod container;
mod contents;
mod place;
mod style;

use serde::Serialize;

use self::container::Container;
pub use crate::blocks::Request;
use crate::{
    Answer, Format, Refusal,
    blocks::{Flow, Heading, Link, told::outline},
    package::Package,
};

/// An open book.
pub struct Book(Flow);

#[derive(Serialize)]
struct About<'a> {
    title: &'a str,
    authors: &'a [String],
    /// It is read from the right to the left.
    rtl: bool,
    blocks: usize,
    outline: &'a [Heading],
    links: &'a [Link],
    /// Some of it is left out.
    cut: bool,
}

impl Format for Book {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let mut package = Package::open(bytes)?;
        let container = Container::read(&mut package)?;
        let read = chapter::read(&mut package, &container)?;
        let told = contents::read(&mut package, &container.contents)?;
        let outline = if told.is_empty() {
            outline(&read.blocks)
        } else {
            let heading = |contents::Entry { title, level, place }| {
                let block = place.and_then(|place| chapter::found(&read.places, &place));
                Heading { title, level, block }
            };
            told.into_iter().map(heading).collect()
        };
        let about = Answer::of(&About {
            title: &container.title,
            authors: &container.authors,
            rtl: container.is_rtl || read.is_rtl,
            blocks: read.blocks.len(),
            outline: &outline,
            links: &read.links,
            cut: read.is_cut,
        })?;
        let chapter::Read { blocks, notes, pictures, .. } = read;
        Ok((Self(Flow { package, blocks, notes, pictures }), about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.0.ask(request)
    }
}

#[cfg(test)]
mod tests;
