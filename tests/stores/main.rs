//! Stores over real engines: what every store has to hold, and what several processes over one
//! of them have to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod backup;
mod migrate;
mod postgres;
mod processes;
mod s3;
mod tls;
