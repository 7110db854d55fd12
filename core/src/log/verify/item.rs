//! An item of a page, taken apart; nothing in it is verified.

use crate::id::Hash;
use crate::limits;
use crate::log::entry::{Entry, EntryError};
use crate::proto::{PageItem, WireError};

/// An item of a page, taken apart.
pub(super) struct Item {
    pub(super) header: Vec<u8>,
    pub(super) signature: [u8; 64],
    pub(super) body: Option<Vec<u8>>,
    pub(super) body_hash: Hash,
}

impl Item {
    pub(super) fn new(item: &PageItem) -> Result<Self, EntryError> {
        Ok(match item {
            PageItem::Full(wire) => {
                let entry = Entry::decode(wire)?;
                let body_hash = entry.body_hash();
                let Entry { header, signature, body } = entry;
                Self { header, signature, body: Some(body), body_hash }
            }
            PageItem::Bare { header, signature, body_hash } => {
                if header.len() > limits::ENTRY_BYTES_MAX {
                    return Err(WireError::TooLong { max: limits::ENTRY_BYTES_MAX }.into());
                }
                Self {
                    header: header.clone(),
                    signature: *signature,
                    body: None,
                    body_hash: *body_hash,
                }
            }
        })
    }
}
