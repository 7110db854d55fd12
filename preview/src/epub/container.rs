//! What a book says of itself: its title, its chapters in their order, its table of contents.

use std::collections::{HashMap, HashSet};

use super::place::path;
use crate::{
    Refusal, limits,
    package::{Element, Package, Seen},
};

/// Names the part that says all else.
const CONTAINER: &str = "META-INF/container.xml";
/// Names what is locked.
const ENCRYPTION: &str = "META-INF/encryption.xml";
/// How fonts are made useless outside of their book: that locks nothing that is read here.
const FONT_LOCKS: [&str; 2] =
    ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
/// Further authors are left out.
const AUTHORS_MAX: usize = 20;
/// Languages that are written from the right to the left.
const RTL: [&str; 10] = ["ar", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"];

/// A book, as far as it is told.
#[derive(Default)]
pub(super) struct Container {
    pub(super) title: String,
    pub(super) authors: Vec<String>,
    pub(super) is_rtl: bool,
    /// The parts that are read one after the other.
    pub(super) chapters: Vec<String>,
    /// The parts that may have the table of contents, the best first.
    pub(super) contents: Vec<String>,
    /// The picture on the cover.
    pub(super) cover: Option<String>,
    /// The parts that say how things look.
    pub(super) styles: Vec<String>,
}

/// A part that the book lists.
struct Item {
    path: String,
    kind: String,
    properties: String,
}

/// The list of parts while it is read.
#[derive(Default)]
struct Listing {
    items: HashMap<String, Item>,
    spine: Vec<String>,
    /// What older books name as contents and cover.
    contents: Option<String>,
    cover: Option<String>,
    is_metadata: bool,
    /// What the text is that comes: of the title, an author, a language.
    said: Option<Said>,
}

#[derive(Clone, Copy)]
enum Said {
    Title,
    Author,
    Language,
}

impl Container {
    pub(super) fn read(package: &mut Package) -> Result<Self, Refusal> {
        refuse_locked(package)?;
        let mut main = None;
        package.walk_loosely(CONTAINER, |seen| {
            if let Seen::Open(element) = seen
                && element.name() == "rootfile"
                && main.is_none()
            {
                main = element.attribute("full-path").map(|named| path("", &named));
            }
            Ok(())
        })?;
        let main = main.filter(|main| package.has(main)).ok_or(Refusal::Broken)?;
        let (mut container, mut listing) = (Self::default(), Listing::default());
        let read = package.walk_loosely(&main, |seen| {
            match seen {
                Seen::Open(element) => listing.open(&main, element, &mut container),
                Seen::Close("metadata") => listing.is_metadata = false,
                Seen::Close("title" | "creator" | "language") => listing.said = None,
                Seen::Close(_) => {}
                Seen::Text(text) => listing.hear(text, &mut container),
            }
            Ok(())
        });
        // What stands before the damage may be enough.
        read.or_else(|refusal| if refusal == Refusal::Broken { Ok(()) } else { Err(refusal) })?;
        listing.settle(&mut container);
        if container.chapters.is_empty() { Err(Refusal::Broken) } else { Ok(container) }
    }
}

impl Listing {
    fn open(&mut self, main: &str, element: &Element<'_>, container: &mut Container) {
        let attribute = |name| element.attribute(name).unwrap_or_default().into_owned();
        match element.name() {
            "package" => container.is_rtl = attribute("dir") == "rtl",
            "metadata" => self.is_metadata = true,
            "title" if self.is_metadata && container.title.is_empty() => {
                self.said = Some(Said::Title);
            }
            "creator" if self.is_metadata && container.authors.len() < AUTHORS_MAX => {
                self.said = Some(Said::Author);
                container.authors.push(String::new());
            }
            "language" if self.is_metadata => self.said = Some(Said::Language),
            "meta" if attribute("name") == "cover" => self.cover = Some(attribute("content")),
            "item" if self.items.len() < limits::MEMBERS_MAX => {
                let path = path(main, &attribute("href"));
                let (kind, properties) = (attribute("media-type"), attribute("properties"));
                self.items.insert(attribute("id"), Item { path, kind, properties });
            }
            "spine" => self.contents = Some(attribute("toc")),
            "itemref" if self.spine.len() < limits::MEMBERS_MAX => {
                self.spine.push(attribute("idref"));
            }
            _ => {}
        }
    }

    fn hear(&mut self, text: &str, container: &mut Container) {
        let said = match self.said {
            Some(Said::Title) => Some(&mut container.title),
            Some(Said::Author) => container.authors.last_mut(),
            Some(Said::Language) => {
                let language = text.trim().split('-').next().unwrap_or_default();
                container.is_rtl |= RTL.contains(&language.to_ascii_lowercase().as_str());
                None
            }
            None => None,
        };
        if let Some(said) = said {
            said.push_str(text);
            *said = limits::shortened(said).into_owned();
        }
    }

    fn settle(mut self, container: &mut Container) {
        container.title = plain(&container.title);
        container.authors = container.authors.iter().map(|author| plain(author)).collect();
        container.authors.retain(|author| !author.is_empty());
        let path_of = |id: &String| self.items.get(id).map(|item| item.path.clone());
        let with = |property: &str| {
            let mut items = self.items.values();
            let found = items.find(|item| item.properties.split(' ').any(|one| one == property));
            found.map(|item| item.path.clone())
        };
        let older = self.contents.as_ref().and_then(path_of).or_else(|| {
            let mut items = self.items.values();
            let found = items.find(|item| item.kind == "application/x-dtbncx+xml");
            found.map(|item| item.path.clone())
        });
        container.contents = with("nav").into_iter().chain(older).collect();
        container.cover = with("cover-image").or_else(|| self.cover.as_ref().and_then(path_of));
        let styles = self.items.values().filter(|item| item.kind == "text/css");
        container.styles = styles.map(|item| item.path.clone()).collect();
        container.styles.sort();
        // A part that is named again is not read again.
        let mut known = HashSet::new();
        let chapters = std::mem::take(&mut self.spine).into_iter();
        let chapters = chapters.filter_map(|id| self.items.get(&id));
        let chapters = chapters.filter(|item| known.insert(&item.path) && is_read(&item.kind));
        container.chapters = chapters.map(|item| item.path.clone()).collect();
    }
}

/// A text in one line.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a kind of part can be a chapter: a text, or a picture.
fn is_read(kind: &str) -> bool {
    ["xml", "html", "image/", "oeb1-document"].iter().any(|part| kind.contains(part))
}

fn refuse_locked(package: &mut Package) -> Result<(), Refusal> {
    package.walk_loosely(ENCRYPTION, |seen| {
        if let Seen::Open(element) = seen
            && element.name() == "EncryptionMethod"
        {
            let lock = element.attribute("Algorithm").unwrap_or_default();
            return if FONT_LOCKS.contains(&&*lock) { Ok(()) } else { Err(Refusal::Rights) };
        }
        Ok(())
    })
}
