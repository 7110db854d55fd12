//! The vault's log: entries, their hashes and the chain over them.
//!
//! An entry's header is in the clear and is all that the server reads; its body is sealed.
//! Layouts: `docs/format.md`, "Entry, signature, chain".

pub mod chain;
pub mod entry;
