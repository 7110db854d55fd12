//! What a file or folder says of itself, from the rows of this device.
//!
//! Nothing here asks the server or reads content. How much is below a folder is counted by
//! whoever asks, a page of one folder at a time ([`Replica::tally`]), so that a vault of any size
//! keeps nobody waiting.

use std::rc::Rc;

use offing_core::id::{DeviceId, NodeId};
use offing_core::rpc::{Crumb, Fault, Kind, Row};
use offing_core::tree::NodeRow;
use offing_core::tree::listing::{self, Listed};

use super::Replica;
use crate::host::Host;
use crate::store::Range;

/// Nodes that are counted at once.
const PAGE_NODES: u32 = 512;

/// What is known of a node.
#[derive(Debug)]
pub struct Details {
    /// What lists show of it.
    pub row: Row,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
    /// When it was made, milliseconds since 1970, and the device that did.
    pub made: (i64, String),
    /// When it was changed last, and the device: a file in its content, a folder in its name or
    /// place.
    pub changed: (i64, String),
}

/// What one page of a folder holds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Files.
    pub files: u32,
    /// Their sizes.
    pub bytes: u64,
    /// The folders, which are to be counted as well.
    pub folders: Vec<NodeId>,
    /// After what the next page begins; none where this is the last.
    pub end: Option<Vec<u8>>,
}

impl<H: Host> Replica<H> {
    /// Tells what is known of a node that is not built in.
    pub async fn details(&self, node: NodeId) -> Result<Details, Fault> {
        let stored = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let (row, path) = self.describe(node).await?;
        let (by, changed_ms) = last_change(&stored);
        let made =
            (stored.created.context.time_ms, self.device_name(stored.created.id.device).await);
        let changed = (changed_ms, self.device_name(by).await);
        Ok(Details { row, path, made, changed })
    }

    /// Counts the states that a file's history lists.
    pub async fn count_revisions(self: &Rc<Self>, node: NodeId) -> Result<u32, Fault> {
        Ok(u32::try_from(self.revisions(node).await?.len()).unwrap_or(u32::MAX))
    }

    /// Counts a page of a folder, from its beginning or after the end of the page before.
    pub async fn tally(&self, folder: NodeId, after: Option<Vec<u8>>) -> Result<Tally, Fault> {
        let mut range = Range::prefix(&folder.0);
        if let Some(after) = after.filter(|key| key.starts_with(&folder.0)) {
            range.start = after;
        }
        let listed = self.scan_listing(&range, 0, PAGE_NODES).await?;
        let mut tally = Tally::default();
        if listed.len() as u32 == PAGE_NODES {
            // The least key after the last one.
            tally.end = listed.last().map(|(key, _)| [key.as_slice(), &[0]].concat());
        }
        for (key, value) in &listed {
            let (Some(node), Some(listed)) = (listing::node_of_key(key), Listed::decode(value))
            else {
                continue;
            };
            if listed.kind == Kind::Folder {
                tally.folders.push(node);
            } else {
                tally.files += 1;
                tally.bytes = tally.bytes.saturating_add(listed.size.unwrap_or(0));
            }
        }
        Ok(tally)
    }
}

/// Who changed a node last, and when.
fn last_change(row: &NodeRow) -> (DeviceId, i64) {
    if !row.is_folder() {
        let edit = row.edits_of(row.base()).next().map(|edit| edit.id);
        let content = || row.contents.first().map(|content| content.id);
        return (edit.or_else(content).unwrap_or(row.created.id).device, row.modified_ms());
    }
    let named = (row.name.id, row.name.context.time_ms);
    let placed = row.placing().map(|place| (place.id, place.context.time_ms));
    let (id, time_ms) = placed.into_iter().fold(named, Ord::max);
    (id.device, time_ms)
}
