//! What a newcomer takes for a snapshot of its vault, and what not.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use std::collections::{BTreeMap, VecDeque};

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::{AccountId, DeviceId, Hash};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::{EpochRecord, Role};
use offing_core::log::verify::{Beginning, DeviceState, LogState, MemberState, Refused};
use offing_core::proto::{LogPage, PageItem};
use serde::{Deserialize, Serialize};

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

/// A state as it is frozen, to be forged.
#[derive(Serialize, Deserialize)]
struct Frozen {
    at: ChainPoint,
    recent: VecDeque<Hash>,
    epoch: u32,
    members: BTreeMap<AccountId, MemberState>,
    devices: BTreeMap<DeviceId, DeviceState>,
}

#[test]
fn a_state_that_no_honest_device_would_freeze_does_not_thaw() {
    let scene = scene();
    let (owner, laptop) = (scene.owner.account, scene.laptop.id);
    let (frozen, at) = (verified(&scene.log, &scene.owner).freeze(), scene.log.at);
    let header = Header::decode(&scene.snapshot.header).unwrap();
    let forged = |change: &dyn Fn(&mut Frozen)| {
        let mut state: Frozen = postcard::from_bytes(&frozen[1..]).unwrap();
        change(&mut state);
        let bytes = postcard::to_extend(&state, vec![frozen[0]]).unwrap();
        scene.thaws(&bytes, at, &header)
    };
    assert!(forged(&|_| {}));
    assert!(!scene.thaws(&[&[frozen[0] + 1], &frozen[1..]].concat(), at, &header));
    let stranger = Person::new(7);
    let newcomer = |n: u8| {
        let device = stranger.device(n);
        let (account, public) = (owner, device.certificate.public);
        let prev = Hash([0; 32]);
        (device.id, DeviceState { account, public, dseq: 0, prev, seen_seq: 0, revoked_at: None })
    };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Frozen));
    let changes: [Change<'_>; 13] = [
        ("forgets a chain value", &|s| s.recent.truncate(2)),
        ("knows one too many", &|s| s.recent.push_front(Hash([1; 32]))),
        ("ends elsewhere", &|s| s.recent[2] = Hash([1; 32])),
        ("has no epoch", &|s| s.epoch = 0),
        ("is of a later epoch", &|s| s.epoch = 2),
        ("has no owner", &|s| s.members.get_mut(&owner).unwrap().role = Role::Admin),
        ("has another owner", &|s| {
            s.members.get_mut(&owner).unwrap().identity = stranger.identity.public;
        }),
        ("swaps a device's key", &|s| {
            s.devices.get_mut(&laptop).unwrap().public = stranger.device(8).certificate.public;
        }),
        ("is by a stranger's device", &|s| {
            s.devices.get_mut(&laptop).unwrap().account = AccountId([7; 16]);
        }),
        ("is by a revoked device", &|s| {
            s.devices.get_mut(&laptop).unwrap().revoked_at = Some(3);
        }),
        ("is ahead of its signer", &|s| s.devices.get_mut(&laptop).unwrap().dseq = 2),
        ("is further than its signer", &|s| {
            s.devices.get_mut(&laptop).unwrap().seen_seq = 4;
        }),
        ("does not know its signer", &|s| s.devices.retain(|device, _| *device != laptop)),
    ];
    for (what, change) in changes {
        assert!(!forged(change), "a state that {what}");
    }
    assert!(forged(&|s| s.devices.extend([newcomer(8)])));
}

#[test]
fn a_vault_has_as_many_devices_as_it_may_and_no_more() {
    let scene = scene();
    let (frozen, at) = (verified(&scene.log, &scene.owner).freeze(), scene.log.at);
    let header = Header::decode(&scene.snapshot.header).unwrap();
    let knows = |count: usize| {
        let mut state: Frozen = postcard::from_bytes(&frozen[1..]).unwrap();
        for n in (0..=u16::MAX).take(count - state.devices.len()) {
            let mut public = scene.laptop.certificate.public;
            public.0[1..3].copy_from_slice(&n.to_be_bytes());
            let device = DeviceState { public, ..state.devices[&scene.laptop.id].clone() };
            state.devices.insert(public.device_id(), device);
        }
        let bytes = postcard::to_extend(&state, vec![frozen[0]]).unwrap();
        scene.log.state(&scene.owner).thaw(&bytes, at, &header)
    };
    assert!(knows(limits::DEVICES_MAX).is_some());
    assert!(knows(limits::DEVICES_MAX + 1).is_none());
    let almost_full = knows(limits::DEVICES_MAX - 1).unwrap();
    let takes = |state: &mut LogState, entry: &Entry| {
        let item = PageItem::Full(entry.encode());
        ready(state.check(&CRYPTO, &item)).unwrap().outcome.map(drop)
    };
    let [mut tablet, mut watch] = [4, 5].map(|seed| scene.owner.device(seed));
    // By their own introductions …
    let mut log = scene.log.clone();
    let (one, mut state) = (tablet.introduce(&log, "Tablet"), almost_full.clone());
    assert_eq!(takes(&mut state, &one), Ok(()));
    log.append(one);
    let other = watch.introduce(&log, "Watch");
    assert_eq!(takes(&mut state, &other), Err(Refused::CertificateInvalid));
    // … and by an epoch's record.
    let mut record = EpochRecord::decode(&scene.log.entries[0].body).unwrap();
    (record.epoch, record.tip) = (2, at);
    for (certified, expected) in
        [(vec![&tablet], Ok(())), (vec![&tablet, &watch], Err(Refused::CertificateInvalid))]
    {
        record.certificates = certified.into_iter().map(|d| d.certificate.clone()).collect();
        let header = scene.laptop.header(&scene.log.vault, at, EntryKind::Epoch);
        let header = Header { epoch: 2, ..header };
        let entry = scene.laptop.clone().write_clear(&header, record.encode());
        assert_eq!(takes(&mut almost_full.clone(), &entry), expected);
    }
}

#[test]
fn what_stands_between_the_genesis_and_the_snapshot_is_whole_and_certified() {
    let scene = scene();
    let shows = |between: PageItem, last: &Entry| {
        let full = |entry: &Entry| PageItem::Full(entry.encode());
        let items = vec![full(&scene.log.entries[0]), between, full(last)];
        let page = LogPage { items, ..scene.log.page(0) };
        ready(scene.log.state(&scene.owner).check_beginning(&CRYPTO, &page)).is_some()
    };
    assert!(shows(PageItem::Full(scene.intro.encode()), &scene.snapshot));
    let bare = PageItem::Bare {
        header: scene.intro.header.clone(),
        signature: scene.intro.signature,
        body_hash: scene.intro.body_hash(),
    };
    assert!(!shows(bare, &scene.snapshot), "its body is what counts");
    assert!(!shows(PageItem::Full(vec![1, 2, 3]), &scene.snapshot));
    // A stranger that says it is the account's.
    let mut forger = Person::new(7).device(8);
    forger.certificate.account = scene.owner.account;
    let intro = forger.introduce(&scene.log, "Laptop");
    let snapshot = write(&mut forger, &scene.log, EntryKind::Snapshot);
    assert!(!shows(PageItem::Full(intro.encode()), &snapshot));
}
