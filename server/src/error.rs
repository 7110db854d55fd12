//! What a refused request gets: a stable code for the device, the cause for the log.
//!
//! The body never says more than `proto::Refusal` does, so no internals leave the server.
//! `docs/protocol.md` lists the codes with their statuses.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use offing_core::proto::{Code, Refusal};

use crate::intake::PoolBusy;
use crate::service::ServiceError;
use crate::tickets::TicketError;
use crate::turns::Overloaded;

/// A refused request.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    status: StatusCode,
    retry_after: Option<Duration>,
    suspicion: Option<Suspicion>,
}

/// What a refusal looks like to whoever keeps the server, where its code says less: it goes to the log
/// and not into the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// A page of another site called.
    ForeignOrigin,
    /// A token or ticket that nobody here has signed.
    ForgedToken,
    /// A cookie that was replaced long ago, so somebody copied it.
    ReusedCookie {
        /// Whose it was.
        username: String,
    },
}

impl ApiError {
    /// Refuses with a code and its usual status.
    pub fn new(code: Code) -> Self {
        Self { code, status: status(code), retry_after: None, suspicion: None }
    }

    /// Refuses because of a fault of the server; the cause goes to the log only.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            causes.push_str(": ");
            causes.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(cause = causes, "a request failed");
        Self::new(Code::Internal)
    }

    /// Says how long to wait before the next try.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Uses another status than the code's usual one.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Says what it looks like.
    #[must_use]
    pub(crate) fn suspicion(mut self, suspicion: Suspicion) -> Self {
        self.suspicion = Some(suspicion);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let code = error.code();
        if code == Code::Internal {
            return Self::internal(&error);
        }
        let refused = Self::new(code);
        if let ServiceError::CookieReused { username } = error {
            return refused.suspicion(Suspicion::ReusedCookie { username });
        }
        let wait = if let ServiceError::Away { wait } = error { wait } else { BUSY_WAIT };
        if code == Code::Unavailable { refused.retry_after(wait) } else { refused }
    }
}

impl From<TicketError> for ApiError {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::Over => Code::TokenExpired.into(),
            TicketError::Forged => Self::new(Code::SignedOut).suspicion(Suspicion::ForgedToken),
        }
    }
}

impl From<PoolBusy> for ApiError {
    fn from(_: PoolBusy) -> Self {
        Self::new(Code::Unavailable).retry_after(BUSY_WAIT)
    }
}

impl From<Overloaded> for ApiError {
    fn from(Overloaded { wait }: Overloaded) -> Self {
        Self::new(Code::Unavailable).retry_after(wait)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after_ms =
            self.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        let refusal = Refusal { code: self.code, retry_after_ms };
        let mut response = (self.status, Json(refusal)).into_response();
        if let Some(ms) = retry_after_ms {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        response.extensions_mut().insert(self.code);
        if let Some(suspicion) = self.suspicion {
            response.extensions_mut().insert(suspicion);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The usual status of a code.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::SignedOut
        | Code::TakenOff
        | Code::TokenExpired
        | Code::WrongCredentials
        | Code::SecondFactor => StatusCode::UNAUTHORIZED,
        Code::NameMalformed | Code::ChunkMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Code::NameTaken | Code::Recovering | Code::TooManyVaults | Code::TooManyDevices => {
            StatusCode::CONFLICT
        }
        Code::RegistrationClosed
        | Code::InviteUnknown
        | Code::SignInAgain
        | Code::WrongDevice
        | Code::AccountClosed => StatusCode::FORBIDDEN,
        Code::InviteUsed | Code::InviteExpired | Code::LoginExpired => StatusCode::GONE,
        Code::VaultUnknown | Code::ChunkUnknown | Code::NotFound => StatusCode::NOT_FOUND,
        Code::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
        Code::QuotaExceeded | Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        // Also codes that a later release adds before it gives them a status.
        Code::Internal | _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// How long a device waits when the server has too much to do.
const BUSY_WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::blob::BlobError;

    #[test]
    fn who_asks_while_the_chunk_store_is_away_hears_when_to_come_again() {
        let away = BlobError::Away { wait: Duration::from_secs(8) };
        let error = ServiceError::from(std::sync::Arc::new(away));
        let response = ApiError::from(error).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "8");
    }
}
