//! Calls of somebody who is signed in, with any body, to the server's own router.
//!
//! ```text
//! input = which call u8 | what is odd u8 | length of a piece of the body u8 | body
//! ```

use std::sync::{Arc, LazyLock};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use offing_core::fixture::{Log, Person};
use offing_core::id::{ChunkId, VaultId};
use offing_core::proto::{API_PREFIX, AccountRecord, Refusal};
use offing_server::AppState;
use offing_server::api::{self, Access, CALLS, Call};
use offing_server::auth::token::{Claims, TokenKey};
use offing_server::config::{Config, Settings};
use offing_server::service::accounts::NewAccount;
use offing_server::service::{Caller, ServiceOptions, Services};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::take_byte;
use crate::host::EPOCH_MS;

/// What every server of a run shares: a vault's beginning, secrets in a folder, a session.
struct Fixture {
    runtime: Runtime,
    config: Config,
    _folder: TempDir,
    caller: Caller,
    genesis: Vec<u8>,
    vault: VaultId,
    token: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data: Some(folder.path().to_owned()),
        assets: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    let config = settings.finish().unwrap();
    let owner = Person::new(1);
    let mut device = owner.device(2);
    let log = Log::found(&owner, &mut device, 3);
    let caller = Caller { account: owner.account, device: device.id };
    let claims = Claims {
        account: caller.account,
        device: caller.device,
        session: [1; 16],
        issued_s: EPOCH_MS / 1_000,
    };
    let keys = TokenKey::open(&folder.path().join("token-key")).unwrap();
    Fixture {
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        config,
        caller,
        genesis: log.entries[0].encode(),
        vault: log.vault.id,
        token: keys.issue(&claims),
        _folder: folder,
    }
});

impl Fixture {
    /// A server that has the account and its vault, and nothing else.
    async fn server(&self) -> AppState {
        let services = Services::in_memory(ServiceOptions::default()).unwrap();
        let invite = services.create_invite(EPOCH_MS).await.unwrap();
        let record = AccountRecord {
            account: self.caller.account,
            identity_public: vec![1; 65].into(),
            identity_sealed: vec![2].into(),
            password_slot: vec![3].into(),
            recovery_slot: vec![4].into(),
        };
        let (password_file, recovery_file) = (vec![5], vec![6]);
        let username = "alice".to_owned();
        let new = NewAccount { invite, username, password_file, recovery_file, record };
        services.register(new, EPOCH_MS).await.unwrap();
        services.create_vault(&self.caller, &self.genesis, EPOCH_MS).await.unwrap();
        AppState::over(self.config.clone(), services, Arc::new(|| EPOCH_MS)).unwrap()
    }

    fn path(&self, call: &Call, odd: u8, body: &[u8]) -> String {
        let chunk = ChunkId(Sha256::digest(body).into());
        let vault = match odd & 3 {
            // The one that these bytes make, if they are an entry.
            1 => offing_core::log::entry::Entry::decode(body)
                .map_or(self.vault, |entry| VaultId(entry.hash().0)),
            2 => VaultId([9; 32]),
            _ => self.vault,
        };
        let path = call.path.replace("{vault}", &vault.to_string());
        let path = path.replace("{chunk}", &chunk.to_string());
        let query = String::from_utf8_lossy(body).replace(|c: char| !c.is_ascii_graphic(), "");
        let query = if odd & 4 > 0 { format!("?{query}") } else { String::new() };
        format!("{API_PREFIX}{path}{query}")
    }
}

/// One call, and one to be sure that the server still answers.
pub(super) fn request(mut bytes: &[u8]) {
    let call = &CALLS[usize::from(take_byte(&mut bytes)) % CALLS.len()];
    let odd = take_byte(&mut bytes);
    let piece = usize::from(take_byte(&mut bytes)) + 1;
    let fixture = &*FIXTURE;
    let Ok(uri) = fixture.path(call, odd, bytes).parse::<axum::http::Uri>() else { return };
    let mut request = Request::builder().method(call.method).uri(uri);
    if call.access == Access::Bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", fixture.token));
    }
    if let Some(media_type) = call.takes.media_type() {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    if odd & 8 > 0
        && let Ok(value) = header::HeaderValue::from_bytes(bytes)
    {
        request = request.header(header::RANGE, &value).header(header::COOKIE, value);
    }
    let pieces: Vec<_> =
        bytes.chunks(piece).map(Bytes::copy_from_slice).map(Ok::<_, String>).collect();
    let request = request.body(Body::from_stream(futures_util::stream::iter(pieces))).unwrap();
    fixture.runtime.block_on(async {
        let state = fixture.server().await;
        let router = api::router(&state);
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{} {}", call.method, call.path);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        if status.is_client_error() && status != StatusCode::RANGE_NOT_SATISFIABLE {
            serde_json::from_slice::<Refusal>(&body).unwrap();
        }
        assert!(state.services().account(fixture.caller.account).await.unwrap().is_some());
    });
}
