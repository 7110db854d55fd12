//! What the engine answers.
//!
//! Each [`Command`](super::Command) names the one variant that answers it; everything that
//! can go wrong is a [`Fault`] beside it.

use serde::{Deserialize, Serialize};

use super::{
    ActionId, Crumb, DeviceRow, Fault, FolderView, Hit, Lacking, Moment, NodeView, OpenedText,
    Pending, Revision, RewindStep, Row, Session, SetAside, TransferId, Version,
};
use crate::id::NodeId;

/// What the engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Done; nothing to say.
    Done,
    /// Who is signed in on this device.
    Session(Session),
    /// What is stored on this device is open.
    Started {
        /// Who is signed in.
        session: Session,
        /// The node that was wanted, where somebody is.
        node: Option<Result<NodeView, Fault>>,
    },
    /// This is the account's recovery kit, shown once.
    Kit {
        /// 128 random bits as groups of letters and digits.
        code: String,
        /// The session that has begun.
        session: Session,
    },
    /// A view of a folder.
    Folder(FolderView),
    /// Rows of a view.
    Rows {
        /// The view's state these rows belong to.
        revision: u32,
        /// Index of the first row.
        start: u32,
        /// The rows.
        rows: Vec<Row>,
    },
    /// The index of a row, if one was found.
    Found(Option<u32>),
    /// A node and the path to it, opened if it is a folder.
    Node(NodeView),
    /// What a search found, best first; at most `WINDOW_ROWS_MAX`.
    Hits(Vec<Hit>),
    /// What a link or a key goes to, if there is such a thing.
    Linked(Option<NodeId>),
    /// A node was made.
    Created {
        /// The node.
        node: NodeId,
        /// Undoes it.
        action: ActionId,
    },
    /// Nodes were changed.
    Changed {
        /// Undoes it.
        action: ActionId,
        /// How many nodes.
        count: u32,
    },
    /// A text file, open.
    Text(OpenedText),
    /// How many of the pushed updates were taken: all, or none.
    TextAccepted {
        /// Taken updates.
        accepted: u32,
    },
    /// The uploads have begun.
    Uploading(Vec<TransferId>),
    /// These names exist; nothing has begun.
    Clashes(Vec<String>),
    /// A download, with its stream beside this message.
    Download {
        /// The file's name.
        name: String,
        /// Its size, where known before.
        size: Option<u64>,
    },
    /// The versions of a file, the one that is shown first.
    Versions {
        /// From the root to its parent.
        path: Vec<Crumb>,
        /// The versions.
        versions: Vec<Version>,
    },
    /// What a file is and was, newest first.
    Revisions(Vec<Revision>),
    /// When something below a folder was changed, newest first.
    Moments(Vec<Moment>),
    /// What makes a folder what it was.
    Rewinding {
        /// The first of it.
        steps: Vec<RewindStep>,
        /// How much it is.
        count: u32,
    },
    /// What waits to be saved on the server, oldest first.
    Queue(Vec<Pending>),
    /// What was set aside, oldest first, the first of it.
    SetAside {
        /// The entries.
        entries: Vec<SetAside>,
        /// How many they are.
        count: u32,
    },
    /// The account's devices, this one first.
    Devices(Vec<DeviceRow>),
    /// What a restored server lacks.
    Lacking(Lacking),
    /// The use of space, in bytes.
    Storage {
        /// Used on this device.
        device_used: u64,
        /// What the browser allows.
        device_quota: u64,
        /// Used on the server, if it was asked lately.
        server_used: Option<u64>,
        /// What the server allows.
        server_quota: Option<u64>,
        /// The browser promised not to evict.
        persisted: bool,
    },
}
