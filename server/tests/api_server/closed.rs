//! Accounts that whoever keeps the server closes, and opens again.

use offing_core::proto::{AppendResult, Code, LogPage, Refusal, SecretKind};
use offing_server::admin::Keeper;
use offing_server::heed_closed;
use offing_server::store::places::Places;
use reqwest::Method;
use tokio_tungstenite::tungstenite::Message;

use crate::calls::{Reply, reply};
use crate::harness::{Differs, Store, World};
use crate::live::{connect, next, refusal};

/// What the keeper does beside the server, which then looks.
async fn keeps(world: &World, name: &str, is_closed: bool) {
    let places = Places::from(world.folder.path());
    let keeper = Keeper::beside(&places).unwrap();
    let done = if is_closed { keeper.close(name).await } else { keeper.open(name).await };
    done.unwrap();
    heed_closed(&world.state).await;
}

fn code(reply: &Reply) -> (u16, Code) {
    let Refusal { code, .. } = reply.json();
    (reply.status.as_u16(), code)
}

#[tokio::test]
async fn a_closed_account_is_refused_everywhere_and_comes_back_as_it_was() {
    let world = World::start_with(Differs { store: Store::Folder, ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let first = vault.next(&[]);
    world.append(&alice, &vault, &[first]).await;
    let bob = world.sign_up("bob", "password").await;
    let origin = format!("http://{}", world.address);
    let mut socket = connect(&world, &alice.cookie, Some(&origin)).await.unwrap();
    next(&mut socket).await;

    keeps(&world, "Alice", true).await;
    let closed = (403, Code::AccountClosed);
    let Message::Close(Some(frame)) = next(&mut socket).await else {
        panic!("the socket stays open");
    };
    assert_eq!(u16::from(frame.code), 4403);
    let log = format!("/vaults/{}/log", vault.id);
    for path in ["/account", "/account/devices", &log] {
        assert_eq!(code(&reply(world.call(&alice, Method::GET, path)).await), closed, "{path}");
    }
    assert_eq!(code(&world.put_chunk(&alice, &vault, b"sealed").await), closed);
    assert_eq!(code(&world.send(&alice, Method::POST, &log, vec![1]).await), closed);
    assert_eq!(code(&world.refresh(&alice.cookie).await), closed);
    let again = connect(&world, &alice.cookie, Some(&origin)).await;
    assert_eq!(refusal(again.unwrap_err()), closed);
    let sign_in = |password| world.try_sign_in("alice", SecretKind::Password, password);
    assert_eq!(code(&sign_in("password").await.unwrap_err()), closed);
    // Nobody else hears of it.
    assert_eq!(code(&sign_in("a guess").await.unwrap_err()), (401, Code::WrongCredentials));
    assert_eq!(reply(world.call(&bob, Method::GET, "/account")).await.status, 200);

    keeps(&world, "alice", false).await;
    assert_eq!(world.refresh(&alice.cookie).await.status, 200);
    let second = vault.next(&[]);
    let appended = world.append(&alice, &vault, &[second]).await;
    assert!(matches!(appended.results[..], [AppendResult::Ok { seq: 3, .. }]));
    let page = reply(world.call(&alice, Method::GET, &log)).await;
    assert_eq!(LogPage::decode(&page.body).unwrap().items.len(), 3);
    assert!(sign_in("password").await.is_ok());
}
