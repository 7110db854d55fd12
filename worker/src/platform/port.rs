//! A `MessagePort` at which something is read in ranges.
//!
//! `[id, start, end]` is answered by `[id, Uint8Array]`, shorter than asked for at the end of
//! it, or by `[id]` where it cannot be read now. Anything else closes the port and
//! drops the source.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageChannel, MessageEvent, MessagePort};

use super::js;

/// What is read in ranges.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Ranges: 'static {
    /// Reads as much of a range as there is, or nothing where it cannot be read now.
    async fn read(&self, range: Range<u64>) -> Option<Vec<u8>>;
}

/// Serves a source at a port, of which this is the other end.
pub fn serve<R: Ranges>(source: R) -> Result<MessagePort, JsValue> {
    let channel = MessageChannel::new()?;
    let (near, far) = (channel.port1(), channel.port2());
    let slot = RefCell::new(Some(Rc::new(source)));
    let port = near.clone();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        let numbers = data.dyn_ref::<Array>().map(|parts| [0, 1, 2].map(|at| number(parts, at)));
        let source = slot.borrow().clone();
        let (Some([Some(id), Some(start), Some(end)]), Some(source)) = (numbers, source) else {
            slot.take();
            return port.close();
        };
        let port = port.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let answer = Array::of1(&id.into());
            let transfer = Array::new();
            if let Some(bytes) = source.read(start as u64..end as u64).await {
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

fn number(parts: &Array, at: u32) -> Option<f64> {
    parts.get(at).as_f64().filter(|number| *number >= 0.0)
}
