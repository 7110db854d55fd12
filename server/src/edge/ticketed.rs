//! Reads of the app that was opened at the origin: it shows a ticket, which the edge checks by itself.
//!
//! A ticket stands in the query. A header of ours would have browsers ask first whether they may, a round
//! trip for each chunk. Whatever else comes with such a read is left behind: the origin hears the ticket,
//! in `Authorization`, if it has to be asked at all. Pages of one address hear the answers, the one that
//! the origin names, and cookies are not looked at.
//!
//! What tickets are checked with comes from the origin, and comes again when one names another key.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use offing_core::proto::{API_PREFIX, Code};
use serde::Serialize;
use tokio::sync::Mutex as Turn;

use super::cache::Wanted;
use super::leave::Leave;
use super::origin::{Question, next_piece};
use super::reads::{Reader, strange};
use super::{Edge, Shared};
use crate::api::tickets::TicketKey;
use crate::error::ApiError;
use crate::tickets::{Checks, KeyId, TICKET, key_of};

/// A read with a ticket.
pub(super) struct Ticketed {
    wanted: Wanted,
    ticket: String,
}

impl Ticketed {
    /// The read that a request is, in its one spelling.
    pub(super) fn of(asked: &Request) -> Option<Self> {
        let ticket = asked.uri().query()?.strip_prefix("ticket=")?.to_owned();
        let wanted = Wanted::of(asked.uri().path())?;
        (asked.method() == Method::GET).then_some(Self { wanted, ticket })
    }
}

/// What is known of the origin's tickets.
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: Mutex<Known>,
    /// One asks the origin, whoever needs the answer waits.
    asks: Turn<()>,
}

#[derive(Debug, Default)]
struct Known {
    key: Option<Key>,
    asked_ms: Option<i64>,
}

/// The key of tickets, and whose pages may ask.
#[derive(Debug, Clone)]
struct Key {
    checks: Checks,
    pages: HeaderValue,
}

impl Keys {
    fn state(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What is known, if that is this key, or if the origin was asked a short time ago: anybody can make
    /// up names of keys.
    fn settled(&self, id: Option<KeyId>, now_ms: i64) -> Option<Result<Key, ApiError>> {
        let again_ms = if self.key.is_some() { ASK_AGAIN_MS } else { FAILED_AGAIN_MS };
        let is_new = self.asked_ms.is_some_and(|then| (then..then + again_ms).contains(&now_ms));
        match &self.key {
            Some(key) if is_new || id.is_none_or(|id| id == key.checks.id()) => {
                Some(Ok(key.clone()))
            }
            None if is_new => Some(Err(strange())),
            Some(_) | None => None,
        }
    }
}

/// How an edge does, for those who choose one.
#[derive(Debug, Serialize)]
struct Status {
    /// How much of what it can do at once it does, from 0 to 1.
    load: f64,
    connections: u64,
    version: &'static str,
}

impl Edge {
    /// Answers who wants a chunk and shows a ticket.
    pub(super) async fn read_ticketed(
        &self,
        Ticketed { wanted, ticket }: Ticketed,
        address: IpAddr,
        asked: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let id = key_of(&ticket).ok_or(Code::SignedOut)?;
        let key = self.key(Some(id)).await?;
        let answer = async {
            let checked = key.checks.check(&ticket, self.now_ms())?;
            if checked.vault != wanted.vault {
                return Err(Code::VaultUnknown.into());
            }
            let mut parts = Request::new(Body::empty()).into_parts().0;
            let path = format!("{API_PREFIX}/vaults/{}/chunks/{}", wanted.vault, wanted.chunk);
            parts.uri = Uri::try_from(path).expect("hex is what paths may be of");
            for kept in [header::RANGE, header::IF_RANGE, header::VIA] {
                for value in asked.get_all(&kept) {
                    parts.headers.append(kept.clone(), value.clone());
                }
            }
            let ticket = HeaderValue::from_str(&format!("{TICKET}{ticket}"));
            let ticket = ticket.expect("what was decoded from base64 is ASCII");
            parts.headers.insert(header::AUTHORIZATION, ticket);
            let leave = Leave::of(&parts.headers, &wanted.vault).expect("it was just written");
            let account = Some(checked.reader.account);
            self.read_as(Reader { address, parts, wanted, leave, account }).await
        };
        let answer = answer.await.unwrap_or_else(|error| self.own(error.into_response()));
        Ok(shown_to(&key, answer))
    }

    /// Says how it does.
    pub(super) async fn status(&self) -> Response {
        let Shared { config, memory, running, .. } = &*self.0;
        let connections = running.metrics.connections();
        let connected = connections as f64 / f64::from(config.connections_max());
        let load = memory.used().max(connected).min(1.0);
        let status = Status { load, connections, version: env!("CARGO_PKG_VERSION") };
        let mut answer = self.own(Json(status).into_response());
        let no_store = HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
        // It can be read without, by whoever is no page.
        match self.key(None).await {
            Ok(key) => shown_to(&key, answer),
            Err(_) => answer,
        }
    }

    /// What tickets are checked with, from the origin if need be.
    async fn key(&self, id: Option<KeyId>) -> Result<Key, ApiError> {
        let keys = &self.0.keys;
        if let Some(settled) = keys.state().settled(id, self.now_ms()) {
            return settled;
        }
        let _turn = keys.asks.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(settled) = keys.state().settled(id, self.now_ms()) {
            return settled;
        }
        let asked = self.ask_key().await;
        let mut state = keys.state();
        state.asked_ms = Some(self.now_ms());
        match asked {
            Ok(key) => state.key = Some(key),
            Err(error) if state.key.is_none() => return Err(error),
            Err(_) => {}
        }
        Ok(state.key.clone().expect("it was just there"))
    }

    async fn ask_key(&self) -> Result<Key, ApiError> {
        let target = format!("{API_PREFIX}/tickets/key");
        let question = Question { method: Method::GET, target, headers: HeaderMap::new() };
        let mut answer = self.0.origin.ask(question, Body::empty()).await?;
        let is_there = answer.status() == StatusCode::OK;
        let mut bytes = Vec::new();
        while let Some(piece) = next_piece(&mut answer, self.0.origin.patience.stall).await? {
            bytes.extend_from_slice(&piece);
            if !is_there || bytes.len() > KEY_BYTES_MAX {
                return Err(strange());
            }
        }
        let TicketKey { key, pages } = serde_json::from_slice(&bytes).map_err(|_| strange())?;
        let checks = Checks::decode(&key).ok_or_else(strange)?;
        Ok(Key { checks, pages: HeaderValue::from_str(&pages).map_err(|_| strange())? })
    }
}

/// Lets pages of the app read an answer, and no others.
fn shown_to(key: &Key, mut answer: Response) -> Response {
    answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, key.pages.clone());
    answer
}

/// The path at which an edge says how it does.
pub(super) const STATUS: &str = "/edge/status";
const ASK_AGAIN_MS: i64 = 60_000;
const FAILED_AGAIN_MS: i64 = 1_000;
const KEY_BYTES_MAX: usize = 4 * 1024;
