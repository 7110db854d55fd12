//! What the machine does and what it tells.

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
    assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), [], "it is still full");
    assert_eq!(work(&machine.handle(Event::Nudge)), [Effect::Push], "a person made room");
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
    assert!(!machine.is_signed_out());
    machine.handle(failed(Failure::SignedOut));
    assert!(machine.is_signed_out());
    assert_eq!(work(&machine.handle(Event::Nudge)), []);
    let mut machine = Machine::default();
    assert_eq!(work(&machine.handle(Event::Opened { pending: 1 })), [Effect::Push]);
}

#[test]
fn a_wake_up_for_what_is_known_already_moves_nothing() {
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    machine.handle(Event::Pulled { seq: 4 });
    assert_eq!(work(&machine.handle(Event::Wake(3))), []);
    assert_eq!(work(&machine.handle(Event::Wake(4))), []);
    assert_eq!(work(&machine.handle(Event::Wake(5))), [Effect::Pull]);
    machine.handle(Event::Pulled { seq: 4 });
    machine.handle(Event::Pulled { seq: 3 });
    assert_eq!(work(&machine.handle(Event::Wake(4))), [], "it was read");
}

#[test]
fn only_an_outbox_that_grew_is_offered() {
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    machine.handle(Event::Pulled { seq: 1 });
    assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), [Effect::Push]);
    machine.handle(Event::Pushed);
    machine.handle(Event::Pulled { seq: 1 });
    assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), []);
    assert_eq!(work(&machine.handle(Event::Pending { pending: 1 })), []);
    assert_eq!(work(&machine.handle(Event::Pending { pending: 2 })), [Effect::Push]);
}

#[test]
fn what_another_tab_has_emptied_meanwhile_is_not_offered() {
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    machine.handle(Event::Pending { pending: 1 });
    machine.handle(Event::Pending { pending: 0 });
    assert_eq!(work(&machine.handle(Event::Pulled { seq: 1 })), []);
    assert_eq!(work(&machine.handle(Event::Nudge)), [Effect::Pull]);
}

#[test]
fn reading_is_not_told_and_the_same_is_told_once() {
    let mut machine = Machine::default();
    let show = |state| Effect::Show(Status { state, pending: 0 });
    let opened = machine.handle(Event::Opened { pending: 0 });
    assert_eq!(opened, [Effect::Pull, show(SyncState::SavedHere)]);
    let pulled = machine.handle(Event::Pulled { seq: 1 });
    assert_eq!(pulled[1..], [show(SyncState::OnServer)]);
    assert_eq!(machine.handle(Event::Nudge), [Effect::Pull]);
    assert_eq!(machine.status().state, SyncState::OnServer);
}

#[test]
fn chunks_that_move_ahead_of_their_entry_are_syncing() {
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    machine.handle(Event::Pulled { seq: 1 });
    machine.handle(Event::Moving(true));
    assert_eq!(machine.status().state, SyncState::OnServer, "of nothing that is saved");
    machine.handle(Event::Pending { pending: 1 });
    machine.handle(failed(Failure::Busy { retry_after_ms: 0 }));
    assert_eq!(machine.status().state, SyncState::Syncing);
    machine.handle(Event::Moving(false));
    assert_eq!(machine.status().state, SyncState::SavedHere);
}

#[test]
fn a_server_that_is_busy_without_saying_until_when_is_asked_again_by_a_nudge() {
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    machine.handle(failed(Failure::Busy { retry_after_ms: 0 }));
    assert_eq!(work(&machine.handle(Event::Nudge)), [Effect::Pull]);
    machine.handle(failed(Failure::Busy { retry_after_ms: 1 }));
    assert_eq!(work(&machine.handle(Event::Nudge)), []);
    assert_eq!(work(&machine.handle(Event::WaitOver)), [Effect::Pull]);
}

#[test]
fn delays_begin_anew_once_the_server_answers() {
    let delay = |machine: &mut Machine| {
        let effects = machine.handle(Event::Failed { failure: Failure::Unreachable, dice: 0 });
        let wait = |effect: &Effect| match effect {
            Effect::Wait { delay_ms } => Some(*delay_ms),
            Effect::Pull | Effect::Push | Effect::Show(_) => None,
        };
        effects.iter().find_map(wait).unwrap()
    };
    let mut machine = Machine::default();
    machine.handle(Event::Opened { pending: 0 });
    let first = delay(&mut machine);
    machine.handle(Event::WaitOver);
    assert!(delay(&mut machine) > first);
    machine.handle(Event::WaitOver);
    machine.handle(Event::Pulled { seq: 1 });
    machine.handle(Event::Nudge);
    assert_eq!(delay(&mut machine), first);
}
