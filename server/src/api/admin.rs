//! What the page at `/admin` asks, for whoever keeps the server.
//!
//! A link that a command prints is exchanged for a cookie, which authorises all the rest
//! ([`Access::Admin`](super::Access)). There is nothing to read here that the server could not read itself.

use axum::Json;
use axum::extract::{Extension, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use offing_core::id::DeviceId;
use offing_core::proto::{Code, Registration};
use serde::{Deserialize, Serialize};

use super::admit::{CallerAddress, take};
use super::extract::JsonBody;
use crate::admin::{ACCOUNTS_MAX, AdminError, Keeper, Seen};
use crate::auth::cookie;
use crate::error::ApiError;
use crate::rollout::{Rollout, RolloutError};
use crate::room::Room;
use crate::serve::{heed_closed, heed_ends};
use crate::service::ServiceError;
use crate::state::AppState;
use crate::store::keeping::Listed;

/// A link's secret.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminLink {
    pub(super) secret: String,
}

/// How the server does.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminServer {
    pub(super) version: &'static str,
    pub(super) now_ms: i64,
    pub(super) accounts: u64,
    pub(super) registration: Registration,
    /// Bytes of the disk that has the data folder, and those that are free.
    pub(super) disk_bytes: Option<u64>,
    pub(super) disk_free_bytes: Option<u64>,
    /// What was read of the stored chunks since the start, and with how many something was wrong.
    pub(super) scrubbed_chunks: u64,
    pub(super) scrubbed_bytes: u64,
    pub(super) scrub_faults: u64,
    pub(super) release: Option<AdminRelease>,
}

/// What is offered of the app.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminRelease {
    pub(super) version: String,
    pub(super) percent: u8,
    /// How many devices are offered it by name.
    pub(super) devices: usize,
    pub(super) stopped: Option<String>,
}

/// An account, by its name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminName {
    pub(super) username: String,
}

/// Some accounts, by name.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminAccounts {
    pub(super) accounts: Vec<AdminAccount>,
    /// There are more behind the last.
    pub(super) more: bool,
}

/// An account.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminAccount {
    pub(super) username: String,
    pub(super) used_bytes: u64,
    pub(super) quota_bytes: Option<u64>,
    pub(super) created_ms: i64,
    pub(super) closed: bool,
    pub(super) second_factor: bool,
}

/// The most that an account may store.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminLimit {
    pub(super) username: String,
    pub(super) quota_bytes: Option<u64>,
}

/// The sessions of an account.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminSessions {
    pub(super) sessions: Vec<AdminSession>,
}

/// A session.
#[derive(Debug, Serialize)]
pub(super) struct AdminSession {
    pub(super) device: DeviceId,
    pub(super) signed_in_ms: i64,
    pub(super) used_ms: i64,
}

/// How many sessions ended.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminEnded {
    pub(super) sessions: u64,
}

/// A sign-up link.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdminInvite {
    pub(super) link: String,
}

/// To how many of a hundred devices a version is offered.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminShare {
    pub(super) percent: u8,
}

/// A session of the page, which was found to go on.
pub(super) struct Keeping {
    keeper: Keeper,
    token: String,
}

impl FromRequestParts<AppState> for Keeping {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = cookie::find_admin(&parts.headers).ok_or(Code::SignedOut)?;
        let keeper = state.keeper();
        let address = parts.extensions.get::<CallerAddress>().copied();
        let address = address.expect("`admit` notes the address of each call");
        let wrong = Guess::begin(state, address)?;
        if !keeper.goes_on(token).await? {
            return Err(Code::SignedOut.into());
        }
        wrong.was_none(state);
        Ok(Self { keeper: keeper.clone(), token: token.to_owned() })
    }
}

/// A secret that is looked at, of which one address has only so many wrong ones.
struct Guess(String);

impl Guess {
    /// Counts it as wrong, before it is looked at.
    fn begin(state: &AppState, CallerAddress(address): CallerAddress) -> Result<Self, ApiError> {
        let key = format!("admin|{address}");
        take(state, &key, WRONG_PER_MINUTE)?;
        Ok(Self(key))
    }

    fn was_none(self, state: &AppState) {
        state.limiter().put_back(&self.0);
    }
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::AccountUnknown { .. } => Code::NotFound.into(),
            AdminError::LinkUnknown => Code::WrongCredentials.into(),
            AdminError::Rollout(RolloutError::Percent) => Code::BadRequest.into(),
            AdminError::Service(error) => error.into(),
            AdminError::Meta(error) => ServiceError::from(error).into(),
            AdminError::Rollout(_) | AdminError::Audit(_) => Self::internal(&error),
        }
    }
}

pub(super) async fn enter(
    State(state): State<AppState>,
    Extension(address): Extension<CallerAddress>,
    JsonBody(link, _turn): JsonBody<AdminLink>,
) -> Result<Response, ApiError> {
    let wrong = Guess::begin(&state, address)?;
    let token = state.keeper().enter(&link.secret).await?;
    wrong.was_none(&state);
    let cookie = [(header::SET_COOKIE, cookie::set_admin(&token))];
    Ok((cookie, StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn leave(kept: Keeping) -> Result<Response, ApiError> {
    kept.keeper.leave(&kept.token).await?;
    let cookie = [(header::SET_COOKIE, cookie::clear_admin())];
    Ok((cookie, StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn server(
    State(state): State<AppState>,
    kept: Keeping,
) -> Result<Json<AdminServer>, ApiError> {
    let scrubbed = state.services().scrubbed();
    let room = Room::of(&state.config().data);
    Ok(Json(AdminServer {
        version: env!("CARGO_PKG_VERSION"),
        now_ms: state.now_ms(),
        accounts: kept.keeper.account_count().await?,
        registration: state.config().registration,
        disk_bytes: room.map(|room| room.bytes),
        disk_free_bytes: room.map(|room| room.free_bytes),
        scrubbed_chunks: scrubbed.chunks,
        scrubbed_bytes: scrubbed.bytes,
        scrub_faults: scrubbed.missing + scrubbed.rotten + scrubbed.unreadable,
        release: kept.keeper.release()?.map(shown),
    }))
}

pub(super) async fn accounts(
    kept: Keeping,
    JsonBody(after, _turn): JsonBody<AdminName>,
) -> Result<Json<AdminAccounts>, ApiError> {
    let listed = kept.keeper.accounts_after(&after.username).await?;
    let more = listed.len() == ACCOUNTS_MAX;
    let account = |listed: Listed| AdminAccount {
        username: listed.username,
        used_bytes: listed.used_bytes,
        quota_bytes: listed.quota_bytes,
        created_ms: listed.created_ms,
        closed: listed.is_closed,
        second_factor: listed.second_factor,
    };
    Ok(Json(AdminAccounts { accounts: listed.into_iter().map(account).collect(), more }))
}

pub(super) async fn limit(
    kept: Keeping,
    JsonBody(limit, _turn): JsonBody<AdminLimit>,
) -> Result<StatusCode, ApiError> {
    kept.keeper.limit(&limit.username, limit.quota_bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn close(
    State(state): State<AppState>,
    kept: Keeping,
    JsonBody(name, _turn): JsonBody<AdminName>,
) -> Result<StatusCode, ApiError> {
    kept.keeper.close(&name.username).await?;
    // At once in this process; others hear of it within seconds.
    heed_closed(&state).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn open(
    State(state): State<AppState>,
    kept: Keeping,
    JsonBody(name, _turn): JsonBody<AdminName>,
) -> Result<StatusCode, ApiError> {
    kept.keeper.open(&name.username).await?;
    heed_closed(&state).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn sessions(
    kept: Keeping,
    JsonBody(name, _turn): JsonBody<AdminName>,
) -> Result<Json<AdminSessions>, ApiError> {
    let sessions = kept.keeper.sessions(&name.username).await?;
    let session = |seen: Seen| AdminSession {
        device: seen.device,
        signed_in_ms: seen.signed_in_ms,
        used_ms: seen.used_ms,
    };
    Ok(Json(AdminSessions { sessions: sessions.into_iter().map(session).collect() }))
}

pub(super) async fn sign_out(
    State(state): State<AppState>,
    kept: Keeping,
    JsonBody(name, _turn): JsonBody<AdminName>,
) -> Result<Json<AdminEnded>, ApiError> {
    let sessions = kept.keeper.sign_out(&name.username).await?;
    heed_ends(&state).await;
    Ok(Json(AdminEnded { sessions }))
}

pub(super) async fn remove_second_factor(
    kept: Keeping,
    JsonBody(name, _turn): JsonBody<AdminName>,
) -> Result<StatusCode, ApiError> {
    kept.keeper.remove_second_factor(&name.username).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn invite(
    State(state): State<AppState>,
    kept: Keeping,
) -> Result<Json<AdminInvite>, ApiError> {
    if state.config().registration == Registration::Closed {
        return Err(Code::RegistrationClosed.into());
    }
    Ok(Json(AdminInvite { link: state.join_link(&kept.keeper.invite().await?) }))
}

pub(super) async fn share(
    kept: Keeping,
    JsonBody(AdminShare { percent }, _turn): JsonBody<AdminShare>,
) -> Result<Json<AdminRelease>, ApiError> {
    release(kept.keeper.share_release(percent).await?)
}

pub(super) async fn stop(kept: Keeping) -> Result<Json<AdminRelease>, ApiError> {
    release(kept.keeper.stop_release().await?)
}

fn release(changed: Option<Rollout>) -> Result<Json<AdminRelease>, ApiError> {
    Ok(Json(changed.map(shown).ok_or(Code::NotFound)?))
}

fn shown(rollout: Rollout) -> AdminRelease {
    let Rollout { version, percent, allow, stopped, .. } = rollout;
    AdminRelease { version, percent, devices: allow.len(), stopped }
}

/// Nobody guesses a secret of 256 bits; this is for the database's sake.
const WRONG_PER_MINUTE: u32 = 10;
