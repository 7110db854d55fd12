//! Reading the log without trusting who sent it.
//!
//! A [`LogState`] is what a replica knows of one vault's log, saved beside its cursor. Each
//! item of a page moves it by one place. Two kinds of trouble are kept apart:
//!
//! - a [`HistoryError`] is a contradiction between what the server shows now and what it
//!   showed this device or others. The state does not move; the caller stops and says so.
//! - a [`Refused`] entry is bad in itself. It has its place in the chain, is set aside, and
//!   the log goes on, so one bad entry never blocks a vault.
//!
//! An entry is accepted if the chain fits, a certified and unrevoked device of a member with
//! the role signed it, its counter and previous hash follow that device's last entry, what
//! it says it has seen is what this replica has at that place, and its epoch is the current
//! one. Opening the body and checking what is inside is the caller's next step.
//!
//! The server has *lives*. A state knows the one that its log was read from; another one, as
//! after a backup was put back, is adopted by an entry of kind *recovery* and by nothing else.
//! Until then the log may be read on, since what it says is verified whoever says it, and
//! [`LogState::is_of`] tells that the life is not adopted yet.
//!
//! What a device has seen is compared with the last `SEEN_WINDOW` chain values. For older
//! claims, as of a device long offline, it is only checked that they never go back.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::crypto::PublicKey;
use crate::crypto::hazmat::Crypto;
use crate::id::{AccountId, DeviceId, Hash, Incarnation, Seq, VaultId};
use crate::limits;
use crate::log::author::has_clear_body;
use crate::log::chain::ChainPoint;
use crate::log::entry::{EntryKind, Header};
use crate::log::epoch::{DeviceIntro, EpochRecord, Member, Role};
use crate::log::recovery::RecoveryRecord;
use crate::ordered;
use crate::proto::{LogPage, PageItem, Tip};

#[cfg(feature = "replica")]
mod beginning;
#[cfg(feature = "replica")]
mod frozen;
mod item;
mod known;
mod outcome;
#[cfg(feature = "replica")]
mod shared;

#[cfg(feature = "replica")]
pub use beginning::Beginning;
use item::Item;
pub use known::{DeviceState, MemberState};
pub use outcome::{Checked, CheckedBody, HistoryError, Refused, Step};
#[cfg(feature = "replica")]
pub use shared::Shared;

/// How many chain values are kept to compare with what other devices have seen.
pub const SEEN_WINDOW: usize = 512;

/// What a replica knows of a vault's log up to a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    vault: VaultId,
    owner: AccountId,
    owner_identity: PublicKey,
    at: ChainPoint,
    /// The life of the server; `None` before a tip was reached.
    incarnation: Option<Incarnation>,
    /// Chain values of the last places, the newest last.
    recent: VecDeque<Hash>,
    epoch: u32,
    members: BTreeMap<AccountId, MemberState>,
    devices: BTreeMap<DeviceId, DeviceState>,
}

impl LogState {
    /// Knows nothing yet of a vault but who owns it: the account and the identity under
    /// which the genesis entry must stand.
    pub fn new(vault: VaultId, owner: AccountId, owner_identity: PublicKey) -> Self {
        Self {
            vault,
            owner,
            owner_identity,
            at: ChainPoint::START,
            incarnation: None,
            recent: VecDeque::new(),
            epoch: 0,
            members: BTreeMap::new(),
            devices: BTreeMap::new(),
        }
    }

    /// The same vault and owner, with nothing read yet.
    pub fn from_the_start(&self) -> Self {
        Self::new(self.vault, self.owner, self.owner_identity)
    }

    /// The vault.
    pub fn vault(&self) -> VaultId {
        self.vault
    }

    /// The last verified place.
    pub fn at(&self) -> ChainPoint {
        self.at
    }

    /// The current epoch; 0 before the genesis entry.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A certified device.
    pub fn device(&self, device: &DeviceId) -> Option<&DeviceState> {
        self.devices.get(device)
    }

    /// All devices that were ever certified, by their ids.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceId, &DeviceState)> {
        self.devices.iter()
    }

    /// The members, by their accounts.
    pub fn members(&self) -> impl Iterator<Item = (&AccountId, &MemberState)> {
        self.members.iter()
    }

    /// A member.
    pub fn member(&self, account: &AccountId) -> Option<&MemberState> {
        self.members.get(account)
    }

    /// Says whether this is the life of the server that this state knows, if it knows one.
    pub fn is_of(&self, incarnation: &Incarnation) -> bool {
        self.incarnation.is_none_or(|known| known == *incarnation)
    }

    /// The chain value at a place, if it is among those that are kept.
    pub fn chain_at(&self, seq: Seq) -> Option<Hash> {
        if seq == 0 {
            return Some(ChainPoint::START.chain);
        }
        let back = usize::try_from(self.at.seq.checked_sub(seq)?).ok()?;
        let index = self.recent.len().checked_sub(back + 1)?;
        self.recent.get(index).copied()
    }

    /// Examines a page that was asked for after [`Self::at`]. On an error the state is what
    /// it was.
    pub async fn check_page<C: Crypto>(
        &mut self,
        crypto: &C,
        page: &LogPage,
    ) -> Result<Vec<Step>, HistoryError> {
        let (tip, at) = (page.tip, self.at);
        if tip.seq < at.seq {
            return Err(self.set_back(&tip));
        }
        if tip.seq > at.seq && page.items.is_empty() {
            return Err(HistoryError::Withheld { seq: at.seq });
        }
        let mut next = self.clone();
        let mut items: Vec<Option<Item>> =
            page.items.iter().map(|item| Item::new(item).ok()).collect();
        item::try_signatures(crypto, &self.devices, &mut items).await?;
        let mut steps = Vec::with_capacity(items.len());
        for item in items {
            steps.push(next.step(crypto, item).await?);
        }
        if next.at.seq > tip.seq || (next.at.seq == tip.seq && next.at.chain != tip.chain) {
            return Err(HistoryError::Forked { seq: tip.seq });
        }
        if next.at.seq == tip.seq {
            next.incarnation.get_or_insert(tip.incarnation);
        }
        *self = next;
        Ok(steps)
    }

    /// What a tip before the verified place is: a server that was restored lacks the rest.
    fn set_back(&self, tip: &Tip) -> HistoryError {
        if self.is_of(&tip.incarnation) {
            return HistoryError::RolledBack { at: self.at.seq, tip: tip.seq };
        }
        match self.chain_at(tip.seq) {
            Some(chain) if chain != tip.chain => HistoryError::Forked { seq: tip.seq },
            Some(_) | None => HistoryError::Lacks { tip: tip.seq },
        }
    }

    /// Examines the entry at the next place and moves there, unless history contradicts
    /// itself. [`Self::check_page`] compares with the page's tip too, and keeps the state
    /// whole on an error; after an error of this function the state is to be dropped.
    pub async fn check<C: Crypto>(
        &mut self,
        crypto: &C,
        item: &PageItem,
    ) -> Result<Step, HistoryError> {
        self.step(crypto, Item::new(item).ok()).await
    }

    async fn step<C: Crypto>(
        &mut self,
        crypto: &C,
        item: Option<Item>,
    ) -> Result<Step, HistoryError> {
        let seq = self.at.seq + 1;
        let item = item.ok_or(HistoryError::Unreadable { seq })?;
        let hash = item.hash;
        let point = self.at.extend(&hash);
        let outcome = self.examine(crypto, item, seq).await?;
        self.at = point;
        self.recent.push_back(point.chain);
        if self.recent.len() > SEEN_WINDOW {
            self.recent.pop_front();
        }
        Ok(Step { point, hash, outcome })
    }

    async fn examine<C: Crypto>(
        &mut self,
        crypto: &C,
        mut item: Item,
        seq: Seq,
    ) -> Result<Result<Checked, Refused>, HistoryError> {
        let header = match item.decoded.take() {
            Some(header) => header,
            None if seq == 1 => return Err(HistoryError::WrongGenesis),
            None => return Ok(Err(Refused::Malformed)),
        };
        if item.body.is_none() && has_clear_body(header.kind) {
            return Err(HistoryError::BodyNeeded { seq });
        }
        if seq == 1 {
            let record = self.begin(crypto, &item, &header).await?;
            let body = CheckedBody::Epoch(record);
            return Ok(Ok(Checked { header, header_bytes: item.header, body }));
        }
        if header.vault != Some(self.vault) {
            return Ok(Err(Refused::OtherVault));
        }
        let mut device = match self.signer(crypto, &item, &header).await? {
            Ok(device) => device,
            Err(refused) => return Ok(Err(refused)),
        };
        if !item.is_signed_by(crypto, &device.public).await? {
            return Ok(Err(Refused::BadSignature));
        }
        if let Err(refused) = self.follows(&device, &header, seq)? {
            return Ok(Err(refused));
        }
        // From here on the entry is the device's next one, whatever it is worth: its
        // counter moves even if the entry is refused, or all that follow would be too.
        device.dseq = header.dseq;
        device.prev = item.hash;
        device.seen_seq = header.seen_seq;
        let account = device.account;
        self.devices.insert(header.device, device);
        if let Err(refused) = self.allowed(&header, &account) {
            return Ok(Err(refused));
        }
        let body = match self.take_body(crypto, item.body, item.body_hash, &header, seq).await? {
            Ok(body) => body,
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(Ok(Checked { header, header_bytes: item.header, body }))
    }

    /// Checks and applies the genesis entry.
    async fn begin<C: Crypto>(
        &mut self,
        crypto: &C,
        item: &Item,
        header: &Header,
    ) -> Result<EpochRecord, HistoryError> {
        let wrong = HistoryError::WrongGenesis;
        let body = item.body.as_deref().ok_or(wrong)?;
        let record = EpochRecord::decode(body).map_err(|_| wrong)?;
        let [certificate] = &record.certificates[..] else {
            return Err(wrong);
        };
        let [owner] = &record.members[..] else {
            return Err(wrong);
        };
        let fits = item.hash.0 == self.vault.0
            && header.kind == EntryKind::Epoch
            && header.vault.is_none()
            && (header.dseq, header.prev) == (1, Hash([0; 32]))
            && (header.seen_seq, header.seen_chain) == (0, ChainPoint::START.chain)
            && (header.epoch, record.epoch) == (1, 1)
            && record.tip == ChainPoint::START
            && record.revoked.is_empty()
            && (owner.account, owner.identity, owner.role)
                == (self.owner, self.owner_identity, Role::Owner)
            && (certificate.account, certificate.device()) == (self.owner, header.device);
        if !fits
            || !certificate.verify(crypto, &self.owner_identity).await?
            || !item.is_signed_by(crypto, &certificate.public).await?
        {
            return Err(wrong);
        }
        let member = MemberState { role: Role::Owner, identity: owner.identity };
        self.members.insert(owner.account, member);
        let mut device = DeviceState::new(certificate.account, certificate.public);
        (device.dseq, device.prev) = (1, item.hash);
        self.devices.insert(header.device, device);
        self.epoch = 1;
        Ok(record)
    }

    /// Finds who signs: a known device, or one whose introduction this is.
    async fn signer<C: Crypto>(
        &self,
        crypto: &C,
        item: &Item,
        header: &Header,
    ) -> Result<Result<DeviceState, Refused>, HistoryError> {
        if let Some(device) = self.devices.get(&header.device) {
            let revoked = device.revoked_at.is_some();
            return Ok(if revoked { Err(Refused::DeviceRevoked) } else { Ok(device.clone()) });
        }
        let (EntryKind::Device, Some(body)) = (header.kind, &item.body) else {
            return Ok(Err(Refused::UnknownDevice));
        };
        let Ok(intro) = DeviceIntro::decode(body) else {
            return Ok(Err(Refused::Malformed));
        };
        let certificate = intro.certificate;
        let Some(member) = self.members.get(&certificate.account) else {
            return Ok(Err(Refused::UnknownDevice));
        };
        let valid = certificate.device() == header.device
            && self.devices.len() < limits::DEVICES_MAX
            && certificate.verify(crypto, &member.identity).await?;
        Ok(if valid {
            Ok(DeviceState::new(certificate.account, certificate.public))
        } else {
            Err(Refused::CertificateInvalid)
        })
    }

    /// Checks that an entry follows its device's last one and what both have seen.
    fn follows(
        &self,
        device: &DeviceState,
        header: &Header,
        seq: Seq,
    ) -> Result<Result<(), Refused>, HistoryError> {
        if header.dseq <= device.dseq {
            return Ok(Err(Refused::Replayed));
        }
        if header.dseq != device.dseq + 1 {
            return Err(HistoryError::EntryMissing { seq });
        }
        if header.prev != device.prev {
            return Ok(Err(Refused::DeviceForked));
        }
        let seen = match self.chain_at(header.seen_seq) {
            Some(chain) => chain == header.seen_chain,
            None => header.seen_seq <= self.at.seq,
        };
        if !seen {
            return Err(HistoryError::SeenOther { seq, seen_seq: header.seen_seq });
        }
        Ok(if header.seen_seq < device.seen_seq { Err(Refused::SeenLess) } else { Ok(()) })
    }

    fn allowed(&self, header: &Header, account: &AccountId) -> Result<(), Refused> {
        let (epoch, least) = match header.kind {
            EntryKind::Epoch => (self.epoch + 1, Role::Admin),
            EntryKind::Recovery => (self.epoch, Role::Admin),
            EntryKind::Device | EntryKind::Heartbeat => (self.epoch, Role::Reader),
            EntryKind::Change | EntryKind::Snapshot | EntryKind::Gc | EntryKind::Share => {
                (self.epoch, Role::Writer)
            }
        };
        if header.epoch != epoch {
            return Err(Refused::EpochStale);
        }
        let member = self.members.get(account).ok_or(Refused::RoleTooLow)?;
        if member.role < least { Err(Refused::RoleTooLow) } else { Ok(()) }
    }

    async fn take_body<C: Crypto>(
        &mut self,
        crypto: &C,
        body: Option<Vec<u8>>,
        body_hash: Hash,
        header: &Header,
        seq: Seq,
    ) -> Result<Result<CheckedBody, Refused>, HistoryError> {
        let Some(body) = body else {
            return Ok(Ok(CheckedBody::Held(body_hash)));
        };
        match header.kind {
            EntryKind::Epoch => {
                let Ok(record) = EpochRecord::decode(&body) else {
                    return Ok(Err(Refused::Malformed));
                };
                let applied = self.apply_epoch(crypto, &record, header, seq).await?;
                Ok(applied.map(|()| CheckedBody::Epoch(record)))
            }
            EntryKind::Device => {
                let Ok(intro) = DeviceIntro::decode(&body) else {
                    return Ok(Err(Refused::Malformed));
                };
                let known = &self.devices[&header.device];
                let certificate = &intro.certificate;
                let same =
                    (certificate.account, certificate.public) == (known.account, known.public);
                Ok(if same {
                    Ok(CheckedBody::Device(intro))
                } else {
                    Err(Refused::CertificateInvalid)
                })
            }
            EntryKind::Recovery => {
                let Ok(record) = RecoveryRecord::decode(&body) else {
                    return Ok(Err(Refused::Malformed));
                };
                if self.chain_at(record.tip.seq) != Some(record.tip.chain) {
                    return Ok(Err(Refused::RecoveryInvalid));
                }
                self.incarnation = Some(record.incarnation);
                Ok(Ok(CheckedBody::Recovery(record.incarnation)))
            }
            EntryKind::Change
            | EntryKind::Snapshot
            | EntryKind::Heartbeat
            | EntryKind::Gc
            | EntryKind::Share => Ok(Ok(CheckedBody::Sealed(body))),
        }
    }

    /// Checks and applies a later epoch record.
    async fn apply_epoch<C: Crypto>(
        &mut self,
        crypto: &C,
        record: &EpochRecord,
        header: &Header,
        seq: Seq,
    ) -> Result<Result<(), Refused>, HistoryError> {
        let signer = self.members[&self.devices[&header.device].account].role;
        let tip = ChainPoint { seq: header.seen_seq, chain: header.seen_chain };
        let member = |m: &Member| (m.account, MemberState { role: m.role, identity: m.identity });
        let members = ordered::map(record.members.iter().map(member));
        // Identities are pinned, and only an owner makes or unmakes owners.
        let kept = members
            .iter()
            .all(|(a, m)| self.members.get(a).is_none_or(|was| was.identity == m.identity));
        let owners = |members: &BTreeMap<AccountId, MemberState>| -> Vec<AccountId> {
            members.iter().filter(|(_, m)| m.role == Role::Owner).map(|(a, _)| *a).collect()
        };
        let (before, after) = (owners(&self.members), owners(&members));
        let owners_fit = !after.is_empty() && (signer == Role::Owner || before == after);
        if record.epoch != header.epoch || record.tip != tip || !kept || !owners_fit {
            return Ok(Err(Refused::EpochInvalid));
        }
        let mut devices = self.devices.clone();
        for certificate in &record.certificates {
            let Some(member) = members.get(&certificate.account) else {
                return Ok(Err(Refused::CertificateInvalid));
            };
            if !certificate.verify(crypto, &member.identity).await? {
                return Ok(Err(Refused::CertificateInvalid));
            }
            let state = DeviceState::new(certificate.account, certificate.public);
            devices.entry(certificate.device()).or_insert(state);
        }
        if devices.len() > limits::DEVICES_MAX {
            return Ok(Err(Refused::CertificateInvalid));
        }
        for revoked in &record.revoked {
            if let Some(device) = devices.get_mut(revoked) {
                device.revoked_at.get_or_insert(seq);
            }
        }
        self.devices = devices;
        self.members = members;
        self.epoch = record.epoch;
        Ok(Ok(()))
    }
}
