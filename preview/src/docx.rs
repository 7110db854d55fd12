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

use serde::Serialize;

pub use crate::blocks::Request;
use crate::{
    Answer, Format, Refusal,
    blocks::{Flow, Heading, Link, picture_kind},
    package::Package,
};

/// An open document.
pub struct Document(Flow);

#[derive(Serialize)]
struct About<'a> {
    blocks: usize,
    /// The first block that is of a note.
    notes: usize,
    outline: &'a [Heading],
    links: &'a [Link],
    changes: &'a [Change],
    /// The picture that the file has of itself.
    cover: Option<usize>,
    /// Some of it is left out.
    cut: bool,
}

/// What somebody put in or took out while changes were tracked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Change {
    deleted: bool,
    by: String,
    on: String,
}

impl Format for Document {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let mut package = Package::open(bytes)?;
        let mut read = body::read(&mut package)?;
        let cover = own_picture(&mut package)?.map(|path| {
            read.pictures.push(path);
            read.pictures.len() - 1
        });
        let about = Answer::of(&About {
            blocks: read.blocks.len(),
            notes: read.notes.iter().map(|note| note.start).min().unwrap_or(read.blocks.len()),
            outline: &read.outline,
            links: &read.links,
            changes: &read.changes,
            cover,
            cut: read.is_cut,
        })?;
        let body::Read { blocks, notes, pictures, .. } = read;
        Ok((Self(Flow { package, blocks, notes, pictures }), about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.0.ask(request)
    }
}

/// The part that is a small picture of the first page, which some programs put into the package.
fn own_picture(package: &mut Package) -> Result<Option<String>, Refusal> {
    let relations = package.relations("")?.into_iter();
    let mut own = relations.filter(|relation| relation.kind == "thumbnail").map(|own| own.target);
    Ok(own.find(|path| package.has(path) && picture_kind(path).is_some()))
}

#[cfg(test)]
mod tests;
