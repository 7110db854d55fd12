//! The state machine that decides when to pull, push and wait.

use crate::id::Seq;
use crate::rpc::{Status, SyncState};
use crate::sync::backoff::Backoff;

/// Milliseconds between pulls while the page is visible and nothing wakes it.
const POLL_INTERVAL_MS: u64 = 60_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The replica is open; `pending` entries wait in the outbox.
    Opened {
        /// Entries and uploads that are not on the server.
        pending: u32,
    },
    /// The number of entries and uploads that are not on the server changed.
    Pending {
        /// How many there are now.
        pending: u32,
    },
    /// Edits are in memory (`true`) or were all saved on this device (`false`).
    Unsaved(bool),
    /// Uploads are being read or sent, outside of the outbox (`true`), or none is.
    Moving(bool),
    /// Files that a person chose are not read to their end, in whichever tab (`true`), or
    /// none is: what is not read is not saved.
    Unread(bool),
    /// The server says that the log has grown to this place.
    Wake(Seq),
    /// Try now: the network returned, the page came to the front, a person asked.
    Nudge,
    /// The log was read and verified up to the server's tip.
    Pulled {
        /// The place reached.
        seq: Seq,
    },
    /// The outbox was offered to the server; what is left waits for the log to confirm it.
    Pushed,
    /// What waits was written anew, as another device's or in another epoch.
    Rewritten,
    /// A pull or push failed.
    Failed {
        /// Why.
        failure: Failure,
        /// Evenly distributed randomness for the delay.
        dice: u64,
    },
    /// The delay asked for by [`Effect::Wait`] is over.
    WaitOver,
}

/// Why a pull or push failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The server cannot be reached, or answers 500 or more.
    Unreachable,
    /// The server asks to wait.
    Busy {
        /// At least so long.
        retry_after_ms: u64,
    },
    /// The server takes no more: space is used up. Reading goes on.
    Refused,
    /// The server does not take some of what waits. What comes later may pass it.
    HeldUp,
    /// The session ended.
    SignedOut,
    /// The server's history contradicts what this replica verified. Nothing more is read.
    History,
    /// The server was restored from a backup. It takes nothing before a person decided, and
    /// is asked now and then whether somebody did.
    Restored,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Read and verify the log up to the tip.
    Pull,
    /// Offer the outbox to the server.
    Push,
    /// Send [`Event::WaitOver`] after so many milliseconds, instead of any earlier wait.
    Wait {
        /// The delay.
        delay_ms: u64,
    },
    /// Show this.
    Show(Status),
}

/// Whether the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Not asked yet.
    Unknown,
    /// It answered last time.
    Up,
    /// It did not, or wants a pause.
    Waiting,
}

/// Decides for one vault on one device; see the module above.
#[derive(Debug, Clone)]
pub struct Machine {
    pending: u32,
    unsaved: bool,
    seq: Seq,
    reach: Reach,
    offline: bool,
    signed_out: bool,
    halted: bool,
    full: bool,
    pull_wanted: bool,
    /// What waits is to be offered, if anything does.
    push_wanted: bool,
    busy: bool,
    moving: bool,
    unread: bool,
    /// The server named the time; nothing shortens it.
    told_to_wait: bool,
    backoff: Backoff,
    shown: Option<Status>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            pending: 0,
            unsaved: false,
            seq: 0,
            reach: Reach::Unknown,
            offline: false,
            signed_out: false,
            halted: false,
            full: false,
            pull_wanted: false,
            push_wanted: false,
            busy: false,
            moving: false,
            unread: false,
            told_to_wait: false,
            backoff: Backoff::default(),
            shown: None,
        }
    }
}

impl Machine {
    /// Takes an event and says what is to be done.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Opened { pending } => {
                self.pending = pending;
                self.pull_wanted = true;
                self.push_wanted = true;
            }
            Event::Pending { pending } => {
                self.push_wanted |= pending > self.pending;
                self.pending = pending;
            }
            Event::Unsaved(unsaved) => self.unsaved = unsaved,
            Event::Moving(moving) => self.moving = moving,
            Event::Unread(unread) => self.unread = unread,
            Event::Wake(seq) => {
                self.pull_wanted |= seq > self.seq;
                // Whoever wakes us is reachable: there is no reason to sit out a delay.
                self.try_now();
            }
            Event::Nudge => {
                self.pull_wanted = true;
                self.push_wanted = true;
                self.full = false;
                self.try_now();
            }
            Event::Pulled { seq } => {
                self.busy = false;
                self.seq = self.seq.max(seq);
                self.succeeded();
                effects.push(Effect::Wait { delay_ms: POLL_INTERVAL_MS });
            }
            Event::Pushed => {
                self.busy = false;
                self.pull_wanted = true;
                self.succeeded();
            }
            Event::Rewritten => {
                self.busy = false;
                self.full = false;
                self.pull_wanted = true;
                self.push_wanted = true;
                self.succeeded();
            }
            Event::Failed { failure, dice } => self.failed(failure, dice, &mut effects),
            Event::WaitOver => {
                self.told_to_wait = false;
                self.pull_wanted = true;
                self.push_wanted = true;
                self.try_now();
            }
        }
        self.start_work(&mut effects);
        self.show(&mut effects);
        effects
    }

    /// What the status says now.
    pub fn status(&self) -> Status {
        let state = if self.unsaved {
            SyncState::Saving
        } else if self.offline {
            SyncState::Offline
        } else if self.pending > 0 && (self.busy || self.moving) {
            SyncState::Syncing
        } else if self.unread {
            SyncState::Saving
        } else if self.pending > 0 || self.reach != Reach::Up {
            SyncState::SavedHere
        } else {
            SyncState::OnServer
        };
        Status { state, pending: self.pending }
    }

    /// Says whether nothing moves before a new sign-in.
    pub fn is_signed_out(&self) -> bool {
        self.signed_out
    }

    fn try_now(&mut self) {
        if self.reach == Reach::Waiting && !self.told_to_wait {
            self.reach = Reach::Unknown;
        }
    }

    fn succeeded(&mut self) {
        self.reach = Reach::Up;
        self.offline = false;
        self.backoff.reset();
    }

    fn failed(&mut self, failure: Failure, dice: u64, effects: &mut Vec<Effect>) {
        self.busy = false;
        match failure {
            Failure::Unreachable => {
                self.offline = true;
                self.wait(dice, None, effects);
            }
            Failure::Busy { retry_after_ms } => {
                self.told_to_wait = retry_after_ms > 0;
                self.wait(dice, Some(retry_after_ms), effects);
            }
            Failure::Refused => {
                // Pushing again changes nothing before a person acts; reading still works.
                self.full = true;
                self.push_wanted = false;
            }
            Failure::HeldUp => {
                // What passed it is in the log by now; the rest waits for a person.
                self.pull_wanted = true;
                self.push_wanted = false;
                self.succeeded();
            }
            Failure::SignedOut => {
                self.signed_out = true;
                self.reach = Reach::Unknown;
            }
            Failure::History => {
                // What the server holds is no longer known.
                self.halted = true;
                self.reach = Reach::Unknown;
            }
            Failure::Restored => {
                self.full = true;
                self.push_wanted = false;
                self.offline = false;
                self.reach = Reach::Waiting;
                effects.push(Effect::Wait { delay_ms: POLL_INTERVAL_MS });
            }
        }
    }

    fn wait(&mut self, dice: u64, at_least_ms: Option<u64>, effects: &mut Vec<Effect>) {
        self.reach = Reach::Waiting;
        let delay_ms = self.backoff.next_delay_ms(dice, at_least_ms);
        effects.push(Effect::Wait { delay_ms });
    }

    fn start_work(&mut self, effects: &mut Vec<Effect>) {
        if self.busy || self.signed_out || self.halted || self.reach == Reach::Waiting {
            return;
        }
        if self.push_wanted && !self.full && self.pending > 0 {
            self.push_wanted = false;
            self.busy = true;
            effects.push(Effect::Push);
        } else if self.pull_wanted {
            self.pull_wanted = false;
            self.busy = true;
            effects.push(Effect::Pull);
        }
    }

    fn show(&mut self, effects: &mut Vec<Effect>) {
        let status = self.status();
        if self.shown != Some(status) {
            self.shown = Some(status);
            effects.push(Effect::Show(status));
        }
    }
}

#[cfg(test)]
mod tests;
