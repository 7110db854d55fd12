//! SEAL: the one envelope of everything small.
//!
//! ```text
//! blob   = "of" | suite u8 | type u8 | epoch be32 | salt[32] | commit[32] | ct | tag[16]
//! info   = "of/seal" | first 8 bytes | lp(scope)
//! key    = HKDF-SHA-384(secret, salt, info | "/key")
//! commit = HKDF-SHA-384(secret, salt, info | "/commit")[0..32]
//! aad    = first 8 bytes | salt | commit | lp(scope) | lp(bind)
//! plain  = be32 length | bytes | zeros, by Padmé
//! ```
//!
//! The key is used once, so the nonce is all zero; `salt` must therefore be fresh. The
//! commitment makes each blob open under one key only and is compared first, in constant
//! time. `docs/format.md`, "SEAL".

use sha2::{Digest, Sha256};

use super::hazmat::Crypto;
use super::padding::padded_bytes;
use super::{CryptoError, MAGIC, SUITE};
use crate::limits;
use crate::proto::put_lp;

/// Bytes of a blob around its padded plaintext.
pub const SEAL_OVERHEAD_BYTES: usize = 8 + 32 + 32 + 16;

const NONCE: [u8; 12] = [0; 12];

/// What a blob holds; part of what it is sealed to. Type 2 is the chunk container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SealType {
    /// Body of a log entry.
    EntryBody = 1,
    /// Manifest of a file that is too long to stand in the tree.
    Manifest = 3,
    /// A device's name, in its certificate entry.
    DeviceName = 4,
    /// The epoch's secret, under a member's account master key.
    EpochWrap = 5,
    /// The secret of the epoch before, under this epoch's.
    EpochPrevious = 6,
    /// What a device tells for the moment: that it is in a text, and where.
    Presence = 7,
    /// The account master key, under a slot's secret.
    AccountSlot = 16,
    /// The private identity key, under the account master key.
    Identity = 17,
    /// What a device keeps to itself.
    Local = 32,
}

impl SealType {
    fn from_u8(tag: u8) -> Option<Self> {
        Some(match tag {
            1 => Self::EntryBody,
            3 => Self::Manifest,
            4 => Self::DeviceName,
            5 => Self::EpochWrap,
            6 => Self::EpochPrevious,
            7 => Self::Presence,
            16 => Self::AccountSlot,
            17 => Self::Identity,
            32 => Self::Local,
            _ => return None,
        })
    }
}

/// The place that a blob belongs to; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// What it holds.
    pub kind: SealType,
    /// Which epoch's (or which version of the) secret seals it.
    pub epoch: u32,
    /// The vault's id, or the account's for what belongs to no vault.
    pub scope: &'a [u8],
    /// The exact place: an entry's whole header, a file, a slot.
    pub bind: &'a [u8],
}

impl Binding<'_> {
    fn prefix(&self) -> [u8; 8] {
        let mut prefix = [MAGIC[0], MAGIC[1], SUITE, self.kind as u8, 0, 0, 0, 0];
        prefix[4..].copy_from_slice(&self.epoch.to_be_bytes());
        prefix
    }

    fn info(&self, purpose: &[u8]) -> Vec<u8> {
        let mut info = b"of/seal".to_vec();
        info.extend_from_slice(&self.prefix());
        put_lp(&mut info, self.scope);
        info.extend_from_slice(purpose);
        info
    }

    fn aad(&self, salt: &[u8], commit: &[u8]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(80 + self.scope.len() + self.bind.len());
        aad.extend_from_slice(&self.prefix());
        aad.extend_from_slice(salt);
        aad.extend_from_slice(commit);
        put_lp(&mut aad, self.scope);
        put_lp(&mut aad, self.bind);
        aad
    }
}

/// Seals `plain` to its place. `salt` must be fresh and random.
pub async fn seal<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    binding: &Binding<'_>,
    salt: &[u8; 32],
    plain: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    if plain.len() > limits::BODY_PLAIN_BYTES_MAX {
        return Err(CryptoError::TooLong { max: limits::BODY_PLAIN_BYTES_MAX });
    }
    let key = crypto.derive_aead(secret, salt, &binding.info(b"/key")).await?;
    let commit = crypto.derive_bytes(secret, salt, &binding.info(b"/commit"), 32).await?;
    let mut padded = Vec::with_capacity(padded_bytes(4 + plain.len()));
    put_lp(&mut padded, plain);
    padded.resize(padded_bytes(padded.len()), 0);
    let sealed = crypto.aead_seal(&key, &NONCE, &binding.aad(salt, &commit), &padded).await?;
    let mut blob = Vec::with_capacity(SEAL_OVERHEAD_BYTES + padded.len());
    blob.extend_from_slice(&binding.prefix());
    blob.extend_from_slice(salt);
    blob.extend_from_slice(&commit);
    blob.extend_from_slice(&sealed);
    Ok(blob)
}

/// Opens a blob at its place; `CannotOpen` if place, secret or any byte differs.
pub async fn open<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    binding: &Binding<'_>,
    blob: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let sealed_max = padded_bytes(4 + limits::BODY_PLAIN_BYTES_MAX) + SEAL_OVERHEAD_BYTES;
    if blob.len() < SEAL_OVERHEAD_BYTES + limits::PADDED_BYTES_MIN || blob.len() > sealed_max {
        return Err(CryptoError::CannotOpen);
    }
    let (prefix, rest) = blob.split_at(8);
    let (salt, rest) = rest.split_at(32);
    let (commit, sealed) = rest.split_at(32);
    if prefix != binding.prefix() {
        return Err(CryptoError::CannotOpen);
    }
    let expected = crypto.derive_bytes(secret, salt, &binding.info(b"/commit"), 32).await?;
    if !equal_in_constant_time(&expected, commit) {
        return Err(CryptoError::CannotOpen);
    }
    let key = crypto.derive_aead(secret, salt, &binding.info(b"/key")).await?;
    let padded = crypto.aead_open(&key, &NONCE, &binding.aad(salt, commit), sealed).await?;
    unpad(padded)
}

/// Reads what a blob says it holds and the epoch of its secret, to find the right secret.
/// Nothing of this is authentic before [`open`] succeeded.
pub fn peek(blob: &[u8]) -> Result<(SealType, u32), CryptoError> {
    let prefix = blob.first_chunk::<8>().ok_or(CryptoError::CannotOpen)?;
    if &prefix[..2] != MAGIC || prefix[2] != SUITE {
        return Err(CryptoError::CannotOpen);
    }
    let kind = SealType::from_u8(prefix[3]).ok_or(CryptoError::CannotOpen)?;
    let epoch = u32::from_be_bytes(prefix[4..].try_into().expect("four of eight bytes"));
    Ok((kind, epoch))
}

/// Compares secrets through their hashes, so that timing tells nothing about where they
/// differ.
pub(crate) fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let difference =
        Sha256::digest(a).iter().zip(Sha256::digest(b).iter()).fold(0, |acc, (a, b)| acc | (a ^ b));
    difference == 0
}

/// Takes the padding off and insists that it is the only padding this length could have.
fn unpad(mut padded: Vec<u8>) -> Result<Vec<u8>, CryptoError> {
    let len = padded.first_chunk::<4>().ok_or(CryptoError::CannotOpen)?;
    let end = (u32::from_be_bytes(*len) as usize).saturating_add(4);
    if end > padded.len()
        || padded_bytes(end) != padded.len()
        || padded[end..].iter().any(|byte| *byte != 0)
    {
        return Err(CryptoError::CannotOpen);
    }
    padded.truncate(end);
    padded.drain(..4);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_equal_compares_as_equal() {
        for n in 0..4_096_u32 {
            assert!(equal_in_constant_time(&n.to_be_bytes(), &n.to_be_bytes()));
            assert!(!equal_in_constant_time(&n.to_be_bytes(), &(n + 1).to_be_bytes()), "{n}");
        }
        assert!(!equal_in_constant_time(b"", &[0]));
    }
}
