//! What every part of Offing shares: identifiers, limits, formats, the wire, and, for the
//! engine, the replica itself.
//!
//! This crate decides and never acts: it reads no clock, no randomness, no file and no
//! socket. Time and random bytes are arguments; storage and network are the callers'.
//! Modules depend on each other in one direction only:
//! `id, json, limits → proto, rpc → crypto → content, log → tree, text → presence, sync`.

#![warn(missing_docs)]

pub mod account;
#[cfg(feature = "opaque")]
pub mod auth;
pub mod content;
pub mod crypto;
#[cfg(all(feature = "testing", feature = "native-crypto"))]
pub mod fixture;
pub mod id;
pub mod json;
#[cfg(feature = "replica")]
pub mod label;
pub mod limits;
pub mod log;
#[cfg(feature = "replica")]
pub mod name;
pub mod ordered;
pub mod portable;
#[cfg(feature = "replica")]
pub mod presence;
pub mod proto;
pub mod rpc;
#[cfg(feature = "replica")]
pub mod sync;
#[cfg(feature = "replica")]
pub mod text;
#[cfg(feature = "replica")]
pub mod tree;
#[cfg(feature = "testing")]
pub mod vectors;
