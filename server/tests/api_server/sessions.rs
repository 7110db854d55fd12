//! Cookies and access tokens.

use offing_core::proto::{AccessToken, Code};
use offing_server::config::RateConfig;
use reqwest::Method;

use crate::calls::reply;
use crate::harness::{Differs, World};

#[tokio::test]
async fn a_refresh_replaces_the_cookie_and_gives_a_token_that_works() {
    let world = World::start().await;
    let mut alice = world.sign_up("alice", "password").await;
    world.pass_ms(601_000);
    let over = reply(world.call(&alice, Method::GET, "/account")).await;
    assert_eq!(over.refusal(), (401, Code::TokenExpired));
    let refreshed = world.refresh(&alice.cookie).await;
    assert_ne!(refreshed.cookie().unwrap(), alice.cookie);
    alice.token = refreshed.json::<AccessToken>().token;
    assert_eq!(reply(world.call(&alice, Method::GET, "/account")).await.status, 200);
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_stay_signed_in() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let first = world.refresh(&alice.cookie).await;
    world.pass_ms(59_000);
    let second = world.refresh(&alice.cookie).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.cookie(), None);
    assert_eq!(world.refresh(&first.cookie().unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_does_not_sign_a_device_out() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let lost = world.refresh(&alice.cookie).await.cookie().unwrap();
    world.pass_ms(24 * 3_600 * 1_000);
    let again = world.refresh(&alice.cookie).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.cookie().unwrap(), lost);
    assert_eq!(world.refresh(&again.cookie().unwrap()).await.status, 200);
}

#[tokio::test]
async fn reusing_an_older_cookie_ends_the_session_for_thief_and_owner() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let second = world.refresh(&alice.cookie).await.cookie().unwrap();
    let third = world.refresh(&second).await.cookie().unwrap();
    assert_eq!(world.refresh(&alice.cookie).await.refusal(), (401, Code::SignedOut));
    assert_eq!(world.refresh(&third).await.refusal(), (401, Code::SignedOut));
}

#[tokio::test]
async fn an_unused_session_ends_after_thirty_days() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    world.pass_ms(30 * 24 * 3_600 * 1_000 + 1);
    assert_eq!(world.refresh(&alice.cookie).await.refusal(), (401, Code::SignedOut));
}

#[tokio::test]
async fn signing_out_voids_cookie_and_token_at_once() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let request =
        world.request(Method::POST, "/api/v1/auth/sign-out").header("cookie", &alice.cookie);
    let out = reply(request).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(world.refresh(&alice.cookie).await.refusal(), (401, Code::SignedOut));
    let stale = reply(world.call(&alice, Method::GET, "/account")).await;
    assert_eq!(stale.refusal(), (401, Code::SignedOut));
    let again =
        world.request(Method::POST, "/api/v1/auth/sign-out").header("cookie", &alice.cookie);
    assert_eq!(reply(again).await.status, 204);
}

#[tokio::test]
async fn a_cookie_counts_only_for_pages_of_this_server() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let refresh = |name: &'static str, value: String| {
        let request =
            world.request(Method::POST, "/api/v1/auth/refresh").header("cookie", &alice.cookie);
        reply(request.header(name, value))
    };
    let foreign = refresh("origin", "https://evil.example".to_owned()).await;
    assert_eq!(foreign.refusal(), (403, Code::BadRequest));
    let foreign = refresh("origin", "null".to_owned()).await;
    assert_eq!(foreign.refusal(), (403, Code::BadRequest));
    let foreign = refresh("sec-fetch-site", "cross-site".to_owned()).await;
    assert_eq!(foreign.refusal(), (403, Code::BadRequest));
    assert_eq!(refresh("origin", format!("http://{}", world.address)).await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_server_is_no_token() {
    let (here, there) = (World::start().await, World::start().await);
    let alice = there.sign_up("alice", "password").await;
    let refused = reply(here.call(&alice, Method::GET, "/account")).await;
    assert_eq!(refused.refusal(), (401, Code::SignedOut));
}

#[tokio::test]
async fn wrong_tokens_of_an_address_are_counted_and_hold_up_no_right_one() {
    let rate = RateConfig { wrong_tokens_per_minute: 3, ..RateConfig::default() };
    let world = World::start_with(Differs { rate: Some(rate), ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    let there = World::start().await;
    let wrong = there.sign_up("alice", "password").await;
    for _ in 0..3 {
        let refused = reply(world.call(&wrong, Method::GET, "/account")).await;
        assert_eq!(refused.refusal(), (401, Code::SignedOut));
        assert_eq!(reply(world.call(&alice, Method::GET, "/account")).await.status, 200);
    }
    let slowed = reply(world.call(&wrong, Method::GET, "/account")).await;
    assert_eq!(slowed.refusal(), (429, Code::RateLimited));
    assert_eq!(slowed.header("retry-after"), Some("20"));
    // Behind the same address: who has called before, who signs in now, who is told to wait.
    assert_eq!(reply(world.call(&alice, Method::GET, "/account")).await.status, 200);
    let tablet = world.sign_in("alice", "password").await;
    assert_eq!(reply(world.call(&tablet, Method::GET, "/account")).await.status, 200);
    world.pass_ms(20_000);
    let again = reply(world.call(&wrong, Method::GET, "/account")).await;
    assert_eq!(again.refusal(), (401, Code::SignedOut));
}

#[tokio::test]
async fn too_many_calls_are_told_how_long_to_wait() {
    let rate = RateConfig { calls_per_minute: 3, ..RateConfig::default() };
    let world = World::start_with(Differs { rate: Some(rate), ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    for _ in 0..3 {
        assert_eq!(reply(world.call(&alice, Method::GET, "/account")).await.status, 200);
    }
    let slowed = reply(world.call(&alice, Method::GET, "/account")).await;
    assert_eq!(slowed.refusal(), (429, Code::RateLimited));
    assert_eq!(slowed.header("retry-after"), Some("20"));
    assert_eq!(reply(world.call(&bob, Method::GET, "/account")).await.status, 200);
    world.pass_ms(20_000);
    assert_eq!(reply(world.call(&alice, Method::GET, "/account")).await.status, 200);
}
