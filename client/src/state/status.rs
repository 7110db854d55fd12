//! What the status pill says.
//!
//! The engine says the truth as [`Status`]; this picks the words' key and the look. The
//! words themselves are in `i18n`.

use offing_core::rpc::{Status, SyncState};

/// What the pill says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pill {
    /// Edits are about to be saved on this device.
    Saving,
    /// Saved on this device.
    SavedHere,
    /// So many changes are on their way.
    Syncing(u32),
    /// Everything is on the server.
    OnServer,
    /// The server cannot be reached; so many changes wait.
    Offline(u32),
}

/// Picks what the pill says.
pub fn pill(status: Status) -> Pill {
    match status.state {
        SyncState::Saving => Pill::Saving,
        SyncState::SavedHere => Pill::SavedHere,
        SyncState::Syncing => Pill::Syncing(status.pending.max(1)),
        // Never claim more than is true, whatever order the news comes in.
        SyncState::OnServer if status.pending > 0 => Pill::SavedHere,
        SyncState::OnServer => Pill::OnServer,
        SyncState::Offline => Pill::Offline(status.pending),
    }
}

/// Says whether changes wait while nothing moves: if the tab closed now, they would go on
/// waiting for it.
pub fn waits(status: Status) -> bool {
    status.pending > 0 && matches!(status.state, SyncState::SavedHere | SyncState::Offline)
}

impl Pill {
    /// The word that styles the pill.
    pub fn look(self) -> &'static str {
        match self {
            Self::Saving => "saving",
            Self::SavedHere => "here",
            Self::Syncing(_) => "syncing",
            Self::OnServer => "server",
            Self::Offline(_) => "offline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pill_never_says_on_server_while_something_waits() {
        let status = Status { state: SyncState::OnServer, pending: 2 };
        assert_eq!(pill(status), Pill::SavedHere);
        assert_eq!(pill(Status { pending: 0, ..status }), Pill::OnServer);
    }

    #[test]
    fn syncing_counts_at_least_one() {
        let status = Status { state: SyncState::Syncing, pending: 0 };
        assert_eq!(pill(status), Pill::Syncing(1));
    }

    #[test]
    fn only_what_lies_still_waits() {
        let check =
            |state, pending, expected| assert_eq!(waits(Status { state, pending }), expected);
        check(SyncState::Offline, 1, true);
        check(SyncState::SavedHere, 1, true);
        check(SyncState::Syncing, 1, false);
        check(SyncState::Offline, 0, false);
    }
}
