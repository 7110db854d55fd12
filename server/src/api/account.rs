//! Accounts and sessions over HTTP, and what needs no session.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use offing_core::proto::{
    AccessToken, AccountView, Code, DeviceBinding, Devices, LoginFinish, LoginStart, LoginStarted,
    RegisterFinish, RegisterStart, RegisterStarted, SecretFinish, SecretStart, SecretStarted,
    ServerInfo,
};

use super::admit::{CallerAddress, take};
use super::extract::JsonBody;
use crate::auth::{Auth, SignedIn, Started, cookie};
use crate::error::ApiError;
use crate::state::AppState;

pub(super) async fn info(State(state): State<AppState>) -> Json<ServerInfo> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let registration = state.config().registration;
    Json(ServerInfo { version, now_ms: state.now_ms(), registration })
}

/// Ready means that the stores answer and that the program stays; alive (`/healthz`) that the process does.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    match state.services().check_ready().await {
        Ok(()) if !state.running().is_leaving() => "ready\n".into_response(),
        Ok(()) => ApiError::new(Code::Unavailable).into_response(),
        Err(error) => ApiError::from(error).status(StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}

pub(super) async fn register_start(
    State(state): State<AppState>,
    JsonBody(asked, _turn): JsonBody<RegisterStart>,
) -> Result<Json<RegisterStarted>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().register_start(state.services(), &asked, now_ms).await?))
}

pub(super) async fn register_finish(
    State(state): State<AppState>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    JsonBody(asked, _turn): JsonBody<RegisterFinish>,
) -> Result<Response, ApiError> {
    let now_ms = state.now_ms();
    // Of links there are as many as somebody made.
    let is_open = state.services().is_let_in_openly(&asked.invite)?;
    let key = format!("sign-up|{address}");
    if is_open {
        let per_hour = state.config().rate.sign_ups_per_hour;
        let taken = state.limiter().take_of(&key, per_hour, HOUR, now_ms);
        taken.map_err(|wait| ApiError::new(Code::RateLimited).retry_after(wait))?;
    }
    let made = state.auth().register_finish(state.services(), asked, now_ms).await;
    if is_open && made.is_err() {
        state.limiter().put_back(&key);
    }
    Ok(started(made?))
}

pub(super) async fn login_start(
    State(state): State<AppState>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    JsonBody(asked, _turn): JsonBody<LoginStart>,
) -> Result<Json<LoginStarted>, ApiError> {
    let name = Auth::login_name(&asked)?;
    let key = format!("login|{address}|{name}");
    take(&state, &key, state.config().rate.logins_per_minute)?;
    let now_ms = state.now_ms();
    Ok(Json(state.auth().login_start(state.services(), &asked, now_ms).await?))
}

pub(super) async fn login_finish(
    State(state): State<AppState>,
    JsonBody(asked, _turn): JsonBody<LoginFinish>,
) -> Result<Response, ApiError> {
    let now_ms = state.now_ms();
    Ok(started(state.auth().login_finish(state.services(), asked, now_ms).await?))
}

pub(super) async fn refresh(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = cookie::find(&headers).ok_or(Code::SignedOut)?;
    let now_ms = state.now_ms();
    let (access, next) = state.auth().refresh(state.services(), token, now_ms).await?;
    let mut response = Json(access).into_response();
    if let Some(next) = next {
        response.headers_mut().insert(header::SET_COOKIE, cookie::set(&next));
    }
    Ok(response)
}

pub(super) async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(token) = cookie::find(&headers) {
        state.auth().sign_out(state.services(), token, state.now_ms()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie::clear());
    Ok(response)
}

pub(super) async fn rebind(
    State(state): State<AppState>,
    signed_in: SignedIn,
    JsonBody(device, _turn): JsonBody<DeviceBinding>,
) -> Result<Json<AccessToken>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().rebind(state.services(), &signed_in, device, now_ms).await?))
}

pub(super) async fn secret_start(
    State(state): State<AppState>,
    signed_in: SignedIn,
    JsonBody(asked, _turn): JsonBody<SecretStart>,
) -> Result<Json<SecretStarted>, ApiError> {
    let now_ms = state.now_ms();
    Ok(Json(state.auth().secret_start(state.services(), &signed_in, &asked, now_ms).await?))
}

pub(super) async fn secret_finish(
    State(state): State<AppState>,
    signed_in: SignedIn,
    JsonBody(asked, _turn): JsonBody<SecretFinish>,
) -> Result<StatusCode, ApiError> {
    let now_ms = state.now_ms();
    state.auth().secret_finish(state.services(), &signed_in, asked, now_ms).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn account(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<Json<AccountView>, ApiError> {
    Ok(Json(state.services().account_view(signed_in.caller.account).await?))
}

pub(super) async fn devices(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<Json<Devices>, ApiError> {
    Ok(Json(state.services().devices(signed_in.caller.account).await?))
}

pub(super) async fn confirm_kit(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<StatusCode, ApiError> {
    state.services().confirm_kit(signed_in.caller.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

const HOUR: Duration = Duration::from_secs(3_600);

fn started(started: Started) -> Response {
    let cookie = cookie::set(&started.cookie_token);
    ([(header::SET_COOKIE, cookie)], Json(started.answer)).into_response()
}
