//! Device certificates: an account's identity vouches for a device's key.
//!
//! ```text
//! certificate = "of/device" | version u8 | lp(account[16]) | lp(public[65]) | sig[64]
//! signed      = "of/cert-sig" | SHA-256(certificate without sig)   ECDSA by the identity
//! ```
//!
//! Fixed binary, hence canonical. `docs/format.md`, "Device certificate".

use sha2::{Digest, Sha256};

use crate::crypto::hazmat::Crypto;
use crate::crypto::{CryptoError, PublicKey};
use crate::id::{AccountId, DeviceId};
use crate::proto::{Reader, WireError, put_lp};

const MAGIC: &[u8; 9] = b"of/device";
const VERSION: u8 = 1;
/// Bytes of an encoded certificate.
pub const CERTIFICATE_BYTES: usize = 9 + 1 + 4 + 16 + 4 + 65 + 64;

/// An identity's word that a device key belongs to its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The account.
    pub account: AccountId,
    /// The device's public signing key.
    pub public: PublicKey,
    /// By the account's identity.
    pub signature: [u8; 64],
}

impl DeviceCertificate {
    /// Signs a certificate with the account's identity.
    pub async fn issue<C: Crypto>(
        crypto: &C,
        identity: &C::SigningKey,
        account: AccountId,
        public: PublicKey,
    ) -> Result<Self, CryptoError> {
        let signature = crypto.sign(identity, &signed_bytes(&account, &public)).await?;
        Ok(Self { account, public, signature })
    }

    /// Says whether this identity signed it.
    pub async fn verify<C: Crypto>(
        &self,
        crypto: &C,
        identity: &PublicKey,
    ) -> Result<bool, CryptoError> {
        let signed = signed_bytes(&self.account, &self.public);
        crypto.verify(identity, &signed, &self.signature).await
    }

    /// The device that it certifies.
    pub fn device(&self) -> DeviceId {
        self.public.device_id()
    }

    /// Encodes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = body(&self.account, &self.public);
        out.extend_from_slice(&self.signature);
        out
    }

    /// Decodes it; the signature is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        if &reader.array::<9>()? != MAGIC {
            return Err(WireError::Truncated);
        }
        match reader.u8()? {
            VERSION => {}
            tag => return Err(WireError::UnknownTag { tag }),
        }
        let account = reader.lp(AccountId::LEN)?;
        let public = reader.lp(PublicKey::LEN)?;
        let certificate = Self {
            account: AccountId::from_slice(account).ok_or(WireError::Truncated)?,
            public: PublicKey::from_slice(public).ok_or(WireError::Truncated)?,
            signature: reader.array()?,
        };
        reader.finish()?;
        Ok(certificate)
    }
}

fn body(account: &AccountId, public: &PublicKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(CERTIFICATE_BYTES);
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    put_lp(&mut out, &account.0);
    put_lp(&mut out, &public.0);
    out
}

fn signed_bytes(account: &AccountId, public: &PublicKey) -> Vec<u8> {
    let mut signed = b"of/cert-sig".to_vec();
    signed.extend_from_slice(&Sha256::digest(body(account, public)));
    signed
}
