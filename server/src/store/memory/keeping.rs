//! Lists of accounts and passes in memory.

use offing_core::id::Hash;

use super::State;
use crate::store::closed::ClosedRead as _;
use crate::store::factors::FactorRead as _;
use crate::store::keeping::{KeepingRead, KeepingTx, Listed, Pass};
use crate::store::meta::{MetaError, MetaResult};

impl KeepingRead for State {
    fn accounts_after(&self, username: &str, count_max: usize) -> MetaResult<Vec<Listed>> {
        let mut listed = Vec::new();
        for account in self.accounts.values() {
            if account.username.as_str() > username {
                listed.push(Listed {
                    username: account.username.clone(),
                    used_bytes: account.used_bytes,
                    quota_bytes: account.quota_bytes,
                    created_ms: account.created_ms,
                    is_closed: self.is_closed(&account.id)?,
                    second_factor: self.totp(&account.id)?.is_some()
                        || !self.passkeys(&account.id)?.is_empty(),
                });
            }
        }
        listed.sort_by(|one, other| one.username.cmp(&other.username));
        listed.truncate(count_max);
        Ok(listed)
    }

    fn pass(&self, token_hash: &Hash) -> MetaResult<Option<Pass>> {
        Ok(self.passes.get(token_hash).cloned())
    }
}

impl KeepingTx for State {
    fn add_pass(&mut self, pass: &Pass) -> MetaResult<()> {
        match self.passes.insert(pass.token_hash, pass.clone()) {
            None => Ok(()),
            Some(_) => Err(MetaError::Constraint),
        }
    }

    fn use_pass(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        if let Some(pass) = self.passes.get_mut(token_hash) {
            pass.used_ms = now_ms;
        }
        Ok(())
    }

    fn remove_pass(&mut self, token_hash: &Hash) -> MetaResult<()> {
        self.passes.remove(token_hash);
        Ok(())
    }

    fn remove_passes_before(&mut self, created_ms: i64) -> MetaResult<u64> {
        let before = self.passes.len();
        self.passes.retain(|_, pass| pass.created_ms >= created_ms);
        Ok((before - self.passes.len()) as u64)
    }
}
