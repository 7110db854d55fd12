//! What every call passes before its handler: limits, origin, identity, deadline.
//!
//! In this order, cheapest first: the size that the body announces, its type (which also
//! keeps foreign pages out, since they cannot send these types unasked), the access token (of which
//! one address can have only so many wrong ones looked at), whether there is a chance of a turn, the
//! rate, the origin of calls that a cookie authorises. Handlers can rely on it.
//! A call without bytes either way has its turn before its handler runs; the others take theirs
//! when their body and the memory for their answer are there.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use offing_core::id::{AccountId, VaultId};
use offing_core::proto::Code;

use super::{Access, Call, Gives, Rate, Takes};
use crate::auth::SignedIn;
use crate::config::Config;
use crate::error::{ApiError, Suspicion};
use crate::listening::{Peer, household};
use crate::service::Caller;
use crate::state::AppState;
use crate::tickets::{TICKET, Ticket, TicketError};
use crate::turns::desk::Class;
use crate::turns::{Turn, Who};

/// The caller's address, as rate limits count it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

/// Whose turn a call takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    who: Who,
    class: Class,
}

impl Asker {
    /// Waits for a turn, which ends when it is dropped.
    pub(super) async fn turn(self, state: &AppState) -> Result<Turn, ApiError> {
        Ok(state.turns().turn(self.who, self.class).await?)
    }
}

/// Who reads chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) caller: Caller,
    /// What the leave to read is for, if it is not for all vaults of the account.
    pub(super) only: Option<VaultId>,
}

#[derive(Clone)]
pub(super) struct Gate {
    pub(super) state: AppState,
    pub(super) call: &'static Call,
}

pub(super) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let answered = match check(&gate.state, gate.call, &mut request) {
        Ok(asker) => run(&gate, asker, request, next).await,
        Err(error) => {
            if error.code() == Code::Unavailable {
                gate.state.turns().pause().await;
            }
            Err(error)
        }
    };
    let mut response = answered.unwrap_or_else(ApiError::into_response);
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn run(
    Gate { state, call }: &Gate,
    asker: Asker,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let _turn = match (call.takes, call.gives) {
        // Memory for an answer is waited for too, and nobody waits for that in his turn.
        (Takes::Json(_) | Takes::Bytes { .. }, _) | (_, Gives::Bytes) => None,
        (Takes::Nothing | Takes::Socket, _) => Some(asker.turn(state).await?),
    };
    let answered = tokio::time::timeout(call.takes.deadline(), next.run(request)).await;
    answered.map_err(|_| ApiError::new(Code::Unavailable).status(StatusCode::REQUEST_TIMEOUT))
}

fn check(state: &AppState, call: &Call, request: &mut Request) -> Result<Asker, ApiError> {
    let headers = request.headers();
    if announced_bytes(headers) > call.takes.bytes_max() {
        return Err(Code::TooLarge.into());
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    if call.takes.media_type().is_some_and(|wanted| media_type != Some(wanted)) {
        return Err(ApiError::new(Code::BadRequest).status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let address = address(state.config(), request);
    let (mut signed_in, mut reader) = (None, None);
    match call.access {
        Access::Open | Access::Cookie | Access::Admin => {}
        Access::Bearer => signed_in = Some(bearer(state, headers, address)?),
        Access::Reader => reader = Some(reads(state, headers, address)?),
    }
    let account = signed_in.map(|it: SignedIn| it.caller.account);
    let account = account.or(reader.map(|it: Reader| it.caller.account));
    let class = match call.rate {
        Rate::Call | Rate::Part(_) => Class::Prompt,
        Rate::Transfer => Class::Bulk,
    };
    let who = account.map_or(Who::Address(address), Who::Account);
    let asker = Asker { who, class };
    // Before it is counted, so that a refusal costs little: under a flood there are many.
    state.turns().admits(who, class)?;
    count(state, call, account, address)?;
    let from_pages = match call.access {
        Access::Open => call.takes == Takes::Socket,
        Access::Cookie | Access::Admin => true,
        Access::Bearer | Access::Reader => false,
    };
    if from_pages && !is_own_origin(state, call, headers) {
        let refused = ApiError::new(Code::BadRequest).status(StatusCode::FORBIDDEN);
        return Err(refused.suspicion(Suspicion::ForeignOrigin));
    }
    request.extensions_mut().insert(CallerAddress(address));
    request.extensions_mut().insert(asker);
    if let Some(signed_in) = signed_in {
        request.extensions_mut().insert(signed_in);
    }
    if let Some(reader) = reader {
        request.extensions_mut().insert(reader);
    }
    Ok(asker)
}

/// Counts a call in each bucket that it belongs to: of who calls, of the address whoever calls from there, of the call
/// itself.
fn count(
    state: &AppState,
    call: &Call,
    account: Option<AccountId>,
    address: IpAddr,
) -> Result<(), ApiError> {
    let rate = &state.config().rate;
    let (class, who, per_minute) = match (account, call.rate) {
        (None, _) => ("anonymous", address.to_string(), rate.anonymous_per_minute),
        (Some(account), Rate::Transfer) => {
            ("transfer", account.to_string(), rate.transfers_per_minute)
        }
        (Some(account), Rate::Call | Rate::Part(_)) => {
            ("call", account.to_string(), rate.calls_per_minute)
        }
    };
    if account.is_some() {
        let key = format!("all-{class}|{address}");
        take(state, &key, per_minute.saturating_mul(ACCOUNTS_OF_ADDRESS))?;
    }
    if let Rate::Part(part) = call.rate {
        take(state, &format!("{} {}|{who}", call.method, call.path), per_minute / part)?;
    }
    take(state, &format!("{class}|{who}"), per_minute)
}

/// Takes a call from a bucket, or refuses with the time to wait.
pub(super) fn take(state: &AppState, key: &str, per_minute: u32) -> Result<(), ApiError> {
    state
        .limiter()
        .take(key, per_minute, state.now_ms())
        .map_err(|wait| ApiError::new(Code::RateLimited).retry_after(wait))
}

/// Says who calls with an access token. A signature is checked only as long as its address has not
/// sent too many wrong ones; tokens that are known to be right are neither counted nor held up.
fn bearer(state: &AppState, headers: &HeaderMap, address: IpAddr) -> Result<SignedIn, ApiError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Code::SignedOut)?;
    let (auth, now_ms) = (state.auth(), state.now_ms());
    if let Some(checked) = auth.check_known_token(token, now_ms) {
        return Ok(checked?);
    }
    let key = format!("wrong|{address}");
    // Before the check, so that no more are checked at once than may be wrong.
    take(state, &key, state.config().rate.wrong_tokens_per_minute)?;
    let checked = auth.check_token(token, now_ms);
    if auth.check_known_token(token, now_ms).is_none() {
        return checked.map_err(|code| ApiError::new(code).suspicion(Suspicion::ForgedToken));
    }
    state.limiter().put_back(&key);
    Ok(checked?)
}

/// Says who reads with a ticket or an access token. As with tokens, one address has only so many wrong
/// tickets looked at.
fn reads(state: &AppState, headers: &HeaderMap, address: IpAddr) -> Result<Reader, ApiError> {
    let told = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(ticket) = told.and_then(|told| told.strip_prefix(TICKET)) else {
        let SignedIn { caller, .. } = bearer(state, headers, address)?;
        return Ok(Reader { caller, only: None });
    };
    let key = format!("wrong|{address}");
    take(state, &key, state.config().rate.wrong_tokens_per_minute)?;
    let checked = state.tickets().checks().check(ticket, state.now_ms());
    if checked != Err(TicketError::Forged) {
        state.limiter().put_back(&key);
    }
    let Ticket { reader, vault, .. } = checked?;
    if state.auth().closed().borrow().contains(&reader.account) {
        return Err(Code::AccountClosed.into());
    }
    Ok(Reader { caller: reader, only: Some(vault) })
}

fn announced_bytes(headers: &HeaderMap) -> u64 {
    let text = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Says whether a call that a cookie authorises comes from a page of this server.
///
/// Browsers always send `Origin` with the calls in question; a caller without it is no
/// browser and carries no cookie but its own. A live socket must send it.
fn is_own_origin(state: &AppState, call: &Call, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else {
        let site = headers.get("sec-fetch-site");
        return call.takes != Takes::Socket && site.is_none_or(|site| site == "same-origin");
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    origin == state.config().public_url || (authority.is_some() && authority == text(header::HOST))
}

/// The caller's address: the connection's, or what a trusted proxy or an edge says.
pub(crate) fn address(config: &Config, request: &Request) -> IpAddr {
    let told = request.headers().get_all("x-forwarded-for").iter();
    let told = told.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(','));
    // Whoever is nearest has written last.
    let told: Vec<&str> = told.collect();
    let mut told = told.into_iter().rev().map_while(|text| text.trim().parse::<IpAddr>().ok());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let mut address = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    if config.trust_proxy {
        address = told.next().unwrap_or(address);
    }
    while config.edges.contains(&address.to_canonical()) {
        let Some(behind) = told.next() else {
            break;
        };
        address = behind;
    }
    household(address)
}

/// So many accounts may do all they may from one address.
const ACCOUNTS_OF_ADDRESS: u32 = 20;

impl Takes {
    fn deadline(self) -> Duration {
        match self {
            Self::Nothing | Self::Socket | Self::Json(_) => Duration::from_secs(20),
            // Large bodies may come over slow lines; what stalls is cut off by the handler.
            Self::Bytes { .. } => Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_proxy_and_then_edges_say_for_whom_they_ask_and_nobody_else_does() {
        let (edge, peer) = ("203.0.113.7", "198.51.100.1");
        let seen = |trust_proxy: bool, peer: &str, told: &[&str]| {
            let settings = Settings {
                trust_proxy: Some(trust_proxy),
                edges: Some(vec![edge.parse().unwrap()]),
                ..Settings::default()
            };
            let mut request = Request::new(Body::empty());
            for told in told {
                request.headers_mut().append("x-forwarded-for", told.parse().unwrap());
            }
            let peer = format!("{peer}:1").parse().unwrap();
            request.extensions_mut().insert(Peer(peer));
            address(&settings.finish().unwrap(), &request).to_string()
        };
        assert_eq!(seen(false, peer, &["1.2.3.4"]), peer);
        assert_eq!(seen(true, peer, &["9.9.9.9, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(seen(true, peer, &["9.9.9.9", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(seen(true, peer, &["nonsense"]), peer);
        assert_eq!(seen(false, edge, &["9.9.9.9, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(seen(false, &format!("[::ffff:{edge}]"), &["1.2.3.4"]), "1.2.3.4");
        // Through the edge, then through a proxy before the server.
        assert_eq!(seen(true, peer, &[&format!("1.2.3.4, {edge}")]), "1.2.3.4");
        assert_eq!(seen(false, edge, &[]), edge);
        assert_eq!(seen(false, edge, &["2001:db8:1:2:3::4"]), "2001:db8:1:2::");
    }
}
