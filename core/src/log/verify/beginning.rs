//! What a newcomer begins with instead of the whole log: a snapshot, and why to believe it.
//!
//! A server shows a few entries: the genesis entry first, the snapshot last, and between them
//! the record of the epoch that seals it and the introduction of the device that signed it.
//! Nothing is believed because the server shows it: the genesis entry must be the pinned
//! owner's, the device certified by the pinned identity, and a record opens under the
//! account's own key or not at all. That the log contains the snapshot, and that its device
//! was not taken off, shows when the log after it is read.

use super::item::Item;
use super::{Checked, CheckedBody, LogState};
use crate::crypto::hazmat::Crypto;
use crate::id::Hash;
use crate::log::entry::{Entry, EntryKind, Header};
use crate::log::epoch::{DeviceIntro, EpochRecord};
use crate::proto::{LogPage, PageItem};

/// An entry of kind *snapshot*, signed by a device of the vault's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The epochs' records that came with it.
    pub records: Vec<EpochRecord>,
    /// Its header.
    pub header: Header,
    /// The header's bytes, to which the body is sealed.
    pub header_bytes: Vec<u8>,
    /// The sealed body.
    pub body: Vec<u8>,
    /// Its hash: the log has to contain it.
    pub hash: Hash,
}

impl LogState {
    /// Examines what a server shows to a newcomer; `None` for what is no beginning of this
    /// vault, or for want of cryptography.
    pub async fn check_beginning<C: Crypto>(
        &self,
        crypto: &C,
        page: &LogPage,
    ) -> Option<Beginning> {
        let [genesis, between @ .., last] = &page.items[..] else {
            return None;
        };
        let step = self.from_the_start().check(crypto, genesis).await.ok()?;
        let Ok(Checked { body: CheckedBody::Epoch(record), .. }) = step.outcome else {
            return None;
        };
        let mut certificates = record.certificates.clone();
        let mut records = vec![record];
        for item in between {
            let PageItem::Full(wire) = item else {
                return None;
            };
            let entry = Entry::decode(wire).ok()?;
            records.extend(EpochRecord::decode(&entry.body));
            certificates.extend(DeviceIntro::decode(&entry.body).map(|intro| intro.certificate));
        }
        let item = Item::new(last).ok()?;
        let header = item.decoded.clone()?;
        let certificate = certificates.into_iter().find(|certificate| {
            (certificate.account, certificate.device()) == (self.owner, header.device)
        })?;
        let genuine = header.kind == EntryKind::Snapshot
            && header.vault == Some(self.vault)
            && certificate.verify(crypto, &self.owner_identity).await.ok()?
            && item.is_signed_by(crypto, &certificate.public).await.ok()?;
        let (header_bytes, body, hash) = (item.header, item.body?, item.hash);
        genuine.then_some(Beginning { records, header, header_bytes, body, hash })
    }
}
