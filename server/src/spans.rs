//! Spans of calls, for a collector that takes them by OTLP.
//!
//! A layer of `tracing` gathers requests and what is spent within them: waiting for a turn, for the
//! database, for the chunk store. Names are the code's own and fields are a list (`FIELDS`), so
//! nothing else leaves, whatever somebody writes into a span some day. What is finished waits in a
//! bounded queue until `send` has posted it; what finds no room there is counted and
//! forgotten, so that a collector that is slow or away costs calls nothing.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::RngCore as _;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

mod otlp;

/// Where finished spans wait; cloning shares it.
#[derive(Debug, Clone)]
pub struct Spans(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Where a collector takes them.
    url: String,
    queue: mpsc::Sender<Finished>,
    /// Taken by whoever sends.
    queued: Mutex<Option<mpsc::Receiver<Finished>>>,
    sent: AtomicU64,
    dropped: AtomicU64,
}

/// A span that has ended.
#[derive(Debug)]
struct Finished {
    name: &'static str,
    begun: Begun,
    /// Nanoseconds that it took.
    took_ns: u128,
}

/// A span that has begun.
#[derive(Debug)]
struct Begun {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    /// Nanoseconds since 1970.
    at_ns: u128,
    at: Instant,
    fields: Fields,
}

/// What is told of a span, by the names that OpenTelemetry has for it.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

#[derive(Debug, PartialEq)]
enum Value {
    Text(String),
    Number(u64),
}

impl Spans {
    /// Gathers spans for the collector at this address.
    pub fn to(collector: &str) -> Self {
        Self::with_room(collector, QUEUE_MAX)
    }

    fn with_room(collector: &str, spans_max: usize) -> Self {
        let (queue, queued) = mpsc::channel(spans_max);
        Self(Arc::new(Shared {
            url: format!("{collector}/v1/traces"),
            queue,
            queued: Mutex::new(Some(queued)),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }))
    }

    /// What a subscriber needs to gather them.
    pub fn layer<S: Subscriber + for<'l> LookupSpan<'l>>(&self) -> impl Layer<S> + use<S> {
        let ours = |of: &Metadata<'_>| of.is_span() && of.target().starts_with(TARGET);
        Gathers(self.clone()).with_filter(filter_fn(ours))
    }

    /// How many a collector has taken, and how many are lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.0.sent.load(Ordering::Relaxed), self.0.dropped.load(Ordering::Relaxed))
    }

    fn queued(&self) -> Option<mpsc::Receiver<Finished>> {
        self.0.queued.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn push(&self, finished: Finished) {
        if self.0.queue.try_send(finished).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Gathers(Spans);

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Gathers {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let parent = span.parent().and_then(|parent| {
            parent.extensions().get::<Begun>().map(|begun| (begun.trace, begun.id))
        });
        // What the server does by itself is nobody's call.
        if parent.is_none() && attributes.metadata().name() != CALL {
            return;
        }
        let mut random = rand::rngs::OsRng;
        let trace = parent.map_or_else(
            || u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()),
            |(trace, _)| trace,
        );
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut begun = Begun {
            trace,
            id: random.next_u64(),
            parent: parent.map(|(_, id)| id),
            at_ns: since.as_nanos(),
            at: Instant::now(),
            fields: Fields::default(),
        };
        attributes.record(&mut begun.fields);
        span.extensions_mut().insert(begun);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(begun) = span.extensions_mut().get_mut::<Begun>()
        {
            values.record(&mut begun.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(begun) = span.extensions_mut().remove::<Begun>()
        {
            let took_ns = begun.at.elapsed().as_nanos();
            self.0.push(Finished { name: span.name(), begun, took_ns });
        }
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if let Some((_, name)) = FIELDS.iter().find(|(ours, _)| *ours == field.name()) {
            self.0.push((name, value()));
        }
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, || Value::Number(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, || Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, || Value::Text(format!("{value:?}")));
    }
}

/// The span around a call.
pub(crate) const CALL: &str = "request";
/// Whose spans are gathered: this crate's.
const TARGET: &str = "offing_server";
/// Every field that leaves, and its name there.
const FIELDS: [(&str, &str); 4] =
    [("id", "offing.request_id"), ("method", METHOD), ("route", ROUTE), ("status", STATUS)];
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";
/// Most spans that wait, some of a megabyte.
const QUEUE_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is gathered of some work.
    fn gathered(spans: &Spans, work: impl FnOnce()) -> Vec<Finished> {
        let subscriber = tracing_subscriber::registry().with(spans.layer());
        tracing::subscriber::with_default(subscriber, work);
        let mut queued = spans.queued().unwrap();
        std::iter::from_fn(|| queued.try_recv().ok()).collect()
    }

    #[test]
    fn a_call_and_what_is_in_it_leave_with_known_fields_alone() {
        let spans = Spans::to("http://collector.test");
        let all = gathered(&spans, || {
            let call = tracing::info_span!(
                "request",
                id = "0a",
                name = "alice",
                route = "/api/v1/vaults/{vault}/log",
                status = tracing::field::Empty,
                path = ?"/secret"
            );
            call.in_scope(|| drop(tracing::debug_span!("database", token = "secret").entered()));
            call.record("status", 200_u16);
        });
        let [database, call] = &all[..] else { panic!("{all:?}") };
        assert_eq!((database.name, call.name), ("database", "request"));
        assert_eq!(database.begun.parent, Some(call.begun.id));
        assert_eq!((database.begun.trace, call.begun.parent), (call.begun.trace, None));
        assert!(database.begun.fields.0.is_empty());
        let text = |text: &str| Value::Text(text.to_owned());
        let fields = [
            ("offing.request_id", text("0a")),
            (ROUTE, text("/api/v1/vaults/{vault}/log")),
            (STATUS, Value::Number(200)),
        ];
        assert_eq!(call.begun.fields.0, fields);
    }

    #[test]
    fn what_is_no_call_s_is_not_gathered() {
        let spans = Spans::to("http://collector.test");
        let all = gathered(&spans, || {
            drop(tracing::info_span!("database").entered());
            drop(tracing::info_span!(target: "hyper", "request").entered());
        });
        assert!(all.is_empty(), "{all:?}");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_forgotten() {
        let spans = Spans::with_room("http://collector.test", 2);
        let all = gathered(&spans, || {
            for _ in 0..5 {
                drop(tracing::info_span!("request"));
            }
        });
        assert_eq!((all.len(), spans.counts()), (2, (0, 3)));
    }
}
