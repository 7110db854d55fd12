//! Writing entries: seal the body to its header, hash, sign.
//!
//! The caller decides the header (counters, what was seen, references) and brings a fresh
//! salt. `log::verify` is the other direction. `docs/format.md`, "Entry, signature, chain".

use crate::crypto::CryptoError;
use crate::crypto::envelope::{self, Binding, SealType};
use crate::crypto::hazmat::Crypto;
use crate::id::VaultId;
use crate::limits;
use crate::log::entry::{Entry, EntryError, EntryKind, Header, signed_bytes};

/// Reports an entry that cannot be written or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// The header names no vault; only the genesis entry has none, and `log::epoch` makes it.
    #[error("the header names no vault")]
    NoVault,
    /// This kind of entry has a clear body, or this one a sealed body.
    #[error("an entry of this kind has another sort of body")]
    WrongBody,
    /// Longer than an entry may be, or with more references.
    #[error("the entry exceeds its limit of {max}")]
    TooLong {
        /// The limit: bytes, streams or chunks.
        max: usize,
    },
    /// The header does not decode.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Sealing, opening or signing failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Says whether entries of this kind have a clear, signed body, which newcomers must read
/// before they hold a key.
pub fn has_clear_body(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Epoch | EntryKind::Device | EntryKind::Recovery)
}

/// Writes an entry whose body is sealed under the secret of `header.epoch`.
pub async fn write_sealed<C: Crypto>(
    crypto: &C,
    header: &Header,
    secret: &C::Secret,
    salt: &[u8; 32],
    plain: &[u8],
    signing: &C::SigningKey,
) -> Result<Entry, AuthorError> {
    if has_clear_body(header.kind) {
        return Err(AuthorError::WrongBody);
    }
    check_references(header)?;
    let vault = header.vault.ok_or(AuthorError::NoVault)?;
    let encoded = header.encode();
    let binding = body_binding(&vault, header.epoch, &encoded);
    let body = envelope::seal(crypto, secret, &binding, salt, plain).await?;
    sign(crypto, encoded, body, signing).await
}

/// Writes an entry whose body is clear: an epoch record, a device's introduction, a recovery.
pub async fn write_clear<C: Crypto>(
    crypto: &C,
    header: &Header,
    body: Vec<u8>,
    signing: &C::SigningKey,
) -> Result<Entry, AuthorError> {
    if !has_clear_body(header.kind) {
        return Err(AuthorError::WrongBody);
    }
    check_references(header)?;
    sign(crypto, header.encode(), body, signing).await
}

/// Opens the sealed body of an entry under the secret of its epoch. `header` is the encoded
/// header, as it was signed; verify the entry first.
pub async fn open_body<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    vault: &VaultId,
    header: &[u8],
    body: &[u8],
) -> Result<Vec<u8>, AuthorError> {
    let epoch = Header::decode(header)?.epoch;
    let binding = body_binding(vault, epoch, header);
    Ok(envelope::open(crypto, secret, &binding, body).await?)
}

fn body_binding<'a>(vault: &'a VaultId, epoch: u32, header: &'a [u8]) -> Binding<'a> {
    Binding { kind: SealType::EntryBody, epoch, scope: &vault.0, bind: header }
}

fn check_references(header: &Header) -> Result<(), AuthorError> {
    let bounds = [
        (header.streams.len(), limits::ENTRY_STREAMS_MAX),
        (header.chunks.len(), limits::ENTRY_CHUNKS_MAX),
    ];
    match bounds.into_iter().find(|(count, max)| count > max) {
        Some((_, max)) => Err(AuthorError::TooLong { max }),
        None => Ok(()),
    }
}

async fn sign<C: Crypto>(
    crypto: &C,
    header: Vec<u8>,
    body: Vec<u8>,
    signing: &C::SigningKey,
) -> Result<Entry, AuthorError> {
    let mut entry = Entry { header, signature: [0; 64], body };
    if entry.header.len() + entry.body.len() + 72 > limits::ENTRY_BYTES_MAX {
        return Err(AuthorError::TooLong { max: limits::ENTRY_BYTES_MAX });
    }
    entry.signature = crypto.sign(signing, &signed_bytes(&entry.hash())).await?;
    Ok(entry)
}
