//! Why a command failed.
//!
//! Faults are codes with fields; people's words for them are in the client.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::proto::Code;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    /// The server refused.
    Server(Code),
    /// The server cannot be reached, and this needs it.
    Offline,
    /// Nobody is signed in.
    SignedOut,
    /// The recovery code was typed wrong.
    CodeMismatch,
    /// The password is too short, or too long.
    PasswordUnfit,
    /// A name is empty, too long or holds what no system allows.
    NameUnfit {
        /// The name.
        name: String,
        /// Why.
        reason: NameReason,
    },
    /// The node is gone.
    NodeUnknown,
    /// A folder cannot go into itself or below itself.
    MoveIntoItself,
    /// This folder cannot be changed.
    Builtin,
    /// The content is not on this device and the server cannot be reached.
    NotHere {
        /// The file's name.
        name: String,
    },
    /// Files of a ZIP cannot be had now: not here and the server away, or lost by it.
    Incomplete {
        /// Their paths in it, the first of them.
        paths: Vec<String>,
        /// How many they are.
        count: u32,
    },
    /// So much is deleted for good, which nobody can take back.
    ForGood {
        /// What is named.
        nodes: Vec<NodeId>,
        /// How many nodes that are, with all that is below them.
        count: u32,
        /// The size of the files among them.
        bytes: u64,
    },
    /// A file changed or vanished while it was read.
    FileVanished {
        /// The file's name.
        name: String,
    },
    /// The browser's storage is full.
    StorageFull,
    /// The browser's storage failed.
    Storage,
    /// A secret does not open what it should: wrong account, or tampering.
    CannotOpen,
    /// Chunk or entry is not what its id says.
    Corrupt {
        /// The file's name, if known.
        name: String,
    },
    /// Work would be lost.
    Unsynced {
        /// How many changes.
        pending: u32,
    },
    /// More at once than `limits` allow.
    TooMany,
    /// The view, text or transfer is not open.
    NotOpen,
    /// The browser lacks something, such as a secure context.
    Unsupported,
    /// A fault of the engine; the console has the cause.
    Internal,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameReason {
    /// It is empty.
    Empty,
    /// It is `.` or `..`.
    Dots,
    /// It has more than `NAME_BYTES_MAX` bytes.
    TooLong,
    /// It holds `/` or a control character.
    Character,
}
