//! Second factors in memory.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{AccountId, Hash};

use super::State;
use crate::store::factors::{FactorRead, FactorTx, Passkey, Totp};
use crate::store::meta::{MetaError, MetaResult};

/// What accounts are asked for beside a password.
#[derive(Clone, Default)]
pub(super) struct Factors {
    totp: BTreeMap<AccountId, Totp>,
    spare_codes: BTreeMap<AccountId, BTreeSet<Hash>>,
    passkeys: BTreeMap<(AccountId, Vec<u8>), Passkey>,
}

impl FactorRead for State {
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>> {
        Ok(self.factors.totp.get(account).cloned())
    }

    fn spare_code_count(&self, account: &AccountId) -> MetaResult<u64> {
        let codes = self.factors.spare_codes.get(account);
        Ok(codes.map_or(0, |codes| codes.len() as u64))
    }

    fn passkeys(&self, account: &AccountId) -> MetaResult<Vec<Passkey>> {
        let all = self.factors.passkeys.iter();
        let mut own: Vec<_> = all
            .filter(|((owner, _), _)| owner == account)
            .map(|(_, passkey)| passkey.clone())
            .collect();
        own.sort_by_key(|passkey| (passkey.made_ms, passkey.credential.clone()));
        Ok(own)
    }
}

impl FactorTx for State {
    fn put_totp(&mut self, account: &AccountId, totp: &Totp) -> MetaResult<()> {
        if !self.accounts.contains_key(account) {
            return Err(MetaError::Constraint);
        }
        self.factors.totp.insert(*account, totp.clone());
        Ok(())
    }

    fn remove_totp(&mut self, account: &AccountId) -> MetaResult<()> {
        self.factors.totp.remove(account);
        Ok(())
    }

    fn put_spare_codes(&mut self, account: &AccountId, hashes: &[Hash]) -> MetaResult<()> {
        if !self.accounts.contains_key(account) && !hashes.is_empty() {
            return Err(MetaError::Constraint);
        }
        self.factors.spare_codes.insert(*account, hashes.iter().copied().collect());
        Ok(())
    }

    fn use_spare_code(&mut self, account: &AccountId, hash: &Hash) -> MetaResult<bool> {
        let codes = self.factors.spare_codes.get_mut(account);
        Ok(codes.is_some_and(|codes| codes.remove(hash)))
    }

    fn add_passkey(&mut self, account: &AccountId, passkey: &Passkey) -> MetaResult<()> {
        let key = (*account, passkey.credential.clone());
        if !self.accounts.contains_key(account) || self.factors.passkeys.contains_key(&key) {
            return Err(MetaError::Constraint);
        }
        self.factors.passkeys.insert(key, passkey.clone());
        Ok(())
    }

    fn use_passkey(
        &mut self,
        account: &AccountId,
        credential: &[u8],
        count: u32,
        now_ms: i64,
    ) -> MetaResult<()> {
        let key = (*account, credential.to_vec());
        if let Some(passkey) = self.factors.passkeys.get_mut(&key) {
            (passkey.count, passkey.used_ms) = (count, now_ms);
        }
        Ok(())
    }

    fn remove_passkey(&mut self, account: &AccountId, credential: &[u8]) -> MetaResult<bool> {
        let key = (*account, credential.to_vec());
        Ok(self.factors.passkeys.remove(&key).is_some())
    }

    fn remove_passkeys(&mut self, account: &AccountId) -> MetaResult<()> {
        self.factors.passkeys.retain(|(owner, _), _| owner != account);
        Ok(())
    }
}
