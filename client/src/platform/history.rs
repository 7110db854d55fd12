//! The address bar.

use leptos::prelude::window;
use wasm_bindgen::JsValue;

use crate::state::route::Route;

/// Reads where the page is.
pub(crate) fn current() -> Route {
    let location = window().location();
    Route::parse(&location.pathname().unwrap_or_default(), &location.hash().unwrap_or_default())
}

/// Goes to an address and keeps the way back.
pub(crate) fn push(href: &str) {
    if let Ok(history) = window().history() {
        history.push_state_with_url(&JsValue::NULL, "", Some(href)).ok();
    }
}

/// Changes the address and leaves no way back.
pub(crate) fn replace(href: &str) {
    if let Ok(history) = window().history() {
        history.replace_state_with_url(&JsValue::NULL, "", Some(href)).ok();
    }
}
