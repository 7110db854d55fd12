//! Bodies and path segments, read within their limits and refused with our codes.

use std::hash::Hash;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use offing_core::limits;
use offing_core::proto::Code;
use serde::de::DeserializeOwned;

use super::admit::{Asker, CallerAddress};
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::intake::{Pool, Reserved};
use crate::state::AppState;
use crate::turns::Turn;

/// A JSON body of at most `limits::JSON_BODY_BYTES_MAX`, and the turn of its call.
pub(super) struct JsonBody<T>(pub(super) T, pub(super) Turn);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let address = request.extensions().get::<CallerAddress>().copied();
        let CallerAddress(address) = address.expect("`admit` notes the address of each call");
        let asker = *request.extensions().get::<Asker>().expect("`admit` notes who asks");
        let pool = (&state.intake().forms, address);
        let body = whole_body(pool, request.into_body(), limits::JSON_BODY_BYTES_MAX, 1).await?;
        let turn = asker.turn(state).await?;
        let read = serde_json::from_slice(&body.bytes);
        read.map(|body| Self(body, turn)).map_err(|_| Code::BadRequest.into())
    }
}

/// The segments of the path that the route names.
pub(super) struct PathOf<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Code::BadRequest.into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| Code::SignedOut.into())
    }
}

/// A body that was gathered, and the memory reserved for it.
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    _reserved: Option<Reserved>,
}

/// Reads a body whole, up to `bytes_max`; what it announces is reserved when it begins to come,
/// counted `weight` times.
pub(super) async fn whole_body<K: Eq + Hash>(
    (pool, who): (&Pool<K>, K),
    body: Body,
    bytes_max: usize,
    weight: usize,
) -> Result<Whole, ApiError> {
    let announced = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    let len_max = announced.unwrap_or(bytes_max).min(bytes_max);
    let mut arriving = Arrival::new(body);
    let Some(first) = arriving.next_piece().await? else {
        return Ok(Whole { bytes: Vec::new(), _reserved: None });
    };
    let reserved = pool.reserve(who, len_max.saturating_mul(weight)).await?;
    let mut bytes = Vec::with_capacity(len_max);
    let mut next = Some(first);
    while let Some(piece) = next {
        if bytes.len() + piece.len() > bytes_max {
            return Err(Code::TooLarge.into());
        }
        bytes.extend_from_slice(&piece);
        next = arriving.next_piece().await?;
    }
    Ok(Whole { bytes, _reserved: Some(reserved) })
}

/// A body as it arrives. One that stalls, or comes too slowly for too long, is given up.
pub(crate) struct Arrival {
    body: Body,
    received_bytes: u64,
    /// How long we waited for the caller; what we were busy with ourselves does not count.
    waited: Duration,
}

impl Arrival {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, received_bytes: 0, waited: Duration::ZERO }
    }

    /// Takes the next piece; `None` at the end.
    pub(crate) async fn next_piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let begun = Instant::now();
            let patience = patience(self.received_bytes, self.waited);
            let frame = tokio::time::timeout(patience, self.body.frame()).await.map_err(|_| {
                ApiError::new(Code::Unavailable).status(StatusCode::REQUEST_TIMEOUT)
            })?;
            self.waited += begun.elapsed();
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Code::BadRequest.into()),
                Some(Ok(frame)) => {
                    // Trailers carry nothing that we read.
                    if let Ok(piece) = frame.into_data() {
                        self.received_bytes += piece.len() as u64;
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

/// How long the next piece may take, after this much in this time.
fn patience(received_bytes: u64, waited: Duration) -> Duration {
    let earned = Duration::from_millis(received_bytes.saturating_mul(1_000) / BYTES_PER_SECOND_MIN);
    (GRACE + earned).saturating_sub(waited).min(STALL_DEADLINE)
}

const STALL_DEADLINE: Duration = Duration::from_secs(30);
/// How long a body may be slower than [`BYTES_PER_SECOND_MIN`].
const GRACE: Duration = Duration::from_secs(60);
/// About what a largest chunk needs to arrive within its call's deadline.
const BYTES_PER_SECOND_MIN: u64 = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_drips_is_given_up_and_a_slow_one_is_not() {
        let seconds = Duration::from_secs;
        assert_eq!(patience(0, seconds(0)), STALL_DEADLINE);
        assert_eq!(patience(1, seconds(59)), seconds(1));
        assert_eq!(patience(9, seconds(90)), seconds(0));
        assert_eq!(patience(8 * 1024 * 200, seconds(200)), STALL_DEADLINE);
        assert_eq!(patience(u64::MAX, seconds(500)), STALL_DEADLINE);
    }
}
