//! A server with another life: restored from a backup, or pretending to be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::{Hash, Incarnation};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::log::verify::{HistoryError, LogState, Refused};
use offing_core::proto::LogPage;

const NEW: Incarnation = Incarnation([1; 16]);
/// The life that pages of the fixture tell.
const OLD: Incarnation = Incarnation([9; 16]);

struct World {
    alice: Person,
    laptop: Device,
    log: Log,
}

/// Four places, read by a replica in the old life.
fn world() -> (World, LogState) {
    let alice = Person::new(1);
    let mut laptop = alice.device(2);
    let mut log = Log::found(&alice, &mut laptop, 4);
    for body in [b"one", b"two", b"six"] {
        log.append(laptop.change(&log, body));
    }
    let mut state = log.state(&alice);
    ready(state.check_page(&NativeCrypto, &log.page(0))).unwrap();
    (World { alice, laptop, log }, state)
}

/// The page after a place, as the server of a life shows it.
fn page(log: &Log, after: u64, life: Incarnation) -> LogPage {
    let mut page = log.page(after);
    page.tip.incarnation = life;
    page
}

fn recovery(device: &mut Device, log: &Log, body: Vec<u8>) -> Entry {
    let header = device.header(&log.vault, log.at, EntryKind::Recovery);
    device.write_clear(&header, body)
}

#[test]
fn a_server_that_says_it_was_restored_makes_nobody_forget() {
    let (world, state) = world();
    let mut short = Log { entries: world.log.entries[..2].to_vec(), ..world.log.clone() };
    short.at = ChainPoint::START;
    for entry in &short.entries {
        short.at = short.at.extend(&entry.hash());
    }
    let honest = LogPage { items: Vec::new(), ..page(&short, 2, NEW) };
    let mut forked = honest.clone();
    forked.tip.chain = Hash([7; 32]);
    let mut same_life = honest.clone();
    same_life.tip.incarnation = OLD;
    for (page, expected) in [
        (honest, HistoryError::Lacks { tip: 2 }),
        (forked, HistoryError::Forked { seq: 2 }),
        (same_life, HistoryError::RolledBack { at: 4, tip: 2 }),
    ] {
        let mut read = state.clone();
        assert_eq!(ready(read.check_page(&NativeCrypto, &page)), Err(expected));
        assert_eq!(read, state);
    }
}

#[test]
fn another_life_is_adopted_by_a_recovery_and_by_nothing_else() {
    let (mut world, mut state) = world();
    world.log.append(world.laptop.change(&world.log, b"more"));
    ready(state.check_page(&NativeCrypto, &page(&world.log, 4, NEW))).unwrap();
    assert_eq!(state.at(), world.log.at, "what is verified is verified whoever shows it");
    assert!(state.is_of(&OLD) && !state.is_of(&NEW));
    let record = RecoveryRecord { incarnation: NEW, tip: world.log.at }.encode();
    world.log.append(recovery(&mut world.laptop, &world.log, record));
    ready(state.check_page(&NativeCrypto, &page(&world.log, 5, NEW))).unwrap();
    assert!(state.is_of(&NEW) && !state.is_of(&OLD));
}

#[test]
fn a_recovery_by_a_stranger_or_of_other_bytes_is_refused() {
    let tip = world().0.log.at;
    let record = RecoveryRecord { incarnation: NEW, tip }.encode();
    let elsewhere = ChainPoint { chain: Hash([7; 32]), ..tip };
    let elsewhere = RecoveryRecord { incarnation: NEW, tip: elsewhere }.encode();
    let cases = [
        (false, elsewhere, Refused::RecoveryInvalid),
        (true, record.clone(), Refused::UnknownDevice),
        (false, record[..20].to_vec(), Refused::Malformed),
        (false, [record, vec![0]].concat(), Refused::Malformed),
    ];
    for (by_stranger, body, expected) in cases {
        let (mut world, mut state) = world();
        let mut stranger = Person::new(6).device(7);
        let device = if by_stranger { &mut stranger } else { &mut world.laptop };
        world.log.append(recovery(device, &world.log, body));
        let steps = ready(state.check_page(&NativeCrypto, &page(&world.log, 4, NEW))).unwrap();
        assert_eq!(steps[0].outcome, Err(expected));
        assert!(state.is_of(&OLD) && !state.is_of(&NEW));
    }
}

#[test]
fn who_joins_later_ends_in_the_life_of_the_last_recovery() {
    let (mut world, _) = world();
    for life in [NEW, Incarnation([2; 16])] {
        let record = RecoveryRecord { incarnation: life, tip: world.log.at }.encode();
        world.log.append(recovery(&mut world.laptop, &world.log, record));
    }
    let mut newcomer = world.log.state(&world.alice);
    let whole = page(&world.log, 0, Incarnation([2; 16]));
    for at in 0..whole.items.len() {
        let items = whole.items[at..=at].to_vec();
        ready(newcomer.check_page(&NativeCrypto, &LogPage { items, ..whole.clone() })).unwrap();
    }
    assert!(newcomer.is_of(&Incarnation([2; 16])) && !newcomer.is_of(&NEW));
}
