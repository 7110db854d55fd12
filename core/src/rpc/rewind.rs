//! A folder as it was: moments to choose from, and what going back to one would do.

use serde::{Deserialize, Serialize};

/// A stretch of time in which one device changed something below a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The first change, in milliseconds since 1970.
    pub from_ms: i64,
    /// The last one.
    pub until_ms: i64,
    /// The device.
    pub device_name: String,
    /// How many files and folders were changed.
    pub count: u32,
}

/// What becomes of a file or folder when the one that it is in is rewound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rewound {
    /// It comes out of the trash.
    Restored,
    /// It moves.
    Moved,
    /// It has another name again.
    Renamed,
    /// It has its content of then.
    Changed,
    /// It goes to the trash.
    Trashed,
}

/// One thing that a rewinding does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewindStep {
    /// What is done.
    pub what: Rewound,
    /// The name that the file or folder has now.
    pub name: String,
    /// Its name of then, where that is what changes.
    pub was: Option<String>,
}
