//! What a newcomer takes for a snapshot of its vault, and what not.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::Hash;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::verify::{Beginning, LogState};
use offing_core::proto::{LogPage, PageItem};

const CRYPTO: NativeCrypto = NativeCrypto;

/// A log with a founder and a second device that writes a snapshot, which is not in it yet.
struct Scene {
    owner: Person,
    log: Log,
    laptop: Device,
    intro: Entry,
    snapshot: Entry,
}

fn scene() -> Scene {
    let owner = Person::new(1);
    let (mut phone, mut laptop) = (owner.device(2), owner.device(3));
    let mut log = Log::found(&owner, &mut phone, 9);
    let intro = laptop.introduce(&log, "Laptop");
    log.append(intro.clone());
    log.append(phone.change(&log, b"a change"));
    let snapshot = write(&mut laptop.clone(), &log, EntryKind::Snapshot);
    Scene { owner, log, laptop, intro, snapshot }
}

fn write(device: &mut Device, log: &Log, kind: EntryKind) -> Entry {
    let header = device.header(&log.vault, log.at, kind);
    device.write(&log.vault, &header, b"the body")
}

fn verified(log: &Log, owner: &Person) -> LogState {
    let mut state = log.state(owner);
    ready(state.check_page(&CRYPTO, &log.page(0))).unwrap();
    state
}

impl Scene {
    fn shows(&self, between: &[&Entry], last: &Entry) -> Option<Beginning> {
        let genesis = &self.log.entries[0];
        let entries = [genesis].into_iter().chain(between.iter().copied()).chain([last]);
        let items = entries.map(|entry| PageItem::Full(entry.encode())).collect();
        let page = LogPage { items, ..self.log.page(0) };
        ready(self.log.state(&self.owner).check_beginning(&CRYPTO, &page))
    }

    fn thaws(&self, frozen: &[u8], at: ChainPoint, header: &Header) -> bool {
        self.log.state(&self.owner).thaw(frozen, at, header).is_some()
    }
}

#[test]
fn a_snapshot_by_a_device_of_the_account_is_a_beginning() {
    let scene = scene();
    let beginning = scene.shows(&[&scene.intro], &scene.snapshot).unwrap();
    assert_eq!(beginning.hash, scene.snapshot.hash());
    assert_eq!(beginning.records.len(), 1);
    let (state, at) = (verified(&scene.log, &scene.owner), scene.log.at);
    let frozen = state.freeze();
    let thawed = scene.log.state(&scene.owner).thaw(&frozen, at, &beginning.header).unwrap();
    assert_eq!((thawed.at(), thawed.freeze()), (at, frozen));
}

#[test]
fn devices_that_the_identity_does_not_certify_write_no_beginning() {
    let scene = scene();
    // Nobody knows it, or somebody else vouches for it, in a log of its own or in this one.
    let mut stranger = Person::new(7).device(8);
    let foreign = stranger.introduce(&scene.log, "Stranger");
    let by_stranger = write(&mut stranger, &scene.log, EntryKind::Snapshot);
    assert!(scene.shows(&[], &by_stranger).is_none());
    assert!(scene.shows(&[&foreign], &by_stranger).is_none());
    assert!(scene.shows(&[&scene.intro, &foreign], &by_stranger).is_none());
    // A certificate without its device's signature.
    let mut forged = by_stranger;
    let header = Header { device: scene.laptop.id, ..Header::decode(&forged.header).unwrap() };
    forged.header = header.encode();
    assert!(scene.shows(&[&scene.intro], &forged).is_none());
}

#[test]
fn what_is_no_snapshot_of_this_vault_is_no_beginning() {
    let mut scene = scene();
    for kind in [EntryKind::Change, EntryKind::Gc, EntryKind::Heartbeat] {
        let other = write(&mut scene.laptop.clone(), &scene.log, kind);
        assert!(scene.shows(&[&scene.intro], &other).is_none());
    }
    assert!(scene.shows(&[&scene.intro], &scene.intro.clone()).is_none());
    let mut altered = scene.snapshot.clone();
    altered.body[3] ^= 1;
    assert!(scene.shows(&[&scene.intro], &altered).is_none());
    // The same person's device, in another vault.
    let mut phone = scene.owner.device(2);
    let other = Log::found(&scene.owner, &mut phone, 10);
    let elsewhere = write(&mut scene.laptop.clone(), &other, EntryKind::Snapshot);
    assert!(scene.shows(&[&scene.intro], &elsewhere).is_none());
    // A genesis entry of another vault, and nothing at all.
    scene.log.entries[0] = other.entries[0].clone();
    assert!(scene.shows(&[&scene.intro], &scene.snapshot).is_none());
    let page = LogPage { items: Vec::new(), ..scene.log.page(0) };
    assert!(ready(scene.log.state(&scene.owner).check_beginning(&CRYPTO, &page)).is_none());
}

#[test]
fn a_state_that_its_signer_or_its_place_contradicts_does_not_thaw() {
    let scene = scene();
    let (state, at) = (verified(&scene.log, &scene.owner), scene.log.at);
    let frozen = state.freeze();
    let header = Header::decode(&scene.snapshot.header).unwrap();
    assert!(scene.thaws(&frozen, at, &header));
    let other_chain = ChainPoint { chain: Hash([1; 32]), ..at };
    let other_place = ChainPoint { seq: at.seq - 1, ..at };
    assert!(!scene.thaws(&frozen, other_chain, &header));
    assert!(!scene.thaws(&frozen, other_place, &header));
    assert!(!scene.thaws(&frozen, at, &Header { dseq: 1, ..header.clone() }), "written before");
    assert!(
        !scene.thaws(&frozen, at, &Header { epoch: 0, ..header.clone() }),
        "in an epoch before"
    );
    let stranger = Person::new(7).device(8).id;
    assert!(!scene.thaws(&frozen, at, &Header { device: stranger, ..header.clone() }));
    for end in 0..frozen.len() {
        assert!(!scene.thaws(&frozen[..end], at, &header), "cut at {end}");
    }
    assert!(!scene.thaws(&[&frozen[..], &[0]].concat(), at, &header));
    // Somebody else's vault, where another account is the owner.
    let (other, mut phone) = (Person::new(7), Person::new(7).device(8));
    let theirs = Log::found(&other, &mut phone, 9);
    let theirs_frozen = verified(&theirs, &other).freeze();
    assert!(!scene.thaws(&theirs_frozen, theirs.at, &header));
}
