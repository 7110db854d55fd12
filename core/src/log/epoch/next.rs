//! The record that ends an epoch and begins the next.

use super::{EpochRecord, Member, Wrap, commitment, seal_previous, wrap_secret};
use crate::crypto::hazmat::Crypto;
use crate::crypto::{CryptoError, RawKey};
use crate::id::{AccountId, DeviceId, VaultId};
use crate::log::chain::ChainPoint;
use crate::log::verify::LogState;

/// What a vault's next epoch starts from; secret and salts are fresh and random.
pub struct NextEpoch<'a, C: Crypto> {
    /// The vault.
    pub vault: VaultId,
    /// What its log says so far: members stay as they are.
    pub state: &'a LogState,
    /// The record of the epoch that ends.
    pub current: &'a EpochRecord,
    /// Who writes, and its master key.
    pub account: AccountId,
    /// The master key.
    pub master: &'a C::Secret,
    /// The tip that the entry's header has seen.
    pub tip: ChainPoint,
    /// The devices that write no more from here on.
    pub revoked: Vec<DeviceId>,
    /// The new epoch's secret.
    pub secret: RawKey,
    /// For the wrap and for the secret before.
    pub salts: [[u8; 32]; 2],
}

impl<C: Crypto> NextEpoch<'_, C> {
    /// Makes the record. `CannotOpen` where there are members whom this version cannot give
    /// the new secret: only one account's devices have been able to join so far.
    pub async fn record(self, crypto: &C) -> Result<EpochRecord, CryptoError> {
        let epoch = self.current.epoch + 1;
        let secret = crypto.import_secret(self.secret.as_bytes()).await?;
        let mut members = Vec::new();
        for (account, member) in self.state.members() {
            if *account != self.account {
                return Err(CryptoError::CannotOpen);
            }
            let wrap: Wrap =
                wrap_secret(crypto, self.master, (account, epoch), &self.salts[0], &self.secret)
                    .await?;
            let (role, identity) = (member.role, member.identity);
            members.push(Member { account: *account, role, identity, wrap });
        }
        let before = self.current.open_raw(crypto, &self.account, self.master).await?;
        let place = (&self.vault, epoch);
        Ok(EpochRecord {
            epoch,
            commit: commitment(crypto, &secret, epoch).await?,
            tip: self.tip,
            members,
            previous: seal_previous(crypto, &secret, place, &self.salts[1], &before).await?,
            certificates: Vec::new(),
            revoked: self.revoked,
        })
    }
}
