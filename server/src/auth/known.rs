//! Access tokens whose signatures were found right.
//!
//! A device calls with one token for ten minutes, and to check its signature costs more than all else
//! that a call costs which is refused. So it is checked once; what the token says, its end above all,
//! is looked at each time. One that was issued here is known from the start. A token is remembered
//! by its hash, for as long as there is room.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use offing_core::proto::Code;
use sha2::{Digest as _, Sha256};

/// Remembers tokens.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Generations>);

/// What was seen lately, and what was before that.
#[derive(Debug, Default)]
struct Generations {
    recent: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
}

impl KnownTokens {
    /// Says whether a token is known to be right.
    pub(super) fn has(&self, token: &str) -> bool {
        self.generations().has(hash_of(token))
    }

    /// Remembers a token that was issued here.
    pub(super) fn put(&self, token: &str) {
        self.generations().put(hash_of(token));
    }

    /// Lets `verify` check a token's signature, unless it is known to be right.
    pub(super) fn check(
        &self,
        token: &str,
        verify: impl FnOnce() -> Result<(), Code>,
    ) -> Result<(), Code> {
        let hash = hash_of(token);
        if self.generations().has(hash) {
            return Ok(());
        }
        verify()?;
        self.generations().put(hash);
        Ok(())
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn has(&mut self, hash: [u8; 32]) -> bool {
        if self.recent.contains(&hash) {
            return true;
        }
        let is_known = self.before.contains(&hash);
        if is_known {
            self.put(hash);
        }
        is_known
    }

    fn put(&mut self, hash: [u8; 32]) {
        if self.recent.len() >= RECENT_MAX {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(hash);
    }
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Most tokens of a generation: of as many devices that are at work in ten minutes.
const RECENT_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_checked_once_and_a_wrong_one_each_time() {
        let known = KnownTokens::default();
        for _ in 0..2 {
            assert_eq!(known.check("wrong", || Err(Code::SignedOut)), Err(Code::SignedOut));
        }
        assert!(!known.has("wrong") && !known.has("right"));
        assert_eq!(known.check("right", || Ok(())), Ok(()));
        assert!(known.has("right"));
        assert_eq!(known.check("right", || panic!("it is known")), Ok(()));
        assert_eq!(known.check("right.", || Err(Code::SignedOut)), Err(Code::SignedOut));
        known.put("issued");
        assert_eq!(known.check("issued", || panic!("it is known")), Ok(()));
    }

    #[test]
    fn who_calls_stays_known_and_who_does_not_makes_room() {
        let known = KnownTokens::default();
        let (calls, stopped) = ("calls", "stopped");
        for token in [calls, stopped] {
            known.put(token);
        }
        for number in 0..3 * RECENT_MAX {
            known.put(&number.to_string());
            known.check(calls, || panic!("it is known")).unwrap();
        }
        assert!(known.check(stopped, || Err(Code::SignedOut)).is_err());
        let generations = known.generations();
        assert!(generations.recent.len() <= RECENT_MAX && generations.before.len() <= RECENT_MAX);
    }
}
