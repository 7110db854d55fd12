//! Sessions that ended while their access tokens still live, so that signing out is at once, at every process.
//!
//! An end is a row, written with what ends the session, and held here in memory, where each call looks. Other processes
//! are told by the store when it is committed; who may have missed that, and who starts, reads the rows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use offing_core::id::{AccountId, DeviceId};
use offing_core::limits;

use super::{ServiceError, Services};
use crate::store::ends::End;
use crate::store::meta::{Durability, MetaResult, MetaTx, SessionId};

/// Remembers what ended in the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Ended(Mutex<HashMap<SessionId, i64>>);

impl Ended {
    /// Notes that sessions ended.
    pub(crate) fn note(&self, ends: &[End]) {
        let mut recent = self.recent();
        recent.extend(ends.iter().map(|end| (end.session, end.at_ms)));
    }

    /// Says whether a session has ended.
    pub(crate) fn covers(&self, session: &SessionId) -> bool {
        self.recent().contains_key(session)
    }

    fn forget_old(&self, now_ms: i64) {
        self.recent().retain(|_, at_ms| *at_ms >= interesting_since(now_ms));
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<SessionId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    /// Heeds which sessions ended lately, also at other processes.
    pub async fn heed_ended(&self, now_ms: i64) -> Result<(), ServiceError> {
        let since_ms = interesting_since(now_ms);
        let ends = self.meta.read(move |state| state.ends_since(since_ms)).await?;
        self.ended.note(&ends);
        self.ended.forget_old(now_ms);
        Ok(())
    }

    /// Waits until something that another process did may not have been heard.
    pub(crate) async fn missed(&self) {
        self.missed.notified().await;
    }

    /// The sessions of a device ended: it was taken off the account.
    pub async fn end_device(
        &self,
        account: AccountId,
        device: DeviceId,
        now_ms: i64,
    ) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let sessions = tx.sessions_of(&account)?.into_iter();
            let of_device = sessions.filter(|session| session.device == device);
            note(tx, of_device.map(|session| session.id), now_ms)
        };
        let ends = self.meta.write(Durability::Now, job).await?;
        self.ended.note(&ends);
        Ok(())
    }
}

/// Notes ends in the transaction that makes them, and forgets those that are of no interest any more.
pub(crate) fn note(
    tx: &mut dyn MetaTx,
    sessions: impl Iterator<Item = SessionId>,
    now_ms: i64,
) -> MetaResult<Vec<End>> {
    tx.remove_ends_before(interesting_since(now_ms))?;
    let ends: Vec<End> = sessions.map(|session| End { session, at_ms: now_ms }).collect();
    ends.iter().try_for_each(|end| tx.note_end(end))?;
    Ok(ends)
}

/// Whatever ended before has no token that lives.
fn interesting_since(now_ms: i64) -> i64 {
    let life_ms = limits::ACCESS_TOKEN_SECONDS.cast_signed() * 1_000;
    now_ms.saturating_sub(life_ms + CLOCKS_MS)
}

/// Milliseconds by which clocks of processes may differ.
const CLOCKS_MS: i64 = 5 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_known_for_as_long_as_a_token_lives() {
        let ended = Ended::default();
        let (session, other) = (SessionId([1; 16]), SessionId([2; 16]));
        let at_ms = 1_800_000_000_000;
        ended.note(&[End { session, at_ms }]);
        ended.forget_old(at_ms + limits::ACCESS_TOKEN_SECONDS.cast_signed() * 1_000);
        assert!(ended.covers(&session) && !ended.covers(&other));
        ended.forget_old(at_ms + 3_600_000);
        assert!(!ended.covers(&session));
    }
}
