//! The calls of the server: one table that router and documentation are both made from.
//!
//! Handlers are thin: they take a checked request apart, ask `auth` or `service`, and put
//! the answer together. [`CALLS`] is the only list of calls, so a call cannot exist without
//! its limits, its access rule and its place in `openapi.json`.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post, put};
use offing_core::limits;
use offing_core::proto::{API_PREFIX, Code};
use rand::RngCore as _;

use crate::error::ApiError;
use crate::metrics::known;
use crate::spans::CALL;
use crate::state::AppState;

pub(crate) use admit::address;
pub(crate) use chunks::begin_answer;

mod account;
mod admin;
mod admit;
pub(crate) mod checkup;
mod chunks;
pub(crate) mod extract;
pub mod headers;
pub mod live;
mod openapi;
mod releases;
mod vaults;

/// A call.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The path below the API's prefix.
    pub path: &'static str,
    /// What authorises it.
    pub access: Access,
    /// Which bucket it is counted in.
    pub rate: Rate,
    /// Its body.
    pub takes: Takes,
    /// What it answers when it succeeds.
    pub gives: Gives,
    /// What it does, in a line.
    pub says: &'static str,
    /// Its own refusals, beside those that every call of its access shares.
    pub refuses: &'static [Code],
    route: fn() -> MethodRouter<AppState>,
}

/// What authorises a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing; a live socket wants an origin of our own.
    Open,
    /// The session cookie, and an origin of our own.
    Cookie,
    /// An access token.
    Bearer,
    /// The cookie of the page for whoever keeps the server, and an origin of our own.
    Admin,
}

/// Which bucket a bearer call is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// The account's calls.
    Call,
    /// The account's transfers of chunks.
    Transfer,
}

/// What a call's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// There is none.
    Nothing,
    /// The connection becomes a WebSocket.
    Socket,
    /// JSON of this type of `offing_core::proto`, or of the page that asks.
    Json(&'static str),
    /// Bytes.
    Bytes {
        /// Most bytes.
        bytes_max: usize,
    },
}

/// What a call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// 204 without a body.
    Nothing,
    /// Messages of this type over a WebSocket.
    Messages(&'static str),
    /// JSON of this type of `offing_core::proto`, or of the page that asks.
    Json(&'static str),
    /// Bytes.
    Bytes,
}

impl Takes {
    pub(crate) fn bytes_max(self) -> u64 {
        match self {
            Self::Nothing | Self::Socket => 0,
            Self::Json(_) => limits::JSON_BODY_BYTES_MAX as u64,
            Self::Bytes { bytes_max } => bytes_max as u64,
        }
    }

    /// The media type that the body must have, if there is one.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Socket => None,
            Self::Json(_) => Some("application/json"),
            Self::Bytes { .. } => Some("application/octet-stream"),
        }
    }
}

/// Makes the router of everything the server answers.
pub fn router(state: &AppState) -> Router {
    let mut router = Router::new();
    for call in CALLS {
        let gate = admit::Gate { state: state.clone(), call };
        let admitted =
            (call.route)().route_layer(middleware::from_fn_with_state(gate, admit::admit));
        router = router.route(&format!("{API_PREFIX}{}", call.path), admitted);
    }
    router
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(account::ready))
        .method_not_allowed_fallback(|| async {
            ApiError::new(Code::NotFound).status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .fallback(fallback)
        .layer(middleware::from_fn_with_state(state.clone(), around))
        .with_state(state.clone())
}

/// What is no call is a file of the client, or a place in it.
async fn fallback(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::new(Code::NotFound).into_response();
    }
    let next = state.rollouts().folder(state.now_ms());
    state.assets().answer(next.as_deref(), request.method(), path, request.headers()).await
}

/// Around everything: a request id, a line in the log, the security headers.
async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let address = address(state.config(), &request);
    let id = request_id();
    let method = request.method().clone();
    // The pattern, not the path: a path may name what people would rather not see in a log.
    let route = request.extensions().get::<MatchedPath>().map_or("file", |path| path.as_str());
    let status = tracing::field::Empty;
    let span = tracing::info_span!(CALL, id, method = known(&method), route, status);
    let (start, path) = (Instant::now(), route.to_owned());
    let request = request.map(|body| state.metrics().receives(body));
    let response = tracing::Instrument::instrument(next.run(request), span.clone()).await;
    let (took, status) = (start.elapsed(), response.status().as_u16());
    state.metrics().answered(&method, &path, status, took);
    let refused = response.extensions().get::<Code>().copied();
    span.record("status", status);
    span.in_scope(|| {
        if let Some(code) = refused {
            state.metrics().refused(code);
            if is_audited(code) {
                tracing::info!(target: AUDIT, %address, ?code, "refused");
            }
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(took_ms, "answered");
    });
    let mut response = response.map(|body| state.metrics().sends(body));
    headers::secure(&mut response, state.config().is_https());
    name_request(&mut response, &id);
    response
}

/// A name for a request, in the log and for who made it.
pub(crate) fn request_id() -> String {
    hex::encode(rand::rngs::OsRng.next_u64().to_be_bytes())
}

/// Tells who made a request what it is called.
pub(crate) fn name_request(response: &mut Response, id: &str) {
    let id = HeaderValue::from_str(id).expect("hex is visible ASCII");
    response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
}

/// What the log says of who was refused, beside requests.
const AUDIT: &str = "offing_server::audit";

/// Says whether somebody may have tried what is not theirs.
fn is_audited(code: Code) -> bool {
    matches!(
        code,
        Code::WrongCredentials | Code::InviteUnknown | Code::InviteUsed | Code::WrongDevice
    )
}

/// Every call of the server.
pub static CALLS: &[Call] = &[
    Call {
        method: "GET",
        path: "/info",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("ServerInfo"),
        says: "The server's version and clock.",
        refuses: &[],
        route: || get(account::info),
    },
    Call {
        method: "GET",
        path: "/openapi.json",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("OpenApi"),
        says: "This description.",
        refuses: &[],
        route: || get(openapi::answer),
    },
    Call {
        method: "GET",
        path: "/checkup",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("Checkup"),
        says: "What the server knows of how this call came to it, for the page at `/checkup`.",
        refuses: &[],
        route: || get(checkup::seen),
    },
    Call {
        method: "POST",
        path: "/checkup/body",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Bytes { bytes_max: limits::CHUNK_BATCH_BYTES_MAX },
        gives: Gives::Json("Received"),
        says: "Count the bytes of a body, and keep nothing of it.",
        refuses: &[],
        route: || post(checkup::body),
    },
    Call {
        method: "GET",
        path: "/checkup/pieces",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Bytes,
        says: "Bytes that come piece by piece, with a while between them.",
        refuses: &[],
        route: || get(checkup::pieces),
    },
    Call {
        method: "GET",
        path: "/checkup/live",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Socket,
        gives: Gives::Messages("Received"),
        says: "A WebSocket that says how many bytes it was told, once.",
        refuses: &[],
        route: || get(checkup::live),
    },
    Call {
        method: "POST",
        path: "/auth/register/start",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("RegisterStart"),
        gives: Gives::Json("RegisterStarted"),
        says: "Start a sign-up with a link's token.",
        refuses: &[
            Code::InviteUnknown,
            Code::InviteUsed,
            Code::InviteExpired,
            Code::NameMalformed,
            Code::NameTaken,
        ],
        route: || post(account::register_start),
    },
    Call {
        method: "POST",
        path: "/auth/register/finish",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("RegisterFinish"),
        gives: Gives::Json("SessionStarted"),
        says: "Make the account, use up the link, set the session cookie.",
        refuses: &[
            Code::InviteUnknown,
            Code::InviteUsed,
            Code::InviteExpired,
            Code::NameMalformed,
            Code::NameTaken,
            Code::StorageFull,
        ],
        route: || post(account::register_finish),
    },
    Call {
        method: "POST",
        path: "/auth/login/start",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("LoginStart"),
        gives: Gives::Json("LoginStarted"),
        says: "Start a sign-in with the password or the recovery code.",
        refuses: &[Code::NameMalformed],
        route: || post(account::login_start),
    },
    Call {
        method: "POST",
        path: "/auth/login/finish",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("LoginFinish"),
        gives: Gives::Json("SessionStarted"),
        says: "Prove the secret, set the session cookie.",
        refuses: &[Code::WrongCredentials, Code::LoginExpired, Code::AccountClosed],
        route: || post(account::login_finish),
    },
    Call {
        method: "POST",
        path: "/auth/refresh",
        access: Access::Cookie,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("AccessToken"),
        says: "Exchange the session cookie for an access token and the next cookie.",
        refuses: &[],
        route: || post(account::refresh),
    },
    Call {
        method: "POST",
        path: "/auth/sign-out",
        access: Access::Cookie,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Nothing,
        says: "End the session and take the cookie back.",
        refuses: &[],
        route: || post(account::sign_out),
    },
    Call {
        method: "POST",
        path: "/auth/device",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Json("DeviceBinding"),
        gives: Gives::Json("AccessToken"),
        says: "Bind the session to a newly minted device.",
        refuses: &[],
        route: || post(account::rebind),
    },
    Call {
        method: "POST",
        path: "/auth/secret/start",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Json("SecretStart"),
        gives: Gives::Json("SecretStarted"),
        says: "Start setting a new password or recovery code, minutes after a sign-in.",
        refuses: &[Code::SignInAgain],
        route: || post(account::secret_start),
    },
    Call {
        method: "POST",
        path: "/auth/secret/finish",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Json("SecretFinish"),
        gives: Gives::Nothing,
        says: "Set the new secret; a new password ends every other session.",
        refuses: &[Code::SignInAgain],
        route: || post(account::secret_finish),
    },
    Call {
        method: "POST",
        path: "/account/kit",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Nothing,
        says: "Record that the recovery kit was read back.",
        refuses: &[],
        route: || post(account::confirm_kit),
    },
    Call {
        method: "GET",
        path: "/account",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("AccountView"),
        says: "The account: its name, its space, its vaults.",
        refuses: &[],
        route: || get(account::account),
    },
    Call {
        method: "GET",
        path: "/account/devices",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("Devices"),
        says: "When each device that has a session was here.",
        refuses: &[],
        route: || get(account::devices),
    },
    Call {
        method: "PUT",
        path: "/vaults/{vault}",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Bytes { bytes_max: limits::ENTRY_BYTES_MAX },
        gives: Gives::Json("Appended"),
        says: "Make a vault from its genesis entry, which must hash to the vault's id.",
        refuses: &[Code::VaultUnknown, Code::QuotaExceeded, Code::StorageFull],
        route: || put(vaults::create),
    },
    Call {
        method: "POST",
        path: "/vaults/{vault}/log",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Bytes { bytes_max: limits::APPEND_BYTES_MAX },
        gives: Gives::Json("Appended"),
        says: "Append entries; each has its own result.",
        refuses: &[Code::VaultUnknown, Code::WrongDevice, Code::Recovering, Code::StorageFull],
        route: || post(vaults::append),
    },
    Call {
        method: "POST",
        path: "/vaults/{vault}/give-back",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Bytes { bytes_max: limits::GIVE_BACK_BYTES_MAX },
        gives: Gives::Json("Appended"),
        says: "Give a restored server entries that it lacks, at their old places.",
        refuses: &[Code::VaultUnknown, Code::StorageFull],
        route: || post(vaults::give_back),
    },
    Call {
        method: "GET",
        path: "/vaults/{vault}/log",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Bytes,
        says: "A page of the log after a place (?after=n&bare=device).",
        refuses: &[Code::VaultUnknown],
        route: || get(vaults::read),
    },
    Call {
        method: "GET",
        path: "/vaults/{vault}/snapshot",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Bytes,
        says: "The last snapshot but some, and what it takes to believe it (?skip=n).",
        refuses: &[Code::VaultUnknown],
        route: || get(vaults::beginning),
    },
    Call {
        method: "POST",
        path: "/vaults/{vault}/chunks",
        access: Access::Bearer,
        rate: Rate::Transfer,
        takes: Takes::Bytes { bytes_max: limits::CHUNK_BATCH_BYTES_MAX },
        gives: Gives::Json("ChunksStored"),
        says: "Store a framed batch of chunks; durable when answered.",
        refuses: &[Code::VaultUnknown, Code::ChunkMismatch, Code::QuotaExceeded, Code::StorageFull],
        route: || post(chunks::put_batch),
    },
    Call {
        method: "POST",
        path: "/vaults/{vault}/have",
        access: Access::Bearer,
        rate: Rate::Call,
        takes: Takes::Bytes { bytes_max: limits::HAVE_IDS_MAX * 32 },
        gives: Gives::Bytes,
        says: "Which of these chunks the server holds, as a bitmap.",
        refuses: &[Code::VaultUnknown],
        route: || post(chunks::have),
    },
    Call {
        method: "PUT",
        path: "/vaults/{vault}/chunks/{chunk}",
        access: Access::Bearer,
        rate: Rate::Transfer,
        takes: Takes::Bytes { bytes_max: limits::CHUNK_SEALED_BYTES_MAX },
        gives: Gives::Json("ChunksStored"),
        says: "Store one chunk; durable when answered.",
        refuses: &[Code::VaultUnknown, Code::ChunkMismatch, Code::QuotaExceeded, Code::StorageFull],
        route: || put(chunks::put),
    },
    Call {
        method: "GET",
        path: "/vaults/{vault}/chunks/{chunk}",
        access: Access::Bearer,
        rate: Rate::Transfer,
        takes: Takes::Nothing,
        gives: Gives::Bytes,
        says: "A chunk, or one range of it; immutable, its ETag is its id.",
        refuses: &[Code::VaultUnknown, Code::ChunkUnknown, Code::RangeInvalid],
        route: || get(chunks::read),
    },
    Call {
        method: "GET",
        path: "/live",
        access: Access::Cookie,
        rate: Rate::Call,
        takes: Takes::Socket,
        gives: Gives::Messages("Wake"),
        says: "A WebSocket that tells when a vault of the account has grown.",
        refuses: &[],
        route: || get(live::open),
    },
    Call {
        method: "GET",
        path: "/release",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("Releases"),
        says: "The version of the app that some devices are offered first, and which.",
        refuses: &[],
        route: || get(releases::next),
    },
    Call {
        method: "POST",
        path: "/release/starts",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("ReleaseStart"),
        gives: Gives::Nothing,
        says: "Say once how that version started; it is counted and nothing else is kept.",
        refuses: &[],
        route: || post(releases::started),
    },
    Call {
        method: "POST",
        path: "/admin/enter",
        access: Access::Open,
        rate: Rate::Call,
        takes: Takes::Json("AdminLink"),
        gives: Gives::Nothing,
        says: "Exchange a link to the page for its session's cookie.",
        refuses: &[Code::WrongCredentials],
        route: || post(admin::enter),
    },
    Call {
        method: "POST",
        path: "/admin/leave",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Nothing,
        says: "End the session and take the cookie back.",
        refuses: &[],
        route: || post(admin::leave),
    },
    Call {
        method: "GET",
        path: "/admin/server",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("AdminServer"),
        says: "How the server does, and what it offers of the app.",
        refuses: &[],
        route: || get(admin::server),
    },
    Call {
        method: "POST",
        path: "/admin/accounts",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminName"),
        gives: Gives::Json("AdminAccounts"),
        says: "Accounts whose names come after this one.",
        refuses: &[],
        route: || post(admin::accounts),
    },
    Call {
        method: "POST",
        path: "/admin/limit",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminLimit"),
        gives: Gives::Nothing,
        says: "Set or lift the most that an account may store.",
        refuses: &[Code::NotFound],
        route: || post(admin::limit),
    },
    Call {
        method: "POST",
        path: "/admin/close",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminName"),
        gives: Gives::Nothing,
        says: "Close an account; nothing of it is deleted.",
        refuses: &[Code::NotFound],
        route: || post(admin::close),
    },
    Call {
        method: "POST",
        path: "/admin/open",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminName"),
        gives: Gives::Nothing,
        says: "Open a closed account again.",
        refuses: &[Code::NotFound],
        route: || post(admin::open),
    },
    Call {
        method: "POST",
        path: "/admin/sessions",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminName"),
        gives: Gives::Json("AdminSessions"),
        says: "The sessions of an account.",
        refuses: &[Code::NotFound],
        route: || post(admin::sessions),
    },
    Call {
        method: "POST",
        path: "/admin/sign-out",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminName"),
        gives: Gives::Json("AdminEnded"),
        says: "End all sessions of an account.",
        refuses: &[Code::NotFound],
        route: || post(admin::sign_out),
    },
    Call {
        method: "POST",
        path: "/admin/invite",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("AdminInvite"),
        says: "Make a one-time sign-up link.",
        refuses: &[],
        route: || post(admin::invite),
    },
    Call {
        method: "POST",
        path: "/admin/release/share",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Json("AdminShare"),
        gives: Gives::Json("AdminRelease"),
        says: "Offer the next version of the app to so many of a hundred devices.",
        refuses: &[Code::NotFound],
        route: || post(admin::share),
    },
    Call {
        method: "POST",
        path: "/admin/release/stop",
        access: Access::Admin,
        rate: Rate::Call,
        takes: Takes::Nothing,
        gives: Gives::Json("AdminRelease"),
        says: "Offer it to nobody any more.",
        refuses: &[Code::NotFound],
        route: || post(admin::stop),
    },
];
