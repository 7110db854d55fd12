//! The calls to the server: the only place that makes any.
//!
//! `api::Api` is a typed client over a transport (`call`, in the browser `fetch`), `live` the
//! socket that wakes a device. Neither retries on its own (but for an access token that ran
//! out): what to do after an error, and when, is the caller's decision. [`Remote`] is the part
//! that pushing needs, so that it runs against an in-memory server on the host too.

use offing_core::id::{ChunkId, VaultId};
use offing_core::json;
use offing_core::proto::{Appended, ChunksStored, Code, Refusal};

use crate::store::chunks::Framed;

pub mod api;
pub mod call;
#[cfg(target_arch = "wasm32")]
pub mod fetch;
#[cfg(target_arch = "wasm32")]
pub mod live;

/// Reports that a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Offline,
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server, or something before it, cannot serve now.
    #[error("the server cannot serve now (status {status})")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// How long to wait, if it was said.
        retry_after_ms: Option<u64>,
    },
    /// The server refused.
    #[error("the server refused: {:?}", refusal.code)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why.
        refusal: Refusal,
    },
    /// The answer is not what the protocol says.
    #[error("the server's answer makes no sense")]
    Malformed,
    /// The caller gave the call up.
    #[error("the call was given up")]
    Aborted,
}

impl NetError {
    /// Says whether the device should consider itself offline: nobody was reached who
    /// could have refused.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Offline | Self::TimedOut | Self::Unavailable { .. })
    }

    /// The reason of a refusal.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.code),
            Self::Offline
            | Self::TimedOut
            | Self::Unavailable { .. }
            | Self::Malformed
            | Self::Aborted => None,
        }
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Refused { refusal, .. } => refusal.retry_after_ms,
            Self::Unavailable { retry_after_ms, .. } => *retry_after_ms,
            Self::Offline | Self::TimedOut | Self::Malformed | Self::Aborted => None,
        }
    }

    /// Reads a response that is not a success; `body` is what came with it.
    pub fn from_response(status: u16, retry_after_s: Option<u64>, body: &[u8]) -> Self {
        let retry_after_ms = retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
        let refusal = json::read::<Refusal>(body).ok().map(|mut refusal| {
            refusal.retry_after_ms = refusal.retry_after_ms.or(retry_after_ms);
            refusal
        });
        match refusal {
            Some(refusal) if is_refusal(status, refusal.code) => Self::Refused { status, refusal },
            None if status < 500 => Self::Malformed,
            refusal => Self::Unavailable {
                status,
                retry_after_ms: refusal.map_or(retry_after_ms, |refusal| refusal.retry_after_ms),
            },
        }
    }
}

/// Tells the server's considered word from its failing: space that is used up is the
/// former, whatever the class of the status.
fn is_refusal(status: u16, code: Code) -> bool {
    let is_space = matches!(code, Code::StorageFull | Code::QuotaExceeded);
    let is_failing = matches!(code, Code::Unavailable | Code::Internal);
    is_space || (status < 500 && !is_failing)
}

/// What pushing needs of a server; each call answers only when its effect is durable.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Remote {
    /// Asks which of at most `HAVE_IDS_MAX` chunks the server holds.
    async fn have(&self, vault: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError>;

    /// Stores a framed batch of chunks.
    async fn put_chunks(&self, vault: VaultId, batch: &Framed) -> Result<ChunksStored, NetError>;

    /// Appends wire entries (`proto::encode_append`).
    async fn append(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_the_headers_delay() {
        let error = NetError::from_response(429, Some(7), br#"{"code":"rate_limited"}"#);
        assert_eq!((error.code(), error.retry_after_ms()), (Some(Code::RateLimited), Some(7_000)));
        assert!(!error.is_offline());
    }

    #[test]
    fn a_failing_server_counts_as_offline_but_a_full_disk_does_not() {
        assert!(NetError::from_response(502, None, b"<html>").is_offline());
        assert!(NetError::from_response(500, None, br#"{"code":"internal"}"#).is_offline());
        let full = NetError::from_response(507, None, br#"{"code":"storage_full"}"#);
        assert_eq!(full.code(), Some(Code::StorageFull));
        let quota = NetError::from_response(507, None, br#"{"code":"quota_exceeded"}"#);
        assert_eq!(quota.code(), Some(Code::QuotaExceeded));
        let stalled = NetError::from_response(408, Some(1), br#"{"code":"unavailable"}"#);
        let unavailable = NetError::Unavailable { status: 408, retry_after_ms: Some(1_000) };
        assert_eq!(stalled, unavailable);
    }

    #[test]
    fn an_answer_from_something_else_is_malformed() {
        assert_eq!(NetError::from_response(403, None, b"captive portal"), NetError::Malformed);
    }
}
