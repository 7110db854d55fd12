//! Rows, views and paths, as lists show them.
//!
//! A row is what a list needs to know of a node and nothing more; content comes by
//! commands of its own.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// Names one open folder view, so that several may be open.
pub type ViewId = u32;

/// A node that a page wants to show, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The node.
    pub node: NodeId,
    /// The order of rows, if it is a folder.
    pub sort: Sort,
    /// How many rows to send at once, if it is a folder.
    pub rows: u32,
}

/// A node, opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// The node.
    pub row: Row,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
    /// The list, if it is a folder.
    pub folder: Option<FolderView>,
}

/// A folder, opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderView {
    /// Names this view.
    pub view: ViewId,
    /// The folder.
    pub node: NodeId,
    /// From the root to the folder itself.
    pub path: Vec<Crumb>,
    /// The view's state; grows with every change.
    pub revision: u32,
    /// How many rows it has.
    pub total: u32,
    /// The first rows.
    pub rows: Vec<Row>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crumb {
    /// The folder.
    pub node: NodeId,
    /// Its name; empty for the root, which the client names.
    pub name: String,
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The node.
    pub node: NodeId,
    /// The name as shown.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes, for files.
    pub size: Option<u64>,
    /// Last change, milliseconds since 1970.
    pub modified_ms: i64,
    /// Where its latest state is.
    pub saved: Saved,
    /// Its content is on this device.
    pub local: bool,
    /// The person asked to keep it on this device.
    pub kept: bool,
    /// It has two versions (or more).
    pub two_versions: bool,
    /// When it was put in the trash, for rows of the trash.
    pub trashed_ms: Option<i64>,
}

/// A row found by a search, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The row.
    pub row: Row,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file that the editor opens and that merges.
    Text,
    /// Any other file.
    File,
}

/// Where a node's latest state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Saved {
    /// On this device only.
    Here,
    /// On its way.
    Syncing,
    /// On the server.
    Server,
}

/// The order of a list; folders come first in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The column.
    pub by: SortBy,
    /// Greatest first.
    pub descending: bool,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortBy {
    /// By name, numbers by value.
    Name,
    /// By size.
    Size,
    /// By the time of the last change.
    Modified,
}

/// An entry of the log that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its place.
    pub seq: u64,
    /// Why.
    pub why: WhySetAside,
}

/// Why an entry was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhySetAside {
    /// Nobody of the vault can have written it so.
    NotGenuine,
    /// This version cannot read it; a later one may.
    NotUnderstood,
}

/// Something that waits to be saved on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The node's name.
    pub name: String,
    /// The node.
    pub node: NodeId,
    /// Bytes of content still to send.
    pub bytes: u64,
}
