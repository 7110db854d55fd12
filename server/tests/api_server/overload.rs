//! More work than can be done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use offing_core::proto::{AppendResult, ChunksStored, Code, Refusal};
use offing_server::config::RateConfig;
use offing_server::turns::Who;
use offing_server::turns::desk::{Bounds, Class};
use tokio::task::JoinSet;

use crate::harness::{Differs, World};

#[tokio::test]
async fn who_floods_the_server_is_told_to_wait_and_nobody_else_notices() {
    let turns = Bounds { at_once: 1, waiting_max: 4, patience: Duration::from_secs(60) };
    let world = World::start_with(Differs { turns: Some(turns), ..Differs::default() }).await;
    let world = Arc::new(world);
    let alice = world.sign_up("alice", "password").await;
    let mut hers = world.create_vault(&alice).await;
    let mallory = world.sign_up("mallory", "password").await;
    let flooded = world.create_vault(&mallory).await;
    let (refused, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let flood = (0..32_u32).map(|seed| {
        let (world, mallory, flooded) = (Arc::clone(&world), mallory.clone(), flooded.clone());
        let (refused, over) = (Arc::clone(&refused), Arc::clone(&over));
        tokio::spawn(async move {
            for round in 0_u32.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let chunk = [seed.to_be_bytes(), round.to_be_bytes()].concat().repeat(1_000);
                let Err(reply) = world.put_chunk(&mallory, &flooded, &chunk).await.granted() else {
                    continue;
                };
                let Refusal { code, retry_after_ms } = reply.json();
                assert_eq!((reply.status.as_u16(), code), (503, Code::Unavailable));
                assert!(retry_after_ms.is_some() && reply.headers.contains_key("retry-after"));
                refused.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    let mut appended = 0;
    while appended < 20 || refused.load(Ordering::Relaxed) == 0 {
        let next = hers.next(&[]);
        let result = world.append(&alice, &hers, &[next]).await.results;
        assert!(matches!(result[..], [AppendResult::Ok { .. }]), "{result:?}");
        appended += 1;
    }
    over.store(true, Ordering::Relaxed);
    for flood in flood {
        flood.await.unwrap();
    }
    assert_eq!(world.state.turns().under_way(), (0, 0));
}

#[tokio::test]
async fn what_finds_no_place_hears_so_at_once_and_what_waits_is_done() {
    let turns = Bounds { at_once: 2, waiting_max: 4, patience: Duration::from_secs(600) };
    let world = World::start_with(Differs { turns: Some(turns), ..Differs::default() }).await;
    let world = Arc::new(world);
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    // The server is busy, for as long as this test likes.
    let busy = [
        world.state.turns().turn(Who::Server, Class::Prompt).await.unwrap(),
        world.state.turns().turn(Who::Server, Class::Prompt).await.unwrap(),
    ];
    let mut calls = JoinSet::new();
    for seed in 0..10_u8 {
        let (world, alice, vault) = (Arc::clone(&world), alice.clone(), vault.clone());
        calls.spawn(async move { world.put_chunk(&alice, &vault, &[seed; 1_000]).await });
    }
    for _ in 0..6 {
        let refused = calls.join_next().await.unwrap().unwrap();
        assert_eq!(refused.refusal(), (503, Code::Unavailable));
        assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    }
    assert_eq!(world.state.turns().under_way(), (2, 4));
    drop(busy);
    while let Some(done) = calls.join_next().await {
        assert_eq!(done.unwrap().json::<ChunksStored>().stored, 1);
    }
    assert_eq!(world.state.turns().under_way(), (0, 0));
}

#[tokio::test]
async fn who_is_told_to_wait_has_not_used_up_any_of_his_calls() {
    let turns = Bounds { at_once: 1, waiting_max: 0, patience: Duration::from_secs(60) };
    let rate = RateConfig { transfers_per_minute: 3, ..RateConfig::default() };
    let differs = Differs { turns: Some(turns), rate: Some(rate), ..Differs::default() };
    let world = World::start_with(differs).await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let busy = world.state.turns().turn(Who::Server, Class::Prompt).await.unwrap();
    for _ in 0..4 {
        let refused = world.put_chunk(&alice, &vault, &[1; 1_000]).await;
        assert_eq!(refused.refusal(), (503, Code::Unavailable));
    }
    drop(busy);
    for seed in 0..3 {
        let done = world.put_chunk(&alice, &vault, &[seed; 1_000]).await;
        assert_eq!(done.json::<ChunksStored>().stored, 1);
    }
    let refused = world.put_chunk(&alice, &vault, &[9; 1_000]).await;
    assert_eq!(refused.refusal(), (429, Code::RateLimited));
}
