//! What devices tell one another for the moment: passed on, and that is all.

use std::path::Path;

use futures_util::SinkExt as _;
use offing_core::id::VaultId;
use offing_core::limits::PRESENCE_SEALED_BYTES;
use offing_core::proto::{self, Wake};
use tokio_tungstenite::tungstenite::Message;

use crate::calls::Person;
use crate::harness::{Differs, Store, World};
use crate::live::{Socket, connect, next};

/// What looks like a sealed presence to whoever cannot open it.
fn sealed(n: u8) -> Vec<u8> {
    vec![n; PRESENCE_SEALED_BYTES]
}

async fn tells(socket: &mut Socket, vault: &VaultId, n: u8) {
    let told = proto::encode_told(vault, &sealed(n));
    socket.send(Message::Binary(told.into())).await.unwrap();
}

/// Waits until a socket hears something, as a rule after tips.
async fn hears(socket: &mut Socket) -> (VaultId, Vec<u8>) {
    loop {
        if let Message::Binary(told) = next(socket).await {
            let (vault, sealed) = proto::decode_told(&told).unwrap();
            return (vault, sealed.to_vec());
        }
    }
}

/// A socket whose server listens for it: its tips have come.
async fn listens(world: &World, person: &Person) -> Socket {
    let origin = format!("http://{}", world.address);
    let mut socket = connect(world, &person.cookie, Some(&origin)).await.unwrap();
    let tip: Wake = serde_json::from_str(next(&mut socket).await.to_text().unwrap()).unwrap();
    assert_eq!(tip.seq, 1);
    socket
}

#[tokio::test]
async fn what_a_member_tells_the_others_of_the_vault_hear_and_nobody_else() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    let vault = world.create_vault(&alice).await;
    let foreign = world.create_vault(&bob).await;
    let mut phone = listens(&world, &alice).await;
    let (mut laptop, mut tablet) = (listens(&world, &alice).await, listens(&world, &alice).await);
    let mut bobs = listens(&world, &bob).await;
    tells(&mut phone, &vault.id, 1).await;
    assert_eq!(hears(&mut laptop).await, (vault.id, sealed(1)));
    assert_eq!(hears(&mut tablet).await, (vault.id, sealed(1)));
    // Nobody tells what is for a vault that is not theirs, nor hears it.
    tells(&mut phone, &foreign.id, 2).await;
    tells(&mut bobs, &vault.id, 3).await;
    tells(&mut laptop, &vault.id, 4).await;
    assert_eq!(hears(&mut phone).await, (vault.id, sealed(4)), "its own it does not hear");
    assert_eq!(hears(&mut tablet).await, (vault.id, sealed(4)));
    let mut bobs_other = listens(&world, &bob).await;
    tells(&mut bobs_other, &foreign.id, 5).await;
    assert_eq!(hears(&mut bobs).await, (foreign.id, sealed(5)));
}

#[tokio::test]
async fn what_has_another_length_or_is_too_much_is_dropped_and_the_socket_stays() {
    let world = World::start().await;
    let url = world.figures().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let mut phone = listens(&world, &alice).await;
    let mut laptop = listens(&world, &alice).await;
    let told = proto::encode_told(&vault.id, &sealed(1));
    for odd in [&told[..told.len() - 1], &[&told[..], &[0]].concat(), &[]] {
        phone.send(Message::Binary(odd.to_vec().into())).await.unwrap();
    }
    for n in 0..200 {
        tells(&mut phone, &vault.id, n).await;
    }
    // What comes after it on the same socket is heard as ever.
    let entry = vault.next(&[]);
    world.append(&alice, &vault, &[entry]).await;
    let mut heard = 0;
    loop {
        match next(&mut laptop).await {
            Message::Binary(_) => heard += 1,
            Message::Text(text) => {
                let wake: Wake = serde_json::from_str(&text).unwrap();
                assert_eq!(wake, Wake { vault: vault.id, seq: 2 });
                break;
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
        }
    }
    assert!(heard <= 64, "{heard} of 200");
    phone.close(None).await.unwrap();
    let figures = || async { reqwest::get(&url).await.unwrap().text().await.unwrap() };
    let value = |text: &str, name: &str| -> u64 {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap().parse().unwrap()
    };
    loop {
        let text = figures().await;
        let passed_on = value(&text, "offing_presences_passed_on_total");
        let dropped = value(&text, "offing_presences_dropped_total");
        if passed_on + dropped == 203 {
            assert!(passed_on >= 1 && dropped >= 100, "{passed_on} and {dropped}");
            break;
        }
    }
}

#[tokio::test]
async fn nothing_of_it_is_in_any_store() {
    let world = World::start_with(Differs { store: Store::Folder, ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let (mut phone, mut laptop) = (listens(&world, &alice).await, listens(&world, &alice).await);
    let sealed: Vec<u8> = (0..PRESENCE_SEALED_BYTES).map(|at| (at * 7 % 251) as u8).collect();
    let told = proto::encode_told(&vault.id, &sealed);
    phone.send(Message::Binary(told.into())).await.unwrap();
    assert_eq!(hears(&mut laptop).await, (vault.id, sealed.clone()));
    let entry = vault.next(&[]);
    let traced = vault.id;
    world.append(&alice, &vault, &[entry]).await;
    let folder = world.folder.path();
    assert!(holds(folder, traced.as_bytes()), "the test reads the stores");
    assert!(!holds(folder, &sealed[..32]));
}

/// Says whether any file below a folder has these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}
