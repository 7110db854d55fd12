//! Devices of an account: listed, taken off, and what is left to one that was.

use offing_core::id::{DeviceId, Hash, VaultId};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::EpochRecord;
use offing_core::proto::{AccessToken, AppendResult, Code, Devices, encode_append};
use reqwest::Method;

use crate::calls::{Person, Vault, device_binding, entry, reply};
use crate::harness::World;

/// A record that takes a device off, as far as a server looks at it.
fn record(vault: &Vault, person: &Person, dseq: u64, epoch: u32, off: DeviceId) -> Entry {
    let (id, kind) = (Some(vault.id), EntryKind::Epoch);
    let mut taking_off = entry(id, person.device, dseq, vault.last, kind, &[], epoch);
    taking_off.body = EpochRecord {
        epoch,
        commit: [1; 32],
        tip: ChainPoint::START,
        members: Vec::new(),
        previous: Vec::new(),
        certificates: Vec::new(),
        revoked: vec![off],
    }
    .encode();
    person.sign(&mut taking_off);
    taking_off
}

fn first_of(device: DeviceId, vault: VaultId, epoch: u32) -> Entry {
    entry(Some(vault), device, 1, Hash([0; 32]), EntryKind::Device, &[], epoch)
}

#[tokio::test]
async fn devices_are_listed_with_when_they_were_here() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    world.pass_ms(5_000);
    let phone = world.sign_in("alice", "password").await;
    world.pass_ms(5_000);
    assert_eq!(world.refresh(&laptop.cookie).await.status, 200);
    let listed: Devices = reply(world.call(&phone, Method::GET, "/account/devices")).await.json();
    let of = |device| listed.devices.iter().find(|seen| seen.device == device).unwrap();
    let (of_laptop, of_phone) = (of(laptop.device), of(phone.device));
    assert_eq!(of_phone.signed_in_ms - of_laptop.signed_in_ms, 5_000);
    assert_eq!(of_laptop.seen_ms - of_phone.seen_ms, 5_000);
    let bob = world.sign_up("bob", "password").await;
    let listed: Devices = reply(world.call(&bob, Method::GET, "/account/devices")).await.json();
    assert_eq!(listed.devices.len(), 1);
}

#[tokio::test]
async fn a_device_that_is_taken_off_is_told_and_can_only_become_another() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&laptop).await;
    let phone = world.sign_in("alice", "password").await;
    let intro = [first_of(phone.device, vault.id, 1)];
    let written = world.append(&phone, &vault, &intro).await.results;
    assert!(matches!(written[..], [AppendResult::Ok { .. }]));
    let record = record(&vault, &laptop, 2, 2, phone.device);
    vault.last = record.hash();
    let taken = world.append(&laptop, &vault, &[record]).await.results;
    assert!(matches!(taken[..], [AppendResult::Ok { .. }]));
    // Cookie and token are void at once.
    assert_eq!(world.refresh(&phone.cookie).await.refusal(), (401, Code::TakenOff));
    let path = format!("/vaults/{}/log", vault.id);
    let read = reply(world.call(&phone, Method::GET, &path)).await;
    assert_eq!(read.refusal(), (401, Code::SignedOut));
    let listed: Devices = reply(world.call(&laptop, Method::GET, "/account/devices")).await.json();
    assert_eq!(listed.devices.len(), 1);
    // The laptop goes on, in the new epoch.
    assert_eq!(world.refresh(&laptop.cookie).await.status, 200);
    let next = entry(Some(vault.id), laptop.device, 3, vault.last, EntryKind::Change, &[], 2);
    let written = world.append(&laptop, &vault, &[next]).await.results;
    assert!(matches!(written[..], [AppendResult::Ok { .. }]));
}

#[tokio::test]
async fn a_revoked_device_appends_nothing_whoever_signs_in_on_it() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&laptop).await;
    let lost = device_binding();
    let off = record(&vault, &laptop, 2, 2, lost.device);
    world.append(&laptop, &vault, &[off]).await;
    world.pass_ms(2_000);
    // The password still opens a session on it, which may read, and write as another device.
    let again = world.sign_in("alice", "password").await;
    let bind = world.call(&again, Method::POST, "/auth/device");
    let bind = bind.header("content-type", "application/json");
    let bound = reply(bind.body(serde_json::to_vec(&lost).unwrap())).await;
    let token = bound.json::<AccessToken>().token;
    let on_lost = Person { token, device: lost.device, ..again.clone() };
    let written = world.append(&on_lost, &vault, &[first_of(lost.device, vault.id, 2)]).await;
    assert_eq!(written.results, [AppendResult::Revoked]);
    let body = encode_append(&[first_of(again.device, vault.id, 2).encode()]);
    let path = format!("/vaults/{}/log", vault.id);
    let foreign = world.send(&on_lost, Method::POST, &path, body).await;
    assert_eq!(foreign.refusal(), (403, Code::WrongDevice));
}
