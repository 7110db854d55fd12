//! Vaults, logs and chunks.

use std::sync::atomic::Ordering;

use offing_core::id::{ChunkId, Hash, StreamId, VaultId};
use offing_core::limits;
use offing_core::log::entry::EntryKind;
use offing_core::proto::{
    AccountView, AppendResult, ChunksStored, Code, LogPage, PageItem, decode_bitmap, encode_append,
    encode_chunk_batch, encode_have,
};
use reqwest::Method;

use crate::calls::{chunk_id, entry, reply};
use crate::harness::{Differs, World};

#[tokio::test]
async fn a_log_is_read_as_it_was_appended() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let entries = [vault.next(&[]), vault.next(&[])];
    let appended = world.append(&alice, &vault, &entries).await;
    assert_eq!(appended.tip.seq, 3);
    let path = format!("/vaults/{}/log", vault.id);
    let page = reply(world.call(&alice, Method::GET, &format!("{path}?after=1"))).await;
    let page = LogPage::decode(&page.body).unwrap();
    assert_eq!(page.tip, appended.tip);
    let expected: Vec<PageItem> =
        entries.iter().map(|entry| PageItem::Full(entry.encode())).collect();
    assert_eq!(page.items, expected);
    let bare = format!("{path}?after=2&bare={}", alice.device);
    let page = LogPage::decode(&reply(world.call(&alice, Method::GET, &bare)).await.body).unwrap();
    assert!(matches!(&page.items[..], [PageItem::Bare { .. }]));
    let view: AccountView = reply(world.call(&alice, Method::GET, "/account")).await.json();
    assert_eq!(view.vaults, [vault.id]);
}

#[tokio::test]
async fn a_newcomer_is_shown_the_last_snapshot_and_what_it_takes_to_believe_it() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let path = format!("/vaults/{}/snapshot", vault.id);
    let shown = async |query: &str| {
        let answer = reply(world.call(&alice, Method::GET, &format!("{path}{query}"))).await;
        LogPage::decode(&answer.body).unwrap()
    };
    assert_eq!(shown("").await.items, [], "there is none");
    let kinds = [EntryKind::Snapshot, EntryKind::Change, EntryKind::Snapshot, EntryKind::Change];
    let entries = kinds.map(|kind| vault.next_of(kind, &[]));
    let appended = world.append(&alice, &vault, &entries).await;
    let log = format!("/vaults/{}/log", vault.id);
    let log = LogPage::decode(&reply(world.call(&alice, Method::GET, &log)).await.body).unwrap();
    let page = shown("").await;
    assert_eq!(page.tip, appended.tip);
    assert_eq!(page.items, [&log.items[0], &log.items[3]].map(Clone::clone));
    assert_eq!(shown("?skip=1").await.items, [&log.items[0], &log.items[1]].map(Clone::clone));
    assert_eq!(shown("?skip=2").await.items, []);
    let bob = world.sign_up("bob", "password").await;
    let foreign = reply(world.call(&bob, Method::GET, &path)).await;
    assert_eq!(foreign.refusal(), (404, Code::VaultUnknown));
}

#[tokio::test]
async fn the_newest_shared_index_is_shown_by_its_entry() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let path = format!("/vaults/{}/index", vault.id);
    let shown = async |query: &str| {
        let answer = reply(world.call(&alice, Method::GET, &format!("{path}{query}"))).await;
        LogPage::decode(&answer.body).unwrap().items
    };
    let heartbeat = vault.next_of(EntryKind::Heartbeat, &[]);
    world.append(&alice, &vault, &[heartbeat]).await;
    assert_eq!(shown("").await, [], "there is none");
    let (heartbeat, about) = (EntryKind::Heartbeat, &[StreamId::INDEX][..]);
    let entries = [
        vault.next_about(heartbeat, about),
        vault.next_about(heartbeat, &[StreamId::CONTENTS]),
        vault.next_about(heartbeat, about),
        vault.next_about(EntryKind::Gc, about),
    ];
    world.append(&alice, &vault, &entries).await;
    let log = format!("/vaults/{}/log", vault.id);
    let log = LogPage::decode(&reply(world.call(&alice, Method::GET, &log)).await.body).unwrap();
    assert_eq!(shown("").await, [log.items[4].clone()]);
    assert_eq!(shown("?skip=1").await, [log.items[2].clone()]);
    assert_eq!(shown("?skip=2").await, []);
    let bob = world.sign_up("bob", "password").await;
    let foreign = reply(world.call(&bob, Method::GET, &path)).await;
    assert_eq!(foreign.refusal(), (404, Code::VaultUnknown));
}

#[tokio::test]
async fn an_entry_waits_for_its_chunks_and_repeats_harmlessly() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let needs = [vault.next(&[chunk_id(b"sealed")]), vault.next(&[])];
    let early = world.append(&alice, &vault, &needs).await.results;
    let missing = AppendResult::Missing { ids: vec![chunk_id(b"sealed")] };
    assert_eq!(early, [missing, AppendResult::Skipped]);
    assert_eq!(world.put_chunk(&alice, &vault, b"sealed").await.status, 200);
    let now = world.append(&alice, &vault, &needs).await.results;
    assert!(matches!(now[..], [AppendResult::Ok { seq: 2, .. }, AppendResult::Ok { seq: 3, .. }]));
    let again = world.append(&alice, &vault, &needs).await.results;
    assert_eq!(again, [AppendResult::Dup { seq: 2 }, AppendResult::Dup { seq: 3 }]);
}

#[tokio::test]
async fn forks_gaps_stale_epochs_and_foreign_devices_are_refused_by_name() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let (id, device) = (Some(vault.id), alice.device);
    let stranger = world.sign_up("bob", "password").await.device;
    let change = EntryKind::Change;
    for (refused, expected) in [
        (entry(id, device, 2, Hash([9; 32]), change, &[], 1), AppendResult::DeviceFork),
        (entry(id, device, 3, vault.last, change, &[], 1), AppendResult::DeviceFork),
        (entry(id, device, 1, Hash([0; 32]), change, &[], 1), AppendResult::DeviceFork),
        (entry(id, device, 2, vault.last, change, &[], 2), AppendResult::EpochStale),
    ] {
        let appended = world.append(&alice, &vault, &[refused]).await;
        assert_eq!(appended.results, [expected]);
        assert_eq!(appended.tip.seq, 1);
    }
    let foreign = entry(id, stranger, 1, Hash([0; 32]), change, &[], 1).encode();
    let path = format!("/vaults/{}/log", vault.id);
    let refused = world.send(&alice, Method::POST, &path, encode_append(&[foreign])).await;
    assert_eq!(refused.refusal(), (403, Code::WrongDevice));
}

#[tokio::test]
async fn a_vault_is_named_by_its_genesis_entry() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let genesis = entry(None, alice.device, 1, Hash([0; 32]), EntryKind::Epoch, &[], 1);
    let path = format!("/vaults/{}", VaultId([5; 32]));
    let refused = world.send(&alice, Method::PUT, &path, genesis.encode()).await;
    assert_eq!(refused.refusal(), (400, Code::BadRequest));
    let refused = world.send(&alice, Method::PUT, &path, b"not an entry".to_vec()).await;
    assert_eq!(refused.refusal(), (400, Code::BadRequest));
}

#[tokio::test]
async fn nobody_elses_vault_exists() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    let vault = world.create_vault(&alice).await;
    world.put_chunk(&alice, &vault, b"sealed").await;
    let id = vault.id;
    let chunk = format!("/vaults/{id}/chunks/{}", chunk_id(b"sealed"));
    let log = format!("/vaults/{id}/log");
    for refused in [
        reply(world.call(&bob, Method::GET, &log)).await,
        reply(world.call(&bob, Method::GET, &chunk)).await,
        world.send(&bob, Method::POST, &log, encode_append(&[])).await,
        world.send(&bob, Method::POST, &format!("/vaults/{id}/have"), Vec::new()).await,
        world.put_chunk(&bob, &vault, b"other").await,
    ] {
        assert_eq!(refused.refusal(), (404, Code::VaultUnknown));
    }
}

#[tokio::test]
async fn a_chunk_is_served_whole_in_part_and_never_twice() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let bytes: Vec<u8> = (0..700_000u32).map(|n| n.to_be_bytes()[3]).collect();
    assert_eq!(world.put_chunk(&alice, &vault, &bytes).await.status, 200);
    let path = format!("/vaults/{}/chunks/{}", vault.id, chunk_id(&bytes));
    let get = |method, name: &'static str, value: &str| {
        reply(world.call(&alice, method, &path).header(name, value))
    };
    let whole = get(Method::GET, "accept", "*/*").await;
    assert_eq!(whole.body, bytes);
    let etag = format!("\"{}\"", chunk_id(&bytes));
    assert_eq!(whole.header("etag"), Some(etag.as_str()));
    assert!(whole.header("cache-control").unwrap().contains("immutable"));

    let part = get(Method::GET, "range", "bytes=300000-600000").await;
    assert_eq!(part.status, 206);
    assert_eq!(part.body, bytes[300_000..=600_000]);
    assert_eq!(part.header("content-range"), Some("bytes 300000-600000/700000"));
    let outside = get(Method::GET, "range", "bytes=700000-").await;
    assert_eq!(outside.refusal(), (416, Code::RangeInvalid));
    assert_eq!(outside.header("content-range"), Some("bytes */700000"));

    let known = get(Method::GET, "if-none-match", &etag).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let head = get(Method::HEAD, "accept", "*/*").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("700000"));
    let absent = format!("/vaults/{}/chunks/{}", vault.id, ChunkId([1; 32]));
    let absent = reply(world.call(&alice, Method::GET, &absent)).await;
    assert_eq!(absent.refusal(), (404, Code::ChunkUnknown));
}

#[tokio::test]
async fn bytes_that_do_not_hash_to_their_id_are_not_stored() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let path = format!("/vaults/{}/chunks/{}", vault.id, chunk_id(b"sealed"));
    let refused = world.send(&alice, Method::PUT, &path, b"Sealed".to_vec()).await;
    assert_eq!(refused.refusal(), (422, Code::ChunkMismatch));
    let batch = encode_chunk_batch([(chunk_id(b"sealed"), &b"broken"[..])]);
    let batches = format!("/vaults/{}/chunks", vault.id);
    let refused = world.send(&alice, Method::POST, &batches, batch).await;
    assert_eq!(refused.refusal(), (422, Code::ChunkMismatch));
    let gone = reply(world.call(&alice, Method::GET, &path)).await;
    assert_eq!(gone.refusal(), (404, Code::ChunkUnknown));
}

#[tokio::test]
async fn a_batch_stores_its_chunks_and_have_names_them() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let chunks: [&[u8]; 3] = [b"one", b"two", b"three"];
    let batch = encode_chunk_batch(chunks.map(|bytes| (chunk_id(bytes), bytes)));
    let path = format!("/vaults/{}/chunks", vault.id);
    let cut = batch[..batch.len() - 1].to_vec();
    let refused = world.send(&alice, Method::POST, &path, cut).await;
    assert_eq!(refused.refusal(), (400, Code::BadRequest));
    let stored = world.send(&alice, Method::POST, &path, batch).await;
    assert_eq!(stored.json::<ChunksStored>().stored, 3);
    let ids = [chunk_id(b"one"), ChunkId([1; 32]), chunk_id(b"three")];
    let path = format!("/vaults/{}/have", vault.id);
    let held = world.send(&alice, Method::POST, &path, encode_have(&ids)).await;
    assert_eq!(decode_bitmap(&held.body, 3).unwrap(), [true, false, true]);
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_announced_or_not() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let bytes = vec![0; limits::CHUNK_SEALED_BYTES_MAX + 1];
    let announced = world.put_chunk(&alice, &vault, &bytes).await;
    assert_eq!(announced.refusal(), (413, Code::TooLarge));
    let path = format!("/vaults/{}/have", vault.id);
    let pieces = [vec![0u8; 32_000], vec![0; 32_000]].map(Ok::<_, std::io::Error>);
    let unannounced = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let unannounced = world.send(&alice, Method::POST, &path, unannounced).await;
    assert_eq!(unannounced.refusal(), (413, Code::TooLarge));
    let long = serde_json::json!({ "request": "A".repeat(limits::JSON_BODY_BYTES_MAX) });
    let request = world.call(&alice, Method::POST, "/auth/secret/start").json(&long);
    assert_eq!(reply(request).await.refusal(), (413, Code::TooLarge));
}

#[tokio::test]
async fn malformed_requests_are_refused_and_change_nothing() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let log = format!("/vaults/{}/log", vault.id);
    for refused in [
        world.send(&alice, Method::POST, &log, vec![0, 0, 0, 9]).await,
        reply(world.call(&alice, Method::GET, "/vaults/xyz/log")).await,
        reply(world.call(&alice, Method::GET, &format!("{log}?after=-1"))).await,
        reply(world.call(&alice, Method::GET, &format!("{log}?since=1"))).await,
        world.send(&alice, Method::POST, &format!("/vaults/{}/have", vault.id), vec![1; 33]).await,
        world.post("/auth/login/start", &serde_json::json!({ "username": "alice" })).await,
    ] {
        assert_eq!(refused.refusal(), (400, Code::BadRequest));
    }
    let request = world.call(&alice, Method::POST, &log).body(encode_append(&[]));
    assert_eq!(reply(request).await.refusal(), (415, Code::BadRequest));
}

#[tokio::test]
async fn a_full_disk_refuses_the_chunk_and_keeps_the_rest() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    assert_eq!(world.put_chunk(&alice, &vault, b"before").await.status, 200);
    world.disk_bytes_max.store(0, Ordering::SeqCst);
    let refused = world.put_chunk(&alice, &vault, b"after").await;
    assert_eq!(refused.refusal(), (507, Code::StorageFull));
    let path = |bytes| format!("/vaults/{}/chunks/{}", vault.id, chunk_id(bytes));
    let kept = reply(world.call(&alice, Method::GET, &path(b"before"))).await;
    assert_eq!(kept.body, &b"before"[..]);
    let absent = reply(world.call(&alice, Method::GET, &path(b"after"))).await;
    assert_eq!(absent.refusal(), (404, Code::ChunkUnknown));
    world.disk_bytes_max.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(world.put_chunk(&alice, &vault, b"after").await.status, 200);
}

#[tokio::test]
async fn an_account_stores_no_more_than_its_quota() {
    let differs = Differs { quota_bytes: Some(20_000), ..Differs::default() };
    let world = World::start_with(differs).await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    assert_eq!(world.put_chunk(&alice, &vault, &[1; 10_000]).await.status, 200);
    let refused = world.put_chunk(&alice, &vault, &[2; 10_000]).await;
    assert_eq!(refused.refusal(), (507, Code::QuotaExceeded));
    assert_eq!(world.put_chunk(&alice, &vault, &[3; 9_000]).await.status, 200);
    let entries: Vec<_> = (0..10).map(|_| vault.next(&[])).collect();
    let results = world.append(&alice, &vault, &entries).await.results;
    assert!(results.contains(&AppendResult::Quota));
    let view: AccountView = reply(world.call(&alice, Method::GET, "/account")).await.json();
    assert!(view.used_bytes <= 20_000);
    assert_eq!(view.quota_bytes, Some(20_000));
}

#[tokio::test]
async fn who_is_refused_before_the_body_is_read_hears_why() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    world.pass_ms(601_000);
    let large = vec![3; 4 * 1024 * 1024];
    for _ in 0..5 {
        let refused = world.put_chunk(&alice, &vault, &large).await;
        assert_eq!(refused.refusal(), (401, Code::TokenExpired));
    }
}
