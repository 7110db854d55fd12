//! What leads somewhere or stands for something: links, notes, pictures.

use super::Reader;
use crate::{
    blocks::{Missing, Picture, Span, Target, picture_kind},
    epub::place::{path, target},
    limits,
    package::Element,
};

/// What refers to a note is cut after this.
pub(super) const MARK_BYTES_MAX: usize = 32;

impl Reader {
    pub(super) fn open_link(&mut self, element: &Element<'_>) {
        let Some(reference) = element.attribute("href") else { return };
        let target = target(&self.part, &reference);
        match target {
            Target::Place(place) if self.mark.is_none() && is_kind(element, &["noteref"]) => {
                self.mark = self.notes.place(place).map(|index| (index, String::new()));
            }
            target @ (Target::Out(_) | Target::Place(_)) => {
                self.state.link = self.links.place(target)
            }
        }
    }

    pub(super) fn close_mark(&mut self) {
        if let Some((index, mut mark)) = self.mark.take() {
            mark.truncate(mark.floor_char_boundary(MARK_BYTES_MAX));
            let mark = if mark.is_empty() { "※".to_owned() } else { mark };
            self.put(Span::Note { index, mark });
        }
    }

    pub(super) fn open_picture(&mut self, element: &Element<'_>) {
        // One that stands for a note is not drawn: its mark is.
        if self.mark.is_some() {
            return;
        }
        self.is_drawn = true;
        let source = element.attribute(if element.name() == "img" { "src" } else { "href" });
        let path = path(&self.part, &source.unwrap_or_default());
        let alt = element.attribute("alt").unwrap_or_default();
        let alt = limits::shortened(&alt).into_owned();
        // In a drawing they are in units of its own.
        let pixels = |name| {
            let number = element.number::<u32>(name).filter(|_| !self.state.is_drawing);
            number.unwrap_or(0)
        };
        let (width, height) = (pixels("width"), pixels("height"));
        self.picture(&path, Picture { alt, width, height, ..Picture::default() });
    }

    pub(super) fn picture(&mut self, path: &str, picture: Picture) {
        let path = path.to_ascii_lowercase();
        if self.cover.as_deref() == Some(&path) {
            return;
        }
        let is_there = self.parts.contains(&path) && picture_kind(&path).is_some();
        let index = if is_there { self.pictures.place(path) } else { None };
        self.put(match index {
            Some(index) => Span::Picture(Picture { index, ..picture }),
            None => Span::Missing(Missing::NoPicture),
        });
    }
}

/// Whether an element says of itself that it is one of these.
pub(super) fn is_kind(element: &Element<'_>, kinds: &[&str]) -> bool {
    ["type", "role"].iter().any(|attribute| {
        let said = element.attribute(attribute).unwrap_or_default();
        said.split_ascii_whitespace().any(|one| kinds.contains(&one.trim_start_matches("doc-")))
    })
}
