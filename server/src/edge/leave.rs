//! Who may read a vault, for a short time, by what the origin has answered.
//!
//! An access token says nothing to an edge, which has no key to check it with and no table of
//! vaults. When the origin has let a token read a chunk of a vault, that is remembered by a hash
//! of both. Nothing that is here can be used as a token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use offing_core::id::VaultId;
use sha2::{Digest as _, Sha256};

/// A token and a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Leave([u8; 32]);

impl Leave {
    /// What these headers ask leave with; nothing without a token.
    pub(super) fn of(headers: &HeaderMap, vault: &VaultId) -> Option<Self> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (first, None) = (all.next()?, all.next()) else {
            return None;
        };
        let hash = Sha256::new().chain_update(vault.0).chain_update(first.as_bytes());
        Some(Self(hash.finalize().into()))
    }

    /// Its name among rates.
    pub(super) fn key(&self) -> String {
        hex::encode(self.0)
    }
}

/// The leaves that were given.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    until_ms: Mutex<HashMap<Leave, i64>>,
}

impl Leaves {
    /// Remembers that the origin has said yes.
    pub(super) fn grant(&self, leave: Leave, now_ms: i64) {
        let mut all = self.until_ms.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= LEAVES_MAX {
            all.retain(|_, until_ms| now_ms < *until_ms);
        }
        // Who is not remembered is asked for each time.
        if all.len() < LEAVES_MAX || all.contains_key(&leave) {
            all.insert(leave, now_ms + LEAVE_MS);
        }
    }

    /// Forgets it, since the origin has said no.
    pub(super) fn revoke(&self, leave: &Leave) {
        self.until_ms.lock().unwrap_or_else(PoisonError::into_inner).remove(leave);
    }

    /// Says whether the origin has said yes a short time ago.
    pub(super) fn granted(&self, leave: &Leave, now_ms: i64) -> bool {
        let all = self.until_ms.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was put back must not make a minute longer.
        all.get(leave).is_some_and(|until| (*until - LEAVE_MS..*until).contains(&now_ms))
    }
}

/// How long a device that was taken off, or an account that was closed, may read on.
const LEAVE_MS: i64 = 60_000;
const LEAVES_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn leave(token: &'static str, vault: u8) -> Leave {
        let token = (header::AUTHORIZATION, HeaderValue::from_static(token));
        Leave::of(&HeaderMap::from_iter([token]), &VaultId([vault; 32])).unwrap()
    }

    #[test]
    fn a_leave_is_for_one_token_and_one_vault_and_for_a_minute() {
        let leaves = Leaves::default();
        let (mine, other_vault) = (leave("Bearer a", 1), leave("Bearer a", 2));
        leaves.grant(mine, 1_000);
        assert!(leaves.granted(&mine, 1_000) && leaves.granted(&mine, 60_999));
        assert!(!leaves.granted(&mine, 61_000) && !leaves.granted(&mine, 999));
        assert!(!leaves.granted(&other_vault, 1_000));
        assert!(!leaves.granted(&leave("Bearer b", 1), 1_000));
        leaves.revoke(&mine);
        assert!(!leaves.granted(&mine, 1_000));
    }

    #[test]
    fn two_tokens_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(Leave::of(&headers, &VaultId([1; 32])), None);
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        assert!(Leave::of(&headers, &VaultId([1; 32])).is_some());
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert_eq!(Leave::of(&headers, &VaultId([1; 32])), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let leaves = Leaves::default();
        let numbered = |n: usize| Leave(Sha256::digest(n.to_be_bytes()).into());
        for n in 0..=LEAVES_MAX {
            leaves.grant(numbered(n), 0);
        }
        assert!(leaves.granted(&numbered(0), 1) && !leaves.granted(&numbered(LEAVES_MAX), 1));
        leaves.grant(numbered(LEAVES_MAX), LEAVE_MS);
        assert!(leaves.granted(&numbered(LEAVES_MAX), LEAVE_MS));
        assert_eq!(leaves.until_ms.lock().unwrap().len(), 1);
    }
}
