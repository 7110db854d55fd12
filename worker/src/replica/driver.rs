//! Carries out what the synchronisation machine decides.

use std::ops::ControlFlow;
use std::rc::Rc;

use offing_core::rpc::{Alarm, Event as PageEvent, Fault};
use offing_core::sync::machine::{Effect, Event, Failure};

use super::Replica;
use super::fault::from_store;
use super::pull::PullError;
use super::renew::Unseated;
use crate::host::{Host, Notice};
use crate::net::NetError;
use crate::push::{self, Ended, PushError, Step};
use crate::store::{Batch, Table};
use offing_core::proto::{AppendResult, Code};

/// How often a push goes on after something was refused that others may pass.
const PASS_ROUNDS_MAX: u32 = 4;
/// What is told while the account is closed, and how often at most it is looked at again.
const SHUT_OUT: Alarm = Alarm::ServerRefuses(Code::AccountClosed);
const SHUT_OUT_MS: u64 = 60_000;
/// What is written to see whether storage works again.
const PROBE_KEY: &[u8] = b"probe";

impl<H: Host> Replica<H> {
    /// Begins to synchronise.
    pub async fn start(self: &Rc<Self>) -> Result<(), Fault> {
        self.recover_texts().await?;
        self.take_up_uploads().await?;
        self.note_reading_elsewhere();
        self.check_reading_elsewhere().await;
        let pending = self.pending().await?;
        self.tell(Event::Opened { pending });
        Ok(())
    }

    /// Tells the machine what happened, and does what it asks for.
    pub fn tell(self: &Rc<Self>, event: Event) {
        if self.closed.get() {
            return;
        }
        if event == Event::Nudge {
            self.held_up.set(None);
        }
        if matches!(event, Event::Pulled { .. } | Event::Pushed) && self.shut_out.replace(false) {
            self.emit(PageEvent::AlarmOver(SHUT_OUT));
        }
        let effects = self.machine.borrow_mut().handle(event);
        let signed_out = self.machine.borrow().is_signed_out();
        if self.signed_out.replace(signed_out) != signed_out
            && let Some(call) = &*self.session_changed.borrow()
        {
            call();
        }
        for effect in effects {
            match effect {
                Effect::Show(status) => self.emit(PageEvent::Status(status)),
                Effect::Wait { delay_ms } => self.wait(delay_ms),
                Effect::Pull => {
                    let this = Rc::clone(self);
                    self.host.spawn(async move { this.pull_once().await });
                }
                Effect::Push => {
                    let this = Rc::clone(self);
                    self.host.spawn(async move { this.push_once().await });
                }
            }
        }
    }

    /// Counts what is not on the server, and tells the machine.
    pub(super) async fn count_pending(self: &Rc<Self>) -> Result<(), Fault> {
        let pending = self.pending().await?;
        self.tell(Event::Pending { pending });
        Ok(())
    }

    /// A later wait replaces an earlier one.
    fn wait(self: &Rc<Self>, delay_ms: u64) {
        let turn = self.waits.get() + 1;
        self.waits.set(turn);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            this.host.sleep(delay_ms).await;
            if this.waits.get() == turn {
                this.tell(Event::WaitOver);
            }
        });
    }

    async fn pull_once(self: Rc<Self>) {
        let guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let pulled = match self.pull().await {
            Ok(seq) => self.try_set_aside().await.map(|()| seq),
            Err(error) => Err(error),
        };
        let event = match pulled {
            Ok(seq) => {
                self.unseated_at.set(self.unseated_at.get().map(|(dseq, _)| (dseq, true)));
                // What fails now is tried with the next pull.
                self.offer_chunks().await.ok();
                match self.reseal().await {
                    Ok(rewritten) if self.goes_on() || rewritten => Event::Rewritten,
                    Ok(_) => {
                        self.snapshot_in_time(seq);
                        self.collect_in_time();
                        self.bury_in_time();
                        self.expire_in_time(seq);
                        self.countersign_in_time();
                        Event::Pulled { seq }
                    }
                    Err(fault) => self.failed(self.failure(&fault.into())),
                }
            }
            Err(PullError::Unseated(why)) => self.renewed(why).await,
            Err(PullError::Restored) => {
                self.is_restored();
                self.failed(Failure::Restored)
            }
            Err(error) => self.failed(self.failure(&error)),
        };
        drop(guard);
        // Of a tab that was killed since; what fails now is tried with the next pull.
        self.take_up_uploads().await.ok();
        let event = match (event, self.count_pending().await) {
            // What is not known to be on the server is not said to be.
            (Event::Pulled { .. }, Err(fault)) => self.failed(self.failure(&fault.into())),
            (event, _) => event,
        };
        if self.storage_failing.get() {
            // What can be written again says so.
            let mut batch = Batch::new();
            batch.put(Table::Meta, PROBE_KEY, []);
            self.write_strict(batch).await.ok();
        }
        // A tab that was killed while it read says nothing.
        self.check_reading_elsewhere().await;
        self.tell(event);
        self.keep_up();
    }

    async fn push_once(self: Rc<Self>) {
        let guard = self.host.lock(&push::lock_name(&self.vault)).await;
        let mut event = None;
        for _ in 0..PASS_ROUNDS_MAX {
            event = self.push_round().await;
            if event.is_some() {
                break;
            }
        }
        drop(guard);
        self.tell(event.unwrap_or_else(|| self.failed(Failure::HeldUp)));
    }

    /// Pushes what can go; `None` if an entry was refused that others may pass.
    async fn push_round(self: &Rc<Self>) -> Option<Event> {
        let (store, chunks, server) = (self.host.store(), self.host.chunks(), self.host.server());
        let mut observe = |step: &Step| {
            self.saw_step(step);
            if self.closed.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (pace, vault) = (&self.pace, self.vault);
        let report = match self.end_of_push().await {
            Ok(end) => {
                push::drain_before(end, vault, store, chunks, server, pace, &mut observe).await
            }
            Err(error) => Err(error),
        };
        Some(match report {
            Ok(report) => match report.ended {
                Ended::Drained | Ended::Stopped if self.held_up.get().is_some() => {
                    self.failed(Failure::HeldUp)
                }
                Ended::Drained | Ended::Stopped => Event::Pushed,
                Ended::Refused { dseq, result } => self.refused(dseq, &result),
                Ended::Held { dseq, code } => {
                    if self.held_up.replace(Some((dseq, code))).is_none() {
                        self.emit(PageEvent::Alarm(Alarm::ServerRefuses(code)));
                    }
                    return None;
                }
                Ended::ChunksLost { .. } => self.failed(Failure::Refused),
            },
            Err(PushError::Net(error)) if error.code() == Some(Code::WrongDevice) => {
                // Another copy of this profile shares the session, or this device is new.
                self.failed(match self.bind_session().await {
                    Ok(()) => Failure::Busy { retry_after_ms: 0 },
                    Err(error) => self.net_failure(&error),
                })
            }
            Err(PushError::Net(error)) => {
                let failure = self.net_failure(&error);
                if failure == Failure::Restored {
                    self.is_restored();
                }
                if let (Failure::Refused, Some(code)) = (failure, error.code()) {
                    self.emit(PageEvent::Alarm(Alarm::ServerRefuses(code)));
                }
                self.failed(failure)
            }
            Err(PushError::Store(error)) => {
                self.note(&from_store(&error));
                self.failed(Failure::Busy { retry_after_ms: 0 })
            }
        })
    }

    /// The counter at which a push ends: what the server refused is not offered over and
    /// over, and what came after it goes first.
    async fn end_of_push(self: &Rc<Self>) -> Result<u64, PushError> {
        let Some((refused, code)) = self.held_up.get() else {
            return Ok(u64::MAX);
        };
        if !self.is_lacking(refused).await? {
            // Somebody else may have brought it meanwhile.
            self.held_up.set(None);
            return Ok(u64::MAX);
        }
        let first = match self.let_pass(refused).await {
            Ok(first) => first.unwrap_or(refused),
            Err(fault) => {
                self.note(&fault);
                refused
            }
        };
        self.held_up.set(Some((first, code)));
        self.refuse_uploads(first, code);
        Ok(first)
    }

    /// Becomes another device, with all that waits here.
    async fn renewed(self: &Rc<Self>, why: Unseated) -> Event {
        match self.renew(why).await {
            Ok(()) => {
                self.unseated_at.set(None);
                Event::Rewritten
            }
            Err(error) => self.failed(self.failure(&error)),
        }
    }

    /// What to do when the server does not take an entry: it stays in the outbox, and the
    /// person hears why nothing moves.
    fn refused(&self, dseq: u64, result: &AppendResult) -> Event {
        let alarm = match result {
            AppendResult::Quota => Alarm::ServerRefuses(Code::QuotaExceeded),
            // A newer epoch is in the log: the pull that follows reads it.
            AppendResult::EpochStale => return Event::Pushed,
            // Whether that is so is for the verified log to say; the pull that follows asks it.
            AppendResult::DeviceFork | AppendResult::Revoked
                if self.unseated_at.get() != Some((dseq, true)) =>
            {
                self.unseated_at.set(Some((dseq, false)));
                return Event::Pushed;
            }
            AppendResult::Malformed
            | AppendResult::Missing { .. }
            | AppendResult::DeviceFork
            | AppendResult::Revoked
            | AppendResult::Skipped
            | AppendResult::Ok { .. }
            | AppendResult::Dup { .. } => Alarm::ServerRefuses(Code::BadRequest),
        };
        self.emit(PageEvent::Alarm(alarm));
        self.failed(Failure::Refused)
    }

    /// What a failed call means for synchronisation; remembers that this device was taken off.
    pub(super) fn net_failure(&self, error: &NetError) -> Failure {
        if error.code() == Some(Code::TakenOff) {
            self.taken_off.set(true);
        }
        if error.code() == Some(Code::AccountClosed) && !self.shut_out.replace(true) {
            self.emit(PageEvent::Alarm(SHUT_OUT));
        }
        failure_of(error)
    }

    fn failed(&self, failure: Failure) -> Event {
        Event::Failed { failure, dice: u64::from_be_bytes(self.host.random()) }
    }

    /// Tells the person where a fault says that this device's storage fails.
    pub fn note(&self, fault: &Fault) {
        if matches!(fault, Fault::Storage | Fault::StorageFull) {
            self.storage_fails();
        }
    }

    /// Tells the person, once, that what they make may not be kept here.
    pub(super) fn storage_fails(&self) {
        if !self.storage_failing.replace(true) {
            self.emit(PageEvent::Alarm(Alarm::StorageFailing));
        }
    }

    /// Takes that back: something that a person made is kept here.
    pub(super) fn storage_works(&self) {
        if self.storage_failing.replace(false) {
            self.emit(PageEvent::AlarmOver(Alarm::StorageFailing));
        }
    }

    /// Tells the other tabs and views what a change did.
    pub(super) async fn announce(
        self: &Rc<Self>,
        folders: Vec<offing_core::id::NodeId>,
        texts: Vec<offing_core::id::NodeId>,
    ) -> Result<(), Fault> {
        self.host.announce(&Notice::Changed { folders: folders.clone(), texts });
        self.host.announce(&Notice::Outbox);
        self.refresh_views(&folders).await
    }
}

/// What a failed call means for synchronisation.
pub(super) fn failure_of(error: &NetError) -> Failure {
    match error.code() {
        Some(Code::SignedOut | Code::TakenOff | Code::TokenExpired) => Failure::SignedOut,
        Some(Code::WrongDevice) => Failure::Busy { retry_after_ms: 0 },
        // It may be opened again, and nobody has to do anything here then.
        Some(Code::AccountClosed) => Failure::Busy { retry_after_ms: SHUT_OUT_MS },
        Some(Code::Recovering) => Failure::Restored,
        Some(Code::RateLimited | Code::Unavailable) => {
            Failure::Busy { retry_after_ms: error.retry_after_ms().unwrap_or(0) }
        }
        Some(_) => Failure::Refused,
        None if error.is_offline() => Failure::Unreachable,
        None => Failure::Busy { retry_after_ms: 0 },
    }
}
