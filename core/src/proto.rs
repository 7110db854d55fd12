//! The wire between devices and the server: JSON for small questions, fixed binary for
//! entries and chunks.
//!
//! `docs/protocol.md` holds the table of calls. JSON carries binary fields as unpadded
//! base64url ([`Bytes`]). Nothing here knows HTTP: status codes are the server's business,
//! [`Code`] is everybody's.
//!
//! ```text
//! append  = be32 count | count × lp(wire entry)                     POST …/log
//! page    = be64 tip | chain[32] | incarnation[16]
//!         | be32 count | count × item                               GET  …/log?after=n
//! item    = u8 0 | lp(wire entry)
//!         | u8 1 | lp(header) | sig[64] | body hash[32]             own entries, when asked
//! batch   = (id[32] | be32 len | bytes)*                            POST …/chunks
//! have    = id[32]*  →  bitmap, first id in the highest bit         POST …/have
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use crate::limits;

/// Prefix of every call.
pub const API_PREFIX: &str = "/api/v1";

/// Bytes inside JSON, as unpadded base64url.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({} B)", self.0.len())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("expected unpadded base64url"))
    }
}

/// Names what went wrong, stable across releases; people's words for it live in the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The request is malformed.
    BadRequest,
    /// The body is larger than this call takes.
    TooLarge,
    /// No session, or one that ended.
    SignedOut,
    /// The access token has expired; refresh and try again.
    TokenExpired,
    /// Username or password (or recovery code) do not match.
    WrongCredentials,
    /// The username cannot be used: length or characters.
    NameMalformed,
    /// The username is taken.
    NameTaken,
    /// The sign-up link is unknown.
    InviteUnknown,
    /// The sign-up link was used.
    InviteUsed,
    /// The sign-up link has expired.
    InviteExpired,
    /// The sign-in took too long or was already finished.
    LoginExpired,
    /// This call wants a sign-in of the last few minutes.
    SignInAgain,
    /// The session belongs to another device.
    WrongDevice,
    /// No such vault for this account.
    VaultUnknown,
    /// No such chunk in this vault.
    ChunkUnknown,
    /// The bytes do not hash to the id they came with.
    ChunkMismatch,
    /// The range cannot be satisfied.
    RangeInvalid,
    /// The account's space is used up.
    QuotaExceeded,
    /// The server's disk is full; nothing was stored.
    StorageFull,
    /// Too many requests; wait as `retry_after_ms` says.
    RateLimited,
    /// The server is shutting down or overloaded.
    Unavailable,
    /// A fault of the server; its log has the cause.
    Internal,
    /// No such call.
    NotFound,
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What went wrong.
    pub code: Code,
    /// How long to wait before the next try, where that helps.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
}

// ---------------------------------------------------------------- accounts

/// `POST /auth/register/start`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterStart {
    /// The token of the sign-up link.
    pub invite: String,
    /// The name to sign in with.
    pub username: String,
    /// OPAQUE registration request for the password.
    pub password_request: Bytes,
    /// OPAQUE registration request for the recovery code.
    pub recovery_request: Bytes,
}

/// Answer to [`RegisterStart`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterStarted {
    /// OPAQUE registration response for the password.
    pub password_response: Bytes,
    /// OPAQUE registration response for the recovery code.
    pub recovery_response: Bytes,
}

/// What the server keeps for an account; every secret in it is a SEAL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// The account.
    pub account: AccountId,
    /// Public identity key (P-256, uncompressed point, 65 bytes).
    pub identity_public: Bytes,
    /// Private identity key, sealed under the account master key.
    pub identity_sealed: Bytes,
    /// The account master key, sealed under the password's export key.
    pub password_slot: Bytes,
    /// The account master key, sealed under the recovery code's export key.
    pub recovery_slot: Bytes,
}

/// `POST /auth/register/finish`; answers [`SessionStarted`] and sets the session cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterFinish {
    /// The token of the sign-up link.
    pub invite: String,
    /// The name to sign in with.
    pub username: String,
    /// OPAQUE registration upload for the password.
    pub password_upload: Bytes,
    /// OPAQUE registration upload for the recovery code.
    pub recovery_upload: Bytes,
    /// What the server keeps.
    pub record: AccountRecord,
    /// The device that signs up.
    pub device: DeviceBinding,
}

/// Which secret a sign-in proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// The password.
    Password,
    /// The recovery code of the kit.
    Recovery,
}

/// `POST /auth/login/start`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginStart {
    /// The name to sign in with.
    pub username: String,
    /// Which secret is proved.
    pub kind: SecretKind,
    /// OPAQUE KE1.
    pub request: Bytes,
}

/// Answer to [`LoginStart`]; the same shape for names that do not exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginStarted {
    /// Names this attempt in [`LoginFinish`].
    pub login: String,
    /// OPAQUE KE2.
    pub response: Bytes,
}

/// A device's id and public key, which a session is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBinding {
    /// The device.
    pub device: DeviceId,
    /// Its public signing key (P-256, uncompressed point, 65 bytes).
    pub public: Bytes,
}

/// `POST /auth/login/finish`; answers [`SessionStarted`] and sets the session cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginFinish {
    /// The attempt.
    pub login: String,
    /// OPAQUE KE3.
    pub finalization: Bytes,
    /// The device that signs in.
    pub device: DeviceBinding,
}

/// An access token for calls, beside the session cookie.
///
/// Also the answer of `POST /auth/refresh` (cookie only) and `POST /auth/device`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The ES256 JWT for `Authorization: Bearer`.
    pub token: String,
    /// Seconds from now until it expires.
    pub expires_in_s: u64,
}

/// Answer to a finished sign-up or sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionStarted {
    /// The access token.
    #[serde(flatten)]
    pub access: AccessToken,
    /// The account and its sealed secrets.
    pub record: AccountRecord,
    /// The account's vaults.
    pub vaults: Vec<VaultId>,
}

/// `POST /auth/password/start`: sets a new password after a fresh sign-in with either secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordStart {
    /// OPAQUE registration request for the new password.
    pub request: Bytes,
}

/// Answer to [`PasswordStart`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordStarted {
    /// OPAQUE registration response.
    pub response: Bytes,
}

/// `POST /auth/password/finish`; ends every other session of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordFinish {
    /// OPAQUE registration upload.
    pub upload: Bytes,
    /// The account master key, sealed under the new export key.
    pub password_slot: Bytes,
}

/// Answer of `GET /account`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountView {
    /// The name to sign in with.
    pub username: String,
    /// Bytes of chunks and entries stored for the account.
    pub used_bytes: u64,
    /// The most it may store, if there is a limit.
    pub quota_bytes: Option<u64>,
    /// The account's vaults.
    pub vaults: Vec<VaultId>,
}

/// Answer of `GET /info`, which needs no session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The server's version.
    pub version: String,
    /// The server's clock, milliseconds since 1970.
    pub now_ms: i64,
}

// ---------------------------------------------------------------- the log

/// The last place of a vault's log, and which life of the server says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The last place; 0 for an empty log.
    pub seq: Seq,
    /// The chain value at that place; zeros for an empty log.
    pub chain: Hash,
    /// The server's life.
    pub incarnation: Incarnation,
}

/// What became of one entry of an append. Protocol answers, not errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum AppendResult {
    /// Durable at this place.
    Ok {
        /// Its place.
        seq: Seq,
        /// The chain value there.
        chain: Hash,
    },
    /// Was durable already.
    Dup {
        /// Its place.
        seq: Seq,
    },
    /// References chunks that the server does not hold; upload them, then append again.
    Missing {
        /// The chunks.
        ids: Vec<ChunkId>,
    },
    /// Names an epoch that is not the current one.
    EpochStale,
    /// This device already has another entry at that counter, or does not follow its last.
    DeviceFork,
    /// The account's space is used up.
    Quota,
    /// The entry does not parse, or is for another vault or device.
    Malformed,
    /// An earlier entry of the same append was refused, so this one was not tried.
    Skipped,
}

/// Answer to an append.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// The tip after the append.
    pub tip: Tip,
    /// One result for each entry, in order.
    pub results: Vec<AppendResult>,
}

/// A message on the live socket: the vault has grown to at least this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// The vault.
    pub vault: VaultId,
    /// Its last place.
    pub seq: Seq,
}

/// Answer to chunk uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunksStored {
    /// How many chunks of the request are durable now, those held before included.
    pub stored: u32,
}

/// One item of a page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageItem {
    /// The whole entry, as it was appended.
    Full(Vec<u8>),
    /// An entry whose body the reader holds already (or that was pruned).
    Bare {
        /// The clear header.
        header: Vec<u8>,
        /// The device's signature.
        signature: [u8; 64],
        /// SHA-256 of the body.
        body_hash: Hash,
    },
}

/// A page of the log: the entries after the asked-for place, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The tip when the page was read.
    pub tip: Tip,
    /// The entries at `after + 1`, `after + 2`, …
    pub items: Vec<PageItem>,
}

/// Reports bytes that are not what the wire format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end too early.
    #[error("the message is cut short")]
    Truncated,
    /// Bytes are left over.
    #[error("the message has bytes left over")]
    Trailing,
    /// A length or count exceeds its limit.
    #[error("a length exceeds its limit of {max}")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// An unknown tag.
    #[error("unknown tag {tag}")]
    UnknownTag {
        /// The tag.
        tag: u8,
    },
}

/// Reads the fixed binary encodings of this project; every read is bounds-checked.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        if self.rest.len() < len {
            return Err(WireError::Truncated);
        }
        let (head, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(head)
    }

    /// Takes a fixed-size array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes a big-endian 32-bit number.
    pub fn be32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Takes a big-endian 64-bit number.
    pub fn be64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Takes bytes with a 32-bit length before them, at most `max`.
    pub fn lp(&mut self, max: usize) -> Result<&'a [u8], WireError> {
        let len = self.be32()? as usize;
        if len > max {
            return Err(WireError::TooLong { max });
        }
        self.take(len)
    }

    /// Bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Checks that everything was read.
    pub fn finish(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }
}

/// Appends `be32(len) | bytes`.
pub fn put_lp(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("every encoded field is bounded by limits");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Encodes an append of wire entries (`log::entry::Entry::encode`).
pub fn encode_append(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = u32::try_from(entries.len()).expect("bounded by APPEND_ENTRIES_MAX");
    out.extend_from_slice(&count.to_be_bytes());
    for entry in entries {
        put_lp(&mut out, entry);
    }
    out
}

/// Splits an append into wire entries, which are not parsed yet.
pub fn decode_append(bytes: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    let mut reader = Reader::new(bytes);
    let count = reader.be32()? as usize;
    if count > limits::APPEND_ENTRIES_MAX {
        return Err(WireError::TooLong { max: limits::APPEND_ENTRIES_MAX });
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(reader.lp(limits::ENTRY_BYTES_MAX)?);
    }
    reader.finish()?;
    Ok(entries)
}

impl LogPage {
    /// Encodes the page.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.tip.seq.to_be_bytes());
        out.extend_from_slice(&self.tip.chain.0);
        out.extend_from_slice(&self.tip.incarnation.0);
        let count = u32::try_from(self.items.len()).expect("bounded by LOG_PAGE_ENTRIES_MAX");
        out.extend_from_slice(&count.to_be_bytes());
        for item in &self.items {
            match item {
                PageItem::Full(entry) => {
                    out.push(0);
                    put_lp(&mut out, entry);
                }
                PageItem::Bare { header, signature, body_hash } => {
                    out.push(1);
                    put_lp(&mut out, header);
                    out.extend_from_slice(signature);
                    out.extend_from_slice(&body_hash.0);
                }
            }
        }
        out
    }

    /// Decodes a page.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let tip = Tip {
            seq: reader.be64()?,
            chain: Hash(reader.array()?),
            incarnation: Incarnation(reader.array()?),
        };
        let count = reader.be32()? as usize;
        if count > limits::LOG_PAGE_ENTRIES_MAX {
            return Err(WireError::TooLong { max: limits::LOG_PAGE_ENTRIES_MAX });
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(match reader.u8()? {
                0 => PageItem::Full(reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec()),
                1 => PageItem::Bare {
                    header: reader.lp(limits::ENTRY_BYTES_MAX)?.to_vec(),
                    signature: reader.array()?,
                    body_hash: Hash(reader.array()?),
                },
                tag => return Err(WireError::UnknownTag { tag }),
            });
        }
        reader.finish()?;
        Ok(Self { tip, items })
    }
}

/// Encodes a framed batch of chunks.
pub fn encode_chunk_batch<'a>(chunks: impl IntoIterator<Item = (ChunkId, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, bytes) in chunks {
        out.extend_from_slice(&id.0);
        put_lp(&mut out, bytes);
    }
    out
}

/// Encodes the ids of a `have` question.
pub fn encode_have(ids: &[ChunkId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0).collect()
}

/// Decodes the ids of a `have` question.
pub fn decode_have(bytes: &[u8]) -> Result<Vec<ChunkId>, WireError> {
    if bytes.len() > limits::HAVE_IDS_MAX * ChunkId::LEN {
        return Err(WireError::TooLong { max: limits::HAVE_IDS_MAX });
    }
    let (ids, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(WireError::Truncated);
    }
    Ok(ids.iter().copied().map(ChunkId).collect())
}

/// Encodes the answer to `have`: one bit for each id, the first in the highest bit.
pub fn encode_bitmap(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8)
        .map(|byte| {
            byte.iter().enumerate().fold(0, |acc, (i, set)| acc | (u8::from(*set) << (7 - i)))
        })
        .collect()
}

/// Decodes the answer to `have` for `count` ids.
pub fn decode_bitmap(bytes: &[u8], count: usize) -> Result<Vec<bool>, WireError> {
    if bytes.len() != count.div_ceil(8) {
        return Err(WireError::Truncated);
    }
    Ok((0..count).map(|i| bytes[i / 8] & (0x80 >> (i % 8)) != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> LogPage {
        LogPage {
            tip: Tip { seq: 9, chain: Hash([3; 32]), incarnation: Incarnation([4; 16]) },
            items: vec![
                PageItem::Full(vec![1, 2, 3]),
                PageItem::Bare { header: vec![5], signature: [6; 64], body_hash: Hash([7; 32]) },
            ],
        }
    }

    #[test]
    fn a_page_survives_the_wire() {
        assert_eq!(LogPage::decode(&page().encode()), Ok(page()));
    }

    #[test]
    fn every_truncation_of_a_page_is_refused() {
        let bytes = page().encode();
        for len in 0..bytes.len() {
            assert!(LogPage::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn an_append_survives_the_wire_and_refuses_what_is_left_over() {
        let mut bytes = encode_append(&[vec![1], vec![], vec![2, 3]]);
        assert_eq!(decode_append(&bytes), Ok(vec![&[1][..], &[], &[2, 3]]));
        bytes.push(0);
        assert_eq!(decode_append(&bytes), Err(WireError::Trailing));
    }

    #[test]
    fn a_bitmap_keeps_its_order() {
        let bits = [true, false, false, true, true, false, false, false, true];
        assert_eq!(encode_bitmap(&bits), [0b1001_1000, 0b1000_0000]);
        assert_eq!(decode_bitmap(&encode_bitmap(&bits), 9), Ok(bits.to_vec()));
    }

    #[test]
    fn bytes_travel_in_json_as_base64url() {
        let text = serde_json::to_string(&Bytes(vec![0xfb, 0xff])).unwrap();
        assert_eq!(text, "\"-_8\"");
        assert_eq!(serde_json::from_str::<Bytes>(&text).unwrap(), Bytes(vec![0xfb, 0xff]));
    }
}
