//! What a script of the page asks for itself, at a port that it hands over: the page's wasm
//! knows nothing of it and grows by nothing.
//!
//! `[id, node…]`, nodes as their ids' text, is answered by `[id, thumb…]`: bytes, `null`
//! where a file has no thumb, `undefined` where it cannot be had now.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessagePort};

use super::Engine;
use crate::platform::js;

/// Most thumbs that one question asks for.
const THUMBS_MAX: usize = 64;

/// Answers at a port, as long as the page lives.
pub(super) fn serve(engine: &Rc<Engine>, port: MessagePort) {
    let (engine, near) = (Rc::clone(engine), port.clone());
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let Ok(asked) = event.data().dyn_into::<Array>() else {
            return;
        };
        let (engine, port) = (Rc::clone(&engine), port.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let answer = Array::of1(&asked.get(0));
            for node in asked.iter().skip(1).take(THUMBS_MAX) {
                answer.push(&engine.thumb(&node).await);
            }
            // Nobody waits any more where this fails.
            port.post_message(&answer).ok();
        });
    });
    near.set_onmessage(Some(hear.into_js_value().unchecked_ref()));
}

impl Engine {
    async fn thumb(&self, node: &JsValue) -> JsValue {
        let node = node.as_string().and_then(|node| node.parse().ok());
        let (Some(node), Ok(replica)) = (node, self.replica()) else {
            return JsValue::UNDEFINED;
        };
        match replica.thumb(node).await {
            Ok(Some(thumb)) => js::to_js(&thumb).into(),
            Ok(None) => JsValue::NULL,
            Err(_) => JsValue::UNDEFINED,
        }
    }
}
