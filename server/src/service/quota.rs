//! How much an account may store, and have.
//!
//! Sealed chunks and entries count, once each, against the account that owns the vault.
//! The stores add and take; the rule whether something still fits is here alone.

use offing_core::id::AccountId;

use super::{ServiceError, Services};
use crate::store::meta::Durability;

/// How many of what takes few bytes an account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Most vaults.
    pub vaults: u32,
    /// Most devices with a session.
    pub devices: u32,
}

impl Default for Counts {
    fn default() -> Self {
        Self { vaults: 64, devices: 256 }
    }
}

/// Says whether `more` bytes still fit within a limit, if there is one.
pub(crate) fn fits(quota_bytes: Option<u64>, used_bytes: u64, more: u64) -> bool {
    quota_bytes.is_none_or(|quota| used_bytes.saturating_add(more) <= quota)
}

impl Services {
    /// Sets or lifts an account's limit. What is stored stays, even above a new limit.
    pub async fn limit_account(
        &self,
        account: AccountId,
        quota_bytes: Option<u64>,
    ) -> Result<(), ServiceError> {
        let job =
            move |tx: &mut dyn crate::store::meta::MetaTx| tx.limit_account(&account, quota_bytes);
        Ok(self.meta.write(Durability::Now, job).await?)
    }
}
