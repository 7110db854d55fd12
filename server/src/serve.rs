//! Serves the drive: answers its calls, and looks after what is kept meanwhile.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api;
use crate::listening::Listening;
use crate::metrics::serve_metrics;
use crate::state::AppState;
use crate::turns::Who;
use crate::turns::desk::Class;

/// Serves until `shutdown` resolves and the time to leave is over, then stops accepting, lets requests finish for up to ten
/// seconds and closes the live sockets.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let listening = Listening::new(listener, state.config())?;
    heed_ends(&state).await;
    let mut chores = JoinSet::new();
    chores.spawn(heed(state.clone()));
    chores.spawn(upkeep(state.clone()));
    chores.spawn(scrub(state.clone()));
    if let Some(spans) = state.spans() {
        chores.spawn(spans.clone().send());
    }
    if let Some(address) = state.config().metrics {
        let listener = TcpListener::bind(address).await?;
        let figures = serve_metrics(listener, state.clone());
        chores.spawn(async { drop(figures.await) });
    }
    let sockets = state.sockets().all_closed();
    listening.answer(api::router(&state), state.running(), shutdown, sockets).await;
    chores.abort_all();
    let stats = state.services().stats();
    tracing::info!(
        chunk_syncs = stats.chunk_syncs,
        durable_commits = stats.meta.durable_commits,
        "stopped"
    );
    Ok(())
}

/// Heeds every few seconds which accounts are closed and which sessions ended, and at once when that may not have been told.
async fn heed(state: AppState) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(HEED_EVERY) => {}
            () = state.services().missed() => {}
        }
        heed_ends(&state).await;
    }
}

/// Heeds which accounts are closed and which sessions ended: also another process ends them, beside this one.
pub(crate) async fn heed_ends(state: &AppState) {
    heed_closed(state).await;
    if let Err(error) = state.services().heed_ended(state.now_ms()).await {
        tracing::warn!(%error, "cannot look which sessions ended");
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

const HEED_EVERY: Duration = Duration::from_secs(5);
const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;
const HOURS_CAUGHT_UP: u64 = 24;
