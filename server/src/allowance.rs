//! How much of something there may be in a second: as much at once, and no more after it. What is
//! over it is dropped by who asks; nothing waits here.

use std::time::Duration;

use tokio::time::Instant;

/// So many in a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    per_second: u32,
    left: f64,
    at: Instant,
}

impl Allowance {
    /// Allows so many in each second.
    pub(crate) fn per_second(per_second: u32, now: Instant) -> Self {
        Self { per_second, left: f64::from(per_second), at: now }
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(self.per_second);
        let waited = now.saturating_duration_since(self.at).min(Duration::from_secs(1));
        self.left = (self.left + waited.as_secs_f64() * most).min(most);
        self.at = now;
        let is_left = self.left >= 1.0;
        self.left -= if is_left { 1.0 } else { 0.0 };
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_is_there_at_once_and_comes_again_within_a_second() {
        let start = Instant::now();
        let mut allowance = Allowance::per_second(4, start);
        let mut taken = |after_ms| {
            let now = start + Duration::from_millis(after_ms);
            (0..20).filter(|_| allowance.take(now)).count()
        };
        assert_eq!([taken(0), taken(100), taken(500), taken(60_000)], [4, 0, 2, 4]);
    }
}
