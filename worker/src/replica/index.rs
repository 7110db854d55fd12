//! What the searcher is told, and where its index lies: sealed, in `Table::Derived`.
//!
//! ```text
//! key   = be64 place
//! value = SEAL(Local, epoch's secret, bound to vault and key)
//! ```
//!
//! Nothing here asks the server, and nothing of it is the truth: a blob that is gone or cannot
//! be opened, since an epoch ended for instance, is made again, and a device without space
//! does without. So nobody is told why something cannot be had.

use offing_core::crypto::envelope::{self, Binding, SealType};
use offing_core::id::NodeId;
use offing_core::rpc::encode;
use offing_core::rpc::index::{Ask, NodePage};

use super::Replica;
use crate::host::Host;
use crate::store::{Batch, Durability, Range, Store, Table};

/// Nodes that are told at once.
const PAGE_NODES: u32 = 512;

impl<H: Host> Replica<H> {
    /// Answers the searcher.
    pub async fn answer_index(&self, ask: Ask<'_>) -> Option<Vec<u8>> {
        let (place, blob) = match ask {
            Ask::Nodes { after } => return self.node_page(after).await,
            Ask::Load { place } => (place, None),
            Ask::Keep { place, blob } => (place, Some(blob)),
            Ask::Drop { from, to } => {
                let range = Range::between(from.to_be_bytes(), to.to_be_bytes());
                self.host.store().delete_range(Table::Derived, range).await.ok()?;
                return Some(Vec::new());
            }
        };
        let key = place.to_be_bytes();
        let (number, epoch) = self.current_epoch().ok()?;
        let (crypto, store) = (self.host.crypto(), self.host.store());
        let scope = self.vault.as_bytes();
        let binding = Binding { kind: SealType::Local, epoch: number, scope, bind: &key };
        let Some(blob) = blob else {
            let sealed = store.get(Table::Derived, &key).await.ok()??;
            return envelope::open(crypto, &epoch.secret, &binding, &sealed).await.ok();
        };
        let salt = self.host.random();
        let sealed = envelope::seal(crypto, &epoch.secret, &binding, &salt, blob).await.ok()?;
        let mut batch = Batch::new();
        batch.put(Table::Derived, key, sealed);
        // No room is made for it: it would take that of contents.
        store.write(batch, Durability::Relaxed).await.ok()?;
        Some(Vec::new())
    }

    async fn node_page(&self, after: &[u8]) -> Option<Vec<u8>> {
        let range = Range { start: after.to_vec(), end: None };
        let mut listed = self.scan_listing(&range, 0, PAGE_NODES).await.ok()?;
        let mut end = Vec::new();
        if listed.len() as u32 == PAGE_NODES {
            end.clone_from(&listed.last()?.0);
            end.push(0);
        }
        // Displaced nodes are listed twice, and once without anything.
        listed.retain(|(_, value)| !value.is_empty());
        let parent = |(key, _): &(Vec<u8>, _)| NodeId::from_slice(key.get(..NodeId::LEN)?);
        let parents: Vec<NodeId> = listed.iter().filter_map(parent).collect();
        let rows = self.decorate(listed).await.ok()?;
        Some(encode(&NodePage { nodes: parents.into_iter().zip(rows).collect(), end }))
    }
}
