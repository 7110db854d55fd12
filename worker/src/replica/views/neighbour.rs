//! Which files are before or after another in its folder: where the arrow keys go, and what is played
//! on. And which texts are in a folder, as new ones can begin with them.

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::{Fault, Kind, Sort};
use offing_core::tree::listing::{self, Listed};

use super::super::Replica;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// Finds the file before or after one, as a list of their folder has them. What the editor
    /// opens is passed over: it has other uses for the keys.
    pub async fn neighbour(
        &self,
        node: NodeId,
        sort: Sort,
        forward: bool,
    ) -> Result<Option<NodeId>, Fault> {
        let files = self.files_beside(node, sort).await?;
        let at = files.iter().position(|(file, _)| *file == node);
        let next = at.and_then(|at| if forward { at.checked_add(1) } else { at.checked_sub(1) });
        Ok(next.and_then(|next| files.get(next)).map(|(file, _)| *file))
    }

    /// Lists the files after one, with their names, as far as anybody looks.
    pub async fn following(
        &self,
        node: NodeId,
        sort: Sort,
    ) -> Result<Vec<(NodeId, String)>, Fault> {
        let files = self.files_beside(node, sort).await?.into_iter();
        let after = files.skip_while(|(file, _)| *file != node).skip(1);
        Ok(after.take(limits::WINDOW_ROWS_MAX).collect())
    }

    /// Lists the texts that are in a folder itself, by name, as far as anybody looks.
    pub async fn texts_in(&self, folder: NodeId) -> Result<Vec<(NodeId, String)>, Fault> {
        let rows_max = limits::WINDOW_ROWS_MAX as u32;
        let listed = self.scan_by_name(folder, false, 0, rows_max).await?;
        let texts = listed.iter().filter_map(|(key, value)| {
            let listed = Listed::decode(value)?;
            (listed.kind == Kind::Text).then_some((listing::node_of_key(key)?, listed.name))
        });
        Ok(texts.collect())
    }

    /// The files of a node's folder, the node itself among them.
    async fn files_beside(&self, node: NodeId, sort: Sort) -> Result<Vec<(NodeId, String)>, Fault> {
        let folder = self.row(node).await?.ok_or(Fault::NodeUnknown)?.shown_parent;
        let listed = match self.order(folder, sort).await? {
            Some(keys) => self.listed(keys).await?,
            None => self.scan_by_name(folder, sort.descending, 0, u32::MAX).await?,
        };
        let files = listed.iter().filter_map(|(key, value)| {
            let file = listing::node_of_key(key)?;
            let listed = Listed::decode(value)?;
            (file == node || listed.kind == Kind::File).then_some((file, listed.name))
        });
        Ok(files.collect())
    }
}
