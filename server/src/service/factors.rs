//! Second factors: what is kept of them, and how often somebody may be wrong.
//!
//! A code has six digits, so wrong ones are counted with the account, whichever sign-in or process they come to:
//! from the sixth in a row on, each waits twice as long as the one before, up to an hour. Spare codes do not wait,
//! since nobody guesses them.

use std::time::Duration;

use offing_core::id::{AccountId, Hash};
use offing_core::proto::{Factors, PasskeyView};

use super::{ServiceError, Services};
use crate::store::factors::{Passkey, Totp};
use crate::store::meta::{Durability, MetaRead, MetaResult, MetaTx};

/// What became of a code of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was right, and will not be again.
    Right,
    /// It was wrong, or there is no app.
    Wrong,
    /// Too many were wrong; this one was not looked at.
    TooSoon {
        /// How long to wait.
        wait: Duration,
    },
}

/// What became of a new passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedPasskey {
    /// It is there; the account was given spare codes, or had some.
    Added(bool),
    /// It was there before.
    Known,
    /// The account has as many as it may have.
    TooMany,
}

/// Most passkeys of an account.
pub const PASSKEYS_MAX: usize = 10;

impl Services {
    /// What an account has beside its password.
    pub async fn factors(&self, account: AccountId) -> Result<Factors, ServiceError> {
        let view = |passkey: Passkey| PasskeyView {
            credential: passkey.credential.into(),
            name: passkey.name,
            made_ms: passkey.made_ms,
            used_ms: passkey.used_ms,
        };
        let job = move |state: &dyn MetaRead| {
            Ok(Factors {
                passkeys: state.passkeys(&account)?.into_iter().map(view).collect(),
                passkeys_work: false,
                totp_since_ms: state.totp(&account)?.map(|totp| totp.since_ms),
                spare_codes: state.spare_code_count(&account)?,
            })
        };
        Ok(self.meta.read(job).await?)
    }

    /// Says whether a sign-in with the password is asked for more.
    pub async fn wants_factor(&self, account: AccountId) -> Result<bool, ServiceError> {
        Ok(self.meta.read(move |state| has_factor(state, &account)).await?)
    }

    /// Gives an account an app, and these spare codes if it has none; says whether it had none.
    pub async fn set_totp(
        &self,
        account: AccountId,
        totp: Totp,
        spare: Vec<Hash>,
    ) -> Result<bool, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            tx.put_totp(&account, &totp)?;
            give_spare_codes(tx, &account, &spare)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Takes an account's app off.
    pub async fn remove_totp(&self, account: AccountId) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            tx.remove_totp(&account)?;
            forget_spare_codes(tx, &account)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Gives an account a passkey, and these spare codes if it has none; says whether it had none.
    pub async fn add_passkey(
        &self,
        account: AccountId,
        passkey: Passkey,
        spare: Vec<Hash>,
    ) -> Result<AddedPasskey, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let has = tx.passkeys(&account)?;
            if has.len() >= PASSKEYS_MAX {
                return Ok(AddedPasskey::TooMany);
            }
            if has.iter().any(|known| known.credential == passkey.credential) {
                return Ok(AddedPasskey::Known);
            }
            tx.add_passkey(&account, &passkey)?;
            give_spare_codes(tx, &account, &spare).map(AddedPasskey::Added)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Takes one passkey off, and says whether there was one.
    pub async fn remove_passkey(
        &self,
        account: AccountId,
        credential: Vec<u8>,
    ) -> Result<bool, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let was_there = tx.remove_passkey(&account, &credential)?;
            forget_spare_codes(tx, &account)?;
            Ok(was_there)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Tries what a passkey signed; `count_of` answers its count, if it is right. One whose count went back
    /// was copied, and is refused.
    pub async fn try_passkey(
        &self,
        account: AccountId,
        credential: Vec<u8>,
        now_ms: i64,
        count_of: impl FnOnce(&Passkey) -> Option<u32> + Send + 'static,
    ) -> Result<bool, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let all = tx.passkeys(&account)?;
            let Some(passkey) = all.into_iter().find(|known| known.credential == credential) else {
                return Ok(false);
            };
            let Some(count) = count_of(&passkey) else {
                return Ok(false);
            };
            // Many do not count and say 0 each time.
            if count <= passkey.count && (count, passkey.count) != (0, 0) {
                tracing::warn!(%account, "a passkey's count went back: it may have been copied");
                return Ok(false);
            }
            tx.use_passkey(&account, &credential, count, now_ms)?;
            Ok(true)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Gives an account new spare codes; one without a second factor has no use for any.
    pub async fn renew_spare_codes(
        &self,
        account: AccountId,
        spare: Vec<Hash>,
    ) -> Result<bool, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let has = has_factor(tx, &account)?;
            if has {
                tx.put_spare_codes(&account, &spare)?;
            }
            Ok(has)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Uses a spare code up, and says whether there was one.
    pub async fn use_spare_code(
        &self,
        account: AccountId,
        hash: Hash,
    ) -> Result<bool, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| tx.use_spare_code(&account, &hash);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Tries a code of an app; `step_of` says of which step it is, if it is right.
    pub async fn try_totp(
        &self,
        account: AccountId,
        now_ms: i64,
        step_of: impl FnOnce(&Totp) -> Option<i64> + Send + 'static,
    ) -> Result<Tried, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let Some(totp) = tx.totp(&account)? else {
                return Ok(Tried::Wrong);
            };
            let wait_ms = wait_ms(&totp, now_ms);
            if wait_ms > 0 {
                return Ok(Tried::TooSoon { wait: Duration::from_millis(wait_ms) });
            }
            let (tried, after) = match step_of(&totp) {
                Some(last_step) => (Tried::Right, Totp { last_step, wrong: 0, ..totp }),
                None => {
                    let wrong = totp.wrong.saturating_add(1);
                    (Tried::Wrong, Totp { wrong, wrong_ms: now_ms, ..totp })
                }
            };
            tx.put_totp(&account, &after)?;
            Ok(tried)
        };
        Ok(self.meta.write(Durability::Now, job).await?)
    }
}

/// Takes everything off that an account is asked for beside its password.
pub(crate) fn remove_factors(tx: &mut dyn MetaTx, account: &AccountId) -> MetaResult<()> {
    tx.remove_totp(account)?;
    tx.remove_passkeys(account)?;
    forget_spare_codes(tx, account)
}

fn has_factor(state: &(impl MetaRead + ?Sized), account: &AccountId) -> MetaResult<bool> {
    Ok(state.totp(account)?.is_some() || !state.passkeys(account)?.is_empty())
}

/// Gives an account these spare codes if it has none, and says whether it did.
fn give_spare_codes(tx: &mut dyn MetaTx, account: &AccountId, spare: &[Hash]) -> MetaResult<bool> {
    let gives = tx.spare_code_count(account)? == 0;
    if gives {
        tx.put_spare_codes(account, spare)?;
    }
    Ok(gives)
}

/// Spare codes stand for a second factor, and go with the last one.
fn forget_spare_codes(tx: &mut dyn MetaTx, account: &AccountId) -> MetaResult<()> {
    if has_factor(tx, account)? { Ok(()) } else { tx.put_spare_codes(account, &[]) }
}

fn wait_ms(totp: &Totp, now_ms: i64) -> u64 {
    let Some(over) = totp.wrong.checked_sub(WRONG_FREE) else {
        return 0;
    };
    let wait_ms = (WAIT_MS << over.min(WAIT_DOUBLINGS)).min(WAIT_MS_MAX);
    // A clock that was set back keeps nobody out for longer.
    (totp.wrong_ms.saturating_add(wait_ms) - now_ms).clamp(0, wait_ms).cast_unsigned()
}

/// Wrong codes in a row that need no waiting.
const WRONG_FREE: u32 = 5;
const WAIT_MS: i64 = 30_000;
const WAIT_DOUBLINGS: u32 = 7;
const WAIT_MS_MAX: i64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_wrong_waits_longer_each_time_and_an_hour_at_most() {
        let after = |wrong, passed_ms: i64| {
            let totp = Totp { seed: Vec::new(), since_ms: 0, last_step: 0, wrong, wrong_ms: 1_000 };
            wait_ms(&totp, 1_000 + passed_ms)
        };
        for wrong in 0..5 {
            assert_eq!(after(wrong, 0), 0);
        }
        assert_eq!((after(5, 0), after(5, 29_999), after(5, 30_000)), (30_000, 1, 0));
        assert_eq!((after(6, 0), after(7, 0)), (60_000, 120_000));
        assert_eq!((after(12, 0), after(u32::MAX, 0)), (3_600_000, 3_600_000));
        assert_eq!(after(5, -90_000), 30_000);
    }
}
