//! TLS 1.3 in the program, for whoever runs no proxy in front of it.
//!
//! The certificate and its key are files, as `certbot` and its like leave them, or as `acme` does.
//! When they change they are read anew while the server runs; ones that do not fit each other are
//! refused, and the ones before stay in use.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::acme::{self, Authority};

/// The protocols that are offered, the better one first.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
/// HTTP/2, as a handshake names it.
pub(crate) const HTTP2: &[u8] = b"h2";

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those that lead from it to a known authority, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM; it may be the same file.
    pub key: PathBuf,
    /// Who is asked for them, if the program fetches them itself.
    pub authority: Option<Authority>,
}

/// A certificate that is in use, and where the next one will be.
pub(crate) struct Tls {
    files: TlsFiles,
    read: RwLock<Option<[SystemTime; 2]>>,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads certificate and key; what is fetched may be missing, and is fetched again if it is damaged.
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let (read, key) = (files.changed(), files.read());
        let key = if files.authority.is_some() { key.ok() } else { Some(key?) };
        let current = Arc::new(Current::default());
        *current.key.write().unwrap_or_else(PoisonError::into_inner) = key.map(Arc::new);
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Unfit)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        if files.authority.is_some() {
            config.alpn_protocols.push(acme::PROTOCOL.to_vec());
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { files, read: RwLock::new(read), current, acceptor })
    }

    /// Makes the server's side of handshakes.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Takes up files that changed since they were read; says whether it did.
    pub(crate) fn renew(&self) -> Result<bool, TlsError> {
        let changed = self.files.changed();
        if changed == *self.read.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(false);
        }
        let key = Some(Arc::new(self.files.read()?));
        *self.current.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = changed;
        Ok(true)
    }

    /// Who is asked for the certificate, if the program fetches it itself.
    pub(crate) fn authority(&self) -> Option<Authority> {
        self.files.authority.clone()
    }

    /// Where the certificate is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.files.certificate
    }

    /// Shows this to an authority that looks, or nothing any more.
    pub(crate) fn prove_by(&self, proof: Option<CertifiedKey>) {
        *self.current.proof.write().unwrap_or_else(PoisonError::into_inner) = proof.map(Arc::new);
    }

    /// The certificate that handshakes show; nothing if there is none, or none that can be read.
    pub(crate) fn shown(&self) -> Option<Certificate> {
        let current = self.current.key.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Certificate::from_der(current.cert.first()?).ok()
    }
}

impl TlsFiles {
    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let unreadable =
            |path: &Path, source| TlsError::Unreadable { path: path.to_owned(), source };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| unreadable(&self.certificate, source))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| unreadable(&self.key, source))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Unfit)
    }

    /// When each was last changed; nothing while one of them is away.
    fn changed(&self) -> Option<[SystemTime; 2]> {
        let of = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified()).ok();
        Some([of(&self.certificate)?, of(&self.key)?])
    }
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What handshakes show from now on.
#[derive(Debug, Default)]
struct Current {
    /// The certificate; nothing until the first one was fetched.
    key: RwLock<Option<Arc<CertifiedKey>>>,
    /// What an authority asked to see.
    proof: RwLock<Option<Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks = hello.alpn().is_some_and(|mut offered| offered.any(|it| it == acme::PROTOCOL));
        let shown = if asks { &self.proof } else { &self.key };
        shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reports a certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is missing, or is not PEM of the right kind.
    #[error("cannot read {path} as PEM", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The key is of an unknown kind, or belongs to another certificate.
    #[error("the certificate and the key cannot be used together")]
    Unfit(#[source] rustls::Error),
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    /// Writes a certificate and a key, as old as given.
    fn write(files: &TlsFiles, certificate: &str, key: &str, seconds: u64) {
        for (path, text) in [(&files.certificate, certificate), (&files.key, key)] {
            fs::write(path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        }
    }

    /// A new certificate and its key, as PEM.
    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_certificate_is_taken_up_when_it_changes_and_one_without_its_key_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        let files = TlsFiles { certificate, key, authority: None };
        let shown = |tls: &Tls| tls.current.key.read().unwrap().as_ref().unwrap().cert[0].to_vec();
        let ((one, one_key), (two, two_key)) = (pair(), pair());
        write(&files, &one, &one_key, 1);
        let tls = Tls::open(files.clone()).unwrap();
        let first = shown(&tls);
        assert!(!tls.renew().unwrap(), "nothing changed");
        write(&files, &two, &one_key, 2);
        assert!(matches!(tls.renew(), Err(TlsError::Unfit(_))));
        assert_eq!(shown(&tls), first, "the one before stays");
        write(&files, &two, &two_key, 3);
        assert!(tls.renew().unwrap());
        assert_ne!(shown(&tls), first);
        fs::remove_file(&files.key).unwrap();
        assert!(matches!(tls.renew(), Err(TlsError::Unreadable { .. })));
    }
}
