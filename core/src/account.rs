//! The account: its master key, the slots that seal it, the identity that signs devices.
//!
//! ```text
//! AMK       32 random bytes, versioned; known to the account's devices alone
//! slot      SEAL(type 16, secret = OPAQUE export key, scope = account,
//!           bind = "of/slot" | kind u8 | be32 version, epoch = version)  of the AMK
//! identity  SEAL(type 17, secret = AMK, scope = account, bind = "of/identity" | public[65],
//!           epoch = AMK version)  of the private scalar
//! ```
//!
//! The server stores slots and identity but cannot move one to another account, kind or
//! version. `docs/format.md`, "Account".

use crate::crypto::envelope::{self, Binding, SealType};
use crate::crypto::hazmat::Crypto;
use crate::crypto::{CryptoError, PublicKey, RawKey, SigningPair};
use crate::id::AccountId;
use crate::proto::SecretKind;

pub mod device;
pub mod recovery;

/// The account master key as bytes, only while it is sealed into a slot or opened from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// Counts up from 1 when the key is replaced.
    pub version: u32,
    /// The key.
    pub key: RawKey,
}

impl MasterKey {
    /// Hands the key to the platform, to derive from.
    pub async fn import<C: Crypto>(&self, crypto: &C) -> Result<C::Secret, CryptoError> {
        crypto.import_secret(self.key.as_bytes()).await
    }
}

/// Seals the master key for the slot that this export key of OPAQUE opens.
pub async fn seal_slot<C: Crypto>(
    crypto: &C,
    export_key: &[u8],
    account: &AccountId,
    kind: SecretKind,
    salt: &[u8; 32],
    master: &MasterKey,
) -> Result<Vec<u8>, CryptoError> {
    let secret = crypto.import_secret(export_key).await?;
    let bind = slot_bind(kind, master.version);
    let binding = slot_binding(account, master.version, &bind);
    envelope::seal(crypto, &secret, &binding, salt, master.key.as_bytes()).await
}

/// Opens the slot of this kind.
pub async fn open_slot<C: Crypto>(
    crypto: &C,
    export_key: &[u8],
    account: &AccountId,
    kind: SecretKind,
    slot: &[u8],
) -> Result<MasterKey, CryptoError> {
    let (_, version) = envelope::peek(slot)?;
    let secret = crypto.import_secret(export_key).await?;
    let bind = slot_bind(kind, version);
    let binding = slot_binding(account, version, &bind);
    let key = envelope::open(crypto, &secret, &binding, slot).await?;
    let key = RawKey::from_slice(&key).ok_or(CryptoError::CannotOpen)?;
    Ok(MasterKey { version, key })
}

/// Seals the private half of the identity under the master key.
pub async fn seal_identity<C: Crypto>(
    crypto: &C,
    master: &C::Secret,
    version: u32,
    account: &AccountId,
    salt: &[u8; 32],
    identity: &SigningPair,
) -> Result<Vec<u8>, CryptoError> {
    let bind = identity_bind(&identity.public);
    let binding = identity_binding(account, version, &bind);
    envelope::seal(crypto, master, &binding, salt, identity.scalar.as_bytes()).await
}

/// Opens the private half of the identity and checks that it belongs to `public`, so that
/// nobody is made to sign under a key that is not theirs.
pub async fn open_identity<C: Crypto>(
    crypto: &C,
    master: &C::Secret,
    account: &AccountId,
    public: &PublicKey,
    sealed: &[u8],
) -> Result<C::SigningKey, CryptoError> {
    let (_, version) = envelope::peek(sealed)?;
    let bind = identity_bind(public);
    let binding = identity_binding(account, version, &bind);
    let scalar = envelope::open(crypto, master, &binding, sealed).await?;
    let scalar = RawKey::from_slice(&scalar).ok_or(CryptoError::CannotOpen)?;
    let key = crypto.import_signing(&SigningPair { scalar, public: *public }).await?;
    let probe = b"of/identity-probe";
    let signature = crypto.sign(&key, probe).await?;
    if crypto.verify(public, probe, &signature).await? { Ok(key) } else { Err(CryptoError::BadKey) }
}

fn slot_bind(kind: SecretKind, version: u32) -> Vec<u8> {
    let mut bind = b"of/slot".to_vec();
    bind.push(match kind {
        SecretKind::Password => 1,
        SecretKind::Recovery => 2,
    });
    bind.extend_from_slice(&version.to_be_bytes());
    bind
}

fn slot_binding<'a>(account: &'a AccountId, version: u32, bind: &'a [u8]) -> Binding<'a> {
    Binding { kind: SealType::AccountSlot, epoch: version, scope: &account.0, bind }
}

fn identity_bind(public: &PublicKey) -> Vec<u8> {
    let mut bind = b"of/identity".to_vec();
    bind.extend_from_slice(&public.0);
    bind
}

fn identity_binding<'a>(account: &'a AccountId, version: u32, bind: &'a [u8]) -> Binding<'a> {
    Binding { kind: SealType::Identity, epoch: version, scope: &account.0, bind }
}
