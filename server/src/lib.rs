//! The blind server of Offing: it keeps sealed chunks and signed logs, checks what can be
//! checked without a key, and never opens a body.
//!
//! `api` speaks HTTP and asks `service`, which decides and asks `store`, which keeps; none of
//! them looks back up. [`serve()`] runs it over any listener, so tests use a real server on a
//! free port.

#![warn(missing_docs)]

pub mod acme;
pub mod admin;
mod allowance;
pub mod api;
pub mod assets;
pub mod auth;
pub mod backup;
mod breaker;
pub mod config;
pub mod edge;
pub mod error;
pub mod fsck;
pub mod intake;
pub mod limit;
mod listening;
mod metrics;
pub mod migrate;
pub mod open_files;
mod private;
pub mod ready;
pub mod rollout;
mod room;
mod serve;
pub mod service;
pub mod spans;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod tickets;
pub mod tls;
pub mod turns;

pub use edge::{Edge, serve_edge};
pub use metrics::serve_metrics;
pub use serve::{heed_closed, look_after, serve};
pub use state::AppState;
