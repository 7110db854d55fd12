//! Files with two versions (or more): contents that were set without knowing each other.

use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::rpc::{Choice, Fault, Reply, Version};
use offing_core::tree::{Content, OpId};

use super::Replica;
use super::commit::Extra;
use crate::host::Host;

/// Bytes of a text that a person sees of a version.
const EXCERPT_BYTES: usize = 400;

impl<H: Host> Replica<H> {
    /// Lists the versions of a file.
    pub async fn versions(&self, node: NodeId) -> Result<Vec<Version>, Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let mut versions = Vec::new();
        for (index, content) in row.contents.iter().enumerate() {
            versions.push(Version {
                index: index as u32,
                device_name: self.device_name(content.id.device).await,
                modified_ms: content.value.modified_ms,
                size: content.value.size,
                excerpt: self.excerpt(node, &content.value).await,
                shown: index == 0,
            });
        }
        Ok(versions)
    }

    /// Settles a file that has more than one version.
    pub async fn settle(self: &Rc<Self>, node: NodeId, choice: Choice) -> Result<Reply, Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let ids: Vec<OpId> = row.contents.iter().map(|content| content.id).collect();
        let done = match choice {
            Choice::Keep(index) => {
                let keep = *ids.get(index as usize).ok_or(Fault::NodeUnknown)?;
                self.commit(Extra::default(), &|ops| ops.settle(node, keep)).await?
            }
            Choice::KeepBoth => {
                let keep = *ids.first().ok_or(Fault::NodeUnknown)?;
                // The other versions become files of their own; each manifest names its
                // file, so they are made anew over the same chunks.
                let mut apart = Vec::new();
                for content in row.contents.iter().skip(1) {
                    let copy = NodeId(self.host.random());
                    let mut manifest = self.manifest(node, &content.value).await?;
                    manifest.file = copy;
                    apart.push((copy, self.make_content(&manifest, content.value.text).await?));
                }
                let (parent, name) = (row.shown_parent, row.name.value.clone());
                self.commit(Extra::default(), &|ops| {
                    for (copy, content) in &apart {
                        ops.create_file(*copy, parent, &name, content.clone())?;
                    }
                    ops.settle(node, keep)
                })
                .await?
            }
        };
        Ok(self.changed(&done, ids.len()))
    }

    async fn excerpt(&self, node: NodeId, content: &Content) -> Option<String> {
        if !content.text {
            return None;
        }
        let manifest = self.manifest(node, content).await.ok()?;
        let mut bytes = Vec::new();
        for extent in manifest.range(0, EXCERPT_BYTES as u64) {
            bytes.extend(self.extent(&extent, node).await.ok()?);
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
