//! What a rendering consists of, and how it goes from the renderer to the page.
//!
//! Layout: the list of [`Block`]s, then the steps of all blocks one after the other, all
//! in postcard. A block knows its fingerprint, so that a page can leave alone what did not
//! change, and how many bytes of steps are its own, so that it can pass them over.
//!
//! Invariants: [`Rendering::read`] answers blocks that cover the steps exactly;
//! [`Steps`] closes only what it opened and never goes deeper than
//! [`DEPTH_MAX`]. Both ends check [`RENDERING_BYTES_MAX`].

use serde::{Deserialize, Serialize};

/// Deepest nesting that is shown as such; deeper content is shown in the last level.
pub const DEPTH_MAX: usize = 48;
/// Most bytes of a rendering. The largest text that is edited makes less than half.
pub const RENDERING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One step of building a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step<'a> {
    /// An element begins inside the one that is open.
    Open(Tag),
    /// The element that was opened last gets an attribute.
    #[serde(borrow)]
    Attribute(Attribute<'a>),
    /// The open element gets text.
    Text(&'a str),
    /// The open element ends.
    Close,
}

/// The elements that a rendering can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tag {
    /// A paragraph.
    P,
    /// A heading of the first level.
    H1,
    /// A heading of the second level.
    H2,
    /// A heading of the third level.
    H3,
    /// A heading of the fourth level.
    H4,
    /// A heading of the fifth level.
    H5,
    /// A heading of the sixth level.
    H6,
    /// A quotation.
    Blockquote,
    /// A list without numbers.
    Ul,
    /// A list with numbers.
    Ol,
    /// An item of a list.
    Li,
    /// A list of definitions.
    Dl,
    /// What is defined.
    Dt,
    /// A definition.
    Dd,
    /// Text with its own line ends.
    Pre,
    /// Code in a line.
    Code,
    /// A division.
    Div,
    /// A stretch of text.
    Span,
    /// Emphasis.
    Em,
    /// Strong emphasis.
    Strong,
    /// What was struck out.
    Del,
    /// Raised text.
    Sup,
    /// Lowered text.
    Sub,
    /// A link.
    A,
    /// The end of a line.
    Br,
    /// A line across.
    Hr,
    /// The box of a task.
    Input,
    /// A table.
    Table,
    /// The head of a table.
    Thead,
    /// The body of a table.
    Tbody,
    /// A row of a table.
    Tr,
    /// A cell of a table's head.
    Th,
    /// A cell of a table.
    Td,
}

/// The attributes that an element can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute<'a> {
    /// How it looks.
    Class(Class),
    /// The number that a list begins with.
    Start(u64),
    /// The language of a block of code.
    Language(&'a str),
    /// Where a link goes, as the document has it: whoever makes a link of it looks first.
    Href(&'a str),
    /// What a link says of itself.
    Title(&'a str),
    /// The label of a footnote, on its text.
    Note(&'a str),
    /// The label of a footnote, on a link to its text.
    NoteLink(&'a str),
    /// Whether a task is done.
    Done(bool),
    /// Where a picture is, as the document has it, on its description.
    Picture(&'a str),
}

/// The looks that an element can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// A cell that begins at the left.
    Left,
    /// A cell in the middle.
    Center,
    /// A cell that ends at the right.
    Right,
    /// Markup of the document, as text.
    Raw,
    /// A quotation that is a note.
    Note,
    /// A quotation that is a tip.
    Tip,
    /// A quotation that is important.
    Important,
    /// A quotation that warns.
    Warning,
    /// A quotation that asks for caution.
    Caution,
}

impl Tag {
    /// Its name in a document.
    pub fn name(self) -> &'static str {
        match self {
            Self::P => "p",
            Self::H1 => "h1",
            Self::H2 => "h2",
            Self::H3 => "h3",
            Self::H4 => "h4",
            Self::H5 => "h5",
            Self::H6 => "h6",
            Self::Blockquote => "blockquote",
            Self::Ul => "ul",
            Self::Ol => "ol",
            Self::Li => "li",
            Self::Dl => "dl",
            Self::Dt => "dt",
            Self::Dd => "dd",
            Self::Pre => "pre",
            Self::Code => "code",
            Self::Div => "div",
            Self::Span => "span",
            Self::Em => "em",
            Self::Strong => "strong",
            Self::Del => "del",
            Self::Sup => "sup",
            Self::Sub => "sub",
            Self::A => "a",
            Self::Br => "br",
            Self::Hr => "hr",
            Self::Input => "input",
            Self::Table => "table",
            Self::Thead => "thead",
            Self::Tbody => "tbody",
            Self::Tr => "tr",
            Self::Th => "th",
            Self::Td => "td",
        }
    }
}

impl Class {
    /// Its name in the style sheet.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "md-left",
            Self::Center => "md-center",
            Self::Right => "md-right",
            Self::Raw => "md-raw",
            Self::Note => "md-callout-note",
            Self::Tip => "md-callout-tip",
            Self::Important => "md-callout-important",
            Self::Warning => "md-callout-warning",
            Self::Caution => "md-callout-caution",
        }
    }
}

/// A top-level block: one element, or one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Equal blocks have equal fingerprints.
    pub fingerprint: u64,
    /// How many bytes of steps are its own.
    pub bytes: u32,
}

/// A rendering that is not what a renderer makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A rendering as the page has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering<'a> {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// The steps of all of them.
    steps: &'a [u8],
}

impl<'a> Rendering<'a> {
    /// Reads a rendering; the steps are read later, one by one.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > RENDERING_BYTES_MAX {
            return Err(Malformed);
        }
        let (blocks, steps) =
            postcard::take_from_bytes::<Vec<Block>>(bytes).map_err(|_| Malformed)?;
        let covered: u64 = blocks.iter().map(|block| u64::from(block.bytes)).sum();
        if covered != steps.len() as u64 {
            return Err(Malformed);
        }
        Ok(Self { blocks, steps })
    }

    /// The steps of the blocks from `first` to `end`, block by block.
    pub fn steps(&self, first: usize, end: usize) -> impl Iterator<Item = Steps<'a>> + '_ {
        let bytes = |blocks: &[Block]| blocks.iter().map(|block| block.bytes as usize).sum();
        let mut start: usize = bytes(&self.blocks[..first]);
        self.blocks[first..end].iter().map(move |block| {
            let steps = &self.steps[start..start + block.bytes as usize];
            start += steps.len();
            Steps { rest: steps, depth: 0 }
        })
    }
}

/// The steps of one block.
#[derive(Debug, Clone)]
pub struct Steps<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Iterator for Steps<'a> {
    type Item = Result<Step<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            // An element that nobody closes would swallow the next block.
            return (std::mem::take(&mut self.depth) > 0).then_some(Err(Malformed));
        }
        let Ok((step, rest)) = postcard::take_from_bytes::<Step<'a>>(self.rest) else {
            return Some(Err(self.end()));
        };
        self.rest = rest;
        match step {
            Step::Open(_) if self.depth < DEPTH_MAX => self.depth += 1,
            Step::Close | Step::Attribute(_) if self.depth > 0 => {
                self.depth -= usize::from(step == Step::Close);
            }
            Step::Text(_) => {}
            Step::Open(_) | Step::Close | Step::Attribute(_) => return Some(Err(self.end())),
        }
        Some(Ok(step))
    }
}

impl Steps<'_> {
    fn end(&mut self) -> Malformed {
        self.rest = &[];
        self.depth = 0;
        Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendering(blocks: &[&[Step<'_>]]) -> Vec<u8> {
        let mut heads = Vec::new();
        let mut steps = Vec::new();
        for block in blocks {
            let bytes: Vec<u8> =
                block.iter().flat_map(|step| postcard::to_stdvec(step).unwrap()).collect();
            heads.push(Block { fingerprint: 7, bytes: bytes.len() as u32 });
            steps.extend(bytes);
        }
        [postcard::to_stdvec(&heads).unwrap(), steps].concat()
    }

    fn is_refused(block: &[Step<'_>]) -> bool {
        let bytes = rendering(&[block]);
        let read = Rendering::read(&bytes).unwrap();
        let mut steps = read.steps(0, 1).next().unwrap();
        let refused = steps.by_ref().any(|step| step == Err(Malformed));
        assert_eq!(steps.next(), None, "nothing follows a refusal");
        refused
    }

    #[test]
    fn a_block_is_read_without_the_ones_before_it() {
        let first = [Step::Open(Tag::P), Step::Text("a"), Step::Close];
        let second = [Step::Open(Tag::A), Step::Attribute(Attribute::Href("b")), Step::Close];
        let bytes = rendering(&[&first, &second]);
        let read = Rendering::read(&bytes).unwrap();
        let found: Vec<Vec<_>> =
            read.steps(1, 2).map(|steps| steps.map(Result::unwrap).collect()).collect();
        assert_eq!(found, [second]);
    }

    #[test]
    fn blocks_that_do_not_cover_the_steps_are_refused() {
        let bytes = rendering(&[&[Step::Text("a")]]);
        assert!(Rendering::read(&bytes).is_ok());
        assert_eq!(Rendering::read(&bytes[..bytes.len() - 1]), Err(Malformed));
        assert_eq!(Rendering::read(&[bytes.as_slice(), &[0]].concat()), Err(Malformed));
        assert_eq!(Rendering::read(&[]), Err(Malformed));
        assert_eq!(Rendering::read(&vec![0; RENDERING_BYTES_MAX + 1]), Err(Malformed));
    }

    #[test]
    fn steps_that_leave_their_block_are_refused() {
        assert!(!is_refused(&[Step::Open(Tag::P), Step::Close]));
        assert!(is_refused(&[Step::Open(Tag::P)]));
        assert!(is_refused(&[Step::Open(Tag::P), Step::Close, Step::Close]));
        assert!(is_refused(&[Step::Attribute(Attribute::Start(1))]));
        assert!(is_refused(&[Step::Open(Tag::Div); DEPTH_MAX + 1]));
    }

    #[test]
    fn damaged_steps_are_refused_wherever_they_are_damaged() {
        let bytes = rendering(&[&[Step::Open(Tag::P), Step::Text("text"), Step::Close]]);
        let head = bytes.len() - 9;
        for at in head..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] = 0xff;
            let read = Rendering::read(&damaged).unwrap();
            let whole = read.steps(0, 1).all(|steps| steps.into_iter().all(|step| step.is_ok()));
            assert!(!whole, "byte {at} of {damaged:?}");
        }
    }
}
