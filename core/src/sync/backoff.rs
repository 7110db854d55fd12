//! How long to wait before the next try: exponential, with full jitter.

use crate::limits::{RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN};

/// Counts failures in a row and turns them into delays.
///
/// The delay is drawn evenly from zero to the ceiling ("full jitter"), so that devices
/// which lost one server do not come back to it in step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and returns the delay in milliseconds.
    ///
    /// `dice` is evenly distributed randomness; `at_least_ms` is what the server asked for.
    pub fn next_delay_ms(&mut self, dice: u64, at_least_ms: Option<u64>) -> u64 {
        let ceiling =
            RETRY_DELAY_MS_MIN.saturating_mul(1 << self.failures.min(20)).min(RETRY_DELAY_MS_MAX);
        self.failures = self.failures.saturating_add(1);
        // Never zero: a dead server must not be asked in a tight loop.
        let jittered = ceiling / 4 + dice % (ceiling - ceiling / 4 + 1);
        jittered.max(at_least_ms.unwrap_or(0)).min(RETRY_DELAY_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound_and_fall_back_after_success() {
        let mut backoff = Backoff::default();
        let highest: Vec<u64> =
            (0..12).map(|_| backoff.next_delay_ms(u64::MAX / 2, None)).collect();
        assert!(highest[0] <= RETRY_DELAY_MS_MIN);
        assert!(highest.iter().all(|delay| (1..=RETRY_DELAY_MS_MAX).contains(delay)));
        backoff.reset();
        assert!(backoff.next_delay_ms(7, None) <= RETRY_DELAY_MS_MIN);
    }

    #[test]
    fn a_delay_is_anything_from_a_quarter_of_its_ceiling_to_all_of_it() {
        let drawn = |failures: u32, dice| Backoff { failures }.next_delay_ms(dice, None);
        let bounded = [0, 1, 2, 8, 9, 40].map(|failures| (drawn(failures, 0), failures));
        let quarters = [(250, 0), (500, 1), (1_000, 2), (64_000, 8), (75_000, 9), (75_000, 40)];
        assert_eq!(bounded, quarters);
        assert_eq!([749, 750, 751].map(|dice| drawn(0, dice)), [999, 1_000, 250]);
        assert_eq!(drawn(40, 225_000), RETRY_DELAY_MS_MAX);
    }

    #[test]
    fn the_servers_wish_is_obeyed() {
        assert_eq!(Backoff::default().next_delay_ms(0, Some(30_000)), 30_000);
        assert_eq!(Backoff::default().next_delay_ms(0, Some(u64::MAX)), RETRY_DELAY_MS_MAX);
        assert_eq!(Backoff::default().next_delay_ms(700, Some(300)), 950);
    }
}
