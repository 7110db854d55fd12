//! How much one caller may have and do, whoever it is.

use offing_core::proto::{Code, SecretKind};
use offing_server::config::RateConfig;
use offing_server::service::quota::Counts;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::calls::reply;
use crate::harness::{Differs, RECOVERY, World};

/// Says whether whoever connects is answered.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 12];
    let asks = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(asks).await.is_ok()
        && stream.read_exact(&mut answer).await.is_ok()
        && answer == *b"HTTP/1.1 200"
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_the_next_is_closed_at_once() {
    let connections_per_address = Some(2);
    let world = World::start_with(Differs { connections_per_address, ..Differs::default() }).await;
    let connect = || async { TcpStream::connect(world.direct.address).await.unwrap() };
    let (mut first, mut second) = (connect().await, connect().await);
    assert!(is_answered(&mut first).await && is_answered(&mut second).await);
    assert!(!is_answered(&mut connect().await).await);
    let figures = reqwest::get(world.figures().await).await.unwrap().text().await.unwrap();
    assert!(figures.contains("offing_connections_refused_total 1\n"), "{figures}");
    drop(first);
    // The server has to hear of it.
    while !is_answered(&mut connect().await).await {}
}

#[tokio::test]
async fn an_account_has_so_many_vaults() {
    let counts = Counts { vaults: 2, ..Counts::default() };
    let world = World::start_with(Differs { counts, ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    for _ in 0..2 {
        world.create_vault(&alice).await;
    }
    let third = world.try_create_vault(&alice).await.unwrap_err();
    assert_eq!(third.refusal(), (409, Code::TooManyVaults));
    let bob = world.sign_up("bob", "password").await;
    world.create_vault(&bob).await;
}

#[tokio::test]
async fn an_account_has_so_many_devices_until_one_is_signed_out() {
    let counts = Counts { devices: 2, ..Counts::default() };
    let world = World::start_with(Differs { counts, ..Differs::default() }).await;
    let laptop = world.sign_up("alice", "password").await;
    let phone = world.sign_in("alice", "password").await;
    for (kind, secret) in [(SecretKind::Password, "password"), (SecretKind::Recovery, RECOVERY)] {
        let third = world.try_sign_in("alice", kind, secret).await.unwrap_err();
        assert_eq!(third.refusal(), (409, Code::TooManyDevices));
    }
    assert_eq!(world.refresh(&laptop.cookie).await.status, 200);
    let out = world.request(Method::POST, "/api/v1/auth/sign-out").header("cookie", &phone.cookie);
    assert_eq!(reply(out).await.status, 204);
    world.sign_in("alice", "password").await;
}

#[tokio::test]
async fn what_people_rarely_do_is_counted_by_itself() {
    let rate = RateConfig { anonymous_per_minute: 16, ..RateConfig::default() };
    let world = World::start_with(Differs { rate: Some(rate), ..Differs::default() }).await;
    let joins = || world.try_sign_up("no such link", "alice", "password", RECOVERY);
    for _ in 0..2 {
        assert_eq!(joins().await.unwrap_err().status, 403);
    }
    assert_eq!(joins().await.unwrap_err().refusal(), (429, Code::RateLimited));
    // All else goes on.
    assert_eq!(world.get("/api/v1/info").await.status, 200);
    let wrong = world.try_sign_in("alice", SecretKind::Password, "password").await;
    assert_eq!(wrong.unwrap_err().refusal(), (401, Code::WrongCredentials));
    world.pass_ms(30_000);
    assert_eq!(joins().await.unwrap_err().status, 403);
}

#[tokio::test]
async fn one_address_calls_as_often_as_twenty_accounts() {
    let rate = RateConfig { calls_per_minute: 1, ..RateConfig::default() };
    let world = World::start_with(Differs { rate: Some(rate), ..Differs::default() }).await;
    for number in 0..=20 {
        let person = world.sign_up(&format!("person-{number}"), "password").await;
        let answer = reply(world.call(&person, Method::GET, "/account")).await;
        match number {
            20 => assert_eq!(answer.refusal(), (429, Code::RateLimited)),
            _ => assert_eq!(answer.status, 200),
        }
    }
}
