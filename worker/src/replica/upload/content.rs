//! What is learned of a large file while it is read, and what of it has to be sealed.
//!
//! The pieces of the file pass through here in order, once: for its hash, for the signatures
//! of its blocks, and, where it replaces a content that has such signatures, for what of it
//! is new.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use offing_core::content::chunk::ContentKey;
use offing_core::content::delta::{self, BlockKey, BlockSigner, Weaver, Woven};
use offing_core::content::manifest::{Extent, Manifest};
use offing_core::id::{ChunkId, Hash};
use offing_core::limits;
use sha2::{Digest, Sha256};

use super::{Staged, Upload, kind, small};

/// A large file that is being read.
pub(super) struct Reading<'a> {
    hash: RefCell<Sha256>,
    text: Cell<bool>,
    signer: RefCell<Option<BlockSigner>>,
    weaver: RefCell<Option<Weaver<'a>>>,
    woven: RefCell<Option<Woven<'a>>>,
}

impl<'a> Reading<'a> {
    /// Begins to read; `before` is the content that this one replaces.
    pub(super) fn new(upload: &Upload, before: Option<&'a Manifest>, key: &BlockKey) -> Self {
        let signer = delta::block_bytes(upload.size).map(|len| BlockSigner::new(key.clone(), len));
        let weaver = before.and_then(|before| Weaver::new(before, key.clone(), upload.size));
        Self {
            hash: RefCell::default(),
            text: Cell::new(upload.size <= limits::TEXT_BYTES_MAX as u64),
            signer: RefCell::new(signer),
            weaver: RefCell::new(weaver),
            woven: RefCell::default(),
        }
    }

    /// Takes the next piece; returns what of the file is ready to become chunks.
    pub(super) fn take(&self, upload: &Upload, piece: Vec<u8>) -> Vec<Vec<u8>> {
        self.hash.borrow_mut().update(&piece);
        self.text.set(self.text.get() && kind::is_text(&upload.name, &piece));
        if let Some(signer) = &mut *self.signer.borrow_mut() {
            signer.update(&piece);
        }
        match &mut *self.weaver.borrow_mut() {
            Some(weaver) => weaver.push(&piece),
            None => vec![piece],
        }
    }

    /// Returns what is left to become chunks after the last piece.
    pub(super) fn rest(&self) -> Vec<Vec<u8>> {
        let Some(weaver) = self.weaver.take() else {
            return Vec::new();
        };
        let (rest, woven) = weaver.finish();
        *self.woven.borrow_mut() = Some(woven);
        rest
    }

    /// Describes the file, of which these chunks were made in order, and notes which of the
    /// others it shares with the content before.
    pub(super) fn staged(&self, upload: &Upload, made: &[(ChunkId, ContentKey, u32)]) -> Staged {
        let extents = match &*self.woven.borrow() {
            Some(woven) => {
                let names: Vec<_> = made.iter().map(|(chunk, key, _)| (*chunk, *key)).collect();
                woven.extents(&names)
            }
            None => {
                let whole = |(chunk, key, len): &(ChunkId, ContentKey, u32)| Extent {
                    chunk: *chunk,
                    key: *key,
                    offset: 0,
                    len: *len,
                };
                made.iter().map(whole).collect()
            }
        };
        let hash = Hash(self.hash.borrow().clone().finalize().into());
        let mut staged = small::staged(upload, extents, hash, self.text.get());
        let made: HashSet<ChunkId> = made.iter().map(|(chunk, _, _)| *chunk).collect();
        let mut shared = staged.manifest.chunks();
        shared.retain(|id| !made.contains(id));
        upload.shared.replace(shared);
        staged.manifest.signatures = self.signer.take().map(BlockSigner::finish);
        staged
    }
}
