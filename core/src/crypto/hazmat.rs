//! The primitives that a platform must offer: WebCrypto in the worker, Rust on the host.
//!
//! Only `crypto`, `content`, `account` and `log` call these; whoever else needs something
//! sealed wants `crypto::envelope`. Keys are opaque so that the platform may keep them
//! where script cannot read them. Futures carry no `Send` bound, since JavaScript's do not.
//!
//! Contract: methods are pure functions of their arguments (signing may be randomised) and
//! fail with `CryptoError::Platform` only where the platform itself fails.

use super::{CryptoError, PublicKey, RawKey, SigningPair, frames};
use crate::limits::FRAME_PLAIN_BYTES;

/// A signature that has to be verified.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Under which key.
    pub public: PublicKey,
    /// Over what.
    pub message: Vec<u8>,
    /// The signature, r‖s.
    pub signature: [u8; 64],
}

/// What a platform must offer. See the module for the contract.
#[expect(async_fn_in_trait, reason = "JavaScript's futures are not Send, and no caller needs it")]
pub trait Crypto {
    /// A secret to derive from: an HKDF-SHA-384 input key.
    type Secret: Clone;
    /// An AES-256-GCM key.
    type AeadKey: Clone;
    /// An HMAC-SHA-256 key.
    type MacKey: Clone;
    /// A private P-256 key for ECDSA over SHA-256.
    type SigningKey: Clone;

    /// Imports secret bytes of any length to derive from.
    async fn import_secret(&self, bytes: &[u8]) -> Result<Self::Secret, CryptoError>;

    /// Derives `len` bytes by HKDF-SHA-384; `salt` may be empty, `len` is at most 64.
    async fn derive_bytes(
        &self,
        secret: &Self::Secret,
        salt: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<Vec<u8>, CryptoError>;

    /// Derives an AES-256-GCM key by HKDF-SHA-384: the first 32 bytes of the output.
    async fn derive_aead(
        &self,
        secret: &Self::Secret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<Self::AeadKey, CryptoError>;

    /// Derives an HMAC-SHA-256 key of 32 bytes by HKDF-SHA-384.
    async fn derive_mac(
        &self,
        secret: &Self::Secret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<Self::MacKey, CryptoError>;

    /// Seals by AES-256-GCM; returns the ciphertext with its 16-byte tag.
    async fn aead_seal(
        &self,
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Opens what [`Self::aead_seal`] made; `CannotOpen` if anything differs.
    async fn aead_open(
        &self,
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Computes HMAC-SHA-256.
    async fn mac(&self, key: &Self::MacKey, data: &[u8]) -> Result<[u8; 32], CryptoError>;

    /// Computes SHA-256 of bulk data. Small inputs use the `sha2` crate directly.
    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], CryptoError>;

    /// Imports a private key; `BadKey` if it is none. It need not notice halves that do not
    /// belong together: `account::open_identity` does.
    async fn import_signing(&self, pair: &SigningPair) -> Result<Self::SigningKey, CryptoError>;

    /// Signs by ECDSA P-256 over SHA-256 of `message`; returns r‖s.
    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<[u8; 64], CryptoError>;

    /// Verifies what [`Self::sign`] made; false for a key that is no point.
    async fn verify(
        &self,
        public: &PublicKey,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<bool, CryptoError>;

    /// Verifies many signatures, each as [`Self::verify`] does; the answers are in order.
    ///
    /// A platform with real concurrency overrides this to overlap them.
    async fn verify_all(&self, claims: &[Claim]) -> Result<Vec<bool>, CryptoError> {
        let mut valid = Vec::with_capacity(claims.len());
        for Claim { public, message, signature } in claims {
            valid.push(self.verify(public, message, signature).await?);
        }
        Ok(valid)
    }

    /// Derives a secret by HKDF-SHA-384, for a further level of keys.
    async fn derive_secret(
        &self,
        secret: &Self::Secret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<Self::Secret, CryptoError> {
        let bytes = self.derive_bytes(secret, salt, info, 32).await?;
        let key = RawKey::from_slice(&bytes).ok_or(CryptoError::Platform)?;
        self.import_secret(key.as_bytes()).await
    }

    /// Seals `plain`, which is not empty, as consecutive frames (`frames`).
    ///
    /// A platform with real concurrency overrides this to overlap the frames.
    async fn seal_frames(
        &self,
        key: &Self::AeadKey,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let count = frames::count_plain(plain.len());
        let mut sealed = Vec::with_capacity(frames::sealed_bytes(plain.len()));
        for (i, frame) in plain.chunks(FRAME_PLAIN_BYTES).enumerate() {
            let nonce = frames::nonce(i, i + 1 == count);
            sealed.extend_from_slice(&self.aead_seal(key, &nonce, aad, frame).await?);
        }
        Ok(sealed)
    }

    /// Opens consecutive frames, the first of which has index `first`; the last of them is
    /// the chunk's last one iff `ends`.
    async fn open_frames(
        &self,
        key: &Self::AeadKey,
        aad: &[u8],
        span: frames::Span,
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let count = sealed.len().div_ceil(frames::FRAME_SEALED_BYTES);
        let mut plain = Vec::with_capacity(sealed.len());
        for (i, frame) in sealed.chunks(frames::FRAME_SEALED_BYTES).enumerate() {
            let nonce = frames::nonce(span.first + i, span.ends && i + 1 == count);
            plain.extend_from_slice(&self.aead_open(key, &nonce, aad, frame).await?);
        }
        Ok(plain)
    }
}
