//! Tickets over HTTP: for devices, which show them to edges, and for edges, which check them.

use axum::Json;
use axum::extract::State;
use offing_core::id::VaultId;
use serde::{Deserialize, Serialize};

use super::extract::PathOf;
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::state::AppState;
use crate::tickets::LIFE_S;

/// Leave to read a vault's chunks from edges.
#[derive(Debug, Default, Serialize)]
pub(crate) struct EdgeTicket {
    /// What edges are shown.
    pub(crate) ticket: String,
    /// For how long.
    pub(crate) expires_in_s: u64,
    /// Where to read.
    pub(crate) edges: Vec<String>,
}

/// What an edge has to know of its origin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct TicketKey {
    /// The public half of the key of tickets.
    pub(crate) key: String,
    /// Whose pages may ask: the address at which people open the app.
    pub(crate) pages: String,
}

pub(super) async fn issue(
    State(state): State<AppState>,
    signed_in: SignedIn,
    PathOf(vault): PathOf<VaultId>,
) -> Result<Json<EdgeTicket>, ApiError> {
    let reader = signed_in.caller;
    state.services().require_member(reader.account, vault).await?;
    Ok(Json(EdgeTicket {
        ticket: state.tickets().issue(reader, vault, state.now_ms()),
        expires_in_s: LIFE_S,
        edges: state.config().edge_urls.clone(),
    }))
}

pub(super) async fn key(State(state): State<AppState>) -> Json<TicketKey> {
    let key = state.tickets().checks().encode();
    Json(TicketKey { key, pages: state.config().public_url.clone() })
}
