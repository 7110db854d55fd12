//! Turns: how much is worked on at once, and whose call is next when that is not enough.
//!
//! A call takes its turn when its body is there, so nobody works on what a slow caller has not
//! sent yet, and gives it back with its answer. What finds none free waits for a short time; what
//! cannot wait is refused with a time to come back, if possible before its body is read. Who waits
//! and who is refused is decided in [`desk`].

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use offing_core::id::AccountId;
use tokio::sync::{Semaphore, oneshot};

use desk::{Asked, Bounds, Class, Desk, Place};

pub mod desk;

/// How long who is refused at the door waits for that answer.
const PAUSE: Duration = Duration::from_millis(250);
/// Most that wait for it; what comes beyond is refused at once.
const PAUSING_MAX: usize = 4_096;

/// Whose work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// An account's.
    Account(AccountId),
    /// Somebody's who has not said who it is.
    Address(IpAddr),
    /// The server's own.
    Server,
}

/// Reports that there is more work than can be done in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much to do")]
pub struct Overloaded {
    /// When to come again.
    pub wait: Duration,
}

/// Hands out turns; cloning shares them.
#[derive(Debug, Clone)]
pub struct Turns {
    shared: Arc<Shared>,
}

type Answer = oneshot::Sender<Result<Turn, Overloaded>>;

#[derive(Debug)]
struct Shared {
    desk: Mutex<Desk<Who, Answer>>,
    patience: Duration,
    start: Instant,
    shed: [AtomicU64; Class::ALL.len()],
    pausing: Semaphore,
}

/// Leave to work, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    turns: Turns,
    who: Who,
    begun_us: u64,
}

/// A place among those that wait, given up when this is dropped.
struct Waiting<'t> {
    turns: &'t Turns,
    who: Who,
    place: Place,
}

impl Turns {
    /// Hands out as many turns as `bounds` say.
    pub fn new(bounds: Bounds) -> Self {
        let (patience, desk) = (bounds.patience, Mutex::new(Desk::new(bounds)));
        let (start, pausing) = (Instant::now(), Semaphore::new(PAUSING_MAX));
        let shared = Shared { desk, patience, start, shed: Default::default(), pausing };
        Self { shared: Arc::new(shared) }
    }

    /// Says whether a call that comes now has a chance, before anything is done for it.
    pub fn admits(&self, who: Who, class: Class) -> Result<(), Overloaded> {
        let refused = self.desk().refuses(&who, class);
        refused.map_or(Ok(()), |wait| Err(self.shed(class, wait)))
    }

    /// Holds up a refusal for a moment: who asks again at once, whatever the answer says, would take
    /// from the others what it costs to refuse that.
    pub(crate) async fn pause(&self) {
        if let Ok(_pausing) = self.shared.pausing.try_acquire() {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for a turn, but not for long.
    #[tracing::instrument(name = "turn", level = "debug", skip_all)]
    pub async fn turn(&self, who: Who, class: Class) -> Result<Turn, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let asked = self.desk().ask(who, class, answer);
        let (place, pushed_out) = match asked {
            Asked::Begins => return Ok(self.begin(who)),
            Asked::Refused(wait) => return Err(self.shed(class, wait)),
            Asked::Waits { place, pushed_out } => (place, pushed_out),
        };
        let _waiting = Waiting { turns: self, who, place };
        if let Some((theirs, answer, wait)) = pushed_out {
            // Who left already does not want to know.
            let _ = answer.send(Err(self.shed(theirs, wait)));
        }
        match tokio::time::timeout(self.shared.patience, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(self.shed(class, self.desk().wait())),
        }
    }

    /// How many turns are taken and how many calls wait for one.
    pub fn under_way(&self) -> (u64, u64) {
        let desk = self.desk();
        (desk.running() as u64, desk.waiting() as u64)
    }

    /// How many calls of a class were refused since the start.
    pub(crate) fn refused(&self, class: Class) -> u64 {
        self.shared.shed[class as usize].load(Ordering::Relaxed)
    }

    fn begin(&self, who: Who) -> Turn {
        Turn { turns: self.clone(), who, begun_us: self.now_us() }
    }

    fn shed(&self, class: Class, wait: Duration) -> Overloaded {
        self.shared.shed[class as usize].fetch_add(1, Ordering::Relaxed);
        Overloaded { wait }
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Who, Answer>> {
        self.shared.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.shared.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = Duration::from_micros(self.turns.now_us().saturating_sub(self.begun_us));
        let next = self.turns.desk().end(&self.who, took);
        if let Some((who, answer)) = next {
            // One that nobody waits for any more comes back, and ends here in its turn.
            drop(answer.send(Ok(self.turns.begin(who))));
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turns.desk().leave(&self.who, self.place);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const ALICE: Who = Who::Account(AccountId([1; 16]));
    const BOB: Who = Who::Account(AccountId([2; 16]));

    fn turns(at_once: usize, waiting_max: usize, patience: Duration) -> Turns {
        Turns::new(Bounds { at_once, waiting_max, patience })
    }

    #[tokio::test]
    async fn a_turn_goes_from_hand_to_hand() {
        let turns = turns(1, 4, Duration::from_secs(3_600));
        let first = turns.turn(ALICE, Class::Prompt).await.unwrap();
        let mut second = Box::pin(turns.turn(BOB, Class::Bulk));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(turns.under_way(), (1, 1));
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(turns.under_way(), (1, 0));
        drop(second);
        assert_eq!(turns.under_way(), (0, 0));
    }

    #[tokio::test]
    async fn who_leaves_keeps_nobody_waiting() {
        let turns = turns(1, 4, Duration::from_secs(3_600));
        let first = turns.turn(ALICE, Class::Prompt).await.unwrap();
        let mut leaves = Box::pin(turns.turn(BOB, Class::Prompt));
        let mut granted = Box::pin(turns.turn(BOB, Class::Prompt));
        let mut last = Box::pin(turns.turn(ALICE, Class::Bulk));
        for waits in [&mut leaves, &mut granted, &mut last] {
            assert!(waits.now_or_never().is_none());
        }
        drop(leaves);
        drop(first);
        // It has its turn, and leaves before it knows.
        drop(granted);
        assert!(last.await.is_ok());
        assert_eq!(turns.under_way(), (0, 0));
    }

    #[tokio::test]
    async fn what_waits_too_long_or_is_pushed_out_hears_when_to_come_again() {
        let busy = turns(1, 1, Duration::ZERO);
        let _held = busy.turn(ALICE, Class::Prompt).await.unwrap();
        assert!(busy.turn(BOB, Class::Prompt).await.is_err());
        assert_eq!((busy.under_way(), busy.refused(Class::Prompt)), ((1, 0), 1));

        let turns = turns(1, 1, Duration::from_secs(3_600));
        let _held = turns.turn(ALICE, Class::Bulk).await.unwrap();
        let mut bulk = Box::pin(turns.turn(ALICE, Class::Bulk));
        assert!((&mut bulk).now_or_never().is_none());
        assert!(turns.admits(ALICE, Class::Bulk).is_err());
        assert!(turns.admits(BOB, Class::Prompt).is_ok());
        let mut prompt = Box::pin(turns.turn(BOB, Class::Prompt));
        assert!((&mut prompt).now_or_never().is_none());
        assert!(bulk.await.unwrap_err().wait >= Duration::from_secs(1));
        assert_eq!((turns.under_way(), turns.refused(Class::Bulk)), ((1, 1), 2));
    }

    #[tokio::test]
    async fn a_refusal_waits_a_moment_unless_very_many_do() {
        let turns = turns(1, 1, Duration::ZERO);
        assert!(turns.pause().now_or_never().is_none());
        let _others = turns.shared.pausing.try_acquire_many(PAUSING_MAX as u32).unwrap();
        assert!(turns.pause().now_or_never().is_some());
    }
}
