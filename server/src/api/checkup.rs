//! What the page at `/checkup` asks, which names what stands wrong between a browser and this server.
//!
//! Anybody may ask. Nothing is stored and no account is looked at; how often one address asks is bounded,
//! and how many do at once. Of addresses it says by which way they come, never which they are.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, Version, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use offing_core::limits;
use offing_core::proto::Code;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::admit::{CallerAddress, take};
use super::extract::Arrival;
use super::headers;
use crate::config::Config;
use crate::error::ApiError;
use crate::listening::Peer;
use crate::state::AppState;

/// What the server knows of a request that came to it.
#[derive(Debug, Serialize)]
pub(super) struct Checkup {
    /// The server's version.
    pub(super) version: String,
    /// Its clock, in milliseconds since 1970.
    pub(super) now_ms: i64,
    /// How people are to reach it, as it was told.
    pub(super) public_url: String,
    /// The name that it was called by.
    pub(super) host: String,
    /// The version of HTTP that it was called with.
    pub(super) http: &'static str,
    /// Which of the headers came that devices send and proxies may take away.
    pub(super) heard: Vec<&'static str>,
    /// How it learns for whom a call is.
    pub(super) callers: Callers,
    /// The headers that its answers have when they leave.
    pub(super) headers: Vec<SentHeader>,
    /// Bodies that it takes: the largest chunk, and the largest batch of chunks.
    pub(super) bodies_bytes: [usize; 2],
    /// Edges that the app is told of.
    pub(super) edges: Vec<String>,
    /// How long the answer of `/checkup/pieces` takes.
    pub(super) pieces_ms: u64,
}

/// A header of every answer.
#[derive(Debug, Serialize)]
pub(super) struct SentHeader {
    pub(super) name: String,
    pub(super) value: String,
}

/// How the server learns for whom a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Callers {
    /// By the connection; nothing seems to stand between.
    Direct,
    /// A proxy or an edge says so.
    Told,
    /// Somebody between says so and is not trusted: all who call count as that one.
    Unheeded,
    /// Whoever stands between does not say.
    Untold,
}

/// Says how much came.
#[derive(Debug, Serialize)]
pub(super) struct Received {
    pub(super) received_bytes: u64,
}

/// How many ask at once for what takes a while.
#[derive(Debug)]
pub(crate) struct Checkups(Arc<Semaphore>);

impl Default for Checkups {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

pub(super) async fn seen(State(state): State<AppState>, request: Request) -> Json<Checkup> {
    let asked = request.headers();
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    let headers = headers::of_every_answer(state.config());
    let as_text = |(name, value): (HeaderName, Cow<'static, str>)| SentHeader {
        name: name.as_str().to_owned(),
        value: value.into_owned(),
    };
    Json(Checkup {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now_ms: state.now_ms(),
        public_url: state.config().public_url.clone(),
        host: host.to_owned(),
        http: if request.version() == Version::HTTP_2 { "2" } else { "1.1" },
        heard: SENT.into_iter().filter(|name| asked.contains_key(*name)).collect(),
        callers: callers(state.config(), asked, peer),
        headers: headers.map(as_text).collect(),
        bodies_bytes: [limits::CHUNK_SEALED_BYTES_MAX, limits::CHUNK_BATCH_BYTES_MAX],
        edges: state.config().edge_urls.clone(),
        pieces_ms: PIECES_MS,
    })
}

/// Takes a body as large as any that devices send, counts it and keeps nothing.
pub(super) async fn body(
    State(state): State<AppState>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    request: Request,
) -> Result<Json<Received>, ApiError> {
    let _place = place(&state, address)?;
    let mut arriving = Arrival::new(request.into_body());
    let mut received_bytes = 0;
    while let Some(piece) = arriving.next_piece().await? {
        received_bytes += piece.len() as u64;
        if received_bytes > limits::CHUNK_BATCH_BYTES_MAX as u64 {
            return Err(Code::TooLarge.into());
        }
    }
    Ok(Json(Received { received_bytes }))
}

/// Answers piece by piece, with a while between them.
pub(super) async fn pieces(
    State(state): State<AppState>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
) -> Result<Response, ApiError> {
    let place = place(&state, address)?;
    let pieces = stream::unfold((0, place), |(sent, place)| async move {
        if sent == PIECES {
            return None;
        }
        if sent > 0 {
            sleep(PIECE_EVERY).await;
        }
        let piece = Ok::<_, Infallible>(Bytes::from_static(&[b'.'; PIECE_BYTES]));
        Some((piece, (sent + 1, place)))
    });
    let media_type = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((media_type, Body::from_stream(pieces)).into_response())
}

/// Opens a socket that says how much it was told, once.
pub(super) async fn live(
    State(state): State<AppState>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| Code::BadRequest)?;
    let place = place(&state, address)?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        // Whoever says nothing in time is let go.
        let _ = timeout(LIVE_DEADLINE, answer(socket)).await;
        drop(place);
    }))
}

async fn answer(mut socket: WebSocket) -> Result<(), axum::Error> {
    while let Some(message) = socket.recv().await {
        if let Message::Text(said) = message? {
            let received = Received { received_bytes: said.len() as u64 };
            let text = serde_json::to_string(&received).expect("a number always encodes");
            socket.send(Message::Text(text.into())).await?;
            return socket.send(Message::Close(None)).await;
        }
    }
    Ok(())
}

/// A place among those who ask for what takes a while.
fn place(state: &AppState, address: IpAddr) -> Result<OwnedSemaphorePermit, ApiError> {
    take(state, &format!("checkup|{address}"), ASKED_PER_MINUTE)?;
    let place = Arc::clone(&state.checkups().0).try_acquire_owned();
    place.map_err(|_| ApiError::new(Code::Unavailable).retry_after(BUSY_WAIT))
}

fn callers(config: &Config, asked: &HeaderMap, peer: Option<IpAddr>) -> Callers {
    let is_edge = peer.is_some_and(|peer| config.edges.contains(&peer));
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let stands_between = config.trust_proxy || is_edge;
    // A machine asks itself under another's name where a proxy is on it.
    let is_hidden = peer.is_some_and(|peer| peer.is_loopback()) && !is_this_machine(host);
    match asked.contains_key("x-forwarded-for") {
        true if stands_between => Callers::Told,
        true => Callers::Unheeded,
        false if stands_between || is_hidden => Callers::Untold,
        false => Callers::Direct,
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_matches(['[', ']']);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What devices send with calls, and proxies may take away.
const SENT: [&str; 2] = ["authorization", "range"];
/// A page asks for four of these at a time.
const ASKED_PER_MINUTE: u32 = 24;
const AT_ONCE: usize = 16;
const BUSY_WAIT: Duration = Duration::from_secs(5);
const PIECES: u32 = 5;
/// Less than any proxy gathers before it passes something on, if it gathers.
const PIECE_BYTES: usize = 256;
const PIECE_EVERY: Duration = Duration::from_millis(200);
const PIECES_MS: u64 = PIECE_EVERY.as_millis() as u64 * (PIECES as u64 - 1);
const MESSAGE_BYTES_MAX: usize = 1024;
const LIVE_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn whoever_stands_between_is_found_by_what_it_says_and_by_what_not() {
        let (edge, far, near) = ("203.0.113.7", "198.51.100.1", "127.0.0.1");
        let seen = |trust_proxy: bool, peer: &str, told: Option<&str>, host: &str| {
            let settings = Settings {
                trust_proxy: Some(trust_proxy),
                edges: Some(vec![edge.parse().unwrap()]),
                ..Settings::default()
            };
            let mut asked = HeaderMap::new();
            asked.insert(header::HOST, host.parse().unwrap());
            if let Some(told) = told {
                asked.insert("x-forwarded-for", told.parse().unwrap());
            }
            callers(&settings.finish().unwrap(), &asked, Some(peer.parse().unwrap()))
        };
        let name = "drive.example";
        assert_eq!(seen(false, far, None, name), Callers::Direct);
        assert_eq!(seen(false, near, None, "localhost:7070"), Callers::Direct);
        assert_eq!(seen(false, near, None, "[::1]:7070"), Callers::Direct);
        assert_eq!(seen(false, near, None, name), Callers::Untold);
        assert_eq!(seen(true, near, None, name), Callers::Untold);
        assert_eq!(seen(true, near, Some("1.2.3.4"), name), Callers::Told);
        assert_eq!(seen(false, edge, Some("1.2.3.4"), name), Callers::Told);
        assert_eq!(seen(false, near, Some("1.2.3.4"), name), Callers::Unheeded);
    }
}
