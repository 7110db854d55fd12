//! Sessions that ended while their access tokens still live, so that signing out is at once.
//!
//! Kept in memory for the life of a token. Another process, or a restart, forgets them: there
//! an access token of an ended session works until it expires, ten minutes at most.

use std::collections::HashMap;
use std::sync::Mutex;

use offing_core::id::{AccountId, DeviceId};
use offing_core::limits;

use super::token::Claims;
use crate::store::meta::SessionId;

/// Remembers what ended in the last minutes.
#[derive(Debug, Default)]
pub(super) struct Ended {
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    sessions: HashMap<SessionId, i64>,
    accounts: HashMap<AccountId, (i64, SessionId)>,
    devices: HashMap<(AccountId, DeviceId), i64>,
}

impl Ended {
    /// Notes that a session ended.
    pub(super) fn session(&self, session: SessionId, now_ms: i64) {
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.forget_old(now_ms);
        recent.sessions.insert(session, now_ms);
    }

    /// Notes that every session of an account ended but one.
    pub(super) fn others(&self, account: AccountId, keep: SessionId, now_ms: i64) {
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.forget_old(now_ms);
        recent.accounts.insert(account, (now_ms, keep));
    }

    /// Notes that every session of a device ended.
    pub(super) fn device(&self, account: AccountId, device: DeviceId, now_ms: i64) {
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.forget_old(now_ms);
        recent.devices.insert((account, device), now_ms);
    }

    /// Says whether the session of a token has ended.
    pub(super) fn covers(&self, claims: &Claims) -> bool {
        let recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let session = SessionId(claims.session);
        recent.sessions.contains_key(&session)
            || recent.accounts.get(&claims.account).is_some_and(|(at_ms, keep)| {
                session != *keep && claims.issued_s < at_ms.div_euclid(1_000)
            })
            || recent
                .devices
                .get(&(claims.account, claims.device))
                .is_some_and(|at_ms| claims.issued_s <= at_ms.div_euclid(1_000))
    }
}

impl Recent {
    fn forget_old(&mut self, now_ms: i64) {
        let life_ms = limits::ACCESS_TOKEN_SECONDS.cast_signed() * 1_000;
        self.sessions.retain(|_, at_ms| now_ms - *at_ms <= life_ms);
        self.accounts.retain(|_, (at_ms, _)| now_ms - *at_ms <= life_ms);
        self.devices.retain(|_, at_ms| now_ms - *at_ms <= life_ms);
    }
}
