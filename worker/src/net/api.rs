//! The typed client: one method for each call of the protocol.
//!
//! The access token lives in this program's memory and is fetched with the session cookie
//! when there is none or it ran out. Refreshing rotates the cookie, so it happens under
//! the transport's lock: two tabs never spend the same cookie.

use std::cell::RefCell;
use std::rc::Rc;

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};
use offing_core::limits;
use offing_core::proto::{
    self, API_PREFIX, AccessToken, AccountView, Appended, ChunksStored, Code, DeviceBinding,
    Devices, FactorAnswer, LogPage, LoginFinish, LoginStart, LoginStarted, RegisterFinish,
    RegisterStart, RegisterStarted, SecretFinish, SecretStart, SecretStarted, ServerInfo,
    SessionStarted,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Body, Call, Transport};
use super::{NetError, Remote};
use crate::platform::clock;
use crate::store::chunks::Framed;

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";
/// A token is renewed this long before it ends, for slow requests and wrong clocks.
const TOKEN_MARGIN_MS: i64 = 30_000;

/// The client of one server; clones share the access token.
#[derive(Debug, Clone)]
pub struct Api<T> {
    transport: T,
    shared: Rc<RefCell<Option<Token>>>,
}

#[derive(Debug, Clone)]
struct Token {
    bearer: String,
    expires_ms: i64,
}

impl<T: Transport> Api<T> {
    /// Makes a client that has no token yet.
    pub fn new(transport: T) -> Self {
        Self { transport, shared: Rc::default() }
    }

    /// What brings its calls to the server.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Forgets the access token; the session itself goes on.
    pub fn forget_token(&self) {
        self.shared.borrow_mut().take();
    }

    // ------------------------------------------------------------ accounts

    /// Asks what the server is; needs no session, so it tells whether it can be reached.
    pub async fn info(&self) -> Result<ServerInfo, NetError> {
        json(&self.open_call("GET", "/info", None).await?)
    }

    /// Starts a sign-up.
    pub async fn register_start(
        &self,
        request: &RegisterStart,
    ) -> Result<RegisterStarted, NetError> {
        self.post_open("/auth/register/start", request).await
    }

    /// Finishes a sign-up and keeps the token.
    pub async fn register_finish(
        &self,
        request: &RegisterFinish,
    ) -> Result<SessionStarted, NetError> {
        let session: SessionStarted = self.post_open("/auth/register/finish", request).await?;
        self.keep(&session.access);
        Ok(session)
    }

    /// Starts a sign-in.
    pub async fn login_start(&self, request: &LoginStart) -> Result<LoginStarted, NetError> {
        self.post_open("/auth/login/start", request).await
    }

    /// Finishes a sign-in and keeps the token.
    pub async fn login_finish(&self, request: &LoginFinish) -> Result<SessionStarted, NetError> {
        let session: SessionStarted = self.post_open("/auth/login/finish", request).await?;
        self.keep(&session.access);
        Ok(session)
    }

    /// Answers what a sign-in is asked for beside the password.
    pub async fn factor_answer(&self, request: &FactorAnswer) -> Result<(), NetError> {
        let body = encode(request);
        self.open_call("POST", "/auth/factor/answer", Some(&body)).await.map(drop)
    }

    /// Starts setting a new password or recovery code.
    pub async fn secret_start(&self, request: &SecretStart) -> Result<SecretStarted, NetError> {
        json(&self.signed_in("POST", "/auth/secret/start", Some(&encode(request))).await?)
    }

    /// Finishes setting a new password or recovery code.
    pub async fn secret_finish(&self, request: &SecretFinish) -> Result<(), NetError> {
        let body = encode(request);
        self.signed_in("POST", "/auth/secret/finish", Some(&body)).await.map(drop)
    }

    /// Records that the recovery kit was read back.
    pub async fn confirm_kit(&self) -> Result<(), NetError> {
        self.signed_in("POST", "/account/kit", None).await.map(drop)
    }

    /// Binds the session to another device of this browser and keeps the new token.
    pub async fn bind_device(&self, device: &DeviceBinding) -> Result<(), NetError> {
        let body = encode(device);
        let access = json(&self.signed_in("POST", "/auth/device", Some(&body)).await?)?;
        self.keep(&access);
        Ok(())
    }

    /// Asks when each device was here last.
    pub async fn devices(&self) -> Result<Devices, NetError> {
        json(&self.signed_in("GET", "/account/devices", None).await?)
    }

    /// Ends the session on the server.
    pub async fn sign_out(&self) -> Result<(), NetError> {
        let ended = self.open_call("POST", "/auth/sign-out", None).await;
        self.forget_token();
        match ended {
            // There was none: as wished.
            Err(error) if error.code() == Some(Code::SignedOut) => Ok(()),
            ended => ended.map(drop),
        }
    }

    /// Reads the account.
    pub async fn account(&self) -> Result<AccountView, NetError> {
        json(&self.signed_in("GET", "/account", None).await?)
    }

    // ------------------------------------------------------------ vaults

    /// Founds a vault with its genesis entry (wire bytes). Idempotent.
    pub async fn create_vault(&self, vault: VaultId, genesis: &[u8]) -> Result<Appended, NetError> {
        let path = format!("/vaults/{vault}");
        json(
            &self
                .binary("PUT", &path, Some(Body::Bytes(genesis)), limits::JSON_BODY_BYTES_MAX)
                .await?,
        )
    }

    /// Reads the entries after a place; those of `own`, this session's device, come without
    /// their bodies.
    pub async fn log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError> {
        let own = own.map_or(String::new(), |device| format!("&bare={device}"));
        self.page(&format!("/vaults/{vault}/log?after={after}{own}")).await
    }

    /// Reads the last snapshot but `skip`, with what it takes to believe it.
    pub async fn beginning(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        self.page(&format!("/vaults/{vault}/snapshot?skip={skip}")).await
    }

    /// Reads the entry of the newest shared search index but `skip`.
    pub async fn index(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        self.page(&format!("/vaults/{vault}/index?skip={skip}")).await
    }

    async fn page(&self, path: &str) -> Result<LogPage, NetError> {
        let max = limits::LOG_PAGE_BYTES_MAX + limits::ENTRY_BYTES_MAX + 1024 * 1024;
        let body = self.binary("GET", path, None, max).await?;
        LogPage::decode(&body).map_err(|_| NetError::Malformed)
    }

    /// Stores one chunk.
    pub async fn put_chunk(
        &self,
        vault: VaultId,
        id: ChunkId,
        bytes: &[u8],
    ) -> Result<(), NetError> {
        let path = format!("/vaults/{vault}/chunks/{id}");
        self.binary("PUT", &path, Some(Body::Bytes(bytes)), limits::JSON_BODY_BYTES_MAX)
            .await
            .map(drop)
    }

    /// Fetches a chunk, or a range of its bytes (which cannot be verified by the id).
    pub async fn chunk(
        &self,
        vault: VaultId,
        id: ChunkId,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Vec<u8>, NetError> {
        let path = format!("{API_PREFIX}/vaults/{vault}/chunks/{id}");
        let mut call = Call {
            method: "GET",
            path: &path,
            content_type: None,
            body: None,
            headers: Vec::new(),
            answer_bytes_max: limits::CHUNK_SEALED_BYTES_MAX,
        };
        if let Some(range) = &range {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            call.headers.push(("Range", format!("bytes={}-{}", range.start, range.end - 1)));
        }
        let bytes = self.authorized(call).await?;
        match range {
            Some(range) if bytes.len() as u64 != range.end - range.start => {
                Err(NetError::Malformed)
            }
            _ => Ok(bytes),
        }
    }

    // ------------------------------------------------------------ the way there

    /// Sends entries to one of the calls that take some.
    pub(crate) async fn post_entries(
        &self,
        vault: VaultId,
        call: &str,
        entries: &[u8],
    ) -> Result<Appended, NetError> {
        let path = format!("/vaults/{vault}/{call}");
        // An answer may name every chunk of an entry as missing, in hex.
        let max = limits::ENTRY_CHUNKS_MAX * 80 + limits::JSON_BODY_BYTES_MAX;
        json(&self.binary("POST", &path, Some(Body::Bytes(entries)), max).await?)
    }

    async fn post_open<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<A, NetError> {
        json(&self.open_call("POST", path, Some(&encode(request))).await?)
    }

    /// A call that needs no token.
    async fn open_call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, NetError> {
        let path = format!("{API_PREFIX}{path}");
        self.transport.send(&json_call(method, &path, body)).await
    }

    async fn signed_in(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, NetError> {
        let path = format!("{API_PREFIX}{path}");
        self.authorized(json_call(method, &path, body)).await
    }

    async fn binary(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Body<'_>>,
        answer_bytes_max: usize,
    ) -> Result<Vec<u8>, NetError> {
        let path = format!("{API_PREFIX}{path}");
        let content_type = body.map(|_| BINARY);
        let call =
            Call { method, path: &path, content_type, body, headers: Vec::new(), answer_bytes_max };
        self.authorized(call).await
    }

    /// Sends a call with a token; once more with a new one if the server says it ran out.
    async fn authorized(&self, call: Call<'_>) -> Result<Vec<u8>, NetError> {
        let bearer = self.bearer(None).await?;
        let mut call = call;
        call.headers.push(("Authorization", format!("Bearer {bearer}")));
        match self.transport.send(&call).await {
            Err(error) if matches!(error.code(), Some(Code::TokenExpired | Code::SignedOut)) => {
                let fresh = self.bearer(Some(&bearer)).await?;
                call.headers.pop();
                call.headers.push(("Authorization", format!("Bearer {fresh}")));
                self.transport.send(&call).await
            }
            answer => answer,
        }
    }

    /// Gives a token that is not `refused`, from the server if need be.
    async fn bearer(&self, refused: Option<&str>) -> Result<String, NetError> {
        if let Some(bearer) = self.held(refused) {
            return Ok(bearer);
        }
        let Some(_spending) = self.transport.lock_session().await else {
            return Err(NetError::Aborted);
        };
        // Another task of this program may have been here while we waited.
        if let Some(bearer) = self.held(refused) {
            return Ok(bearer);
        }
        let access: AccessToken = json(&self.open_call("POST", "/auth/refresh", None).await?)?;
        self.keep(&access);
        Ok(access.token)
    }

    fn held(&self, refused: Option<&str>) -> Option<String> {
        let token = self.shared.borrow();
        let token = token.as_ref()?;
        let good = token.expires_ms > clock::now_ms() && Some(token.bearer.as_str()) != refused;
        good.then(|| token.bearer.clone())
    }

    fn keep(&self, access: &AccessToken) {
        let lives_ms = i64::try_from(access.expires_in_s.saturating_mul(1_000)).unwrap_or(0);
        let expires_ms = clock::now_ms() + (lives_ms - TOKEN_MARGIN_MS).max(0);
        *self.shared.borrow_mut() = Some(Token { bearer: access.token.clone(), expires_ms });
    }
}

impl<T: Transport> Remote for Api<T> {
    async fn have(&self, vault: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError> {
        let path = format!("/vaults/{vault}/have");
        let body = proto::encode_have(ids);
        let bits =
            self.binary("POST", &path, Some(Body::Bytes(&body)), limits::HAVE_IDS_MAX).await?;
        proto::decode_bitmap(&bits, ids.len()).map_err(|_| NetError::Malformed)
    }

    async fn put_chunks(&self, vault: VaultId, batch: &Framed) -> Result<ChunksStored, NetError> {
        let path = format!("/vaults/{vault}/chunks");
        let body = match batch {
            Framed::Bytes(bytes) => Body::Bytes(bytes),
            #[cfg(target_arch = "wasm32")]
            Framed::Blob(blob) => Body::Blob(blob),
        };
        json(&self.binary("POST", &path, Some(body), limits::JSON_BODY_BYTES_MAX).await?)
    }

    async fn append(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        self.post_entries(vault, "log", entries).await
    }
}

/// A call that carries JSON, if anything, and is answered so.
fn json_call<'a>(method: &'static str, path: &'a str, body: Option<&'a [u8]>) -> Call<'a> {
    Call {
        method,
        path,
        content_type: body.map(|_| JSON),
        body: body.map(Body::Bytes),
        headers: Vec::new(),
        answer_bytes_max: limits::JSON_BODY_BYTES_MAX,
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("messages have string keys and no failing parts")
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, NetError> {
    offing_core::json::read(body).map_err(|_| NetError::Malformed)
}
