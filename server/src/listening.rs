//! Accepts connections until told to stop, then lets what is under way finish.
//!
//! HTTP/1.1 behind a proxy or on one machine; with a certificate of its own TLS 1.3, and HTTP/2
//! for who asks for it. A connection must shake hands, send its request head and take what it is
//! sent in time, and their number is bounded, of each address too, so idle or slow callers cost a
//! bounded amount of memory. What answers is a router; this module knows nothing of it.

use std::convert::Infallible;
use std::io;
use std::iter;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::acme;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::tls::{HTTP2, Tls};

mod callers;
mod rest;
mod stall;

pub(crate) use callers::household;
use callers::{Callers, Held};
use rest::ReadOut;
use stall::Watched;

/// The address of the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What is counted while a program answers, and the word that it stops.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) metrics: Metrics,
    stage: watch::Sender<Stage>,
}

/// How far a program is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Stage {
    #[default]
    Serves,
    /// It still answers, and asks whoever shares calls out to send it none.
    Leaves,
    Stops,
}

impl Running {
    /// Says whether nobody should send it calls any more.
    pub(crate) fn is_leaving(&self) -> bool {
        *self.stage.borrow() >= Stage::Leaves
    }

    /// Waits until the program stops.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stage = self.stage.subscribe();
        async move { drop(stage.wait_for(|stage| *stage == Stage::Stops).await) }
    }
}

/// Where callers are awaited, and the certificate that they are shown.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    connections_max: u32,
    callers: Option<Callers>,
    drain: Duration,
    edges: Vec<IpAddr>,
}

impl Listening {
    /// Reads the certificate, if there is to be one.
    pub(crate) fn new(listener: TcpListener, config: &Config) -> io::Result<Self> {
        let tls = config.tls.clone().map(Tls::open).transpose().map_err(io::Error::other)?;
        Ok(Self {
            listener,
            tls: tls.map(Arc::new),
            connections_max: config.connections_max(),
            callers: config.connections_per_address().map(Callers::new),
            edges: config.edges.clone(),
            drain: config.drain,
        })
    }

    /// Lets `router` answer until `shutdown` resolves. Then it goes on for a while, so that whoever shares
    /// calls out finds that they should go elsewhere; then it stops accepting, and waits up to ten seconds
    /// for the requests that are under way and for `finished`.
    pub(crate) async fn answer(
        self,
        router: Router,
        running: &Running,
        shutdown: impl Future<Output = ()> + Send,
        finished: impl Future<Output = ()> + Send,
    ) {
        let mut renewals = JoinSet::new();
        if let Some(tls) = self.tls.clone() {
            // Its end is a figure. One program listens once.
            let _ = running.metrics.tls.set(Arc::clone(&tls));
            if let Some(authority) = tls.authority() {
                renewals.spawn(acme::keep(authority, Arc::clone(&tls)));
            }
            renewals.spawn(renew(tls));
        }
        let connections = Arc::new(Semaphore::new(self.connections_max as usize));
        let door =
            Door { tls: self.tls, callers: self.callers, edges: self.edges, router, running };
        let mut shutdown = std::pin::pin!(leave(shutdown, self.drain, running));
        loop {
            let permit = Arc::clone(&connections).acquire_owned();
            let (permit, accepted) = tokio::select! {
                () = &mut shutdown => break,
                accepted = async { (permit.await, self.listener.accept().await) } => accepted,
            };
            match accepted {
                Ok((stream, peer)) => door.open(stream, peer, permit.ok()),
                Err(error) => {
                    // Out of file descriptors, or a caller that left already: neither is ours to
                    // die from, and without the pause the former would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Who waits in the system's queue was told already that somebody listens: to close the port on
        // them would break their calls off.
        let waiting = queued(self.listener);
        for (stream, peer) in waiting {
            if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
                door.open(stream, peer, Some(permit));
            }
        }
        running.stage.send_replace(Stage::Stops);
        let finished = async {
            let _ = connections.acquire_many(self.connections_max).await;
            finished.await;
        };
        if timeout(SHUTDOWN_DEADLINE, finished).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
    }
}

/// Resolves when it is time to close the port: a while after `shutdown`, in which the program says that it
/// leaves.
async fn leave(shutdown: impl Future<Output = ()>, drain: Duration, running: &Running) {
    shutdown.await;
    if !drain.is_zero() {
        tracing::info!(seconds = drain.as_secs(), "leaving: calls should go elsewhere");
        running.stage.send_replace(Stage::Leaves);
        tokio::time::sleep(drain).await;
    }
}

/// Closes a port and answers who had connected to it and was not accepted yet.
fn queued(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    let accepted = iter::from_fn(|| listener.accept().ok()).take(QUEUED_MAX);
    let ready = accepted.filter_map(|(stream, peer)| {
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    });
    ready.collect()
}

/// What callers come through.
struct Door<'r> {
    tls: Option<Arc<Tls>>,
    callers: Option<Callers>,
    edges: Vec<IpAddr>,
    router: Router,
    running: &'r Running,
}

impl Door<'_> {
    /// Begins to answer a caller, who holds a place among all connections.
    fn open(&self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        let Ok(held) = self.hold(peer.ip()) else {
            // Closed at once: whoever opens ever more is not worth a word.
            self.running.metrics.crowded();
            return;
        };
        // Small answers (an append's result, a wake-up) must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let (router, stage) = (self.router.clone(), self.running.stage.subscribe());
        let caller = Caller { peer, router, stage };
        let acceptor = self.tls.as_ref().map(|tls| tls.acceptor());
        let connected = self.running.metrics.connected();
        tokio::spawn(async move {
            caller.serve(stream, acceptor).await;
            drop((connected, held, permit));
        });
    }

    /// Counts a connection of this address, unless all come from there.
    fn hold(&self, address: IpAddr) -> Result<Option<Held>, Crowded> {
        match &self.callers {
            Some(callers) if !self.edges.contains(&address.to_canonical()) => {
                callers.hold(address).map(Some).ok_or(Crowded)
            }
            _ => Ok(None),
        }
    }
}

/// An address has as many connections as it may.
struct Crowded;

/// One connection, and what answers it.
struct Caller {
    peer: SocketAddr,
    router: Router,
    stage: watch::Receiver<Stage>,
}

impl Caller {
    /// Shakes hands if there is a certificate, and answers until either side ends it.
    async fn serve(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        let stream = Watched::new(stream, SEND_DEADLINE);
        let Some(acceptor) = acceptor else {
            return self.http1(stream).await;
        };
        match timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => match stream.get_ref().1.alpn_protocol() {
                // It has seen what it wanted.
                Some(acme::PROTOCOL) => {}
                Some(HTTP2) => self.http2(stream).await,
                _ => self.http1(stream).await,
            },
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (router, peer, stage) = (self.router, self.peer, self.stage.clone());
        let called = Arc::new(AtomicBool::new(false));
        let is_fresh = {
            let called = Arc::clone(&called);
            move || !called.load(Ordering::Relaxed)
        };
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            called.store(true, Ordering::Relaxed);
            let stage = stage.clone();
            let expects = request.headers().contains_key(header::EXPECT);
            let request = request.map(|body| match expects {
                // It sends nothing unless somebody reads.
                true => Body::new(body),
                false => Body::new(ReadOut::new(body)),
            });
            let answered = router.clone().oneshot(from(peer, request));
            async move {
                let mut response = answered.await?;
                // The caller's next call would come over this connection, and might meet its end.
                let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                if *stage.borrow() >= Stage::Leaves && !is_upgrade {
                    response.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(CONNECTION_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        until_stopped(
            connection,
            |connection| connection.graceful_shutdown(),
            self.stage,
            is_fresh,
        )
        .await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            router.clone().oneshot(from(peer, request.map(Body::new)))
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_DEADLINE)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(CONNECTION_BUFFER_BYTES as u32)
            .serve_connection(TokioIo::new(stream), service);
        until_stopped(
            connection,
            |connection| connection.graceful_shutdown(),
            self.stage,
            || false,
        )
        .await;
    }
}

/// A request as the router takes it, from whom it came.
fn from(peer: SocketAddr, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer(peer));
    // HTTP/2 says it in the address.
    let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let (Some(host), false) = (host, request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}

/// Answers until the connection ends, or what is under way when the program stops is answered.
async fn until_stopped<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
    mut stage: watch::Receiver<Stage>,
    is_fresh: impl Fn() -> bool,
) {
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = async { drop(stage.wait_for(|stage| *stage == Stage::Stops).await) } => {
            let ended = match is_fresh() {
                // Its first call may be on its way; the answer ends it.
                true => timeout(FIRST_CALL_WAIT, &mut connection).await.ok(),
                false => None,
            };
            match ended {
                Some(ended) => ended,
                None => {
                    finish(connection.as_mut());
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Takes up a certificate that was renewed.
async fn renew(tls: Arc<Tls>) {
    loop {
        tokio::time::sleep(RENEWAL_EVERY).await;
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.renew()).await {
            Ok(Ok(true)) => tracing::info!("the certificate was renewed"),
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                let cause = anyhow::Error::from(error);
                tracing::error!("the certificate cannot be renewed, the old one stays: {cause:#}");
            }
        }
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;
/// Also how long a connection may idle between requests.
const HEAD_DEADLINE: Duration = Duration::from_secs(60);
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// How long the other end may take nothing of what waits to be sent.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Requests of one connection at a time.
const STREAMS_MAX: u32 = 128;
const RENEWAL_EVERY: Duration = Duration::from_secs(60);
/// How long a connection that has not asked anything yet is waited for when the program stops.
const FIRST_CALL_WAIT: Duration = Duration::from_secs(1);
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
/// More than the system lets wait.
const QUEUED_MAX: usize = 65_536;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
