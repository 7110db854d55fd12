//! What waits to be saved on the server, for the person who taps the status.

use std::collections::BTreeMap;

use offing_core::id::NodeId;
use offing_core::log::author;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, Header};
use offing_core::rpc::{Fault, Pending};
use offing_core::tree::Value;

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::outbox;

/// Entries that are looked into; a longer queue shows its start.
const ENTRIES_SHOWN_MAX: u32 = 200;

impl<H: Host> Replica<H> {
    /// Lists the nodes whose changes wait, oldest first.
    pub async fn queue(&self) -> Result<Vec<Pending>, Fault> {
        let (store, vault) = (self.host.store(), &self.vault);
        let items = outbox::items(store, vault, 0, ENTRIES_SHOWN_MAX).await;
        let items = items.map_err(|e| from_store(&e))?;
        let dseqs: Vec<u64> = items.iter().map(|item| item.dseq).collect();
        let wires = outbox::entries(store, vault, &dseqs).await.map_err(|e| from_store(&e))?;
        let mut order: Vec<NodeId> = Vec::new();
        let mut bytes: BTreeMap<NodeId, u64> = BTreeMap::new();
        for wire in wires {
            for (node, size) in self.nodes_of(&wire).await {
                if !bytes.contains_key(&node) {
                    order.push(node);
                }
                *bytes.entry(node).or_default() += size;
            }
        }
        let mut pending = Vec::with_capacity(order.len());
        for node in order {
            let name = self.name_for_fault(node).await;
            pending.push(Pending { name, node, bytes: bytes[&node] });
        }
        Ok(pending)
    }

    /// The nodes an own entry changes, with the bytes of content it brings to each.
    async fn nodes_of(&self, wire: &[u8]) -> Vec<(NodeId, u64)> {
        let Ok(entry) = Entry::decode(wire) else {
            return Vec::new();
        };
        let Ok(header) = Header::decode(&entry.header) else {
            return Vec::new();
        };
        let Ok(epoch) = self.epoch(header.epoch) else {
            return Vec::new();
        };
        let crypto = self.host.crypto();
        let opened =
            author::open_body(crypto, &epoch.secret, &self.vault, &entry.header, &entry.body).await;
        // A device's introduction is about no node.
        let Ok(plain) = opened else { return Vec::new() };
        let Ok(change) = ChangeBody::decode(&plain, &header.device) else {
            return Vec::new();
        };
        let sizes = change.ops.iter().map(|op| {
            let content = if let Value::Content(content) = &op.value { content.size } else { 0 };
            (op.node, content)
        });
        sizes.collect()
    }
}
