//! Search inside files: the index of their words, and how it is asked.
//!
//! Runs in a worker of its own without key and network, the *searcher*. It asks the engine for
//! the nodes of the vault, for the contents that are on this device, and to keep the index
//! sealed ([`offing_core::rpc::index`]); the index is derived, so it may be dropped and made
//! again. Everything here is a function of what it was given: no clock, no randomness.
//!
//! `words` cuts texts into words, `segment` is an immutable index of some files, `index` all
//! segments, `query` what is found in them, `snippet` what is shown of a file, `names` an index
//! of the names of the nodes, `known` the nodes as they are now, and [`searcher`] what the worker
//! drives.
#![warn(missing_docs)]

pub mod index;
pub mod known;
pub mod names;
mod normal;
pub mod query;
pub mod searcher;
pub mod segment;
pub mod snippet;
pub mod words;
