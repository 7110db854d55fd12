//! Closed accounts in memory.

use offing_core::id::AccountId;

use super::State;
use crate::store::closed::{ClosedRead, ClosedTx};
use crate::store::meta::{MetaError, MetaResult};

impl ClosedRead for State {
    fn closed(&self) -> MetaResult<Vec<AccountId>> {
        Ok(self.closed.keys().copied().collect())
    }

    fn is_closed(&self, id: &AccountId) -> MetaResult<bool> {
        Ok(self.closed.contains_key(id))
    }
}

impl ClosedTx for State {
    fn close_account(&mut self, id: &AccountId, now_ms: i64) -> MetaResult<()> {
        if !self.accounts.contains_key(id) {
            return Err(MetaError::Constraint);
        }
        self.closed.entry(*id).or_insert(now_ms);
        Ok(())
    }

    fn open_account(&mut self, id: &AccountId) -> MetaResult<()> {
        self.closed.remove(id);
        Ok(())
    }
}
