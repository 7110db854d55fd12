//! Asks the browser to wake the service worker when the network is there.
//!
//! Only a page can ask (Background Sync is not exposed to the engine's worker), and only
//! Chromium has it; elsewhere the outbox is emptied at the next opening. Asking again
//! under the same tag replaces what was asked before.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The tag that the service worker listens for.
const TAG: &str = "outbox";

/// Asks for a push of the outbox with no tab open. Nothing depends on it.
pub(crate) fn ask_for_push() {
    // Refused where the browser lacks it or a person switched it off.
    spawn_local(async { drop(register().await) });
}

async fn register() -> Result<(), JsValue> {
    let container = Reflect::get(&window().navigator(), &"serviceWorker".into())?;
    let ready: Promise = Reflect::get(&container, &"ready".into())?.dyn_into()?;
    let registration = JsFuture::from(ready).await?;
    let sync = Reflect::get(&registration, &"sync".into())?;
    if sync.is_undefined() {
        return Ok(());
    }
    let register: Function = Reflect::get(&sync, &"register".into())?.dyn_into()?;
    let asked: Promise = register.call1(&sync, &TAG.into())?.dyn_into()?;
    JsFuture::from(asked).await.map(drop)
}
