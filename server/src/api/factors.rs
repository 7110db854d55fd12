//! Second factors over HTTP: asked for and answered at a sign-in, and set up.
//!
//! A script of the page sets them up, by the cookie alone ([`Access::Cookie`](super::Access)): the engine, which
//! has the access token, knows nothing of them.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use offing_core::proto::{
    Code, FactorAnswer, FactorAsk, FactorAsked, Factors, PasskeyFinish, PasskeyRemove,
    PasskeyStarted, SpareCodes, TotpFinish, TotpStarted,
};

use super::extract::JsonBody;
use crate::auth::cookie;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::meta::Session;

/// Whose cookie it is.
pub(super) struct Owner(Session);

impl FromRequestParts<AppState> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = cookie::find(&parts.headers).ok_or(Code::SignedOut)?;
        let session = state.services().session_of_token(token, state.now_ms()).await?;
        state.services().require_open(session.account).await?;
        Ok(Self(session))
    }
}

pub(super) async fn ask(
    State(state): State<AppState>,
    JsonBody(asked, _turn): JsonBody<FactorAsk>,
) -> Result<Json<FactorAsked>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().factor_ask(state.services(), state.site(), &asked, now_ms).await?))
}

pub(super) async fn take_answer(
    State(state): State<AppState>,
    JsonBody(asked, _turn): JsonBody<FactorAnswer>,
) -> Result<StatusCode, ApiError> {
    let now_ms = state.now_ms();
    state.auth().factor_answer(state.services(), state.site(), asked, now_ms).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn factors(
    State(state): State<AppState>,
    Owner(session): Owner,
) -> Result<Json<Factors>, ApiError> {
    Ok(Json(state.auth().factors(state.services(), state.site(), &session).await?))
}

pub(super) async fn totp_start(
    State(state): State<AppState>,
    Owner(session): Owner,
) -> Result<Json<TotpStarted>, ApiError> {
    let (services, now_ms) = (state.services(), state.now_ms());
    let host = state.config().host();
    Ok(Json(state.auth().totp_start(services, &session, host, now_ms).await?))
}

pub(super) async fn totp_finish(
    State(state): State<AppState>,
    Owner(session): Owner,
    JsonBody(asked, _turn): JsonBody<TotpFinish>,
) -> Result<Json<SpareCodes>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().totp_finish(state.services(), &session, asked, now_ms).await?))
}

pub(super) async fn totp_remove(
    State(state): State<AppState>,
    Owner(session): Owner,
) -> Result<StatusCode, ApiError> {
    state.auth().totp_remove(state.services(), &session, state.now_ms()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn renew_spare_codes(
    State(state): State<AppState>,
    Owner(session): Owner,
) -> Result<Json<SpareCodes>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().renew_spare_codes(state.services(), &session, now_ms).await?))
}

pub(super) async fn passkey_start(
    State(state): State<AppState>,
    Owner(session): Owner,
) -> Result<Json<PasskeyStarted>, ApiError> {
    let (services, site, now_ms) = (state.services(), state.site(), state.now_ms());
    Ok(Json(state.auth().passkey_start(services, site, &session, now_ms).await?))
}

pub(super) async fn passkey_finish(
    State(state): State<AppState>,
    Owner(session): Owner,
    JsonBody(asked, _turn): JsonBody<PasskeyFinish>,
) -> Result<Json<SpareCodes>, ApiError> {
    let (services, site, now_ms) = (state.services(), state.site(), state.now_ms());
    Ok(Json(state.auth().passkey_finish(services, site, &session, asked, now_ms).await?))
}

pub(super) async fn passkey_remove(
    State(state): State<AppState>,
    Owner(session): Owner,
    JsonBody(asked, _turn): JsonBody<PasskeyRemove>,
) -> Result<StatusCode, ApiError> {
    let now_ms = state.now_ms();
    state.auth().passkey_remove(state.services(), &session, asked, now_ms).await?;
    Ok(StatusCode::NO_CONTENT)
}
