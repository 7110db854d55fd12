//! Sign-ins between their two calls: in memory, bounded, gone after two minutes.
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
}

impl<T> Attempts<T> {
    /// Creates a table for at most `attempts_max` attempts.
    pub(super) fn new(attempts_max: usize) -> Self {
        Self { open: Mutex::new(HashMap::new()), attempts_max }
    }

    /// Keeps an attempt.
    pub(super) fn put(&self, id: [u8; 16], attempt: T, now_ms: i64) {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if open.len() >= self.attempts_max {
            open.retain(|_, (at, _)| now_ms - *at < ATTEMPT_LIFE_MS);
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
        (now_ms - at < ATTEMPT_LIFE_MS).then_some(attempt)
    }
}

const ATTEMPT_LIFE_MS: i64 = 120_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_taken_once_and_in_time() {
        let attempts = Attempts::new(4);
        let start = 1_000;
        attempts.put([1; 16], "first", start);
        attempts.put([2; 16], "second", start);
        assert_eq!(attempts.take(&[1; 16], start), Some("first"));
        assert_eq!(attempts.take(&[1; 16], start), None);
        assert_eq!(attempts.take(&[2; 16], start + ATTEMPT_LIFE_MS), None);
    }

    #[test]
    fn a_full_table_drops_the_oldest() {
        let attempts = Attempts::new(2);
        let start = 1_000;
        for n in 0..3u8 {
            attempts.put([n; 16], n, start + i64::from(n));
        }
        assert_eq!(attempts.take(&[0; 16], start), None);
        assert_eq!(attempts.take(&[2; 16], start + 2), Some(2));
    }
}
