//! Files with two versions (or more): contents that were set without knowing each other,
//! and texts that were typed while somebody gave the file new content.
//!
//! A version that was edited as text is the text of its document, not the content that the
//! document began with.

use std::rc::Rc;

use offing_core::id::{Hash, NodeId};
use offing_core::rpc::{Choice, Fault, Reply, Version};
use offing_core::tree::{Content, NodeRow, OpId};

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
            let edit = row.edits_of(content.value.base()).next();
            let edited = edit.map(|edit| (edit.id.device, edit.value.modified_ms, edit.value.size));
            let (device, modified_ms, size) = edited.unwrap_or((
                content.id.device,
                content.value.modified_ms,
                content.value.size,
            ));
            versions.push(Version {
                index: index as u32,
                device_name: self.device_name(device).await,
                modified_ms,
                size,
                excerpt: self.excerpt(&row, &content.value).await,
                shown: index == 0,
            });
        }
        for stray in row.strays() {
            let text = self.edited_text(&row, stray.value.base).await.ok().flatten();
            versions.push(Version {
                index: versions.len() as u32,
                device_name: self.device_name(stray.id.device).await,
                modified_ms: stray.value.modified_ms,
                size: stray.value.size,
                excerpt: text.as_deref().map(start_of),
                shown: false,
            });
        }
        Ok(versions)
    }

    /// Settles a file that has more than one version.
    pub async fn settle(self: &Rc<Self>, node: NodeId, choice: Choice) -> Result<Reply, Fault> {
        let _staging = self.staging().await;
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let ids: Vec<OpId> = row.contents.iter().map(|content| content.id).collect();
        let done = match choice {
            Choice::Keep(index) => match (ids.get(index as usize), row.strays()) {
                (Some(keep), _) => {
                    self.commit(Extra::default(), &|ops| ops.settle(node, *keep)).await?
                }
                (None, strays) => {
                    let stray = strays.get(index as usize - ids.len()).ok_or(Fault::NodeUnknown)?;
                    let content = self.content_of_stray(&row, stray.value.base, node).await?;
                    self.commit(Extra::default(), &|ops| ops.set_content(node, content.clone()))
                        .await?
                }
            },
            Choice::KeepBoth => {
                let keep = *ids.first().ok_or(Fault::NodeUnknown)?;
                // The other versions become files of their own; each manifest names its
                // file, so they are made anew over the same chunks.
                let mut apart = Vec::new();
                for content in row.contents.iter().skip(1) {
                    let copy = NodeId(self.host.random());
                    let content = &content.value;
                    let edited = self.edited_text(&row, content.base()).await?;
                    if let Some(text) = edited.filter(|_| content.text) {
                        apart.push((copy, self.content_of_text(copy, &text).await?));
                        continue;
                    }
                    let mut manifest = self.manifest(node, content).await?;
                    manifest.file = copy;
                    apart.push((copy, self.make_content(&manifest, content.text).await?));
                }
                for stray in row.strays() {
                    let copy = NodeId(self.host.random());
                    let content = self.content_of_stray(&row, stray.value.base, copy).await?;
                    apart.push((copy, content));
                }
                // Nothing can be made in `Recovered`.
                let recovered = row.shown_parent == NodeId::RECOVERED;
                let parent = if recovered { NodeId::ROOT } else { row.shown_parent };
                let name = row.name.value.clone();
                self.commit(Extra::default(), &|ops| {
                    for (copy, content) in &apart {
                        ops.create_file(*copy, parent, &name, content.clone())?;
                    }
                    ops.settle(node, keep)
                })
                .await?
            }
        };
        Ok(self.changed(&done, ids.len() + row.strays().len()))
    }

    /// Makes content of a document that begins with none of the file's contents any more.
    async fn content_of_stray(
        &self,
        row: &NodeRow,
        base: Hash,
        file: NodeId,
    ) -> Result<Content, Fault> {
        let text = self.edited_text(row, base).await?;
        let text = text.ok_or_else(|| Fault::NotHere { name: row.shown_name() })?;
        self.content_of_text(file, &text).await
    }

    async fn excerpt(&self, row: &NodeRow, content: &Content) -> Option<String> {
        if !content.text {
            return None;
        }
        if let Some(text) = self.edited_text(row, content.base()).await.ok()? {
            return Some(start_of(&text));
        }
        let manifest = self.manifest(row.node, content).await.ok()?;
        let mut bytes = Vec::new();
        for extent in manifest.range(0, EXCERPT_BYTES as u64) {
            bytes.extend(self.extent(&extent, row.node).await.ok()?);
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn start_of(text: &str) -> String {
    text[..text.floor_char_boundary(EXCERPT_BYTES)].to_owned()
}
