//! Texts open in the editor, and files with more than one version.
//!
//! Edits travel as CodeMirror's change sets, whose positions are UTF-16; the engine checks
//! each against its text.

use serde::{Deserialize, Serialize};

use super::{Crumb, RevisionId};
use crate::id::NodeId;

/// A text file, open for editing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedText {
    /// The file.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
    /// The text.
    pub text: String,
    /// The version that `text` is, for `PushText`.
    pub version: u32,
    /// Why it cannot be edited, if so.
    pub read_only: Option<ReadOnly>,
}

/// Why a text cannot be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadOnly {
    /// It is larger than `TEXT_BYTES_MAX`.
    TooLarge,
    /// It is in the trash.
    Trashed,
}

/// Makes the updates that this device's other tabs brought, and the engine itself.
pub const CLIENT_TABS: &str = "tabs";
/// Makes the updates that other devices brought.
pub const CLIENT_OTHERS: &str = "others";

/// One edit in CodeMirror's collaboration protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextUpdate {
    /// Who made it: the page's own id, [`CLIENT_TABS`] or [`CLIENT_OTHERS`].
    pub client: String,
    /// `ChangeSet.toJSON()`, as JSON text; positions are UTF-16.
    pub changes: String,
}

/// One content of a file that has more than one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Names it.
    pub id: RevisionId,
    /// The device that wrote it.
    pub device_name: String,
    /// When, milliseconds since 1970.
    pub modified_ms: i64,
    /// Bytes.
    pub size: u64,
    /// It is text.
    pub text: bool,
    /// It is the one that the list shows.
    pub shown: bool,
}

/// How to settle two versions, of which one is kept as the file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// The other one becomes a file of its own.
    KeepBoth,
    /// The other one goes, to where the file's earlier contents are.
    KeepOne,
}
