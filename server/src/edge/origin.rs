//! The origin, as an edge asks it: in the name of a caller, within a time, and not while it is away.
//!
//! What is said from one end to the other is passed on; what is between two of them alone is not.
//! The origin hears the name that people used, since it compares the pages that call with it, and
//! the caller's address as the only one. A body goes on as it comes.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use futures_util::stream;
use hyper::body::Body as _;
use offing_core::proto::Code;
use rand::RngCore as _;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::api::CALLS;
use crate::api::extract::Arrival;
use crate::breaker::{Attempt, Breaker};
use crate::error::ApiError;
use crate::state::Clock;

/// How long an edge waits for its origin.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until it takes a connection.
    pub connect: Duration,
    /// Until it begins to answer who sent it nothing.
    pub answer: Duration,
    /// Until it begins to answer, once it has all that it was sent: it may have to store that.
    pub store: Duration,
    /// Until the next piece of an answer comes.
    pub stall: Duration,
    /// Until a live socket says something, pings included.
    pub silence: Duration,
    /// For a whole question, and for a whole chunk.
    pub call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(5),
            answer: seconds(30),
            store: seconds(120),
            stall: seconds(30),
            silence: seconds(90),
            call: seconds(620),
        }
    }
}

/// A question, without its body.
pub(super) struct Question {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

/// The origin.
pub(super) struct Origin {
    http: reqwest::Client,
    /// Scheme, name and port.
    url: String,
    breaker: Breaker,
    pub(super) patience: Patience,
    clock: Clock,
    /// What this edge adds to `Via`, by which it knows its own questions.
    via: HeaderValue,
}

impl Origin {
    /// The origin at `url`, which was checked when the configuration was read.
    pub(super) fn new(url: String, patience: Patience, clock: Clock) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connect)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .tcp_nodelay(true)
            .build()?;
        let via = format!("1.1 offing-{:016x}", rand::rngs::OsRng.next_u64());
        let via = HeaderValue::from_str(&via).expect("hex is visible ASCII");
        Ok(Self { http, url, breaker: Breaker::default(), patience, clock, via })
    }

    /// Says whether nobody asks it at the moment.
    pub(super) fn is_away(&self) -> bool {
        self.breaker.is_open()
    }

    /// What a caller asks, as the origin is to hear it.
    pub(super) fn question(&self, asked: &Parts, address: IpAddr) -> Result<Question, ApiError> {
        let target = asked.uri.path_and_query().map(|target| target.as_str());
        // `*` and the like would run into the origin's name.
        let target = target.filter(|target| target.starts_with('/')).ok_or(Code::BadRequest)?;
        if asked.method == Method::CONNECT {
            return Err(Code::BadRequest.into());
        }
        let via = asked.headers.get_all(header::VIA);
        if via.iter().any(|via| contains(via.as_bytes(), self.via.as_bytes())) {
            tracing::error!("the origin of this edge is this edge");
            return Err(ApiError::new(Code::Unavailable).status(LOOP));
        }
        let mut headers = end_to_end(&asked.headers);
        for told in ["forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-proto", "expect"] {
            headers.remove(told);
        }
        let address = HeaderValue::from_str(&address.to_string()).expect("an address is ASCII");
        headers.insert(FORWARDED_FOR, address);
        headers.append(header::VIA, self.via.clone());
        Ok(Question { method: asked.method.clone(), target: target.to_owned(), headers })
    }

    /// Asks, and waits until the answer begins.
    pub(super) async fn ask(
        &self,
        question: Question,
        body: Body,
    ) -> Result<reqwest::Response, ApiError> {
        if body.size_hint().lower() > body_bytes_max() {
            return Err(Code::TooLarge.into());
        }
        let away = |wait| ApiError::new(Code::Unavailable).retry_after(wait);
        let attempt = self.breaker.ask((self.clock)()).map_err(away)?;
        let Question { method, target, headers } = question;
        let asked = self.http.request(method, format!("{}{target}", self.url)).headers(headers);
        let (sent, all_sent) = oneshot::channel::<()>();
        let (fault, has_body) = (Fault::default(), !body.is_end_stream());
        let asked = if has_body {
            asked.body(passed_on(body, fault.clone(), sent))
        } else {
            drop(sent);
            asked
        };
        let too_late = async {
            // It is dropped when there is nothing more to send.
            let _ = all_sent.await;
            sleep(if has_body { self.patience.store } else { self.patience.answer }).await;
        };
        let answered = async {
            tokio::select! {
                answered = asked.send() => answered.map_err(Some),
                () = too_late => Err(None),
            }
        };
        match timeout(self.patience.call, answered).await.unwrap_or(Err(None)) {
            Ok(response) => {
                attempt.succeeded();
                Ok(response)
            }
            Err(error) => {
                // One that takes no more of a body may have refused it: that is no failure.
                let is_failure = !has_body || error.as_ref().is_none_or(reqwest::Error::is_connect);
                Err(fault.take().unwrap_or_else(|| self.failed(attempt, error, is_failure)))
            }
        }
    }

    /// Refuses, since the origin did not answer.
    fn failed(
        &self,
        attempt: Attempt<'_>,
        error: Option<reqwest::Error>,
        is_failure: bool,
    ) -> ApiError {
        // Its address is in the configuration, and its path is nobody's business.
        let error = error.map_or("too late".to_owned(), |error| causes(&error.without_url()));
        tracing::warn!(error, "the origin does not answer");
        if is_failure {
            attempt.failed((self.clock)());
        }
        ApiError::new(Code::Unavailable).retry_after(FAILED_WAIT)
    }
}

/// Reports an answer that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("the origin's answer broke off")]
pub(super) struct BrokenOff;

impl From<BrokenOff> for ApiError {
    fn from(_: BrokenOff) -> Self {
        Self::new(Code::Unavailable).retry_after(FAILED_WAIT)
    }
}

/// The next piece of an answer, within this time.
pub(super) async fn next_piece(
    answer: &mut reqwest::Response,
    stall: Duration,
) -> Result<Option<bytes::Bytes>, BrokenOff> {
    match timeout(stall, answer.chunk()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(_)) | Err(_) => Err(BrokenOff),
    }
}

/// What a caller did wrong while his question was passed on.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<ApiError>>>);

impl Fault {
    fn take(&self) -> Option<ApiError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body, watched and bounded as the origin would; `sent` is dropped at its end.
fn passed_on(body: Body, fault: Fault, sent: oneshot::Sender<()>) -> reqwest::Body {
    let state = (Arrival::new(body), 0, sent);
    reqwest::Body::wrap_stream(stream::try_unfold(state, move |(mut body, passed, sent)| {
        let fault = fault.clone();
        async move {
            let broke_off = |error| {
                *fault.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                std::io::Error::other("the caller broke off")
            };
            let Some(piece) = body.next_piece().await.map_err(broke_off)? else {
                return Ok(None);
            };
            let passed = passed + piece.len() as u64;
            if passed > body_bytes_max() {
                return Err(broke_off(Code::TooLarge.into()));
            }
            Ok::<_, std::io::Error>(Some((piece, (body, passed, sent))))
        }
    }))
}

/// The most that any call takes; the origin knows what each does.
fn body_bytes_max() -> u64 {
    CALLS.iter().map(|call| call.takes.bytes_max()).max().unwrap_or_default()
}

/// What of these headers is said to the other end, and not to the next one on the way.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all(header::CONNECTION).iter();
    let named: Vec<HeaderName> = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let is_kept = |name: &HeaderName| !HOP_BY_HOP.contains(&name.as_str()) && !named.contains(name);
    let kept = headers.iter().filter(|(name, _)| is_kept(name));
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in kept {
        all.append(name.clone(), value.clone());
    }
    all
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |all, cause| format!("{all}: {cause}"))
}

const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const LOOP: axum::http::StatusCode = axum::http::StatusCode::LOOP_DETECTED;
/// Shorter than what an origin lets a connection idle.
const IDLE: Duration = Duration::from_secs(45);
const IDLE_MAX: usize = 64;
const FAILED_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_two_neighbours_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("authorization", "Bearer a"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let kept = end_to_end(&headers);
        assert_eq!(kept.len(), 3);
        assert_eq!(kept.get_all("cookie").iter().count(), 2);
    }
}
