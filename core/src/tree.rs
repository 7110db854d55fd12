//! The tree of folders and files: a map of registers that merges without a server's help.
//!
//! An [`Op`] sets one field of one node. A [`NodeRow`] holds the ops of one node that still
//! count, so merging is a union and neither order nor repetition matters. Where a node is
//! *shown* (cycles, trash, collisions of names) is a pure function of the rows: replicas
//! that hold the same ops show the same tree.
//!
//! [`apply`] merges ops and keeps up what is shown, touching only what the ops concern;
//! [`resolve_all`] says the same from scratch and exists to be compared with. Nothing here
//! loads anything: what is missing comes back as [`Need`]s, and the caller tries again.
//!
//! Invariants: one root, no cycle, no orphan, no two siblings with one shown name, and
//! every node that was ever made is live, in the trash or in `Recovered`. How it merges is
//! told in `docs/sync.md`.

pub mod edit;
pub mod formerly;
pub mod listing;
pub mod memory;
mod merge;
mod op;
mod past;
mod resolve;
pub mod rewind;
mod row;
mod working_set;

pub use merge::{Changes, Missing, RejectReason, Rejected, apply, apply_in_view};
pub use op::{Content, Context, KnownOp, Labelled, NO_BASE, Op, OpId, TextEdit, Value};
pub use past::{PastOp, Was, of_row as past_of_row, replaced};
pub use resolve::{Shown, resolve_all};
pub use row::{NodeRow, PARENTS_KEPT, RowError, Stamped};
pub use working_set::{Need, TreeReader, WorkingSet};
