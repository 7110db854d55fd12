//! The README of a folder, below its list: a place that a script fills.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

use super::listing::Listing;
use crate::editor::beside::beside;
use crate::platform::module;
use crate::state::rows::Rows;

/// Shows the README of a folder where it has one.
pub(crate) fn readme(listing: Listing) -> impl IntoView {
    let region = NodeRef::<html::Section>::new();
    let ask = beside(listing.app, listing.node, listing.node);
    // Whatever changes in the folder may be it.
    let revision = Memo::new(move |_| listing.rows.with(Rows::revision));
    Effect::new(move |_| {
        // The list comes first.
        let (Some(region), 1..) = (region.get(), revision.get()) else { return };
        let ask = ask.clone();
        spawn_local(async move {
            if let Ok(shows) = module::load("readme", "showsReadme").await {
                shows.call2(&JsValue::NULL, &region, &ask).ok();
            }
        });
    });
    view! { <section class="readme scroll" aria-label="README.md" tabindex="0" hidden=true node_ref=region></section> }
}
