//! How much room the disk has on which something is kept.

use std::path::Path;

/// The room of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Its bytes.
    pub(crate) bytes: u64,
    /// Those that are free for who asks.
    pub(crate) free_bytes: u64,
}

impl Room {
    /// That of the disk with this folder; nothing where the system does not say.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(Self {
            bytes: found.f_blocks.saturating_mul(found.f_frsize),
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }
}
