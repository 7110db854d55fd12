//! Markdown, as a tree that can be shown without ever making markup from a string.
//!
//! [`Builder`] takes `pulldown-cmark`'s events one by one, so a caller may pause between
//! them, and gives a [`Block`] for each finished top-level block. A block knows its
//! fingerprint, so a renderer can leave alone what did not change ([`unchanged`]).
//!
//! Invariants: tags and attribute names come from this file only; raw HTML stays text;
//! a link goes to http, https, mailto or a relative address; nesting is bounded, so no
//! document makes a renderer recurse without end.

use std::hash::{DefaultHasher, Hash, Hasher};

use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd,
};

/// Deepest nesting that is shown as such; deeper content is shown in the last level.
pub const DEPTH_MAX: usize = 48;

/// A piece of a rendered document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text.
    Text(String),
    /// An element.
    Element(Element),
}

/// An element of a rendered document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Element {
    /// Its tag.
    pub tag: &'static str,
    /// Its attributes.
    pub attributes: Vec<(&'static str, String)>,
    /// What is in it.
    pub children: Vec<Piece>,
}

/// A top-level block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Equal blocks have equal fingerprints.
    pub fingerprint: u64,
    /// The block.
    pub piece: Piece,
}

/// Starts parsing a document with the extensions that are shown.
pub fn parser(text: &str) -> Parser<'_> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES;
    Parser::new_ext(text, options)
}

/// Parses a whole document at once; for short ones and tests.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut builder = Builder::default();
    parser(text).filter_map(|event| builder.push(event)).collect()
}

/// Counts the blocks at the start and at the end that both lists share.
pub fn unchanged(old: &[u64], new: &[Block]) -> (usize, usize) {
    let shared = old.len().min(new.len());
    let head = (0..shared).take_while(|&at| old[at] == new[at].fingerprint).count();
    let tail = (1..=shared - head)
        .take_while(|back| old[old.len() - back] == new[new.len() - back].fingerprint)
        .count();
    (head, tail)
}

/// Builds blocks from events.
#[derive(Debug, Default)]
pub struct Builder {
    stack: Vec<Element>,
    /// Elements beyond `DEPTH_MAX` that are open and not shown as such.
    too_deep: usize,
    alignments: Vec<Alignment>,
    cell: usize,
    in_head: bool,
}

impl Builder {
    /// Takes an event; answers a block when one is finished.
    pub fn push(&mut self, event: Event<'_>) -> Option<Block> {
        match event {
            Event::Start(tag) => {
                self.start(tag);
                None
            }
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                let text = Piece::Text(text.into_string());
                self.add(Piece::Element(Element {
                    tag: "code",
                    attributes: Vec::new(),
                    children: vec![text],
                }))
            }
            Event::FootnoteReference(label) => {
                let link = Element {
                    tag: "a",
                    attributes: vec![("href", format!("#md-note-{label}"))],
                    children: vec![Piece::Text(label.into_string())],
                };
                self.add(Piece::Element(Element {
                    tag: "sup",
                    attributes: Vec::new(),
                    children: vec![Piece::Element(link)],
                }))
            }
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.leaf("br", Vec::new()),
            Event::Rule => self.leaf("hr", Vec::new()),
            Event::TaskListMarker(checked) => {
                let mut attributes =
                    vec![("type", "checkbox".to_owned()), ("disabled", String::new())];
                if checked {
                    attributes.push(("checked", String::new()));
                }
                self.leaf("input", attributes)
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        if self.too_deep > 0 || self.stack.len() >= DEPTH_MAX {
            self.too_deep += 1;
            return;
        }
        match tag {
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.open("table", Vec::new());
            }
            Tag::TableHead => {
                self.in_head = true;
                self.cell = 0;
                self.open("thead", Vec::new());
                self.open("tr", Vec::new());
            }
            Tag::TableRow => {
                self.cell = 0;
                self.open("tr", Vec::new());
            }
            Tag::TableCell => {
                let attributes = match self.alignments.get(self.cell) {
                    Some(Alignment::Left) => vec![("class", "md-left".to_owned())],
                    Some(Alignment::Center) => vec![("class", "md-center".to_owned())],
                    Some(Alignment::Right) => vec![("class", "md-right".to_owned())],
                    Some(Alignment::None) | None => Vec::new(),
                };
                self.cell += 1;
                self.open(if self.in_head { "th" } else { "td" }, attributes);
            }
            Tag::CodeBlock(kind) => {
                let attributes = match kind {
                    CodeBlockKind::Fenced(info) if !info.is_empty() => {
                        vec![("data-language", info.into_string())]
                    }
                    CodeBlockKind::Fenced(_) | CodeBlockKind::Indented => Vec::new(),
                };
                self.open("pre", attributes);
            }
            Tag::FootnoteDefinition(label) => {
                let attributes = vec![
                    ("id", format!("md-note-{label}")),
                    ("class", "md-note".to_owned()),
                    ("data-label", label.into_string()),
                ];
                self.open("div", attributes);
            }
            Tag::Link { dest_url, title, .. } => {
                let mut attributes = Vec::new();
                if let Some(href) = safe_href(&dest_url) {
                    attributes.push(("href", href.to_owned()));
                    attributes.push(("rel", "noopener noreferrer".to_owned()));
                    if has_scheme(href) {
                        attributes.push(("target", "_blank".to_owned()));
                    }
                }
                if !title.is_empty() {
                    attributes.push(("title", title.into_string()));
                }
                self.open("a", attributes);
            }
            other => {
                let (tag, attributes) = plain(&other);
                self.open(tag, attributes);
            }
        }
    }

    fn end(&mut self, tag: TagEnd) -> Option<Block> {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return None;
        }
        match tag {
            TagEnd::TableHead => {
                self.in_head = false;
                self.close();
                self.close();
                self.open("tbody", Vec::new());
                None
            }
            TagEnd::Table => {
                self.close();
                self.close()
            }
            _ => self.close(),
        }
    }

    fn open(&mut self, tag: &'static str, attributes: Vec<(&'static str, String)>) {
        self.stack.push(Element { tag, attributes, children: Vec::new() });
    }

    fn close(&mut self) -> Option<Block> {
        let element = self.stack.pop()?;
        self.add(Piece::Element(element))
    }

    fn leaf(
        &mut self,
        tag: &'static str,
        attributes: Vec<(&'static str, String)>,
    ) -> Option<Block> {
        self.add(Piece::Element(Element { tag, attributes, children: Vec::new() }))
    }

    fn text(&mut self, text: &str) -> Option<Block> {
        if let Some(Piece::Text(last)) =
            self.stack.last_mut().and_then(|parent| parent.children.last_mut())
        {
            last.push_str(text);
            return None;
        }
        self.add(Piece::Text(text.to_owned()))
    }

    fn add(&mut self, piece: Piece) -> Option<Block> {
        if let Some(parent) = self.stack.last_mut() {
            parent.children.push(piece);
            return None;
        }
        let mut hasher = DefaultHasher::new();
        piece.hash(&mut hasher);
        Some(Block { fingerprint: hasher.finish(), piece })
    }
}

/// The element of a tag that carries nothing but its name.
fn plain(tag: &Tag<'_>) -> (&'static str, Vec<(&'static str, String)>) {
    let class = |name: &str| vec![("class", name.to_owned())];
    match tag {
        Tag::Heading { level, .. } => (heading(*level), Vec::new()),
        Tag::BlockQuote(kind) => ("blockquote", kind.map_or(Vec::new(), |kind| class(quote(kind)))),
        Tag::HtmlBlock => ("p", class("md-raw")),
        Tag::List(None) => ("ul", Vec::new()),
        Tag::List(Some(first)) => ("ol", vec![("start", first.to_string())]),
        Tag::Item => ("li", Vec::new()),
        Tag::Emphasis => ("em", Vec::new()),
        Tag::Strong => ("strong", Vec::new()),
        Tag::Strikethrough => ("del", Vec::new()),
        Tag::Superscript => ("sup", Vec::new()),
        Tag::Subscript => ("sub", Vec::new()),
        Tag::Image { .. } => ("span", class("md-image")),
        Tag::DefinitionList => ("dl", Vec::new()),
        Tag::DefinitionListTitle => ("dt", Vec::new()),
        Tag::DefinitionListDefinition => ("dd", Vec::new()),
        Tag::MetadataBlock(_) => ("pre", Vec::new()),
        _ => ("p", Vec::new()),
    }
}

fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h1",
        HeadingLevel::H2 => "h2",
        HeadingLevel::H3 => "h3",
        HeadingLevel::H4 => "h4",
        HeadingLevel::H5 => "h5",
        HeadingLevel::H6 => "h6",
    }
}

fn quote(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "md-callout-note",
        BlockQuoteKind::Tip => "md-callout-tip",
        BlockQuoteKind::Important => "md-callout-important",
        BlockQuoteKind::Warning => "md-callout-warning",
        BlockQuoteKind::Caution => "md-callout-caution",
    }
}

/// The scheme of an address, as far as anything could take it for one.
fn scheme(url: &str) -> Option<&str> {
    let end = url.find([':', '/', '?', '#'])?;
    url[end..].starts_with(':').then(|| &url[..end])
}

fn has_scheme(url: &str) -> bool {
    scheme(url).is_some()
}

/// Lets an address through that is relative, or http, https or mailto.
///
/// Browsers drop tabs, line ends and leading spaces inside a scheme, so what is not
/// letter for letter an allowed scheme is refused, not repaired.
fn safe_href(url: &str) -> Option<&str> {
    match scheme(url) {
        None => Some(url),
        Some(scheme) => ["http", "https", "mailto"]
            .iter()
            .any(|allowed| scheme.eq_ignore_ascii_case(allowed))
            .then_some(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(piece: &Piece) -> String {
        match piece {
            Piece::Text(text) => text.clone(),
            Piece::Element(element) => {
                let inner: String = element.children.iter().map(print).collect();
                let attributes: String = element
                    .attributes
                    .iter()
                    .map(|(name, value)| format!(" {name}={value}"))
                    .collect();
                format!("<{}{attributes}>{inner}</{}>", element.tag, element.tag)
            }
        }
    }

    fn rendered(text: &str) -> String {
        blocks(text).iter().map(|block| print(&block.piece)).collect()
    }

    #[test]
    fn blocks_follow_the_document() {
        let found = blocks("# T\n\na *b* ~~c~~\n\n- [x] d\n- [ ] e\n");
        assert_eq!(found.len(), 3);
        assert_eq!(print(&found[0].piece), "<h1>T</h1>");
        assert_eq!(print(&found[1].piece), "<p>a <em>b</em> <del>c</del></p>");
        assert!(print(&found[2].piece).contains("<input type=checkbox disabled= checked=>"));
    }

    #[test]
    fn tables_have_head_body_and_alignment() {
        assert_eq!(
            rendered("| a | b |\n|:--|--:|\n| 1 | 2 |\n"),
            "<table><thead><tr><th class=md-left>a</th><th class=md-right>b</th></tr></thead>\
             <tbody><tr><td class=md-left>1</td><td class=md-right>2</td></tr></tbody></table>"
        );
    }

    #[test]
    fn raw_html_stays_text() {
        let text = rendered("<script>alert(1)</script>\n\nx <img src=y onerror=z>\n");
        assert!(text.starts_with("<p class=md-raw><script>"), "{text}");
        for block in blocks("<b onclick=x>y</b>") {
            let Piece::Element(element) = block.piece else { panic!("an element") };
            assert!(element.children.iter().all(|child| matches!(child, Piece::Text(_))));
        }
    }

    #[test]
    fn only_harmless_links_are_links() {
        for url in ["https://a.b", "HTTP://a.b", "mailto:a@b", "notes/x.md", "#a", "/x?y:z"] {
            assert_eq!(safe_href(url), Some(url));
        }
        for url in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "JaVaScRiPt:x",
            "data:text/html,x",
            "vbscript:x",
            "blob:x",
            "file:///etc/passwd",
        ] {
            assert_eq!(safe_href(url), None, "{url:?}");
        }
        assert_eq!(rendered("[x](javascript:y)"), "<p><a>x</a></p>");
    }

    #[test]
    fn images_are_their_description_until_they_are_kept_here() {
        assert_eq!(
            rendered("![a cat](https://x.y/z.png)"),
            "<p><span class=md-image>a cat</span></p>"
        );
    }

    #[test]
    fn footnotes_point_at_their_text() {
        let text = rendered("a[^1]\n\n[^1]: b\n");
        assert!(text.contains("<sup><a href=#md-note-1>1</a></sup>"), "{text}");
        assert!(text.contains("<div id=md-note-1 class=md-note data-label=1><p>b</p></div>"));
    }

    #[test]
    fn only_the_edited_block_changes() {
        let old: Vec<u64> =
            blocks("# a\n\nb\n\nc\n\nd\n").iter().map(|block| block.fingerprint).collect();
        let new = blocks("# a\n\nb\n\nc changed\n\nd\n");
        assert_eq!(unchanged(&old, &new), (2, 1));
        assert_eq!(unchanged(&[], &new), (0, 0));
        assert_eq!(unchanged(&old, &[]), (0, 0));
        assert_eq!(unchanged(&old, &blocks("# a\n\nb\n\nc\n\nd\n")), (4, 0));
    }

    #[test]
    fn deep_nesting_is_flattened_and_loses_no_text() {
        let text = format!("{}deep", "> ".repeat(400));
        let found = blocks(&text);
        assert!(found.iter().any(|block| print(&block.piece).contains("deep")));
        fn depth(piece: &Piece) -> usize {
            match piece {
                Piece::Text(_) => 0,
                Piece::Element(element) => {
                    1 + element.children.iter().map(depth).max().unwrap_or(0)
                }
            }
        }
        assert!(found.iter().all(|block| depth(&block.piece) <= DEPTH_MAX + 4));
    }
}
