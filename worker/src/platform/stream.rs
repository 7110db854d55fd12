//! A `ReadableStream` that pulls its bytes from Rust, for downloads.
//!
//! The browser asks for a piece when it has room, so nothing is read ahead of a slow disk.
//! Canceling, by the person or because the reader went away, drops the source.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::future_to_promise;
use web_sys::{ReadableStream, ReadableStreamDefaultController};

use super::js;

/// Where the bytes of a stream come from.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Source: 'static {
    /// Gives the next piece, never an empty one; `None` at the end. An error's text is for
    /// the log: it makes the download fail visibly instead of ending it short.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, String>;
}

/// Makes a stream of what the source gives; it may be transferred to another context.
pub fn readable<S: Source>(source: S) -> Result<ReadableStream, JsValue> {
    let slot = Rc::new(RefCell::new(Some(source)));
    let canceled = Rc::clone(&slot);
    let pull = Closure::<dyn FnMut(ReadableStreamDefaultController) -> js_sys::Promise>::new(
        move |controller: ReadableStreamDefaultController| {
            let slot = Rc::clone(&slot);
            future_to_promise(async move {
                // Taken out while it works, so that a cancel meanwhile finds the slot empty;
                // the browser never pulls again before this promise settles.
                let taken = slot.borrow_mut().take();
                let Some(mut source) = taken else {
                    return Ok(JsValue::UNDEFINED);
                };
                match source.next().await {
                    Ok(Some(bytes)) => {
                        // Fails if the stream was canceled; then the source goes as well.
                        if controller.enqueue_with_chunk(&js::to_js(&bytes)).is_ok() {
                            *slot.borrow_mut() = Some(source);
                        }
                        Ok(JsValue::UNDEFINED)
                    }
                    Ok(None) => controller.close().map(|()| JsValue::UNDEFINED),
                    Err(reason) => Err(js_sys::Error::new(&reason).into()),
                }
            })
        },
    );
    let cancel = Closure::once_into_js(move |_: JsValue| {
        canceled.borrow_mut().take();
    });
    let underlying = js::object(&[("pull", pull.into_js_value()), ("cancel", cancel)]);
    ReadableStream::new_with_underlying_source(underlying.unchecked_ref())
}
