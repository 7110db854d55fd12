//! Presence: what a device tells the others for the moment, that it is in a text and where.
//!
//! It is sealed like everything else and passes the server, which keeps none of it; no log
//! and no device keeps it either. All are of one length, so that length says nothing.
//!
//! ```text
//! plain = version u8 = 1 | word u8 | device[16] | visit[16] | be64 count | node[16]
//!       | base[32] | place | place | n u8 | n × visit[16] | zeros to 412 bytes
//! word  = 0 leaves | 1 is there | 2 is there, and its cursor stands from place to place
//! place = tag u8 | be32 at | be32 op | device[16] | be32 slot      tag 1 end | 2 base | 3 typed
//! sealed = SEAL of type 7, scope the vault, nothing bound
//! ```
//!
//! What it stands for is inside: device, text and *visit*, a random name of one opening, whose
//! presences are counted. A presence names the visits that its writer has heard. Only what
//! names one's own visit is believed, since it was written after that began: what a server kept
//! from yesterday is not ([`room`]). `docs/format.md`, "Presence".

pub mod room;

use crate::crypto::CryptoError;
use crate::crypto::envelope::{self, Binding, SealType};
use crate::crypto::hazmat::Crypto;
use crate::id::{DeviceId, Hash, NodeId, VaultId, VisitId};
use crate::limits;
use crate::proto::{Reader, WireError};
use crate::text::{Actor, Place};

const VERSION: u8 = 1;
const PLACE_BYTES: usize = 29;

/// What a device tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub device: DeviceId,
    /// In which opening of the text.
    pub visit: VisitId,
    /// Counts the presences of this visit.
    pub count: u64,
    /// The text.
    pub node: NodeId,
    /// Where in it; `None` if it leaves.
    pub here: Option<Here>,
    /// The others that were heard, at most [`limits::PRESENCE_OTHERS_MAX`].
    pub heard: Vec<VisitId>,
}

/// Where somebody is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Here {
    /// Names the content that the document began with.
    pub base: Hash,
    /// Where the cursor is, if it stands anywhere.
    pub cursor: Option<Selected>,
}

/// A cursor, or what is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Where the selection began.
    pub anchor: Place,
    /// Where it ends, and the cursor stands.
    pub head: Place,
}

impl Presence {
    /// Encodes it. All are of one length.
    pub fn encode(&self) -> Vec<u8> {
        let nowhere = Here { base: Hash([0; 32]), cursor: None };
        let here = self.here.unwrap_or(nowhere);
        let word = u8::from(self.here.is_some()) + u8::from(here.cursor.is_some());
        let mut out = Vec::with_capacity(limits::PRESENCE_PLAIN_BYTES);
        out.extend_from_slice(&[VERSION, word]);
        out.extend_from_slice(self.device.as_bytes());
        out.extend_from_slice(self.visit.as_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(self.node.as_bytes());
        out.extend_from_slice(here.base.as_bytes());
        put_place(&mut out, here.cursor.map(|cursor| cursor.anchor));
        put_place(&mut out, here.cursor.map(|cursor| cursor.head));
        let heard = &self.heard[..self.heard.len().min(limits::PRESENCE_OTHERS_MAX)];
        out.push(heard.len() as u8);
        heard.iter().for_each(|visit| out.extend_from_slice(visit.as_bytes()));
        out.resize(limits::PRESENCE_PLAIN_BYTES, 0);
        out
    }

    /// Decodes one; only what [`Self::encode`] writes is one.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let (version, word) = (reader.u8()?, reader.u8()?);
        if version != VERSION {
            return Err(WireError::UnknownTag { tag: version });
        }
        let (device, visit) = (DeviceId(reader.array()?), VisitId(reader.array()?));
        let (count, node) = (reader.be64()?, NodeId(reader.array()?));
        let base = Hash(reader.array()?);
        let (anchor, head) = (take_place(&mut reader)?, take_place(&mut reader)?);
        let cursor = anchor.zip(head).map(|(anchor, head)| Selected { anchor, head });
        let here = (word > 0).then_some(Here { base, cursor });
        let count_heard = usize::from(reader.u8()?);
        if count_heard > limits::PRESENCE_OTHERS_MAX {
            return Err(WireError::TooLong { max: limits::PRESENCE_OTHERS_MAX });
        }
        let heard = reader.take(count_heard * VisitId::LEN)?.chunks_exact(VisitId::LEN);
        let heard = heard.filter_map(VisitId::from_slice).collect();
        let decoded = Self { device, visit, count, node, here, heard };
        if decoded.encode() == bytes { Ok(decoded) } else { Err(WireError::Trailing) }
    }

    /// Seals it for the members of a vault. `salt` must be fresh and random.
    pub async fn seal<C: Crypto>(
        &self,
        crypto: &C,
        secret: &C::Secret,
        vault: &VaultId,
        epoch: u32,
        salt: &[u8; 32],
    ) -> Result<Vec<u8>, CryptoError> {
        envelope::seal(crypto, secret, &binding(vault, epoch), salt, &self.encode()).await
    }

    /// Opens one that was sealed in this epoch of the vault.
    pub async fn open<C: Crypto>(
        crypto: &C,
        secret: &C::Secret,
        vault: &VaultId,
        epoch: u32,
        sealed: &[u8],
    ) -> Result<Self, CryptoError> {
        if sealed.len() != limits::PRESENCE_SEALED_BYTES {
            return Err(CryptoError::CannotOpen);
        }
        let plain = envelope::open(crypto, secret, &binding(vault, epoch), sealed).await?;
        Self::decode(&plain).map_err(|_| CryptoError::CannotOpen)
    }
}

fn binding(vault: &VaultId, epoch: u32) -> Binding<'_> {
    Binding { kind: SealType::Presence, epoch, scope: vault.as_bytes(), bind: &[] }
}

fn put_place(out: &mut Vec<u8>, place: Option<Place>) {
    let end = out.len() + PLACE_BYTES;
    match place {
        None => {}
        Some(Place::End) => out.push(1),
        Some(Place::Base { at, op }) => {
            out.push(2);
            out.extend_from_slice(&at.to_be_bytes());
            out.extend_from_slice(&op.to_be_bytes());
        }
        Some(Place::Typed { at, op, actor }) => {
            out.push(3);
            out.extend_from_slice(&at.to_be_bytes());
            out.extend_from_slice(&op.to_be_bytes());
            out.extend_from_slice(actor.device.as_bytes());
            out.extend_from_slice(&actor.slot.to_be_bytes());
        }
    }
    out.resize(end, 0);
}

fn take_place(reader: &mut Reader<'_>) -> Result<Option<Place>, WireError> {
    let (tag, at, op) = (reader.u8()?, reader.be32()?, reader.be32()?);
    let actor = Actor { device: DeviceId(reader.array()?), slot: reader.be32()? };
    match tag {
        0 => Ok(None),
        1 => Ok(Some(Place::End)),
        2 => Ok(Some(Place::Base { at, op })),
        3 => Ok(Some(Place::Typed { at, op, actor })),
        tag => Err(WireError::UnknownTag { tag }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place() -> impl Strategy<Value = Place> {
        let actor = (any::<[u8; 16]>(), any::<u32>());
        let actor = actor.prop_map(|(device, slot)| Actor { device: DeviceId(device), slot });
        prop_oneof![
            Just(Place::End),
            any::<(u32, u32)>().prop_map(|(at, op)| Place::Base { at, op }),
            (any::<(u32, u32)>(), actor).prop_map(|((at, op), actor)| Place::Typed {
                at,
                op,
                actor
            }),
        ]
    }

    fn presence() -> impl Strategy<Value = Presence> {
        let cursor = (place(), place()).prop_map(|(anchor, head)| Selected { anchor, head });
        let here = (any::<[u8; 32]>(), prop::option::of(cursor));
        let here = here.prop_map(|(base, cursor)| Here { base: Hash(base), cursor });
        let heard = prop::collection::vec(any::<[u8; 16]>().prop_map(VisitId), 0..=16);
        let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<u64>(), any::<[u8; 16]>());
        (ids, prop::option::of(here), heard).prop_map(
            |((device, visit, count, node), here, heard)| {
                let (device, visit, node) = (DeviceId(device), VisitId(visit), NodeId(node));
                Presence { device, visit, count, node, here, heard }
            },
        )
    }

    proptest! {
        #[test]
        fn every_presence_is_read_as_it_was_and_has_one_length(presence in presence()) {
            let bytes = presence.encode();
            prop_assert_eq!(bytes.len(), limits::PRESENCE_PLAIN_BYTES);
            prop_assert_eq!(Presence::decode(&bytes), Ok(presence));
        }

        #[test]
        fn what_is_altered_is_refused_or_another_presence(presence in presence(), at in 0..412usize, by in 1..=255u8) {
            let mut bytes = presence.encode();
            bytes[at] ^= by;
            if let Ok(other) = Presence::decode(&bytes) {
                prop_assert_ne!(&other, &presence);
                prop_assert_eq!(other.encode(), bytes);
            }
        }

        #[test]
        fn what_is_cut_or_longer_is_refused(presence in presence(), len in 0..412usize) {
            let bytes = presence.encode();
            prop_assert!(Presence::decode(&bytes[..len]).is_err());
            prop_assert!(Presence::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }

    #[cfg(feature = "native-crypto")]
    mod sealed {
        use super::*;
        use crate::crypto::native::{NativeCrypto, ready};

        const VAULT: VaultId = VaultId([3; 32]);

        fn presence() -> Presence {
            let cursor = Some(Selected { anchor: Place::Base { at: 8, op: 9 }, head: Place::End });
            Presence {
                device: DeviceId([1; 16]),
                visit: VisitId([2; 16]),
                count: 5,
                node: NodeId([4; 16]),
                here: Some(Here { base: Hash([6; 32]), cursor }),
                heard: vec![VisitId([7; 16])],
            }
        }

        #[test]
        fn it_opens_in_its_vault_and_epoch_and_nowhere_else() {
            let secret = ready(NativeCrypto.import_secret(&[8; 32])).unwrap();
            let other = ready(NativeCrypto.import_secret(&[9; 32])).unwrap();
            let sealed = ready(presence().seal(&NativeCrypto, &secret, &VAULT, 2, &[5; 32]));
            let sealed = sealed.unwrap();
            assert_eq!(sealed.len(), limits::PRESENCE_SEALED_BYTES);
            let open = |secret, vault, epoch, sealed: &[u8]| {
                ready(Presence::open(&NativeCrypto, secret, vault, epoch, sealed)).ok()
            };
            assert_eq!(open(&secret, &VAULT, 2, &sealed), Some(presence()));
            assert_eq!(open(&other, &VAULT, 2, &sealed), None);
            assert_eq!(open(&secret, &VaultId([4; 32]), 2, &sealed), None);
            assert_eq!(open(&secret, &VAULT, 3, &sealed), None);
            for at in 0..sealed.len() {
                let mut damaged = sealed.clone();
                damaged[at] ^= 1;
                assert_eq!(open(&secret, &VAULT, 2, &damaged), None, "at {at}");
            }
            assert_eq!(open(&secret, &VAULT, 2, &sealed[..sealed.len() - 1]), None);
        }

        #[test]
        fn nothing_else_that_is_sealed_passes_for_one() {
            let secret = ready(NativeCrypto.import_secret(&[8; 32])).unwrap();
            for kind in [SealType::EntryBody, SealType::DeviceName, SealType::Local] {
                let place = Binding { kind, ..binding(&VAULT, 2) };
                let plain = presence().encode();
                let sealed =
                    ready(envelope::seal(&NativeCrypto, &secret, &place, &[5; 32], &plain));
                let opened =
                    Presence::open(&NativeCrypto, &secret, &VAULT, 2, sealed.as_ref().unwrap());
                assert!(ready(opened).is_err(), "{kind:?}");
            }
        }
    }
}
