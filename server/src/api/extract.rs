//! Bodies and path segments, read within their limits and refused with our codes.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use offing_core::limits;
use offing_core::proto::Code;
use serde::de::DeserializeOwned;

use crate::auth::SignedIn;
use crate::error::ApiError;

/// A JSON body of at most `limits::JSON_BODY_BYTES_MAX`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = whole_body(request.into_body(), limits::JSON_BODY_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| Code::BadRequest.into())
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

/// Reads a body whole, up to `bytes_max`.
pub(super) async fn whole_body(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::TooLarge.into()),
        Err(_) => Err(Code::BadRequest.into()),
    }
}

/// Takes the next piece of a body; `None` at its end. A body that stalls is given up.
pub(super) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(STALL_DEADLINE, body.frame())
            .await
            .map_err(|_| ApiError::new(Code::Unavailable).status(StatusCode::REQUEST_TIMEOUT))?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Code::BadRequest.into()),
            Some(Ok(frame)) => {
                // Trailers carry nothing that we read.
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

const STALL_DEADLINE: Duration = Duration::from_secs(30);
