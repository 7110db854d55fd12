//! A file's content, read in ranges: what a preview shows is a few windows of it.

use std::ops::Range;
use std::rc::Rc;

use offing_core::content::manifest::Extent;
use offing_core::id::NodeId;
use offing_core::rpc::Fault;

use super::{Content, Part};
use crate::host::Host;
use crate::replica::Replica;

/// Bytes that are read at once.
const RANGE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file's content as it was when it was opened.
pub struct OpenContent<H: Host> {
    replica: Rc<Replica<H>>,
    name: String,
    content: Content,
}

impl<H: Host> Replica<H> {
    /// Opens a file's content.
    pub async fn open_content(self: &Rc<Self>, node: NodeId) -> Result<OpenContent<H>, Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let content = self.content(&row).await?;
        Ok(OpenContent { replica: Rc::clone(self), name: row.shown_name(), content })
    }
}

impl<H: Host> OpenContent<H> {
    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size.
    pub fn size(&self) -> u64 {
        self.content.size()
    }

    /// Reads a range, from this device or else from the server: as much of it as there is,
    /// at most four mebibytes.
    pub async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        let end = range.end.min(range.start.saturating_add(RANGE_BYTES_MAX));
        let mut bytes = Vec::new();
        let mut at = 0;
        for part in &self.content.parts {
            let len = match part {
                Part::Bytes(bytes) => bytes.len() as u64,
                Part::Extent(extent) => u64::from(extent.len),
            };
            // Inside of the part, so they fit its own lengths.
            let (from, to) = (range.start.clamp(at, at + len) - at, end.clamp(at, at + len) - at);
            at += len;
            if from >= to {
                continue;
            }
            match part {
                Part::Bytes(part) => bytes.extend(&part[from as usize..to as usize]),
                Part::Extent(extent) => {
                    let offset = extent.offset + from as u32;
                    let wanted = Extent { offset, len: (to - from) as u32, ..extent.clone() };
                    bytes.extend(self.replica.extent(&wanted, self.content.node).await?);
                }
            }
        }
        Ok(bytes)
    }
}
