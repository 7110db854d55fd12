//! Chunks over HTTP: uploads stream in, downloads stream out.
//!
//! A chunk never changes, so its id is its `ETag` and whoever holds it never asks again. One
//! range is served; several at once are answered with the whole chunk, as HTTP allows.

use std::ops::Range;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use hyper::body::Body as _;
use offing_core::id::{ChunkId, VaultId};
use offing_core::limits;
use offing_core::proto::{ChunksStored, Code, decode_have, encode_bitmap};

use super::admit::{Asker, Reader};
use super::extract::{Arrival, PathOf, whole_body};
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::intake::Reserved;
use crate::service::ServiceError;
use crate::service::chunks::ChunkBody;
use crate::state::AppState;
use crate::store::blob::PIECE_BYTES;

pub(super) async fn put(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf((vault, chunk)): PathOf<(VaultId, ChunkId)>,
    body: Body,
) -> Result<Json<ChunksStored>, ApiError> {
    let announced = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    let len_max = announced.unwrap_or(limits::CHUNK_SEALED_BYTES_MAX);
    let mut upload = state.services().begin_chunk(&signed_in.caller, vault, chunk, len_max).await?;
    let mut body = Arrival::new(body);
    while let Some(piece) = body.next_piece().await? {
        upload.push(&piece).await?;
    }
    let _turn = asker.turn(&state).await?;
    let stored = upload.finish().await?;
    state.metrics().chunks.fetch_add(u64::from(stored.stored), Ordering::Relaxed);
    Ok(Json(stored))
}

pub(super) async fn put_batch(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    body: Body,
) -> Result<Json<ChunksStored>, ApiError> {
    let mut body = Arrival::new(body);
    let mut upload = state.services().begin_batch(&signed_in.caller, vault).await?;
    while let Some(piece) = body.next_piece().await? {
        upload.push(&piece).await?;
    }
    let _turn = asker.turn(&state).await?;
    let stored = upload.finish().await?;
    state.metrics().chunks.fetch_add(u64::from(stored.stored), Ordering::Relaxed);
    Ok(Json(stored))
}

pub(super) async fn have(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    body: Body,
) -> Result<Response, ApiError> {
    let pool = (&state.intake().entries, signed_in.caller.account);
    let body = whole_body(pool, body, limits::HAVE_IDS_MAX * ChunkId::LEN, 1).await?;
    let _turn = asker.turn(&state).await?;
    let ids = decode_have(&body.bytes).map_err(|_| Code::BadRequest)?;
    let held = state.services().have_chunks(&signed_in.caller, vault, ids).await?;
    let media_type = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((media_type, encode_bitmap(&held)).into_response())
}

pub(super) async fn read(
    State(state): State<AppState>,
    Extension(reader): Extension<Reader>,
    Extension(asker): Extension<Asker>,
    PathOf((vault, chunk)): PathOf<(VaultId, ChunkId)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if reader.only.is_some_and(|only| only != vault) {
        return Err(Code::VaultUnknown.into());
    }
    let turn = asker.turn(&state).await?;
    let handle = state.services().chunk(&reader.caller, vault, chunk).await?;
    drop(turn);
    let (mut response, range) = begin_answer(chunk, handle.len_bytes(), &headers);
    if may_read_elsewhere(&state, &reader, &headers) {
        response.headers_mut().insert(EDGES, HeaderValue::from(state.config().edge_urls.len()));
    }
    let Some(range) = range else {
        return Ok(response);
    };
    // One piece is read while another is sent.
    let bytes_max = (2 * PIECE_BYTES).min((range.end - range.start) as usize);
    let reserved = state.intake().answers.reserve(reader.caller.account, bytes_max).await?;
    let mut body = handle.body(range)?;
    // Once the answer has begun nobody can be told why nothing comes.
    let first = body.next_piece().await?;
    *response.body_mut() = stream_out(first, body, reserved);
    Ok(response)
}

/// Says whether the app that reads here is to know of edges: they let pages of one address ask, and
/// who comes through an edge, or by another name, opened the app elsewhere.
fn may_read_elsewhere(state: &AppState, reader: &Reader, headers: &HeaderMap) -> bool {
    let config = state.config();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let opened = config.public_url.split_once("://").map(|(_, authority)| authority);
    !config.edge_urls.is_empty() && reader.only.is_none() && host.is_some() && host == opened
}

/// Begins to answer who asks with these headers for a chunk of so many bytes; with the range that is
/// the answer's body, if it has one.
pub(crate) fn begin_answer(
    chunk: ChunkId,
    len: u64,
    headers: &HeaderMap,
) -> (Response, Option<Range<u64>>) {
    let etag = format!("\"{chunk}\"");
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let known = text(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.split(',').any(|tag| [etag.as_str(), "*"].contains(&tag.trim())));
    let asked = match text(header::RANGE) {
        Some(range) if text(header::IF_RANGE).is_none_or(|tag| tag == etag) => {
            parse_range(range, len)
        }
        _ => Asked::Whole,
    };
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    answer.insert(header::ETAG, HeaderValue::from_str(&etag).expect("hex is visible ASCII"));
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return (response, None);
    }
    let range = match asked {
        Asked::Whole => 0..len,
        Asked::Part(range) => {
            let text = format!("bytes {}-{}/{len}", range.start, range.end - 1);
            let text = HeaderValue::from_str(&text).expect("numbers are visible ASCII");
            answer.insert(header::CONTENT_RANGE, text);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            range
        }
        Asked::Outside => {
            let mut response = ApiError::new(Code::RangeInvalid).into_response();
            let text = HeaderValue::from_str(&format!("bytes */{len}"))
                .expect("numbers are visible ASCII");
            response.headers_mut().insert(header::CONTENT_RANGE, text);
            return (response, None);
        }
    };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    (response, Some(range))
}

/// Sends a body whose first piece is there; what is reserved for it is, until it is sent or nobody
/// waits for it.
fn stream_out(first: Option<Bytes>, body: ChunkBody, reserved: Reserved) -> Body {
    let rest = stream::try_unfold((body, reserved), |(mut body, reserved)| async move {
        let piece = body.next_piece().await.inspect_err(|error| {
            tracing::error!(%error, "a download broke off");
        })?;
        Ok::<_, ServiceError>(piece.map(|piece| (piece, (body, reserved))))
    });
    Body::from_stream(stream::iter(first.map(Ok)).chain(rest))
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Outside,
}

/// Reads a `Range` header; what it cannot read it ignores, as HTTP wants.
fn parse_range(text: &str, len: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if last < first => return Asked::Whole,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(len),
        (Some(first), None) if last.trim().is_empty() => first..len,
        (None, Some(count)) if first.trim().is_empty() => len.saturating_sub(count)..len,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Outside } else { Asked::Part(range) }
}

/// Tells the app that there are edges, and how many; which they are comes with a ticket.
const EDGES: HeaderName = HeaderName::from_static("offing-edges");
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_http_says() {
        let check = |text: &str, expected: Asked| assert_eq!(parse_range(text, 10), expected);
        check("bytes=0-3", Asked::Part(0..4));
        check("bytes=4-", Asked::Part(4..10));
        check("bytes=-3", Asked::Part(7..10));
        check("bytes=-99", Asked::Part(0..10));
        check("bytes=8-99999999999999999999999", Asked::Part(8..10));
        check("bytes=10-", Asked::Outside);
        check("bytes=-0", Asked::Outside);
        for ignored in ["bytes=3-1", "bytes=0-1,3-4", "items=0-1", "bytes=", "bytes=a-b"] {
            check(ignored, Asked::Whole);
        }
    }
}
