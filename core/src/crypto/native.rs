//! The primitives in Rust, for the host: tests, tools and replicas outside the browser.
//!
//! Its futures are always ready, so [`ready`] drives them without a runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2_0_10::{Digest, Sha256, Sha384};

use super::hazmat::Crypto;
use super::{CryptoError, PublicKey, RawKey, SigningPair};

/// The primitives in Rust.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeCrypto;

/// A secret of [`NativeCrypto`] to derive from.
#[derive(Clone)]
pub struct NativeSecret(Vec<u8>);

impl Drop for NativeSecret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// An AES-256-GCM key of [`NativeCrypto`].
#[derive(Clone)]
pub struct NativeAeadKey(Aes256Gcm);

/// An HMAC-SHA-256 key of [`NativeCrypto`].
#[derive(Clone)]
pub struct NativeMacKey(RawKey);

/// A private P-256 key of [`NativeCrypto`].
#[derive(Clone)]
pub struct NativeSigningKey(SigningKey);

/// Makes both halves of a key from 32 random bytes; `None` for the few byte strings that
/// are no scalar of the curve.
pub fn signing_pair(scalar: RawKey) -> Option<SigningPair> {
    let key = SigningKey::from_slice(scalar.as_bytes()).ok()?;
    let point = key.verifying_key().to_encoded_point(false);
    Some(SigningPair { public: PublicKey::from_slice(point.as_bytes())?, scalar })
}

/// Runs a future that never waits, as all futures over [`NativeCrypto`] are.
///
/// # Panics
///
/// If the future waits for something after all.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future over NativeCrypto never waits"),
    }
}

fn hkdf(
    secret: &NativeSecret,
    salt: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    Hkdf::<Sha384>::new(Some(salt), &secret.0)
        .expand(info, out)
        .map_err(|_| CryptoError::TooLong { max: 255 * 48 })
}

fn derive_raw(secret: &NativeSecret, salt: &[u8], info: &[u8]) -> Result<RawKey, CryptoError> {
    let mut bytes = [0; 32];
    hkdf(secret, salt, info, &mut bytes)?;
    Ok(RawKey::new(bytes))
}

impl Crypto for NativeCrypto {
    type Secret = NativeSecret;
    type AeadKey = NativeAeadKey;
    type MacKey = NativeMacKey;
    type SigningKey = NativeSigningKey;

    async fn import_secret(&self, bytes: &[u8]) -> Result<NativeSecret, CryptoError> {
        Ok(NativeSecret(bytes.to_vec()))
    }

    async fn derive_bytes(
        &self,
        secret: &NativeSecret,
        salt: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<Vec<u8>, CryptoError> {
        let mut out = vec![0; len];
        hkdf(secret, salt, info, &mut out)?;
        Ok(out)
    }

    async fn derive_aead(
        &self,
        secret: &NativeSecret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<NativeAeadKey, CryptoError> {
        let key = derive_raw(secret, salt, info)?;
        Ok(NativeAeadKey(Aes256Gcm::new(key.as_bytes().into())))
    }

    async fn derive_mac(
        &self,
        secret: &NativeSecret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<NativeMacKey, CryptoError> {
        derive_raw(secret, salt, info).map(NativeMacKey)
    }

    async fn aead_seal(
        &self,
        key: &NativeAeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        key.0
            .encrypt(Nonce::from_slice(nonce), Payload { msg: plain, aad })
            .map_err(|_| CryptoError::Platform)
    }

    async fn aead_open(
        &self,
        key: &NativeAeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        key.0
            .decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad })
            .map_err(|_| CryptoError::CannotOpen)
    }

    async fn mac(&self, key: &NativeMacKey, data: &[u8]) -> Result<[u8; 32], CryptoError> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.0.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(data);
        Ok(mac.finalize().into_bytes().into())
    }

    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], CryptoError> {
        Ok(Sha256::digest(data).into())
    }

    async fn import_signing(&self, pair: &SigningPair) -> Result<NativeSigningKey, CryptoError> {
        SigningKey::from_slice(pair.scalar.as_bytes())
            .map(NativeSigningKey)
            .map_err(|_| CryptoError::BadKey)
    }

    async fn sign(&self, key: &NativeSigningKey, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let signature: Signature = key.0.sign(message);
        Ok(signature.to_bytes().into())
    }

    async fn verify(
        &self,
        public: &PublicKey,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<bool, CryptoError> {
        let Ok(key) = VerifyingKey::from_sec1_bytes(&public.0) else {
            return Ok(false);
        };
        let Ok(signature) = Signature::from_slice(signature) else {
            return Ok(false);
        };
        Ok(key.verify(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hazmat::Claim;
    use crate::fixture::pair;

    #[test]
    fn signatures_tried_together_are_worth_what_each_is_alone() {
        let pair = pair(1);
        let key = ready(NativeCrypto.import_signing(&pair)).unwrap();
        let claim = |signed: &[u8], claimed: &[u8]| Claim {
            public: pair.public,
            message: claimed.to_vec(),
            signature: ready(NativeCrypto.sign(&key, signed)).unwrap(),
        };
        let claims = [claim(b"a", b"b"), claim(b"c", b"c"), claim(b"d", b"e"), claim(b"f", b"f")];
        assert_eq!(ready(NativeCrypto.verify_all(&claims)), Ok(vec![false, true, false, true]));
    }

    #[test]
    fn no_more_is_derived_than_hkdf_can_give() {
        let secret = ready(NativeCrypto.import_secret(&[1; 32])).unwrap();
        let derived = |len| ready(NativeCrypto.derive_bytes(&secret, &[2; 32], b"of/test", len));
        assert_eq!(derived(12_240).map(|bytes| bytes.len()), Ok(12_240));
        assert_eq!(derived(12_241), Err(CryptoError::TooLong { max: 12_240 }));
    }
}
