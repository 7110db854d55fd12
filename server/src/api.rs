//! The calls of the server: one table that router and documentation are both made from.
//!
//! Handlers are thin: they take a checked request apart, ask `auth` or `service`, and put
//! the answer together. [`CALLS`] is the only list of calls, so a call cannot exist without
//! its limits, its access rule and its place in `openapi.json`.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use offing_core::limits;
use offing_core::proto::{API_PREFIX, Code};
use rand::RngCore as _;

use crate::error::{ApiError, Suspicion};
use crate::metrics::known;
use crate::spans::CALL;
use crate::state::AppState;

pub(crate) use admit::address;
pub use calls::CALLS;
pub(crate) use chunks::begin_answer;

mod account;
mod admin;
mod admit;
mod calls;
pub(crate) mod checkup;
mod chunks;
pub(crate) mod extract;
mod factors;
pub mod headers;
pub mod live;
mod openapi;
mod refused;
mod releases;
pub(crate) mod tickets;
mod vaults;

/// A call.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The path below the API's prefix.
    pub path: &'static str,
    /// What authorises it.
    pub access: Access,
    /// Which buckets it is counted in.
    pub rate: Rate,
    /// Its body.
    pub takes: Takes,
    /// What it answers when it succeeds.
    pub gives: Gives,
    /// What it does, in a line.
    pub says: &'static str,
    /// Its own refusals, beside those that every call of its access shares.
    pub refuses: &'static [Code],
    route: fn() -> MethodRouter<AppState>,
}

/// What authorises a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing; a live socket wants an origin of our own.
    Open,
    /// The session cookie, and an origin of our own.
    Cookie,
    /// An access token.
    Bearer,
    /// An access token, or a ticket for the vault that is read.
    Reader,
    /// The cookie of the page for whoever keeps the server, and an origin of our own.
    Admin,
}

/// Which buckets a call is counted in: of its account, or of its address where it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// That of calls.
    Call,
    /// That of calls, and one of its own that holds one in so many of them: for what people rarely do,
    /// and what takes more of the server than others.
    Part(u32),
    /// That of transfers of chunks.
    Transfer,
}

/// What a call's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// There is none.
    Nothing,
    /// The connection becomes a WebSocket.
    Socket,
    /// JSON of this type of `offing_core::proto`, or of the page that asks.
    Json(&'static str),
    /// Bytes.
    Bytes {
        /// Most bytes.
        bytes_max: usize,
    },
}

/// What a call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// 204 without a body.
    Nothing,
    /// Messages of this type over a WebSocket.
    Messages(&'static str),
    /// JSON of this type of `offing_core::proto`, or of the page that asks.
    Json(&'static str),
    /// Bytes.
    Bytes,
}

impl Takes {
    pub(crate) fn bytes_max(self) -> u64 {
        match self {
            Self::Nothing | Self::Socket => 0,
            Self::Json(_) => limits::JSON_BODY_BYTES_MAX as u64,
            Self::Bytes { bytes_max } => bytes_max as u64,
        }
    }

    /// The media type that the body must have, if there is one.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Socket => None,
            Self::Json(_) => Some("application/json"),
            Self::Bytes { .. } => Some("application/octet-stream"),
        }
    }
}

/// Makes the router of everything the server answers.
pub fn router(state: &AppState) -> Router {
    let mut router = Router::new();
    for call in CALLS {
        let gate = admit::Gate { state: state.clone(), call };
        let admitted =
            (call.route)().route_layer(middleware::from_fn_with_state(gate, admit::admit));
        router = router.route(&format!("{API_PREFIX}{}", call.path), admitted);
    }
    router
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(account::ready))
        .method_not_allowed_fallback(|| async {
            ApiError::new(Code::NotFound).status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .fallback(fallback)
        .layer(middleware::from_fn_with_state(state.clone(), around))
        .with_state(state.clone())
}

/// What is no call is a file of the client, or a place in it.
async fn fallback(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::new(Code::NotFound).into_response();
    }
    let next = state.rollouts().folder(state.now_ms());
    state.assets().answer(next.as_deref(), request.method(), path, request.headers()).await
}

/// Around everything: a request id, a line in the log, the security headers.
async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let address = address(state.config(), &request);
    let id = request_id();
    let method = request.method().clone();
    // The pattern, not the path: a path may name what people would rather not see in a log.
    let route = request.extensions().get::<MatchedPath>().map_or("file", |path| path.as_str());
    let status = tracing::field::Empty;
    let span = tracing::info_span!(CALL, id, method = known(&method), route, status);
    let (start, path) = (Instant::now(), route.to_owned());
    let request = request.map(|body| state.metrics().receives(body));
    let response = tracing::Instrument::instrument(next.run(request), span.clone()).await;
    let (took, status) = (start.elapsed(), response.status().as_u16());
    state.metrics().answered(&method, &path, status, took);
    let code = response.extensions().get::<Code>().copied();
    span.record("status", status);
    span.in_scope(|| {
        if let Some(code) = code {
            state.metrics().refused(code);
            let suspicion = response.extensions().get::<Suspicion>();
            refused::note(&state, (address, &id), code, suspicion);
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(took_ms, "answered");
    });
    let mut response = response.map(|body| state.metrics().sends(body));
    headers::secure(&mut response, state.config());
    name_request(&mut response, &id);
    response
}

/// A name for a request, in the log and for who made it.
pub(crate) fn request_id() -> String {
    hex::encode(rand::rngs::OsRng.next_u64().to_be_bytes())
}

/// Tells who made a request what it is called.
pub(crate) fn name_request(response: &mut Response, id: &str) {
    let id = HeaderValue::from_str(id).expect("hex is visible ASCII");
    response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
}
