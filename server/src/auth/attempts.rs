//! Sign-ins between their calls: in memory, bounded, gone after minutes.
//!
//! An attempt is taken out when it is finished, so it can be finished once. When the table
//! is full the oldest attempt goes: a flood can delay honest sign-ins, never grow memory.

use std::collections::HashMap;
use std::sync::Mutex;

/// Open sign-in attempts by their unguessable id.
#[derive(Debug)]
pub(super) struct Attempts<T> {
    open: Mutex<HashMap<[u8; 16], (i64, T)>>,
    attempts_max: usize,
    life_ms: i64,
}

impl<T> Attempts<T> {
    /// Creates a table for at most `attempts_max` attempts, each of which lives for so long.
    pub(super) fn new(attempts_max: usize, life_ms: i64) -> Self {
        Self { open: Mutex::new(HashMap::new()), attempts_max, life_ms }
    }

    /// Keeps an attempt.
    pub(super) fn put(&self, id: [u8; 16], attempt: T, now_ms: i64) {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if open.len() >= self.attempts_max {
            open.retain(|_, (at, _)| now_ms - *at < self.life_ms);
        }
        if open.len() >= self.attempts_max {
            let oldest = open.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                open.remove(&oldest);
            }
        }
        open.insert(id, (now_ms, attempt));
    }

    /// Takes an attempt out, unless it has expired or was taken before.
    pub(super) fn take(&self, id: &[u8; 16], now_ms: i64) -> Option<T> {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (at, attempt) = open.remove(id)?;
        (now_ms - at < self.life_ms).then_some(attempt)
    }

    /// Changes an attempt that is open and has not expired, or asks it something.
    pub(super) fn change<R>(
        &self,
        id: &[u8; 16],
        now_ms: i64,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (at, attempt) = open.get_mut(id)?;
        (now_ms - *at < self.life_ms).then(|| change(attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE_MS: i64 = 120_000;

    #[test]
    fn an_attempt_is_taken_once_and_in_time() {
        let attempts = Attempts::new(4, LIFE_MS);
        let start = 1_000;
        attempts.put([1; 16], "first", start);
        attempts.put([2; 16], "second", start);
        assert_eq!(attempts.take(&[1; 16], start), Some("first"));
        assert_eq!(attempts.take(&[1; 16], start), None);
        assert_eq!(
            attempts.change(&[2; 16], start, |it| std::mem::replace(it, "changed")),
            Some("second")
        );
        assert_eq!(attempts.change(&[2; 16], start + LIFE_MS, |it| *it), None);
        assert_eq!(attempts.change(&[3; 16], start, |it| *it), None);
        assert_eq!(attempts.take(&[2; 16], start + LIFE_MS), None);
    }

    #[test]
    fn a_full_table_drops_the_oldest() {
        let attempts = Attempts::new(2, LIFE_MS);
        let start = 1_000;
        for n in 0..3u8 {
            attempts.put([n; 16], n, start + i64::from(n));
        }
        assert_eq!(attempts.take(&[0; 16], start), None);
        assert_eq!(attempts.take(&[2; 16], start + 2), Some(2));
    }
}
