//! Epoch records and device introductions: the clear, signed bodies of the log.
//!
//! ```text
//! epoch  = "of/epoch" | version u8 | be32 epoch | commit[32] | be64 tip_seq | tip_chain[32]
//!        | be32 n | n × (account[16] | role u8 | public[65] | wrap kind u8 | lp(wrap))
//!        | lp(previous) | be32 k | k × lp(certificate) | be32 r | r × device[16]
//! commit = HKDF-SHA-384(VK_e, no salt, "of/epoch/commit" | be32 epoch)[0..32]
//! wrap 1 = SEAL(type 5, secret = AMK, scope = account, bind = "of/epoch/wrap" | commit,
//!          epoch = e) of VK_e;   wrap 2 = HPKE to the member's key, reserved
//! previous = SEAL(type 6, secret = VK_e, scope = vault, epoch = e) of VK_{e-1}; empty at first
//! device = "of/intro" | version u8 | lp(certificate) | lp(name)
//! name   = SEAL(type 4, secret = VK_e, scope = vault, bind = device id), or empty
//! ```
//!
//! Members stand in the order of their accounts, each once, so a record has one encoding.
//! The first record is the genesis entry, whose hash names the vault; it certifies the
//! device that signs it. `docs/format.md`, "Vault and epochs".

use serde::{Deserialize, Serialize};

use crate::account::device::{CERTIFICATE_BYTES, DeviceCertificate};
use crate::crypto::envelope::{self, Binding, SealType, equal_in_constant_time};
use crate::crypto::hazmat::Crypto;
use crate::crypto::{CryptoError, PublicKey, RawKey};
use crate::id::{AccountId, DeviceId, Hash, VaultId};
use crate::limits;
use crate::log::author::{self, AuthorError};
use crate::log::chain::ChainPoint;
use crate::log::entry::{Entry, EntryKind, Header};
use crate::proto::{Reader, WireError, put_lp};

mod next;

pub use next::NextEpoch;

const EPOCH_MAGIC: &[u8; 8] = b"of/epoch";
const INTRO_MAGIC: &[u8; 8] = b"of/intro";
const VERSION: u8 = 1;
/// A wrap is a SEAL of 32 bytes, or HPKE's encapsulated key and ciphertext.
const WRAP_BYTES_MAX: usize = 1024;

/// What a member may do; each role may do all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Role {
    /// Reads, and says what it has seen.
    Reader = 1,
    /// Changes content.
    Writer = 2,
    /// Changes members.
    Admin = 3,
    /// Cannot be removed by others.
    Owner = 4,
}

impl Role {
    fn from_u8(tag: u8) -> Result<Self, WireError> {
        Ok(match tag {
            1 => Self::Reader,
            2 => Self::Writer,
            3 => Self::Admin,
            4 => Self::Owner,
            tag => return Err(WireError::UnknownTag { tag }),
        })
    }
}

/// The epoch's secret for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrap {
    /// Sealed under the member's account master key.
    Master(Vec<u8>),
    /// By HPKE to the member's key. This version carries it along and cannot open it.
    Hpke(Vec<u8>),
}

/// A member of a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// What it may do.
    pub role: Role,
    /// Its identity, which certifies its devices.
    pub identity: PublicKey,
    /// The epoch's secret for it.
    pub wrap: Wrap,
}

/// The body of an epoch entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRecord {
    /// Counts up from 1.
    pub epoch: u32,
    /// Commits to the epoch's secret.
    pub commit: [u8; 32],
    /// The log's tip that the writer had verified.
    pub tip: ChainPoint,
    /// All members, in the order of their accounts.
    pub members: Vec<Member>,
    /// The secret of the epoch before, sealed under this one's; empty in the first.
    pub previous: Vec<u8>,
    /// Devices certified by the record itself: the signer's, in the genesis entry.
    pub certificates: Vec<DeviceCertificate>,
    /// Devices that are revoked from here on.
    pub revoked: Vec<DeviceId>,
}

impl EpochRecord {
    /// Encodes the record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = EPOCH_MAGIC.to_vec();
        out.push(VERSION);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.commit);
        out.extend_from_slice(&self.tip.seq.to_be_bytes());
        out.extend_from_slice(&self.tip.chain.0);
        put_count(&mut out, self.members.len());
        for member in &self.members {
            out.extend_from_slice(&member.account.0);
            out.push(member.role as u8);
            out.extend_from_slice(&member.identity.0);
            let (kind, wrap) = match &member.wrap {
                Wrap::Master(wrap) => (1, wrap),
                Wrap::Hpke(wrap) => (2, wrap),
            };
            out.push(kind);
            put_lp(&mut out, wrap);
        }
        put_lp(&mut out, &self.previous);
        put_count(&mut out, self.certificates.len());
        for certificate in &self.certificates {
            put_lp(&mut out, &certificate.encode());
        }
        put_count(&mut out, self.revoked.len());
        for device in &self.revoked {
            out.extend_from_slice(&device.0);
        }
        out
    }

    /// Decodes a record; nothing in it is verified.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        magic(&mut reader, EPOCH_MAGIC)?;
        let epoch = reader.be32()?;
        let commit = reader.array()?;
        let tip = ChainPoint { seq: reader.be64()?, chain: Hash(reader.array()?) };
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..count(&mut reader, limits::MEMBERS_MAX)? {
            let member = decode_member(&mut reader)?;
            if members.last().is_some_and(|last| last.account >= member.account) {
                return Err(WireError::UnknownTag { tag: member.account.0[0] });
            }
            members.push(member);
        }
        let previous = reader.lp(WRAP_BYTES_MAX)?.to_vec();
        let mut certificates = Vec::new();
        for _ in 0..count(&mut reader, limits::DEVICES_MAX)? {
            certificates.push(DeviceCertificate::decode(reader.lp(CERTIFICATE_BYTES)?)?);
        }
        let mut revoked = Vec::new();
        for _ in 0..count(&mut reader, limits::DEVICES_MAX)? {
            revoked.push(DeviceId(reader.array()?));
        }
        reader.finish()?;
        Ok(Self { epoch, commit, tip, members, previous, certificates, revoked })
    }

    /// Opens the epoch's secret with a member's master key and checks the commitment.
    pub async fn open_secret<C: Crypto>(
        &self,
        crypto: &C,
        account: &AccountId,
        master: &C::Secret,
    ) -> Result<C::Secret, CryptoError> {
        let raw = self.open_raw(crypto, account, master).await?;
        crypto.import_secret(raw.as_bytes()).await
    }

    /// Opens the bytes of the epoch's secret, to be sealed under the next one's.
    async fn open_raw<C: Crypto>(
        &self,
        crypto: &C,
        account: &AccountId,
        master: &C::Secret,
    ) -> Result<RawKey, CryptoError> {
        let member = self.members.iter().find(|m| m.account == *account);
        let Some(Member { wrap: Wrap::Master(wrap), .. }) = member else {
            return Err(CryptoError::CannotOpen);
        };
        let bind = wrap_bind(&self.commit);
        let binding = wrap_binding(account, self.epoch, &bind);
        let key = envelope::open(crypto, master, &binding, wrap).await?;
        let secret = crypto.import_secret(&key).await?;
        let commit = commitment(crypto, &secret, self.epoch).await?;
        if equal_in_constant_time(&commit, &self.commit) {
            RawKey::from_slice(&key).ok_or(CryptoError::CannotOpen)
        } else {
            Err(CryptoError::CannotOpen)
        }
    }
}

/// The body of a device entry: a device introduces itself, or takes another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIntro {
    /// The identity's word for it.
    pub certificate: DeviceCertificate,
    /// Its name, sealed under the epoch's secret; may be empty.
    pub name: Vec<u8>,
}

impl DeviceIntro {
    /// Introduces a device under a name of at most `limits::DEVICE_NAME_BYTES_MAX`.
    pub async fn seal<C: Crypto>(
        crypto: &C,
        secret: &C::Secret,
        place: (&VaultId, u32),
        salt: &[u8; 32],
        certificate: DeviceCertificate,
        name: &str,
    ) -> Result<Self, CryptoError> {
        let max = limits::DEVICE_NAME_BYTES_MAX;
        if name.len() > max {
            return Err(CryptoError::TooLong { max });
        }
        let device = certificate.device();
        let binding = name_binding(place.0, place.1, &device);
        let name = envelope::seal(crypto, secret, &binding, salt, name.as_bytes()).await?;
        Ok(Self { certificate, name })
    }

    /// Opens the name under the secret of the entry's epoch; `None` if there is none.
    pub async fn open_name<C: Crypto>(
        &self,
        crypto: &C,
        secret: &C::Secret,
        vault: &VaultId,
        epoch: u32,
    ) -> Result<Option<String>, CryptoError> {
        if self.name.is_empty() {
            return Ok(None);
        }
        let device = self.certificate.device();
        let binding = name_binding(vault, epoch, &device);
        let name = envelope::open(crypto, secret, &binding, &self.name).await?;
        if name.len() > limits::DEVICE_NAME_BYTES_MAX {
            return Err(CryptoError::CannotOpen);
        }
        String::from_utf8(name).map(Some).map_err(|_| CryptoError::CannotOpen)
    }

    /// Encodes the body.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = INTRO_MAGIC.to_vec();
        out.push(VERSION);
        put_lp(&mut out, &self.certificate.encode());
        put_lp(&mut out, &self.name);
        out
    }

    /// Decodes a body; nothing in it is verified.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        magic(&mut reader, INTRO_MAGIC)?;
        let certificate = DeviceCertificate::decode(reader.lp(CERTIFICATE_BYTES)?)?;
        let name = reader.lp(WRAP_BYTES_MAX)?.to_vec();
        reader.finish()?;
        Ok(Self { certificate, name })
    }
}

/// What a new vault starts from; salt and secret are fresh and random.
pub struct NewVault<'a, C: Crypto> {
    /// The account that will own it.
    pub account: AccountId,
    /// Its identity.
    pub identity: PublicKey,
    /// Its master key.
    pub master: &'a C::Secret,
    /// The certificate of the device that signs.
    pub certificate: DeviceCertificate,
    /// That device's key.
    pub signing: &'a C::SigningKey,
    /// The first epoch's secret.
    pub secret: RawKey,
    /// For the wrap.
    pub salt: [u8; 32],
}

/// A vault's first entry.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// The entry.
    pub entry: Entry,
    /// The vault that it names.
    pub vault: VaultId,
}

/// Writes the genesis entry: epoch 1, one owner, one device.
pub async fn create_vault<C: Crypto>(
    crypto: &C,
    new: NewVault<'_, C>,
) -> Result<Genesis, AuthorError> {
    let secret = crypto.import_secret(new.secret.as_bytes()).await?;
    let commit = commitment(crypto, &secret, 1).await?;
    let member = (&new.account, 1);
    let wrap = wrap_secret(crypto, new.master, member, &new.salt, &new.secret).await?;
    let header = Header {
        kind: EntryKind::Epoch,
        vault: None,
        device: new.certificate.device(),
        dseq: 1,
        prev: Hash([0; 32]),
        seen_seq: 0,
        seen_chain: ChainPoint::START.chain,
        epoch: 1,
        streams: Vec::new(),
        chunks: Vec::new(),
    };
    let record = EpochRecord {
        epoch: 1,
        commit,
        tip: ChainPoint::START,
        members: vec![Member {
            account: new.account,
            role: Role::Owner,
            identity: new.identity,
            wrap,
        }],
        previous: Vec::new(),
        certificates: vec![new.certificate],
        revoked: Vec::new(),
    };
    let entry = author::write_clear(crypto, &header, record.encode(), new.signing).await?;
    let vault = VaultId(entry.hash().0);
    Ok(Genesis { entry, vault })
}

/// Computes the commitment to an epoch's secret.
pub async fn commitment<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    epoch: u32,
) -> Result<[u8; 32], CryptoError> {
    let mut info = b"of/epoch/commit".to_vec();
    info.extend_from_slice(&epoch.to_be_bytes());
    let bytes = crypto.derive_bytes(secret, &[], &info, 32).await?;
    bytes.try_into().map_err(|_| CryptoError::Platform)
}

/// Seals an epoch's secret for a member, under its account master key.
pub async fn wrap_secret<C: Crypto>(
    crypto: &C,
    master: &C::Secret,
    member: (&AccountId, u32),
    salt: &[u8; 32],
    secret: &RawKey,
) -> Result<Wrap, CryptoError> {
    let (account, epoch) = member;
    let imported = crypto.import_secret(secret.as_bytes()).await?;
    let bind = wrap_bind(&commitment(crypto, &imported, epoch).await?);
    let binding = wrap_binding(account, epoch, &bind);
    envelope::seal(crypto, master, &binding, salt, secret.as_bytes()).await.map(Wrap::Master)
}

/// Seals the secret of the epoch before under this one's, so that newcomers can walk back.
pub async fn seal_previous<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    place: (&VaultId, u32),
    salt: &[u8; 32],
    previous: &RawKey,
) -> Result<Vec<u8>, CryptoError> {
    let binding = previous_binding(place.0, place.1);
    envelope::seal(crypto, secret, &binding, salt, previous.as_bytes()).await
}

/// Opens the secret of the epoch before; `CannotOpen` if the record has none. The caller
/// compares it with the commitment of that epoch's own record.
pub async fn open_previous<C: Crypto>(
    crypto: &C,
    secret: &C::Secret,
    vault: &VaultId,
    record: &EpochRecord,
) -> Result<C::Secret, CryptoError> {
    let binding = previous_binding(vault, record.epoch);
    let key = envelope::open(crypto, secret, &binding, &record.previous).await?;
    crypto.import_secret(&key).await
}

fn previous_binding(vault: &VaultId, epoch: u32) -> Binding<'_> {
    Binding { kind: SealType::EpochPrevious, epoch, scope: &vault.0, bind: &[] }
}

fn wrap_bind(commit: &[u8; 32]) -> Vec<u8> {
    let mut bind = b"of/epoch/wrap".to_vec();
    bind.extend_from_slice(commit);
    bind
}

fn wrap_binding<'a>(account: &'a AccountId, epoch: u32, bind: &'a [u8]) -> Binding<'a> {
    Binding { kind: SealType::EpochWrap, epoch, scope: &account.0, bind }
}

fn name_binding<'a>(vault: &'a VaultId, epoch: u32, device: &'a DeviceId) -> Binding<'a> {
    Binding { kind: SealType::DeviceName, epoch, scope: &vault.0, bind: &device.0 }
}

fn decode_member(reader: &mut Reader<'_>) -> Result<Member, WireError> {
    let account = AccountId(reader.array()?);
    let role = Role::from_u8(reader.u8()?)?;
    let identity = PublicKey(reader.array()?);
    let kind = reader.u8()?;
    let bytes = reader.lp(WRAP_BYTES_MAX)?.to_vec();
    let wrap = match kind {
        1 => Wrap::Master(bytes),
        2 => Wrap::Hpke(bytes),
        tag => return Err(WireError::UnknownTag { tag }),
    };
    Ok(Member { account, role, identity, wrap })
}

fn magic(reader: &mut Reader<'_>, expected: &[u8; 8]) -> Result<(), WireError> {
    let found = reader.array::<8>()?;
    if found != *expected {
        return Err(WireError::UnknownTag { tag: found[3] });
    }
    match reader.u8()? {
        VERSION => Ok(()),
        tag => Err(WireError::UnknownTag { tag }),
    }
}

fn count(reader: &mut Reader<'_>, max: usize) -> Result<usize, WireError> {
    let count = reader.be32()? as usize;
    if count > max { Err(WireError::TooLong { max }) } else { Ok(count) }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("bounded by limits");
    out.extend_from_slice(&count.to_be_bytes());
}
