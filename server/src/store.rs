//! What the server keeps, and where: rows in a [`meta::MetaStore`], chunk bytes in a
//! [`blob::BlobStore`], and [`chunks::ChunkStore`], which keeps the two in step.
//!
//! Stores know identifiers and bytes, not the wire. Whatever backend is used must pass
//! the suite in `conformance`; there are SQLite and PostgreSQL, segment files and S3, and
//! memory for tests.

pub mod blob;
pub mod burial;
pub mod check;
pub mod chunks;
pub mod closed;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod ends;
pub mod factors;
pub mod fossil;
pub mod growth;
pub mod keeping;
pub mod memory;
pub mod meta;
pub mod note;
pub mod places;
pub mod postgres;
mod queue;
mod record;
pub mod s3;
pub mod segment;
pub mod sign_ins;
pub mod sqlite;
pub mod tables;
pub mod witness;
