//! What the editor and rendered texts ask of the page about files: pictures, links, what is
//! pasted and dropped.

use js_sys::{Array, Promise};
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Reply};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::preview;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::engine::{self, Answer};

/// What can be asked; the numbers are those of `asks.js`.
const READ: u32 = 1;
const GO: u32 = 2;
const ADD: u32 = 3;
const DRAW: u32 = 4;

/// The function that is called with what is asked and about what; paths go `from` a text or a
/// folder, and what is added goes to `folder`.
pub(crate) fn beside(app: App, folder: NodeId, from: NodeId) -> JsValue {
    Closure::<dyn Fn(u32, JsValue) -> Promise>::new(move |ask: u32, about: JsValue| {
        future_to_promise(async move { Ok(answer(app, folder, from, ask, about).await) })
    })
    .into_js_value()
}

/// Answers `undefined` where a path leads nowhere, or to nothing that can be read now.
async fn answer(app: App, folder: NodeId, from: NodeId, ask: u32, about: JsValue) -> JsValue {
    if ask == ADD {
        actions::upload_picked(app, folder, about.unchecked_ref());
        return JsValue::TRUE;
    }
    let about = Array::from(&about);
    if ask == DRAW {
        preview::draw(about.get(0).unchecked_into(), &about.get(1), app.t(Msg::PreviewMissing))
            .await;
        return JsValue::TRUE;
    }
    let path = about.iter().filter_map(|name| name.as_string()).collect();
    let command = Command::FollowLink { from, path };
    let Ok(Reply::Linked(Some(node))) = engine::call(command).await else {
        return JsValue::UNDEFINED;
    };
    match ask {
        READ => match engine::call_with(Command::OpenContent { node }, &Array::new()).await {
            Ok(Answer { reply: Reply::Download { name, size }, extra }) => {
                let size = size.unwrap_or_default() as f64;
                Array::of3(&name.into(), &size.into(), &extra).into()
            }
            Ok(_) | Err(_) => JsValue::UNDEFINED,
        },
        GO => {
            app.open(node);
            JsValue::TRUE
        }
        _ => node.to_string().into(),
    }
}
