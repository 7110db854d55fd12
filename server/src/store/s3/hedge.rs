//! When a question is asked a second time, by how long answers usually take.
//!
//! A store of many machines has one now and then that does not answer while the others do. Who has
//! waited longer than nineteen answers in twenty took asks again, and takes what comes first. The
//! time follows the answers, between two bounds. Second questions are a small share of all, so a
//! store that is slow as a whole is not asked twice as much. Only for what may be repeated.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Remembers how long answers take, and how many second questions are left.
#[derive(Debug)]
pub(super) struct Hedge {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    patience: Duration,
    /// In parts of a second question: each first one brings one.
    saved: u32,
    seconds: u64,
    firsts: u64,
}

impl Default for Hedge {
    fn default() -> Self {
        let state = State { patience: PATIENCE, saved: SAVED_MAX, seconds: 0, firsts: 0 };
        Self { state: Mutex::new(state) }
    }
}

impl Hedge {
    /// A question is asked; says how long to wait until it may be asked again.
    pub(super) fn first(&self) -> Duration {
        let mut state = self.state();
        state.saved = (state.saved + 1).min(SAVED_MAX);
        state.patience
    }

    /// Says whether to ask again, which then counts as done.
    pub(super) fn second(&self) -> bool {
        let mut state = self.state();
        let Some(left) = state.saved.checked_sub(SHARE) else { return false };
        state.saved = left;
        state.seconds += 1;
        true
    }

    /// The answer to a second question was first.
    pub(super) fn second_was_first(&self) {
        self.state().firsts += 1;
    }

    /// Second questions, and those of them whose answers were first.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.seconds, state.firsts)
    }

    /// An answer has come so long after the first question.
    pub(super) fn answered(&self, took: Duration) {
        let mut state = self.state();
        // Nineteen small steps down make up for one step up, so it stays where one answer in twenty
        // takes longer.
        let step = if took > state.patience { STEP_UP } else { STEP_DOWN };
        state.patience = state.patience.mul_f64(step).clamp(PATIENCE_MIN, PATIENCE_MAX);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Before there was any answer.
const PATIENCE: Duration = Duration::from_millis(250);
/// Below this it is the machine that is busy, not the store.
const PATIENCE_MIN: Duration = Duration::from_millis(50);
const PATIENCE_MAX: Duration = Duration::from_secs(2);
const STEP_UP: f64 = 1.1;
const STEP_DOWN: f64 = 0.995;
/// Of so many questions one may be a second one.
const SHARE: u32 = 20;
/// What can be saved up: ten of them.
const SAVED_MAX: u32 = 10 * SHARE;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn patience_follows_what_nineteen_answers_in_twenty_take() {
        let hedge = Hedge::default();
        for usual_ms in [100, 600, 100] {
            for number in 0..4_000 {
                hedge.answered(if number % 40 == 0 { ms(30_000) } else { ms(usual_ms) });
            }
            let patience = hedge.first();
            assert!(patience > ms(usual_ms * 9 / 10) && patience < ms(usual_ms * 3 / 2));
        }
    }

    #[test]
    fn patience_has_bounds() {
        let hedge = Hedge::default();
        for _ in 0..4_000 {
            hedge.answered(ms(1));
        }
        assert_eq!(hedge.first(), PATIENCE_MIN);
        for _ in 0..4_000 {
            hedge.answered(ms(60_000));
        }
        assert_eq!(hedge.first(), PATIENCE_MAX);
    }

    #[test]
    fn a_store_that_is_slow_as_a_whole_is_asked_one_in_twenty_twice() {
        let hedge = Hedge::default();
        let seconds = (0..2_000).filter(|_| {
            hedge.first();
            hedge.second()
        });
        // And what was saved up.
        assert_eq!(seconds.count(), 2_000 / 20 + 10 - 1);
    }
}
