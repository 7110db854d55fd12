//! Files that are not on the server as they are here, to take away where the browser's
//! storage fails and nobody knows how long it will last.

use std::collections::BTreeSet;
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::rpc::{Fault, Kind};
use offing_core::tree::Value;

use super::Replica;
use super::download::Download;
use crate::host::Host;

impl<H: Host> Replica<H> {
    /// Opens a download of the files that the outbox has something of, and of the texts that
    /// are open here and not saved.
    pub async fn download_unsynced(self: &Rc<Self>) -> Result<Download<H>, Fault> {
        let mut nodes = self.unsaved_texts();
        nodes.extend(self.unsent_files().await?);
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        self.download(&nodes, true).await
    }

    async fn unsent_files(&self) -> Result<Vec<NodeId>, Fault> {
        let mut files = BTreeSet::new();
        for (_, change) in self.changes_of(self.waiting().await?).await? {
            files.extend(change.texts.iter().map(|part| part.node));
            let with_content = change.ops.iter().filter(|op| match &op.value {
                Value::Create { kind, .. } => *kind != Kind::Folder,
                Value::Content(_) | Value::Text(_) => true,
                Value::Parent(_)
                | Value::Name(_)
                | Value::Trashed(_)
                | Value::Purged
                | Value::Label(_) => false,
            });
            files.extend(with_content.map(|op| op.node));
        }
        let files: Vec<NodeId> = files.into_iter().collect();
        let rows = self.rows(&files).await?;
        Ok(rows.into_iter().flatten().map(|row| row.node).collect())
    }
}
