//! Items of a page, taken apart; nothing in them is verified but, ahead, their signatures.

use std::collections::BTreeMap;

use super::DeviceState;
use crate::crypto::hazmat::{Claim, Crypto};
use crate::crypto::{CryptoError, PublicKey};
use crate::id::{DeviceId, Hash};
use crate::limits;
use crate::log::entry::{self, Entry, EntryError, EntryKind, Header};
use crate::log::epoch::DeviceIntro;
use crate::ordered;
use crate::proto::{PageItem, WireError};

/// An item of a page, taken apart.
pub(super) struct Item {
    pub(super) header: Vec<u8>,
    /// The header decoded; `None` if it is none.
    pub(super) decoded: Option<Header>,
    pub(super) signature: [u8; 64],
    pub(super) body: Option<Vec<u8>>,
    pub(super) body_hash: Hash,
    /// The entry's hash.
    pub(super) hash: Hash,
    /// A key that the signature was tried under, and whether it is by that key.
    tried: Option<(PublicKey, bool)>,
}

impl Item {
    pub(super) fn new(item: &PageItem) -> Result<Self, EntryError> {
        let (header, signature, body, body_hash) = match item {
            PageItem::Full(wire) => {
                let entry = Entry::decode(wire)?;
                let body_hash = entry.body_hash();
                let Entry { header, signature, body } = entry;
                (header, signature, Some(body), body_hash)
            }
            PageItem::Bare { header, signature, body_hash } => {
                if header.len() > limits::ENTRY_BYTES_MAX {
                    return Err(WireError::TooLong { max: limits::ENTRY_BYTES_MAX }.into());
                }
                (header.clone(), *signature, None, *body_hash)
            }
        };
        let hash = entry::entry_hash(&header, &body_hash);
        let decoded = Header::decode(&header).ok();
        Ok(Self { header, decoded, signature, body, body_hash, hash, tried: None })
    }

    /// Says whether the entry is signed by this key.
    pub(super) async fn is_signed_by<C: Crypto>(
        &self,
        crypto: &C,
        public: &PublicKey,
    ) -> Result<bool, CryptoError> {
        match &self.tried {
            Some((tried, valid)) if tried == public => Ok(*valid),
            Some(_) | None => {
                crypto.verify(public, &entry::signed_bytes(&self.hash), &self.signature).await
            }
        }
    }

    fn claim(&self, public: PublicKey) -> Claim {
        let message = entry::signed_bytes(&self.hash);
        Claim { public, message, signature: self.signature }
    }
}

/// Tries the signatures of a page all at once, under the keys that their devices have now
/// or introduce themselves with: one after the other they take most of the time of a merge.
///
/// Nothing is decided here. Whoever examines an entry asks for the key that is certified
/// then, and another one was tried for nothing.
pub(super) async fn try_signatures<C: Crypto>(
    crypto: &C,
    devices: &BTreeMap<DeviceId, DeviceState>,
    items: &mut [Option<Item>],
) -> Result<(), CryptoError> {
    let mut keys: BTreeMap<DeviceId, PublicKey> =
        ordered::map(devices.iter().map(|(device, state)| (*device, state.public)));
    let mut claims = Vec::new();
    let mut claimed = Vec::new();
    for item in items.iter_mut().flatten() {
        let Some(header) = &item.decoded else {
            continue;
        };
        if let (EntryKind::Device, Some(body)) = (header.kind, &item.body)
            && let Ok(intro) = DeviceIntro::decode(body)
        {
            keys.entry(header.device).or_insert(intro.certificate.public);
        }
        if let Some(public) = keys.get(&header.device) {
            claims.push(item.claim(*public));
            claimed.push(item);
        }
    }
    let valid = crypto.verify_all(&claims).await?;
    for ((item, claim), valid) in claimed.into_iter().zip(&claims).zip(valid) {
        item.tried = Some((claim.public, valid));
    }
    Ok(())
}
