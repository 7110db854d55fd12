//! The content of files: sealed chunks, the manifests that list them, and the plan that
//! cuts and packs files into chunks.
//!
//! A *revision* is a list of extents into chunks, so one idea serves large files, packed
//! small files, deltas and ranges. Nothing here reads a file or the network: callers hand
//! over plaintext and receive bytes to store. Layouts: `docs/format.md`, "Chunks".

pub mod chunk;
pub mod delta;
pub mod manifest;
pub mod pack;
pub mod reference;
