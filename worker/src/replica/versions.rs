//! Files with two versions (or more): contents that were set without knowing each other,
//! and texts that were typed while somebody gave the file new content.
//!
//! A version that was edited as text is the text of its document, not the content that the
//! document began with. Versions are settled two at a time; those that are not asked about
//! stay, and what goes is in the file's history.

use std::rc::Rc;

use offing_core::content::reference;
use offing_core::id::{DeviceId, NodeId};
use offing_core::rpc::{At, Choice, Crumb, Fault, Reply, RevisionId, Version};
use offing_core::tree::{Content, NodeRow, OpId};

use super::Replica;
use super::commit::Extra;
use crate::host::Host;

/// One version of a file.
struct Found {
    id: RevisionId,
    /// What set it; a text that was typed into a replaced content has none.
    op: Option<OpId>,
    device: DeviceId,
    modified_ms: i64,
    size: u64,
    text: bool,
}

impl<H: Host> Replica<H> {
    /// Lists the versions of a file, with the path to it; the one that is shown is first.
    pub async fn versions(&self, node: NodeId) -> Result<(Vec<Crumb>, Vec<Version>), Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let mut path = self.path(node).await?;
        path.pop();
        let mut versions = Vec::new();
        for found in found(&row) {
            versions.push(Version {
                id: found.id,
                device_name: self.device_name(found.device).await,
                modified_ms: found.modified_ms,
                size: found.size,
                text: found.text,
                shown: versions.is_empty(),
            });
        }
        Ok((path, versions))
    }

    /// Settles two versions of a file.
    pub async fn settle(
        self: &Rc<Self>,
        node: NodeId,
        keep: RevisionId,
        other: RevisionId,
        choice: Choice,
    ) -> Result<Reply, Fault> {
        let _staging = self.staging().await;
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let mut rest = found(&row);
        // What is no version any more was settled elsewhere meanwhile.
        let mut take = |id: RevisionId| {
            let at = rest.iter().position(|version| version.id == id).ok_or(Fault::NotOpen)?;
            Ok(rest.remove(at))
        };
        let (keep, other): (Found, Found) = (take(keep)?, take(other)?);
        let settled: Vec<OpId> = [keep.op, other.op].into_iter().flatten().collect();
        let kept = match keep.op.and_then(|op| row.contents.iter().find(|known| known.id == op)) {
            Some(content) => content.value.clone(),
            None => self.content_for(&row, keep.id, node).await?,
        };
        // New content settles all texts that were typed into replaced ones: those that are
        // not asked about become contents, which it leaves alone.
        let mut stay = Vec::new();
        for version in rest.iter().filter(|version| version.op.is_none()) {
            stay.push(self.content_for(&row, version.id, node).await?);
        }
        let apart = match choice {
            Choice::KeepOne => None,
            Choice::KeepBoth => {
                let copy = NodeId(self.host.random());
                Some((copy, self.content_for(&row, other.id, copy).await?))
            }
        };
        // Nothing can be made in `Recovered`.
        let recovered = row.shown_parent == NodeId::RECOVERED;
        let parent = if recovered { NodeId::ROOT } else { row.shown_parent };
        let name = row.name.value.clone();
        let about = Extra::about(&[node, parent]);
        let done = self
            .commit(about, &|ops| {
                for content in &stay {
                    ops.add_version(node, content.clone())?;
                }
                if let Some((copy, content)) = &apart {
                    ops.create_file(*copy, parent, &name, content.clone())?;
                }
                ops.settle(node, &settled, kept.clone())
            })
            .await?;
        Ok(self.changed(&done, 2))
    }

    /// Makes of a version the content of a file: its text, or its chunks under a manifest
    /// that names the file.
    async fn content_for(
        &self,
        row: &NodeRow,
        id: RevisionId,
        file: NodeId,
    ) -> Result<Content, Fault> {
        if let Some(text) = self.edited_text(row, id.base).await? {
            return self.content_of_text(file, &text).await;
        }
        let content = row.contents.iter().find(|known| known.value.base() == id.base);
        let content = content.ok_or_else(|| Fault::NotHere { name: row.shown_name() })?;
        let mut manifest = self.manifest(row.node, &content.value).await?;
        manifest.file = file;
        let thumb = reference::thumb(&content.value.manifest);
        self.make_content(&manifest, thumb, content.value.text).await
    }
}

/// The versions of a file, the one that is shown first.
fn found(row: &NodeRow) -> Vec<Found> {
    let of = |base| RevisionId { base, at: At::Now };
    let mut versions = Vec::new();
    for content in &row.contents {
        let base = content.value.base();
        let edit = row.edits_of(base).next();
        let given = (content.id.device, content.value.modified_ms, content.value.size);
        let (device, modified_ms, size) =
            edit.map_or(given, |edit| (edit.id.device, edit.value.modified_ms, edit.value.size));
        let text = content.value.text;
        let op = Some(content.id);
        versions.push(Found { id: of(base), op, device, modified_ms, size, text });
    }
    for stray in row.strays() {
        let (modified_ms, size) = (stray.value.modified_ms, stray.value.size);
        let (id, device) = (of(stray.value.base), stray.id.device);
        versions.push(Found { id, op: None, device, modified_ms, size, text: true });
    }
    versions
}
