//! Edges on free ports, and origins that do what a test says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use offing_core::id::{ChunkId, VaultId};
use offing_server::config::{Settings, Size};
use offing_server::edge::Patience;
use offing_server::{Edge, serve_edge};
use reqwest::Method;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::calls::{Reply, chunk_id, reply};

/// A running edge.
pub(crate) struct TestEdge {
    pub(crate) address: SocketAddr,
    pub(crate) edge: Edge,
    pub(crate) folder: TempDir,
    clock: Arc<AtomicI64>,
    _stop: oneshot::Sender<()>,
}

/// What makes one test's edge differ from another's.
pub(crate) struct Before {
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) bytes: u64,
    pub(crate) patience: Patience,
    pub(crate) public_url: Option<String>,
    pub(crate) ip: IpAddr,
}

impl Default for Before {
    fn default() -> Self {
        let patience = Patience::default();
        let ip = Ipv4Addr::LOCALHOST.into();
        Self { clock: Arc::default(), bytes: 1 << 30, patience, public_url: None, ip }
    }
}

impl TestEdge {
    /// Starts one that stands before this origin.
    pub(crate) async fn before(origin: SocketAddr, differs: Before) -> Self {
        let listener = TcpListener::bind((differs.ip, 0)).await.unwrap();
        Self::on(listener, origin, differs)
    }

    /// An edge that takes itself for its origin.
    pub(crate) async fn before_itself() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(listener, address, Before::default())
    }

    fn on(listener: TcpListener, origin: SocketAddr, differs: Before) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Settings {
            listen: Some((Ipv4Addr::LOCALHOST, address.port()).into()),
            data: Some(folder.path().to_owned()),
            public_url: differs.public_url,
            cache_size: Some(Size(differs.bytes)),
            ..Settings::default()
        };
        let mut config = settings.finish().unwrap();
        // Settings want TLS between machines, which network namespaces of this one are not.
        config.origin = Some(format!("http://{origin}"));
        let (clock, read) = (Arc::clone(&differs.clock), differs.clock);
        let read = Arc::new(move || read.load(Ordering::SeqCst));
        let edge = Edge::open(config, differs.patience, read).unwrap();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve_edge(listener, edge.clone(), async {
            stopped.await.ok();
        }));
        Self { address, edge, folder, clock, _stop: stop }
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// A figure of its, by the end of its name.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let figures = self.edge.figures();
        let start = format!("offing_{name} ");
        figures.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse().unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Reply {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.request(Method::GET, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request).await
    }

    /// Reads a chunk with a token.
    pub(crate) async fn read(&self, path: &str, token: &str) -> Reply {
        self.get(path, &[("authorization", &format!("Bearer {token}"))]).await
    }
}

/// Starts an origin that answers as it is told.
pub(crate) async fn origin<A, F>(answers: A) -> SocketAddr
where
    A: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |request: Request| answers(request));
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// The path of a chunk of some vault.
pub(crate) fn path_of(bytes: &[u8]) -> String {
    path_in(VaultId([7; 32]), chunk_id(bytes))
}

pub(crate) fn path_in(vault: VaultId, chunk: ChunkId) -> String {
    format!("/api/v1/vaults/{vault}/chunks/{chunk}")
}

/// Waits for what comes soon, without a sleep of a length that somebody guessed.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it comes to that");
}
