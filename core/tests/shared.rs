//! Whose shared index a device takes, and whose not.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::{ChunkId, StreamId};
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::verify::{LogState, Shared};
use offing_core::proto::PageItem;

const CRYPTO: NativeCrypto = NativeCrypto;

/// A log with a founder and a second device that shared an index.
struct Scene {
    owner: Person,
    log: Log,
    phone: Device,
    laptop: Device,
    index: Entry,
}

fn scene() -> Scene {
    let owner = Person::new(1);
    let (mut phone, mut laptop) = (owner.device(2), owner.device(3));
    let mut log = Log::found(&owner, &mut phone, 9);
    log.append(laptop.introduce(&log, "Laptop"));
    let index = write(&mut laptop, &log, EntryKind::Heartbeat, StreamId::INDEX);
    log.append(index.clone());
    Scene { owner, log, phone, laptop, index }
}

fn write(device: &mut Device, log: &Log, kind: EntryKind, stream: StreamId) -> Entry {
    let header = device.header(&log.vault, log.at, kind);
    let header = Header { streams: vec![stream], chunks: vec![ChunkId([5; 32])], ..header };
    device.write(&log.vault, &header, b"the body")
}

fn verified(log: &Log, owner: &Person) -> LogState {
    let mut state = log.state(owner);
    ready(state.check_page(&CRYPTO, &log.page(0))).unwrap();
    state
}

impl Scene {
    fn takes(&self, entry: &Entry) -> Option<Shared> {
        let state = verified(&self.log, &self.owner);
        ready(state.check_shared(&CRYPTO, &PageItem::Full(entry.encode())))
    }
}

#[test]
fn an_index_that_the_log_holds_is_taken() {
    let scene = scene();
    let shared = scene.takes(&scene.index).unwrap();
    assert_eq!(shared.hash, scene.index.hash());
    assert_eq!(shared.header.chunks, [ChunkId([5; 32])]);
}

#[test]
fn an_index_that_was_not_read_in_the_log_is_not_taken() {
    let mut scene = scene();
    let later = write(&mut scene.laptop, &scene.log, EntryKind::Heartbeat, StreamId::INDEX);
    assert!(scene.takes(&later).is_none());
    scene.log.append(later.clone());
    assert!(scene.takes(&later).is_some());
}

#[test]
fn what_is_no_index_or_of_another_vault_is_not_taken() {
    let mut scene = scene();
    for (kind, stream) in [
        (EntryKind::Heartbeat, StreamId::CONTENTS),
        (EntryKind::Snapshot, StreamId::INDEX),
        (EntryKind::Gc, StreamId::INDEX),
        (EntryKind::Change, StreamId::INDEX),
    ] {
        let other = write(&mut scene.laptop, &scene.log, kind, stream);
        scene.log.append(other.clone());
        assert!(scene.takes(&other).is_none(), "{kind:?}");
    }
    let other = Log::found(&scene.owner, &mut scene.owner.device(2), 10);
    let mut twin = scene.owner.device(3);
    let elsewhere = write(&mut twin, &other, EntryKind::Heartbeat, StreamId::INDEX);
    assert!(scene.takes(&elsewhere).is_none());
}

#[test]
fn what_its_device_did_not_sign_is_not_taken() {
    let scene = scene();
    let mut stranger = Person::new(7).device(8);
    let strange = write(&mut stranger, &scene.log, EntryKind::Heartbeat, StreamId::INDEX);
    assert!(scene.takes(&strange).is_none());
    let header = Header::decode(&scene.index.header).unwrap();
    let as_phone = Header { device: scene.phone.id, dseq: 1, ..header };
    assert!(scene.takes(&Entry { header: as_phone.encode(), ..scene.index.clone() }).is_none());
    let mut altered = scene.index.clone();
    altered.body[3] ^= 1;
    assert!(scene.takes(&altered).is_none());
    let wire = scene.index.encode();
    let state = verified(&scene.log, &scene.owner);
    for end in 0..wire.len() {
        let cut = PageItem::Full(wire[..end].to_vec());
        assert!(ready(state.check_shared(&CRYPTO, &cut)).is_none(), "cut at {end}");
    }
    let bare = PageItem::Bare {
        header: scene.index.header.clone(),
        signature: scene.index.signature,
        body_hash: scene.index.body_hash(),
    };
    assert!(ready(state.check_shared(&CRYPTO, &bare)).is_none(), "its body is what counts");
}
