//! What somebody who holds the bytes may try: flip, cut, move, swap, replay, fork.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use offing_core::account::{open_identity, open_slot, seal_identity, seal_slot};
use offing_core::content::chunk::{ChunkSealer, ContentKey, Dedupe, RangePlan, open_chunk};
use offing_core::content::manifest::{
    Extent, Manifest, ManifestError, open_manifest, seal_manifest,
};
use offing_core::crypto::envelope::{Binding, SealType, open, seal};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSecret, ready};
use offing_core::crypto::{CryptoError, RawKey};
use offing_core::fixture::{Device, Log, Person, pattern};
use offing_core::id::{AccountId, ChunkId, Hash, NodeId, VaultId};
use offing_core::log::author::{AuthorError, open_body};
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::{
    EpochRecord, Role, commitment, open_previous, seal_previous, wrap_secret,
};
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Refused, Step};
use offing_core::proto::{LogPage, PageItem, SecretKind};

const CRYPTO: NativeCrypto = NativeCrypto;

fn secret(seed: u8) -> NativeSecret {
    ready(CRYPTO.import_secret(&[seed; 32])).unwrap()
}

// ------------------------------------------------------------------ SEAL

const PLACE: Binding<'static> =
    Binding { kind: SealType::EntryBody, epoch: 3, scope: &[7; 32], bind: b"header" };

fn sealed() -> Vec<u8> {
    ready(seal(&CRYPTO, &secret(1), &PLACE, &[2; 32], b"secret words")).unwrap()
}

fn open_at(key: u8, place: &Binding<'_>, blob: &[u8]) -> Result<Vec<u8>, CryptoError> {
    ready(open(&CRYPTO, &secret(key), place, blob))
}

#[test]
fn a_seal_opens_at_its_place_and_shows_nothing_of_its_length() {
    assert_eq!(open_at(1, &PLACE, &sealed()).unwrap(), b"secret words");
    assert_eq!(sealed().len(), 88 + 256);
    let empty = ready(seal(&CRYPTO, &secret(1), &PLACE, &[2; 32], b"")).unwrap();
    assert_eq!(empty.len(), sealed().len());
    assert_eq!(open_at(1, &PLACE, &empty).unwrap(), b"");
}

#[test]
fn a_seal_with_any_flipped_byte_or_any_truncation_does_not_open() {
    let blob = sealed();
    for at in 0..blob.len() {
        let mut flipped = blob.clone();
        flipped[at] ^= 1;
        assert_eq!(open_at(1, &PLACE, &flipped), Err(CryptoError::CannotOpen), "byte {at}");
        assert_eq!(open_at(1, &PLACE, &blob[..at]), Err(CryptoError::CannotOpen), "cut {at}");
    }
    assert!(open_at(1, &PLACE, &[&blob[..], &[0]].concat()).is_err());
}

#[test]
fn a_seal_opens_nowhere_else() {
    let blob = sealed();
    let elsewhere = [
        Binding { kind: SealType::Manifest, ..PLACE },
        Binding { epoch: 4, ..PLACE },
        Binding { scope: &[8; 32], ..PLACE },
        Binding { scope: &[7; 31], ..PLACE },
        Binding { bind: b"headers", ..PLACE },
        Binding { bind: b"", ..PLACE },
    ];
    for place in &elsewhere {
        assert_eq!(open_at(1, place, &blob), Err(CryptoError::CannotOpen), "{place:?}");
    }
    assert_eq!(open_at(2, &PLACE, &blob), Err(CryptoError::CannotOpen));
}

// ------------------------------------------------------------------ chunks

const VAULT: VaultId = VaultId([9; 32]);

fn sealer(key: u8, vault: VaultId, epoch: u32) -> ChunkSealer<NativeCrypto> {
    ready(ChunkSealer::derive(&CRYPTO, &secret(key), vault, epoch)).unwrap()
}

#[test]
fn a_chunk_opens_whole_and_by_range() {
    let plain = pattern(1, 200_000);
    let chunk = ready(sealer(1, VAULT, 1).seal(&CRYPTO, &plain, Dedupe::On)).unwrap();
    let opened = ready(open_chunk(&CRYPTO, &VAULT, &chunk.id, &chunk.key, &chunk.bytes)).unwrap();
    assert!(opened.starts_with(&plain));
    for range in [0..1, 65_530..65_540, 65_536..131_072, 199_999..200_000, 0..200_000] {
        let plan = RangePlan::new(chunk.bytes.len(), range.clone()).unwrap();
        let part = &chunk.bytes[plan.container_range()];
        let opened = ready(plan.open(&CRYPTO, &VAULT, &chunk.key, part)).unwrap();
        assert_eq!(opened, plain[range.clone()], "{range:?}");
    }
    let small = RangePlan::new(chunk.bytes.len(), 70_000..70_001).unwrap();
    assert!(small.container_range().len() < 66_000, "one frame is enough");
}

#[test]
fn a_chunk_with_any_flipped_byte_or_truncation_is_refused_even_under_a_matching_id() {
    let chunk = ready(sealer(1, VAULT, 1).seal(&CRYPTO, b"small", Dedupe::On)).unwrap();
    for at in 0..chunk.bytes.len() {
        let mut flipped = chunk.bytes.clone();
        flipped[at] ^= 1;
        for bytes in [flipped, chunk.bytes[..at].to_vec()] {
            let refused = ready(open_chunk(&CRYPTO, &VAULT, &chunk.id, &chunk.key, &bytes));
            assert_eq!(refused, Err(CryptoError::CannotOpen), "by id, {at}");
            let id = ChunkId(ready(CRYPTO.sha256(&bytes)).unwrap());
            let refused = ready(open_chunk(&CRYPTO, &VAULT, &id, &chunk.key, &bytes));
            assert_eq!(refused, Err(CryptoError::CannotOpen), "by key, {at}");
        }
    }
}

#[test]
fn frames_cannot_be_swapped_dropped_or_moved_to_another_vault() {
    let chunk = ready(sealer(1, VAULT, 1).seal(&CRYPTO, &pattern(1, 196_608), Dedupe::On)).unwrap();
    let frame = 65_536 + 16;
    let (header, frames) = chunk.bytes.split_at(4);
    let swapped = [header, &frames[frame..2 * frame], &frames[..frame], &frames[2 * frame..]];
    let dropped = [header, &frames[..2 * frame], &[], &[]];
    for bytes in [swapped.concat(), dropped.concat()] {
        let id = ChunkId(ready(CRYPTO.sha256(&bytes)).unwrap());
        assert!(ready(open_chunk(&CRYPTO, &VAULT, &id, &chunk.key, &bytes)).is_err());
    }
    let other = VaultId([8; 32]);
    assert!(ready(open_chunk(&CRYPTO, &other, &chunk.id, &chunk.key, &chunk.bytes)).is_err());
    let key = ContentKey([0; 32]);
    assert!(ready(open_chunk(&CRYPTO, &VAULT, &chunk.id, &key, &chunk.bytes)).is_err());
}

#[test]
fn equal_content_is_one_chunk_inside_a_vault_and_epoch_only() {
    let id = |key, vault, epoch, dedupe| {
        ready(sealer(key, vault, epoch).seal(&CRYPTO, b"same", dedupe)).unwrap().id
    };
    let here = id(1, VAULT, 1, Dedupe::On);
    assert_eq!(id(1, VAULT, 1, Dedupe::On), here);
    let elsewhere = [
        id(2, VAULT, 1, Dedupe::On),
        id(1, VaultId([8; 32]), 1, Dedupe::On),
        id(1, VAULT, 2, Dedupe::On),
        id(1, VAULT, 1, Dedupe::Off([1; 16])),
        id(1, VAULT, 1, Dedupe::Off([2; 16])),
    ];
    for (i, id) in elsewhere.iter().enumerate() {
        assert_ne!(*id, here, "case {i}");
    }
    assert_ne!(elsewhere[3], elsewhere[4]);
}

#[test]
fn content_that_fits_no_chunk_is_refused() {
    let sealer = sealer(1, VAULT, 1);
    for len in [0, (4 << 20) + 1] {
        let refused = ready(sealer.seal(&CRYPTO, &vec![0; len], Dedupe::On));
        assert_eq!(refused, Err(CryptoError::TooLong { max: 4 << 20 }));
    }
}

// ------------------------------------------------------------------ manifests

fn manifest() -> Manifest {
    let extent = Extent { chunk: ChunkId([1; 32]), key: ContentKey([2; 32]), offset: 10, len: 100 };
    Manifest {
        file: NodeId([3; 16]),
        size: 200,
        mime: "text/plain".into(),
        modified_ms: -5,
        extents: vec![extent.clone(), Extent { offset: 500, ..extent }],
        plain_hash: Hash([4; 32]),
        signatures: None,
    }
}

#[test]
fn a_manifest_survives_and_every_truncation_is_refused() {
    let bytes = manifest().encode().unwrap();
    assert_eq!(Manifest::decode(&bytes), Ok(manifest()));
    for len in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..len]).is_err(), "cut at {len}");
    }
    assert_eq!(manifest().chunks(), [ChunkId([1; 32])]);
}

#[test]
fn a_manifest_whose_extents_do_not_add_up_is_refused() {
    let mut wrong_size = manifest();
    wrong_size.size = 201;
    let mut empty = manifest();
    empty.extents[0].len = 0;
    let mut outside = manifest();
    outside.extents[0].offset = u32::MAX;
    for bad in [wrong_size, empty, outside] {
        assert_eq!(bad.encode(), Err(ManifestError::ExtentsUnfit));
    }
}

#[test]
fn a_range_of_a_file_finds_its_extents() {
    let found = manifest().range(90, 130);
    let spans: Vec<_> = found.iter().map(|e| (e.offset, e.len)).collect();
    assert_eq!(spans, [(100, 10), (500, 30)]);
    assert_eq!(manifest().range(200, 300), []);
}

#[test]
fn a_sealed_manifest_opens_for_its_file_only() {
    let m = manifest();
    let sealed = ready(seal_manifest(&CRYPTO, &secret(1), &VAULT, 1, &[5; 32], &m)).unwrap();
    let try_open = |key, vault: &VaultId, file: &NodeId, bytes: &[u8]| {
        ready(open_manifest(&CRYPTO, &secret(key), vault, file, &sealed.id, bytes))
    };
    assert_eq!(try_open(1, &VAULT, &m.file, &sealed.bytes), Ok(m.clone()));
    assert!(try_open(2, &VAULT, &m.file, &sealed.bytes).is_err());
    assert!(try_open(1, &VaultId([8; 32]), &m.file, &sealed.bytes).is_err());
    assert!(try_open(1, &VAULT, &NodeId([8; 16]), &sealed.bytes).is_err());
    assert!(try_open(1, &VAULT, &m.file, &sealed.bytes[1..]).is_err());
}

// ------------------------------------------------------------------ account

#[test]
fn a_slot_opens_only_for_its_account_kind_version_and_secret() {
    let (alice, account) = (Person::new(1), AccountId([1; 16]));
    let kind = SecretKind::Password;
    let slot =
        ready(seal_slot(&CRYPTO, b"export", &account, kind, &[6; 32], &alice.master)).unwrap();
    let open = |key: &[u8], account: &AccountId, kind, slot: &[u8]| {
        ready(open_slot(&CRYPTO, key, account, kind, slot))
    };
    assert_eq!(open(b"export", &account, kind, &slot), Ok(alice.master.clone()));
    let refused = Err(CryptoError::CannotOpen);
    assert_eq!(open(b"other", &account, kind, &slot), refused);
    assert_eq!(open(b"export", &AccountId([2; 16]), kind, &slot), refused);
    assert_eq!(open(b"export", &account, SecretKind::Recovery, &slot), refused);
    for at in 0..slot.len() {
        let mut flipped = slot.clone();
        flipped[at] ^= 1;
        assert_eq!(open(b"export", &account, kind, &flipped), refused, "byte {at}");
    }
}

#[test]
fn an_identity_does_not_open_under_a_public_key_that_is_not_its_own() {
    let (alice, mallory) = (Person::new(1), Person::new(2));
    let sealed = ready(seal_identity(
        &CRYPTO,
        &alice.master_secret,
        1,
        &alice.account,
        &[7; 32],
        &alice.identity,
    ))
    .unwrap();
    let open = |public| {
        ready(open_identity(&CRYPTO, &alice.master_secret, &alice.account, public, &sealed))
    };
    assert!(open(&alice.identity.public).is_ok());
    assert!(open(&mallory.identity.public).is_err());
}

// ------------------------------------------------------------------ the log

struct World {
    alice: Person,
    laptop: Device,
    phone: Device,
    log: Log,
}

/// Alice's laptop and phone, one change each.
fn world() -> World {
    let alice = Person::new(1);
    let mut laptop = alice.device(2);
    let mut phone = alice.device(3);
    let mut log = Log::found(&alice, &mut laptop, 4);
    log.append(phone.introduce(&log, "phone"));
    log.append(laptop.change(&log, b"from the laptop"));
    log.append(phone.change(&log, b"from the phone"));
    World { alice, laptop, phone, log }
}

fn read(world: &World) -> Result<(LogState, Vec<Step>), HistoryError> {
    let mut state = world.log.state(&world.alice);
    let steps = ready(state.check_page(&CRYPTO, &world.log.page(0)))?;
    Ok((state, steps))
}

/// Appends an entry and returns what a replica that has read all before makes of it.
fn outcome(world: &mut World, entry: Entry) -> Result<Result<(), Refused>, HistoryError> {
    let mut state = read(world)?.0;
    world.log.append(entry);
    let page = world.log.page(state.at().seq);
    let steps = ready(state.check_page(&CRYPTO, &page))?;
    assert_eq!(state.at(), world.log.at, "a refused entry keeps its place");
    Ok(steps[0].outcome.clone().map(|_| ()))
}

#[test]
fn an_honest_log_is_accepted_and_its_bodies_open() {
    let world = world();
    let (state, steps) = read(&world).unwrap();
    assert_eq!(state.at(), world.log.at);
    let last = steps[3].outcome.as_ref().unwrap();
    let CheckedBody::Sealed(body) = &last.body else { panic!("a change is sealed") };
    let vault = &world.log.vault;
    let plain = ready(open_body(&CRYPTO, &vault.secret, &vault.id, &last.header_bytes, body));
    assert_eq!(plain.unwrap(), b"from the phone");
    let intro = steps[1].outcome.as_ref().unwrap();
    let CheckedBody::Device(intro) = &intro.body else { panic!("an introduction") };
    let name = ready(intro.open_name(&CRYPTO, &vault.secret, &vault.id, 1)).unwrap();
    assert_eq!(name.as_deref(), Some("phone"));
}

#[test]
fn a_member_finds_the_secret_in_the_genesis_entry_and_a_stranger_does_not() {
    let world = world();
    let (_, steps) = read(&world).unwrap();
    let CheckedBody::Epoch(record) = &steps[0].outcome.as_ref().unwrap().body else {
        panic!("the genesis entry is an epoch record")
    };
    let alice = &world.alice;
    assert!(ready(record.open_secret(&CRYPTO, &alice.account, &alice.master_secret)).is_ok());
    let mallory = Person::new(9);
    for account in [alice.account, mallory.account] {
        assert!(ready(record.open_secret(&CRYPTO, &account, &mallory.master_secret)).is_err());
    }
}

#[test]
fn a_page_in_parts_means_the_same_as_at_once_and_the_state_survives_storage() {
    let world = world();
    let mut state = world.log.state(&world.alice);
    for seq in 0..world.log.at.seq {
        let mut page = world.log.page(seq);
        page.items.truncate(1);
        ready(state.check_page(&CRYPTO, &page)).unwrap();
        let stored = postcard::to_allocvec(&state).unwrap();
        state = postcard::from_bytes(&stored).unwrap();
    }
    assert_eq!(state, read(&world).unwrap().0);
}

#[test]
fn an_entry_with_any_flipped_byte_is_never_accepted() {
    let world = world();
    let honest = world.log.entries[3].encode();
    let state = {
        let mut state = world.log.state(&world.alice);
        let mut page = world.log.page(0);
        page.items.truncate(3);
        ready(state.check_page(&CRYPTO, &page)).unwrap();
        state
    };
    let vault = &world.log.vault;
    for at in 0..honest.len() {
        let mut wire = honest.clone();
        wire[at] ^= 1;
        let mut state = state.clone();
        match ready(state.check(&CRYPTO, &PageItem::Full(wire))) {
            Ok(step) => assert!(step.outcome.is_err(), "byte {at}"),
            Err(error) => assert!(matches!(error, HistoryError::Unreadable { seq: 4 }), "{error}"),
        }
    }
    let entry = &world.log.entries[3];
    for at in 0..entry.body.len() {
        let mut body = entry.body.clone();
        body[at] ^= 1;
        let refused = ready(open_body(&CRYPTO, &vault.secret, &vault.id, &entry.header, &body));
        assert_eq!(refused, Err(AuthorError::Crypto(CryptoError::CannotOpen)), "byte {at}");
    }
}

#[test]
fn an_entry_cut_anywhere_is_unreadable() {
    let world = world();
    let honest = world.log.entries[3].encode();
    for len in 0..honest.len() {
        let mut state = world.log.state(&world.alice);
        let item = PageItem::Full(honest[..len].to_vec());
        let refused = ready(state.check(&CRYPTO, &item));
        assert_eq!(refused.err(), Some(HistoryError::Unreadable { seq: 1 }), "cut at {len}");
    }
}

#[test]
fn changed_history_stops_the_replica_and_leaves_its_state() {
    let world = world();
    let (state, _) = read(&world).unwrap();
    let mut cases: Vec<(LogPage, HistoryError)> = Vec::new();
    let mut rolled_back = world.log.page(4);
    rolled_back.tip.seq = 3;
    cases.push((rolled_back, HistoryError::RolledBack { at: 4, tip: 3 }));
    let mut forked = world.log.page(4);
    forked.tip.chain = Hash([1; 32]);
    cases.push((forked, HistoryError::Forked { seq: 4 }));
    let mut withheld = world.log.page(4);
    withheld.tip.seq = 9;
    cases.push((withheld, HistoryError::Withheld { seq: 4 }));
    for (page, expected) in cases {
        let mut read = state.clone();
        assert_eq!(ready(read.check_page(&CRYPTO, &page)), Err(expected));
        assert_eq!(read, state);
    }
}

#[test]
fn entries_cannot_be_reordered_dropped_or_left_out() {
    for (drop, swap) in [(Some(2), None), (Some(1), None), (None, Some((2, 3)))] {
        let honest = world();
        let mut log = Log { entries: Vec::new(), at: honest.log.at, ..honest.log.clone() };
        log.at = offing_core::log::chain::ChainPoint::START;
        let mut entries = honest.log.entries.clone();
        if let Some(at) = drop {
            entries.remove(at);
        }
        if let Some((a, b)) = swap {
            entries.swap(a, b);
        }
        entries.into_iter().for_each(|entry| log.append(entry));
        let mut state = log.state(&honest.alice);
        let result = ready(state.check_page(&CRYPTO, &log.page(0)));
        assert!(
            matches!(
                result,
                Err(HistoryError::SeenOther { .. } | HistoryError::EntryMissing { .. })
            ) || result.as_ref().is_ok_and(|steps| steps.iter().any(|s| s.outcome.is_err())),
            "{drop:?} {swap:?}: {result:?}"
        );
    }
}

#[test]
fn a_device_that_saw_another_history_stops_the_replica() {
    let mut world = world();
    let mut seen = world.log.at;
    seen.chain = Hash([1; 32]);
    let header = world.laptop.header(&world.log.vault, seen, EntryKind::Change);
    let entry = world.laptop.write(&world.log.vault.clone(), &header, b"fork");
    assert_eq!(outcome(&mut world, entry), Err(HistoryError::SeenOther { seq: 5, seen_seq: 4 }));
}

#[test]
fn a_device_that_saw_what_is_not_there_yet_stops_the_replica() {
    let mut world = world();
    let mut seen = world.log.at;
    seen.seq = 99;
    let header = world.laptop.header(&world.log.vault, seen, EntryKind::Change);
    let entry = world.laptop.write(&world.log.vault.clone(), &header, b"future");
    assert_eq!(outcome(&mut world, entry), Err(HistoryError::SeenOther { seq: 5, seen_seq: 99 }));
}

#[test]
fn a_missing_entry_of_a_device_stops_the_replica() {
    let mut world = world();
    world.phone.change(&world.log, b"never arrives");
    let entry = world.phone.change(&world.log, b"arrives");
    assert_eq!(outcome(&mut world, entry), Err(HistoryError::EntryMissing { seq: 5 }));
}

#[test]
fn strangers_and_foreign_certificates_are_refused() {
    let mut w = world();
    let entry = w.alice.device(7).change(&w.log, b"no introduction");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::UnknownDevice)));

    let mut w = world();
    let entry = Person::new(9).device(7).introduce(&w.log, "mallory");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::UnknownDevice)));

    let mut w = world();
    let mut forged = Person::new(9).device(7);
    forged.certificate.account = w.alice.account;
    let entry = forged.introduce(&w.log, "mallory");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::CertificateInvalid)));
}

#[test]
fn replays_forks_and_other_vaults_are_refused() {
    let mut w = world();
    let replayed = w.log.entries[3].clone();
    assert_eq!(outcome(&mut w, replayed), Ok(Err(Refused::Replayed)));

    let mut w = world();
    let mut clone = w.phone.clone();
    clone.prev = Hash([1; 32]);
    let entry = clone.change(&w.log, b"a copied profile");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::DeviceForked)));

    let mut w = world();
    let mut other = w.log.clone();
    other.vault.id = VaultId([1; 32]);
    let entry = w.phone.change(&other, b"elsewhere");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::OtherVault)));
}

#[test]
fn a_refused_entry_does_not_stop_its_device() {
    let mut w = world();
    let mut header = w.phone.header(&w.log.vault, w.log.at, EntryKind::Change);
    header.epoch = 2;
    let stale = w.phone.write(&w.log.vault.clone(), &header, b"stale");
    assert_eq!(outcome(&mut w, stale), Ok(Err(Refused::EpochStale)));
    let entry = w.phone.change(&w.log, b"again");
    assert_eq!(outcome(&mut w, entry), Ok(Ok(())));
}

fn record(world: &World, epoch: u32) -> EpochRecord {
    let mut record = EpochRecord::decode(&world.log.entries[0].body).unwrap();
    record.epoch = epoch;
    record.tip = world.log.at;
    record.certificates.clear();
    record
}

fn write_epoch(world: &mut World, record: &EpochRecord) -> Entry {
    let mut header = world.laptop.header(&world.log.vault, world.log.at, EntryKind::Epoch);
    header.epoch = 2;
    world.laptop.write_clear(&header, record.encode())
}

#[test]
fn a_revoked_device_writes_no_more() {
    let mut w = world();
    let mut rotated = record(&w, 2);
    rotated.revoked.push(w.phone.id);
    let entry = write_epoch(&mut w, &rotated);
    assert_eq!(outcome(&mut w, entry), Ok(Ok(())));
    let mut header = w.phone.header(&w.log.vault, w.log.at, EntryKind::Change);
    header.epoch = 2;
    let entry = w.phone.write(&w.log.vault.clone(), &header, b"after");
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::DeviceRevoked)));
}

#[test]
fn an_epoch_record_changes_no_identity_and_skips_no_number() {
    let mut w = world();
    let mut swapped = record(&w, 2);
    swapped.members[0].identity = Person::new(9).identity.public;
    let entry = write_epoch(&mut w, &swapped);
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::EpochInvalid)));

    let mut w = world();
    let skipped = record(&w, 3);
    let entry = write_epoch(&mut w, &skipped);
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::EpochInvalid)));

    let mut w = world();
    let mut abdicated = record(&w, 2);
    abdicated.members[0].role = Role::Admin;
    let entry = write_epoch(&mut w, &abdicated);
    assert_eq!(outcome(&mut w, entry), Ok(Err(Refused::EpochInvalid)), "no owner is left");
}

#[test]
fn a_vault_of_somebody_else_is_not_taken_for_one_s_own() {
    let (alice, mallory) = (Person::new(1), Person::new(9));
    let log = Log::found(&mallory, &mut mallory.device(7), 4);
    let mut state = log.state(&alice);
    let refused = ready(state.check_page(&CRYPTO, &log.page(0)));
    assert_eq!(refused, Err(HistoryError::WrongGenesis));
    let mut other = world().log.state(&alice);
    let refused = ready(other.check_page(&CRYPTO, &log.page(0)));
    assert_eq!(refused, Err(HistoryError::WrongGenesis));
}

#[test]
fn a_clear_body_is_asked_for_and_a_sealed_one_may_be_held_back() {
    let world = world();
    let bare = |entry: &Entry| PageItem::Bare {
        header: entry.header.clone(),
        signature: entry.signature,
        body_hash: entry.body_hash(),
    };
    let mut page = world.log.page(0);
    page.items[3] = bare(&world.log.entries[3]);
    let mut state = world.log.state(&world.alice);
    let steps = ready(state.check_page(&CRYPTO, &page)).unwrap();
    let held = &steps[3].outcome.as_ref().unwrap().body;
    assert_eq!(*held, CheckedBody::Held(world.log.entries[3].body_hash()));
    page.items[1] = bare(&world.log.entries[1]);
    let mut state = world.log.state(&world.alice);
    let refused = ready(state.check_page(&CRYPTO, &page));
    assert_eq!(refused, Err(HistoryError::BodyNeeded { seq: 2 }));
}

#[test]
fn a_member_walks_back_to_the_secrets_of_earlier_epochs() {
    let mut w = world();
    let (first, second) = (RawKey::new([4; 32]), RawKey::new([5; 32]));
    let secret = ready(CRYPTO.import_secret(second.as_bytes())).unwrap();
    let vault = w.log.vault.id;
    let mut rotated = record(&w, 2);
    let member = (&w.alice.account, 2);
    let master = &w.alice.master_secret;
    rotated.commit = ready(commitment(&CRYPTO, &secret, 2)).unwrap();
    rotated.members[0].wrap =
        ready(wrap_secret(&CRYPTO, master, member, &[6; 32], &second)).unwrap();
    rotated.previous =
        ready(seal_previous(&CRYPTO, &secret, (&vault, 2), &[7; 32], &first)).unwrap();
    let entry = write_epoch(&mut w, &rotated);
    assert_eq!(outcome(&mut w, entry), Ok(Ok(())));

    let opened = ready(rotated.open_secret(&CRYPTO, &w.alice.account, &w.alice.master_secret));
    let previous = ready(open_previous(&CRYPTO, &opened.unwrap(), &vault, &rotated)).unwrap();
    let genesis = EpochRecord::decode(&w.log.entries[0].body).unwrap();
    assert_eq!(ready(commitment(&CRYPTO, &previous, 1)).unwrap(), genesis.commit);
    let stranger = ready(open_previous(&CRYPTO, &w.alice.master_secret, &vault, &rotated));
    assert_eq!(stranger.err(), Some(CryptoError::CannotOpen));
}
