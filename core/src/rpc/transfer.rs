//! Uploads and downloads: what is asked, and the lines of the tray.
//!
//! Bytes of files never pass through these messages; the `File`s and streams travel beside
//! them.

use serde::{Deserialize, Serialize};

use super::Fault;

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadItem {
    /// Folders below the target, then the file's name.
    pub path: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// Last change, milliseconds since 1970.
    pub modified_ms: i64,
}

/// What to do with names that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clash {
    /// Answer `Clashes` and begin nothing.
    Ask,
    /// Keep both: the new one gets another name.
    KeepBoth,
    /// The upload becomes a new revision of the file that has the name.
    Replace,
    /// Leave those files out.
    Skip,
}

/// What to do with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferControl {
    /// Stop, keep what is done.
    Pause,
    /// Go on.
    Resume,
    /// Try again after a failure.
    Retry,
    /// Stop and forget.
    Cancel,
}

/// Names one transfer of the tray.
pub type TransferId = u64;

/// One line of the tray.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The transfer.
    pub id: TransferId,
    /// The file's name.
    pub name: String,
    /// The direction.
    pub upload: bool,
    /// Bytes in all.
    pub size: u64,
    /// Bytes done.
    pub done: u64,
    /// Where it stands.
    pub state: TransferState,
}

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferState {
    /// Waits for its turn.
    Waiting,
    /// Is being read and sealed.
    Reading,
    /// Is saved on this device and waits for the network.
    Here,
    /// Is being sent or received.
    Moving,
    /// Was paused by the person.
    Paused,
    /// Is on the server (or was downloaded).
    Done,
    /// Failed; `Retry` may help.
    Failed(Fault),
    /// Was cancelled.
    Cancelled,
}
