//! The table of contents.
//!
//! It is a linked tree, and a hostile one links in circles or nests without end: items are
//! visited once, with bounds on their number and depth. A destination that leads to no page
//! leaves the title, without a link.

use std::collections::HashSet;

use hayro::hayro_syntax::{
    Pdf,
    object::{Dict, String as PdfString},
};
use serde::Serialize;

use super::{places::Places, strings};

/// Further items are left out.
pub const ITEMS_MAX: usize = 5000;
/// Deeper items are left out.
const DEPTH_MAX: u8 = 16;

/// A line of the table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its text.
    pub title: String,
    /// How deep it stands, from 0.
    pub depth: u8,
    /// The page that it leads to.
    pub page: Option<usize>,
}

pub(super) fn read<'a>(pdf: &'a Pdf, places: &Places<'a>) -> Vec<Item> {
    let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else {
        return Vec::new();
    };
    let Some(outlines) = catalog.get::<Dict<'_>>(b"Outlines") else {
        return Vec::new();
    };
    let mut items = Vec::new();
    let mut visited = HashSet::new();
    let mut next = vec![(outlines.get::<Dict<'_>>(b"First"), 0)];
    while let Some((item, depth)) = next.pop() {
        let Some(item) = item else { continue };
        let seen = item.obj_id().is_none_or(|id| !visited.insert(id));
        if seen || items.len() == ITEMS_MAX {
            continue;
        }
        let title = item.get::<PdfString<'_>>(b"Title");
        let title = title.map(|title| strings::read(title.as_bytes())).unwrap_or_default();
        if !title.is_empty() {
            items.push(Item { title, depth, page: places.of(&item).map(|place| place.page) });
        }
        next.push((item.get::<Dict<'_>>(b"Next"), depth));
        if depth < DEPTH_MAX {
            next.push((item.get::<Dict<'_>>(b"First"), depth + 1));
        }
    }
    items
}
