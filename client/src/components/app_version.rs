//! Versions of the app: a script of its own offers them, and asks here for what is the page's.

use js_sys::Promise;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Reply};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::app::{App, actions};
use crate::platform::{engine, module};

/// What can be asked; the numbers are those of `update.js`.
const SETTLE: u32 = 0;

/// The place where there is something to read when there is a new version.
pub(crate) fn region(app: App) -> impl IntoView {
    let region = NodeRef::<html::Div>::new();
    spawn_local(async move {
        let watches = module::load("update", "watches").await;
        if let (Some(Some(region)), Ok(watches)) = (region.try_get_untracked(), watches) {
            let asks = Closure::<dyn Fn(u32) -> Promise>::new(move |ask| {
                future_to_promise(async move { Ok(answer(app, ask).await) })
            });
            watches.call2(&JsValue::NULL, &region, &asks.into_js_value()).ok();
        }
    });
    view! { <div node_ref=region></div> }
}

async fn answer(app: App, ask: u32) -> JsValue {
    if ask == SETTLE {
        return actions::settle_for_update(app).await.into();
    }
    let Ok(Reply::Devices(devices)) = engine::call(Command::Devices).await else {
        return JsValue::UNDEFINED;
    };
    let this = devices.into_iter().find(|row| row.this);
    this.map_or(JsValue::UNDEFINED, |row| row.device.to_string().into())
}
