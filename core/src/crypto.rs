//! Keys, envelopes and the small interface below them.
//!
//! `hazmat` is what a platform must offer, `envelope` the SEAL that everything small sits
//! in, `frames` the layout of bulk data, `padding` what hides lengths. No function here
//! draws randomness: salts and fresh keys are arguments, each used once.
//! Layouts: `docs/format.md`, "Primitives" and "SEAL".

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::id::DeviceId;

pub mod envelope;
pub mod frames;
pub mod hazmat;
#[cfg(feature = "native-crypto")]
pub mod native;
pub mod padding;

/// Magic of every sealed byte string.
pub const MAGIC: &[u8; 2] = b"of";
/// The only suite: AES-256-GCM, HKDF-SHA-384, SHA-256, P-256.
pub const SUITE: u8 = 1;

/// Reports that cryptography did not succeed; says nothing about why, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// Wrong key, wrong place or altered bytes: these are deliberately one answer.
    #[error("the sealed bytes cannot be opened")]
    CannotOpen,
    /// A key is not one: not on the curve, or halves that do not fit.
    #[error("the key is not valid")]
    BadKey,
    /// More bytes than the format allows.
    #[error("more than the {max} bytes that fit")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// The platform's cryptography failed for a reason of its own.
    #[error("the platform's cryptography failed")]
    Platform,
}

/// 32 secret bytes, wiped when dropped: a key before it is imported, or while it is wrapped.
#[derive(Clone, PartialEq, Eq)]
pub struct RawKey([u8; 32]);

impl RawKey {
    /// Takes the bytes, which must be random or derived.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes the bytes from a slice of exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Borrows the bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for RawKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawKey(…)")
    }
}

/// A public P-256 key, as an uncompressed point.
///
/// Any 65 bytes fit in here; verifying under bytes that are no point fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 65]);

impl PublicKey {
    /// Length in bytes.
    pub const LEN: usize = 65;

    /// Takes a key from a slice of exactly [`Self::LEN`] bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Names the device that has this key: the first half of the key's SHA-256.
    pub fn device_id(&self) -> DeviceId {
        let hash = Sha256::digest(self.0);
        DeviceId(hash[..16].try_into().expect("a SHA-256 has 32 bytes"))
    }

    /// Returns what people compare to see that two devices mean the same key.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut sha = Sha256::new();
        sha.update(b"of/fingerprint");
        sha.update(self.0);
        Fingerprint(sha.finalize()[..16].try_into().expect("a SHA-256 has 32 bytes"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(&self.0[..5]))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0[..].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        Self::from_slice(&bytes).ok_or_else(|| serde::de::Error::invalid_length(bytes.len(), &"65"))
    }
}

/// A short name of a key for people; prints as eight groups of four hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.chunks(2).enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(f, "{gap}{}", hex::encode(group))?;
        }
        Ok(())
    }
}

/// Both halves of a P-256 key that may leave the platform, sealed: the identity key.
#[derive(Clone)]
pub struct SigningPair {
    /// The private scalar, big-endian.
    pub scalar: RawKey,
    /// The public point that belongs to it.
    pub public: PublicKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_eight_groups() {
        let text = PublicKey([4; 65]).fingerprint().to_string();
        assert_eq!(text.split(' ').count(), 8);
        assert!(text.split(' ').all(|group| group.len() == 4));
    }

    #[test]
    fn a_secret_key_does_not_print_itself_and_a_public_one_begins_to() {
        assert_eq!(format!("{:?}", RawKey::new([7; 32])), "RawKey(…)");
        assert_eq!(format!("{:?}", PublicKey([4; 65])), "PublicKey(0404040404)");
    }

    #[test]
    fn a_public_key_survives_postcard_and_another_length_is_refused() {
        let key = PublicKey([4; 65]);
        let bytes = postcard::to_allocvec(&key).unwrap();
        assert_eq!(postcard::from_bytes::<PublicKey>(&bytes), Ok(key));
        let short = postcard::to_allocvec(&vec![4u8; 64]).unwrap();
        assert!(postcard::from_bytes::<PublicKey>(&short).is_err());
    }
}
