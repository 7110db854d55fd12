//! The search box: a script of its own that comes when it gets the focus, or in idle time.
//!
//! This only gives it what is the engine's: the names that fit, the port at which the searcher
//! asks, and the folder that is shown.

use js_sys::{Array, Promise};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Hit, Reply};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::crumbs::crumb_name;
use crate::app::App;
use crate::i18n::Msg;
use crate::platform::engine::{self, Answer};
use crate::platform::{module, timer};
use crate::state::measure;

/// What can be asked; the numbers are those of `box.js`.
const NAMES: u32 = 1;
const FOLDER: u32 = 2;
const CONTENT: u32 = 3;

/// How long after the start texts begin to be read.
const IDLE_MS: u32 = 20_000;

/// Shows the search box.
pub(crate) fn search(app: App) -> impl IntoView {
    let region = NodeRef::<html::Div>::new();
    let ask = asks(app);
    let begin = move |pause_ms| {
        let ask = ask.clone();
        spawn_local(async move {
            timer::pause(pause_ms).await;
            let begins = module::load("search", "searches").await;
            if let (Some(Some(region)), Ok(begins)) = (region.try_get_untracked(), begins) {
                begins.call2(&JsValue::NULL, &region, &ask).ok();
            }
        });
    };
    begin(IDLE_MS);
    view! {
        <div class="search" role="search" node_ref=region on:focusin=move |_| begin(0)>
            <input
                type="search"
                class="input"
                aria-label=app.t(Msg::Search)
                placeholder=app.t(Msg::Search)
                autocomplete="off"
                spellcheck="false"
            />
        </div>
    }
}

/// The function that is called with what is asked and about what.
fn asks(app: App) -> JsValue {
    Closure::<dyn Fn(u32, JsValue) -> Promise>::new(move |ask: u32, about: JsValue| {
        future_to_promise(async move { Ok(answer(app, ask, about).await) })
    })
    .into_js_value()
}

async fn answer(app: App, ask: u32, about: JsValue) -> JsValue {
    match ask {
        NAMES => {
            let query = about.as_string().unwrap_or_default();
            match engine::call(Command::Search { query }).await {
                Ok(Reply::Hits(hits)) => {
                    hits.into_iter().map(|hit| line(app, hit)).collect::<Array>().into()
                }
                Ok(_) => JsValue::UNDEFINED,
                Err(fault) => {
                    app.failed(&fault);
                    JsValue::UNDEFINED
                }
            }
        }
        FOLDER => {
            app.folder.get_untracked().map_or(JsValue::UNDEFINED, |node| node.to_string().into())
        }
        CONTENT => {
            let Some(node) = about.as_string().and_then(|node| node.parse().ok()) else {
                return JsValue::UNDEFINED;
            };
            match engine::call_with(Command::OpenContent { node }, &Array::new()).await {
                Ok(Answer { reply: Reply::Download { size, .. }, extra }) => {
                    Array::of2(&(size.unwrap_or_default() as f64).into(), &extra).into()
                }
                Ok(_) | Err(_) => JsValue::UNDEFINED,
            }
        }
        _ => match engine::call_with(Command::OpenIndex, &Array::new()).await {
            Ok(answer) => {
                Array::of3(&answer.extra, &app.href(NodeId::ROOT).into(), &app.t(Msg::Root).into())
                    .into()
            }
            Err(_) => JsValue::UNDEFINED,
        },
    }
}

/// Address, icon, name and place of what was found.
fn line(app: App, hit: Hit) -> JsValue {
    let place: Vec<String> = hit.path.iter().map(|crumb| crumb_name(app, crumb)).collect();
    Array::of4(
        &app.href(hit.row.node).into(),
        &measure::icon(&hit.row.name, hit.row.kind).into(),
        &hit.row.name.into(),
        &place.join(" / ").into(),
    )
    .into()
}
