//! Configuration: what can be set, where from, and what wins.
//!
//! Flags win over environment variables (`OFFING_*`), which win over the file named by
//! `--config` (TOML, the same names with `_`), which wins over the defaults. An unknown key in
//! the file is an error, so that a typing mistake does not silently leave a default in force.
//!
//! `settings` is what a source can say, `finish` makes one configuration of it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use offing_core::proto::Registration;

use crate::service::quota::Counts;
use crate::store::places::Places;
use crate::store::s3::S3Address;
use crate::telemetry::LogFormat;
use crate::tls::TlsFiles;
use crate::turns::desk::Bounds;

pub use self::error::ConfigError;
pub use self::settings::Settings;
pub use self::size::{Size, SizeError};

mod error;
mod finish;
mod settings;
mod size;

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
    /// How many vaults and devices one account may have.
    pub counts: Counts,
    /// Who may sign up.
    pub registration: Registration,
    /// Whether the address of a caller is taken from the proxy's `X-Forwarded-For`.
    pub trust_proxy: bool,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub log: String,
    /// How a line of the log is written.
    pub log_format: LogFormat,
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
    /// The most connections of one address; 0 is no limit.
    pub connections_per_address: u32,
    /// How long the program goes on after it was told to stop, and says that it is not ready.
    pub drain: Duration,
    /// Addresses of edges, which say for whom they ask.
    pub edges: Vec<IpAddr>,
    /// Addresses of edges from which the app may read chunks, without a slash at the end.
    pub edge_urls: Vec<String>,
    /// The server that an edge stands before, without a slash at the end.
    pub origin: Option<String>,
    /// The folder of what an edge keeps.
    pub cache: PathBuf,
    /// The most bytes that an edge keeps.
    pub cache_bytes: u64,
}

/// How often callers may call; each is a bucket that holds a minute's worth, or an hour's.
#[derive(Debug, Clone, Copy)]
pub struct RateConfig {
    /// Sign-ins a minute for one name from one address.
    pub logins_per_minute: u32,
    /// Calls without a session a minute from one address.
    pub anonymous_per_minute: u32,
    /// Access tokens a minute from one address that turn out to be wrong.
    pub wrong_tokens_per_minute: u32,
    /// Accounts that one address may make in an hour, where everybody may sign up.
    pub sign_ups_per_hour: u32,
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
            sign_ups_per_hour: 5,
            calls_per_minute: 3_000,
            transfers_per_minute: 24_000,
        }
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

    /// The most connections of one address, where addresses tell callers apart: not behind a proxy, which may
    /// also be why the program listens on its own machine alone.
    pub fn connections_per_address(&self) -> Option<u32> {
        let is_fronted = self.trust_proxy || self.listen.ip().is_loopback();
        Some(self.connections_per_address).filter(|most| *most > 0 && !is_fronted)
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

    /// Name and port by which people open it.
    pub fn host(&self) -> &str {
        self.public_url.split_once("://").map_or(&*self.public_url, |(_, host)| host)
    }
}

const ASKING_MAX: u32 = 6_384;
