//! Makes one configuration of what was said: fills in the defaults, and checks what can be checked
//! before anything begins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use instant_acme::LetsEncrypt;

use super::{Config, ConfigError, RateConfig, Settings, Size};
use crate::acme::Authority;
use crate::service::quota::Counts;
use crate::store::s3::S3Address;
use crate::tls::TlsFiles;
use crate::turns::desk::Bounds;

impl Settings {
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
        let database = secret("database", self.database, self.database_file)?;
        let access_key = secret("s3_access_key", self.s3_access_key, self.s3_access_key_file)?;
        let secret_key = secret("s3_secret_key", self.s3_secret_key, self.s3_secret_key_file)?;
        let chunks = match (self.chunks, access_key, secret_key) {
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
            database,
            chunks,
            assets: self.assets.unwrap_or_else(default_assets),
            public_url,
            quota_bytes: self.quota_bytes,
            counts: counts(self.vaults_per_account, self.devices_per_account)?,
            registration: self.registration.unwrap_or_default(),
            trust_proxy,
            log: self.log.unwrap_or_else(|| "warn,offing_server=info".to_owned()),
            log_format: self.log_format.unwrap_or_default(),
            collect_delete: self.collect_delete.unwrap_or(false),
            scrub_days: self.scrub_days.unwrap_or(SCRUB_DAYS),
            metrics: self.metrics,
            otlp: self.otlp.map(collector).transpose()?,
            turns: Bounds::default(),
            live_sockets,
            connections_per_address: self
                .connections_per_address
                .unwrap_or(CONNECTIONS_PER_ADDRESS),
            drain: drain(self.drain_seconds.unwrap_or(0))?,
            edges: self.edges.unwrap_or_default(),
            edge_urls: edge_urls(self.edge_urls.unwrap_or_default())?,
            origin: self.origin.map(origin).transpose()?,
            // Apart, so that nobody takes a server's chunks for those of an edge.
            cache: self.cache.unwrap_or_else(|| data.join("edge")),
            cache_bytes: self.cache_size.map_or(CACHE_BYTES, |Size(bytes)| bytes),
            data,
            rate: RateConfig {
                logins_per_minute: self.logins_per_minute.unwrap_or(rate.logins_per_minute),
                sign_ups_per_hour: self.sign_ups_per_hour.unwrap_or(rate.sign_ups_per_hour),
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

/// A program that goes on for longer would be taken for one that hangs.
fn drain(seconds: u32) -> Result<Duration, ConfigError> {
    if seconds > DRAIN_SECONDS_MAX {
        return Err(ConfigError::Drain { given: seconds });
    }
    Ok(Duration::from_secs(seconds.into()))
}

/// What is given, or stands in a file that is given, as containers have their secrets.
fn secret(
    name: &'static str,
    given: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<String>, ConfigError> {
    let path = match (given, file) {
        (given, None) => return Ok(given),
        (None, Some(path)) => path,
        (Some(_), Some(_)) => return Err(ConfigError::Twice { name }),
    };
    let read = std::fs::read_to_string(&path);
    let text = read.map_err(|source| ConfigError::Secret { name, path, source })?;
    // Whatever wrote it may have ended it with a line end, which belongs to none of them.
    Ok(Some(text.trim().to_owned()))
}

/// How much an account may have: something, or it would be none.
fn counts(vaults: Option<u32>, devices: Option<u32>) -> Result<Counts, ConfigError> {
    let usual = Counts::default();
    let counts = Counts {
        vaults: vaults.unwrap_or(usual.vaults),
        devices: devices.unwrap_or(usual.devices),
    };
    if counts.vaults == 0 || counts.devices == 0 {
        return Err(ConfigError::Counts);
    }
    Ok(counts)
}

/// The server that an edge stands before. Tokens and cookies go there.
fn origin(given: String) -> Result<String, ConfigError> {
    safe_origin(&given).ok_or(ConfigError::Origin { given })
}

/// The edges from which the app may read. Tickets go there, and the policy of the page names them.
fn edge_urls(given: Vec<String>) -> Result<Vec<String>, ConfigError> {
    if given.len() > EDGE_URLS_MAX {
        return Err(ConfigError::EdgeUrls { count: given.len() });
    }
    let read = |given: String| safe_origin(&given).ok_or(ConfigError::EdgeUrl { given });
    given.into_iter().map(read).collect()
}

/// A scheme, name and port, and nothing else. Beyond this machine TLS is wanted.
fn safe_origin(given: &str) -> Option<String> {
    let url = reqwest::Url::parse(given).ok()?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_open = url.username().is_empty() && url.password().is_none();
    (is_safe && is_bare && is_open).then(|| url.origin().ascii_serialization())
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
/// Of an office behind one address, some dozens of people.
const CONNECTIONS_PER_ADDRESS: u32 = 256;
/// Eight gigabytes or so.
pub(super) const LIVE_SOCKETS_MAX: u32 = 1_000_000;
pub(super) const DRAIN_SECONDS_MAX: u32 = 600;
pub(super) const EDGE_URLS_MAX: usize = 16;
const CACHE_BYTES: u64 = 10 * 1024 * 1024 * 1024;
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
    fn the_app_reads_from_a_few_edges_and_only_over_tls() {
        let edges = |given: &[&str]| {
            let edge_urls = Some(given.iter().map(|url| (*url).to_owned()).collect());
            Settings { edge_urls, ..Settings::default() }.finish().map(|config| config.edge_urls)
        };
        let near = "https://near.example.org";
        assert_eq!(edges(&["https://near.example.org/"]).unwrap(), [near]);
        assert_eq!(edges(&["http://127.0.0.1:7071"]).unwrap(), ["http://127.0.0.1:7071"]);
        // A policy is made of them: no word of it can be written this way.
        for unfit in ["http://near.example.org", "*", "https://a.example; script-src *", "https:"] {
            let refused = edges(&[near, unfit]);
            assert!(matches!(refused, Err(ConfigError::EdgeUrl { .. })), "{unfit}");
        }
        let many = edges(&[near; EDGE_URLS_MAX + 1]);
        assert!(matches!(many, Err(ConfigError::EdgeUrls { count: 17 })));
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
    fn an_address_is_bounded_where_it_tells_callers_apart() {
        let bound = |listen: &str, trust_proxy, given| {
            let (listen, tls) = (Some(listen.parse().unwrap()), Some(PathBuf::from("pem")));
            let settings = Settings {
                listen,
                trust_proxy: Some(trust_proxy),
                tls_cert: tls.clone(),
                tls_key: tls,
                connections_per_address: given,
                ..Settings::default()
            };
            settings.finish().unwrap().connections_per_address()
        };
        assert_eq!(bound("0.0.0.0:443", false, None), Some(CONNECTIONS_PER_ADDRESS));
        assert_eq!(bound("0.0.0.0:443", false, Some(3)), Some(3));
        assert_eq!(bound("0.0.0.0:443", false, Some(0)), None);
        assert_eq!(bound("0.0.0.0:443", true, Some(3)), None);
        assert_eq!(bound("127.0.0.1:443", false, Some(3)), None);
    }

    #[test]
    fn a_secret_may_stand_in_a_file_and_not_in_two_places() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("database");
        std::fs::write(&file, "postgresql:///offing?user=a&password=b\n").unwrap();
        let of_file = Settings { database_file: Some(file), ..Settings::default() };
        let config = of_file.clone().finish().unwrap();
        assert_eq!(config.database.as_deref(), Some("postgresql:///offing?user=a&password=b"));
        let twice = Settings { database: Some("postgresql:///a".to_owned()), ..of_file };
        let refused = twice.finish();
        assert!(matches!(refused, Err(ConfigError::Twice { name: "database" })));
        let away = Some(folder.path().join("away"));
        let refused = Settings { s3_secret_key_file: away, ..Settings::default() }.finish();
        assert!(matches!(refused, Err(ConfigError::Secret { name: "s3_secret_key", .. })));
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
