//! The table of contents: a list of links in newer books, a part of its own in older ones.

use super::place::target;
use crate::{
    Refusal,
    blocks::{Target, told::TOLD_MAX},
    limits,
    package::{Element, Package, Seen},
};

/// What a title stands in.
const TITLES: [&str; 3] = ["a", "span", "text"];

/// A line of it.
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) level: u8,
    /// Where it leads, if that is in the book.
    pub(super) place: Option<String>,
}

/// Reads the first of these parts that has any.
pub(super) fn read(package: &mut Package, parts: &[String]) -> Result<Vec<Entry>, Refusal> {
    for part in parts {
        let mut reader = Reader { part, ..Reader::default() };
        let read = package.walk_loosely(part, |seen| {
            match seen {
                Seen::Open(element) => reader.open(element),
                Seen::Close(name) => reader.close(name),
                Seen::Text(text)
                    if reader.titled_by.is_some()
                        && reader.title.len() <= limits::FIELD_BYTES_MAX =>
                {
                    reader.title += text;
                }
                Seen::Text(_) => {}
            }
            Ok(())
        });
        read.or_else(|refusal| if refusal == Refusal::Broken { Ok(()) } else { Err(refusal) })?;
        if !reader.entries.is_empty() {
            return Ok(reader.entries);
        }
    }
    Ok(Vec::new())
}

#[derive(Default)]
struct Reader<'a> {
    part: &'a str,
    /// How deep the list is that is being read, 0 outside.
    level: u8,
    /// Within the list of contents; there are others, of pages and of landmarks.
    is_contents: bool,
    /// The element that the title stands in.
    titled_by: Option<&'static str>,
    title: String,
    place: Option<String>,
    entries: Vec<Entry>,
}

impl Reader<'_> {
    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "nav" => {
                let kind = element.attribute("type").unwrap_or_default();
                self.is_contents = kind.split_ascii_whitespace().any(|one| one == "toc");
            }
            "navMap" => self.is_contents = true,
            "ol" | "navPoint" if self.is_contents => self.level = self.level.saturating_add(1),
            "a" | "span" | "text" if self.level > 0 && self.titled_by.is_none() => {
                self.titled_by = TITLES.into_iter().find(|name| *name == element.name());
                self.title.clear();
                self.place = self.leads_to(element, "href");
            }
            // A picture in the place of a title.
            "img" if self.titled_by.is_some() => {
                self.title += &element.attribute("alt").unwrap_or_default();
            }
            "content" if self.level > 0 => {
                self.place = self.leads_to(element, "src");
                self.add();
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "nav" | "navMap" => (self.is_contents, self.level) = (false, 0),
            "ol" | "navPoint" => self.level = self.level.saturating_sub(1),
            _ if self.titled_by == Some(name) => {
                self.titled_by = None;
                // In older books the place comes behind it.
                if name != "text" {
                    self.add();
                }
            }
            _ => {}
        }
    }

    fn leads_to(&self, element: &Element<'_>, attribute: &str) -> Option<String> {
        match target(self.part, &element.attribute(attribute)?) {
            Target::Place(place) => Some(place),
            Target::Out(_) => None,
        }
    }

    fn add(&mut self) {
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = limits::shortened(&title).into_owned();
        let (level, place) = (self.level, self.place.take());
        if !title.is_empty() && self.entries.len() < TOLD_MAX {
            self.entries.push(Entry { title, level, place });
        }
        self.title.clear();
    }
}
