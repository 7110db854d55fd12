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
                self.push_wanted = pending > 0;
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
                self.push_wanted = self.pending > 0;
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
                self.push_wanted = self.pending > 0;
                self.succeeded();
            }
            Event::Failed { failure, dice } => self.failed(failure, dice, &mut effects),
            Event::WaitOver => {
                self.told_to_wait = false;
                self.pull_wanted = true;
                self.push_wanted = self.pending > 0;
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
mod tests {
    use super::*;

    fn work(effects: &[Effect]) -> Vec<Effect> {
        let is_work = |e: &&Effect| matches!(e, Effect::Pull | Effect::Push);
        effects.iter().filter(is_work).copied().collect()
    }

    fn failed(failure: Failure) -> Event {
        Event::Failed { failure, dice: 3 }
    }

    #[test]
    fn an_edit_is_pushed_and_then_confirmed_by_a_pull() {
        let mut machine = Machine::default();
        assert_eq!(work(&machine.handle(Event::Opened { pending: 0 })), [Effect::Pull]);
        machine.handle(Event::Pulled { seq: 4 });
        assert_eq!(machine.status().state, SyncState::OnServer);
        assert_eq!(work(&machine.handle(Event::Pending { pending: 1 })), [Effect::Push]);
        assert_eq!(machine.status(), Status { state: SyncState::Syncing, pending: 1 });
        assert_eq!(work(&machine.handle(Event::Pushed)), [Effect::Pull]);
        assert_ne!(machine.status().state, SyncState::OnServer, "an acknowledgement is a hint");
        machine.handle(Event::Pending { pending: 0 });
        machine.handle(Event::Pulled { seq: 5 });
        assert_eq!(machine.status().state, SyncState::OnServer);
    }

    #[test]
    fn nothing_claims_to_be_on_the_server_before_the_server_answered() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        assert_eq!(machine.status().state, SyncState::SavedHere);
    }

    #[test]
    fn a_lost_server_is_offline_until_it_answers_again() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 2 });
        let effects = machine.handle(failed(Failure::Unreachable));
        assert!(effects.iter().any(|e| matches!(e, Effect::Wait { .. })));
        assert_eq!(work(&effects), []);
        assert_eq!(machine.status(), Status { state: SyncState::Offline, pending: 2 });
        assert_eq!(work(&machine.handle(Event::Pending { pending: 3 })), [], "no hammering");
        assert_eq!(work(&machine.handle(Event::WaitOver)), [Effect::Push]);
        assert_eq!(machine.status().state, SyncState::Offline, "trying is not reaching");
        machine.handle(Event::Pushed);
        assert_eq!(machine.status().state, SyncState::Syncing);
    }

    #[test]
    fn what_was_written_anew_is_offered_at_once() {
        let mut machine = Machine::default();
        assert_eq!(work(&machine.handle(Event::Opened { pending: 2 })), [Effect::Push]);
        assert_eq!(work(&machine.handle(Event::Rewritten)), [Effect::Push]);
        assert_eq!(work(&machine.handle(Event::Pushed)), [Effect::Pull]);
    }

    #[test]
    fn a_nudge_does_not_wait_for_the_delay() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(failed(Failure::Unreachable));
        assert_eq!(work(&machine.handle(Event::Nudge)), [Effect::Pull]);
    }

    #[test]
    fn a_delay_that_the_server_asked_for_is_sat_out() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(failed(Failure::Busy { retry_after_ms: 20_000 }));
        assert_eq!(work(&machine.handle(Event::Nudge)), []);
        assert_eq!(work(&machine.handle(Event::Wake(9))), []);
        assert_eq!(work(&machine.handle(Event::WaitOver)), [Effect::Pull]);
    }

    #[test]
    fn work_that_comes_while_busy_is_done_afterwards() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        assert_eq!(work(&machine.handle(Event::Pending { pending: 1 })), []);
        assert_eq!(work(&machine.handle(Event::Pulled { seq: 1 })), [Effect::Push]);
        assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), []);
        assert_eq!(work(&machine.handle(Event::Pushed)), [Effect::Push]);
    }

    #[test]
    fn a_full_account_still_reads() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 1 });
        let effects = machine.handle(failed(Failure::Refused));
        assert_eq!(work(&effects), [Effect::Pull]);
        machine.handle(Event::Pulled { seq: 1 });
        assert_eq!(machine.status(), Status { state: SyncState::SavedHere, pending: 1 });
    }

    #[test]
    fn what_comes_behind_something_held_up_is_still_offered() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 1 });
        assert_eq!(work(&machine.handle(failed(Failure::HeldUp))), [Effect::Pull]);
        assert_eq!(work(&machine.handle(Event::Pulled { seq: 1 })), [], "not over and over");
        assert_eq!(machine.status(), Status { state: SyncState::SavedHere, pending: 1 });
        assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), [Effect::Push]);
    }

    #[test]
    fn a_contradicted_history_stops_everything() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 1 });
        machine.handle(failed(Failure::History));
        assert_eq!(work(&machine.handle(Event::Nudge)), []);
        assert_eq!(machine.status().state, SyncState::SavedHere);
    }

    #[test]
    fn a_restored_server_is_asked_again_and_offered_nothing_until_it_goes_on() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(Event::Pulled { seq: 9 });
        machine.handle(Event::WaitOver);
        let effects = machine.handle(failed(Failure::Restored));
        assert!(effects.contains(&Effect::Wait { delay_ms: POLL_INTERVAL_MS }));
        assert_eq!(work(&effects), []);
        assert_eq!(machine.status().state, SyncState::SavedHere, "it may lack anything");
        assert_eq!(work(&machine.handle(Event::Pending { pending: 1 })), []);
        assert_eq!(work(&machine.handle(Event::WaitOver)), [Effect::Pull]);
        assert_eq!(work(&machine.handle(Event::Rewritten)), [Effect::Push]);
    }

    #[test]
    fn typing_is_not_called_saved() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(Event::Pulled { seq: 1 });
        machine.handle(Event::Unsaved(true));
        assert_eq!(machine.status().state, SyncState::Saving);
        machine.handle(Event::Unsaved(false));
        assert_eq!(machine.status().state, SyncState::OnServer);
    }

    #[test]
    fn a_file_that_is_still_being_read_is_not_called_saved() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(Event::Pulled { seq: 1 });
        machine.handle(Event::Moving(true));
        machine.handle(Event::Pending { pending: 1 });
        machine.handle(Event::Pushed);
        machine.handle(Event::Pulled { seq: 1 });
        assert_eq!(machine.status(), Status { state: SyncState::Syncing, pending: 1 });
        machine.handle(Event::Moving(false));
        assert_eq!(machine.status().state, SyncState::SavedHere);
    }

    #[test]
    fn a_file_that_is_not_read_on_is_neither_saved_here_nor_on_the_server() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 0 });
        machine.handle(Event::Pulled { seq: 1 });
        machine.handle(Event::Unread(true));
        assert_eq!(machine.status().state, SyncState::Saving, "another tab's");
        machine.handle(Event::Pending { pending: 1 });
        machine.handle(Event::Pushed);
        machine.handle(Event::Pulled { seq: 1 });
        assert_eq!(machine.status().state, SyncState::Saving, "its own, paused");
        machine.handle(Event::Unread(false));
        assert_eq!(machine.status().state, SyncState::SavedHere);
    }

    #[test]
    fn an_ended_session_moves_nothing_until_the_vault_is_opened_again() {
        let mut machine = Machine::default();
        machine.handle(Event::Opened { pending: 1 });
        machine.handle(failed(Failure::SignedOut));
        assert_eq!(work(&machine.handle(Event::Nudge)), []);
        let mut machine = Machine::default();
        assert_eq!(work(&machine.handle(Event::Opened { pending: 1 })), [Effect::Push]);
    }
}
