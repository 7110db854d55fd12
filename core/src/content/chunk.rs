//! Chunks: sealed containers of up to 1 MiB (4 MiB) of plaintext.
//!
//! ```text
//! container = "of" | suite u8 | 2 | frames…                     ChunkId = SHA-256(container)
//! prf key   = HKDF-SHA-384(VK_e, salt = vault, "of/chunk/dedupe")
//! ck        = HMAC-SHA-256(prf key, "of/chunk" | be32 epoch | lp(vault) | salt[16]
//!           | be32 length | padded plaintext)
//! key       = HKDF-SHA-384(ck, salt = vault, "of/chunk/key")
//! frames    = crypto::frames with aad "of" | suite | 2 | lp(vault)
//! ```
//!
//! With the zero salt, equal plaintexts of one vault and epoch become one chunk (dedupe);
//! with a random salt they do not. Either way a key never seals two plaintexts. Whoever
//! holds a chunk can check its id without a key.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::crypto::hazmat::Crypto;
use crate::crypto::padding::padded_bytes;
use crate::crypto::{CryptoError, MAGIC, SUITE, frames};
use crate::id::{ChunkId, VaultId};
use crate::limits;
use crate::proto::put_lp;

const TYPE: u8 = 2;
/// Bytes of a container before its frames.
pub const CHUNK_HEADER_BYTES: usize = 4;

/// The key of one chunk; it travels only inside sealed manifests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentKey(pub [u8; 32]);

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(…)")
    }
}

/// Whether equal plaintexts become equal chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedupe {
    /// They do, inside one vault and epoch; the server sees that they are equal.
    On,
    /// They do not: 16 fresh random bytes keep them apart.
    Off([u8; 16]),
}

impl Dedupe {
    fn salt(self) -> [u8; 16] {
        match self {
            Self::On => [0; 16],
            Self::Off(salt) => salt,
        }
    }
}

/// What seals the chunks of one vault and epoch; made once, used for many chunks.
#[derive(Clone)]
pub struct ChunkSealer<C: Crypto> {
    vault: VaultId,
    epoch: u32,
    prf: C::MacKey,
}

/// A sealed chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedChunk {
    /// SHA-256 of `bytes`.
    pub id: ChunkId,
    /// Opens it.
    pub key: ContentKey,
    /// The container.
    pub bytes: Vec<u8>,
}

impl<C: Crypto> ChunkSealer<C> {
    /// Derives what seals the chunks of an epoch.
    pub async fn derive(
        crypto: &C,
        secret: &C::Secret,
        vault: VaultId,
        epoch: u32,
    ) -> Result<Self, CryptoError> {
        let prf = crypto.derive_mac(secret, &vault.0, b"of/chunk/dedupe").await?;
        Ok(Self { vault, epoch, prf })
    }

    /// Seals 1 byte to 4 MiB of plaintext, padded.
    pub async fn seal(
        &self,
        crypto: &C,
        plain: &[u8],
        dedupe: Dedupe,
    ) -> Result<SealedChunk, CryptoError> {
        let max = limits::CHUNK_PLAIN_BYTES_LARGE;
        if plain.is_empty() || plain.len() > max {
            return Err(CryptoError::TooLong { max });
        }
        let padded_len = padded_bytes(plain.len());
        let mut framed = Vec::with_capacity(80 + padded_len);
        framed.extend_from_slice(b"of/chunk");
        framed.extend_from_slice(&self.epoch.to_be_bytes());
        put_lp(&mut framed, &self.vault.0);
        framed.extend_from_slice(&dedupe.salt());
        let len = u32::try_from(plain.len()).expect("at most 4 MiB");
        framed.extend_from_slice(&len.to_be_bytes());
        let start = framed.len();
        framed.extend_from_slice(plain);
        framed.resize(start + padded_len, 0);

        let key = ContentKey(crypto.mac(&self.prf, &framed).await?);
        let aead = derive_key(crypto, &key, &self.vault).await?;
        let sealed = crypto.seal_frames(&aead, &aad(&self.vault), &framed[start..]).await?;
        let mut bytes = Vec::with_capacity(CHUNK_HEADER_BYTES + sealed.len());
        bytes.extend_from_slice(&header());
        bytes.extend_from_slice(&sealed);
        let id = ChunkId(crypto.sha256(&bytes).await?);
        Ok(SealedChunk { id, key, bytes })
    }
}

/// Opens a whole chunk after checking its id; returns the padded plaintext, into which
/// extents point.
pub async fn open_chunk<C: Crypto>(
    crypto: &C,
    vault: &VaultId,
    id: &ChunkId,
    key: &ContentKey,
    bytes: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let sealed = frames_of(bytes)?;
    if crypto.sha256(bytes).await? != id.0 {
        return Err(CryptoError::CannotOpen);
    }
    let aead = derive_key(crypto, key, vault).await?;
    crypto.open_frames(&aead, &aad(vault), frames::Span::WHOLE, sealed).await
}

/// The bytes of a container that hold a range of its plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangePlan {
    cut: frames::Cut,
    plain: Range<usize>,
}

impl RangePlan {
    /// Plans to open a plaintext range of a container of this length; `None` if it is empty
    /// or lies outside.
    pub fn new(container_bytes: usize, plain: Range<usize>) -> Option<Self> {
        if container_bytes > limits::CHUNK_SEALED_BYTES_MAX {
            return None;
        }
        let frames_bytes = container_bytes.checked_sub(CHUNK_HEADER_BYTES)?;
        frames::cut(frames_bytes, plain.clone()).map(|cut| Self { cut, plain })
    }

    /// The range of the container to read.
    pub fn container_range(&self) -> Range<usize> {
        let sealed = &self.cut.sealed;
        sealed.start + CHUNK_HEADER_BYTES..sealed.end + CHUNK_HEADER_BYTES
    }

    /// Opens the planned range from exactly the bytes of [`Self::container_range`].
    ///
    /// The id cannot be checked from a part; the frames are authentic under `key` all the
    /// same, and the key comes from a signed change.
    pub async fn open<C: Crypto>(
        &self,
        crypto: &C,
        vault: &VaultId,
        key: &ContentKey,
        part: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        if part.len() != self.cut.sealed.len() {
            return Err(CryptoError::CannotOpen);
        }
        let aead = derive_key(crypto, key, vault).await?;
        let mut plain = crypto.open_frames(&aead, &aad(vault), self.cut.span, part).await?;
        plain.truncate(self.cut.skip + self.plain.len());
        plain.drain(..self.cut.skip);
        Ok(plain)
    }
}

/// Checks without any key that bytes have the shape of a chunk; the id is checked apart.
pub fn is_chunk_shaped(bytes: &[u8]) -> bool {
    frames_of(bytes).is_ok()
}

fn header() -> [u8; CHUNK_HEADER_BYTES] {
    [MAGIC[0], MAGIC[1], SUITE, TYPE]
}

fn aad(vault: &VaultId) -> Vec<u8> {
    let mut aad = header().to_vec();
    put_lp(&mut aad, &vault.0);
    aad
}

fn frames_of(bytes: &[u8]) -> Result<&[u8], CryptoError> {
    if bytes.len() > limits::CHUNK_SEALED_BYTES_MAX {
        return Err(CryptoError::CannotOpen);
    }
    let sealed = bytes.strip_prefix(&header()[..]).ok_or(CryptoError::CannotOpen)?;
    frames::plain_bytes(sealed.len()).map(|_| sealed).ok_or(CryptoError::CannotOpen)
}

async fn derive_key<C: Crypto>(
    crypto: &C,
    key: &ContentKey,
    vault: &VaultId,
) -> Result<C::AeadKey, CryptoError> {
    let secret = crypto.import_secret(&key.0).await?;
    crypto.derive_aead(&secret, &vault.0, b"of/chunk/key").await
}
