//! What a file is, was, and might be: versions and revisions, in sentences.

use offing_core::id::NodeId;
use offing_core::rpc::{
    ActionId, Choice, Fault, Moment, Revision, RevisionId, RewindStep, Version,
};

use super::{Device, action};

impl Device {
    /// The versions of a file.
    pub fn all_versions(&self, node: NodeId) -> Vec<Version> {
        self.ask(|replica| async move { replica.versions(node).await }).unwrap().1
    }

    /// Lists the versions of a text: the device, and the text.
    pub fn versions(&self, node: NodeId) -> Vec<(String, String)> {
        let read = |version: Version| {
            let bytes = self.reads_revision(node, version.id).unwrap();
            (version.device_name, String::from_utf8(bytes).unwrap())
        };
        self.all_versions(node).into_iter().map(read).collect()
    }

    /// Settles the first two versions of a file; the first stays as the file's content.
    pub fn settles(&self, node: NodeId, choice: Choice) -> ActionId {
        let ids: Vec<RevisionId> = self.all_versions(node).iter().map(|known| known.id).collect();
        let (keep, other) = (ids[0], ids[1]);
        action(self.ask(|replica| async move { replica.settle(node, keep, other, choice).await }))
    }

    /// Makes files of their own of all versions of a file but the first.
    pub fn keeps_all_versions(&self, node: NodeId) {
        while self.all_versions(node).len() > 1 {
            self.settles(node, Choice::KeepBoth);
        }
    }

    /// Keeps only one of two versions.
    pub fn keeps_only(&self, node: NodeId, index: usize) -> ActionId {
        let versions = self.all_versions(node);
        assert_eq!(versions.len(), 2);
        let (keep, other) = (versions[index].id, versions[1 - index].id);
        let one = Choice::KeepOne;
        action(self.ask(|replica| async move { replica.settle(node, keep, other, one).await }))
    }

    // ------------------------------------------------------------ history

    /// Lists what a file is and was, newest first.
    pub fn revisions(&self, node: NodeId) -> Vec<Revision> {
        self.ask(|replica| async move { replica.revisions(node).await }).unwrap()
    }

    /// Reads a state that a file has or had.
    pub fn reads_revision(&self, node: NodeId, id: RevisionId) -> Result<Vec<u8>, Fault> {
        self.ask(|replica| async move {
            let mut download = replica.open_revision(node, id).await?;
            let mut bytes = Vec::new();
            while let Some(piece) = download.next().await? {
                bytes.extend(piece);
            }
            Ok(bytes)
        })
    }

    /// Lists when something in a folder was changed, newest first.
    pub fn moments(&self, folder: &str) -> Vec<Moment> {
        let folder = self.node(folder);
        self.ask(|replica| async move { replica.moments(folder).await }).unwrap()
    }

    /// Tells what would make a folder what it was.
    pub fn plans_to_rewind(&self, folder: &str, at_ms: i64) -> Vec<RewindStep> {
        let folder = self.node(folder);
        self.ask(|replica| async move { replica.plan_rewind(folder, at_ms).await }).unwrap().0
    }

    /// Makes a folder what it was.
    pub fn rewinds(&self, folder: &str, at_ms: i64) -> ActionId {
        let folder = self.node(folder);
        action(self.ask(|replica| async move { replica.rewind(folder, at_ms).await }))
    }

    /// Makes a file what it was.
    pub fn reverts(&self, node: NodeId, id: RevisionId) -> ActionId {
        action(self.ask(|replica| async move { replica.revert(node, id).await }))
    }
}
