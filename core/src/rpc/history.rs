//! What a file was before: its revisions, and the points in the history of its text.
//!
//! A state is named by the content that it begins with and by where in the history of the
//! text document that began with it. Such a name means the same on every device; to the
//! page it is opaque.

use serde::{Deserialize, Serialize};

use crate::id::Hash;

/// Names a state that a file has or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RevisionId {
    /// The content that it is, or that its text document began with.
    pub base: Hash,
    /// Where in the document's history.
    pub at: At,
}

/// A place in the history of a text document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum At {
    /// Before anything was typed: the content as it was given to the file.
    Start,
    /// After this change, and all that came before it.
    Change(Hash),
    /// With all that was typed so far.
    Now,
}

/// A state that a file has or had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Names it.
    pub id: RevisionId,
    /// The device that made it.
    pub device_name: String,
    /// When, by that device's clock, in milliseconds since 1970.
    pub time_ms: i64,
    /// Bytes, where it was given as a whole.
    pub size: Option<u64>,
    /// It is text.
    pub text: bool,
    /// It is what the file is now.
    pub current: bool,
}
