//! What can be wrong with a configuration, with what to do about it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::finish::{DRAIN_SECONDS_MAX, EDGE_URLS_MAX, LIVE_SOCKETS_MAX};

/// Reports settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that does not exist.
    #[error("the configuration file {path} is malformed", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        source: toml::de::Error,
    },
    /// Passwords' proofs and cookies would go over the network as they are.
    #[error(
        "listening on {listen} without TLS: give tls_cert and tls_key, have a certificate fetched \
         (acme), or say trust_proxy = true if a proxy in front adds it"
    )]
    Plain {
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("TLS wants both, tls_cert and tls_key")]
    TlsHalf,
    /// Nobody can be asked for a certificate there.
    #[error("acme must be letsencrypt, letsencrypt-staging or https://…, a directory, not {given}")]
    Acme {
        /// What was given.
        given: String,
    },
    /// Certificates are given and fetched.
    #[error("a certificate is given (tls_cert) or fetched (acme), not both")]
    AcmeBeside,
    /// No authority signs for that.
    #[error(
        "with acme, public_url must be https:// and a name that others can look up, not {given}"
    )]
    AcmeName {
        /// What was given.
        given: String,
    },
    /// People would be sent to an address that does not answer.
    #[error("the program speaks TLS, so public_url must begin with https://, not {given}")]
    TlsUrl {
        /// What was given.
        given: String,
    },
    /// S3 wants to know who asks.
    #[error("chunks in S3 want s3_access_key and s3_secret_key")]
    S3Keys,
    /// A secret is given, and a file that has it: nobody knows which is meant.
    #[error("{name} and {name}_file are both given: leave one out")]
    Twice {
        /// The setting.
        name: &'static str,
    },
    /// The file of a secret cannot be read.
    #[error("cannot read {path}, the file of {name}", path = path.display())]
    Secret {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody would hear of anything, or memory would have no bound.
    #[error("live_sockets must be 1 to {LIVE_SOCKETS_MAX}, not {given}")]
    LiveSockets {
        /// What was given.
        given: u32,
    },
    /// An account without a vault or a device would be none.
    #[error("vaults_per_account and devices_per_account must be 1 or more")]
    Counts,
    /// Nobody waits for that long.
    #[error("drain_seconds must be {DRAIN_SECONDS_MAX} at most, not {given}")]
    Drain {
        /// What was given.
        given: u32,
    },
    /// Spans cannot be sent there.
    #[error("otlp must be http://host[:port][/path] or https://…, not {given}")]
    Otlp {
        /// What was given.
        given: String,
    },
    /// An edge cannot ask there.
    #[error(
        "origin must be https://host[:port], or http://host[:port] on this machine, not {given}"
    )]
    Origin {
        /// What was given.
        given: String,
    },
    /// The app cannot read there.
    #[error(
        "edge_urls must be https://host[:port], or http://host[:port] on this machine, not {given}"
    )]
    EdgeUrl {
        /// What was given.
        given: String,
    },
    /// Every device would measure them all.
    #[error("edge_urls may name {EDGE_URLS_MAX} edges, not {count}")]
    EdgeUrls {
        /// How many were given.
        count: usize,
    },
    /// The public URL is not an origin.
    #[error("public_url must be http://host[:port] or https://host[:port], not {given}")]
    PublicUrl {
        /// What was given.
        given: String,
    },
}
