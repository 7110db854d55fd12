//! Saving a stream to the person's disk.
//!
//! Where the service worker controls the page, the stream is handed to it and a hidden
//! frame asks for it as a download, so nothing is held in memory. Elsewhere the stream is
//! gathered into a blob. Frames are removed after a while, when their download has begun.

use js_sys::{Array, Object, Promise, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, HtmlIFrameElement, ReadableStream, ServiceWorker, Url};

use super::timer;

/// How long a download's frame stays.
const FRAME_MS: u32 = 60_000;
/// How often the service worker is told that it is still needed.
const KEEPALIVE_MS: u32 = 20_000;
/// How often it is told at most: for a day.
const KEEPALIVES_MAX: u64 = 24 * 60 * 3;
/// A download that is slower than this may be given up by the browser; one of unknown
/// size is taken for a large one.
const BYTES_PER_KEEPALIVE: u64 = 4 * 1024 * 1024;
/// How long a blob's address stays.
const BLOB_MS: u32 = 30_000;

#[wasm_bindgen]
extern "C" {
    type Response;
    #[wasm_bindgen(constructor, catch)]
    fn new(body: &ReadableStream) -> Result<Response, JsValue>;
    #[wasm_bindgen(method)]
    fn blob(this: &Response) -> Promise;
}

/// Saves a stream under a name.
pub(crate) async fn save(
    name: &str,
    size: Option<u64>,
    stream: ReadableStream,
) -> Result<(), JsValue> {
    match controller() {
        Some(worker) => through_worker(&worker, name, size, &stream).await,
        None => save_blob(name, &gather(&stream).await?).await,
    }
}

/// Gathers a stream into a blob.
pub(crate) async fn gather(stream: &ReadableStream) -> Result<Blob, JsValue> {
    JsFuture::from(Response::new(stream)?.blob()).await?.dyn_into()
}

/// Saves text as a file.
pub(crate) async fn save_text(name: &str, text: &str) -> Result<(), JsValue> {
    save_blob(name, &Blob::new_with_str_sequence(&Array::of1(&text.into()))?).await
}

fn controller() -> Option<ServiceWorker> {
    let container = Reflect::get(&window().navigator(), &"serviceWorker".into()).ok()?;
    let container: web_sys::ServiceWorkerContainer = container.dyn_into().ok()?;
    container.controller()
}

async fn through_worker(
    worker: &ServiceWorker,
    name: &str,
    size: Option<u64>,
    stream: &ReadableStream,
) -> Result<(), JsValue> {
    let token = format!(
        "{:x}{:x}",
        (js_sys::Math::random() * f64::from(u32::MAX)) as u32,
        (js_sys::Math::random() * f64::from(u32::MAX)) as u32
    );
    let message = Object::new();
    let size_hint = size.unwrap_or(u64::MAX);
    let size = size.map_or(JsValue::NULL, |size| JsValue::from_f64(size as f64));
    for (key, value) in [
        ("type", JsValue::from_str("download")),
        ("token", JsValue::from_str(&token)),
        ("name", JsValue::from_str(name)),
        ("size", size),
        ("stream", stream.into()),
    ] {
        Reflect::set(&message, &key.into(), &value)?;
    }
    worker.post_message_with_transferable(&message, &Array::of1(stream))?;
    let address = format!("/_download/{token}/{}", js_sys::encode_uri_component(name));
    keep_alive(worker.clone(), size_hint);
    let frame: HtmlIFrameElement = document().create_element("iframe")?.dyn_into()?;
    frame.set_hidden(true);
    frame.set_src(&address);
    body()?.append_child(&frame)?;
    leptos::task::spawn_local(async move {
        timer::pause(FRAME_MS).await;
        frame.remove();
    });
    Ok(())
}

/// Tells the service worker now and then that a stream goes through it, or the browser
/// would stop it in the middle.
fn keep_alive(worker: ServiceWorker, bytes: u64) {
    let times = (bytes / BYTES_PER_KEEPALIVE + 3).min(KEEPALIVES_MAX);
    leptos::task::spawn_local(async move {
        for _ in 0..times {
            timer::pause(KEEPALIVE_MS).await;
            let message = Object::new();
            let named = Reflect::set(&message, &"type".into(), &"keepalive".into());
            if named.is_err() || worker.post_message(&message).is_err() {
                return;
            }
        }
    });
}

async fn save_blob(name: &str, blob: &Blob) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.set_hidden(true);
    body()?.append_child(&link)?;
    link.click();
    link.remove();
    leptos::task::spawn_local(async move {
        timer::pause(BLOB_MS).await;
        Url::revoke_object_url(&url).ok();
    });
    Ok(())
}

fn body() -> Result<web_sys::HtmlElement, JsValue> {
    document().body().ok_or_else(|| "the document has no body".into())
}
