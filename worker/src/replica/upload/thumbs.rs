//! Thumbs of what is uploaded: small pictures that go into chunks of their own, several
//! into one.
//!
//! They are made beside the reading and sealing of the files. An upload never fails for its
//! thumb and waits for it only so long; what has none is shown by its kind.

use std::rc::Rc;

use offing_core::content::manifest::Extent;
use offing_core::limits;
use offing_core::rpc::Fault;

use super::{Upload, kind};
use crate::host::{Host, Source};
use crate::replica::Replica;

/// How long thumbs are made of files that are staged together: this, and this for each file.
const MAKING_MS_MAX: i64 = 2_000;
const MAKING_MS_EACH: i64 = 250;

impl<H: Host> Replica<H> {
    /// Makes thumbs of files and stores them as one chunk.
    pub(super) async fn make_thumbs<S: Source>(&self, files: &[(&Rc<Upload>, &S)]) {
        let most_ms = MAKING_MS_MAX + MAKING_MS_EACH * files.len() as i64;
        let until_ms = self.host.now_ms() + most_ms;
        let (mut pack, mut places) = (Vec::new(), Vec::new());
        for &(upload, source) in files {
            let has_room = pack.len() + limits::THUMB_BYTES_MAX <= limits::CHUNK_PLAIN_BYTES;
            if !has_room || self.host.now_ms() >= until_ms {
                break;
            }
            if upload.cancelled.get() || !kind::has_thumb_name(&upload.name) {
                continue;
            }
            let thumb = source.thumb().await.unwrap_or_default();
            if (1..=limits::THUMB_BYTES_MAX).contains(&thumb.len()) {
                // Both are below a chunk's length.
                places.push((upload, pack.len() as u32, thumb.len() as u32));
                pack.extend(thumb);
            }
        }
        if pack.is_empty() {
            return;
        }
        let Ok(sealed) = self.seal_and_keep(&pack).await else {
            return;
        };
        for (upload, offset, len) in places {
            let (chunk, key) = (sealed.chunk, sealed.key);
            upload.thumb.replace(Some(Extent { chunk, key, offset, len }));
        }
    }

    /// An upload's thumb, if it is on this device still.
    pub(super) async fn thumb_here(&self, upload: &Upload) -> Result<Option<Extent>, Fault> {
        let thumb = upload.thumb.borrow().clone();
        Ok(match thumb {
            Some(thumb) if self.are_held(&[thumb.chunk]).await?[0] => Some(thumb),
            _ => None,
        })
    }
}
