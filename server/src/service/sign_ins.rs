//! Sign-ins whose secret is proved, which any process goes on with: each starts one session, and one that is asked for
//! a second factor waits for it so long.
//!
//! What waits need not survive a power cut: it is begun anew then. That one was used is kept with the session.

use offing_core::id::{AccountId, Hash};

use super::{ServiceError, Services};
use crate::store::meta::{Durability, MetaResult, MetaTx};
use crate::store::sign_ins::{SignIn, SignInId, Stage};

/// Milliseconds for which a sign-in waits for its second factor.
pub const WAITING_MS: i64 = 5 * 60 * 1_000;
/// Answers of one sign-in; then it has to begin anew.
pub const ANSWERS_MAX: u32 = 5;

/// A sign-in that has proved its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The sign-in.
    pub id: SignInId,
    /// Whose it is.
    pub account: AccountId,
    /// SHA-256 of the message that proved it, and of the device.
    pub said: Hash,
}

/// Says whether a sign-in has waited too long.
pub fn is_over(sign_in: &SignIn, now_ms: i64) -> bool {
    sign_in.stage == Stage::Used || now_ms - sign_in.proved_ms >= WAITING_MS
}

impl Services {
    /// A sign-in whose secret is proved.
    pub async fn sign_in(&self, id: SignInId) -> Result<Option<SignIn>, ServiceError> {
        Ok(self.meta.read(move |state| state.sign_in(&id)).await?)
    }

    /// Lets a sign-in wait for its second factor.
    pub async fn wait_for_factor(&self, proof: Proof, now_ms: i64) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            if tx.sign_in(&proof.id)?.is_some() {
                return Ok(Err(ServiceError::SignInOver));
            }
            add(tx, &proof, Stage::Waits, now_ms)
        };
        self.meta.write(Durability::Later, job).await?
    }

    /// Counts an answer to a sign-in that waits, and says whose it is; after too many it is over.
    pub async fn count_answer(&self, id: SignInId, now_ms: i64) -> Result<AccountId, ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let Some(mut sign_in) = waiting(tx, &id, now_ms)? else {
                return Ok(None);
            };
            sign_in.answers = sign_in.answers.saturating_add(1);
            let is_one_too_many = sign_in.answers > ANSWERS_MAX;
            if is_one_too_many {
                sign_in.stage = Stage::Used;
            }
            tx.put_sign_in(&sign_in)?;
            Ok((!is_one_too_many).then_some(sign_in.account))
        };
        self.meta.write(Durability::Later, job).await?.ok_or(ServiceError::SignInOver)
    }

    /// Lets a sign-in go on whose answer was right.
    pub async fn answered(&self, id: SignInId, now_ms: i64) -> Result<(), ServiceError> {
        let job = move |tx: &mut dyn MetaTx| {
            let Some(mut sign_in) = waiting(tx, &id, now_ms)? else {
                return Ok(None);
            };
            sign_in.stage = Stage::Answered;
            tx.put_sign_in(&sign_in).map(Some)
        };
        self.meta.write(Durability::Later, job).await?.ok_or(ServiceError::SignInOver)
    }
}

/// Uses a sign-in up, unless it was used or waits still.
pub(super) fn use_up(
    tx: &mut dyn MetaTx,
    proof: &Proof,
    now_ms: i64,
) -> MetaResult<Result<(), ServiceError>> {
    match tx.sign_in(&proof.id)? {
        None => add(tx, proof, Stage::Used, now_ms),
        Some(found) if found.stage == Stage::Answered && found.said == proof.said => {
            tx.put_sign_in(&SignIn { stage: Stage::Used, ..found }).map(Ok)
        }
        Some(_) => Ok(Err(ServiceError::SignInOver)),
    }
}

/// Notes a sign-in, and forgets those that are of no interest any more.
fn add(
    tx: &mut dyn MetaTx,
    proof: &Proof,
    stage: Stage,
    now_ms: i64,
) -> MetaResult<Result<(), ServiceError>> {
    tx.remove_sign_ins_before(now_ms.saturating_sub(KEPT_MS))?;
    let Proof { id, account, said } = *proof;
    if tx.sign_in_count(&account)? >= SIGN_INS_MAX {
        return Ok(Err(ServiceError::TooManySignIns));
    }
    tx.put_sign_in(&SignIn { id, account, said, proved_ms: now_ms, answers: 0, stage }).map(Ok)
}

/// The sign-in, if it waits or was answered.
fn waiting(tx: &dyn MetaTx, id: &SignInId, now_ms: i64) -> MetaResult<Option<SignIn>> {
    Ok(tx.sign_in(id)?.filter(|sign_in| !is_over(sign_in, now_ms)))
}

/// Milliseconds for which a sign-in is known. Longer than one waits, and than its last message is taken
/// (`auth::attempt`), also by a process whose clock is some minutes behind.
const KEPT_MS: i64 = 10 * 60 * 1_000;
/// Most sign-ins of an account within that time. Only who knows its secret comes to any.
const SIGN_INS_MAX: u64 = 1_024;
