//! The table of contents.
//!
//! It is a linked tree, and a hostile one links in circles or nests without end: items are
//! visited once, with bounds on their number and depth. A destination that leads to no page
//! leaves the title, without a link.

use std::collections::{HashMap, HashSet};

use hayro::hayro_syntax::{
    Pdf,
    object::{Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as PdfString},
};
use serde::Serialize;

use super::strings;

/// Further items are left out.
pub const ITEMS_MAX: usize = 5000;
/// Deeper items are left out.
const DEPTH_MAX: u8 = 16;
/// Further nodes of the table of names are not looked at.
const NAME_NODES_MAX: usize = 10_000;

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

pub(super) fn read(pdf: &Pdf) -> Vec<Item> {
    let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else {
        return Vec::new();
    };
    let Some(outlines) = catalog.get::<Dict<'_>>(b"Outlines") else {
        return Vec::new();
    };
    let targets = Targets::new(pdf, &catalog);
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
            items.push(Item { title, depth, page: targets.of(&item) });
        }
        next.push((item.get::<Dict<'_>>(b"Next"), depth));
        if depth < DEPTH_MAX {
            next.push((item.get::<Dict<'_>>(b"First"), depth + 1));
        }
    }
    items
}

/// Where destinations lead.
struct Targets<'a> {
    pages: HashMap<ObjectIdentifier, usize>,
    /// Destinations with names of the old kind.
    dests: Option<Dict<'a>>,
    /// Those of the new kind.
    names: HashMap<Vec<u8>, Object<'a>>,
}

impl<'a> Targets<'a> {
    fn new(pdf: &'a Pdf, catalog: &Dict<'a>) -> Self {
        let pages = pdf.pages().iter().enumerate();
        let names = catalog.get::<Dict<'_>>(b"Names");
        Self {
            pages: pages.filter_map(|(index, page)| Some((page.raw().obj_id()?, index))).collect(),
            dests: catalog.get(b"Dests"),
            names: names.and_then(|names| names.get(b"Dests")).map(table).unwrap_or_default(),
        }
    }

    /// The page that an item leads to.
    fn of(&self, item: &Dict<'a>) -> Option<usize> {
        let target = item.get::<Object<'_>>(b"Dest").or_else(|| {
            let action = item.get::<Dict<'_>>(b"A")?;
            let goes = action.get::<Name<'_>>(b"S").is_some_and(|kind| kind.as_ref() == b"GoTo");
            if goes { action.get::<Object<'_>>(b"D") } else { None }
        })?;
        let target = if let Object::Name(name) = &target {
            self.dests.as_ref()?.get::<Object<'_>>(name.as_ref())?
        } else if let Object::String(name) = &target {
            self.names.get(name.as_bytes())?.clone()
        } else {
            target
        };
        let place = if let Object::Dict(holder) = &target {
            holder.get::<Array<'_>>(b"D")?
        } else {
            target.into_array()?
        };
        match place.raw_iter().next()? {
            MaybeRef::Ref(page) => self.pages.get(&page.into()).copied(),
            // Some write the page's number, which the format has for other files only.
            MaybeRef::NotRef(Object::Number(page)) => {
                usize::try_from(page.as_i64()).ok().filter(|page| *page < self.pages.len())
            }
            MaybeRef::NotRef(_) => None,
        }
    }
}

/// A tree of names as one table.
fn table(root: Dict<'_>) -> HashMap<Vec<u8>, Object<'_>> {
    let mut names = HashMap::new();
    let mut visited = HashSet::new();
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        let seen = node.obj_id().is_some_and(|id| !visited.insert(id));
        if seen || names.len() + visited.len() > NAME_NODES_MAX {
            continue;
        }
        let mut pairs = node.get::<Array<'_>>(b"Names").into_iter().flat_map(|pairs| {
            let mut pairs = pairs.flex_iter();
            std::iter::from_fn(move || {
                Some((pairs.next::<PdfString<'_>>()?, pairs.next::<Object<'_>>()?))
            })
        });
        for (name, target) in pairs.by_ref().take(NAME_NODES_MAX) {
            names.insert(name.as_bytes().to_vec(), target);
        }
        if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
            nodes.extend(kids.iter::<Dict<'_>>().take(NAME_NODES_MAX));
        }
    }
    names
}
