//! Logging: structured lines on standard error, quiet by default; and spans, where they are wanted.
//!
//! What is logged never holds content, names, tokens or bodies: a request is its method, the
//! pattern of its route (not the path), status, time and a request id.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::spans::Spans;

/// Starts logging with a filter in the syntax of `RUST_LOG`, and gathering spans.
///
/// A filter that does not parse falls back to warnings, since logging must never keep the
/// server from starting.
pub fn start(filter: &str, spans: Option<&Spans>) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_filter(filter);
    // A second start (several servers in one process) keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(spans.map(Spans::layer)).try_init();
}
