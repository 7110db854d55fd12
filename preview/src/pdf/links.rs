//! A page's links: where they stand on it, and where they lead.
//!
//! A link leads to a place in the file, or to an address of the web or of mail, which is told and not
//! followed. What else a file would have happen at a click (a script, a program, another file, a form)
//! is no link here, and neither is what is out of sight or covers its page: it would catch clicks that
//! are meant for something else.

use hayro::{
    hayro_interpret::TransformExt as _,
    hayro_syntax::{
        object::{Array, Dict, Name, Rect as Area, String as PdfString},
        page::Page,
    },
    kurbo::Rect,
};
use serde::Serialize;

use super::{
    places::{Place, Places},
    size,
};

/// A page's further links are left out.
pub const LINKS_MAX: usize = 2000;
/// A page's further annotations are not looked at.
const ANNOTATIONS_MAX: usize = 20_000;
/// What is longer is no address.
pub const ADDRESS_BYTES_MAX: usize = 2048;
/// What covers more of its page, as a part of it, is no link.
const COVERS_MAX: f64 = 0.5;
/// What is thinner, in points, nobody meets.
const SIDE_PT_MIN: f64 = 1.0;
/// Flags of what is not to be seen on a screen.
const UNSEEN: i32 = 1 << 1 | 1 << 5;

/// Schemes of addresses that a link may lead to.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// A link: a rectangle of its page as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// From the page's left edge.
    pub x: f32,
    /// From the page's upper edge.
    pub y: f32,
    /// How wide it is.
    pub width: f32,
    /// How high it is.
    pub height: f32,
    /// Where it leads.
    pub leads: Leads,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Leads {
    /// To a place in the file.
    Place(Place),
    /// Out of it.
    Address(String),
}

/// The links of a page, in its order.
pub(super) fn read<'a>(page: &Page<'a>, places: &Places<'a>) -> Vec<Link> {
    let annotations = page.raw().get::<Array<'_>>(b"Annots").into_iter();
    annotations
        .flat_map(|annotations| annotations.iter::<Dict<'_>>().take(ANNOTATIONS_MAX))
        .filter_map(|annotation| link(page, &annotation, places))
        .take(LINKS_MAX)
        .collect()
}

fn link<'a>(page: &Page<'a>, annotation: &Dict<'a>, places: &Places<'a>) -> Option<Link> {
    let is_link = annotation.get::<Name<'_>>(b"Subtype")?.as_ref() == b"Link";
    let is_seen = annotation.get::<i32>(b"F").is_none_or(|flags| flags & UNSEEN == 0);
    if !is_link || !is_seen {
        return None;
    }
    let area = shown(page, annotation.get(b"Rect")?)?;
    let leads = match places.of(annotation) {
        Some(place) => Leads::Place(place),
        None => Leads::Address(address(annotation)?),
    };
    Some(Link {
        x: area.x0 as f32,
        y: area.y0 as f32,
        width: area.width() as f32,
        height: area.height() as f32,
        leads,
    })
}

/// The part of the page that a rectangle of the file is, if a person would take that for a link.
fn shown(page: &Page<'_>, area: Area) -> Option<Rect> {
    let (width, height) = size(page);
    let whole = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let area = Rect::new(area.x0, area.y0, area.x1, area.y1);
    let area = page.initial_transform(true).to_kurbo().transform_rect_bbox(area);
    if !area.is_finite() {
        return None;
    }
    let area = area.intersect(whole);
    let is_met = area.width() >= SIDE_PT_MIN && area.height() >= SIDE_PT_MIN;
    (is_met && area.area() <= whole.area() * COVERS_MAX).then_some(area)
}

/// The address out of the file that an annotation leads to.
fn address(annotation: &Dict<'_>) -> Option<String> {
    let action = annotation.get::<Dict<'_>>(b"A")?;
    if action.get::<Name<'_>>(b"S")?.as_ref() != b"URI" {
        return None;
    }
    let address = action.get::<PdfString<'_>>(b"URI")?;
    let address = std::str::from_utf8(address.as_bytes()).ok()?.trim();
    let (scheme, rest) = address.split_once(':')?;
    let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_plain = !rest.is_empty() && !address.contains(char::is_control);
    (is_known && is_plain && address.len() <= ADDRESS_BYTES_MAX).then(|| address.to_owned())
}
