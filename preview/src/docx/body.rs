//! The text of a document, from the events of its XML, without a tree of them.
//!
//! What stands in a box comes before the paragraph that it is anchored in; of two versions of
//! one thing the newer is read. Deletions and insertions keep their texts and say what they are.

use std::{collections::HashMap, ops::Range};

use super::{
    Change,
    lists::{self, Lists},
    notes::{KINDS, Notes},
    styles::{self, Style, Styles},
    table::{self, Closed, Frames},
};
use crate::{
    Refusal,
    blocks::{
        Block, Heading, Link, Look, Missing, PARAGRAPH_BYTES_MAX, Paragraph, Picture, Room,
        SPAN_BYTES, Span, Target, Text,
        rows::pieces,
        told::{Told, outline},
    },
    limits,
    package::{Element, Package, Relation, Seen},
};

/// Fonts whose letters are signs.
const SIGN_FONTS: [&str; 3] = ["symbol", "webdings", "wingdings"];
/// Fields inside one another.
const FIELDS_MAX: usize = 16;
/// The length unit of drawings, for one pixel.
const PIXEL: u32 = 9525;

/// A document, read.
pub(super) struct Read {
    pub(super) blocks: Vec<Block>,
    pub(super) notes: Vec<Range<usize>>,
    pub(super) outline: Vec<Heading>,
    pub(super) links: Vec<Link>,
    pub(super) changes: Vec<Change>,
    pub(super) pictures: Vec<String>,
    pub(super) is_cut: bool,
}

pub(super) fn read(package: &mut Package) -> Result<Read, Refusal> {
    let relations = package.relations("")?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    let main = main.map_or_else(|| "word/document.xml".to_owned(), |relation| relation.target);
    if !package.has(&main) {
        return Err(Refusal::Broken);
    }
    let relations = package.relations(&main)?;
    let part = |kind: &str| {
        let found = relations.iter().find(|relation| relation.kind == kind);
        found.map(|relation| relation.target.clone()).unwrap_or_default()
    };
    let (style_part, number_part) = (part("styles"), part("numbering"));
    let note_parts = KINDS.map(|(kind, _)| part(kind));
    let styles = Styles::read(package, &style_part)?;
    let lists = Lists::read(package, &number_part, &styles)?;
    let mut reader = Reader { styles, lists, ..Reader::default() };
    reader.part(package, &main, relations, None)?;
    let mut blocks = std::mem::take(&mut reader.blocks);
    for (kind, path) in note_parts.iter().enumerate() {
        let relations = package.relations(path)?;
        reader.part(package, path, relations, Some(kind))?;
    }
    let outline = outline(&blocks);
    let notes = reader.notes.finish(&mut blocks);
    // A place may be behind all that is shown.
    let last = blocks.len().checked_sub(1);
    let places = reader.places;
    let found = |place: &str| Some(*places.get(place)?.min(&last?));
    let links = reader.links.all.into_iter().map(|target| target.told(found)).collect();
    let (changes, pictures, is_cut) = (reader.changes.all, reader.pictures.all, reader.room.is_cut);
    Ok(Read { blocks, notes, outline, links, changes, pictures, is_cut })
}

/// A paragraph that is being read.
#[derive(Default)]
struct Open {
    paragraph: Paragraph,
    style: Style,
    style_name: String,
    bytes: usize,
    look: Look,
    is_run: bool,
    is_text: bool,
    is_hidden: bool,
}

/// What a program worked out: its instruction, and what it leads to.
#[derive(Default)]
struct Field {
    code: String,
    link: Option<usize>,
}

#[derive(Default)]
struct Reader {
    styles: Styles,
    lists: Lists,
    relations: HashMap<String, Relation>,
    depth: usize,
    /// The depth of an element that is passed over with all that is in it.
    skipped: Option<usize>,
    /// Blocks that are in no table.
    blocks: Vec<Block>,
    frames: Frames,
    paragraphs: Vec<Open>,
    /// The links, fields and changes that it stands in, the innermost last.
    within_links: Vec<Option<usize>>,
    within_fields: Vec<Field>,
    within_changes: Vec<Option<usize>>,
    is_code: bool,
    links: Told<Target>,
    /// The block of each bookmark, by its name in small letters.
    places: HashMap<String, usize>,
    changes: Told<Change>,
    pictures: Told<String>,
    /// What was said of the picture that comes next.
    described: Picture,
    notes: Notes,
    note_kind: Option<usize>,
    /// The note that is being read, and its author.
    note: Option<(usize, String)>,
    room: Room,
}

impl Reader {
    /// Reads a part: the text, or notes of a kind.
    fn part(
        &mut self,
        package: &mut Package,
        path: &str,
        relations: Vec<Relation>,
        note_kind: Option<usize>,
    ) -> Result<(), Refusal> {
        let relations = relations.into_iter().map(|relation| (relation.id.clone(), relation));
        self.relations = relations.collect();
        self.note_kind = note_kind;
        package.walk(path, |seen| {
            match seen {
                Seen::Open(element) => {
                    self.depth += 1;
                    if self.skipped.is_none() {
                        self.open(element);
                    }
                }
                Seen::Close(name) => {
                    if self.skipped.is_none() {
                        self.close(name);
                    } else if self.skipped == Some(self.depth) {
                        self.skipped = None;
                    }
                    self.depth = self.depth.saturating_sub(1);
                }
                Seen::Text(text) if self.skipped.is_none() => self.hear(text),
                Seen::Text(_) => {}
            }
            Ok(())
        })?;
        self.finish();
        Ok(())
    }

    /// Ends what a part that breaks off left open.
    fn finish(&mut self) {
        while !self.paragraphs.is_empty() {
            self.end_paragraph();
        }
        while let Some(depth) = self.frames.depth() {
            self.close_frame(depth);
        }
        self.close("footnote");
        (self.depth, self.skipped, self.is_code) = (0, None, false);
        self.within_links.clear();
        self.within_fields.clear();
        self.within_changes.clear();
    }

    fn open(&mut self, element: &Element<'_>) {
        let name = element.name();
        match name {
            "p" => self.paragraphs.push(Open::default()),
            "ins" | "moveTo" | "del" | "moveFrom" => {
                let deleted = matches!(name, "del" | "moveFrom");
                let by = element.attribute("author").unwrap_or_default();
                let on = element.attribute("date").unwrap_or_default();
                let on = on.get(..10).unwrap_or_default().to_owned();
                let change = Change { deleted, by: limits::shortened(&by).into_owned(), on };
                let change = self.changes.place(change);
                self.within_changes.push(change);
            }
            "hyperlink" => {
                let out = self.target(element, "id", "hyperlink").map(|address| out(&address));
                let link = out.or_else(|| Some(place(&element.attribute("anchor")?)));
                let link = link.and_then(|link| self.links.place(link));
                self.within_links.push(link);
            }
            "fldSimple" => {
                let code = element.attribute("instr").unwrap_or_default();
                let link = leads_to(&code).and_then(|link| self.links.place(link));
                self.within_links.push(link);
            }
            "bookmarkStart" => self.open_place(element),
            "fldChar" => self.field(element),
            "instrText" => self.is_code = true,
            "tbl" | "tr" | "tc" => {
                if !self.frames.open(name, self.depth) {
                    (self.room.is_cut, self.skipped) = (true, Some(self.depth));
                }
            }
            "gridSpan" | "vMerge" | "gridBefore" | "tblHeader" => self.frames.describe(element),
            "footnote" | "endnote" | "comment" => self.open_note(element),
            "footnoteReference" => self.refer(0, element),
            "endnoteReference" => self.refer(1, element),
            "commentReference" => self.refer(2, element),
            "drawing" => self.described = Picture::default(),
            "extent" => {
                let pixels = |name| element.number::<u32>(name).unwrap_or(0) / PIXEL;
                (self.described.width, self.described.height) = (pixels("cx"), pixels("cy"));
            }
            "docPr" => {
                let alt = element.attribute("descr").unwrap_or_default();
                self.described.alt = limits::shortened(&alt).into_owned();
            }
            "blip" => self.picture(element, "embed"),
            "imagedata" => self.picture(element, "id"),
            "chart" => self.miss(Missing::Chart),
            "relIds" => self.miss(Missing::Diagram),
            "oMath" | "oMathPara" => self.miss(Missing::Equation),
            "OLEObject" | "control" | "altChunk" | "subDoc" => self.miss(Missing::Object),
            // Older versions of what is there, and how it looked.
            "Fallback" | "pPrChange" | "rPrChange" | "tblPrChange" | "trPrChange"
            | "tcPrChange" | "sectPrChange" | "tblGridChange" | "numberingChange" => {
                self.skipped = Some(self.depth);
            }
            _ => self.open_letters(element),
        }
    }

    /// Runs of letters, and what a paragraph is.
    fn open_letters(&mut self, element: &Element<'_>) {
        let Some(open) = self.paragraphs.last_mut() else { return };
        match element.name() {
            "r" => {
                (open.is_run, open.is_hidden) = (true, false);
                open.look = open.style.over(Look::default());
            }
            "t" | "delText" => open.is_text = true,
            "tab" | "ptab" if open.is_run => self.write("\t"),
            "br" if matches!(element.attribute("type").as_deref(), Some("page" | "column")) => {}
            "br" | "cr" if open.is_run => self.write("\n"),
            "noBreakHyphen" => self.write("\u{2011}"),
            "softHyphen" => self.write("\u{ad}"),
            "sym" => {
                let code = element.attribute("char").unwrap_or_default();
                let char = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                // A sign of a font of its own means nothing without the font.
                let font = element.attribute("font").unwrap_or_default().to_lowercase();
                let is_own = SIGN_FONTS.iter().any(|name| font.starts_with(name));
                let is_known =
                    |char: &char| !is_own && !matches!(char, '\0'..' ' | '\u{e000}'..='\u{f8ff}');
                self.write(char.filter(is_known).unwrap_or('▫').encode_utf8(&mut [0; 4]));
            }
            "vanish" if open.is_run => {
                let value = element.attribute("val");
                open.is_hidden = !matches!(value.as_deref(), Some("0" | "false" | "off"));
            }
            "rStyle" if open.is_run => {
                let style = self.styles.named(&element.attribute("val").unwrap_or_default());
                open.look = style.over(open.look);
            }
            _ if open.is_run => drop(open.look.take(element)),
            "pStyle" => {
                open.style_name = element.attribute("val").unwrap_or_default().into_owned();
                open.style = self.styles.named(&open.style_name);
            }
            "numId" => open.style.list = element.attribute("val").map(|id| id.into_owned()),
            "ilvl" => open.style.depth = element.number("val"),
            "outlineLvl" => open.style.heading = styles::heading(element).or(open.style.heading),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.end_paragraph(),
            "ins" | "moveTo" | "del" | "moveFrom" => drop(self.within_changes.pop()),
            "hyperlink" | "fldSimple" => drop(self.within_links.pop()),
            "instrText" => self.is_code = false,
            "footnote" | "endnote" | "comment" => {
                if let Some((index, by)) = self.note.take() {
                    let blocks = std::mem::take(&mut self.blocks);
                    self.notes.say(index, blocks, &by);
                }
            }
            "r" | "t" | "delText" => {
                if let Some(open) = self.paragraphs.last_mut() {
                    (open.is_run, open.is_text) = (open.is_run && name != "r", false);
                }
            }
            "tbl" | "tr" | "tc" => self.close_frame(self.depth),
            _ => {}
        }
    }

    fn hear(&mut self, text: &str) {
        if self.is_code {
            if let Some(field) = self.within_fields.last_mut()
                && field.code.len() + text.len() <= limits::FIELD_BYTES_MAX
            {
                field.code += text;
            }
        } else if self.paragraphs.last().is_some_and(|open| open.is_text) {
            self.write(text);
        }
    }

    fn write(&mut self, text: &str) {
        let (link, change) = (self.link_here(), self.within_changes.last().copied().flatten());
        let Some(open) = self.paragraphs.last_mut() else { return };
        if open.is_hidden || !self.room.write(text, open.bytes) {
            return;
        }
        let look = open.look;
        if let Some(Span::Text(last)) = open.paragraph.spans.last_mut()
            && (last.look, last.link, last.change) == (look, link, change)
        {
            last.text += text;
        } else {
            self.put(Span::Text(Text { text: text.to_owned(), look, link, change }));
        }
        if let Some(open) = self.paragraphs.last_mut() {
            open.bytes += text.len();
        }
    }

    /// Puts something into the line, or where there is none into one of its own.
    fn put(&mut self, span: Span) {
        if !self.room.spend() {
            return;
        }
        match self.paragraphs.last_mut() {
            Some(open) if open.bytes + SPAN_BYTES > PARAGRAPH_BYTES_MAX => self.room.is_cut = true,
            Some(open) => {
                open.bytes += SPAN_BYTES;
                open.paragraph.spans.push(span);
            }
            None => self.add(Block::Text(Paragraph { spans: vec![span], ..Paragraph::default() })),
        }
    }

    fn miss(&mut self, missing: Missing) {
        self.put(Span::Missing(missing));
        self.skipped = Some(self.depth);
    }

    /// Where a relation of a kind leads.
    fn target(&self, element: &Element<'_>, attribute: &str, kind: &str) -> Option<String> {
        let relation = self.relations.get(&*element.attribute(attribute)?)?;
        (relation.kind == kind).then(|| relation.target.clone())
    }

    /// Keeps where a bookmark of the text is; those of notes have no block yet.
    fn open_place(&mut self, element: &Element<'_>) {
        if let Some(name) = element.attribute("name")
            && self.note_kind.is_none()
            && self.room.spend()
        {
            let name = limits::shortened(&name).to_lowercase();
            self.places.entry(name).or_insert(self.blocks.len());
        }
    }

    fn link_here(&self) -> Option<usize> {
        let own = self.within_links.iter().rev().find_map(|link| *link);
        own.or_else(|| self.within_fields.iter().rev().find_map(|field| field.link))
    }

    fn field(&mut self, element: &Element<'_>) {
        match element.attribute("fldCharType").as_deref() {
            Some("begin") if self.within_fields.len() < FIELDS_MAX => {
                self.within_fields.push(Field::default());
            }
            Some("separate") => {
                let Some(mut field) = self.within_fields.pop() else { return };
                field.link = leads_to(&field.code).and_then(|link| self.links.place(link));
                self.within_fields.push(field);
            }
            Some("end") => drop(self.within_fields.pop()),
            _ => {}
        }
    }

    fn picture(&mut self, element: &Element<'_>, attribute: &str) {
        let Some(target) = self.target(element, attribute, "image") else { return };
        let Some(index) = self.pictures.place(target) else { return };
        let described = std::mem::take(&mut self.described);
        self.put(Span::Picture(Picture { index, ..described }));
    }

    fn open_note(&mut self, element: &Element<'_>) {
        let Some(kind) = self.note_kind.filter(|kind| KINDS[*kind].1 == element.name()) else {
            return;
        };
        let name = element.attribute("id").unwrap_or_default();
        match self.notes.find(kind, &name) {
            Some(index) => {
                let by = element.attribute("author").unwrap_or_default();
                self.note = Some((index, limits::shortened(&by).into_owned()));
            }
            // Lines between text and notes are notes that nothing refers to.
            None => self.skipped = Some(self.depth),
        }
    }

    fn refer(&mut self, kind: usize, element: &Element<'_>) {
        if self.room.is_left() {
            let name = element.attribute("id").unwrap_or_default().into_owned();
            let span = self.notes.refer(kind, name);
            self.put(span);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(Open { mut paragraph, style, style_name, .. }) = self.paragraphs.pop() else {
            return;
        };
        paragraph.heading = style.heading.unwrap_or(0);
        paragraph.item = style.list.and_then(|list| {
            let depth = style.depth.or_else(|| self.lists.depth_of(&list, &style_name));
            let depth = depth.unwrap_or(0).min(lists::DEPTH_MAX - 1);
            self.lists.mark(&list, depth).map(|mark| (depth as u8, mark))
        });
        self.add(Block::Text(paragraph));
    }

    /// Puts a block into the cell that it is in, or below all others.
    fn add(&mut self, block: Block) {
        if !self.room.spend() {
            return;
        }
        let inside = self.frames.cell();
        inside.map_or(&mut self.blocks, |cell| &mut cell.blocks).push(block);
    }

    fn close_frame(&mut self, depth: usize) {
        match self.frames.close(depth, self.room.is_left()) {
            Closed::Nothing => {}
            Closed::Piece => drop(self.room.spend()),
            Closed::Table(mut rows) => {
                table::merge(&mut rows);
                for piece in pieces(rows) {
                    self.add(piece);
                }
            }
        }
    }
}

/// Where a field leads, if it is a link.
fn leads_to(code: &str) -> Option<Target> {
    let mut words = words(code);
    match words.next()? {
        "HYPERLINK" => match words.next()? {
            "\\l" => words.next().map(place),
            address => (!address.starts_with('\\')).then(|| out(address)),
        },
        // What stands at a bookmark, or its page: a link where it says so.
        "REF" | "PAGEREF" => {
            let name = words.next()?;
            words.any(|word| word == "\\h").then(|| place(name))
        }
        _ => None,
    }
}

/// The words of an instruction; one may stand between quotes.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

fn out(address: &str) -> Target {
    Target::Out(limits::shortened(address).into_owned())
}

fn place(name: &str) -> Target {
    Target::Place(limits::shortened(name).to_lowercase())
}
