//! A server that fetches its certificate itself, from an authority that runs beside it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use offing_server::config::Settings;
use offing_server::serve;
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, Version};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::program::{PROGRAM, free_address};
use crate::tls::{certifies, opens_with};

const NAME: &str = "drive.example.org";

/// Pebble, which Let's Encrypt tests with, and a name server that finds every name on this machine.
struct Authority {
    folder: TempDir,
    directory: String,
    management: SocketAddr,
    _own: [Child; 2],
}

impl Authority {
    /// Starts one that looks for servers at a port.
    async fn that_looks_at(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certifies(folder.path());
        let [listens, management, names] =
            [free_address().await, free_address().await, free_address().await];
        let path = |name: &str| folder.path().join(name);
        let config = serde_json::json!({ "pebble": {
            "listenAddress": listens.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": path("cert.pem"),
            "privateKey": path("key.pem"),
            "httpPort": 1,
            "tlsPort": port,
        }});
        std::fs::write(path("pebble.json"), config.to_string()).unwrap();
        let answers_names = Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-management", ""])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01", &names.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("pebble-challtestsrv is installed");
        let signs = Command::new("pebble")
            .args(["-dnsserver", &names.to_string(), "-config"])
            .arg(path("pebble.json"))
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("pebble is installed");
        for address in [listens, management, names] {
            while TcpStream::connect(address).await.is_err() {}
        }
        let directory = format!("https://localhost:{}/dir", listens.port());
        Self { folder, directory, management, _own: [answers_names, signs] }
    }

    /// What its certificates lead to.
    async fn root(&self) -> Certificate {
        let url = format!("https://{}/roots/0", self.management);
        let client = Client::builder().no_proxy().danger_accept_invalid_certs(true);
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        Certificate::from_pem(&answer.bytes().await.unwrap()).unwrap()
    }

    fn settings(&self, folder: &Path) -> Settings {
        Settings {
            data: Some(folder.to_owned()),
            assets: Some(folder.to_owned()),
            public_url: Some(format!("https://{NAME}")),
            acme: Some(self.directory.clone()),
            acme_contact: Some("keeper@example.org".to_owned()),
            acme_root: Some(self.folder.path().join("cert.pem")),
            ..Settings::default()
        }
    }
}

/// A server that runs until this is dropped.
struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    fn on(listener: TcpListener, settings: Settings) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, opens_with(settings), async {
            stopped.await.ok();
        }));
        Self { address, _stop: stop }
    }

    /// Asks by its name, trusting only this.
    async fn answers(&self, trusted: &Certificate) -> Option<Version> {
        let client = Client::builder()
            .no_proxy()
            .tls_built_in_root_certs(false)
            .add_root_certificate(trusted.clone())
            .resolve(NAME, self.address);
        let url = format!("https://{NAME}:{}/healthz", self.address.port());
        let answer = client.build().unwrap().get(url).send().await.ok()?;
        Some(answer.version())
    }

    /// Waits until its certificate leads to this.
    async fn is_trusted_by(&self, trusted: &Certificate) -> Version {
        loop {
            if let Some(version) = self.answers(trusted).await {
                return version;
            }
        }
    }
}

fn kept(folder: &Path) -> PathBuf {
    folder.join(format!("acme/{NAME}.pem"))
}

#[tokio::test]
async fn a_certificate_is_fetched_once_over_the_port_that_people_use_and_kept_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = Authority::that_looks_at(listener.local_addr().unwrap().port()).await;
    let root = authority.root().await;
    let server = Server::on(listener, authority.settings(folder.path()));
    assert_eq!(server.is_trusted_by(&root).await, Version::HTTP_2);
    for path in [kept(folder.path()), folder.path().join("acme/account.json")] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    drop(server);

    // The authority is away, and nobody notices.
    let settings = authority.settings(folder.path());
    let fetched = std::fs::read(kept(folder.path())).unwrap();
    drop(authority);
    let again = Server::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), settings);
    again.is_trusted_by(&root).await;
    assert_eq!(std::fs::read(kept(folder.path())).unwrap(), fetched);
}

#[tokio::test]
async fn a_certificate_of_which_little_is_left_is_shown_until_the_next_one_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = Authority::that_looks_at(listener.local_addr().unwrap().port()).await;
    let root = authority.root().await;
    let old = holds(folder.path(), 1);
    let server = Server::on(listener, authority.settings(folder.path()));
    // Whoever comes first is shown either, and never none.
    let (shown_old, shown_new) =
        (server.answers(&old).await.is_some(), server.answers(&root).await.is_some());
    assert!(shown_old || shown_new);
    server.is_trusted_by(&root).await;
    assert!(server.answers(&old).await.is_none(), "it has made room");
}

/// Puts a certificate where a fetched one is, of which so many of ninety days are left.
fn holds(folder: &Path, days_left: u32) -> Certificate {
    let day = Duration::from_secs(86_400);
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    params.not_before = (SystemTime::now() - (90 - days_left) * day).into();
    params.not_after = (SystemTime::now() + days_left * day).into();
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    std::fs::create_dir(folder.join("acme")).unwrap();
    std::fs::write(kept(folder), key.serialize_pem() + &made.pem()).unwrap();
    Certificate::from_pem(made.pem().as_bytes()).unwrap()
}

/// Stands before an authority that knows nothing of renewal: its directory says where to ask, and
/// whoever asks there hears this window. Gives back the directory.
async fn suggests(authority: &Authority, window: [&str; 2]) -> String {
    let folder = authority.folder.path();
    let chain = CertificateDer::pem_file_iter(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());

    let client = Client::builder().no_proxy().danger_accept_invalid_certs(true).build().unwrap();
    let answer = client.get(&authority.directory).send().await.unwrap();
    let mut directory: serde_json::Value = answer.json().await.unwrap();
    directory["renewalInfo"] = format!("{origin}/renewal").into();
    let suggested =
        serde_json::json!({ "suggestedWindow": { "start": window[0], "end": window[1] } });

    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut lines = BufReader::new(&mut stream).lines();
            let asked = lines.next_line().await.unwrap().unwrap();
            while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
            let body = if asked.starts_with("GET /renewal/") { &suggested } else { &directory };
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nretry-after: 21600\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    format!("{origin}/directory")
}

#[tokio::test]
async fn a_certificate_is_renewed_when_the_authority_wants_it_though_much_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut authority = Authority::that_looks_at(listener.local_addr().unwrap().port()).await;
    let root = authority.root().await;
    authority.directory =
        suggests(&authority, ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"]).await;
    holds(folder.path(), 89);
    let server = Server::on(listener, authority.settings(folder.path()));
    server.is_trusted_by(&root).await;
}

#[tokio::test]
async fn an_authority_that_does_not_find_the_server_is_told_with_its_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let (address, elsewhere) = (free_address().await, free_address().await.port());
    let authority = Authority::that_looks_at(elsewhere).await;
    let mut program = Command::new(PROGRAM)
        .args(["--acme", &authority.directory, "--public-url", &format!("https://{NAME}")])
        .args(["--listen", &address.to_string(), "--acme-root"])
        .arg(authority.folder.path().join("cert.pem"))
        .arg("--data")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut says = BufReader::new(program.stderr.take().unwrap()).lines();
    let told = loop {
        let line = says.next_line().await.unwrap().expect("it says why there is none");
        if line.contains("no certificate yet") {
            break line;
        }
    };
    assert!(told.contains(&format!("does not find this server at {NAME}: ")), "{told}");
    assert!(told.contains("Failed to connect"), "{told}");
    assert!(!kept(folder.path()).exists());
    assert!(TcpStream::connect(address).await.is_ok(), "it goes on");
}
