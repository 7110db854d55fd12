//! Whether an upload still goes in the place of the file that it was to replace.
//!
//! It replaces what was there when the person chose it. A large file may be read and sent for
//! minutes; what came into the replaced file meanwhile was seen by nobody who chose, so the
//! upload becomes a file beside it then. It takes the place of one that was deleted for good.

use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use offing_core::tree::{NodeRow, OpId};

use super::Upload;
use crate::host::Host;
use crate::replica::Replica;

impl<H: Host> Replica<H> {
    /// What a file holds now, for an upload that is to replace it.
    pub(super) async fn in_place(&self, node: NodeId) -> Result<Vec<OpId>, Fault> {
        Ok(self.row(node).await?.as_ref().map(holds).unwrap_or_default())
    }

    /// The node that an upload becomes the content of.
    pub(super) async fn target(&self, upload: &Upload) -> Result<NodeId, Fault> {
        if !upload.replaces {
            return Ok(upload.node);
        }
        let unseen = |row: &NodeRow| holds(row).iter().any(|id| !upload.replaced.contains(id));
        let changed = self.row(upload.node).await?.as_ref().is_some_and(unseen);
        let changed = changed || self.is_gone(upload.node).await?;
        Ok(if changed { NodeId(self.host.random()) } else { upload.node })
    }
}

fn holds(row: &NodeRow) -> Vec<OpId> {
    let contents = row.contents.iter().map(|content| content.id);
    contents.chain(row.texts.iter().map(|edit| edit.id)).collect()
}
