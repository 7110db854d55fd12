//! What the engine says of its own accord.
//!
//! Events tell what changed; a page that missed one reads the state again by a command and
//! is as wise.

use serde::{Deserialize, Serialize};

use super::{Crumb, Session, TextUpdate, Transfer, ViewId};
use crate::id::NodeId;
use crate::proto::Code;

/// What the engine says of its own accord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The session began or ended elsewhere (another tab, the server).
    Session(Session),
    /// What is saved where.
    Status(Status),
    /// A view has other rows now; the page reads its window again.
    ViewChanged {
        /// The view.
        view: ViewId,
        /// Its state; grows.
        revision: u32,
        /// How many rows it has.
        total: u32,
        /// The path, which may have changed too.
        path: Vec<Crumb>,
    },
    /// Edits of an open text from elsewhere.
    TextUpdates {
        /// The file.
        node: NodeId,
        /// The version before the first of them.
        version: u32,
        /// The edits, oldest first.
        updates: Vec<TextUpdate>,
        /// The other devices they came from.
        from: Vec<String>,
        /// How many edits of other devices they hold.
        edits: u32,
    },
    /// An open text was given new content elsewhere. What was typed into the old one and
    /// not seen there is a version of its own.
    TextReplaced {
        /// The file.
        node: NodeId,
        /// The device that gave it the new content.
        by: String,
        /// The editor has the new content now, by `TextUpdates`. If not, it cannot be shown
        /// here, and what is typed goes into the old one.
        shown: bool,
    },
    /// All edits handed over up to `version` are saved on this device.
    TextSaved {
        /// The file.
        node: NodeId,
        /// The version.
        version: u32,
    },
    /// Something that was deleted came back, since somebody had changed what whoever
    /// deleted it had not seen.
    CameBack {
        /// Its name.
        name: String,
        /// The device that had changed it.
        by: String,
        /// It is in `Recovered`: the folder it was in is deleted.
        recovered: bool,
        /// How many others came back with it.
        more: u32,
    },
    /// The tray's state: the transfers that changed.
    Transfers(Vec<Transfer>),
    /// Something a person must know, such as an integrity alarm.
    Alarm(Alarm),
    /// What an alarm said is so no longer.
    AlarmOver(Alarm),
}

/// What is saved where, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: SyncState,
    /// How many changes wait to be saved on the server.
    pub pending: u32,
}

/// The state of synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncState {
    /// Edits are in memory, or files not read to their end: not all is saved on this device.
    Saving,
    /// All is saved on this device, something waits, and nothing is moving.
    SavedHere,
    /// Something is moving.
    Syncing,
    /// Everything is on the server, as far as this device knows.
    OnServer,
    /// The server cannot be reached; local work goes on.
    Offline,
}

/// Something a person must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// The server's history contradicts what this device saw; nothing more is taken from it.
    HistoryChanged {
        /// The place in the log.
        seq: u64,
    },
    /// An entry was refused and set aside.
    EntryRefused {
        /// The place in the log.
        seq: u64,
    },
    /// An edit of a text names what its text does not have; it was left out.
    EditRefused {
        /// The file's name.
        name: String,
    },
    /// The browser's storage fails; what is not synced may be exported.
    StorageFailing,
    /// The server takes no more from this device, and says why; it is all kept here.
    ServerRefuses(Code),
    /// Another copy of this browser profile wrote as the same device, so this one became a
    /// device of its own; nothing was lost by it.
    DeviceCopied,
    /// The server was restored from a backup and lacks what came after it; a person decides
    /// when it goes on.
    ServerRestored,
    /// The server was restored from a backup and went on without what this device has seen;
    /// nothing more is taken from it.
    LeftBehind {
        /// The last place that this device has verified.
        seq: u64,
    },
}
