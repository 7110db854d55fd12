//! Pauses and frames of the browser, as futures.

use js_sys::Promise;
use leptos::prelude::window;
use wasm_bindgen_futures::JsFuture;

/// Waits for some milliseconds.
pub(crate) async fn pause(ms: u32) {
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    settle(Promise::new(&mut |done, _| {
        // A timer that cannot be set must not stop the caller for ever.
        if window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms).is_err() {
            done.call0(&wasm_bindgen::JsValue::NULL).ok();
        }
    }))
    .await;
}

/// Waits for the next frame; in a hidden tab, where there are none, for a moment.
pub(crate) async fn frame() {
    if window().document().is_some_and(|document| document.hidden()) {
        return pause(16).await;
    }
    settle(Promise::new(&mut |done, _| {
        if window().request_animation_frame(&done).is_err() {
            done.call0(&wasm_bindgen::JsValue::NULL).ok();
        }
    }))
    .await;
}

/// Waits until what was set is in the document, before the browser paints it or hears a key.
pub(crate) async fn rendered() {
    // An effect may set what another one shows; few go deeper than this.
    for _ in 0..8 {
        leptos::task::tick().await;
    }
}

/// Milliseconds since the page was opened; never goes back.
pub(crate) fn now_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}

async fn settle(promise: Promise) {
    JsFuture::from(promise).await.ok();
}
