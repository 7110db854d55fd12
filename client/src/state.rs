//! What the page decides, as plain Rust.
//!
//! Nothing here knows the browser or the view library: each module is a small model with
//! its own tests, and components only read it and feed it events.

pub mod alarms;
pub mod collab;
pub mod drop_tree;
pub mod keys;
pub mod markdown;
pub mod measure;
pub mod merged;
pub mod revisions;
pub mod route;
pub mod rows;
pub mod selection;
pub mod status;
pub mod transfers;
pub mod type_ahead;
pub mod window;
