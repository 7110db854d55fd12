//! The way to the server over a socket: HTTP/1.1, with TLS where the address says https.
//!
//! The session's cookie is kept in a file of its own and written before the answer that
//! brought it is used, so a program that is killed holds one that the server knows. A server
//! on this machine is reached past any proxy that the environment names, as browsers do.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use offing_worker::net::NetError;
use offing_worker::net::call::{Body, Call, Transport};
use reqwest::header::{COOKIE, HeaderMap, RETRY_AFTER, SET_COOKIE};
use reqwest::{Client, Method, Response, Url, redirect};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::failure::Failure;
use crate::files;

/// Name of the session's cookie.
const SESSION_COOKIE: &str = "__Host-offing";
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The way to one server; clones share the session.
#[derive(Debug, Clone)]
pub struct Wire {
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    server: String,
    /// The session's cookie, and the file it is kept in.
    session: RefCell<Option<String>>,
    kept: PathBuf,
    spending: Arc<Mutex<()>>,
    /// Why the last call reached nobody.
    trouble: RefCell<Option<String>>,
}

impl Wire {
    /// Prepares the way to a server, with the session that is kept in a file, if one is.
    pub fn new(server: &str, kept: &Path) -> Result<Self, Failure> {
        let server = origin(server)?;
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("offing/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&server) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| Failure::Tls { cause: error.to_string() })?;
        let session = std::fs::read_to_string(kept).ok().filter(|text| !text.is_empty());
        let inner = Inner {
            client,
            server,
            session: RefCell::new(session),
            kept: kept.to_owned(),
            spending: Arc::default(),
            trouble: RefCell::default(),
        };
        Ok(Self { inner: Rc::new(inner) })
    }

    /// The server's address, in one spelling.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// Why the last call that reached nobody did not.
    pub fn trouble(&self) -> Option<String> {
        self.inner.trouble.borrow().clone()
    }

    async fn run(&self, call: &Call<'_>) -> Result<Vec<u8>, NetError> {
        let url = format!("{}{}", self.inner.server, call.path);
        let method: Method = call.method.parse().map_err(|_| NetError::Malformed)?;
        let mut request = self.inner.client.request(method, url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(kind) = call.content_type {
            request = request.header("content-type", kind);
        }
        if let Some(session) = &*self.inner.session.borrow() {
            request = request.header(COOKIE, format!("{SESSION_COOKIE}={session}"));
        }
        if let Some(Body::Bytes(bytes)) = call.body {
            request = request.body(bytes.to_vec());
        }
        let mut response = request.send().await.map_err(|error| self.unreached(&error))?;
        self.keep_session(response.headers())?;
        let status = response.status().as_u16();
        let retry_after_s = number(&response, RETRY_AFTER.as_str());
        let bytes_max = call.bytes_max(status);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreached(&error))? {
            if body.len() + piece.len() > bytes_max {
                return Err(Call::too_long(status));
            }
            body.extend_from_slice(&piece);
        }
        call.read(status, retry_after_s, body)
    }

    fn unreached(&self, error: &reqwest::Error) -> NetError {
        // The innermost cause says most: "connection refused", "certificate expired".
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        *self.inner.trouble.borrow_mut() = Some(cause.to_string());
        if error.is_timeout() { NetError::TimedOut } else { NetError::Offline }
    }

    /// Keeps the session that an answer began, changed or ended.
    fn keep_session(&self, headers: &HeaderMap) -> Result<(), NetError> {
        let Some(session) = headers.get_all(SET_COOKIE).iter().find_map(|value| {
            let (pair, _) = value.to_str().ok()?.split_once(';')?;
            let (name, token) = pair.split_once('=')?;
            (name == SESSION_COOKIE).then(|| token.to_owned())
        }) else {
            return Ok(());
        };
        if let Err(error) = files::put(&self.inner.kept, session.as_bytes()) {
            *self.inner.trouble.borrow_mut() = Some(error.to_string());
            return Err(NetError::Aborted);
        }
        *self.inner.session.borrow_mut() = (!session.is_empty()).then_some(session);
        Ok(())
    }
}

impl Transport for Wire {
    type Guard = OwnedMutexGuard<()>;

    async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, NetError> {
        let deadline = Duration::from_millis(u64::from(call.timeout_ms()));
        match tokio::time::timeout(deadline, self.run(call)).await {
            Ok(answer) => answer,
            Err(_) => {
                *self.inner.trouble.borrow_mut() = Some("no answer in time".to_owned());
                Err(NetError::TimedOut)
            }
        }
    }

    async fn lock_session(&self) -> Option<Self::Guard> {
        Some(Arc::clone(&self.inner.spending).lock_owned().await)
    }
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.headers().get(header)?.to_str().ok()?.parse().ok()
}

/// The server's origin as one spelling: no slash at the end, no path.
fn origin(given: &str) -> Result<String, Failure> {
    let unfit = || Failure::AddressUnfit { given: given.to_owned() };
    let url = Url::parse(given).map_err(|_| unfit())?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    if !(is_http && bare && nobody && url.host_str().is_some()) {
        return Err(unfit());
    }
    let origin = url.origin().ascii_serialization();
    // In the clear, whoever listens learns the session and may act in its name.
    if url.scheme() == "http" && !is_loopback(&origin) {
        return Err(Failure::AddressInTheClear { given: given.to_owned() });
    }
    Ok(origin)
}

fn is_loopback(server: &str) -> bool {
    let Ok(url) = Url::parse(server) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_beyond_this_machine_over_tls() {
        assert_eq!(
            origin("https://drive.example.org/").ok().as_deref(),
            Some("https://drive.example.org")
        );
        assert_eq!(origin("http://localhost:7070").ok().as_deref(), Some("http://localhost:7070"));
        assert!(origin("http://[::1]:80").is_ok());
        for given in
            ["drive.example.org", "https://a.example/b", "ftp://a.example", "https://u:p@a.example"]
        {
            assert!(matches!(origin(given), Err(Failure::AddressUnfit { .. })), "{given}");
        }
        let clear = origin("http://drive.example.org");
        assert!(matches!(clear, Err(Failure::AddressInTheClear { .. })));
    }
}
