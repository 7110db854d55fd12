//! From Markdown to the steps of a rendering.
//!
//! A `Builder` takes `pulldown-cmark`'s events one by one and writes steps. Raw HTML
//! and mathematics stay text, and what is nested too deeply is shown in the last level, so no document
//! makes a reader go deeper than it wants to.

use std::hash::{DefaultHasher, Hasher as _};

use postcard::ser_flavors::Flavor;
use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag,
    TagEnd,
};

use crate::steps::{self, Attribute, Block, Class, DEPTH_MAX, RENDERING_BYTES_MAX, Step};

/// Renders a text; nothing if it would be larger than a rendering may be.
pub fn render(text: &str) -> Option<Vec<u8>> {
    render_within(text, RENDERING_BYTES_MAX)
}

fn render_within(text: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH;
    let mut builder = Builder::default();
    for event in Parser::new_ext(text, options) {
        builder.take(event);
        if builder.steps.len() > bytes_max {
            return None;
        }
    }
    let bytes = builder.finish();
    (bytes.len() <= bytes_max).then_some(bytes)
}

/// The most elements that one tag of Markdown opens: a table's head and its row.
const ELEMENTS_MAX: usize = 2;

#[derive(Debug, Default)]
struct Builder {
    blocks: Vec<Block>,
    steps: Vec<u8>,
    /// Where the steps of the block that is being written begin.
    start: usize,
    /// Text that more may follow.
    text: String,
    /// For each open tag, how many elements it has opened.
    open: Vec<usize>,
    /// How many elements are open.
    depth: usize,
    /// Tags that are open and not shown as such.
    too_deep: usize,
    alignments: Vec<Alignment>,
    cell: usize,
    in_head: bool,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => self.leaf(steps::Tag::Code, &[], &text),
            // It is known as mathematics so that no star or underscore in it is taken for emphasis.
            Event::InlineMath(text) => self.between("$", &text),
            Event::DisplayMath(text) => self.between("$$", &text),
            Event::FootnoteReference(label) => {
                self.open(steps::Tag::Sup, &[]);
                self.leaf(steps::Tag::A, &[Attribute::NoteLink(&label)], &label);
                self.close(1);
            }
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.leaf(steps::Tag::Br, &[], ""),
            Event::Rule => self.leaf(steps::Tag::Hr, &[], ""),
            Event::TaskListMarker(done) => {
                self.leaf(steps::Tag::Input, &[Attribute::Done(done)], "");
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "`plain` names the others")]
    fn start(&mut self, tag: Tag<'_>) {
        // Room is left for what has no end of its own: a footnote's mark has two elements.
        if self.too_deep > 0 || self.depth + 2 * ELEMENTS_MAX > DEPTH_MAX {
            self.too_deep += 1;
            return;
        }
        self.open.push(1);
        match tag {
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.open(steps::Tag::Table, &[]);
            }
            Tag::TableHead => {
                self.in_head = true;
                self.cell = 0;
                self.open(steps::Tag::Thead, &[]);
                self.more(steps::Tag::Tr);
            }
            Tag::TableRow => {
                self.cell = 0;
                self.open(steps::Tag::Tr, &[]);
            }
            Tag::TableCell => self.table_cell(),
            Tag::CodeBlock(CodeBlockKind::Fenced(language)) if !language.is_empty() => {
                self.open(steps::Tag::Pre, &[Attribute::Language(&language)]);
            }
            Tag::FootnoteDefinition(label) => {
                self.open(steps::Tag::Div, &[Attribute::Note(&label)]);
            }
            Tag::Link { dest_url, title, .. } => {
                self.titled(steps::Tag::A, Attribute::Href(&dest_url), &title);
            }
            Tag::Image { dest_url, title, .. } => {
                self.titled(steps::Tag::Span, Attribute::Picture(&dest_url), &title);
            }
            other => {
                let (tag, attribute) = plain(&other);
                self.open(tag, attribute.as_slice());
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let elements = self.open.pop().unwrap_or(0);
        self.close(elements);
        if tag == TagEnd::TableHead {
            self.in_head = false;
            // The table's own, which ends with it.
            self.more(steps::Tag::Tbody);
        }
    }

    fn table_cell(&mut self) {
        let class = match self.alignments.get(self.cell) {
            Some(Alignment::Left) => Some(Class::Left),
            Some(Alignment::Center) => Some(Class::Center),
            Some(Alignment::Right) => Some(Class::Right),
            Some(Alignment::None) | None => None,
        };
        self.cell += 1;
        let tag = if self.in_head { steps::Tag::Th } else { steps::Tag::Td };
        self.open(tag, class.map(Attribute::Class).as_slice());
    }

    fn titled(&mut self, tag: steps::Tag, address: Attribute<'_>, title: &CowStr<'_>) {
        let attributes = [address, Attribute::Title(title)];
        let given = if title.is_empty() { 1 } else { 2 };
        self.open(tag, &attributes[..given]);
    }

    /// Opens one more element for the tag that is open.
    fn more(&mut self, tag: steps::Tag) {
        if let Some(elements) = self.open.last_mut() {
            *elements += 1;
            self.open(tag, &[]);
        }
    }

    fn open(&mut self, tag: steps::Tag, attributes: &[Attribute<'_>]) {
        self.write_text();
        self.write(Step::Open(tag));
        for attribute in attributes {
            self.write(Step::Attribute(*attribute));
        }
        self.depth += 1;
    }

    fn close(&mut self, elements: usize) {
        self.write_text();
        for _ in 0..elements {
            self.write(Step::Close);
            self.depth -= 1;
        }
        self.end_block();
    }

    fn leaf(&mut self, tag: steps::Tag, attributes: &[Attribute<'_>], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(1);
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
        if self.depth == 0 {
            self.write_text();
            self.end_block();
        }
    }

    fn between(&mut self, mark: &str, text: &str) {
        self.text(mark);
        self.text(text);
        self.text(mark);
    }

    fn write_text(&mut self) {
        if !self.text.is_empty() {
            append(Step::Text(&self.text), &mut self.steps);
            self.text.clear();
        }
    }

    fn write(&mut self, step: Step<'_>) {
        append(step, &mut self.steps);
    }

    fn end_block(&mut self) {
        let steps = &self.steps[self.start..];
        if self.depth > 0 || steps.is_empty() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(steps);
        let bytes = u32::try_from(steps.len()).expect("a rendering's bound is below");
        self.blocks.push(Block { fingerprint: hasher.finish(), bytes });
        self.start = self.steps.len();
    }

    fn finish(self) -> Vec<u8> {
        let mut bytes = postcard::to_stdvec(&self.blocks).expect("memory takes any list");
        bytes.extend(self.steps);
        bytes
    }
}

fn append(step: Step<'_>, steps: &mut Vec<u8>) {
    postcard::serialize_with_flavor(&step, Appended(steps)).expect("memory takes any step");
}

/// A place to write to that copies whole texts; postcard's own takes them byte by byte.
struct Appended<'s>(&'s mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The element of a tag that carries little but its name.
fn plain(tag: &Tag<'_>) -> (steps::Tag, Option<Attribute<'static>>) {
    match tag {
        Tag::Heading { level, .. } => (heading(*level), None),
        Tag::BlockQuote(kind) => {
            (steps::Tag::Blockquote, kind.map(|kind| Attribute::Class(quote(kind))))
        }
        Tag::HtmlBlock => (steps::Tag::P, Some(Attribute::Class(Class::Raw))),
        Tag::CodeBlock(_) | Tag::MetadataBlock(_) => (steps::Tag::Pre, None),
        Tag::List(None) => (steps::Tag::Ul, None),
        Tag::List(Some(first)) => (steps::Tag::Ol, Some(Attribute::Start(*first))),
        Tag::Item => (steps::Tag::Li, None),
        Tag::Emphasis => (steps::Tag::Em, None),
        Tag::Strong => (steps::Tag::Strong, None),
        Tag::Strikethrough => (steps::Tag::Del, None),
        Tag::Superscript => (steps::Tag::Sup, None),
        Tag::Subscript => (steps::Tag::Sub, None),
        Tag::DefinitionList => (steps::Tag::Dl, None),
        Tag::DefinitionListTitle => (steps::Tag::Dt, None),
        Tag::DefinitionListDefinition => (steps::Tag::Dd, None),
        Tag::Paragraph
        | Tag::FootnoteDefinition(_)
        | Tag::Table(_)
        | Tag::TableHead
        | Tag::TableRow
        | Tag::TableCell
        | Tag::Link { .. }
        | Tag::Image { .. } => (steps::Tag::P, None),
    }
}

fn heading(level: HeadingLevel) -> steps::Tag {
    match level {
        HeadingLevel::H1 => steps::Tag::H1,
        HeadingLevel::H2 => steps::Tag::H2,
        HeadingLevel::H3 => steps::Tag::H3,
        HeadingLevel::H4 => steps::Tag::H4,
        HeadingLevel::H5 => steps::Tag::H5,
        HeadingLevel::H6 => steps::Tag::H6,
    }
}

fn quote(kind: BlockQuoteKind) -> Class {
    match kind {
        BlockQuoteKind::Note => Class::Note,
        BlockQuoteKind::Tip => Class::Tip,
        BlockQuoteKind::Important => Class::Important,
        BlockQuoteKind::Warning => Class::Warning,
        BlockQuoteKind::Caution => Class::Caution,
    }
}

#[cfg(test)]
mod tests;
