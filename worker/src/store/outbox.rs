//! What this device wrote and the log does not hold yet.
//!
//! The engine enqueues in the same transaction as the change itself; [`crate::push`] reads
//! and acknowledges; the engine forgets an item only when the verified log contains it.
//! Acknowledgements are rows of their own, so a push that ends late can never bring a
//! forgotten item back. All items of a vault are of one device, in the order of `dseq`.
//!
//! ```text
//! key = vault[32] | kind u8 | be64 dseq        kind: 0 item · 1 entry's wire bytes · 2 ack
//! ```

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};
use serde::{Deserialize, Serialize};

use super::{Batch, Direction, Range, Store, StoreError, Table};

const ITEM: u8 = 0;
const ENTRY: u8 = 1;
const ACK: u8 = 2;

/// One entry that waits to be appended; its wire bytes are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// The device that signed the entry.
    pub device: DeviceId,
    /// The device's counter in the entry.
    pub dseq: u64,
    /// Length of the entry's wire bytes.
    pub entry_bytes: u32,
    /// The chunks that the entry brought: held here, perhaps not on the server.
    pub chunks: Vec<ChunkId>,
    /// When it was written, milliseconds since 1970.
    pub created_ms: i64,
}

/// The server's word that an entry is durable: a hint, until the verified log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The entry's place in the log.
    pub seq: Seq,
}

fn key(vault: &VaultId, kind: u8, dseq: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(41);
    key.extend_from_slice(&vault.0);
    key.push(kind);
    key.extend_from_slice(&dseq.to_be_bytes());
    key
}

fn kind_range(vault: &VaultId, kind: u8, after: u64) -> Range {
    match after.checked_add(1) {
        Some(first) => Range::between(key(vault, kind, first), key(vault, kind + 1, 0)),
        None => Range::between(Vec::new(), Vec::new()),
    }
}

fn dseq_of(key: &[u8]) -> Result<u64, StoreError> {
    let tail = key.get(33..).and_then(|tail| <[u8; 8]>::try_from(tail).ok());
    tail.map(u64::from_be_bytes).ok_or(StoreError::Lost)
}

/// Adds an entry to the outbox.
pub fn enqueue(batch: &mut Batch, vault: &VaultId, item: &OutboxItem, entry: &[u8]) {
    let encoded = postcard::to_allocvec(item).expect("an outbox item has nothing to refuse");
    batch.put(Table::Outbox, key(vault, ITEM, item.dseq), encoded);
    batch.put(Table::Outbox, key(vault, ENTRY, item.dseq), entry);
}

/// Records that an entry is durable on the server.
pub fn acknowledge(batch: &mut Batch, vault: &VaultId, dseq: u64, ack: Ack) {
    let encoded = postcard::to_allocvec(&ack).expect("an ack has nothing to refuse");
    batch.put(Table::Outbox, key(vault, ACK, dseq), encoded);
}

/// Removes every entry up to and including `dseq`: the verified log contains them.
pub fn forget_through(batch: &mut Batch, vault: &VaultId, dseq: u64) {
    for kind in [ITEM, ENTRY, ACK] {
        let end = match dseq.checked_add(1) {
            Some(end) => key(vault, kind, end),
            None => key(vault, kind + 1, 0),
        };
        batch.delete_range(Table::Outbox, Range::between(key(vault, kind, 0), end));
    }
}

/// Forgets what the server acknowledged, so that all of it is offered again: the server
/// was restored from a backup.
pub fn forget_acks(batch: &mut Batch, vault: &VaultId) {
    let range = Range::between(key(vault, ACK, 0), key(vault, ACK + 1, 0));
    batch.delete_range(Table::Outbox, range);
}

/// Removes the whole outbox of a vault.
pub fn forget_all(batch: &mut Batch, vault: &VaultId) {
    batch.delete_range(Table::Outbox, Range::prefix(&vault.0));
}

/// Reads up to `limit` items that come after `dseq`, in order.
pub async fn items(
    store: &impl Store,
    vault: &VaultId,
    after: u64,
    limit: u32,
) -> Result<Vec<OutboxItem>, StoreError> {
    let range = kind_range(vault, ITEM, after);
    let rows = store.scan(Table::Outbox, &range, 0, limit, Direction::Forward).await?;
    rows.iter()
        .map(|(_, value)| postcard::from_bytes(value).map_err(|_| StoreError::Lost))
        .collect()
}

/// Reads the wire bytes of the entries with these counters.
pub async fn entries(
    store: &impl Store,
    vault: &VaultId,
    dseqs: &[u64],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let entries = find(store, vault, dseqs).await?;
    entries.into_iter().map(|entry| entry.ok_or(StoreError::Lost)).collect()
}

/// Reads the wire bytes of those among the entries with these counters that are there.
pub async fn find(
    store: &impl Store,
    vault: &VaultId,
    dseqs: &[u64],
) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let keys: Vec<_> = dseqs.iter().map(|dseq| key(vault, ENTRY, *dseq)).collect();
    store.get_many(Table::Outbox, &keys).await
}

/// Tells up to which counter the server has acknowledged, and where that entry is.
pub async fn last_ack(
    store: &impl Store,
    vault: &VaultId,
) -> Result<Option<(u64, Ack)>, StoreError> {
    let range = Range::between(key(vault, ACK, 0), key(vault, ACK + 1, 0));
    let rows = store.scan(Table::Outbox, &range, 0, 1, Direction::Backward).await?;
    let Some((key, value)) = rows.first() else {
        return Ok(None);
    };
    let ack = postcard::from_bytes(value).map_err(|_| StoreError::Lost)?;
    Ok(Some((dseq_of(key)?, ack)))
}

/// Counts the entries that the verified log does not contain yet.
pub async fn count(store: &impl Store, vault: &VaultId) -> Result<u64, StoreError> {
    store.count(Table::Outbox, &kind_range(vault, ITEM, 0)).await
}

/// Counts the entries that the server has not acknowledged yet.
pub async fn count_unacknowledged(store: &impl Store, vault: &VaultId) -> Result<u64, StoreError> {
    let after = last_ack(store, vault).await?.map_or(0, |(dseq, _)| dseq);
    store.count(Table::Outbox, &kind_range(vault, ITEM, after)).await
}

/// Names the vaults that have anything in the outbox.
pub async fn vaults(store: &impl Store) -> Result<Vec<VaultId>, StoreError> {
    let mut vaults = Vec::new();
    let mut range = Range::all();
    // One key tells the vault; the next search starts behind that vault's prefix.
    while let Some(key) = store.scan_keys(Table::Outbox, &range, 1).await?.pop() {
        let vault = key.get(..VaultId::LEN).and_then(VaultId::from_slice);
        let vault = vault.ok_or(StoreError::Lost)?;
        vaults.push(vault);
        match Range::prefix(&vault.0).end {
            Some(end) => range = Range { start: end, end: None },
            None => break,
        }
    }
    Ok(vaults)
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::store::Durability;
    use crate::store::memory::MemoryStore;

    const VAULT: VaultId = VaultId([7; 32]);

    fn item(dseq: u64) -> OutboxItem {
        OutboxItem {
            device: DeviceId([1; 16]),
            dseq,
            entry_bytes: 1,
            chunks: vec![],
            created_ms: 5,
        }
    }

    fn change(store: &MemoryStore, build: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::new();
        build(&mut batch);
        block_on(store.write(batch, Durability::Strict)).unwrap();
    }

    fn filled() -> MemoryStore {
        let store = MemoryStore::new();
        change(&store, |batch| {
            for dseq in 1..=300 {
                enqueue(batch, &VAULT, &item(dseq), &[dseq as u8]);
            }
            enqueue(batch, &VaultId([0xff; 32]), &item(1), b"other");
        });
        store
    }

    #[test]
    fn items_come_in_order_and_apart_from_other_vaults() {
        let store = filled();
        let page = block_on(items(&store, &VAULT, 254, 3)).unwrap();
        assert_eq!(page, [item(255), item(256), item(257)]);
        assert_eq!(block_on(count(&store, &VAULT)), Ok(300));
        assert_eq!(block_on(entries(&store, &VAULT, &[3, 2])), Ok(vec![vec![3], vec![2]]));
        assert_eq!(block_on(vaults(&store)), Ok(vec![VAULT, VaultId([0xff; 32])]));
    }

    #[test]
    fn a_late_ack_does_not_bring_a_forgotten_item_back() {
        let store = filled();
        change(&store, |batch| forget_through(batch, &VAULT, 299));
        change(&store, |batch| acknowledge(batch, &VAULT, 299, Ack { seq: 900 }));
        assert_eq!(block_on(items(&store, &VAULT, 0, 9)), Ok(vec![item(300)]));
        assert_eq!(block_on(last_ack(&store, &VAULT)), Ok(Some((299, Ack { seq: 900 }))));
        assert_eq!(block_on(count_unacknowledged(&store, &VAULT)), Ok(1));
        change(&store, |batch| forget_acks(batch, &VAULT));
        assert_eq!(block_on(last_ack(&store, &VAULT)), Ok(None));
        change(&store, |batch| forget_all(batch, &VAULT));
        assert_eq!(block_on(vaults(&store)), Ok(vec![VaultId([0xff; 32])]));
    }

    #[test]
    fn an_entry_without_bytes_is_lost() {
        let store = filled();
        assert_eq!(block_on(entries(&store, &VAULT, &[301])), Err(StoreError::Lost));
    }
}
