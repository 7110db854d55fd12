//! A log state as snapshots hold it: a function of the log alone, in an encoding of its own.
//!
//! ```text
//! frozen = version u8 = 1 | postcard(Frozen)
//! ```
//!
//! Whose vault it is stands not in it: whoever thaws it knows that. Nothing in it is believed
//! that contradicts what the newcomer pins, and the log after it has to go on from it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{DeviceState, LogState, MemberState, SEEN_WINDOW};
use crate::id::{AccountId, DeviceId, Hash};
use crate::limits;
use crate::log::chain::ChainPoint;
use crate::log::entry::Header;
use crate::log::epoch::Role;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Frozen {
    at: ChainPoint,
    recent: VecDeque<Hash>,
    epoch: u32,
    members: BTreeMap<AccountId, MemberState>,
    devices: BTreeMap<DeviceId, DeviceState>,
}

impl LogState {
    /// The state for a snapshot.
    pub fn freeze(&self) -> Vec<u8> {
        let frozen = Frozen {
            at: self.at,
            recent: self.recent.clone(),
            epoch: self.epoch,
            members: self.members.clone(),
            devices: self.devices.clone(),
        };
        postcard::to_extend(&frozen, vec![VERSION]).expect("plain data always serialises")
    }

    /// The state of this vault as a snapshot of the place `at` holds it, which the entry with
    /// this header names; `None` if it is none, or of something else.
    pub fn thaw(&self, bytes: &[u8], at: ChainPoint, signed: &Header) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else {
            return None;
        };
        let (frozen, []) = postcard::take_from_bytes::<Frozen>(rest).ok()? else {
            return None;
        };
        let owner = frozen.members.get(&self.owner)?;
        let signer = frozen.devices.get(&signed.device)?;
        let known = usize::try_from(at.seq).map_or(SEEN_WINDOW, |seq| seq.min(SEEN_WINDOW));
        let fits = frozen.at == at
            && frozen.recent.len() == known
            && frozen.recent.back() == Some(&at.chain)
            && (1..=signed.epoch).contains(&frozen.epoch)
            && (owner.role, owner.identity) == (Role::Owner, self.owner_identity)
            && frozen.devices.len() <= limits::DEVICES_MAX
            && frozen.devices.iter().all(|(id, device)| device.public.device_id() == *id)
            && signer.account == self.owner
            && signer.revoked_at.is_none()
            && signer.dseq < signed.dseq
            && signer.seen_seq <= signed.seen_seq;
        let Frozen { recent, epoch, members, devices, .. } = frozen;
        let thawed = Self { at, recent, epoch, members, devices, ..self.from_the_start() };
        fits.then_some(thawed)
    }
}
