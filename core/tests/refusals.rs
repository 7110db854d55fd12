//! What no honest device writes and no honest server shows, with one thing wrong at a time.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use offing_core::account::device::DeviceCertificate;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, StreamId, VaultId};
use offing_core::limits;
use offing_core::log::author::{AuthorError, write_clear, write_sealed};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::{EpochRecord, Member, Role, Wrap};
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Refused, SEEN_WINDOW};
use offing_core::proto::PageItem;

const CRYPTO: NativeCrypto = NativeCrypto;

// ------------------------------------------------------------------ the genesis entry

/// A log that begins with this entry, whose hash names the vault.
fn begun_with(entry: Entry) -> Log {
    let alice = Person::new(1);
    let mut log = Log::found(&alice, &mut alice.device(2), 4);
    (log.entries, log.at) = (Vec::new(), ChainPoint::START);
    log.vault.id = VaultId(entry.hash().0);
    log.append(entry);
    log
}

/// What Alice makes of a genesis entry that her laptop signed, changed before it was.
fn begins(change: impl FnOnce(&mut Header, &mut EpochRecord)) -> Result<(), HistoryError> {
    let alice = Person::new(1);
    let mut laptop = alice.device(2);
    let honest = Log::found(&alice, &mut laptop, 4).entries.remove(0);
    let mut header = Header::decode(&honest.header).unwrap();
    let mut record = EpochRecord::decode(&honest.body).unwrap();
    change(&mut header, &mut record);
    is_taken(laptop.write_clear(&header, record.encode()))
}

fn is_taken(genesis: Entry) -> Result<(), HistoryError> {
    let log = begun_with(genesis);
    let mut state = log.state(&Person::new(1));
    let before = state.clone();
    let read = ready(state.check_page(&CRYPTO, &log.page(0)));
    assert!(read.is_ok() || state == before, "what is refused leaves nothing");
    read.map(drop)
}

#[test]
fn a_genesis_entry_that_is_not_exactly_one_is_refused() {
    assert_eq!(begins(|_, _| {}), Ok(()));
    let phone = Person::new(1).device(3);
    let mallory = Person::new(9);
    let bob = Member {
        account: AccountId([2; 16]),
        role: Role::Owner,
        identity: Person::new(2).identity.public,
        wrap: Wrap::Hpke(vec![0; 113]),
    };
    type Change<'a> = Box<dyn FnOnce(&mut Header, &mut EpochRecord) + 'a>;
    let cases: Vec<(&str, Change<'_>)> = vec![
        ("certifies nobody", Box::new(|_, r| r.certificates.clear())),
        ("certifies two", Box::new(|_, r| r.certificates.push(phone.certificate.clone()))),
        ("has no member", Box::new(|_, r| r.members.clear())),
        ("has two owners", Box::new(|_, r| r.members.push(bob))),
        ("is no epoch record", Box::new(|h, _| h.kind = EntryKind::Device)),
        ("is in a vault", Box::new(|h, _| h.vault = Some(VaultId([1; 32])))),
        ("is a second entry", Box::new(|h, _| h.dseq = 2)),
        ("follows another", Box::new(|h, _| h.prev = Hash([1; 32]))),
        ("has seen something", Box::new(|h, _| h.seen_seq = 1)),
        ("has seen another log", Box::new(|h, _| h.seen_chain = Hash([1; 32]))),
        ("is in a later epoch", Box::new(|h, _| h.epoch = 2)),
        ("begins a later epoch", Box::new(|_, r| r.epoch = 2)),
        ("stands on something", Box::new(|_, r| r.tip.seq = 1)),
        ("revokes", Box::new(|h, r| r.revoked.push(h.device))),
        ("has no owner", Box::new(|_, r| r.members[0].role = Role::Admin)),
        ("is another account's", Box::new(|_, r| r.members[0].account = AccountId([7; 16]))),
        ("has another identity", Box::new(|_, r| r.members[0].identity = mallory.identity.public)),
        ("certifies for another", Box::new(|_, r| r.certificates[0].account = AccountId([7; 16]))),
        ("certifies another", Box::new(|_, r| r.certificates[0] = phone.certificate.clone())),
        ("is certified by nobody", Box::new(|_, r| r.certificates[0].signature[0] ^= 1)),
    ];
    for (what, change) in cases {
        assert_eq!(begins(change), Err(HistoryError::WrongGenesis), "a genesis that {what}");
    }
}

#[test]
fn a_genesis_entry_of_other_bytes_or_by_another_hand_is_refused() {
    let alice = Person::new(1);
    let honest = Log::found(&alice, &mut alice.device(2), 4).entries.remove(0);
    let unsigned = Entry { signature: [1; 64], ..honest.clone() };
    assert_eq!(is_taken(unsigned), Err(HistoryError::WrongGenesis));
    let no_header = Entry { header: vec![1, 2, 3], ..honest.clone() };
    assert_eq!(is_taken(no_header), Err(HistoryError::WrongGenesis));
    let mut phone = alice.device(3);
    let header = Header::decode(&honest.header).unwrap();
    let no_record = phone.write_clear(&header, b"no record".to_vec());
    assert_eq!(is_taken(no_record), Err(HistoryError::WrongGenesis));
    // The phone's signature under the laptop's certificate.
    let by_another = phone.write_clear(&header, honest.body.clone());
    assert_eq!(is_taken(by_another), Err(HistoryError::WrongGenesis));
    let mut log = begun_with(honest);
    log.vault.id = VaultId([8; 32]);
    let read = ready(log.state(&alice).check_page(&CRYPTO, &log.page(0)));
    assert_eq!(read.map(drop), Err(HistoryError::WrongGenesis), "of another vault");
}

// ------------------------------------------------------------------ later entries

struct Scene {
    alice: Person,
    laptop: Device,
    phone: Device,
    log: Log,
    state: LogState,
}

/// Alice's laptop and phone, one change each.
fn scene() -> Scene {
    let alice = Person::new(1);
    let (mut laptop, mut phone) = (alice.device(2), alice.device(3));
    let mut log = Log::found(&alice, &mut laptop, 4);
    log.append(phone.introduce(&log, "phone"));
    log.append(laptop.change(&log, b"from the laptop"));
    log.append(phone.change(&log, b"from the phone"));
    let mut state = log.state(&alice);
    ready(state.check_page(&CRYPTO, &log.page(0))).unwrap();
    Scene { alice, laptop, phone, log, state }
}

impl Scene {
    /// Appends an entry; what a replica makes of it that has read all before.
    fn takes(&mut self, entry: Entry) -> Result<Result<(), Refused>, HistoryError> {
        self.log.append(entry);
        let page = self.log.page(self.state.at().seq);
        let mut steps = ready(self.state.check_page(&CRYPTO, &page))?;
        Ok(steps.remove(0).outcome.map(drop))
    }

    /// The chain at an earlier place.
    fn at(&self, seq: usize) -> ChainPoint {
        let entries = self.log.entries[..seq].iter();
        entries.fold(ChainPoint::START, |at, entry| at.extend(&entry.hash()))
    }

    /// An entry of the laptop with this clear body.
    fn clear(&mut self, kind: EntryKind, epoch: u32, body: Vec<u8>) -> Entry {
        let mut header = self.laptop.header(&self.log.vault, self.log.at, kind);
        header.epoch = epoch;
        self.laptop.write_clear(&header, body)
    }

    /// The record that would begin epoch 2, changed.
    fn rotates(&mut self, change: impl FnOnce(&mut EpochRecord)) -> Result<(), Refused> {
        let mut record = EpochRecord::decode(&self.log.entries[0].body).unwrap();
        (record.epoch, record.tip) = (2, self.log.at);
        record.certificates.clear();
        change(&mut record);
        let entry = self.clear(EntryKind::Epoch, 2, record.encode());
        self.takes(entry).unwrap()
    }
}

#[test]
fn a_clear_body_that_is_none_is_set_aside() {
    for kind in [EntryKind::Epoch, EntryKind::Device, EntryKind::Recovery] {
        let mut s = scene();
        let epoch = if kind == EntryKind::Epoch { 2 } else { 1 };
        let entry = s.clear(kind, epoch, b"of a later version".to_vec());
        assert_eq!(s.takes(entry), Ok(Err(Refused::Malformed)), "{kind:?}");
        let entry = s.laptop.change(&s.log, b"and goes on");
        assert_eq!(s.takes(entry), Ok(Ok(())), "{kind:?}");
    }
    let mut s = scene();
    let header = s.alice.device(5).header(&s.log.vault, s.log.at, EntryKind::Device);
    let entry = s.alice.device(5).write_clear(&header, b"no introduction".to_vec());
    assert_eq!(s.takes(entry), Ok(Err(Refused::Malformed)), "by nobody yet");
}

#[test]
fn a_header_that_is_none_keeps_its_place_and_is_set_aside() {
    let mut s = scene();
    let entry = Entry { header: b"of a later version".to_vec(), ..s.log.entries[3].clone() };
    assert_eq!(s.takes(entry), Ok(Err(Refused::Malformed)));
    assert_eq!(s.state.at(), s.log.at);
    let entry = s.laptop.change(&s.log, b"goes on");
    assert_eq!(s.takes(entry), Ok(Ok(())));
}

#[test]
fn a_device_is_known_by_its_own_certificate_alone() {
    // A newcomer that shows another's.
    let mut s = scene();
    let mut tablet = s.alice.device(5);
    tablet.certificate = s.phone.certificate.clone();
    let entry = tablet.introduce(&s.log, "tablet");
    assert_eq!(s.takes(entry), Ok(Err(Refused::CertificateInvalid)));
    // A known one that takes another name, by its own certificate and by another's.
    let mut s = scene();
    let entry = s.laptop.introduce(&s.log, "old laptop");
    assert_eq!(s.takes(entry), Ok(Ok(())));
    s.laptop.certificate = s.phone.certificate.clone();
    let entry = s.laptop.introduce(&s.log, "phone");
    assert_eq!(s.takes(entry), Ok(Err(Refused::CertificateInvalid)));
}

#[test]
fn a_forged_introduction_does_not_keep_the_device_out() {
    let mut s = scene();
    let mut tablet = s.alice.device(5);
    let mut forger = Person::new(9).device(6);
    forger.id = tablet.id;
    let forged = forger.introduce(&s.log, "tablet");
    s.log.append(forged);
    s.log.append(tablet.introduce(&s.log, "tablet"));
    // Both in one page, where signatures are tried ahead.
    let page = s.log.page(s.state.at().seq);
    let steps = ready(s.state.check_page(&CRYPTO, &page)).unwrap();
    assert_eq!(steps[0].outcome.as_ref().err(), Some(&Refused::UnknownDevice));
    assert!(matches!(steps[1].outcome.as_ref().unwrap().body, CheckedBody::Device(_)));
}

#[test]
fn an_entry_that_another_key_signed_is_set_aside_wherever_it_stands_in_a_page() {
    let mut s = scene();
    let mut forger = Person::new(9).device(6);
    forger.id = s.phone.id;
    (forger.dseq, forger.prev) = (s.phone.dseq, s.phone.prev);
    let forged = forger.change(&s.log, b"of the phone, it says");
    s.log.append(forged.clone());
    s.log.append(s.laptop.change(&s.log, b"honest"));
    s.log.append(forged);
    let page = s.log.page(s.state.at().seq);
    let steps = ready(s.state.check_page(&CRYPTO, &page)).unwrap();
    let refused: Vec<_> = steps.iter().map(|step| step.outcome.as_ref().err()).collect();
    assert_eq!(refused, [Some(&Refused::BadSignature), None, Some(&Refused::BadSignature)]);
}

#[test]
fn who_claims_to_have_seen_less_than_before_is_refused() {
    let mut s = scene();
    let entry = s.phone.change(&s.log, b"has seen four");
    assert_eq!(s.takes(entry), Ok(Ok(())));
    let header = s.phone.header(&s.log.vault, s.at(2), EntryKind::Change);
    let entry = s.phone.write(&s.log.vault, &header, b"has seen two");
    assert_eq!(s.takes(entry), Ok(Err(Refused::SeenLess)));
}

#[test]
fn who_has_seen_nothing_says_so_with_the_chain_of_nothing() {
    let mut s = scene();
    let mut tablet = s.alice.device(5);
    let mut header = tablet.header(&s.log.vault, ChainPoint::START, EntryKind::Device);
    let intro = tablet.introduce(&s.log, "tablet").body;
    (tablet.dseq, tablet.prev) = (0, Hash([0; 32]));
    let honest = tablet.clone().write_clear(&header, intro.clone());
    assert_eq!(s.takes(honest), Ok(Ok(())));
    let mut s = scene();
    header.seen_chain = Hash([1; 32]);
    let other = tablet.write_clear(&header, intro);
    assert_eq!(s.takes(other), Err(HistoryError::SeenOther { seq: 5, seen_seq: 0 }));
}

#[test]
fn what_was_seen_is_compared_as_far_back_as_chains_are_kept() {
    let mut s = scene();
    let mut tablet = s.alice.device(5);
    s.log.append(tablet.introduce(&s.log, "tablet"));
    while s.log.entries.len() < SEEN_WINDOW + 6 {
        s.log.append(s.laptop.change(&s.log, b"one of many"));
    }
    let page = s.log.page(s.state.at().seq);
    ready(s.state.check_page(&CRYPTO, &page)).unwrap();
    let oldest = s.log.entries.len() + 1 - SEEN_WINDOW;
    assert_eq!(s.state.chain_at(oldest as u64), Some(s.at(oldest).chain));
    assert_eq!(s.state.chain_at(oldest as u64 - 1), None);
    assert_eq!(s.state.chain_at(s.log.at.seq), Some(s.log.at.chain));
    assert_eq!(s.state.chain_at(s.log.at.seq + 1), None);
    // Within it another history is a contradiction; before it nobody can tell.
    let mut seen = s.at(oldest);
    seen.chain = Hash([1; 32]);
    let header = tablet.header(&s.log.vault, seen, EntryKind::Change);
    let fork = tablet.clone().write(&s.log.vault, &header, b"saw another");
    let seq = s.log.at.seq + 1;
    let (before, log) = (s.state.clone(), s.log.clone());
    assert_eq!(s.takes(fork), Err(HistoryError::SeenOther { seq, seen_seq: oldest as u64 }));
    (s.state, s.log) = (before, log);
    let header = tablet.header(&s.log.vault, s.at(oldest - 1), EntryKind::Change);
    let entry = tablet.write(&s.log.vault, &header, b"was away for long");
    assert_eq!(s.takes(entry), Ok(Ok(())));
}

#[test]
fn a_page_that_goes_beyond_its_own_tip_is_refused() {
    let s = scene();
    let mut page = s.log.page(0);
    (page.tip.seq, page.tip.chain) = (3, s.at(3).chain);
    let mut state = s.log.state(&s.alice);
    let read = ready(state.check_page(&CRYPTO, &page));
    assert_eq!(read, Err(HistoryError::Forked { seq: 3 }));
    page.items.pop();
    assert!(ready(state.check_page(&CRYPTO, &page)).is_ok());
}

#[test]
fn a_bare_entry_as_long_as_none_may_be_is_unreadable() {
    let mut s = scene();
    let bare =
        |len| PageItem::Bare { header: vec![1; len], signature: [0; 64], body_hash: Hash([0; 32]) };
    let longest = ready(s.state.clone().check(&CRYPTO, &bare(limits::ENTRY_BYTES_MAX)));
    assert_eq!(longest.unwrap().outcome, Err(Refused::Malformed));
    let longer = ready(s.state.check(&CRYPTO, &bare(limits::ENTRY_BYTES_MAX + 1)));
    assert_eq!(longer, Err(HistoryError::Unreadable { seq: 5 }));
}

// ------------------------------------------------------------------ epoch records

#[test]
fn an_epoch_record_certifies_whom_a_member_vouches_for_and_nobody_else() {
    let certificate = |seed| Person::new(1).device(seed).certificate;
    assert_eq!(scene().rotates(|r| r.certificates.push(certificate(5))), Ok(()));
    let refused = Err(Refused::CertificateInvalid);
    let of_a_stranger = Person::new(9).device(5).certificate;
    assert_eq!(scene().rotates(|r| r.certificates.push(of_a_stranger.clone())), refused);
    let forged = DeviceCertificate { account: Person::new(1).account, ..of_a_stranger };
    assert_eq!(scene().rotates(|r| r.certificates.push(forged)), refused);
}

#[test]
fn an_epoch_record_stands_on_what_its_writer_had_seen() {
    assert_eq!(scene().rotates(|r| r.tip.seq -= 1), Err(Refused::EpochInvalid));
    assert_eq!(scene().rotates(|r| r.tip.chain = Hash([1; 32])), Err(Refused::EpochInvalid));
}

#[test]
fn a_refused_epoch_record_changes_nobody() {
    let mut s = scene();
    let before = s.state.clone();
    let phone = s.phone.id;
    let refused = s.rotates(|r| {
        r.revoked.push(phone);
        r.epoch = 3;
    });
    assert_eq!(refused, Err(Refused::EpochInvalid));
    assert_eq!(s.state.epoch(), before.epoch());
    assert!(s.state.members().eq(before.members()));
    assert_eq!(s.state.device(&phone), before.device(&phone));
}

#[test]
fn a_device_is_revoked_once_and_one_that_nobody_knows_is_passed_over() {
    let mut s = scene();
    let (phone, nobody) = (s.phone.id, DeviceId([9; 16]));
    assert_eq!(s.rotates(|r| r.revoked.extend([phone, nobody])), Ok(()));
    assert_eq!(s.state.device(&phone).unwrap().revoked_at, Some(5));
    assert!(s.state.device(&nobody).is_none());
    let mut record = EpochRecord::decode(&s.log.entries[0].body).unwrap();
    (record.epoch, record.tip) = (3, s.log.at);
    record.certificates.clear();
    record.revoked = vec![phone];
    let entry = s.clear(EntryKind::Epoch, 3, record.encode());
    assert_eq!(s.takes(entry), Ok(Ok(())));
    assert_eq!(s.state.device(&phone).unwrap().revoked_at, Some(5), "since then");
    let known: Vec<_> = s.state.devices().map(|(id, device)| (*id, device.revoked_at)).collect();
    let mut expected = [(s.laptop.id, None), (phone, Some(5))];
    expected.sort_unstable();
    assert_eq!(known, expected);
    assert_eq!(s.state.epoch(), 3);
}

#[test]
fn members_stand_in_order_each_once_and_within_their_number() {
    let alice = Person::new(1);
    let genesis = Log::found(&alice, &mut alice.device(2), 4).entries.remove(0);
    let mut record = EpochRecord::decode(&genesis.body).unwrap();
    let owner = record.members[0].clone();
    record.members.push(owner.clone());
    assert!(EpochRecord::decode(&record.encode()).is_err(), "twice");
    record.members[1].account = AccountId([0; 16]);
    assert!(EpochRecord::decode(&record.encode()).is_err(), "out of order");
    record.members[1].account = AccountId([2; 16]);
    assert_eq!(EpochRecord::decode(&record.encode()), Ok(record.clone()));
    let numbered = |n: usize| {
        let mut account = [0; 16];
        account[..8].copy_from_slice(&(n as u64).to_be_bytes());
        Member { account: AccountId(account), ..owner.clone() }
    };
    record.members = (0..limits::MEMBERS_MAX).map(numbered).collect();
    assert!(EpochRecord::decode(&record.encode()).is_ok());
    record.members = (0..=limits::MEMBERS_MAX).map(numbered).collect();
    assert!(EpochRecord::decode(&record.encode()).is_err(), "too many");
}

// ------------------------------------------------------------------ writing

#[test]
fn an_entry_is_written_with_the_body_of_its_kind_and_within_its_limits() {
    let mut s = scene();
    let header = |kind| s.laptop.header(&s.log.vault, s.log.at, kind);
    let sealed = |header: &Header, plain: &[u8]| {
        let signing = &s.laptop.signing;
        ready(write_sealed(&CRYPTO, header, &s.log.vault.secret, &[1; 32], plain, signing))
    };
    let clear =
        |header: &Header, body| ready(write_clear(&CRYPTO, header, body, &s.laptop.signing));
    for kind in [EntryKind::Epoch, EntryKind::Device, EntryKind::Recovery] {
        assert_eq!(sealed(&header(kind), b"words"), Err(AuthorError::WrongBody), "{kind:?}");
        assert!(clear(&header(kind), Vec::new()).is_ok(), "{kind:?}");
    }
    for kind in [EntryKind::Change, EntryKind::Snapshot, EntryKind::Heartbeat, EntryKind::Gc] {
        assert_eq!(clear(&header(kind), Vec::new()), Err(AuthorError::WrongBody), "{kind:?}");
        assert!(sealed(&header(kind), b"words").is_ok(), "{kind:?}");
    }
    let homeless = Header { vault: None, ..header(EntryKind::Change) };
    assert_eq!(sealed(&homeless, b"words"), Err(AuthorError::NoVault));
    let intro = header(EntryKind::Device);
    let room = limits::ENTRY_BYTES_MAX - 72 - intro.encode().len();
    let longest = clear(&intro, vec![0; room]).unwrap();
    assert_eq!(Entry::decode(&longest.encode()), Ok(longest));
    let too_long = Err(AuthorError::TooLong { max: limits::ENTRY_BYTES_MAX });
    assert_eq!(clear(&intro, vec![0; room + 1]), too_long);
    for (streams, chunks, max) in [
        (limits::ENTRY_STREAMS_MAX, limits::ENTRY_CHUNKS_MAX, None),
        (limits::ENTRY_STREAMS_MAX + 1, 0, Some(limits::ENTRY_STREAMS_MAX)),
        (0, limits::ENTRY_CHUNKS_MAX + 1, Some(limits::ENTRY_CHUNKS_MAX)),
    ] {
        let streams = vec![StreamId([3; 16]); streams];
        let chunks = vec![ChunkId([4; 32]); chunks];
        let naming = Header { streams, chunks, ..header(EntryKind::Change) };
        let refused = max.map(|max| AuthorError::TooLong { max });
        assert_eq!(sealed(&naming, b"words").err(), refused);
        let naming = Header { kind: EntryKind::Device, ..naming };
        assert_eq!(clear(&naming, Vec::new()).err(), refused);
    }
    let entry = s.laptop.change(&s.log, b"words");
    assert_eq!(s.takes(entry), Ok(Ok(())));
}
