//! Vaults and their logs over HTTP.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use offing_core::id::{DeviceId, Seq, VaultId};
use offing_core::limits;
use offing_core::log::entry::Entry;
use offing_core::proto::{AppendResult, Appended, Code, LogPage};
use serde::Deserialize;

use super::admit::Asker;
use super::extract::{PathOf, Whole, whole_body};
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::service::log::PageLimits;
use crate::service::{Caller, ServiceError};
use crate::state::AppState;

pub(super) async fn create(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    body: Body,
) -> Result<Json<Appended>, ApiError> {
    let body = entries_of(&state, &signed_in.caller, body, limits::ENTRY_BYTES_MAX).await?;
    let _turn = asker.turn(&state).await?;
    let genesis = &body.bytes;
    let entry = Entry::decode(genesis).map_err(|_| Code::BadRequest)?;
    if entry.hash().0 != vault.0 {
        return Err(Code::BadRequest.into());
    }
    let now_ms = state.now_ms();
    let (_, appended) = state.services().create_vault(&signed_in.caller, genesis, now_ms).await?;
    Ok(Json(appended))
}

pub(super) async fn append(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    body: Body,
) -> Result<Json<Appended>, ApiError> {
    let caller = signed_in.caller;
    let body = entries_of(&state, &caller, body, limits::APPEND_BYTES_MAX).await?;
    let _turn = asker.turn(&state).await?;
    let appended = state.services().append_all(&caller, vault, &body.bytes).await?;
    Ok(outcome(&state, &caller, appended).await)
}

pub(super) async fn give_back(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    body: Body,
) -> Result<Json<Appended>, ApiError> {
    let caller = signed_in.caller;
    let body = entries_of(&state, &caller, body, limits::GIVE_BACK_BYTES_MAX).await?;
    let _turn = asker.turn(&state).await?;
    let appended = state.services().give_back(&caller, vault, &body.bytes).await?;
    Ok(outcome(&state, &caller, appended).await)
}

/// Entries are in memory twice: as they came, and taken apart.
const TAKEN_APART: usize = 2;

async fn entries_of(
    state: &AppState,
    caller: &Caller,
    body: Body,
    bytes_max: usize,
) -> Result<Whole, ApiError> {
    whole_body((&state.intake().entries, caller.account), body, bytes_max, TAKEN_APART).await
}

/// What became of entries; the devices that they took off are signed out.
async fn outcome(
    state: &AppState,
    caller: &Caller,
    (appended, taken_off): (Appended, Vec<DeviceId>),
) -> Json<Appended> {
    let placed = appended.results.iter().filter(|one| matches!(one, AppendResult::Ok { .. }));
    state.metrics().entries.fetch_add(placed.count() as u64, Ordering::Relaxed);
    let now_ms = state.now_ms();
    for device in taken_off {
        // Its entry stands, and that it writes no more; so what is left is a token of some minutes.
        if let Err(error) = state.services().end_device(caller.account, device, now_ms).await {
            tracing::warn!(%error, "cannot note that the sessions of a device ended");
        }
    }
    Json(appended)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadQuery {
    #[serde(default)]
    after: Seq,
    bare: Option<DeviceId>,
}

pub(super) async fn read(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    query: Result<Query<ReadQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| Code::BadRequest)?;
    let (services, bounds) = (state.services(), PageLimits::default());
    let page = services.read_log(&signed_in.caller, vault, query.after, query.bare, bounds);
    answer(&state, &signed_in.caller, &asker, page).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkipQuery {
    #[serde(default)]
    skip: u8,
}

pub(super) async fn beginning(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    query: Result<Query<SkipQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(SkipQuery { skip }) = query.map_err(|_| Code::BadRequest)?;
    let page = state.services().beginning(&signed_in.caller, vault, skip);
    answer(&state, &signed_in.caller, &asker, page).await
}

pub(super) async fn index(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Extension(asker): Extension<Asker>,
    PathOf(vault): PathOf<VaultId>,
    query: Result<Query<SkipQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(SkipQuery { skip }) = query.map_err(|_| Code::BadRequest)?;
    let page = state.services().index(&signed_in.caller, vault, skip);
    answer(&state, &signed_in.caller, &asker, page).await
}

/// Answers with a page, which is read when there is room and a turn for it. It is in memory twice until
/// it is encoded, and once until it is sent.
async fn answer(
    state: &AppState,
    caller: &Caller,
    asker: &Asker,
    page: impl Future<Output = Result<LogPage, ServiceError>>,
) -> Result<Response, ApiError> {
    let bytes_max = TAKEN_APART * limits::LOG_PAGE_BYTES_MAX;
    let reserved = state.intake().answers.reserve(caller.account, bytes_max).await?;
    let _turn = asker.turn(state).await?;
    let page = page.await?;
    let media_type = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((media_type, reserved.hold(page.encode())).into_response())
}
