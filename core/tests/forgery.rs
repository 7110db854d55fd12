//! What somebody who is inside may forge: a blob for two keys, and entries above the role.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use offing_core::crypto::envelope::{Binding, SealType, open, peek, seal};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSecret, ready};
use offing_core::crypto::padding::padded_bytes;
use offing_core::crypto::{CryptoError, RawKey};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::Incarnation;
use offing_core::limits;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::epoch::{DeviceIntro, EpochRecord, Member, NextEpoch, Role, Wrap};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::log::verify::{LogState, MemberState, Refused};

const CRYPTO: NativeCrypto = NativeCrypto;

// ------------------------------------------------------------------ one blob, two keys

const NONCE: [u8; 12] = [0; 12];
const PLACE: Binding<'static> =
    Binding { kind: SealType::EntryBody, epoch: 3, scope: &[7; 32], bind: b"header" };

/// Multiplies in the field of GHASH, whose first bit is the lowest power.
fn times(a: u128, b: u128) -> u128 {
    let (mut product, mut shifted) = (0, b);
    for bit in (0..128).rev() {
        if (a >> bit) & 1 == 1 {
            product ^= shifted;
        }
        shifted = (shifted >> 1) ^ if shifted & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    product
}

/// The inverse, by Fermat: all powers of two below the order, but the first, multiplied.
fn inverse(a: u128) -> u128 {
    let (mut power, mut product) = (a, 1 << 127);
    for _ in 1..128 {
        power = times(power, power);
        product = times(product, power);
    }
    product
}

/// AES-GCM of one key, seen from inside.
struct Inside {
    key: <NativeCrypto as Crypto>::AeadKey,
    /// What GHASH multiplies by.
    h: u128,
    /// What the tag is masked with.
    mask: u128,
}

impl Inside {
    fn of(secret: &NativeSecret, salt: &[u8; 32]) -> Self {
        let key = ready(CRYPTO.derive_aead(secret, salt, &info(b"/key"))).unwrap();
        let tag = |aad: &[u8]| {
            let sealed = ready(CRYPTO.aead_seal(&key, &NONCE, aad, b"")).unwrap();
            u128::from_be_bytes(sealed.try_into().unwrap())
        };
        let mask = tag(b"");
        // Of sixteen zeros only their length is left: the mask and length × H.
        let h = times(tag(&[0; 16]) ^ mask, inverse(128 << 64));
        Self { key, h, mask }
    }

    /// The tag of a ciphertext.
    fn tag(&self, aad: &[u8], ciphertext: &[u8]) -> u128 {
        let mut hash = 0;
        for block in blocks(aad, ciphertext) {
            hash = times(hash ^ block, self.h);
        }
        hash ^ self.mask
    }
}

/// What GHASH goes over.
fn blocks(aad: &[u8], ciphertext: &[u8]) -> Vec<u128> {
    let mut all = Vec::new();
    for part in [aad, ciphertext] {
        for chunk in part.chunks(16) {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            all.push(u128::from_be_bytes(block));
        }
    }
    all.push(((aad.len() as u128 * 8) << 64) | (ciphertext.len() as u128 * 8));
    all
}

fn info(purpose: &[u8]) -> Vec<u8> {
    let mut info = b"of/sealof".to_vec();
    info.extend_from_slice(&[1, 1, 0, 0, 0, 3]);
    info.extend_from_slice(&32_u32.to_be_bytes());
    info.extend_from_slice(PLACE.scope);
    info.extend_from_slice(purpose);
    info
}

#[test]
fn a_blob_made_to_open_under_two_keys_opens_under_one() {
    let [mine, theirs] = [1, 2].map(|n| ready(CRYPTO.import_secret(&[n; 32])).unwrap());
    let salt = [9; 32];
    let [one, two] = [&mine, &theirs].map(|secret| Inside::of(secret, &salt));
    let mut blob = ready(seal(&CRYPTO, &mine, &PLACE, &salt, &[b'x'; 100])).unwrap();
    let mut aad = blob[..72].to_vec();
    for part in [PLACE.scope, PLACE.bind] {
        aad.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
        aad.extend_from_slice(part);
    }
    let end = blob.len() - 16;
    // One block in the middle of the text is chosen so that both keys give the same tag.
    let at = 72 + 32;
    blob[at..at + 16].fill(0);
    let rest = one.tag(&aad, &blob[72..end]) ^ two.tag(&aad, &blob[72..end]);
    let behind = (end - at) / 16 + 1;
    let power = |h: u128| (1..behind).fold(h, |power, _| times(power, h));
    let block = times(rest, inverse(power(one.h) ^ power(two.h)));
    blob[at..at + 16].copy_from_slice(&block.to_be_bytes());
    let tag = one.tag(&aad, &blob[72..end]);
    assert_eq!(tag, two.tag(&aad, &blob[72..end]));
    blob[end..].copy_from_slice(&tag.to_be_bytes());
    // The cipher alone takes it under either.
    for inside in [&one, &two] {
        assert!(ready(CRYPTO.aead_open(&inside.key, &NONCE, &aad, &blob[72..])).is_ok());
    }
    // The envelope does not: it commits to its key.
    assert!(ready(open(&CRYPTO, &mine, &PLACE, &blob)).is_ok());
    assert_eq!(ready(open(&CRYPTO, &theirs, &PLACE, &blob)), Err(CryptoError::CannotOpen));
    let commit = ready(CRYPTO.derive_bytes(&theirs, &salt, &info(b"/commit"), 32)).unwrap();
    blob[40..72].copy_from_slice(&commit);
    assert_eq!(ready(open(&CRYPTO, &theirs, &PLACE, &blob)), Err(CryptoError::CannotOpen));
}

/// What comes of a blob that somebody who holds the key sealed, padded in any way.
fn opens_padded(padded: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let secret = ready(CRYPTO.import_secret(&[1; 32])).unwrap();
    let salt = [9; 32];
    let honest = ready(seal(&CRYPTO, &secret, &PLACE, &salt, b"words")).unwrap();
    let mut aad = honest[..72].to_vec();
    for part in [PLACE.scope, PLACE.bind] {
        aad.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
        aad.extend_from_slice(part);
    }
    let key = Inside::of(&secret, &salt).key;
    let sealed = ready(CRYPTO.aead_seal(&key, &NONCE, &aad, padded)).unwrap();
    let blob = [&honest[..72], &sealed].concat();
    ready(open(&CRYPTO, &secret, &PLACE, &blob))
}

fn padded(words: usize, bytes: usize) -> Vec<u8> {
    let mut padded = u32::try_from(words).unwrap().to_be_bytes().to_vec();
    padded.resize(bytes, 0);
    padded
}

#[test]
fn a_blob_whose_padding_is_another_than_its_length_has_does_not_open() {
    assert_eq!(opens_padded(&padded(5, 256)), Ok(vec![0; 5]));
    assert_eq!(opens_padded(&padded(252, 256)), Ok(vec![0; 252]));
    let mut whispers = padded(5, 256);
    whispers[255] = 1;
    let others = [padded(253, 256), padded(u32::MAX as usize, 256), padded(5, 288), whispers];
    for (n, padded) in others.iter().enumerate() {
        assert_eq!(opens_padded(padded), Err(CryptoError::CannotOpen), "{n}");
    }
}

#[test]
fn a_blob_is_as_long_as_a_body_may_be_and_no_longer() {
    let secret = ready(CRYPTO.import_secret(&[1; 32])).unwrap();
    let plain = vec![7; limits::BODY_PLAIN_BYTES_MAX + 1];
    let sealed = |plain: &[u8]| ready(seal(&CRYPTO, &secret, &PLACE, &[9; 32], plain));
    let too_long = CryptoError::TooLong { max: limits::BODY_PLAIN_BYTES_MAX };
    assert_eq!(sealed(&plain), Err(too_long));
    let longest = sealed(&plain[1..]).unwrap();
    assert_eq!(ready(open(&CRYPTO, &secret, &PLACE, &longest)).as_deref(), Ok(&plain[1..]));
    let bytes = padded_bytes(4 + limits::BODY_PLAIN_BYTES_MAX) + 1;
    let longer = padded(bytes - 4, padded_bytes(bytes));
    assert_eq!(opens_padded(&longer), Err(CryptoError::CannotOpen));
}

#[test]
fn a_blob_says_what_it_holds_before_it_is_opened() {
    let secret = ready(CRYPTO.import_secret(&[1; 32])).unwrap();
    let kinds = [
        SealType::EntryBody,
        SealType::Manifest,
        SealType::DeviceName,
        SealType::EpochWrap,
        SealType::EpochPrevious,
        SealType::AccountSlot,
        SealType::Identity,
        SealType::Local,
    ];
    for kind in kinds {
        let place = Binding { kind, epoch: 70_000, ..PLACE };
        let blob = ready(seal(&CRYPTO, &secret, &place, &[9; 32], b"words")).unwrap();
        assert_eq!(peek(&blob), Ok((kind, 70_000)));
        for at in 0..3 {
            let mut other = blob.clone();
            other[at] ^= 1;
            assert_eq!(peek(&other), Err(CryptoError::CannotOpen), "byte {at} is of no suite");
        }
        assert_eq!(peek(&blob[..7]), Err(CryptoError::CannotOpen));
    }
    assert_eq!(peek(&[b'o', b'f', 1, 99, 0, 0, 0, 1]), Err(CryptoError::CannotOpen));
}

// ------------------------------------------------------------------ names and secrets

#[test]
fn a_device_has_a_name_that_is_text_and_short_or_none() {
    let alice = Person::new(1);
    let mut laptop = alice.device(11);
    let log = Log::found(&alice, &mut laptop, 4);
    let (secret, vault) = (&log.vault.secret, log.vault.id);
    let seals = |name: &str| {
        let certificate = laptop.certificate.clone();
        ready(DeviceIntro::seal(&CRYPTO, secret, (&vault, 1), &[3; 32], certificate, name))
    };
    let opens = |intro: &DeviceIntro| ready(intro.open_name(&CRYPTO, secret, &vault, 1));
    let longest = "n".repeat(limits::DEVICE_NAME_BYTES_MAX);
    assert_eq!(opens(&seals(&longest).unwrap()), Ok(Some(longest.clone())));
    let too_long = CryptoError::TooLong { max: limits::DEVICE_NAME_BYTES_MAX };
    assert_eq!(seals(&format!("{longest}n")), Err(too_long));
    let certificate = laptop.certificate.clone();
    assert_eq!(opens(&DeviceIntro { certificate, name: Vec::new() }), Ok(None));
    // By somebody who holds the epoch's secret and writes what this version would not.
    let place =
        Binding { kind: SealType::DeviceName, epoch: 1, scope: &vault.0, bind: &laptop.id.0 };
    for name in [vec![b'n'; limits::DEVICE_NAME_BYTES_MAX + 1], vec![0xff, 0xfe]] {
        let name = ready(seal(&CRYPTO, secret, &place, &[3; 32], &name)).unwrap();
        let intro = DeviceIntro { certificate: laptop.certificate.clone(), name };
        assert_eq!(opens(&intro), Err(CryptoError::CannotOpen));
    }
}

#[test]
fn a_record_that_commits_to_another_secret_than_it_wraps_opens_for_nobody() {
    let alice = Person::new(1);
    let log = Log::found(&alice, &mut alice.device(11), 4);
    let honest = EpochRecord::decode(&log.entries[0].body).unwrap();
    let opens = |record: &EpochRecord| {
        ready(record.open_secret(&CRYPTO, &alice.account, &alice.master_secret)).is_ok()
    };
    assert!(opens(&honest));
    // A wrap that is bound to the commitment, around a secret that is not committed to.
    let (commit, epoch) = (honest.commit, honest.epoch);
    let bind = [b"of/epoch/wrap".as_slice(), &commit].concat();
    let place = Binding { kind: SealType::EpochWrap, epoch, scope: &alice.account.0, bind: &bind };
    let wraps = |secret: &[u8]| {
        let wrap = ready(seal(&CRYPTO, &alice.master_secret, &place, &[5; 32], secret)).unwrap();
        let mut record = honest.clone();
        record.members[0].wrap = Wrap::Master(wrap);
        record
    };
    assert!(opens(&wraps(&[4; 32])), "the secret itself");
    assert!(!opens(&wraps(&[5; 32])));
    let mut by_hpke = honest.clone();
    by_hpke.members[0].wrap = Wrap::Hpke(vec![0; 113]);
    assert!(!opens(&by_hpke), "this version cannot");
}

// ------------------------------------------------------------------ roles and epochs

struct Two {
    log: Log,
    state: LogState,
    laptop: Device,
    bobs: Device,
}

fn check(two: &mut Two, entry: Entry) -> Result<(), Refused> {
    two.log.append(entry);
    let page = two.log.page(two.state.at().seq);
    let steps = ready(two.state.check_page(&CRYPTO, &page)).unwrap();
    steps.last().unwrap().outcome.clone().map(drop)
}

/// A vault of Alice, in which Bob has a role and a device.
fn with_bob(role: Role) -> Two {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let mut laptop = alice.device(11);
    let log = Log::found(&alice, &mut laptop, 4);
    let state = log.state(&alice);
    let mut two = Two { log, state, laptop, bobs: bob.device(21) };
    let page = two.log.page(0);
    ready(two.state.check_page(&CRYPTO, &page)).unwrap();
    let current = EpochRecord::decode(&two.log.entries[0].body).unwrap();
    let next = NextEpoch {
        vault: two.log.vault.id,
        state: &two.state,
        current: &current,
        account: alice.account,
        master: &alice.master_secret,
        tip: two.log.at,
        revoked: Vec::new(),
        secret: RawKey::new([6; 32]),
        salts: [[1; 32], [2; 32]],
    };
    let mut record = ready(next.record(&CRYPTO)).unwrap();
    record.members.push(Member {
        account: bob.account,
        role,
        identity: bob.identity.public,
        wrap: Wrap::Hpke(vec![0; 113]),
    });
    record.certificates.push(two.bobs.certificate.clone());
    let mut header = two.laptop.header(&two.log.vault, two.log.at, EntryKind::Epoch);
    header.epoch = 2;
    let entry = two.laptop.write_clear(&header, record.encode());
    assert_eq!(check(&mut two, entry), Ok(()));
    two
}

fn by_bob(two: &mut Two, kind: EntryKind, epoch: u32) -> Result<(), Refused> {
    let mut header = two.bobs.header(&two.log.vault, two.log.at, kind);
    header.epoch = epoch;
    let entry = two.bobs.write(&two.log.vault.clone(), &header, b"by bob");
    check(two, entry)
}

#[test]
fn members_write_what_their_role_allows_and_nothing_else() {
    let writes = [EntryKind::Change, EntryKind::Snapshot, EntryKind::Gc, EntryKind::Share];
    for (role, may_write) in [(Role::Reader, false), (Role::Writer, true), (Role::Admin, true)] {
        let mut two = with_bob(role);
        assert_eq!(by_bob(&mut two, EntryKind::Heartbeat, 2), Ok(()), "{role:?}");
        for kind in writes {
            let expected = if may_write { Ok(()) } else { Err(Refused::RoleTooLow) };
            assert_eq!(by_bob(&mut two, kind, 2), expected, "{role:?} {kind:?}");
        }
        let mut header = two.bobs.header(&two.log.vault, two.log.at, EntryKind::Recovery);
        header.epoch = 2;
        let record = RecoveryRecord { incarnation: Incarnation([1; 16]), tip: two.log.at };
        let recovery = two.bobs.write_clear(&header, record.encode());
        let recovers = check(&mut two, recovery);
        assert_eq!(recovers.is_ok(), role == Role::Admin, "{role:?}");
    }
}

#[test]
fn an_owner_makes_another_and_everybody_knows_who_is_what() {
    let two = with_bob(Role::Owner);
    let known = |person: &Person| two.state.member(&person.account).cloned();
    for seed in [1, 2] {
        let person = Person::new(seed);
        let member = MemberState { role: Role::Owner, identity: person.identity.public };
        assert_eq!(known(&person), Some(member));
    }
    assert_eq!(known(&Person::new(9)), None);
}

#[test]
fn members_below_admin_begin_no_epoch_and_admins_make_no_owner() {
    for (role, expected) in [
        (Role::Reader, Err(Refused::RoleTooLow)),
        (Role::Writer, Err(Refused::RoleTooLow)),
        (Role::Admin, Err(Refused::EpochInvalid)),
    ] {
        let mut two = with_bob(role);
        // Bob takes himself for an owner, and Alice's laptop off.
        let mut record = EpochRecord::decode(&two.log.entries[1].body).unwrap();
        record.epoch = 3;
        record.tip = two.log.at;
        record.members[1].role = Role::Owner;
        record.certificates.clear();
        record.revoked.push(two.laptop.id);
        let mut header = two.bobs.header(&two.log.vault, two.log.at, EntryKind::Epoch);
        header.epoch = 3;
        let entry = two.bobs.write_clear(&header, record.encode());
        assert_eq!(check(&mut two, entry), expected, "{role:?}");
        assert!(two.state.device(&two.laptop.id).unwrap().revoked_at.is_none());
    }
}

#[test]
fn an_entry_of_an_epoch_that_ended_or_is_to_come_is_refused() {
    let mut two = with_bob(Role::Writer);
    assert_eq!(by_bob(&mut two, EntryKind::Change, 1), Err(Refused::EpochStale));
    assert_eq!(by_bob(&mut two, EntryKind::Change, 3), Err(Refused::EpochStale));
    assert_eq!(by_bob(&mut two, EntryKind::Change, 2), Ok(()));
}
