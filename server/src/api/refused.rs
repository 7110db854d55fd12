//! Which refusals whoever keeps the server should be able to see, as lines in the log.
//!
//! A line has the code, the address and the request's id (its route only as far as the log shows requests); nobody's
//! name but that of somebody whose cookie was copied. Lines of one address are bounded, so that a flood of refusals is no flood of lines:
//! all are counted in the figures.

use std::net::IpAddr;

use offing_core::proto::Code;

use crate::admin::AUDIT;
use crate::error::Suspicion;
use crate::state::AppState;

/// Notes a refusal of a request from an address, if somebody may have tried what is not theirs.
pub(super) fn note(
    state: &AppState,
    (address, request): (IpAddr, &str),
    code: Code,
    suspicion: Option<&Suspicion>,
) {
    let Some(per_minute) = lines_per_minute(code, suspicion) else {
        return;
    };
    let key = format!("noted|{code:?}|{address}");
    if state.limiter().take(&key, per_minute, state.now_ms()).is_err() {
        return;
    }
    match suspicion {
        None => tracing::info!(target: AUDIT, %address, request, ?code, "refused"),
        Some(Suspicion::ForeignOrigin) => {
            tracing::info!(target: AUDIT, %address, request, ?code, "refused: a foreign origin");
        }
        Some(Suspicion::ForgedToken) => {
            tracing::info!(target: AUDIT, %address, request, ?code, "refused: a token that is not ours");
        }
        Some(Suspicion::ReusedCookie { username }) => {
            tracing::warn!(target: AUDIT, %address, request, ?code, username, "refused: a copied cookie");
        }
    }
}

/// How many lines of one address there may be; `None` for what happens to people who mean well.
fn lines_per_minute(code: Code, suspicion: Option<&Suspicion>) -> Option<u32> {
    if code == Code::RateLimited {
        // Once says it: whoever is refused for it goes on being refused.
        return Some(1);
    }
    let is_by_code = matches!(
        code,
        Code::WrongCredentials
            | Code::InviteUnknown
            | Code::InviteUsed
            | Code::InviteExpired
            | Code::WrongDevice
            | Code::AccountClosed
            | Code::TakenOff
    );
    (is_by_code || suspicion.is_some()).then_some(LINES_PER_MINUTE)
}

const LINES_PER_MINUTE: u32 = 30;
