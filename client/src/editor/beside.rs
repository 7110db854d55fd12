//! What the editor asks of the page about the files beside a text: pictures, links, what is
//! pasted and dropped.

use js_sys::{Array, Promise};
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Reply};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::app::{App, actions};
use crate::platform::engine::{self, Answer};

/// What can be asked; the numbers are those of `beside.js`.
const READ: u32 = 1;
const GO: u32 = 2;
const ADD: u32 = 3;

/// The function that the editor calls, with what it asks and about what.
pub(crate) fn beside(app: App, text: NodeId, folder: NodeId) -> JsValue {
    Closure::<dyn Fn(u32, JsValue) -> Promise>::new(move |ask: u32, about: JsValue| {
        future_to_promise(async move { Ok(answer(app, text, folder, ask, about).await) })
    })
    .into_js_value()
}

/// Answers `undefined` where a path leads nowhere, or to nothing that can be read now.
async fn answer(app: App, text: NodeId, folder: NodeId, ask: u32, about: JsValue) -> JsValue {
    if ask == ADD {
        actions::upload_picked(app, folder, about.unchecked_ref());
        return JsValue::TRUE;
    }
    let path = Array::from(&about).iter().filter_map(|name| name.as_string()).collect();
    let Ok(Reply::Linked(Some(node))) = engine::call(Command::FollowLink { text, path }).await
    else {
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
        _ => JsValue::TRUE,
    }
}
