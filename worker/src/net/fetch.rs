//! One request over `fetch`, with a deadline and a bound on the answer.

use std::pin::pin;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::{JsCast, JsValue};

use super::NetError;
use super::call::{Body, Call, Transport};
use crate::platform::js;
use crate::platform::locks::{Lock, Mode, Wait};

/// The Web Lock under which the session cookie is spent.
const SESSION_LOCK: &str = "session";

/// The client of this origin's server.
pub type Api = super::api::Api<Fetch>;

/// The browser's way to the server that the page came from; it minds the cookie by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch;

impl Transport for Fetch {
    type Guard = Lock;

    async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, NetError> {
        let controller = web_sys::AbortController::new().map_err(|_| NetError::Offline)?;
        let abort = AbortOnDrop(controller);
        let work = pin!(run(call, &abort.0));
        match select(work, pin!(TimeoutFuture::new(call.timeout_ms()))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(NetError::TimedOut),
        }
    }

    async fn lock_session(&self) -> Option<Lock> {
        Lock::acquire(SESSION_LOCK, Mode::Exclusive, Wait::ForIt).await
    }
}

fn to_js(body: Body<'_>) -> JsValue {
    match body {
        Body::Bytes(bytes) => js::to_js(bytes).into(),
        Body::Blob(blob) => blob.into(),
    }
}

/// Ends the request when nobody waits for it any more; harmless after the answer.
struct AbortOnDrop(web_sys::AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(call: &Call<'_>, controller: &web_sys::AbortController) -> Result<Vec<u8>, NetError> {
    let headers = js_sys::Object::new();
    let own = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain(call.content_type.map(|kind| ("Content-Type", kind))) {
        // A plain new object takes any property.
        let _ = js_sys::Reflect::set(&headers, &name.into(), &value.into());
    }
    let body = call.body.map_or(JsValue::UNDEFINED, to_js);
    let init = js::object(&[
        ("method", call.method.into()),
        ("headers", headers.into()),
        ("body", body),
        ("credentials", "same-origin".into()),
        ("cache", "no-store".into()),
        ("redirect", "error".into()),
        ("signal", controller.signal().into()),
    ]);
    let scope = js_sys::global();
    let response = js::call_async(&scope, "fetch", &[call.path.into(), init]).await;
    // `fetch` rejects only where nobody was reached; it does not tell why.
    let response: web_sys::Response = response.map_err(|_| NetError::Offline)?.unchecked_into();
    let status = response.status();
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let number = |name: &str| header(name).and_then(|value| value.parse::<u64>().ok());
    if number("content-length").is_some_and(|length| length > call.bytes_max(status) as u64) {
        return Err(Call::too_long(status));
    }
    let buffer = js::call_async(&response, "arrayBuffer", &[]).await;
    let body = js::to_bytes(&buffer.map_err(|_| NetError::Offline)?);
    call.read(status, number("retry-after"), body)
}
