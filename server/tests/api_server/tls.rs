//! The server with a certificate of its own.

use std::path::Path;

use offing_server::config::Settings;
use offing_server::ready;
use offing_server::service::{ServiceOptions, Services};
use offing_server::{AppState, serve, serve_metrics};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, ClientBuilder, Version, tls};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Writes a new certificate for `localhost` into a folder; whoever trusts it gets it back.
pub(crate) fn certifies(folder: &Path) -> Certificate {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(cert.pem().as_bytes()).unwrap()
}

fn settings(folder: &Path) -> Settings {
    Settings {
        data: Some(folder.join("data")),
        assets: Some(folder.to_owned()),
        tls_cert: Some(folder.join("cert.pem")),
        tls_key: Some(folder.join("key.pem")),
        ..Settings::default()
    }
}

fn opens(folder: &Path) -> AppState {
    std::fs::create_dir_all(folder.join("data")).unwrap();
    opens_with(settings(folder))
}

/// What a server with these settings serves.
pub(crate) fn opens_with(settings: Settings) -> AppState {
    let services = Services::in_memory(ServiceOptions::default()).unwrap();
    let clock = std::sync::Arc::new(|| 1_800_000_000_000);
    AppState::over(settings.finish().unwrap(), services, clock).unwrap()
}

/// A server that shows the certificate in its folder.
struct World {
    folder: TempDir,
    port: u16,
    trusted: Certificate,
    state: AppState,
    _stop: oneshot::Sender<()>,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trusted = certifies(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let state = opens(folder.path());
        tokio::spawn(serve(listener, state.clone(), async {
            stopped.await.ok();
        }));
        Self { folder, port, trusted, state, _stop: stop }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/healthz", self.port)
    }

    fn caller(&self) -> ClientBuilder {
        trusting(&self.trusted)
    }
}

fn trusting(certificate: &Certificate) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .tls_built_in_root_certs(false)
        .add_root_certificate(certificate.clone())
}

#[tokio::test]
async fn it_speaks_http2_and_http1_over_tls_and_tells_browsers_to_stay_with_it() {
    let world = World::start().await;
    let answer = world.caller().build().unwrap().get(world.url("https")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    assert!(answer.headers().contains_key("strict-transport-security"));
    let old = world.caller().http1_only().build().unwrap();
    let answer = old.get(world.url("https")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));
}

#[tokio::test]
async fn what_is_in_the_clear_or_of_an_older_protocol_is_refused() {
    let world = World::start().await;
    assert!(Client::new().get(world.url("http")).send().await.is_err());
    let old = world.caller().max_tls_version(tls::Version::TLS_1_2).build().unwrap();
    assert!(old.get(world.url("https")).send().await.is_err());
    // Others are answered as before.
    let caller = world.caller().build().unwrap();
    assert_eq!(caller.get(world.url("https")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_its_key_stops_the_start() {
    let world = World::start().await;
    let other = tempfile::tempdir().unwrap();
    certifies(other.path());
    std::fs::copy(world.folder.path().join("key.pem"), other.path().join("key.pem")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = serve(listener, opens(other.path()), std::future::ready(())).await;
    assert!(served.is_err());
}

#[tokio::test]
async fn the_end_of_its_certificate_is_a_figure() {
    let world = World::start().await;
    world.caller().build().unwrap().get(world.url("https")).send().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(serve_metrics(listener, world.state.clone()));
    let figures = reqwest::get(url).await.unwrap().text().await.unwrap();
    let value = |name| figures.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    // 1 January 4096, as rcgen has it where nobody says.
    assert_eq!(value("offing_certificate_end_seconds ").unwrap(), "67090118400");
    let bytes = |name| value(name).unwrap().parse::<u64>().unwrap();
    assert!(bytes("offing_disk_free_bytes ") <= bytes("offing_disk_bytes "));
}

#[tokio::test]
async fn it_is_asked_on_its_own_machine_whether_it_is_ready() {
    let world = World::start().await;
    let mut config = settings(world.folder.path()).finish().unwrap();
    config.listen.set_port(world.port);
    ready::ask(&config).await.unwrap();
}
