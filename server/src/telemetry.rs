//! Logging: structured lines on standard error, quiet by default.
//!
//! What is logged never holds content, names, tokens or bodies: a request is its method, the
//! pattern of its route (not the path), status, time and a request id.

use tracing_subscriber::EnvFilter;

/// Starts logging with a filter in the syntax of `RUST_LOG`.
///
/// A filter that does not parse falls back to warnings, since logging must never keep the
/// server from starting.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second start (several servers in one process) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .try_init();
}
