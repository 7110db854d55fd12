//! Versions of the app over HTTP: whom the next is for, and how it started.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use offing_core::proto::{ReleaseStart, Releases};

use super::extract::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;

pub(super) async fn next(State(state): State<AppState>) -> Json<Releases> {
    Json(Releases { next: state.rollouts().told(state.now_ms()) })
}

/// Counts, and keeps nothing of who called.
pub(super) async fn started(
    State(state): State<AppState>,
    JsonBody(start, _turn): JsonBody<ReleaseStart>,
) -> Result<StatusCode, ApiError> {
    state.rollouts().count(&start, state.now_ms());
    Ok(StatusCode::NO_CONTENT)
}
