//! Thumbs: the small pictures that contents bring along, read without the files.

use offing_core::content::reference;
use offing_core::id::NodeId;
use offing_core::rpc::Fault;

use super::Replica;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// The thumb of what a file shows, if it has one: from this device, or fetched and kept.
    pub async fn thumb(&self, node: NodeId) -> Result<Option<Vec<u8>>, Fault> {
        let row = self.row(node).await?;
        let content = row.as_ref().and_then(|row| row.contents.first());
        match content.and_then(|content| reference::thumb(&content.value.manifest)) {
            Some(extent) => self.extent(&extent, node).await.map(Some),
            None => Ok(None),
        }
    }
}
