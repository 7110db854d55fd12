//! Configuration: what can be set, where from, and what wins.
//!
//! Flags win over environment variables (`OFFING_*`), which win over the file named by
//! `--config` (TOML, the same names with `_`), which wins over the defaults. An unknown key in
//! the file is an error, so that a typing mistake does not silently leave a default in force.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use instant_acme::LetsEncrypt;
use serde::Deserialize;

use crate::acme::Authority;
use crate::store::places::Places;
use crate::store::s3::S3Address;
use crate::tls::TlsFiles;
use crate::turns::desk::Bounds;

/// Everything that can be set, after precedence was applied.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The certificate, if the program itself speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The folder that holds everything the server keeps.
    pub data: PathBuf,
    /// The `postgresql://` URL of the database, if it is not a file in that folder.
    pub database: Option<String>,
    /// The bucket of the chunks, if they are not files in that folder.
    pub chunks: Option<S3Address>,
    /// The folder with the built client.
    pub assets: PathBuf,
    /// How people reach the server, without a slash at the end.
    pub public_url: String,
    /// The most one account may store; `None` is no limit.
    pub quota_bytes: Option<u64>,
    /// Whether the address of a caller is taken from the proxy's `X-Forwarded-For`.
    pub trust_proxy: bool,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub log: String,
    /// Chunks that devices call dead, and old changes that a countersigned snapshot has, are
    /// removed for good, thirty days later.
    pub collect_delete: bool,
    /// Each stored chunk is read and checked once in so many days; 0 is never.
    pub scrub_days: u32,
    /// Where figures are served, if they are.
    pub metrics: Option<SocketAddr>,
    /// The collector that takes spans, if there is one, without a slash at the end.
    pub otlp: Option<String>,
    /// How often callers may call.
    pub rate: RateConfig,
    /// How much is worked on at once.
    pub turns: Bounds,
    /// The most live sockets at one time.
    pub live_sockets: u32,
    /// Addresses of edges, which say for whom they ask.
    pub edges: Vec<IpAddr>,
    /// The server that an edge stands before, without a slash at the end.
    pub origin: Option<String>,
    /// The most that an edge keeps.
    pub edge_bytes: u64,
}

/// How often callers may call; each is a bucket that holds one minute's worth.
#[derive(Debug, Clone, Copy)]
pub struct RateConfig {
    /// Sign-ins a minute for one name from one address.
    pub logins_per_minute: u32,
    /// Calls without a session a minute from one address.
    pub anonymous_per_minute: u32,
    /// Access tokens a minute from one address that turn out to be wrong.
    pub wrong_tokens_per_minute: u32,
    /// Other calls a minute for one account.
    pub calls_per_minute: u32,
    /// Chunk uploads and downloads a minute for one account.
    pub transfers_per_minute: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            logins_per_minute: 10,
            anonymous_per_minute: 240,
            wrong_tokens_per_minute: 120,
            calls_per_minute: 3_000,
            transfers_per_minute: 24_000,
        }
    }
}

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
    /// S3 in the place of files in the data folder: `https://HOST/BUCKET[/PREFIX][?region=REGION]`
    #[arg(long, env = "OFFING_CHUNKS", global = true)]
    pub chunks: Option<String>,
    /// Access key for S3
    #[arg(long, env = "OFFING_S3_ACCESS_KEY", global = true, hide_env_values = true)]
    pub s3_access_key: Option<String>,
    /// Secret key for S3
    #[arg(long, env = "OFFING_S3_SECRET_KEY", global = true, hide_env_values = true)]
    pub s3_secret_key: Option<String>,
    /// Folder with the built client [default: dist, here or beside the program]
    #[arg(long, env = "OFFING_ASSETS", global = true)]
    pub assets: Option<PathBuf>,
    /// How people reach the server [default: http://localhost:PORT]
    #[arg(long, env = "OFFING_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Most bytes one account may store [default: no limit]
    #[arg(long, env = "OFFING_QUOTA_BYTES", global = true)]
    pub quota_bytes: Option<u64>,
    /// Take callers' addresses from the proxy's X-Forwarded-For [default: false]
    #[arg(long, env = "OFFING_TRUST_PROXY", global = true)]
    pub trust_proxy: Option<bool>,
    /// What is logged, as in RUST_LOG [default: warn,offing_server=info]
    #[arg(long, env = "OFFING_LOG", global = true)]
    pub log: Option<String>,
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
    /// Addresses of edges, with commas between: who asks through them is taken from their
    /// X-Forwarded-For [default: none]
    #[arg(long, env = "OFFING_EDGES", global = true, value_delimiter = ',')]
    pub edges: Option<Vec<IpAddr>>,
    /// Of an edge: the server that it stands before, `https://HOST[:PORT]`
    #[arg(long, env = "OFFING_ORIGIN", global = true)]
    pub origin: Option<String>,
    /// Of an edge: most bytes of chunks that it keeps [default: 10737418240]
    #[arg(long, env = "OFFING_EDGE_BYTES", global = true)]
    pub edge_bytes: Option<u64>,
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
            chunks: self.chunks.or(weaker.chunks),
            s3_access_key: self.s3_access_key.or(weaker.s3_access_key),
            s3_secret_key: self.s3_secret_key.or(weaker.s3_secret_key),
            assets: self.assets.or(weaker.assets),
            public_url: self.public_url.or(weaker.public_url),
            quota_bytes: self.quota_bytes.or(weaker.quota_bytes),
            trust_proxy: self.trust_proxy.or(weaker.trust_proxy),
            log: self.log.or(weaker.log),
            collect_delete: self.collect_delete.or(weaker.collect_delete),
            scrub_days: self.scrub_days.or(weaker.scrub_days),
            metrics: self.metrics.or(weaker.metrics),
            otlp: self.otlp.or(weaker.otlp),
            logins_per_minute: self.logins_per_minute.or(weaker.logins_per_minute),
            anonymous_per_minute: self.anonymous_per_minute.or(weaker.anonymous_per_minute),
            wrong_tokens_per_minute: self
                .wrong_tokens_per_minute
                .or(weaker.wrong_tokens_per_minute),
            calls_per_minute: self.calls_per_minute.or(weaker.calls_per_minute),
            transfers_per_minute: self.transfers_per_minute.or(weaker.transfers_per_minute),
            live_sockets: self.live_sockets.or(weaker.live_sockets),
            edges: self.edges.or(weaker.edges),
            origin: self.origin.or(weaker.origin),
            edge_bytes: self.edge_bytes.or(weaker.edge_bytes),
        }
    }

    /// Fills in the defaults and checks what can be checked.
    pub fn finish(self) -> Result<Config, ConfigError> {
        let listen = self.listen.unwrap_or(DEFAULT_LISTEN);
        let trust_proxy = self.trust_proxy.unwrap_or(false);
        let data = self.data.unwrap_or_else(|| PathBuf::from("data"));
        let tls = match (self.tls_cert, self.tls_key, self.acme) {
            (Some(certificate), Some(key), None) => {
                Some(TlsFiles { certificate, key, authority: None })
            }
            (None, None, None) => None,
            (None, None, Some(given)) => {
                let (contact, root) = (self.acme_contact, self.acme_root);
                let (directory, name) = (directory(given)?, name(self.public_url.as_deref())?);
                let folder = data.join("acme");
                Some(Authority { directory, contact, root, name, folder }.files())
            }
            (.., Some(_)) => return Err(ConfigError::AcmeBeside),
            _ => return Err(ConfigError::TlsHalf),
        };
        if tls.is_none() && !trust_proxy && !listen.ip().is_loopback() {
            return Err(ConfigError::Plain { listen });
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        let public_url = self
            .public_url
            .unwrap_or_else(|| format!("{scheme}://localhost:{}", listen.port()))
            .trim_end_matches('/')
            .to_owned();
        let authority =
            public_url.strip_prefix("http://").or_else(|| public_url.strip_prefix("https://"));
        if authority.is_none_or(|rest| rest.is_empty() || rest.contains(['/', '?', '#', ' '])) {
            return Err(ConfigError::PublicUrl { given: public_url });
        }
        if tls.is_some() && !public_url.starts_with("https://") {
            return Err(ConfigError::TlsUrl { given: public_url });
        }
        let chunks = match (self.chunks, self.s3_access_key, self.s3_secret_key) {
            (None, ..) => None,
            (Some(url), Some(access_key), Some(secret_key)) => {
                Some(S3Address { url, access_key, secret_key })
            }
            (Some(_), ..) => return Err(ConfigError::S3Keys),
        };
        let live_sockets = self.live_sockets.unwrap_or(LIVE_SOCKETS);
        if !(1..=LIVE_SOCKETS_MAX).contains(&live_sockets) {
            return Err(ConfigError::LiveSockets { given: live_sockets });
        }
        let rate = RateConfig::default();
        Ok(Config {
            listen,
            tls,
            data,
            database: self.database,
            chunks,
            assets: self.assets.unwrap_or_else(default_assets),
            public_url,
            quota_bytes: self.quota_bytes,
            trust_proxy,
            log: self.log.unwrap_or_else(|| "warn,offing_server=info".to_owned()),
            collect_delete: self.collect_delete.unwrap_or(false),
            scrub_days: self.scrub_days.unwrap_or(SCRUB_DAYS),
            metrics: self.metrics,
            otlp: self.otlp.map(collector).transpose()?,
            turns: Bounds::default(),
            live_sockets,
            edges: self.edges.unwrap_or_default(),
            origin: self.origin.map(origin).transpose()?,
            edge_bytes: self.edge_bytes.unwrap_or(EDGE_BYTES),
            rate: RateConfig {
                logins_per_minute: self.logins_per_minute.unwrap_or(rate.logins_per_minute),
                anonymous_per_minute: self
                    .anonymous_per_minute
                    .unwrap_or(rate.anonymous_per_minute),
                wrong_tokens_per_minute: self
                    .wrong_tokens_per_minute
                    .unwrap_or(rate.wrong_tokens_per_minute),
                calls_per_minute: self.calls_per_minute.unwrap_or(rate.calls_per_minute),
                transfers_per_minute: self
                    .transfers_per_minute
                    .unwrap_or(rate.transfers_per_minute),
            },
        })
    }
}

impl Config {
    /// Where the server keeps things.
    pub fn places(&self) -> Places {
        Places {
            data: self.data.clone(),
            database: self.database.clone(),
            chunks: self.chunks.clone(),
        }
    }

    /// The most connections at one time: a live socket is one, and those come besides that ask for
    /// something.
    pub fn connections_max(&self) -> u32 {
        self.live_sockets + ASKING_MAX
    }

    /// Says whether people reach the server over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

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
    /// Nobody would hear of anything, or memory would have no bound.
    #[error("live_sockets must be 1 to {LIVE_SOCKETS_MAX}, not {given}")]
    LiveSockets {
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
    /// The public URL is not an origin.
    #[error("public_url must be http://host[:port] or https://host[:port], not {given}")]
    PublicUrl {
        /// What was given.
        given: String,
    },
}

/// The server that an edge stands before. Beyond this machine TLS is wanted: tokens and cookies go
/// there.
fn origin(given: String) -> Result<String, ConfigError> {
    let Ok(url) = reqwest::Url::parse(&given) else {
        return Err(ConfigError::Origin { given });
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if is_safe && is_bare && url.username().is_empty() && url.password().is_none() {
        return Ok(url.origin().ascii_serialization());
    }
    Err(ConfigError::Origin { given })
}

/// The directory of the authority that signs certificates.
fn directory(given: String) -> Result<String, ConfigError> {
    match given.as_str() {
        "letsencrypt" => Ok(LetsEncrypt::Production.url().to_owned()),
        "letsencrypt-staging" => Ok(LetsEncrypt::Staging.url().to_owned()),
        url if reqwest::Url::parse(url).is_ok_and(|url| url.scheme() == "https") => Ok(given),
        _ => Err(ConfigError::Acme { given }),
    }
}

/// The name that an authority is to sign for.
fn name(public_url: Option<&str>) -> Result<String, ConfigError> {
    let given = public_url.unwrap_or_default();
    let url = reqwest::Url::parse(given).ok().filter(|url| url.scheme() == "https");
    match url.as_ref().and_then(reqwest::Url::domain) {
        Some(name) if name.contains('.') && !name.starts_with('.') => Ok(name.to_owned()),
        _ => Err(ConfigError::AcmeName { given: given.to_owned() }),
    }
}

/// The collector of spans. They say nothing that has to be hidden, so it may be without TLS.
fn collector(given: String) -> Result<String, ConfigError> {
    let is_fit = reqwest::Url::parse(&given).is_ok_and(|url| {
        let is_bare = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && is_bare && url.username().is_empty()
    });
    let url = given.trim_end_matches('/').to_owned();
    if is_fit { Ok(url) } else { Err(ConfigError::Otlp { given }) }
}

/// The client is found in `dist` of the working directory, else beside the program.
fn default_assets() -> PathBuf {
    let here = PathBuf::from("dist");
    if here.is_dir() {
        return here;
    }
    std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.join("dist")))
        .filter(|beside| beside.is_dir())
        .unwrap_or(here)
}

const SCRUB_DAYS: u32 = 30;
const LIVE_SOCKETS: u32 = 10_000;
/// Eight gigabytes or so.
const LIVE_SOCKETS_MAX: u32 = 1_000_000;
const ASKING_MAX: u32 = 6_384;
const EDGE_BYTES: u64 = 10 * 1024 * 1024 * 1024;
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_source_wins_and_the_weaker_fills_the_gaps() {
        let flags = Settings { quota_bytes: Some(1), ..Settings::default() };
        let file: Settings = toml::from_str("quota_bytes = 2\nlisten = '[::1]:80'").unwrap();
        let config = flags.or(file).finish().unwrap();
        assert_eq!(config.quota_bytes, Some(1));
        assert_eq!(config.listen, "[::1]:80".parse().unwrap());
        assert_eq!(config.public_url, "http://localhost:80");
    }

    #[test]
    fn an_edge_asks_over_tls_or_on_its_own_machine() {
        let origin = |given: &str| {
            let given = Some(given.to_owned());
            Settings { origin: given, ..Settings::default() }.finish().map(|config| config.origin)
        };
        for (given, wanted) in [
            ("https://drive.example.org/", "https://drive.example.org"),
            ("https://drive.example.org:443", "https://drive.example.org"),
            ("http://[::1]:7070", "http://[::1]:7070"),
            ("http://localhost:7070", "http://localhost:7070"),
        ] {
            assert_eq!(origin(given).unwrap().as_deref(), Some(wanted));
        }
        for unfit in [
            "http://drive.example.org",
            "https://a.example/b",
            "https://u:p@a.example",
            "https://a.example?b",
            "ftp://localhost",
            "a.example",
        ] {
            assert!(matches!(origin(unfit), Err(ConfigError::Origin { .. })), "{unfit}");
        }
    }

    #[test]
    fn spans_go_to_an_address_or_nowhere() {
        let otlp = |given: &str| {
            let given = Some(given.to_owned());
            Settings { otlp: given, ..Settings::default() }.finish().map(|config| config.otlp)
        };
        let gateway = "https://a.example/otlp/";
        assert_eq!(otlp(gateway).unwrap().as_deref(), Some("https://a.example/otlp"));
        for unfit in ["127.0.0.1:4318", "grpc://a.example", "http://k@a.example", "http://a/?b"] {
            assert!(matches!(otlp(unfit), Err(ConfigError::Otlp { .. })), "{unfit}");
        }
    }

    #[test]
    fn live_sockets_are_bounded_and_leave_connections_to_who_asks() {
        let bound = |live_sockets| {
            Settings { live_sockets, ..Settings::default() }.finish().map(|config| {
                assert!(config.connections_max() > config.live_sockets);
                config.live_sockets
            })
        };
        assert_eq!(bound(None).unwrap(), LIVE_SOCKETS);
        assert_eq!(bound(Some(100_000)).unwrap(), 100_000);
        for unfit in [0, LIVE_SOCKETS_MAX + 1] {
            let refused = bound(Some(unfit));
            assert!(matches!(refused, Err(ConfigError::LiveSockets { given }) if given == unfit));
        }
    }

    #[test]
    fn a_key_that_does_not_exist_is_an_error() {
        assert!(toml::from_str::<Settings>("quota = 2").is_err());
    }

    #[test]
    fn nothing_is_served_in_the_clear_where_others_listen() {
        let open = Settings { listen: Some("0.0.0.0:443".parse().unwrap()), ..Settings::default() };
        let proxy = Settings { trust_proxy: Some(true), ..open.clone() };
        let key = Some(PathBuf::from("key.pem"));
        let half = Settings { tls_key: key.clone(), ..open.clone() };
        let whole = Settings { tls_cert: key, ..half.clone() };
        let http = Settings { public_url: Some("http://a.example".to_owned()), ..whole.clone() };
        assert!(matches!(open.finish(), Err(ConfigError::Plain { .. })));
        assert!(proxy.finish().is_ok());
        assert!(matches!(half.finish(), Err(ConfigError::TlsHalf)));
        assert!(whole.finish().is_ok_and(|config| config.is_https()));
        assert!(matches!(http.finish(), Err(ConfigError::TlsUrl { .. })));
    }

    #[test]
    fn a_certificate_is_fetched_for_a_name_that_others_can_look_up_and_kept_by_it() {
        let acme = |acme: &str, url: &str| Settings {
            listen: Some("0.0.0.0:443".parse().unwrap()),
            acme: Some(acme.to_owned()),
            public_url: Some(url.to_owned()),
            ..Settings::default()
        };
        let fetched = acme("letsencrypt", "https://drive.example.org:8443").finish().unwrap();
        let files = fetched.tls.unwrap();
        assert_eq!(files.key, PathBuf::from("data/acme/drive.example.org.pem"));
        assert_eq!(files.authority.unwrap().directory, LetsEncrypt::Production.url());
        for unfit in ["http://a.example", "https://localhost", "https://10.0.0.1", "https://[::1]"]
        {
            let refused = acme("letsencrypt", unfit).finish();
            assert!(matches!(refused, Err(ConfigError::AcmeName { .. })), "{unfit}");
        }
        let plain = acme("http://a.example/directory", "https://a.example").finish();
        assert!(matches!(plain, Err(ConfigError::Acme { .. })));
        let given = Some(PathBuf::from("cert.pem"));
        let both = Settings { tls_cert: given, ..acme("letsencrypt", "https://a.example") };
        assert!(matches!(both.finish(), Err(ConfigError::AcmeBeside)));
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let check = |url: &str| {
            Settings { public_url: Some(url.to_owned()), ..Settings::default() }.finish().is_ok()
        };
        assert!(check("https://drive.example.org"));
        assert!(check("http://localhost:7070/"));
        assert!(!check("localhost:7070"));
        assert!(!check("https://example.org/drive"));
        assert!(!check("https://"));
    }
}
