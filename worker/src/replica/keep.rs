//! Content that is to be on this device: what the person keeps, and all texts.
//!
//! Wanted nodes are rows of their own until their chunks are here, so a closed tab only
//! delays them. Fetching goes on one file at a time, after a pull, and ends quietly when
//! the server cannot be reached.

use std::rc::Rc;

use offing_core::content::reference::ManifestRef;
use offing_core::id::NodeId;
use offing_core::proto::Code;
use offing_core::rpc::{Fault, Kind};
use offing_core::tree::listing;

use super::Replica;
use super::fault::from_store;
use super::sealing::thumb_chunk;
use crate::host::Host;
use crate::store::{Batch, Durability, Range, Store, Table};

/// Prefix of the nodes whose content is wanted here, in `Table::Meta`.
pub(super) const WANT_PREFIX: &[u8] = b"want/";
/// Nodes that are fetched before the list of wanted ones is read again.
const ROUND_NODES: u32 = 256;

/// Adds a node to those whose content is wanted here.
pub(super) fn want(batch: &mut Batch, node: NodeId) {
    batch.put(Table::Meta, want_key(node), []);
}

fn want_key(node: NodeId) -> Vec<u8> {
    [WANT_PREFIX, node.0.as_slice()].concat()
}

fn kept_key(node: NodeId) -> Vec<u8> {
    [super::KEPT_PREFIX, node.0.as_slice()].concat()
}

impl<H: Host> Replica<H> {
    /// Keeps nodes (and all below folders) on this device, or lets go of them.
    pub async fn keep(self: &Rc<Self>, nodes: &[NodeId], keep: bool) -> Result<(), Fault> {
        let mut all = Vec::new();
        let mut open = nodes.to_vec();
        while let Some(node) = open.pop() {
            all.push(node);
            for (key, value) in self.scan_listing(&Range::prefix(&node.0), 0, u32::MAX).await? {
                let child = listing::node_of_key(&key).ok_or(Fault::Storage)?;
                match listing::Listed::decode(&value) {
                    Some(listed) if listed.kind == Kind::Folder => open.push(child),
                    _ => all.push(child),
                }
            }
        }
        let mut batch = Batch::new();
        for node in &all {
            let key = kept_key(*node);
            if keep {
                batch.put(Table::Meta, key, []);
                want(&mut batch, *node);
                self.kept.borrow_mut().insert(*node);
            } else {
                batch.delete(Table::Meta, key);
                self.kept.borrow_mut().remove(node);
            }
        }
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        written.map_err(|e| from_store(&e))?;
        if keep {
            self.keep_up();
        } else {
            self.let_go_of(&all).await?;
        }
        let parents = self.parents_of(nodes).await?;
        self.refresh_views(&parents).await
    }

    /// Fetches what is wanted, on its own.
    pub(super) fn keep_up(self: &Rc<Self>) {
        let this = Rc::clone(self);
        self.host.spawn(async move {
            let name = format!("keep:{}", this.vault);
            let Some(_guard) = this.host.try_lock(&name).await else {
                return;
            };
            // What cannot be had now is wanted again after the next pull.
            this.fetch_wanted().await.ok();
            this.sweep_once().await;
        });
    }

    async fn fetch_wanted(self: &Rc<Self>) -> Result<(), Fault> {
        loop {
            let range = Range::prefix(WANT_PREFIX);
            let keys = self.host.store().scan_keys(Table::Meta, &range, ROUND_NODES).await;
            let keys = keys.map_err(|e| from_store(&e))?;
            if keys.is_empty() {
                return Ok(());
            }
            for key in keys {
                let node = NodeId::from_slice(&key[WANT_PREFIX.len()..]);
                if let Some(node) = node {
                    match self.fetch(node).await {
                        // What the server lost keeps nothing else from coming.
                        Ok(()) | Err(Fault::Corrupt { .. } | Fault::Server(Code::ChunkUnknown)) => {
                        }
                        Err(fault) => return Err(fault),
                    }
                    let parents = self.parents_of(&[node]).await?;
                    self.refresh_views(&parents).await?;
                }
                let mut batch = Batch::new();
                batch.delete(Table::Meta, key);
                let written = self.host.store().write(batch, Durability::Relaxed).await;
                written.map_err(|e| from_store(&e))?;
            }
        }
    }

    async fn fetch(&self, node: NodeId) -> Result<(), Fault> {
        let Some(row) = self.row(node).await? else {
            return Ok(());
        };
        if self.is_gone(node).await? {
            return Ok(());
        }
        let keeps = self.meta_bytes(&kept_key(node)).await?.is_some();
        let contents = row.contents.iter().map(|op| &op.value);
        let mut contents: Vec<_> = contents.filter(|c| keeps || c.text).cloned().collect();
        for stray in row.strays() {
            contents.extend(self.content_of_base(&row, stray.value.base).await?);
        }
        for content in &contents {
            let manifest = self.manifest(node, content).await?;
            for chunk in manifest.chunks().into_iter().chain(thumb_chunk(content)) {
                if !self.are_held(&[chunk]).await?[0] {
                    self.sealed_chunk(chunk, node).await?;
                }
            }
            if let Ok(ManifestRef::Stored(id)) = ManifestRef::decode(&content.manifest) {
                self.note_whole(id, &manifest.chunks()).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn parents_of(&self, nodes: &[NodeId]) -> Result<Vec<NodeId>, Fault> {
        let mut parents = Vec::new();
        for node in nodes {
            if let Some(row) = self.row(*node).await? {
                parents.push(row.shown_parent);
            }
        }
        Ok(parents)
    }
}
