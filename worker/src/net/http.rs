//! One request over `fetch`, with a deadline and a bound on the answer.

use std::pin::pin;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::{JsCast, JsValue};

use super::NetError;
use crate::platform::js;

/// How long a small request may take.
const TIMEOUT_MS: u32 = 30_000;
/// The slowest line that is waited for, when many bytes travel.
const BYTES_PER_MS_MIN: usize = 16;
/// Most bytes of the body of a refusal that are looked at.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    /// Bytes of this worker's memory.
    Bytes(&'a [u8]),
    /// What the browser reads by itself.
    Blob(&'a web_sys::Blob),
}

impl Body<'_> {
    fn len_bytes(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Blob(blob) => blob.size() as usize,
        }
    }

    fn to_js(self) -> JsValue {
        match self {
            Self::Bytes(bytes) => js::to_js(bytes).into(),
            Self::Blob(blob) => blob.into(),
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Option<Body<'a>>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Most bytes that a sensible answer has.
    pub(super) answer_bytes_max: usize,
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
}

/// Sends a request; whatever is no success is an error.
pub(super) async fn send(call: &Call<'_>) -> Result<Answer, NetError> {
    let bytes = call.body.map_or(0, Body::len_bytes).max(call.answer_bytes_max);
    let timeout_ms = TIMEOUT_MS + u32::try_from(bytes / BYTES_PER_MS_MIN).unwrap_or(0);
    let controller = web_sys::AbortController::new().map_err(|_| NetError::Offline)?;
    let abort = AbortOnDrop(controller);
    let work = pin!(run(call, &abort.0));
    match select(work, pin!(TimeoutFuture::new(timeout_ms))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(NetError::TimedOut),
    }
}

/// Ends the request when nobody waits for it any more; harmless after the answer.
struct AbortOnDrop(web_sys::AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(call: &Call<'_>, controller: &web_sys::AbortController) -> Result<Answer, NetError> {
    let headers = js_sys::Object::new();
    let own = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain(call.content_type.map(|kind| ("Content-Type", kind))) {
        // A plain new object takes any property.
        let _ = js_sys::Reflect::set(&headers, &name.into(), &value.into());
    }
    let body = call.body.map_or(JsValue::UNDEFINED, Body::to_js);
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
    let limit = if response.ok() { call.answer_bytes_max } else { REFUSAL_BYTES_MAX };
    if number("content-length").is_some_and(|length| length > limit as u64) {
        return Err(if status >= 500 {
            NetError::Unavailable { status, retry_after_ms: None }
        } else {
            NetError::Malformed
        });
    }
    let buffer = js::call_async(&response, "arrayBuffer", &[]).await;
    let body = js::to_bytes(&buffer.map_err(|_| NetError::Offline)?);
    if !response.ok() {
        return Err(NetError::from_response(status, number("retry-after"), &body));
    }
    if body.len() > limit { Err(NetError::Malformed) } else { Ok(Answer { body }) }
}
