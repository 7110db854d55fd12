//! What is told beside the blocks: headings, links, changes.

use std::collections::HashMap;

use super::{Block, Heading, Span};
use crate::limits;

/// Headings, links and changes that are told of, each.
pub(crate) const TOLD_MAX: usize = 10_000;

/// What is told once and then named by its place.
pub(crate) struct Told<T> {
    pub(crate) all: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { all: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Told<T> {
    /// The place of a thing; none where there are too many.
    pub(crate) fn place(&mut self, thing: T) -> Option<usize> {
        if let Some(place) = self.places.get(&thing) {
            return Some(*place);
        }
        let place = self.all.len();
        (place < TOLD_MAX).then(|| {
            self.all.push(thing.clone());
            self.places.insert(thing, place);
            place
        })
    }
}

/// The headings of a text.
pub(crate) fn outline(blocks: &[Block]) -> Vec<Heading> {
    let headings = blocks.iter().enumerate().filter_map(|(block, of)| {
        let Block::Text(paragraph) = of else { return None };
        if paragraph.heading == 0 {
            return None;
        }
        let mark = paragraph.item.as_ref().map(|(_, mark)| format!("{mark} "));
        let mut title = mark.unwrap_or_default();
        for span in &paragraph.spans {
            if let Span::Text(text) = span {
                title += &text.text;
            }
        }
        let title = limits::shortened(title.trim()).into_owned();
        let level = paragraph.heading;
        (!title.is_empty()).then_some(Heading { title, level, block: Some(block) })
    });
    headings.take(TOLD_MAX).collect()
}
