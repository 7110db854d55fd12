//! What examining the log can come to: an entry to open, an entry set aside, or a
//! contradiction. The parent module says which is which.

use serde::{Deserialize, Serialize};

use crate::crypto::CryptoError;
use crate::id::{Hash, Incarnation, Seq};
use crate::log::chain::ChainPoint;
use crate::log::entry::Header;
use crate::log::epoch::{DeviceIntro, EpochRecord};

/// One place of the log, examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The place and the chain there.
    pub point: ChainPoint,
    /// The entry's hash.
    pub hash: Hash,
    /// What the entry is worth.
    pub outcome: Result<Checked, Refused>,
}

/// An entry that may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The header.
    pub header: Header,
    /// The header's bytes, to which the body is sealed.
    pub header_bytes: Vec<u8>,
    /// The body.
    pub body: CheckedBody,
}

/// The body of a checked entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckedBody {
    /// Sealed under the secret of the header's epoch: `author::open_body`.
    Sealed(Vec<u8>),
    /// Not sent: the reader has a body with this hash, or it was pruned.
    Held(Hash),
    /// An epoch record, already applied to the state.
    Epoch(EpochRecord),
    /// A device's introduction, already applied to the state.
    Device(DeviceIntro),
    /// Another life of the server, already adopted by the state.
    Recovery(Incarnation),
}

/// Reports an entry that is bad in itself; it is set aside and the log goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refused {
    /// Header or clear body do not decode; perhaps a later version wrote them.
    #[error("the entry is malformed or of a later version")]
    Malformed,
    /// It belongs to another vault, or is a second genesis.
    #[error("the entry belongs to another vault")]
    OtherVault,
    /// No certificate in the log covers the device.
    #[error("the entry is by an unknown device")]
    UnknownDevice,
    /// The device is revoked.
    #[error("the entry is by a revoked device")]
    DeviceRevoked,
    /// The signature does not verify.
    #[error("the signature is wrong")]
    BadSignature,
    /// The device has written this counter already.
    #[error("the device's counter was used before")]
    Replayed,
    /// It does not follow the device's last entry: two copies of a device write.
    #[error("the entry does not follow the device's last one")]
    DeviceForked,
    /// The device claims to have seen less than before.
    #[error("the device has seen less than before")]
    SeenLess,
    /// The epoch is not the current one.
    #[error("the entry's epoch is not the current one")]
    EpochStale,
    /// Its account is no member, or its role does not allow this.
    #[error("the member's role does not allow this")]
    RoleTooLow,
    /// A certificate is not by its account's identity, or there are too many devices.
    #[error("a certificate is not valid")]
    CertificateInvalid,
    /// The epoch record does what no record may: skip a number, change an identity, touch
    /// an owner.
    #[error("the epoch record is not valid")]
    EpochInvalid,
    /// The recovery names a tip that is not in this log.
    #[error("the recovery names another history")]
    RecoveryInvalid,
    /// It calls chunks dead that this replica sees named.
    #[error("it calls chunks dead that are still needed")]
    StillNamed,
    /// The snapshot is not what this replica makes of the log.
    #[error("the snapshot is not what the log makes")]
    SnapshotFalse,
}

/// Reports that the server's history contradicts itself or what others have seen. Nothing
/// more is taken from it until a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The first entry does not hash to the vault, or is not the owner's.
    #[error("the genesis entry is not this vault's")]
    WrongGenesis,
    /// The tip lies before what this device has verified.
    #[error("the log was rolled back from {at} to {tip}")]
    RolledBack {
        /// Verified here.
        at: Seq,
        /// Shown now.
        tip: Seq,
    },
    /// The chain at the tip is another one.
    #[error("the log's history was changed at or before {seq}")]
    Forked {
        /// The tip.
        seq: Seq,
    },
    /// The tip lies before what this device has verified, and the server has another life:
    /// it was restored from a backup, and lacks what comes after the tip.
    #[error("the server was restored from a backup, and lacks what follows {tip}")]
    Lacks {
        /// Shown now.
        tip: Seq,
    },
    /// A device has signed that it saw another history.
    #[error("a device saw another history up to {seen_seq}, as of {seq}")]
    SeenOther {
        /// The entry's place.
        seq: Seq,
        /// What the device had seen.
        seen_seq: Seq,
    },
    /// A device's entries before this one are missing.
    #[error("entries before {seq} are missing")]
    EntryMissing {
        /// The entry's place.
        seq: Seq,
    },
    /// The tip is further on, and the page shows nothing of it.
    #[error("the server withholds what follows {seq}")]
    Withheld {
        /// Verified here.
        seq: Seq,
    },
    /// The bytes at this place are no entry at all.
    #[error("there is no entry at {seq}")]
    Unreadable {
        /// The place.
        seq: Seq,
    },
    /// Not a contradiction: an epoch or device entry came without its body. Read it again
    /// in full.
    #[error("the body at {seq} is needed")]
    BodyNeeded {
        /// The place.
        seq: Seq,
    },
    /// Not a contradiction: the platform's cryptography failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
