//! The line to the renderer, the worker that makes steps out of Markdown.
//!
//! It is started for the first text of a preview and ends with it. A renderer has no key
//! and no network, and is thrown away when it fails or takes too long: whatever a
//! document does to it, the page goes on, and the next text gets a new one.

use std::cell::RefCell;

use js_sys::{Promise, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

/// How long a text may take; the largest that is edited takes less than a second.
const ANSWER_MS: i32 = 20_000;

/// A renderer, started when it is first needed.
#[derive(Default)]
pub(crate) struct Renderer(RefCell<Option<Worker>>);

impl Renderer {
    /// Renders a text. One call at a time: the caller waits for the answer.
    pub(crate) async fn render(&self, text: &JsValue) -> Result<Vec<u8>, JsValue> {
        let answer = match self.post(text) {
            Ok(answer) => JsFuture::from(answer).await,
            Err(error) => Err(error),
        };
        let bytes = answer
            .and_then(|event| event.dyn_into::<MessageEvent>())
            .and_then(|event| event.data().dyn_into::<Uint8Array>());
        if bytes.is_err() {
            self.end();
        }
        bytes.map(|bytes| bytes.to_vec())
    }

    /// Ends the worker, whatever it is doing.
    pub(crate) fn end(&self) {
        if let Some(worker) = self.0.borrow_mut().take() {
            worker.terminate();
        }
    }

    fn post(&self, text: &JsValue) -> Result<Promise, JsValue> {
        let mut kept = self.0.borrow_mut();
        let worker = match kept.as_ref() {
            Some(worker) => worker,
            None => kept.insert(start()?),
        };
        worker.post_message(text)?;
        Ok(Promise::new(&mut |done, failed| {
            worker.set_onmessage(Some(&done));
            worker.set_onerror(Some(&failed));
            // Later than the answer it changes nothing.
            window().set_timeout_with_callback_and_timeout_and_arguments_0(&failed, ANSWER_MS).ok();
        }))
    }
}

fn start() -> Result<Worker, JsValue> {
    let url = super::dom::asset("markdown").ok_or("the page does not name its renderer")?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("renderer");
    Worker::new_with_options(&url, &options)
}
