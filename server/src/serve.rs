//! Accepts connections until told to stop, then lets what is under way finish.
//!
//! HTTP/1.1 only: a proxy that adds TLS speaks HTTP/2 to people and this to us. A connection
//! must send its request head in time, and their number is bounded, so idle or slow callers
//! cost a bounded amount of memory.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::api;
use crate::state::AppState;

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
    let router = api::router(&state);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let upkeep = tokio::spawn(upkeep(state.clone()));
    let scrubbing = tokio::spawn(scrub(state.clone()));
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
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(CONNECTION_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut stopping = state.stopping();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(accepted.0);
        });
    }
    drop(listener);
    state.stop();
    upkeep.abort();
    scrubbing.abort();
    let finished = async {
        let _ = connections.acquire_many(CONNECTIONS_MAX).await;
        state.sockets().all_closed().await;
    };
    if tokio::time::timeout(SHUTDOWN_DEADLINE, finished).await.is_err() {
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

/// Looks after what is kept, now and then.
async fn upkeep(state: AppState) {
    // Not at once: whoever starts the server beside a wrong database has time to see it.
    let mut ticks = tokio::time::interval_at(Instant::now() + UPKEEP_EVERY, UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        look_after(&state).await;
    }
}

/// Reads what is kept, a share in each hour.
async fn scrub(state: AppState) {
    let hour = || u64::try_from(state.now_ms() / HOUR_MS).unwrap_or_default();
    let mut done = hour();
    let mut ticks = tokio::time::interval_at(Instant::now() + UPKEEP_EVERY, UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        // A tick that came late, or a machine that slept, leaves out none of the last day's.
        for hour in (done + 1).max(hour().saturating_sub(HOURS_CAUGHT_UP))..=hour() {
            if let Err(error) = state.services().scrub(hour, state.config().scrub_days).await {
                tracing::warn!(%error, "cannot look at what is stored");
            }
            done = hour;
        }
    }
}

/// Forgets sessions that nobody used, removes what is dead if the configuration says so, and
/// reclaims the space of what was removed.
pub async fn look_after(state: &AppState) {
    if let Err(error) = state.services().sweep_sessions(state.now_ms()).await {
        tracing::warn!(%error, "cannot forget unused sessions");
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
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;
const HOURS_CAUGHT_UP: u64 = 24;
