//! Links between files: names to go through, from a folder or the one that a text is in.

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::{Fault, Kind};

use super::Replica;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// Finds what a link in a text or from a folder goes to, if there is such a thing.
    pub async fn follow_link(
        &self,
        from: NodeId,
        path: &[String],
    ) -> Result<Option<NodeId>, Fault> {
        if path.len() > limits::TREE_DEPTH_MAX {
            return Ok(None);
        }
        let mut at = match from.is_builtin() {
            true => Some(from),
            false => self.row(from).await?.map(|row| match row.is_folder() {
                true => from,
                false => row.shown_parent,
            }),
        };
        for name in path {
            at = match (at, name.as_str()) {
                (_, "") => Some(NodeId::ROOT),
                (None, _) => return Ok(None),
                (at, ".") => at,
                (Some(folder), "..") => self.folder_of(folder).await?,
                (Some(folder), name) => match self.child(folder, name, Kind::Folder).await? {
                    Some(found) => Some(found),
                    None => self.child(folder, name, Kind::File).await?,
                },
            };
        }
        Ok(at)
    }

    /// The folder that shows a node; none above the built-in ones.
    async fn folder_of(&self, node: NodeId) -> Result<Option<NodeId>, Fault> {
        if node.is_builtin() {
            return Ok(None);
        }
        Ok(self.row(node).await?.map(|row| row.shown_parent))
    }
}
