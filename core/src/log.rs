//! The vault's log: entries, their hashes and the chain over them.
//!
//! An entry's header is in the clear and is all that the server reads; its body is sealed.
//! Layouts: `docs/format.md`, "Entry, signature, chain".

pub mod author;
pub mod chain;
#[cfg(feature = "replica")]
pub mod change;
pub mod entry;
pub mod epoch;
#[cfg(feature = "replica")]
pub mod heartbeat;
#[cfg(feature = "replica")]
pub mod index;
pub mod recovery;
#[cfg(feature = "replica")]
pub mod snapshot;
pub mod verify;
