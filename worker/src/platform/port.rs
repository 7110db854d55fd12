//! A `MessagePort` at which something is asked.
//!
//! `[id, …]` is answered by `[id, Uint8Array]`, or by `[id]` where that cannot be had now.
//! Anything else closes the port and drops what answers.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageChannel, MessageEvent, MessagePort};

use super::js;

/// An answer on its way.
pub type Answering = LocalBoxFuture<'static, Option<Vec<u8>>>;

/// Serves what answers at a port, of which this is the other end.
pub fn serve(answers: Rc<dyn Fn(Array) -> Answering>) -> Result<MessagePort, JsValue> {
    let channel = MessageChannel::new()?;
    let (near, far) = (channel.port1(), channel.port2());
    let slot = RefCell::new(Some(answers));
    let port = near.clone();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let asked = event.data().dyn_into::<Array>().ok();
        let asked = asked.and_then(|asked| Some((number(&asked, 0)?, asked)));
        let answers = slot.borrow().clone();
        let (Some((id, asked)), Some(answers)) = (asked, answers) else {
            slot.take();
            return port.close();
        };
        let port = port.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let answer = Array::of1(&id.into());
            let transfer = Array::new();
            if let Some(bytes) = answers(asked).await {
                let bytes = js::to_js(&bytes);
                transfer.push(&bytes.buffer());
                answer.push(&bytes);
            }
            // Nobody waits any more where this fails.
            port.post_message_with_transferable(&answer, &transfer).ok();
        });
    });
    near.set_onmessage(Some(hear.into_js_value().unchecked_ref()));
    Ok(far)
}

/// A number of a message.
pub fn number(parts: &Array, at: u32) -> Option<f64> {
    parts.get(at).as_f64().filter(|number| *number >= 0.0)
}
