//! The text of chapters, from the events of their XHTML, without a tree of them.
//!
//! Elements that are open lie on a stack, each with what held before it; what an element
//! changes ends with it, also where its end is missing. White space is one space, but in what is
//! written line by line.

mod leads;
mod lists;
mod tables;
mod write;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use self::{leads::is_kind, lists::Lists, tables::Tables, write::Writing};
use super::{
    container::Container,
    place::place,
    style::{Style, Styles, aligned},
};
use crate::{
    Refusal,
    blocks::{
        Align, Block, Link, Look, Missing, Picture, Room, Span, Target, picture_kind, told::Told,
    },
    limits,
    package::{Element, Package, Seen},
};

/// Blocks of a note that are shown where something refers to it.
const NOTE_BLOCKS_MAX: usize = 32;
/// Quotations inside one another that are told apart.
const QUOTES_MAX: u8 = 8;
/// Elements that have no content, and in careless hands no end.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "wbr",
];
/// Elements that begin and end a line.
const LINES: [&str; 38] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// The chapters, read.
pub(super) struct Read {
    pub(super) blocks: Vec<Block>,
    pub(super) notes: Vec<Range<usize>>,
    pub(super) links: Vec<Link>,
    pub(super) pictures: Vec<String>,
    /// The blocks of each place.
    pub(super) places: HashMap<String, Range<usize>>,
    pub(super) is_rtl: bool,
    pub(super) is_cut: bool,
}

pub(super) fn read(package: &mut Package, container: &Container) -> Result<Read, Refusal> {
    let styles = Styles::read(package, &container.styles)?;
    let mut reader = Reader { styles, ..Reader::default() };
    let is_shown = |cover: &&String| package.has(cover) && picture_kind(cover).is_some();
    if let Some(cover) = container.cover.as_ref().filter(is_shown) {
        reader.begin(package, cover);
        reader.cover(&container.title);
    }
    for chapter in &container.chapters {
        reader.begin(package, chapter);
        if picture_kind(chapter).is_some() {
            reader.picture(chapter, Picture::default());
        } else {
            let read = package.walk_loosely(chapter, |seen| {
                reader.see(&seen);
                Ok(())
            });
            match read {
                Ok(()) => {}
                Err(Refusal::Broken) => reader.room.is_cut = true,
                Err(refusal) => return Err(refusal),
            }
        }
        reader.end();
    }
    reader.finish()
}

/// The block of a place; where its id is missing, the beginning of its part.
pub(super) fn found(places: &HashMap<String, Range<usize>>, place: &str) -> Option<usize> {
    let part = place.find('#').map_or("", |end| &place[..=end]);
    places.get(place).or_else(|| places.get(part)).map(|blocks| blocks.start)
}

/// What holds where the text goes on.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    look: Look,
    link: Option<usize>,
    heading: u8,
    quote: u8,
    align: Align,
    /// Lines and spaces are as they are written.
    is_pre: bool,
    is_note: bool,
    /// Nothing of it is shown.
    is_skipped: bool,
    /// A drawing, of which pictures are shown.
    is_drawing: bool,
}

/// An element that is open.
struct Open {
    name: String,
    /// What held before it.
    before: State,
    /// The place that it is.
    place: Option<String>,
}

#[derive(Default)]
struct Reader {
    styles: Styles,
    room: Room,
    /// The part that is being read, and all that there are.
    part: String,
    parts: HashSet<String>,
    open: Vec<Open>,
    state: State,
    writing: Option<Writing>,
    /// Blocks that are in no table.
    blocks: Vec<Block>,
    tables: Tables,
    lists: Lists,
    places: HashMap<String, Range<usize>>,
    links: Told<Target>,
    pictures: Told<String>,
    notes: Told<String>,
    /// What refers to a note: which, and what stands there.
    mark: Option<(usize, String)>,
    /// A drawing had a picture in it.
    is_drawn: bool,
    /// The picture that was shown already, while the first chapter is read.
    cover: Option<String>,
    is_rtl: bool,
}

impl Reader {
    fn begin(&mut self, package: &Package, part: &str) {
        if self.parts.is_empty() {
            self.parts = package.paths();
        }
        part.clone_into(&mut self.part);
        let start = self.blocks.len();
        self.note_place(place(part, ""), start..start);
    }

    /// Ends what the part left open.
    fn end(&mut self) {
        while self.pop() {}
        self.flush();
        (self.state, self.cover) = (State::default(), None);
    }

    /// Shows a picture before all chapters; the first of them may have it once more.
    fn cover(&mut self, title: &str) {
        let cover = self.part.clone();
        self.picture(&cover, Picture { alt: title.to_owned(), ..Picture::default() });
        self.end();
        self.cover = (!self.blocks.is_empty()).then(|| cover.to_ascii_lowercase());
    }

    fn finish(self) -> Result<Read, Refusal> {
        if self.blocks.is_empty() && self.room.is_cut {
            return Err(Refusal::Broken);
        }
        // A place may be behind all that is shown.
        let last = self.blocks.len().saturating_sub(1);
        let mut places = self.places;
        places.retain(|_, _| !self.blocks.is_empty());
        for blocks in places.values_mut() {
            let start = blocks.start.min(last);
            *blocks = start..blocks.end.clamp(start + 1, last + 1);
        }
        let told = |target: Target| target.told(|place| found(&places, place));
        let links = self.links.all.into_iter().map(told).collect();
        let note = |place: String| {
            let blocks = places.get(&place).cloned().unwrap_or_default();
            blocks.start..blocks.end.min(blocks.start + NOTE_BLOCKS_MAX)
        };
        let notes = self.notes.all.into_iter().map(note).collect();
        Ok(Read {
            blocks: self.blocks,
            notes,
            links,
            pictures: self.pictures.all,
            places,
            is_rtl: self.is_rtl,
            is_cut: self.room.is_cut,
        })
    }

    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            Seen::Open(element) => self.open(element),
            Seen::Close(name) => self.close(name),
            Seen::Text(text) => self.hear(text),
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        let name = element.name();
        let is_void = VOID.contains(&name);
        if self.state.is_skipped || self.open.len() == limits::XML_DEPTH_MAX {
            // What is too deep is read as if it were not there.
            self.room.is_cut |= !self.state.is_skipped;
            if !is_void && self.open.len() < limits::XML_DEPTH_MAX {
                self.push(name, self.state, None);
            }
            return;
        }
        if LINES.contains(&name) {
            self.flush();
        }
        let before = self.state;
        let id = element.attribute("id");
        let id = id.or_else(|| (name == "a").then(|| element.attribute("name")).flatten());
        let here = id.map(|id| place(&self.part, &id));
        if let Some(here) = &here {
            let start = self.blocks.len();
            self.note_place(here.clone(), start..start);
        }
        self.look(element);
        if !self.state.is_skipped {
            self.enter(element);
        }
        if is_void {
            self.state = before;
        } else {
            self.push(name, before, here);
        }
    }

    fn push(&mut self, name: &str, before: State, place: Option<String>) {
        self.open.push(Open { name: name.to_owned(), before, place });
    }

    /// Hears how an element looks: as its kind does, its classes, and itself.
    fn look(&mut self, element: &Element<'_>) {
        let name = element.name();
        let attribute = |name| element.attribute(name).unwrap_or_default();
        let bit = match name {
            "b" | "strong" | "th" | "dt" => Look::BOLD,
            "i" | "em" | "cite" | "dfn" | "var" => Look::ITALIC,
            "u" | "ins" => Look::UNDER,
            "s" | "strike" | "del" => Look::STRUCK,
            "sup" => Look::ABOVE,
            "sub" => Look::BELOW,
            "code" | "kbd" | "samp" | "tt" | "pre" => Look::CODE,
            _ => 0,
        };
        self.state.look.0 |= bit;
        let own = Style::read(&attribute("style"));
        let style = self.styles.of(name, &attribute("class")).with(own);
        self.state.look = style.over(self.state.look);
        let side =
            if name == "center" { Some(Align::Center) } else { aligned(&attribute("align")) };
        self.state.align = style.align.or(side).unwrap_or(self.state.align);
        self.state.is_skipped =
            style.is_hidden.unwrap_or_else(|| element.attribute("hidden").is_some());
    }

    fn enter(&mut self, element: &Element<'_>) {
        let name = element.name();
        let attribute = |name| element.attribute(name).unwrap_or_default();
        match name {
            "head" | "script" | "style" | "template" | "title" | "desc" | "metadata" | "rp"
            | "case" => {
                self.state.is_skipped = true;
            }
            "image" | "img" => self.open_picture(element),
            _ if self.state.is_drawing => {}
            "svg" => (self.state.is_drawing, self.is_drawn) = (true, false),
            "html" | "body" => self.is_rtl |= attribute("dir") == "rtl",
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.state.heading = name.as_bytes()[1] - b'0'
            }
            "blockquote" | "dd" => self.state.quote = (self.state.quote + 1).min(QUOTES_MAX),
            "ul" | "ol" => self.lists.open(element),
            "li" => self.lists.open_item(element),
            "pre" => self.state.is_pre = true,
            "table" => self.tables.open(),
            "tr" => self.tables.open_row(),
            "td" | "th" if !self.tables.open_cell(element) => {
                (self.room.is_cut, self.state.is_skipped) = (true, true);
            }
            "a" => self.open_link(element),
            "br" => self.write("\n"),
            "hr" => self.break_scene(),
            "q" => self.write("“"),
            "rt" => self.write("("),
            "math" => {
                let said = attribute("alttext");
                if said.is_empty() {
                    self.put(Span::Missing(Missing::Equation))
                } else {
                    self.write(&said)
                }
                self.state.is_skipped = true;
            }
            "audio" | "canvas" | "embed" | "iframe" | "object" | "video" => {
                self.put(Span::Missing(Missing::Object));
                self.state.is_skipped = true;
            }
            _ => {}
        }
        // One in a list has a mark of its own.
        self.state.is_note |=
            name != "li" && is_kind(element, &["footnote", "endnote", "rearnote"]);
    }

    fn close(&mut self, name: &str) {
        // An end without a beginning ends nothing.
        if self.open.iter().any(|open| open.name == name) {
            while self.open.last().is_some_and(|open| open.name != name) {
                self.pop();
            }
            self.pop();
        }
    }

    /// Ends the innermost element. → whether there was one
    fn pop(&mut self) -> bool {
        let Some(Open { name, before, place }) = self.open.pop() else { return false };
        if !self.state.is_skipped {
            self.leave(&name, before.is_drawing);
        }
        self.state = before;
        if let Some(place) = place {
            let end = self.blocks.len() + usize::from(self.writing.is_some());
            if let Some(blocks) = self.places.get_mut(&place)
                && blocks.end == blocks.start
            {
                blocks.end = end;
            }
        }
        true
    }

    /// Ends what an element did; it may have stood in a drawing.
    fn leave(&mut self, name: &str, was_drawing: bool) {
        if self.state.is_drawing {
            if name == "svg" && !was_drawing && !self.is_drawn {
                self.put(Span::Missing(Missing::Diagram));
            }
            return;
        }
        if LINES.contains(&name) {
            self.flush();
        }
        match name {
            "q" => self.write("”"),
            "rt" => self.write(")"),
            "a" => self.close_mark(),
            "ul" | "ol" => self.lists.close(),
            "li" => self.lists.close_item(),
            "td" | "th" => self.tables.close_cell(),
            "tr" => self.tables.close_row(),
            "table" => {
                for piece in self.tables.close() {
                    self.add(piece);
                }
            }
            _ => {}
        }
    }

    fn note_place(&mut self, place: String, blocks: Range<usize>) {
        if !self.places.contains_key(&place) && self.room.spend() {
            self.places.insert(place, blocks);
        }
    }
}
