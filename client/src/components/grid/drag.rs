//! Dragging rows: what is taken along and what is seen under the pointer.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::Row;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, HtmlElement};

use crate::components::listing::Listing;
use crate::i18n::Msg;
use crate::platform::timer;
use crate::state::selection::Selection;

/// Takes along what is selected, or the row itself.
pub(super) fn start_drag(listing: Listing, row: Option<Row>, index: u32, event: &DragEvent) {
    let (Some(row), Some(data)) = (row, event.data_transfer()) else {
        return;
    };
    if listing.node == NodeId::TRASH {
        return event.prevent_default();
    }
    if !listing.selection.with_untracked(|selection| selection.contains(row.node)) {
        listing.selection.update(|selection| selection.one(index, row.clone()));
    }
    let nodes = listing.selection.with_untracked(Selection::nodes);
    let text = match nodes.len() {
        1 => row.name,
        count => listing.app.t(Msg::Items(count as u32)),
    };
    data.set_effect_allowed("copyMove");
    data.set_data("text/plain", &text).ok();
    listing.app.dragged.set(nodes);
    let ghost =
        document().create_element("div").ok().and_then(|it| it.dyn_into::<HtmlElement>().ok());
    let (Some(ghost), Some(body)) = (ghost, document().body()) else {
        return;
    };
    ghost.set_class_name("drag-ghost");
    ghost.set_text_content(Some(&text));
    if body.append_child(&ghost).is_ok() {
        data.set_drag_image(&ghost, 12, 12);
        spawn_local(async move {
            // The browser takes its picture when this handler has ended.
            timer::pause(0).await;
            ghost.remove();
        });
    }
}
