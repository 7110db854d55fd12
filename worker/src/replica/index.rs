//! What the searcher is told, and where its index lies: sealed, in `Table::Derived`.
//!
//! ```text
//! key   = be64 place
//! value = SEAL(Local, epoch's secret, bound to vault and key)
//! ```
//!
//! Nothing of it is the truth: a blob that is gone or cannot be opened is made again, and a device
//! without space does without. So nobody is told why something cannot be had. What of it is
//! shared with other devices is the business of `share`.

use std::rc::Rc;

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
    pub async fn answer_index(self: &Rc<Self>, ask: Ask<'_>) -> Option<Vec<u8>> {
        match ask {
            Ask::Nodes { after } => self.node_page(after).await,
            Ask::Load { place } => self.load_derived(place).await,
            Ask::Keep { place, blob } => self.keep_derived(place, blob).await,
            Ask::Drop { from, to } => {
                let range = Range::between(from.to_be_bytes(), to.to_be_bytes());
                self.host.store().delete_range(Table::Derived, range).await.ok()?;
                Some(Vec::new())
            }
            Ask::Newest => self.newest_index().await,
            Ask::Take { blob } => self.shared_blob(blob).await,
            Ask::Share { about, places } => self.share_index(about, &places).await,
            Ask::Mark => Some(self.rows_changed.get().to_be_bytes().to_vec()),
        }
    }

    /// The blob that is kept at a place, in whichever epoch it was sealed.
    pub(super) async fn load_derived(&self, place: u64) -> Option<Vec<u8>> {
        let (key, crypto) = (place.to_be_bytes(), self.host.crypto());
        let sealed = self.host.store().get(Table::Derived, &key).await.ok()??;
        let (_, number) = envelope::peek(&sealed).ok()?;
        let secret = self.epoch(number).ok()?.secret;
        envelope::open(crypto, &secret, &self.derived(number, &key), &sealed).await.ok()
    }

    async fn keep_derived(&self, place: u64, blob: &[u8]) -> Option<Vec<u8>> {
        let (number, epoch) = self.current_epoch().ok()?;
        let (key, salt) = (place.to_be_bytes(), self.host.random());
        let (crypto, binding) = (self.host.crypto(), self.derived(number, &key));
        let sealed = envelope::seal(crypto, &epoch.secret, &binding, &salt, blob).await.ok()?;
        let mut batch = Batch::new();
        batch.put(Table::Derived, key, sealed);
        // No room is made for it: it would take that of contents.
        self.host.store().write(batch, Durability::Relaxed).await.ok()?;
        Some(Vec::new())
    }

    fn derived<'a>(&'a self, epoch: u32, key: &'a [u8]) -> Binding<'a> {
        Binding { kind: SealType::Local, epoch, scope: self.vault.as_bytes(), bind: key }
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
