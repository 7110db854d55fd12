//! What a device says of a node.

use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use offing_worker::replica::Details;

use super::Device;

impl Device {
    /// What is known of a node.
    pub fn details(&self, node: NodeId) -> Result<Details, Fault> {
        self.ask(|replica| async move { replica.details(node).await })
    }

    /// The names of the texts that are in a folder itself.
    pub fn texts_in(&self, folder: NodeId) -> Vec<String> {
        let texts = self.ask(|replica| async move { replica.texts_in(folder).await }).unwrap();
        texts.into_iter().map(|(_, name)| name).collect()
    }

    /// How many states the history of a file has.
    pub fn counts_revisions(&self, node: NodeId) -> u32 {
        self.ask(|replica| async move { replica.count_revisions(node).await }).unwrap()
    }

    /// Files, bytes and folders below a folder, counted as the page does.
    pub fn counts_below(&self, folder: NodeId) -> (u32, u64, u32) {
        let (mut files, mut bytes, mut folders) = (0, 0, 0);
        let mut left = vec![(folder, None)];
        while let Some((folder, after)) = left.pop() {
            let page = self.ask(|replica| async move { replica.tally(folder, after).await });
            let page = page.unwrap();
            (files, bytes) = (files + page.files, bytes + page.bytes);
            folders += page.folders.len() as u32;
            left.extend(page.folders.into_iter().map(|folder| (folder, None)));
            left.extend(page.end.map(|end| (folder, Some(end))));
        }
        (files, bytes, folders)
    }
}
