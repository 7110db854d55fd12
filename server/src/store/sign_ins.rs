//! Sign-ins whose secret is proved: those that wait for a second factor, and those that were used and are not to be
//! used again. How long that is of interest is the callers' business. Who reads these rows goes on with none of them.

use offing_core::id::{AccountId, Hash};

use super::meta::MetaResult;

/// Names a sign-in; random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignInId(pub [u8; 16]);

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The sign-in.
    pub id: SignInId,
    /// Whose it is.
    pub account: AccountId,
    /// SHA-256 of the message that proved the secret, and of the device.
    pub said: Hash,
    /// When it was proved.
    pub proved_ms: i64,
    /// How often it was answered.
    pub answers: u32,
    /// What is to become of it.
    pub stage: Stage,
}

/// What is to become of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for its second factor.
    Waits,
    /// The answer was right: it goes on.
    Answered,
    /// A session began by it.
    Used,
}

impl Stage {
    /// The number that rows have.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Waits => 0,
            Self::Answered => 1,
            Self::Used => 2,
        }
    }

    /// The stage of a row's number.
    pub(super) fn of(number: i64) -> Option<Self> {
        [Self::Waits, Self::Answered, Self::Used].into_iter().find(|it| it.number() == number)
    }
}

/// Reads one consistent state.
pub trait SignInRead {
    /// The sign-in.
    fn sign_in(&self, id: &SignInId) -> MetaResult<Option<SignIn>>;
    /// How many there are of an account.
    fn sign_in_count(&self, account: &AccountId) -> MetaResult<u64>;
}

/// Changes one state.
pub trait SignInTx {
    /// Adds or replaces a sign-in.
    fn put_sign_in(&mut self, sign_in: &SignIn) -> MetaResult<()>;
    /// Forgets those that were proved before a time, and says how many.
    fn remove_sign_ins_before(&mut self, proved_ms: i64) -> MetaResult<u64>;
}
