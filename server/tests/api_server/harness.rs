//! A server on a free port with a clock of its own, which people call ([`Calls`]).

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use offing_core::proto::Registration;
use offing_server::config::{RateConfig, Settings};
use offing_server::service::quota::Counts;
use offing_server::service::{ServiceOptions, Services};
use offing_server::turns::desk::Bounds;
use offing_server::{AppState, serve, serve_metrics};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::calls::{Calls, Person};
use crate::edges::{Before, TestEdge};

/// A running server.
pub(crate) struct World {
    pub(crate) state: AppState,
    pub(crate) folder: TempDir,
    pub(crate) disk_bytes_max: Arc<AtomicU64>,
    clock: Arc<AtomicI64>,
    pub(crate) calls: Calls,
    /// The server itself, with nothing before it.
    pub(crate) direct: Calls,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    /// What stands before it, when every test is to go through one.
    edge: Option<TestEdge>,
}

/// What makes one test's server differ from another's.
#[derive(Default)]
pub(crate) struct Differs {
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) rate: Option<RateConfig>,
    pub(crate) public_url: Option<String>,
    pub(crate) turns: Option<Bounds>,
    pub(crate) edge_urls: Option<Vec<String>>,
    /// An address of another network namespace, where that is the test's.
    pub(crate) ip: Option<IpAddr>,
    pub(crate) registration: Registration,
    pub(crate) counts: Counts,
    pub(crate) connections_per_address: Option<u32>,
    pub(crate) drain: Duration,
    pub(crate) store: Store,
}

/// Where a test's server keeps things.
#[derive(Default)]
pub(crate) enum Store {
    #[default]
    Memory,
    Folder,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(Differs::default()).await
    }

    /// Where the figures of this server are read from now on.
    pub(crate) async fn figures(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        tokio::spawn(serve_metrics(listener, self.state.clone()));
        url
    }

    pub(crate) async fn start_with(differs: Differs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ip = differs.ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let assets = folder.path().join("dist");
        std::fs::create_dir_all(assets.join("assets")).unwrap();
        let settings = Settings {
            listen: Some((Ipv4Addr::LOCALHOST, address.port()).into()),
            data: Some(folder.path().to_owned()),
            assets: Some(assets),
            public_url: differs.public_url,
            edge_urls: differs.edge_urls,
            registration: Some(differs.registration),
            ..Settings::default()
        };
        let mut config = settings.finish().unwrap();
        config.rate = differs.rate.unwrap_or(config.rate);
        config.turns = differs.turns.unwrap_or(config.turns);
        config.drain = differs.drain;
        if let Some(most) = differs.connections_per_address {
            // As where others listen too, since addresses tell nobody apart on a machine alone.
            config.listen.set_ip(Ipv4Addr::UNSPECIFIED.into());
            config.connections_per_address = most;
        }
        let mut options = ServiceOptions {
            account_quota_bytes: differs.quota_bytes,
            registration: differs.registration,
            counts: differs.counts,
            ..ServiceOptions::default()
        };
        let disk_bytes_max = Arc::new(AtomicU64::new(u64::MAX));
        options.segments.bytes_max = Arc::clone(&disk_bytes_max);
        let services = match differs.store {
            Store::Memory => Services::in_memory(options).unwrap(),
            Store::Folder => Services::open(folder.path(), options).unwrap().0,
        };
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let read = Arc::clone(&clock);
        let state = AppState::over(config, services, Arc::new(move || read.load(Ordering::SeqCst)))
            .unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, state.clone(), async {
            stopped.await.ok();
        }));
        let direct = Calls::to(address);
        let (mut address, mut edge) = (address, None);
        if std::env::var_os(THROUGH_EDGE).is_some() {
            let public_url = Some(state.config().public_url.clone());
            let differs = Before { clock: Arc::clone(&clock), public_url, ..Before::default() };
            let before = TestEdge::before(address, differs).await;
            (address, edge) = (before.address, Some(before));
        }
        let calls = Calls::to(address);
        Self { state, folder, disk_bytes_max, clock, calls, direct, stop, served, edge }
    }

    /// Tells the server to stop; the handle resolves when it has. What else there is stays as
    /// long as the rest is held.
    pub(crate) fn stop(self) -> (JoinHandle<std::io::Result<()>>, (TempDir, Option<TestEdge>)) {
        self.stop.send(()).unwrap();
        (self.served, (self.folder, self.edge))
    }

    /// Its clock, for who shares it.
    pub(crate) fn clock(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) async fn invite(&self) -> String {
        self.state.services().create_invite(self.state.now_ms()).await.unwrap()
    }

    /// Signs somebody up with a fresh link.
    pub(crate) async fn sign_up(&self, name: &str, password: &str) -> Person {
        let invite = self.invite().await;
        self.try_sign_up(&invite, name, password, RECOVERY).await.unwrap()
    }
}

impl Deref for World {
    type Target = Calls;

    fn deref(&self) -> &Calls {
        &self.calls
    }
}

/// Says by the environment that every server has an edge before it.
pub(crate) const THROUGH_EDGE: &str = "OFFING_THROUGH_EDGE";
pub(crate) const RECOVERY: &str = "a recovery code";
