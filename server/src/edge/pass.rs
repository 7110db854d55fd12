//! Passes calls on as they are, and live sockets too.
//!
//! An edge understands nothing of them and keeps nothing: pieces go on as they come, both ways,
//! and how many calls one address has under way is bounded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use hyper_util::rt::TokioIo;
use offing_core::proto::Code;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::timeout;

use super::Edge;
use super::origin::{BrokenOff, end_to_end, next_piece};
use crate::error::ApiError;
use crate::intake::Reserved;

impl Edge {
    /// Passes a call on.
    pub(super) async fn pass(&self, address: IpAddr, asked: Request) -> Result<Response, ApiError> {
        let place = self.0.calls.reserve(address, CALL_BYTES).await?;
        let (parts, body) = asked.into_parts();
        let question = self.0.origin.question(&parts, address)?;
        let answer = self.0.origin.ask(question, body).await?;
        Ok(self.passed_back(&parts.method, answer, place))
    }

    /// What the origin answered, as it comes; its place is taken until that is over.
    pub(super) fn passed_back(
        &self,
        method: &Method,
        answer: reqwest::Response,
        place: Reserved,
    ) -> Response {
        let status = answer.status();
        let headers = end_to_end(answer.headers());
        let is_bare = *method == Method::HEAD
            || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        let stall = self.0.origin.patience.stall;
        let body = if is_bare {
            Body::empty()
        } else {
            let state = (answer, place);
            Body::from_stream(stream::try_unfold(state, move |(mut answer, place)| async move {
                let piece = next_piece(&mut answer, stall).await?;
                Ok::<_, BrokenOff>(piece.map(|piece| (piece, (answer, place))))
            }))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Passes a live socket on, if the origin takes it.
    pub(super) async fn pass_live(
        &self,
        address: IpAddr,
        mut asked: Request,
    ) -> Result<Response, ApiError> {
        let full = |_| ApiError::new(Code::Unavailable).retry_after(FULL_WAIT);
        let socket = Arc::clone(&self.0.sockets).try_acquire_owned().map_err(full)?;
        let place = self.0.calls.reserve(address, CALL_BYTES).await?;
        let near = hyper::upgrade::on(&mut asked);
        let (parts, _) = asked.into_parts();
        let mut question = self.0.origin.question(&parts, address)?;
        upgrade(&mut question.headers);
        let answer = self.0.origin.ask(question, Body::empty()).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.passed_back(&parts.method, answer, place));
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = end_to_end(answer.headers());
        upgrade(response.headers_mut());
        let (stopped, silence) = (self.0.running.stopped(), self.0.origin.patience.silence);
        tokio::spawn(async move {
            if let (Ok(near), Ok(far)) = (near.await, answer.upgrade().await) {
                join(TokioIo::new(near), far, stopped, silence).await;
            }
            drop(socket);
        });
        Ok(response)
    }
}

/// Says whether a caller wants a live socket.
pub(super) fn is_live(asked: &Request) -> bool {
    let wanted = asked.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    asked.method() == Method::GET
        && wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case("websocket"))
}

fn upgrade(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Lets two ends talk until one of them has no more to say or says nothing for too long.
async fn join(
    near: impl AsyncRead + AsyncWrite,
    far: impl AsyncRead + AsyncWrite,
    stopped: impl Future<Output = ()>,
    silence: Duration,
) {
    let ((mut near_says, mut near_hears), (mut far_says, mut far_hears)) =
        (split(near), split(far));
    tokio::select! {
        () = carry(&mut near_says, &mut far_hears, silence) => {}
        () = carry(&mut far_says, &mut near_hears, silence) => {}
        () = stopped => {}
    }
    // Either may be gone, which is why this ends.
    let ended = async { tokio::join!(near_hears.shutdown(), far_hears.shutdown()) };
    let _ = timeout(END_DEADLINE, ended).await;
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    silence: Duration,
) {
    let mut piece = [0; SOCKET_BUFFER_BYTES];
    while let Ok(Ok(len @ 1..)) = timeout(silence, from.read(&mut piece)).await {
        let carried = async {
            to.write_all(&piece[..len]).await?;
            to.flush().await
        };
        if !matches!(timeout(silence, carried).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// What a call holds while it is passed on: a piece each way, and its heads.
const CALL_BYTES: usize = 256 * 1024;
const SOCKET_BUFFER_BYTES: usize = 4 * 1024;
const FULL_WAIT: Duration = Duration::from_secs(30);
const END_DEADLINE: Duration = Duration::from_secs(5);
