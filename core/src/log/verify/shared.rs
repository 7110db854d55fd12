//! What a device shares of its search index, and why to believe it.
//!
//! A server shows an entry, wherever in the log it is. A device that has verified the log up to a
//! place believes it if a device of the vault's owner signed it, one that was not taken off, as one
//! of the entries that were counted up to that place: an honest device signs one entry for each
//! count, so this is the one in the log. A server can show an earlier one, and none.

use super::LogState;
use super::item::Item;
use crate::crypto::hazmat::Crypto;
use crate::id::Hash;
use crate::log::entry::{EntryKind, Header};
use crate::proto::PageItem;

/// An entry about a shared index, signed by a device of the vault's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Its header.
    pub header: Header,
    /// The header's bytes, to which the body is sealed.
    pub header_bytes: Vec<u8>,
    /// The sealed body.
    pub body: Vec<u8>,
    /// Its hash.
    pub hash: Hash,
}

impl LogState {
    /// Examines what a server shows as a shared index; `None` for what is none of this vault, as
    /// far as the log was verified, or for want of cryptography.
    pub async fn check_shared<C: Crypto>(&self, crypto: &C, item: &PageItem) -> Option<Shared> {
        let item = Item::new(item).ok()?;
        let header = item.decoded.clone()?;
        let known = self.device(&header.device)?;
        let genuine = header.kind == EntryKind::Heartbeat
            && header.is_about_index()
            && header.vault == Some(self.vault)
            && known.account == self.owner
            && known.revoked_at.is_none()
            && header.dseq <= known.dseq
            && header.seen_seq <= self.at.seq
            && item.is_signed_by(crypto, &known.public).await.ok()?;
        let (header_bytes, body, hash) = (item.header, item.body?, item.hash);
        genuine.then_some(Shared { header, header_bytes, body, hash })
    }
}
