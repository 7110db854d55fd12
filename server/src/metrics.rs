//! Figures of the running server, in Prometheus's text format.
//!
//! They say how much and how fast, never who or what: routes are patterns, and what a label may be
//! is bounded. They are served on a listener of their own, which is nobody's business outside.
//! `docs/operations.md` has the names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, header};
use axum::routing::get;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use offing_core::proto::Code;
use tokio::net::TcpListener;

use crate::acme;
use crate::edge::Figures;
use crate::edge::cache::Kept;
use crate::room::Room;
use crate::state::AppState;
use crate::tls::Tls;
use crate::turns::desk::Class;

/// Seconds of the buckets of request times.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What is counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    calls: Mutex<BTreeMap<(&'static str, String), Calls>>,
    refusals: Mutex<BTreeMap<String, u64>>,
    received_bytes: Arc<AtomicU64>,
    sent_bytes: Arc<AtomicU64>,
    pub(crate) entries: AtomicU64,
    pub(crate) chunks: AtomicU64,
    /// What devices told one another for the moment, passed on and dropped.
    pub(crate) told: AtomicU64,
    pub(crate) untold: AtomicU64,
    connections: Arc<AtomicI64>,
    /// Connections that were closed at once.
    crowded: AtomicU64,
    /// What handshakes show, if the program speaks TLS.
    pub(crate) tls: OnceLock<Arc<Tls>>,
}

/// The requests of one method and route.
#[derive(Debug, Default)]
struct Calls {
    by_status: BTreeMap<u16, u64>,
    by_time: [u64; BUCKETS.len()],
    seconds: f64,
}

/// A connection, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Arc<AtomicI64>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.entry((known(method), route.to_owned())).or_default();
        *calls.by_status.entry(status).or_default() += 1;
        calls.seconds += took.as_secs_f64();
        if let Some(bucket) = BUCKETS.iter().position(|most| took.as_secs_f64() <= *most) {
            calls.by_time[bucket] += 1;
        }
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, code: Code) {
        let name = serde_json::to_string(&code).expect("a code is a word");
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(name).or_default() += 1;
    }

    /// Connections that are open.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed).try_into().unwrap_or(0)
    }

    /// Counts a connection for as long as it is open.
    pub(crate) fn connected(&self) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(&self.connections))
    }

    /// Counts a connection that was closed at once, since its address had too many.
    pub(crate) fn crowded(&self) {
        self.crowded.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what a body brings.
    pub(crate) fn receives(&self, body: Body) -> Body {
        Body::new(Counted { body, bytes: Arc::clone(&self.received_bytes) })
    }

    /// Counts what a body takes away.
    pub(crate) fn sends(&self, body: Body) -> Body {
        Body::new(Counted { body, bytes: Arc::clone(&self.sent_bytes) })
    }
}

/// A body whose bytes are counted as they pass.
struct Counted {
    body: Body,
    bytes: Arc<AtomicU64>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves the figures until it is dropped.
pub async fn serve_metrics(listener: TcpListener, state: AppState) -> io::Result<()> {
    serve_figures(listener, move || text(&state)).await
}

/// Serves such figures until it is dropped.
pub(crate) async fn serve_figures(
    listener: TcpListener,
    text: impl Fn() -> String + Clone + Send + Sync + 'static,
) -> io::Result<()> {
    let media_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let answer = async move || (media_type, text());
    axum::serve(listener, Router::new().route("/metrics", get(answer))).await
}

/// Methods by which requests are told apart; anybody may send any other.
pub(crate) fn known(method: &Method) -> &'static str {
    let all = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"];
    all.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// All figures, as they are now.
fn text(state: &AppState) -> String {
    let mut out = String::new();
    let (metrics, services) = (state.metrics(), state.services());
    of_calls(&mut out, metrics);
    of_traffic(&mut out, metrics, state.sockets().count());
    let (stats, scrubbed) = (services.stats(), services.scrubbed());
    counters(
        &mut out,
        &[
            ("entries_total", "Entries appended.", metrics.entries.load(Ordering::Relaxed)),
            ("chunks_total", "Chunks stored.", metrics.chunks.load(Ordering::Relaxed)),
            (
                "presences_passed_on_total",
                "Presences passed on.",
                metrics.told.load(Ordering::Relaxed),
            ),
            (
                "presences_dropped_total",
                "Presences dropped.",
                metrics.untold.load(Ordering::Relaxed),
            ),
            ("chunk_syncs_total", "Times the chunk store waited for the disk.", stats.chunk_syncs),
            ("s3_second_asks_total", "Reads of S3 asked for twice.", stats.remote.second_asks),
            ("s3_second_first_total", "Second asks answered first.", stats.remote.second_firsts),
            ("database_writes_total", "Jobs that changed the database.", stats.meta.writes),
            ("database_commits_total", "Commits that were waited for.", stats.meta.durable_commits),
            ("scrubbed_chunks_total", "Chunks read by the scrub.", scrubbed.chunks),
            ("scrubbed_bytes_total", "Bytes read by the scrub.", scrubbed.bytes),
        ],
    );
    let name = "scrub_faults_total";
    head(&mut out, name, "counter", "Chunks with which the scrub found something wrong.");
    line(&mut out, name, "{fault=\"missing\"}", scrubbed.missing);
    line(&mut out, name, "{fault=\"rotten\"}", scrubbed.rotten);
    line(&mut out, name, "{fault=\"unreadable\"}", scrubbed.unreadable);
    if let Some(spans) = state.spans() {
        let (sent, dropped) = spans.counts();
        counters(
            &mut out,
            &[
                ("spans_sent_total", "Spans that the collector has taken.", sent),
                ("spans_dropped_total", "Spans that it has not.", dropped),
            ],
        );
    }
    let name = "shed_total";
    head(&mut out, name, "counter", "Calls that were refused since there was too much to do.");
    for class in Class::ALL {
        let label = format!("{{class=\"{}\"}}", format!("{class:?}").to_lowercase());
        line(&mut out, name, &label, state.turns().refused(class));
    }
    let (working, waiting) = state.turns().under_way();
    gauges(
        &mut out,
        &[
            ("calls_working", "Calls that are worked on.", working),
            ("calls_waiting", "Calls that wait for their turn.", waiting),
            ("database_queue", "Jobs that wait for the database.", stats.meta.waiting),
            ("chunk_queue", "Messages that wait for the chunk store.", services.chunks_waiting()),
            ("s3_away", "1 while S3 is not asked.", u64::from(stats.remote.is_away)),
        ],
    );
    if let Some(room) = Room::of(&state.config().data) {
        gauges(
            &mut out,
            &[
                ("disk_bytes", "Bytes of the disk with the data folder.", room.bytes),
                ("disk_free_bytes", "Those of them that are free.", room.free_bytes),
            ],
        );
    }
    of_certificate(&mut out, metrics);
    out
}

/// All figures of an edge.
pub(crate) fn text_of_edge(
    metrics: &Metrics,
    kept: &Kept,
    figures: &Figures,
    live_sockets: u64,
    is_away: bool,
) -> String {
    let mut out = String::new();
    of_calls(&mut out, metrics);
    of_traffic(&mut out, metrics, live_sockets);
    of_certificate(&mut out, metrics);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    counters(
        &mut out,
        &[
            ("edge_served_total", "Chunks answered from here.", count(&figures.served)),
            ("edge_fetched_total", "Chunks fetched from the origin.", count(&figures.fetched)),
            ("edge_asked_total", "Questions whether to serve a chunk.", count(&figures.asked)),
            ("edge_evicted_total", "Chunks that went to make room.", kept.evicted),
            ("edge_damaged_total", "Chunks that were not what was kept.", kept.damaged),
        ],
    );
    gauges(
        &mut out,
        &[
            ("edge_chunks", "Chunks that are kept.", kept.chunks),
            ("edge_bytes", "Bytes of disk that they take.", kept.bytes),
            ("edge_origin_away", "1 while the origin is not asked.", u64::from(is_away)),
        ],
    );
    out
}

fn of_traffic(out: &mut String, metrics: &Metrics, live_sockets: u64) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    counters(
        out,
        &[
            ("received_bytes_total", "Bytes of bodies received.", count(&metrics.received_bytes)),
            ("sent_bytes_total", "Bytes of bodies sent.", count(&metrics.sent_bytes)),
            (
                "connections_refused_total",
                "Connections that were closed at once, of addresses with too many.",
                count(&metrics.crowded),
            ),
        ],
    );
    gauges(
        out,
        &[
            ("connections", "Connections that are open.", metrics.connections()),
            ("live_sockets", "Live sockets that are open.", live_sockets),
        ],
    );
}

fn of_certificate(out: &mut String, metrics: &Metrics) {
    let end = metrics.tls.get().and_then(|tls| tls.shown());
    let Some(end) = end.and_then(|shown| acme::life(&shown)[1].duration_since(UNIX_EPOCH).ok())
    else {
        return;
    };
    let name = "certificate_end_seconds";
    gauges(out, &[(name, "When the certificate ends, in seconds since 1970.", end.as_secs())]);
}

fn of_calls(out: &mut String, metrics: &Metrics) {
    let calls = metrics.calls.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "requests_total";
    head(out, name, "counter", "Requests that were answered.");
    for ((method, route), calls) in &*calls {
        for (status, count) in &calls.by_status {
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            line(out, name, &labels, count);
        }
    }
    head(out, "request_seconds", "histogram", "How long they took, without their answers' bodies.");
    for ((method, route), calls) in &*calls {
        let (labels, mut sum) = (format!("method=\"{method}\",route=\"{route}\""), 0);
        for (most, count) in BUCKETS.iter().zip(calls.by_time) {
            sum += count;
            let labels = format!("{{{labels},le=\"{most}\"}}");
            line(out, "request_seconds_bucket", &labels, sum);
        }
        let count: u64 = calls.by_status.values().sum();
        line(out, "request_seconds_bucket", &format!("{{{labels},le=\"+Inf\"}}"), count);
        line(out, "request_seconds_sum", &format!("{{{labels}}}"), calls.seconds);
        line(out, "request_seconds_count", &format!("{{{labels}}}"), count);
    }
    drop(calls);
    let name = "refusals_total";
    head(out, name, "counter", "Requests that were refused, by the code of the reason.");
    for (code, count) in &*metrics.refusals.lock().unwrap_or_else(PoisonError::into_inner) {
        line(out, name, &format!("{{code={code}}}"), count);
    }
}

/// A figure: its name, what it says, its value.
type Figure<'f> = (&'f str, &'f str, u64);

fn counters(out: &mut String, all: &[Figure<'_>]) {
    plain(out, "counter", all);
}

fn gauges(out: &mut String, all: &[Figure<'_>]) {
    plain(out, "gauge", all);
}

fn plain(out: &mut String, kind: &str, all: &[Figure<'_>]) {
    for (name, says, value) in all {
        head(out, name, kind, says);
        line(out, name, "", value);
    }
}

fn head(out: &mut String, name: &str, kind: &str, says: &str) {
    let _ = writeln!(out, "# HELP offing_{name} {says}\n# TYPE offing_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    // Writing to a string never fails.
    let _ = writeln!(out, "offing_{name}{labels} {value}");
}
