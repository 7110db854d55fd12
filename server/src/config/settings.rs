//! What a source of configuration can say: a flag, a variable and a key for each setting.
//!
//! Nothing is checked here, and there are no defaults; the texts of `--help` name them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use offing_core::proto::Registration;
use serde::Deserialize;

use super::error::ConfigError;
use super::size::Size;
use crate::telemetry::LogFormat;

/// What one source (flags and environment, or the file) says; absent means "not said".
#[derive(Debug, Clone, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on [default: 127.0.0.1:7070]
    #[arg(long, env = "OFFING_LISTEN", global = true)]
    pub listen: Option<SocketAddr>,
    /// Certificate chain (PEM) to speak TLS with; wants `tls_key`, and is read anew when it changes
    #[arg(long, env = "OFFING_TLS_CERT", global = true)]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, env = "OFFING_TLS_KEY", global = true)]
    pub tls_key: Option<PathBuf>,
    /// Have the program fetch its certificate, and agree to the terms of who signs it: `letsencrypt`,
    /// `letsencrypt-staging` to try it, or the address of another authority's directory (ACME)
    #[arg(long, env = "OFFING_ACME", global = true)]
    pub acme: Option<String>,
    /// Address of mail for who signs it
    #[arg(long, env = "OFFING_ACME_CONTACT", global = true)]
    pub acme_contact: Option<String>,
    /// Certificate (PEM) of an authority of one's own, by which its server is known
    #[arg(long, env = "OFFING_ACME_ROOT", global = true)]
    pub acme_root: Option<PathBuf>,
    /// Folder for everything the server keeps [default: ./data]
    #[arg(long, env = "OFFING_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// PostgreSQL in the place of a file in the data folder: postgresql://user@host/name
    #[arg(long, env = "OFFING_DATABASE", global = true, hide_env_values = true)]
    pub database: Option<String>,
    /// File that has the same, for an address with a password
    #[arg(long, env = "OFFING_DATABASE_FILE", global = true)]
    pub database_file: Option<PathBuf>,
    /// S3 in the place of files in the data folder: `https://HOST/BUCKET[/PREFIX][?region=REGION]`
    #[arg(long, env = "OFFING_CHUNKS", global = true)]
    pub chunks: Option<String>,
    /// Access key for S3
    #[arg(long, env = "OFFING_S3_ACCESS_KEY", global = true, hide_env_values = true)]
    pub s3_access_key: Option<String>,
    /// File that has it
    #[arg(long, env = "OFFING_S3_ACCESS_KEY_FILE", global = true)]
    pub s3_access_key_file: Option<PathBuf>,
    /// Secret key for S3
    #[arg(long, env = "OFFING_S3_SECRET_KEY", global = true, hide_env_values = true)]
    pub s3_secret_key: Option<String>,
    /// File that has it
    #[arg(long, env = "OFFING_S3_SECRET_KEY_FILE", global = true)]
    pub s3_secret_key_file: Option<PathBuf>,
    /// Folder with the built client [default: dist, here or beside the program]
    #[arg(long, env = "OFFING_ASSETS", global = true)]
    pub assets: Option<PathBuf>,
    /// How people reach the server [default: http://localhost:PORT]
    #[arg(long, env = "OFFING_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Most bytes one account may store [default: no limit]
    #[arg(long, env = "OFFING_QUOTA_BYTES", global = true)]
    pub quota_bytes: Option<u64>,
    /// Most vaults one account may have [default: 64]
    #[arg(long, env = "OFFING_VAULTS_PER_ACCOUNT", global = true)]
    pub vaults_per_account: Option<u32>,
    /// Most devices one account may have that are signed in [default: 256]
    #[arg(long, env = "OFFING_DEVICES_PER_ACCOUNT", global = true)]
    pub devices_per_account: Option<u32>,
    /// Who may sign up: `closed` is nobody, `invitation` who has a link, `open` everybody
    /// [default: invitation]
    #[arg(long, env = "OFFING_REGISTRATION", global = true, value_parser = registrations())]
    pub registration: Option<Registration>,
    /// Take callers' addresses from the proxy's X-Forwarded-For [default: false]
    #[arg(long, env = "OFFING_TRUST_PROXY", global = true)]
    pub trust_proxy: Option<bool>,
    /// What is logged, as in RUST_LOG [default: warn,offing_server=info]
    #[arg(long, env = "OFFING_LOG", global = true)]
    pub log: Option<String>,
    /// How: text, or an object of JSON in each line [default: text]
    #[arg(long, env = "OFFING_LOG_FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
    /// Remove for good what devices call dead, and old changes that a snapshot has which a second
    /// device found right, thirty days later [default: false]
    #[arg(long, env = "OFFING_COLLECT_DELETE", global = true)]
    pub collect_delete: Option<bool>,
    /// Read and check each stored chunk once in so many days; 0 is never [default: 30]
    #[arg(long, env = "OFFING_SCRUB_DAYS", global = true)]
    pub scrub_days: Option<u32>,
    /// Address and port at which Prometheus finds figures [default: none]
    #[arg(long, env = "OFFING_METRICS", global = true)]
    pub metrics: Option<SocketAddr>,
    /// Collector that takes spans of calls by OTLP over HTTP, as `http://127.0.0.1:4318`
    /// [default: none]
    #[arg(long, env = "OFFING_OTLP", global = true)]
    pub otlp: Option<String>,
    /// Sign-ins a minute for one name from one address [default: 10]
    #[arg(long, env = "OFFING_LOGINS_PER_MINUTE", global = true)]
    pub logins_per_minute: Option<u32>,
    /// Accounts that one address may make in an hour, where everybody may sign up [default: 5]
    #[arg(long, env = "OFFING_SIGN_UPS_PER_HOUR", global = true)]
    pub sign_ups_per_hour: Option<u32>,
    /// Calls without a session a minute from one address [default: 240]
    #[arg(long, env = "OFFING_ANONYMOUS_PER_MINUTE", global = true)]
    pub anonymous_per_minute: Option<u32>,
    /// Wrong access tokens a minute from one address [default: 120]
    #[arg(long, env = "OFFING_WRONG_TOKENS_PER_MINUTE", global = true)]
    pub wrong_tokens_per_minute: Option<u32>,
    /// Other calls a minute for one account [default: 3000]
    #[arg(long, env = "OFFING_CALLS_PER_MINUTE", global = true)]
    pub calls_per_minute: Option<u32>,
    /// Chunk uploads and downloads a minute for one account [default: 24000]
    #[arg(long, env = "OFFING_TRANSFERS_PER_MINUTE", global = true)]
    pub transfers_per_minute: Option<u32>,
    /// Most live sockets at one time, each of which is an open file, two of an edge [default: 10000]
    #[arg(long, env = "OFFING_LIVE_SOCKETS", global = true)]
    pub live_sockets: Option<u32>,
    /// Most connections of one address; 0 is no limit, and there is none behind a proxy or where the
    /// program listens on its own machine [default: 256]
    #[arg(long, env = "OFFING_CONNECTIONS_PER_ADDRESS", global = true)]
    pub connections_per_address: Option<u32>,
    /// Seconds for which the program goes on after it was told to stop, and says at `/readyz` that it is
    /// not ready, so that a proxy sends calls elsewhere [default: 0]
    #[arg(long, env = "OFFING_DRAIN_SECONDS", global = true)]
    pub drain_seconds: Option<u32>,
    /// Addresses of edges, with commas between: who asks through them is taken from their
    /// X-Forwarded-For [default: none]
    #[arg(long, env = "OFFING_EDGES", global = true, value_delimiter = ',')]
    pub edges: Option<Vec<IpAddr>>,
    /// Addresses of edges from which the app may read chunks, `https://HOST[:PORT]`, with commas between
    /// [default: none]
    #[arg(long, env = "OFFING_EDGE_URLS", global = true, value_delimiter = ',')]
    pub edge_urls: Option<Vec<String>>,
    /// Of an edge: the server that it stands before, `https://HOST[:PORT]`
    #[arg(long, env = "OFFING_ORIGIN", global = true)]
    pub origin: Option<String>,
    /// Of an edge: folder for the chunks that it keeps [default: edge, in the data folder]
    #[arg(long, env = "OFFING_CACHE", global = true)]
    pub cache: Option<PathBuf>,
    /// Of an edge: how much of the disk they may take, as 50GiB [default: 10GiB]
    #[arg(long, env = "OFFING_CACHE_SIZE", global = true)]
    pub cache_size: Option<Size>,
}

/// The words of a flag for who may sign up.
fn registrations() -> impl TypedValueParser<Value = Registration> {
    PossibleValuesParser::new(["closed", "invitation", "open"]).map(|word| match word.as_str() {
        "closed" => Registration::Closed,
        "open" => Registration::Open,
        _ => Registration::Invitation,
    })
}

impl Settings {
    /// Reads the settings of a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source })
    }

    /// Lets `self` win wherever it says something.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        Self {
            listen: self.listen.or(weaker.listen),
            tls_cert: self.tls_cert.or(weaker.tls_cert),
            tls_key: self.tls_key.or(weaker.tls_key),
            acme: self.acme.or(weaker.acme),
            acme_contact: self.acme_contact.or(weaker.acme_contact),
            acme_root: self.acme_root.or(weaker.acme_root),
            data: self.data.or(weaker.data),
            database: self.database.or(weaker.database),
            database_file: self.database_file.or(weaker.database_file),
            chunks: self.chunks.or(weaker.chunks),
            s3_access_key: self.s3_access_key.or(weaker.s3_access_key),
            s3_access_key_file: self.s3_access_key_file.or(weaker.s3_access_key_file),
            s3_secret_key: self.s3_secret_key.or(weaker.s3_secret_key),
            s3_secret_key_file: self.s3_secret_key_file.or(weaker.s3_secret_key_file),
            assets: self.assets.or(weaker.assets),
            public_url: self.public_url.or(weaker.public_url),
            quota_bytes: self.quota_bytes.or(weaker.quota_bytes),
            vaults_per_account: self.vaults_per_account.or(weaker.vaults_per_account),
            devices_per_account: self.devices_per_account.or(weaker.devices_per_account),
            registration: self.registration.or(weaker.registration),
            trust_proxy: self.trust_proxy.or(weaker.trust_proxy),
            log: self.log.or(weaker.log),
            log_format: self.log_format.or(weaker.log_format),
            collect_delete: self.collect_delete.or(weaker.collect_delete),
            scrub_days: self.scrub_days.or(weaker.scrub_days),
            metrics: self.metrics.or(weaker.metrics),
            otlp: self.otlp.or(weaker.otlp),
            logins_per_minute: self.logins_per_minute.or(weaker.logins_per_minute),
            sign_ups_per_hour: self.sign_ups_per_hour.or(weaker.sign_ups_per_hour),
            anonymous_per_minute: self.anonymous_per_minute.or(weaker.anonymous_per_minute),
            wrong_tokens_per_minute: self
                .wrong_tokens_per_minute
                .or(weaker.wrong_tokens_per_minute),
            calls_per_minute: self.calls_per_minute.or(weaker.calls_per_minute),
            transfers_per_minute: self.transfers_per_minute.or(weaker.transfers_per_minute),
            live_sockets: self.live_sockets.or(weaker.live_sockets),
            connections_per_address: self
                .connections_per_address
                .or(weaker.connections_per_address),
            drain_seconds: self.drain_seconds.or(weaker.drain_seconds),
            edges: self.edges.or(weaker.edges),
            edge_urls: self.edge_urls.or(weaker.edge_urls),
            origin: self.origin.or(weaker.origin),
            cache: self.cache.or(weaker.cache),
            cache_size: self.cache_size.or(weaker.cache_size),
        }
    }
}
