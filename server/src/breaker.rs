//! Whether it is worth asking another server (an edge's origin, S3), by how the last questions went.
//!
//! After a few failures one after another nobody asks for a while, so that callers hear at once
//! that it is away in place of waiting for it. Then one asks for all; each time that fails the
//! pause is longer, up to a bound. The time is an argument.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Remembers failures.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures since the last success.
    failed: u32,
    /// Until then nobody asks.
    until_ms: i64,
    /// One asks for all.
    is_tried: bool,
}

/// Leave to ask, until it is said how that went or this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<'b> {
    breaker: &'b Breaker,
    is_trial: bool,
}

impl Breaker {
    /// Says whether to ask now, or how long to wait.
    pub(crate) fn ask(&self, now_ms: i64) -> Result<Attempt<'_>, Duration> {
        let mut state = self.state();
        let is_trial = state.failed >= FAILURES_MAX;
        if is_trial {
            if now_ms < state.until_ms || state.is_tried {
                return Err(state.wait(now_ms));
            }
            state.is_tried = true;
        }
        Ok(Attempt { breaker: self, is_trial })
    }

    /// How long nobody asks, if it is away.
    pub(crate) fn wait(&self, now_ms: i64) -> Option<Duration> {
        let state = self.state();
        (state.failed >= FAILURES_MAX).then(|| state.wait(now_ms))
    }

    /// Says whether nobody asks at the moment.
    pub(crate) fn is_open(&self) -> bool {
        self.state().failed >= FAILURES_MAX
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&self, now_ms: i64) -> Duration {
        let left_ms = u64::try_from(self.until_ms - now_ms).unwrap_or_default();
        // Not longer than a pause, should the clock have been put back.
        Duration::from_millis(left_ms).clamp(PAUSE_MIN, PAUSE_MAX)
    }
}

impl Attempt<'_> {
    /// Says whether this one asks for all.
    pub(crate) fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// It answered, whatever it said.
    pub(crate) fn succeeded(self) {
        self.breaker.state().failed = 0;
    }

    /// It did not answer.
    pub(crate) fn failed(self, now_ms: i64) {
        let mut state = self.breaker.state();
        // Those that were under way when it went away are one failure, not many.
        if state.failed < FAILURES_MAX || self.is_trial {
            state.failed = state.failed.saturating_add(1);
            let doubled = state.failed.saturating_sub(FAILURES_MAX).min(10);
            let pause = (PAUSE_MIN * 2_u32.pow(doubled)).min(PAUSE_MAX);
            state.until_ms = now_ms + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state().is_tried = false;
        }
    }
}

const FAILURES_MAX: u32 = 3;
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(breaker: &Breaker, now_ms: i64) {
        breaker.ask(now_ms).unwrap().failed(now_ms);
    }

    #[test]
    fn a_few_failures_make_a_pause_that_grows_and_one_success_ends_it() {
        let breaker = Breaker::default();
        fails(&breaker, 0);
        fails(&breaker, 0);
        breaker.ask(0).unwrap().succeeded();
        for _ in 0..3 {
            fails(&breaker, 0);
        }
        assert!(breaker.is_open());
        let mut now_ms = 0;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let wait = breaker.ask(now_ms).unwrap_err();
            assert_eq!(wait, Duration::from_secs(seconds));
            now_ms += i64::try_from(wait.as_millis()).unwrap();
            assert!(breaker.ask(now_ms - 1).is_err());
            fails(&breaker, now_ms);
        }
        breaker.ask(now_ms + 30_000).unwrap().succeeded();
        assert!(!breaker.is_open());
        assert!(breaker.ask(now_ms).is_ok());
    }

    #[test]
    fn one_asks_for_all_and_who_leaves_without_an_answer_is_no_failure() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            fails(&breaker, 0);
        }
        let trial = breaker.ask(1_000).unwrap();
        assert!(breaker.ask(1_000).is_err());
        drop(trial);
        breaker.ask(1_000).unwrap().succeeded();
        assert!(breaker.ask(1_000).is_ok());
    }

    #[test]
    fn what_was_under_way_when_it_went_away_makes_the_pause_no_longer() {
        let breaker = Breaker::default();
        let under_way: Vec<_> = (0..40).map(|_| breaker.ask(0).unwrap()).collect();
        for attempt in under_way {
            attempt.failed(0);
        }
        assert_eq!(breaker.ask(0).unwrap_err(), Duration::from_secs(1));
    }
}
