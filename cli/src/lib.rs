//! The command line: the same replica as the browser's, on a profile in a folder.
//!
//! `host` is where the replica runs: `store` and `chunks` keep what it keeps, `wire` is the way
//! to the server. `profile` is the folder, `session` signs in and out, `drive` an open vault.
//! The rest are the commands. It decides nothing about synchronising and seals nothing by
//! itself; that is `offing-worker` and `offing-core`. Words for people are in `failure`.

#![warn(missing_docs)]

pub mod chunks;
pub mod drive;
pub mod export;
pub mod failure;
mod files;
pub mod get;
pub mod host;
pub mod listing;
pub mod profile;
pub mod put;
pub mod session;
pub mod store;
pub mod wire;
