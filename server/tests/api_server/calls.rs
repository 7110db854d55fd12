//! People who call a server, wherever it runs, and what they call with.

use std::net::SocketAddr;

use bytes::Bytes;
use offing_core::auth::{Login, Registration, Stretch};
use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, StreamId, VaultId};
use offing_core::log::entry::{Entry, EntryKind, Header, signed_bytes};
use offing_core::proto::{self, AppendResult, Appended, Code, Refusal, SecretKind, SessionStarted};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use rand::RngCore as _;
use rand::rngs::OsRng;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// Calls a server at an address.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
}

impl Calls {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post<T: Serialize>(&self, path: &str, body: &T) -> Reply {
        reply(self.request(Method::POST, &format!("/api/v1{path}")).json(body)).await
    }

    /// Signs somebody up with this link.
    pub(crate) async fn try_sign_up(
        &self,
        invite: &str,
        name: &str,
        password: &str,
        recovery: &str,
    ) -> Result<Person, Reply> {
        let (by_password, password_request) =
            Registration::start(&mut OsRng, password.as_bytes()).unwrap();
        let (by_recovery, recovery_request) =
            Registration::start(&mut OsRng, recovery.as_bytes()).unwrap();
        let asked = proto::RegisterStart {
            invite: invite.to_owned(),
            username: name.to_owned(),
            password_request: password_request.into(),
            recovery_request: recovery_request.into(),
        };
        let started = self.post("/auth/register/start", &asked).await.granted()?;
        let started: proto::RegisterStarted = started.json();
        let finish = |registration: Registration, response: &proto::Bytes| {
            registration.finish(&mut OsRng, &response.0, &Stretch::cheap()).unwrap().upload.into()
        };
        let (key, device) = new_device();
        let asked = proto::RegisterFinish {
            invite: invite.to_owned(),
            username: name.to_owned(),
            password_upload: finish(by_password, &started.password_response),
            recovery_upload: finish(by_recovery, &started.recovery_response),
            record: account_record(),
            device: device.clone(),
        };
        let reply = self.post("/auth/register/finish", &asked).await.granted()?;
        Ok(Person::started(&reply, key, device.device))
    }

    /// Signs in on a new device.
    pub(crate) async fn sign_in(&self, name: &str, secret: &str) -> Person {
        self.try_sign_in(name, SecretKind::Password, secret).await.unwrap()
    }

    pub(crate) async fn try_sign_in(
        &self,
        name: &str,
        kind: SecretKind,
        secret: &str,
    ) -> Result<Person, Reply> {
        self.proves(name, kind, secret).await?.finishes(self).await
    }

    /// Proves a secret on a new device, up to the last message.
    pub(crate) async fn proves(
        &self,
        name: &str,
        kind: SecretKind,
        secret: &str,
    ) -> Result<Proved, Reply> {
        let (login, request) = Login::start(&mut OsRng, kind, secret.as_bytes()).unwrap();
        let asked = proto::LoginStart { username: name.to_owned(), kind, request: request.into() };
        let started = self.post("/auth/login/start", &asked).await.granted()?;
        let started: proto::LoginStarted = started.json();
        // A device that cannot open the answer would stop here; this one goes on, so that
        // the server has to refuse.
        let finalization = login
            .finish(&mut OsRng, &started.response.0, &Stretch::cheap())
            .map_or_else(|_| vec![0; 64], |logged_in| logged_in.finalization);
        let (key, device) = new_device();
        let finish =
            proto::LoginFinish { login: started.login, finalization: finalization.into(), device };
        Ok(Proved { finish, key })
    }

    /// Calls `POST /auth/refresh` with a cookie.
    pub(crate) async fn refresh(&self, cookie: &str) -> Reply {
        let request = self.request(Method::POST, "/api/v1/auth/refresh").header("cookie", cookie);
        reply(request).await
    }

    /// Calls with an access token.
    pub(crate) fn call(
        &self,
        person: &Person,
        method: Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        self.request(method, &format!("/api/v1{path}")).bearer_auth(&person.token)
    }

    pub(crate) async fn send(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let request = self.call(person, method, path).header("content-type", OCTETS).body(body);
        reply(request).await
    }

    pub(crate) async fn create_vault(&self, person: &Person) -> Vault {
        self.try_create_vault(person).await.unwrap()
    }

    pub(crate) async fn try_create_vault(&self, person: &Person) -> Result<Vault, Reply> {
        let mut genesis = entry(None, person.device, 1, Hash([0; 32]), EntryKind::Epoch, &[], 1);
        // Equal genesis entries would be one vault.
        OsRng.fill_bytes(&mut genesis.body);
        let id = VaultId(genesis.hash().0);
        let path = format!("/vaults/{id}");
        let reply = self.send(person, Method::PUT, &path, genesis.encode()).await.granted()?;
        let appended: Appended = reply.json();
        assert!(matches!(appended.results[..], [AppendResult::Ok { seq: 1, .. }]));
        Ok(Vault { id, device: person.device, dseq: 1, last: genesis.hash() })
    }

    pub(crate) async fn append(
        &self,
        person: &Person,
        vault: &Vault,
        entries: &[Entry],
    ) -> Appended {
        let entries: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
        let path = format!("/vaults/{}/log", vault.id);
        let body = proto::encode_append(&entries);
        self.send(person, Method::POST, &path, body).await.granted().unwrap().json()
    }

    pub(crate) async fn put_chunk(&self, person: &Person, vault: &Vault, bytes: &[u8]) -> Reply {
        let path = format!("/vaults/{}/chunks/{}", vault.id, chunk_id(bytes));
        self.send(person, Method::PUT, &path, bytes.to_vec()).await
    }
}

/// A sign-in whose last message is ready.
#[derive(Debug, Clone)]
pub(crate) struct Proved {
    pub(crate) finish: proto::LoginFinish,
    key: SigningKey,
}

impl Proved {
    pub(crate) async fn finishes(&self, calls: &Calls) -> Result<Person, Reply> {
        let reply = calls.post("/auth/login/finish", &self.finish).await.granted()?;
        Ok(Person::started(&reply, self.key.clone(), self.finish.device.device))
    }
}

/// Somebody on a signed-in device.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) device: DeviceId,
    pub(crate) key: SigningKey,
    pub(crate) account: AccountId,
    pub(crate) token: String,
    pub(crate) cookie: String,
    pub(crate) session: SessionStarted,
}

impl Person {
    fn started(reply: &Reply, key: SigningKey, device: DeviceId) -> Self {
        let session: SessionStarted = reply.json();
        Self {
            device,
            key,
            account: session.record.account,
            token: session.access.token.clone(),
            cookie: reply.cookie().unwrap(),
            session,
        }
    }
}

impl Person {
    /// Signs an entry with the device's key.
    pub(crate) fn sign(&self, entry: &mut Entry) {
        let signature: Signature = self.key.sign(&signed_bytes(&entry.hash()));
        entry.signature = signature.to_bytes().into();
    }
}

/// A vault and what its one device wrote last.
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    pub(crate) id: VaultId,
    pub(crate) device: DeviceId,
    pub(crate) dseq: u64,
    pub(crate) last: Hash,
}

impl Vault {
    /// Writes the device's next entry.
    pub(crate) fn next(&mut self, chunks: &[ChunkId]) -> Entry {
        self.next_of(EntryKind::Change, chunks)
    }

    /// Writes the device's next entry, of this kind.
    pub(crate) fn next_of(&mut self, kind: EntryKind, chunks: &[ChunkId]) -> Entry {
        self.dseq += 1;
        let next = entry(Some(self.id), self.device, self.dseq, self.last, kind, chunks, 1);
        self.last = next.hash();
        next
    }

    /// Writes the device's next entry, of this kind and about these streams.
    pub(crate) fn next_about(&mut self, kind: EntryKind, streams: &[StreamId]) -> Entry {
        let before = self.last;
        let mut next = self.next_of(kind, &[]);
        let header = Header::decode(&next.header).unwrap();
        assert_eq!(header.prev, before);
        next.header = Header { streams: streams.to_vec(), ..header }.encode();
        self.last = next.hash();
        next
    }
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn refusal(&self) -> (u16, Code) {
        (self.status.as_u16(), self.json::<Refusal>().code)
    }

    /// Passes what succeeded on, and the rest as an error.
    #[expect(clippy::result_large_err, reason = "both sides are one answer")]
    pub(crate) fn granted(self) -> Result<Self, Self> {
        if self.status.is_success() { Ok(self) } else { Err(self) }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(HeaderName::from_bytes(name.as_bytes()).unwrap())?.to_str().ok()
    }

    /// The cookie that was set, as a browser would send it back.
    pub(crate) fn cookie(&self) -> Option<String> {
        Some(self.header("set-cookie")?.split(';').next()?.to_owned())
    }
}

pub(crate) async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, body: response.bytes().await.unwrap() }
}

pub(crate) fn device_binding() -> proto::DeviceBinding {
    new_device().1
}

fn new_device() -> (SigningKey, proto::DeviceBinding) {
    let key = SigningKey::random(&mut OsRng);
    let public = public_half(&key);
    let hash = Sha256::digest(&public);
    let device = DeviceId::from_slice(&hash[..DeviceId::LEN]).unwrap();
    (key, proto::DeviceBinding { device, public: public.into() })
}

pub(crate) fn account_record() -> proto::AccountRecord {
    let mut account = [0; 16];
    OsRng.fill_bytes(&mut account);
    proto::AccountRecord {
        account: AccountId(account),
        identity_public: public_half(&SigningKey::random(&mut OsRng)).into(),
        identity_sealed: vec![1; 100].into(),
        password_slot: vec![2; 100].into(),
        recovery_slot: vec![3; 100].into(),
    }
}

fn public_half(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
}

/// Makes an entry; what seals and signs it is no business of the server.
pub(crate) fn entry(
    vault: Option<VaultId>,
    device: DeviceId,
    dseq: u64,
    prev: Hash,
    kind: EntryKind,
    chunks: &[ChunkId],
    epoch: u32,
) -> Entry {
    let header = Header {
        kind,
        vault,
        device,
        dseq,
        prev,
        seen_seq: 0,
        seen_chain: Hash([0; 32]),
        epoch,
        streams: Vec::new(),
        chunks: chunks.to_vec(),
    };
    Entry { header: header.encode(), signature: [7; 64], body: vec![8; 300] }
}

pub(crate) fn chunk_id(bytes: &[u8]) -> ChunkId {
    ChunkId(Sha256::digest(bytes).into())
}

pub(crate) const OCTETS: &str = "application/octet-stream";
