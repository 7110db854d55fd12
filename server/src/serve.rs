//! Accepts connections until told to stop, then lets what is under way finish.
//!
//! HTTP/1.1 behind a proxy or on one machine; with a certificate of its own TLS 1.3, and HTTP/2
//! for who asks for it. A connection must shake hands, send its request head and take what it is
//! sent in time, and their number is bounded, so idle or slow callers cost a bounded amount of
//! memory.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::api;
use crate::metrics::serve_metrics;
use crate::state::AppState;
use crate::tls::{HTTP2, Tls};
use crate::turns::Who;
use crate::turns::desk::Class;

mod stall;

use stall::Watched;

/// The address of the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves until `shutdown` resolves, then stops accepting, lets requests finish for up to ten
/// seconds and closes the live sockets.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let tls = state.config().tls.clone().map(Tls::open).transpose().map_err(io::Error::other)?;
    let tls = tls.map(Arc::new);
    let router = api::router(&state);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    heed_closed(&state).await;
    let mut chores = JoinSet::new();
    chores.spawn(heed(state.clone()));
    chores.spawn(upkeep(state.clone()));
    chores.spawn(scrub(state.clone()));
    if let Some(tls) = tls.clone() {
        chores.spawn(renew(tls));
    }
    if let Some(address) = state.config().metrics {
        let listener = TcpListener::bind(address).await?;
        let figures = serve_metrics(listener, state.clone());
        chores.spawn(async { drop(figures.await) });
    }
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let permit = Arc::clone(&connections).acquire_owned();
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = async { (permit.await, listener.accept().await) } => accepted,
        };
        let (stream, peer) = match accepted.1 {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a caller that left already: neither is ours to
                // die from, and without the pause the former would spin.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers (an append's result, a wake-up) must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let caller = Caller { peer, router: router.clone(), state: state.clone() };
        let acceptor = tls.as_ref().map(|tls| tls.acceptor());
        let connected = state.metrics().connected();
        tokio::spawn(async move {
            caller.serve(stream, acceptor).await;
            drop(connected);
            drop(accepted.0);
        });
    }
    drop(listener);
    state.stop();
    chores.abort_all();
    let finished = async {
        let _ = connections.acquire_many(CONNECTIONS_MAX).await;
        state.sockets().all_closed().await;
    };
    if timeout(SHUTDOWN_DEADLINE, finished).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    let stats = state.services().stats();
    tracing::info!(
        chunk_syncs = stats.chunk_syncs,
        durable_commits = stats.meta.durable_commits,
        "stopped"
    );
    Ok(())
}

/// One connection, and what answers it.
struct Caller {
    peer: SocketAddr,
    router: Router,
    state: AppState,
}

impl Caller {
    /// Shakes hands if there is a certificate, and answers until either side ends it.
    async fn serve(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        let stream = Watched::new(stream, SEND_DEADLINE);
        let Some(acceptor) = acceptor else {
            return self.http1(stream).await;
        };
        match timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => {
                self.http2(stream).await;
            }
            Ok(Ok(stream)) => self.http1(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request| router.clone().oneshot(from(peer, request)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(CONNECTION_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        until_stopped(connection, |connection| connection.graceful_shutdown(), &self.state).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request| router.clone().oneshot(from(peer, request)));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_DEADLINE)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(CONNECTION_BUFFER_BYTES as u32)
            .serve_connection(TokioIo::new(stream), service);
        until_stopped(connection, |connection| connection.graceful_shutdown(), &self.state).await;
    }
}

/// A request as the router takes it, from whom it came.
fn from(peer: SocketAddr, request: hyper::Request<Incoming>) -> Request {
    let mut request: Request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(Peer(peer));
    // HTTP/2 says it in the address.
    let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let (Some(host), false) = (host, request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}

/// Answers until the connection ends, or what is under way when the server stops is answered.
async fn until_stopped<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
    state: &AppState,
) {
    let mut stopping = state.stopping();
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

/// Heeds every few seconds which accounts are closed.
async fn heed(state: AppState) {
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        heed_closed(&state).await;
    }
}

/// Heeds which accounts are closed: another process closes them, beside this one.
pub async fn heed_closed(state: &AppState) {
    match state.services().closed().await {
        Ok(closed) => state.auth().heed_closed(closed),
        Err(error) => tracing::warn!(%error, "cannot look which accounts are closed"),
    }
}

/// Looks after what is kept, now and then.
async fn upkeep(state: AppState) {
    // Not at once: whoever starts the server beside a wrong database has time to see it.
    let mut ticks = tokio::time::interval_at(Instant::now() + UPKEEP_EVERY, UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        match state.turns().turn(Who::Server, Class::Upkeep).await {
            Ok(_turn) => look_after(&state).await,
            Err(_) => tracing::warn!("too much to do to look after what is kept; next hour"),
        }
    }
}

/// Reads what is kept, a share in each hour.
async fn scrub(state: AppState) {
    let hour = || u64::try_from(state.now_ms() / HOUR_MS).unwrap_or_default();
    let mut done = hour();
    let mut ticks = tokio::time::interval_at(Instant::now() + UPKEEP_EVERY, UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        let Ok(_turn) = state.turns().turn(Who::Server, Class::Upkeep).await else {
            continue;
        };
        // A tick that came late, a busy server or a machine that slept, leaves out none of the last day's.
        for hour in (done + 1).max(hour().saturating_sub(HOURS_CAUGHT_UP))..=hour() {
            if let Err(error) = state.services().scrub(hour, state.config().scrub_days).await {
                tracing::warn!(%error, "cannot look at what is stored");
            }
            done = hour;
        }
    }
}

/// Forgets sessions that nobody used, lets go of what a snapshot has and removes what is dead if
/// the configuration says so, and reclaims the space of what was removed.
pub async fn look_after(state: &AppState) {
    if let Err(error) = state.services().sweep_sessions(state.now_ms()).await {
        tracing::warn!(%error, "cannot forget unused sessions");
    }
    // First, since the snapshot that has what goes keeps its pieces from then on.
    if state.config().collect_delete
        && let Err(error) = state.services().prune(state.now_ms()).await
    {
        tracing::warn!(%error, "cannot let go of what a snapshot has");
    }
    if state.config().collect_delete
        && let Err(error) = state.services().collect(state.now_ms()).await
    {
        tracing::warn!(%error, "cannot remove what is dead");
    }
    if let Err(error) = state.services().compact_chunks().await {
        tracing::warn!(%error, "cannot reclaim dead space");
    }
}

const CONNECTIONS_MAX: u32 = 8_192;
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
const HEED_EVERY: Duration = Duration::from_secs(5);
const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;
const HOURS_CAUGHT_UP: u64 = 24;
