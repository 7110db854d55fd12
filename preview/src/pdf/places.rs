//! Where destinations lead: of the table of contents, and of links.
//!
//! A destination names a page, and may say what of it is to be at the top; or it is a name, for which
//! the file has a table of the old kind or a tree of the new one. Nothing leads out of the file.

use std::collections::{HashMap, HashSet};

use hayro::{
    hayro_interpret::TransformExt as _,
    hayro_syntax::{
        Pdf,
        object::{Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as PdfString},
        page::Page,
    },
    kurbo::Point,
};
use serde::Serialize;

/// Further nodes of the table of names are not looked at.
const NAME_NODES_MAX: usize = 10_000;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Place {
    /// The page.
    pub page: usize,
    /// What of it is to be at the top, if that is said.
    pub top: Option<f32>,
}

/// The places of a file, by how it names them.
pub(super) struct Places<'a> {
    shown: &'a [Page<'a>],
    pages: HashMap<ObjectIdentifier, usize>,
    /// Destinations with names of the old kind.
    dests: Option<Dict<'a>>,
    /// Those of the new kind.
    names: HashMap<Vec<u8>, Object<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        let shown: &[Page<'_>] = pdf.pages();
        let pages = shown.iter().enumerate();
        let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
        let names = catalog.as_ref().and_then(|catalog| catalog.get::<Dict<'_>>(b"Names"));
        Self {
            shown,
            pages: pages.filter_map(|(index, page)| Some((page.raw().obj_id()?, index))).collect(),
            dests: catalog.and_then(|catalog| catalog.get(b"Dests")),
            names: names.and_then(|names| names.get(b"Dests")).map(table).unwrap_or_default(),
        }
    }

    /// The place that an item of the contents or a link leads to.
    pub(super) fn of(&self, item: &Dict<'a>) -> Option<Place> {
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
        let mut parts = place.raw_iter();
        let page = match parts.next()? {
            MaybeRef::Ref(page) => *self.pages.get(&page.into())?,
            // Some write the page's number, which the format has for other files only.
            MaybeRef::NotRef(Object::Number(page)) => {
                usize::try_from(page.as_i64()).ok().filter(|page| *page < self.shown.len())?
            }
            MaybeRef::NotRef(_) => return None,
        };
        Some(Place { page, top: self.top(page, &parts.collect::<Vec<_>>()) })
    }

    /// How far down the place is on its page as that is shown.
    fn top(&self, page: usize, view: &[MaybeRef<Object<'_>>]) -> Option<f32> {
        let number = |at: usize| match view.get(at) {
            Some(MaybeRef::NotRef(Object::Number(number))) => Some(number.as_f64()),
            _ => None,
        };
        let Some(MaybeRef::NotRef(Object::Name(kind))) = view.first() else { return None };
        let (left, top) = match kind.as_ref() {
            b"XYZ" => (number(1), number(2)?),
            b"FitH" | b"FitBH" => (None, number(1)?),
            b"FitR" => (number(1), number(4)?),
            _ => return None,
        };
        let page = self.shown.get(page)?;
        let point = page.initial_transform(true).to_kurbo() * Point::new(left.unwrap_or(0.0), top);
        point.y.is_finite().then(|| (point.y as f32).clamp(0.0, super::size(page).1))
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
