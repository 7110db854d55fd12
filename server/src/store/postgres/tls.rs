//! TLS to the database, as its URL asks for it.
//!
//! `sslmode` and `sslrootcert` are the words of PostgreSQL's own programs. `require` is stricter here than
//! there, and the same as `verify-full`: who asks for TLS is never given a connection in the clear, nor one
//! to somebody whose certificate does not lead to a known authority or is for another name. Where
//! nothing is said (`prefer`) it is what the database offers, whoever that is, as with those programs.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::provider;

/// Reports a database that cannot be reached in the way its URL asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseTlsError {
    /// No such word.
    #[error(
        "sslmode of the database must be disable, prefer, require or verify-full, not {given}; \
         require verifies too"
    )]
    Mode {
        /// What was given.
        given: String,
    },
    /// Authorities are named, and nothing is verified.
    #[error("sslrootcert of the database wants sslmode=verify-full")]
    RootsBesideDisable,
    /// What is named has no certificates.
    #[error("cannot read the database's authorities from {path} as PEM", path = path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// Nobody is known by whom a certificate could be verified.
    #[error(
        "no authorities are known by which the database's certificate could be verified: name a \
         PEM file (sslrootcert=FILE in its URL)"
    )]
    NoRoots,
    /// A certificate in the file is damaged, or the like.
    #[error("the database's certificate cannot be verified")]
    Unfit(#[source] rustls::Error),
    /// Whoever answers is not known to be the database.
    #[error(
        "what answers is not known to be the database; its authority can be named \
         (sslrootcert=FILE in the URL)"
    )]
    Untrusted(#[source] rustls::Error),
}

impl DatabaseTlsError {
    /// The distrust that made a connection fail, if it was that.
    pub(super) fn behind(error: &tokio_postgres::Error) -> Option<Self> {
        let failed = error.source()?.downcast_ref::<io::Error>()?;
        let error = failed.get_ref()?.downcast_ref::<rustls::Error>()?;
        matches!(error, rustls::Error::InvalidCertificate(_))
            .then(|| Self::Untrusted(error.clone()))
    }
}

/// What a URL says of TLS beyond what the client of the database understands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'u> {
    /// The URL without it.
    pub(super) url: Cow<'u, str>,
    /// A PEM file with the certificates of authorities; the system's if there is none.
    roots: Option<PathBuf>,
}

impl<'u> Asked<'u> {
    /// Reads a URL; what is unknown is left in it, and refused by the client.
    pub(super) fn of(url: &'u str) -> Result<Self, DatabaseTlsError> {
        let Some((address, said)) = url.split_once('?') else {
            return Ok(Self { url: url.into(), roots: None });
        };
        let (mut rest, mut roots) = (Vec::new(), None);
        for pair in said.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full")) => rest.push("sslmode=require"),
                Some(("sslmode", mode)) if !KNOWN.contains(&mode) => {
                    return Err(DatabaseTlsError::Mode { given: mode.to_owned() });
                }
                // The word by which the same programs name those of the system.
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", path)) => roots = Some(PathBuf::from(path)),
                _ => rest.push(pair),
            }
        }
        Ok(Self { url: format!("{address}?{}", rest.join("&")).into(), roots })
    }

    /// Settles how a connection is made, which may be stricter than the URL.
    pub(super) fn settle(
        &self,
        config: &mut Config,
    ) -> Result<MakeRustlsConnect, DatabaseTlsError> {
        if self.roots.is_some() {
            if config.get_ssl_mode() == SslMode::Disable {
                return Err(DatabaseTlsError::RootsBesideDisable);
            }
            // Who names authorities wants to be sure.
            config.ssl_mode(SslMode::Require);
        }
        let provider = provider();
        let is_lax = matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer);
        let verifier: Arc<dyn ServerCertVerifier> = if is_lax {
            Arc::new(Anybody(Arc::clone(&provider)))
        } else {
            let roots = Arc::new(roots(self.roots.as_deref())?);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            verifier.build().map_err(|_| DatabaseTlsError::NoRoots)?
        };
        if config.get_ssl_mode() == SslMode::Prefer && is_far(config) {
            tracing::warn!(
                "nobody verifies who answers as the database, and the connection is encrypted only \
                 if that offers it; say sslmode=verify-full in its URL, or disable where the \
                 network is trusted"
            );
        }
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(DatabaseTlsError::Unfit)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(tls))
    }
}

/// Words that the client of the database knows too.
const KNOWN: [&str; 3] = ["disable", "prefer", "require"];

/// Says whether the database may be beyond this machine.
fn is_far(config: &Config) -> bool {
    let is_here = |name: &str| {
        name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    };
    let by_name = config.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => !is_here(name),
        Host::Unix(_) => false,
    });
    by_name || config.get_hostaddrs().iter().any(|address| !address.is_loopback())
}

/// The authorities in a file, or those that the system knows.
fn roots(path: Option<&Path>) -> Result<RootCertStore, DatabaseTlsError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = path else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(DatabaseTlsError::NoRoots) } else { Ok(roots) };
    };
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|read| if read.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(read) })
        .map_err(|source| DatabaseTlsError::Roots { path: path.to_owned(), source })?;
    for certificate in read {
        roots.add(certificate).map_err(DatabaseTlsError::Unfit)?;
    }
    Ok(roots)
}

/// Takes whoever answers for the database: a listener hears nothing, who stands between does.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mode that a URL comes to.
    fn mode(url: &str) -> Result<SslMode, DatabaseTlsError> {
        let asked = Asked::of(url)?;
        let mut config: Config = asked.url.parse().unwrap();
        asked.settle(&mut config)?;
        Ok(config.get_ssl_mode())
    }

    #[test]
    fn a_url_says_whether_a_connection_is_encrypted_and_verified() {
        for (said, wanted) in [
            ("", SslMode::Prefer),
            ("?sslmode=prefer&application_name=a", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?application_name=a&sslmode=disable&sslrootcert=system", SslMode::Disable),
        ] {
            assert_eq!(
                mode(&format!("postgresql://a@localhost/b{said}")).unwrap(),
                wanted,
                "{said}"
            );
        }
        for said in ["allow", "verify-ca", "Require", ""] {
            let refused = mode(&format!("postgresql://a@localhost/b?sslmode={said}"));
            assert!(matches!(refused, Err(DatabaseTlsError::Mode { given }) if given == said));
        }
    }

    #[test]
    fn who_names_authorities_is_verified_and_never_less() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        let url =
            |said: &str| format!("postgresql://a@localhost/b?{said}sslrootcert={}", path.display());
        for said in ["", "sslmode=prefer&", "sslmode=require&", "sslmode=verify-full&"] {
            assert_eq!(mode(&url(said)).unwrap(), SslMode::Require, "{said}");
        }
        let refused = mode(&url("sslmode=disable&"));
        assert!(matches!(refused, Err(DatabaseTlsError::RootsBesideDisable)));
        for unfit in ["", "no certificate"] {
            std::fs::write(&path, unfit).unwrap();
            assert!(matches!(mode(&url("")), Err(DatabaseTlsError::Roots { .. })));
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(mode(&url("")), Err(DatabaseTlsError::Roots { .. })));
    }

    #[test]
    fn who_is_warned_is_who_goes_beyond_this_machine() {
        for (host, wanted) in [
            ("postgresql://a@localhost/b", false),
            ("postgresql://a@[::1],127.0.0.1/b", false),
            ("postgresql:///b?host=/var/run/postgresql", false),
            ("postgresql://a@localhost,database/b", true),
            ("postgresql://a@10.0.0.1/b", true),
            ("postgresql://a@localhost/b?hostaddr=10.0.0.1", true),
        ] {
            assert_eq!(is_far(&host.parse().unwrap()), wanted, "{host}");
        }
    }
}
