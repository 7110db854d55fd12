//! Logging: structured lines on standard error, quiet by default; and spans, where they are wanted.
//!
//! What is logged never holds content, names, tokens or bodies: a request is its method, the
//! pattern of its route (not the path), status, time and a request id. The id stands in the span that is around a line,
//! and in the answer's `x-request-id`.

use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::admin::AUDIT;
use crate::spans::Spans;

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object of JSON in each line, for what gathers logs.
    Json,
}

/// Starts logging with a filter in the syntax of `RUST_LOG`, and gathering spans.
///
/// A filter that does not parse falls back to warnings, since logging must never keep the
/// server from starting. What is noted for whoever keeps the server is logged unless the filter names it:
/// nobody loses it who only wanted less of the rest.
pub fn start(given: &str, format: LogFormat, spans: Option<&Spans>) {
    let mut filter = EnvFilter::try_new(given).unwrap_or_else(|_| EnvFilter::new("warn"));
    if !given.contains(AUDIT) {
        let audit = format!("{AUDIT}=info").parse().expect("a target and a level");
        filter = filter.add_directive(audit);
    }
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        // The list has the request whatever is spent within it.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let lines = lines.with_filter(filter);
    // A second start (several servers in one process) keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(spans.map(Spans::layer)).try_init();
}
