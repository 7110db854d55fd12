//! Access tokens that were found right, and what they say.
//!
//! A device calls with one token for ten minutes, and to check its signature costs more than all else
//! that a call costs which is refused; to take it apart costs more than to find it here. So each is done
//! once, and what changes, whether it has ended above all, is looked at each time. One that was issued here is
//! known from the start. A token is remembered by its hash, for as long as there is room.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::token::Claims;

/// Remembers tokens.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Generations>);

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) claims: Claims,
    /// When it ends, in seconds since 1970.
    pub(super) expires_s: i64,
}

/// What was seen lately, and what was before that.
#[derive(Debug, Default)]
struct Generations {
    recent: HashMap<[u8; 32], Said>,
    before: HashMap<[u8; 32], Said>,
}

impl KnownTokens {
    /// What a token says, if it is known to be right.
    pub(super) fn find(&self, token: &str) -> Option<Said> {
        self.generations().find(hash_of(token))
    }

    /// Remembers a token that is right.
    pub(super) fn put(&self, token: &str, said: Said) {
        self.generations().put(hash_of(token), said);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(&mut self, hash: [u8; 32]) -> Option<Said> {
        if let Some(said) = self.recent.get(&hash) {
            return Some(*said);
        }
        let said = *self.before.get(&hash)?;
        self.put(hash, said);
        Some(said)
    }

    fn put(&mut self, hash: [u8; 32], said: Said) {
        if self.recent.len() >= RECENT_MAX {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(hash, said);
    }
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Most tokens of a generation: of as many devices that are at work in ten minutes.
const RECENT_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use offing_core::id::{AccountId, DeviceId};

    use super::*;

    fn said(account: u8) -> Said {
        let (account, device) = (AccountId([account; 16]), DeviceId([2; 16]));
        Said {
            claims: Claims { account, device, session: [3; 16], issued_s: 1_000 },
            expires_s: 1_600,
        }
    }

    #[test]
    fn a_token_says_what_it_said_and_no_other_does() {
        let known = KnownTokens::default();
        assert_eq!(known.find("right"), None);
        known.put("right", said(1));
        known.put("other", said(2));
        assert_eq!((known.find("right"), known.find("other")), (Some(said(1)), Some(said(2))));
        assert_eq!(known.find("right."), None);
    }

    #[test]
    fn who_calls_stays_known_and_who_does_not_makes_room() {
        let known = KnownTokens::default();
        let (calls, stopped) = ("calls", "stopped");
        for token in [calls, stopped] {
            known.put(token, said(1));
        }
        for number in 0..3 * RECENT_MAX {
            known.put(&number.to_string(), said(2));
            assert_eq!(known.find(calls), Some(said(1)));
        }
        assert_eq!(known.find(stopped), None);
        let generations = known.generations();
        assert!(generations.recent.len() <= RECENT_MAX && generations.before.len() <= RECENT_MAX);
    }
}
