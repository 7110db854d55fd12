//! Certificates that the program fetches itself, and renews (ACME, RFC 8555).
//!
//! An authority signs for whoever answers at a name. It opens a TLS connection to that name which asks
//! for the protocol `acme-tls/1` (RFC 8737), and wants to be shown what only the holder of our account
//! there can make. So the port that people use is enough, and nothing is served in the clear. What is
//! fetched is a file as one that was given (`tls`), key and chain in one, of which there is the old or
//! the new; it is taken up in the same way.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Limited;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType,
    HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use reqwest::{Body, Client};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use x509_cert::Certificate;

use self::advice::Advice;
use crate::private;
use crate::tls::{Tls, TlsError, TlsFiles, provider};

mod advice;

/// The protocol that an authority asks for, as a handshake names it.
pub(crate) const PROTOCOL: &[u8] = b"acme-tls/1";

/// Who signs, and for which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The address of its directory.
    pub directory: String,
    /// The address of mail to which it may write.
    pub contact: Option<String>,
    /// The certificate (PEM) that its own server's leads to, if the system does not know it.
    pub root: Option<PathBuf>,
    /// The name by which people reach the server.
    pub name: String,
    /// The folder for what it gives.
    pub folder: PathBuf,
}

impl Authority {
    /// Where the certificate is, or will be; one for another name is another file.
    pub fn files(self) -> TlsFiles {
        let path = self.folder.join(format!("{}.pem", self.name));
        TlsFiles { certificate: path.clone(), key: path, authority: Some(self) }
    }
}

/// Reports a certificate that was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcmeError {
    /// The authority was not reached, or refuses to talk.
    #[error("the authority does not give a certificate")]
    Authority(#[from] instant_acme::Error),
    /// The authority did not find us at the name.
    #[error("the authority does not find this server at {name}:{reasons}")]
    NotFound {
        /// The name.
        name: String,
        /// What it says of it.
        reasons: String,
    },
    /// No call can be made to it.
    #[error("the authority cannot be called")]
    Call(#[from] reqwest::Error),
    /// It wants another proof than we can give.
    #[error(
        "the authority does not take the proof that a server gives on its own port (tls-alpn-01)"
    )]
    NoProof,
    /// It took too long.
    #[error("the authority takes too long")]
    Slow,
    /// What is kept for it cannot be read or written.
    #[error("cannot read or write {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The proof cannot be made.
    #[error("the proof cannot be made")]
    Proof(#[from] rcgen::Error),
    /// What came is no certificate that we can use.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Fetches a certificate when there is none, and the next one in time; never ends.
pub(crate) async fn keep(authority: Authority, tls: Arc<Tls>) {
    let (mut pauses, mut advice) = (PAUSES.into_iter(), Advice::default());
    loop {
        let shown = tls.shown();
        if let Some(shown) = &shown {
            ask(&authority, shown, &mut advice).await;
        }
        let is_due = |shown| is_due(life(shown), advice.moment(), SystemTime::now());
        let pause = if shown.as_ref().is_some_and(|shown| !is_due(shown)) {
            LOOK_EVERY
        } else {
            let fetched = timeout(FETCH_DEADLINE, fetch(&authority, &tls)).await;
            tls.prove_by(None);
            match fetched.unwrap_or(Err(AcmeError::Slow)) {
                Ok(()) => {
                    tracing::info!(name = authority.name, "a certificate was fetched");
                    pauses = PAUSES.into_iter();
                    LOOK_EVERY
                }
                Err(error) => {
                    let pause = pauses.next().unwrap_or(PAUSES[PAUSES.len() - 1]);
                    let cause = anyhow::Error::from(error);
                    tracing::error!("no certificate yet, next try in {pause:?}: {cause:#}");
                    pause
                }
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Asks the authority when it wants this one renewed, if that was not asked lately.
async fn ask(authority: &Authority, shown: &Certificate, advice: &mut Advice) {
    let Some(of) = advice.question(shown, SystemTime::now()) else { return };
    match account(authority).await {
        Ok(account) => advice.ask(&account, &of).await,
        Err(error) => advice.is_unheard(&error, SystemTime::now()),
    }
}

/// From when and until when a certificate is valid.
pub(crate) fn life(certificate: &Certificate) -> [SystemTime; 2] {
    let validity = &certificate.tbs_certificate.validity;
    [validity.not_before, validity.not_after]
        .map(|time| SystemTime::UNIX_EPOCH + time.to_unix_duration())
}

/// Says whether a certificate that lives from and to these moments wants a successor: at the moment that
/// was chosen, or with a third of its life left where none was, or one that is too late.
fn is_due([from, to]: [SystemTime; 2], chosen: Option<SystemTime>, now: SystemTime) -> bool {
    let third = to.duration_since(from).unwrap_or_default() / 3;
    now >= chosen.filter(|chosen| *chosen < to).unwrap_or(to - third)
}

async fn fetch(authority: &Authority, tls: &Arc<Tls>) -> Result<(), AcmeError> {
    let account = account(authority).await?;
    let names = [Identifier::Dns(authority.name.clone())];
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let mut wanted = order.authorizations();
    while let Some(asked) = wanted.next().await {
        let mut asked = asked?;
        if asked.status == AuthorizationStatus::Valid {
            continue;
        }
        let found = asked.challenge(ChallengeType::TlsAlpn01);
        let mut challenge = found.ok_or(AcmeError::NoProof)?;
        let digest = challenge.key_authorization().digest();
        tls.prove_by(Some(proof(&authority.name, digest.as_ref())?));
        challenge.set_ready().await?;
    }
    let ready = order.poll_ready(&PATIENCE).await;
    if !matches!(ready, Ok(OrderStatus::Ready)) {
        let reasons = reasons(&mut order).await?;
        if reasons.is_empty() {
            ready?;
        }
        return Err(AcmeError::NotFound { name: authority.name.clone(), reasons });
    }
    let mut pem = order.finalize().await?;
    pem += &order.poll_certificate(&PATIENCE).await?;
    let (path, tls) = (tls.path().to_owned(), Arc::clone(tls));
    let taken = tokio::task::spawn_blocking(move || {
        private::write(&path, pem.as_bytes()).map_err(|source| AcmeError::File { path, source })?;
        tls.renew()?;
        Ok(())
    });
    taken.await.unwrap_or_else(|died| Err(io::Error::other(died)).map_err(unwritten(authority)))
}

/// What the authority says of an order that it refused.
async fn reasons(order: &mut Order) -> Result<String, AcmeError> {
    let (mut said, mut wanted) = (String::new(), order.authorizations());
    while let Some(asked) = wanted.next().await {
        let mut asked = asked?;
        for challenge in &asked.refresh().await?.challenges {
            if let Some(problem) = &challenge.error {
                // Writing to a string never fails.
                let _ = write!(said, " {problem}");
            }
        }
    }
    Ok(said)
}

/// A certificate that shows the authority what it asked for, to nobody else of use.
fn proof(name: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    // Not looked at: it has what only authorities understand.
    let key = provider().key_provider.load_private_key(key).map_err(TlsError::Unfit)?;
    Ok(CertifiedKey::new(vec![certificate.into()], key))
}

/// An account as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The directory that it is one of.
    directory: String,
    credentials: AccountCredentials,
}

/// Our account with the authority, or a new one.
async fn account(authority: &Authority) -> Result<Account, AcmeError> {
    let path = authority.folder.join(ACCOUNT);
    let builder = Account::builder_with_http(Box::new(Http::new(authority)?));
    if let Some(credentials) = kept(&path, &authority.directory) {
        return Ok(builder.from_credentials(credentials).await?);
    }
    let contact = authority.contact.as_ref().map(|address| format!("mailto:{address}"));
    let wanted = NewAccount {
        contact: &contact.iter().map(String::as_str).collect::<Vec<_>>(),
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let directory = authority.directory.clone();
    let (account, credentials) = builder.create(&wanted, directory.clone(), None).await?;
    let text = serde_json::to_vec(&Kept { directory, credentials }).expect("texts are JSON");
    std::fs::create_dir_all(&authority.folder)
        .and_then(|()| private::write(&path, &text))
        .map_err(unwritten(authority))?;
    Ok(account)
}

/// What is kept of an account; one that cannot be read is as good as none, since accounts are free.
fn kept(path: &Path, directory: &str) -> Option<AccountCredentials> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (kept.directory == directory).then_some(kept.credentials)
}

/// Calls to an authority, by the client that the program has already.
struct Http(Client);

impl Http {
    fn new(authority: &Authority) -> Result<Self, AcmeError> {
        let mut client = Client::builder().https_only(true).timeout(CALL_DEADLINE);
        if let Some(path) = &authority.root {
            let pem = std::fs::read(path)
                .map_err(|source| AcmeError::File { path: path.clone(), source })?;
            client = client.add_root_certificate(reqwest::Certificate::from_pem(&pem)?);
        }
        Ok(Self(client.build()?))
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let (parts, body) = request.into_parts();
        let asked = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let asked = asked.body(Body::wrap(body)).send();
        Box::pin(async {
            let answer = asked.await.map_err(|error| instant_acme::Error::Other(error.into()))?;
            let bounded = |body| Limited::new(body, ANSWER_BYTES_MAX);
            Ok(Response::from(answer).map(bounded).into())
        })
    }
}

fn unwritten(authority: &Authority) -> impl FnOnce(io::Error) -> AcmeError {
    let path = authority.folder.clone();
    move |source| AcmeError::File { path, source }
}

/// The account's file.
const ACCOUNT: &str = "account.json";
/// How often is looked whether a certificate wants a successor.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// After failures, one after another; authorities count them.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
    Duration::from_secs(6 * 3_600),
];
const FETCH_DEADLINE: Duration = Duration::from_secs(300);
const CALL_DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long the authority may take for each of its two looks.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_wants_a_successor_when_a_third_of_its_life_is_left() {
        let day = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400);
        let life = [day(10), day(100)];
        assert!(!is_due(life, None, day(9)), "not before it begins");
        assert!(!is_due(life, None, day(69)));
        assert!(is_due(life, None, day(70)));
        assert!(is_due(life, None, day(101)), "nor ever after");
        assert!(is_due([day(100), day(10)], None, day(50)), "one that never lived");
    }

    #[test]
    fn what_the_authority_suggests_comes_first_unless_it_is_too_late() {
        let day = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400);
        let life = [day(10), day(100)];
        assert!(is_due(life, Some(day(20)), day(20)));
        assert!(!is_due(life, Some(day(90)), day(89)));
        assert!(is_due(life, Some(day(90)), day(90)));
        assert!(is_due(life, Some(day(100)), day(70)));
    }

    #[test]
    fn an_account_is_one_with_the_authority_that_it_was_made_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ACCOUNT);
        assert!(kept(&path, "https://a.example/").is_none());
        std::fs::write(&path, "{").unwrap();
        assert!(kept(&path, "https://a.example/").is_none(), "half of one is none");
    }
}
