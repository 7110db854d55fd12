//! Accepts connections until told to stop, then lets what is under way finish.
//!
//! HTTP/1.1 behind a proxy or on one machine; with a certificate of its own TLS 1.3, and HTTP/2
//! for who asks for it. A connection must shake hands, send its request head and take what it is
//! sent in time, and their number is bounded, of each address too, so idle or slow callers cost a
//! bounded amount of memory. What answers is a router; this module knows nothing of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
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
    stopping: watch::Sender<bool>,
}

impl Running {
    /// Says (and goes on saying) whether the program is stopping.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

/// Where callers are awaited, and the certificate that they are shown.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    connections_max: u32,
    callers: Option<Callers>,
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
        })
    }

    /// Lets `router` answer until `shutdown` resolves, then stops accepting, and waits up to ten
    /// seconds for the requests that are under way and for `finished`.
    pub(crate) async fn answer(
        self,
        router: Router,
        running: &Running,
        shutdown: impl Future<Output = ()> + Send,
        finished: impl Future<Output = ()> + Send,
    ) {
        let mut renewals = JoinSet::new();
        if let Some(tls) = self.tls.clone() {
            if let Some(authority) = tls.authority() {
                renewals.spawn(acme::keep(authority, Arc::clone(&tls)));
            }
            renewals.spawn(renew(tls));
        }
        let connections = Arc::new(Semaphore::new(self.connections_max as usize));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let permit = Arc::clone(&connections).acquire_owned();
            let (permit, accepted) = tokio::select! {
                () = &mut shutdown => break,
                accepted = async { (permit.await, self.listener.accept().await) } => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a caller that left already: neither is ours to
                    // die from, and without the pause the former would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let held = match self.hold(peer.ip()) {
                Ok(held) => held,
                Err(Crowded) => {
                    // Closed at once: whoever opens ever more is not worth a word.
                    running.metrics.crowded();
                    continue;
                }
            };
            // Small answers (an append's result, a wake-up) must not wait for more to send.
            let _ = stream.set_nodelay(true);
            let caller = Caller { peer, router: router.clone(), stopping: running.stopping() };
            let acceptor = self.tls.as_ref().map(|tls| tls.acceptor());
            let connected = running.metrics.connected();
            tokio::spawn(async move {
                caller.serve(stream, acceptor).await;
                drop((connected, held, permit));
            });
        }
        drop(self.listener);
        running.stopping.send_replace(true);
        let finished = async {
            let _ = connections.acquire_many(self.connections_max).await;
            finished.await;
        };
        if timeout(SHUTDOWN_DEADLINE, finished).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
    }
}

impl Listening {
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
    stopping: watch::Receiver<bool>,
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
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let expects = request.headers().contains_key(header::EXPECT);
            let request = request.map(|body| match expects {
                // It sends nothing unless somebody reads.
                true => Body::new(body),
                false => Body::new(ReadOut::new(body)),
            });
            router.clone().oneshot(from(peer, request))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(CONNECTION_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        until_stopped(connection, |connection| connection.graceful_shutdown(), self.stopping).await;
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
        until_stopped(connection, |connection| connection.graceful_shutdown(), self.stopping).await;
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
    mut stopping: watch::Receiver<bool>,
) {
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            finish(connection.as_mut());
            connection.await
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

const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;
/// Also how long a connection may idle between requests.
const HEAD_DEADLINE: Duration = Duration::from_secs(60);
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// How long the other end may take nothing of what waits to be sent.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Requests of one connection at a time.
const STREAMS_MAX: u32 = 128;
const RENEWAL_EVERY: Duration = Duration::from_secs(60);
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
