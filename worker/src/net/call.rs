//! One request, and what brings it to the server.
//!
//! The client of the calls (`api::Api`) is the same everywhere; only this differs: `fetch`
//! in the browser, a socket for a program. A transport decides nothing and retries nothing.

use super::NetError;

/// How long a small request may take.
const TIMEOUT_MS: u32 = 30_000;
/// The slowest line that is waited for, when many bytes travel.
const BYTES_PER_MS_MIN: usize = 16;
/// Most bytes of the body of a refusal that are looked at.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Bytes of this program's memory.
    Bytes(&'a [u8]),
    /// What the browser reads by itself.
    #[cfg(target_arch = "wasm32")]
    Blob(&'a web_sys::Blob),
}

impl Body<'_> {
    fn len_bytes(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            #[cfg(target_arch = "wasm32")]
            Self::Blob(blob) => blob.size() as usize,
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, from the server's root.
    pub path: &'a str,
    /// The type of the body.
    pub content_type: Option<&'static str>,
    /// What it carries.
    pub body: Option<Body<'a>>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Most bytes that a sensible answer has.
    pub answer_bytes_max: usize,
}

impl Call<'_> {
    /// How long the whole of it may take.
    pub fn timeout_ms(&self) -> u32 {
        let bytes = self.body.map_or(0, Body::len_bytes).max(self.answer_bytes_max);
        TIMEOUT_MS + u32::try_from(bytes / BYTES_PER_MS_MIN).unwrap_or(0)
    }

    /// Most bytes to read of an answer with this status.
    pub fn bytes_max(&self, status: u16) -> usize {
        if is_success(status) { self.answer_bytes_max } else { REFUSAL_BYTES_MAX }
    }

    /// What an answer is that is longer than it may be.
    pub fn too_long(status: u16) -> NetError {
        if status >= 500 {
            NetError::Unavailable { status, retry_after_ms: None }
        } else {
            NetError::Malformed
        }
    }

    /// Reads a whole answer: its body, or the refusal that it is.
    pub fn read(
        &self,
        status: u16,
        retry_after_s: Option<u64>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, NetError> {
        if !is_success(status) {
            return Err(NetError::from_response(status, retry_after_s, &body));
        }
        if body.len() > self.answer_bytes_max { Err(NetError::Malformed) } else { Ok(body) }
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What brings a request to the server.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Transport {
    /// Held while the session's cookie is spent; see [`Self::lock_session`].
    type Guard;

    /// Sends a request with the session's cookie; whatever is no success is an error. It ends
    /// when nobody waits for it any more.
    async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, NetError>;

    /// Waits until nobody else of this profile spends the session's cookie, which changes
    /// with each use; `None` while the program is being ended.
    async fn lock_session(&self) -> Option<Self::Guard>;
}
