//! Sign-ins in memory.

use offing_core::id::AccountId;

use super::State;
use crate::store::meta::{MetaError, MetaResult};
use crate::store::sign_ins::{SignIn, SignInId, SignInRead, SignInTx};

impl SignInRead for State {
    fn sign_in(&self, id: &SignInId) -> MetaResult<Option<SignIn>> {
        Ok(self.sign_ins.get(id).cloned())
    }

    fn sign_in_count(&self, account: &AccountId) -> MetaResult<u64> {
        Ok(self.sign_ins.values().filter(|sign_in| sign_in.account == *account).count() as u64)
    }
}

impl SignInTx for State {
    fn put_sign_in(&mut self, sign_in: &SignIn) -> MetaResult<()> {
        if !self.accounts.contains_key(&sign_in.account) {
            return Err(MetaError::Constraint);
        }
        self.sign_ins.insert(sign_in.id, sign_in.clone());
        Ok(())
    }

    fn remove_sign_ins_before(&mut self, proved_ms: i64) -> MetaResult<u64> {
        let before = self.sign_ins.len();
        self.sign_ins.retain(|_, sign_in| sign_in.proved_ms >= proved_ms);
        Ok((before - self.sign_ins.len()) as u64)
    }
}
