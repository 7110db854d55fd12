//! The order of lists, kept as a preference of this browser.

use offing_core::rpc::{Sort, SortBy};

use crate::platform::dom;

/// What the preference is called.
const KEY: &str = "offing.sort";

/// Keeps the order for the next list.
pub(crate) fn keep(sort: Sort) {
    dom::keep_preference(KEY, text(sort));
}

/// The order that was kept; by name without one.
pub(crate) fn stored() -> Sort {
    let text = dom::preference(KEY).unwrap_or_default();
    let (by, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |by| (by, true));
    let by = match by {
        "size" => SortBy::Size,
        "modified" => SortBy::Modified,
        _ => SortBy::Name,
    };
    Sort { by, descending }
}

fn text(sort: Sort) -> &'static str {
    match (sort.by, sort.descending) {
        (SortBy::Name, false) => "name",
        (SortBy::Name, true) => "-name",
        (SortBy::Size, false) => "size",
        (SortBy::Size, true) => "-size",
        (SortBy::Modified, false) => "modified",
        (SortBy::Modified, true) => "-modified",
    }
}
