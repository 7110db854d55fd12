//! What every store must do, as one suite that each implementation runs.
//!
//! It panics at the first difference, so it belongs in tests; it is an ordinary module so
//! that host and browser tests share it.

use offing_core::id::ChunkId;
use offing_core::proto;

use super::chunks::{ChunkStore, Framed};
use super::{Batch, Direction, Durability, Range, Row, Store, StoreError, Table};

fn key(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn numbers(rows: &[Row]) -> Vec<u32> {
    rows.iter()
        .map(|(key, _)| u32::from_be_bytes(key.as_slice().try_into().expect("keys are numbers")))
        .collect()
}

async fn fill(store: &impl Store, table: Table, count: u32) {
    let mut batch = Batch::new();
    for number in 0..count {
        batch.put(table, key(number), number.to_le_bytes());
    }
    store.write(batch, Durability::Relaxed).await.expect("a batch of rows is written");
}

/// Runs the suite on two empty stores that share nothing.
pub async fn run(store: &impl Store, other: &impl Store) {
    values_come_back(store).await;
    a_batch_applies_in_order(store).await;
    scans_page_in_both_directions(store).await;
    ranges_are_deleted_whole(store).await;
    keys_order_as_bytes(store).await;
    assert_eq!(other.count(Table::Nodes, &Range::all()).await, Ok(0), "stores share nothing");
    store.clear().await.expect("a store can be cleared");
    for table in Table::ALL {
        assert_eq!(store.count(table, &Range::all()).await, Ok(0));
    }
}

/// Checks that two handles on one store see each other's writes.
pub async fn shared(one: &impl Store, two: &impl Store) {
    let mut batch = Batch::new();
    batch.put(Table::Meta, *b"shared", *b"yes").put(Table::Texts, *b"shared", *b"too");
    one.write(batch, Durability::Strict).await.expect("a write through one handle");
    assert_eq!(two.get(Table::Meta, b"shared").await, Ok(Some(b"yes".to_vec())));
    assert_eq!(two.get(Table::Texts, b"shared").await, Ok(Some(b"too".to_vec())));
    one.clear().await.expect("a store can be cleared");
}

async fn values_come_back(store: &impl Store) {
    assert_eq!(store.get(Table::Meta, b"absent").await, Ok(None));
    assert_eq!(store.get_many(Table::Meta, &[]).await, Ok(vec![]));
    let mut batch = Batch::new();
    let large: Vec<u8> = (0..300_000_u32).map(|byte| (byte % 251) as u8).collect();
    batch
        .put(Table::Meta, *b"small", *b"value")
        .put(Table::Meta, *b"empty", [])
        .put(Table::Texts, *b"small", *b"other table")
        .put(Table::Meta, [0, 255], large.clone());
    store.write(batch, Durability::Strict).await.expect("a strict write");
    let keys = [b"empty".to_vec(), b"absent".to_vec(), b"small".to_vec(), vec![0, 255]];
    assert_eq!(
        store.get_many(Table::Meta, &keys).await,
        Ok(vec![Some(vec![]), None, Some(b"value".to_vec()), Some(large)])
    );
    assert_eq!(store.get(Table::Texts, b"small").await, Ok(Some(b"other table".to_vec())));
    store.write(Batch::new(), Durability::Strict).await.expect("an empty batch is fine");
}

async fn a_batch_applies_in_order(store: &impl Store) {
    let mut batch = Batch::new();
    batch
        .put(Table::Transfers, [1], *b"first")
        .put(Table::Transfers, [1], *b"second")
        .put(Table::Transfers, [2], *b"gone")
        .delete(Table::Transfers, [2])
        .delete(Table::Transfers, [9])
        .put(Table::Transfers, [3], *b"swept")
        .delete_range(Table::Transfers, Range::between([3], [4]))
        .put(Table::Transfers, [3], *b"anew");
    store.write(batch, Durability::Relaxed).await.expect("a mixed batch");
    assert_eq!(
        store.scan(Table::Transfers, &Range::all(), 0, 10, Direction::Forward).await,
        Ok(vec![(vec![1], b"second".to_vec()), (vec![3], b"anew".to_vec())])
    );
}

async fn scans_page_in_both_directions(store: &impl Store) {
    const COUNT: u32 = 1_000;
    fill(store, Table::Nodes, COUNT).await;
    let scan = async |range: Range, skip, limit, direction| {
        let rows = store.scan(Table::Nodes, &range, skip, limit, direction).await;
        numbers(&rows.expect("a scan of rows"))
    };
    use Direction::{Backward, Forward};
    let all: Vec<u32> = (0..COUNT).collect();
    assert_eq!(scan(Range::all(), 0, COUNT * 2, Forward).await, all);
    assert_eq!(scan(Range::all(), 0, 3, Forward).await, [0, 1, 2]);
    assert_eq!(scan(Range::all(), 500, 3, Forward).await, [500, 501, 502]);
    assert_eq!(scan(Range::all(), COUNT - 1, 3, Forward).await, [COUNT - 1]);
    assert_eq!(scan(Range::all(), COUNT, 3, Forward).await, [0; 0]);
    assert_eq!(scan(Range::all(), 0, 0, Forward).await, [0; 0]);
    assert_eq!(scan(Range::all(), 0, 3, Backward).await, [999, 998, 997]);
    assert_eq!(scan(Range::all(), 997, 9, Backward).await, [2, 1, 0]);
    assert_eq!(scan(Range::all(), COUNT, 3, Backward).await, [0; 0]);
    let part = Range::between(key(10), key(20));
    assert_eq!(scan(part.clone(), 0, 99, Forward).await, (10..20).collect::<Vec<_>>());
    assert_eq!(scan(part.clone(), 8, 99, Forward).await, [18, 19]);
    assert_eq!(scan(part.clone(), 0, 2, Backward).await, [19, 18]);
    assert_eq!(scan(part.clone(), 9, 2, Backward).await, [10]);
    assert_eq!(scan(Range::between(key(7), key(7)), 0, 9, Forward).await, [0; 0]);
    assert_eq!(scan(Range::between(key(9), key(7)), 0, 9, Backward).await, [0; 0]);
    assert_eq!(store.count(Table::Nodes, &Range::all()).await, Ok(u64::from(COUNT)));
    assert_eq!(store.count(Table::Nodes, &part).await, Ok(10));
    assert_eq!(store.count(Table::Nodes, &Range::between(key(9), key(7))).await, Ok(0));
    assert_eq!(store.scan_keys(Table::Nodes, &part, 2).await, Ok(vec![key(10), key(11)]));
    let ranges = [
        (Range::between(key(10), key(12)), 9),
        (Range::between(key(7), key(7)), 9),
        (Range::between(key(0), key(9)), 1),
        (Range::between(key(0), key(9)), 0),
    ];
    let found = store.scan_keys_many(Table::Nodes, &ranges).await;
    assert_eq!(found, Ok(vec![vec![key(10), key(11)], vec![], vec![key(0)], vec![]]));
    assert_eq!(store.scan_keys_many(Table::Nodes, &[]).await, Ok(vec![]));
    let row = store.scan(Table::Nodes, &part, 0, 1, Forward).await.expect("one row");
    assert_eq!(row, [(key(10), 10_u32.to_le_bytes().to_vec())]);
}

async fn ranges_are_deleted_whole(store: &impl Store) {
    store.delete_range(Table::Nodes, Range::between(key(2), key(998))).await.expect("a sweep");
    let rows = store.scan(Table::Nodes, &Range::all(), 0, 10, Direction::Forward).await;
    assert_eq!(numbers(&rows.expect("a scan of rows")), [0, 1, 998, 999]);
    store.delete_range(Table::Nodes, Range::between(key(5), key(5))).await.expect("an empty one");
}

async fn keys_order_as_bytes(store: &impl Store) {
    let mut batch = Batch::new();
    let keys: [&[u8]; 5] = [&[], &[0], &[0, 0], &[0, 255], &[255]];
    for key in keys.iter().rev() {
        batch.put(Table::Listing, *key, *b"");
    }
    store.write(batch, Durability::Relaxed).await.expect("odd keys");
    let found = store.scan_keys(Table::Listing, &Range::all(), 10).await.expect("keys");
    assert_eq!(found, keys);
    let found = store.scan_keys(Table::Listing, &Range::prefix(&[0]), 10).await.expect("keys");
    assert_eq!(found, keys[1..4]);
}

/// Runs the suite on an empty chunk store.
pub async fn run_chunks(chunks: &impl ChunkStore) {
    let id = |byte: u8| ChunkId([byte; 32]);
    let bytes: Vec<u8> = (0..100_000_u32).map(|byte| (byte % 251) as u8).collect();
    assert_eq!(chunks.len(id(1)).await, Ok(None));
    assert_eq!(chunks.get(id(1), 0..1).await, Err(StoreError::NotFound));
    assert_eq!(chunks.get_all(id(1)).await, Ok(None));
    chunks.delete(id(1)).await.expect("deleting what is not there is fine");
    chunks.put(id(1), &bytes).await.expect("a chunk is stored");
    chunks.put(id(1), &bytes).await.expect("and once more");
    chunks.put(id(2), b"two").await.expect("a second chunk");
    assert_eq!(chunks.len(id(1)).await, Ok(Some(100_000)));
    assert_eq!(chunks.get(id(1), 65_536..65_540).await, Ok(bytes[65_536..65_540].to_vec()));
    assert_eq!(chunks.get(id(1), 5..5).await, Ok(vec![]));
    assert_eq!(chunks.get_all(id(1)).await, Ok(Some(bytes)));
    assert_eq!(chunks.get(id(2), 0..4).await, Err(StoreError::Lost));
    let mut listed = chunks.list().await.expect("a list");
    listed.sort_unstable();
    assert_eq!(listed, [id(1), id(2)]);
    assert_eq!(chunks.usage().await, Ok(100_003));
    let framed = chunks.frame(&[(id(1), 100_000), (id(2), 3)]).await.expect("both are here");
    assert_eq!(framed.len_bytes(), 100_003 + 2 * proto::CHUNK_HEAD_BYTES as u64);
    let bytes = chunks.get_all(id(1)).await.expect("it is here").expect("whole");
    let wanted = proto::encode_chunk_batch([(id(1), bytes.as_slice()), (id(2), b"two")]);
    match framed {
        Framed::Bytes(framed) => assert_eq!(framed, wanted),
        #[cfg(target_arch = "wasm32")]
        Framed::Blob(blob) => {
            let len = wanted.len() as u64;
            assert_eq!(crate::platform::files::slice(&blob, 0, len).await, Ok(wanted));
        }
    }
    assert!(chunks.frame(&[(id(3), 3)]).await.is_err(), "what is not here cannot be sent");
    chunks.delete(id(1)).await.expect("a chunk is deleted");
    assert_eq!(chunks.len(id(1)).await, Ok(None));
    assert_eq!(chunks.get_all(id(2)).await, Ok(Some(b"two".to_vec())));
    chunks.clear().await.expect("a chunk store can be cleared");
    assert_eq!(chunks.list().await, Ok(vec![]));
}

/// Checks what a put on a full disk leaves; `fill` makes an empty chunk store full, or not.
pub async fn run_full_chunks(chunks: &impl ChunkStore, fill: impl Fn(bool)) {
    let id = |byte: u8| ChunkId([byte; 32]);
    let bytes: Vec<u8> = (0..100_000_u32).map(|byte| (byte % 251) as u8).collect();
    chunks.put(id(1), &bytes).await.expect("there is space");
    chunks.put(id(2), &bytes[..70_000]).await.expect("as a crash tears it");
    chunks.put(id(3), &vec![0; bytes.len()]).await.expect("of the right length, and torn");
    fill(true);
    chunks.put(id(1), &bytes).await.expect("what is here whole needs no space");
    for torn in [id(2), id(3), id(4)] {
        assert_eq!(chunks.put(torn, &bytes).await, Err(StoreError::Full));
    }
    assert_eq!(chunks.get_all(id(1)).await, Ok(Some(bytes.clone())), "whole as before");
    assert_eq!(chunks.len(id(4)).await, Ok(None), "nothing is half here");
    fill(false);
    for torn in [id(2), id(3), id(4)] {
        chunks.put(torn, &bytes).await.expect("there is space again");
        assert_eq!(chunks.get_all(torn).await, Ok(Some(bytes.clone())), "it is whole now");
    }
    chunks.clear().await.expect("a chunk store can be cleared");
}
