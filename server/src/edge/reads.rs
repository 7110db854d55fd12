//! Reading chunks: from here if they are here and the caller may, from the origin otherwise.
//!
//! The origin is asked for each read (`If-None-Match`; 304 is leave to serve what is here), unless
//! it has let the same token read the same vault a short time ago and has confirmed the chunk
//! within a day. Whatever else it answers is passed on. Nothing is served that was not hashed.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use offing_core::id::AccountId;
use offing_core::limits;
use offing_core::proto::{API_PREFIX, Code};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::Edge;
use super::cache::{Held, Wanted};
use super::flights::{Flight, Leader};
use super::leave::Leave;
use super::origin::{BrokenOff, Origin, next_piece};
use crate::api::begin_answer;
use crate::error::ApiError;
use crate::intake::Reserved;

/// A caller who wants a chunk, and what it shows for it.
pub(super) struct Reader {
    pub(super) address: IpAddr,
    pub(super) parts: Parts,
    pub(super) wanted: Wanted,
    pub(super) leave: Leave,
    /// Whose ticket it has shown, if it has one, which is leave.
    pub(super) account: Option<AccountId>,
}

impl Wanted {
    /// The chunk that a path names, in its one spelling.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix(API_PREFIX)?.strip_prefix("/vaults/")?;
        let (vault, chunk) = path.split_once("/chunks/")?;
        let wanted = Self { vault: vault.parse().ok()?, chunk: chunk.parse().ok()? };
        let is_canonical = wanted.vault.to_string() == vault && wanted.chunk.to_string() == chunk;
        is_canonical.then_some(wanted)
    }
}

impl Edge {
    /// Answers who wants a chunk.
    pub(super) async fn read(
        &self,
        wanted: Wanted,
        address: IpAddr,
        asked: Request,
    ) -> Result<Response, ApiError> {
        let Some(leave) = Leave::of(asked.headers(), &wanted.vault) else {
            return self.pass(address, asked).await;
        };
        // Who has it asks whether it is still there.
        let is_known = asked.headers().contains_key(header::IF_NONE_MATCH);
        if is_known && self.0.cache.holds(&wanted).is_none() {
            return self.pass(address, asked).await;
        }
        let parts = asked.into_parts().0;
        self.read_as(Reader { address, parts, wanted, leave, account: None }).await
    }

    /// Answers a caller whose leave is looked into when it is known what there is.
    pub(super) async fn read_as(&self, reader: Reader) -> Result<Response, ApiError> {
        for _ in 0..TRIES {
            if let Some(answer) = self.try_read(&reader).await? {
                return Ok(answer);
            }
        }
        self.pass(reader.address, Request::from_parts(reader.parts, Body::empty())).await
    }

    /// Answers from what is here or on its way; `None` if it turns out that it is not.
    async fn try_read(&self, reader: &Reader) -> Result<Option<Response>, ApiError> {
        if let Some(held) = self.0.cache.holds(&reader.wanted) {
            if let Some(refused) = self.may_read(reader, Some(held)).await? {
                return Ok(Some(refused));
            }
            let reserved = self.0.memory.reserve(reader.address, held.len as usize).await?;
            let read = self.0.cache.read(reader.wanted).await;
            let bytes = read.map(|bytes| reserved.hold(bytes));
            return Ok(bytes.map(|bytes| self.kept(reader, &bytes)));
        }
        // Before it is known who fetches: nobody is to wait for another one's share.
        let most = limits::CHUNK_SEALED_BYTES_MAX;
        let reserved = self.0.memory.reserve(reader.address, most).await?;
        match self.0.flights.join(reader.wanted) {
            Flight::Leads(leader) => self.fetch(reader, leader, reserved).await.map(Some),
            Flight::Follows(waiter) => {
                drop(reserved);
                if let Some(refused) = self.may_read(reader, None).await? {
                    return Ok(Some(refused));
                }
                Ok(waiter.arrives().await.map(|bytes| self.kept(reader, &bytes)))
            }
        }
    }

    fn kept(&self, reader: &Reader, bytes: &Bytes) -> Response {
        self.0.figures.served.fetch_add(1, Ordering::Relaxed);
        self.own(give(reader, bytes))
    }

    /// Makes sure that a caller may read; otherwise says what it is to be answered.
    async fn may_read(
        &self,
        reader: &Reader,
        held: Option<Held>,
    ) -> Result<Option<Response>, ApiError> {
        let Reader { address, parts, wanted, leave, account } = reader;
        let now_ms = self.now_ms();
        let may_read = account.is_some() || self.0.leaves.granted(leave, now_ms);
        if may_read && held.is_none_or(|held| is_fresh(held, now_ms)) {
            let per_minute = self.0.config.rate.transfers_per_minute;
            let key = account.map_or_else(|| leave.key(), |account| account.to_string());
            let wait = self.0.limiter.take(&key, per_minute, now_ms).err();
            return wait
                .map_or(Ok(None), |wait| Err(ApiError::new(Code::RateLimited).retry_after(wait)));
        }
        let place = self.0.calls.reserve(*address, QUESTION_BYTES).await?;
        let mut question = self.0.origin.question(parts, *address)?;
        whole(&mut question.headers);
        let etag = format!("\"{}\"", wanted.chunk);
        let etag = HeaderValue::from_str(&etag).expect("hex is visible ASCII");
        question.headers.insert(header::IF_NONE_MATCH, etag);
        self.0.figures.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.0.origin.ask(question, Body::empty()).await?;
        if answer.status() != StatusCode::NOT_MODIFIED {
            self.0.leaves.revoke(leave);
            return Ok(Some(self.passed_back(&parts.method, answer, place)));
        }
        self.0.leaves.grant(*leave, now_ms);
        self.0.cache.confirm(wanted, now_ms);
        Ok(None)
    }

    /// Fetches a chunk with a caller's own leave, for it and for all who wait.
    async fn fetch(
        &self,
        reader: &Reader,
        leader: Leader,
        mut reserved: Reserved,
    ) -> Result<Response, ApiError> {
        let Reader { address, parts, leave, .. } = reader;
        let mut question = self.0.origin.question(parts, *address)?;
        whole(&mut question.headers);
        let answer = self.0.origin.ask(question, Body::empty()).await?;
        if answer.status() != StatusCode::OK {
            self.0.leaves.revoke(leave);
            return Ok(self.passed_back(&parts.method, answer, reserved));
        }
        if let Some(len) = answer.content_length().and_then(|len| usize::try_from(len).ok()) {
            reserved.shrink_to(len);
        }
        self.0.leaves.grant(*leave, self.now_ms());
        self.0.figures.fetched.fetch_add(1, Ordering::Relaxed);
        let (waiter, edge) = (leader.waiter(), self.clone());
        // It comes to its end even if the caller leaves.
        tokio::spawn(async move { edge.take_in(leader, answer, reserved).await });
        let bytes = waiter.arrives().await.ok_or_else(strange)?;
        Ok(self.own(give(reader, &bytes)))
    }

    /// Gathers a chunk, gives it to who waits, and keeps it.
    async fn take_in(self, leader: Leader, answer: reqwest::Response, reserved: Reserved) {
        let Origin { patience, .. } = &self.0.origin;
        let wanted = leader.wanted;
        let gathered = timeout(patience.call, gather(wanted, answer, patience.stall)).await;
        match gathered.unwrap_or(Err(Unfit::BrokenOff)) {
            Ok(bytes) => {
                let bytes = reserved.hold(bytes);
                leader.arrived(bytes.clone());
                self.0.cache.keep(wanted, bytes, self.now_ms()).await;
            }
            Err(error) => tracing::error!(%error, "a chunk did not come from the origin"),
        }
    }
}

/// Reports what came for a chunk and is none.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it broke off")]
    BrokenOff,
    #[error("it is longer than any")]
    TooLong,
    #[error("its bytes are others")]
    Other,
}

/// Reads a chunk to its end, if it is the one.
async fn gather(
    wanted: Wanted,
    mut answer: reqwest::Response,
    stall: Duration,
) -> Result<Vec<u8>, Unfit> {
    let (mut bytes, mut sha) = (Vec::new(), Sha256::new());
    while let Some(piece) =
        next_piece(&mut answer, stall).await.map_err(|_: BrokenOff| Unfit::BrokenOff)?
    {
        if bytes.len() + piece.len() > limits::CHUNK_SEALED_BYTES_MAX {
            return Err(Unfit::TooLong);
        }
        sha.update(&piece);
        bytes.extend_from_slice(&piece);
    }
    if sha.finalize()[..] == wanted.chunk.0 { Ok(bytes) } else { Err(Unfit::Other) }
}

/// Answers with a chunk, or with the part of it that was asked for.
fn give(reader: &Reader, bytes: &Bytes) -> Response {
    let (mut response, range) =
        begin_answer(reader.wanted.chunk, bytes.len() as u64, &reader.parts.headers);
    if let Some(range) = range {
        *response.body_mut() = Body::from(bytes.slice(range.start as usize..range.end as usize));
    }
    response
}

/// Asks for all of a chunk as it is, whatever part the caller wants of it.
fn whole(headers: &mut HeaderMap) {
    for part in [header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH] {
        headers.remove(part);
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

fn is_fresh(held: Held, now_ms: i64) -> bool {
    held.confirmed_ms.is_some_and(|then| (then..then + CONFIRMED_MS).contains(&now_ms))
}

/// Refuses, since what the origin answered is no chunk.
pub(super) fn strange() -> ApiError {
    ApiError::new(Code::Unavailable).status(StatusCode::BAD_GATEWAY).retry_after(STRANGE_WAIT)
}

/// How often a caller is tried to be served from what others fetched.
const TRIES: usize = 3;
/// What a question without a body, and an answer without one, hold.
const QUESTION_BYTES: usize = 64 * 1024;
/// So long a chunk may be served here that the origin has removed meanwhile.
const CONFIRMED_MS: i64 = 24 * 3_600_000;
const STRANGE_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_one_path() {
        let (vault, chunk) = ("ab".repeat(32), "cd".repeat(32));
        let path = |rest: &str| format!("/api/v1/vaults/{rest}");
        let wanted = Wanted::of(&path(&format!("{vault}/chunks/{chunk}"))).unwrap();
        assert_eq!((wanted.vault.0, wanted.chunk.0), ([0xab; 32], [0xcd; 32]));
        for other in [
            format!("{vault}/chunks/{chunk}/"),
            format!("{vault}/chunks/{}", "CD".repeat(32)),
            format!("{vault}/chunks/../chunks/{chunk}"),
            format!("{vault}/chunks/%63%64{}", "cd".repeat(31)),
            format!("{vault}/chunks/"),
            format!("{vault}/have"),
            format!("../vaults/{vault}/chunks/{chunk}"),
        ] {
            assert_eq!(Wanted::of(&path(&other)), None, "{other}");
        }
    }
}
