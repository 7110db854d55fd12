//! The service worker's module: it pushes the outbox while no tab is open.
//!
//! Loaded lazily by `www/sw.js`; it holds no key and opens nothing. See `docs/sync.md`.

fn main() {}
