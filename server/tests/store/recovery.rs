//! A server that was restored from a backup, and what it takes from whom.

use offing_core::fixture::{Device, Log, Person};
use offing_core::id::{Hash, Incarnation};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind};
use offing_core::log::recovery::RecoveryRecord;
use offing_core::proto::{AppendResult, Appended, encode_append, encode_give_back};
use offing_server::service::{Caller, ServiceError, ServiceOptions, Services};

use crate::world::{NOW_MS, placed_at, sign_up};

/// A log of six places by two devices, and a server restored to its first three.
struct World {
    alice: Person,
    laptop: Device,
    phone: Device,
    log: Log,
    services: Services,
}

impl World {
    async fn restored_to_three() -> Self {
        let alice = Person::new(1);
        let (mut laptop, mut phone) = (alice.device(2), alice.device(3));
        let mut log = Log::found(&alice, &mut laptop, 4);
        log.append(laptop.change(&log, b"one"));
        log.append(laptop.change(&log, b"two"));
        // The phone joins after the backup.
        log.append(phone.introduce(&log, "phone"));
        log.append(phone.change(&log, b"from the phone"));
        log.append(laptop.change(&log, b"from the laptop"));
        let services = Services::in_memory(ServiceOptions::default()).unwrap();
        let invite = services.create_invite(NOW_MS).await.unwrap();
        let mut new = sign_up(&invite, "alice");
        new.record.account = alice.account;
        services.register(new, NOW_MS).await.unwrap();
        let world = Self { alice, laptop, phone, log, services };
        let (by_laptop, genesis) = (world.by(&world.laptop), world.log.entries[0].encode());
        world.services.create_vault(&by_laptop, &genesis, NOW_MS).await.unwrap();
        let held: Vec<Vec<u8>> = world.log.entries[1..3].iter().map(Entry::encode).collect();
        let body = encode_append(&held);
        world.services.append(&by_laptop, world.log.vault.id, &body).await.unwrap();
        assert_eq!(world.services.begin_life().await.unwrap(), 1);
        world
    }

    fn by(&self, device: &Device) -> Caller {
        Caller { account: self.alice.account, device: device.id }
    }

    /// The chain after so many entries of the old log.
    fn point(&self, count: usize) -> ChainPoint {
        let entries = self.log.entries[..count].iter();
        entries.fold(ChainPoint::START, |at, entry| at.extend(&entry.hash()))
    }

    async fn gives(&self, after: ChainPoint, entries: &[Entry]) -> Appended {
        let entries: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
        let body = encode_give_back(after.seq, &after.chain, &entries);
        let caller = self.by(&self.laptop);
        self.services.give_back(&caller, self.log.vault.id, &body).await.unwrap().0
    }

    async fn appends(&self, device: &Device, entries: &[Entry]) -> Result<Appended, ServiceError> {
        let entries: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
        let body = encode_append(&entries);
        self.services.append(&self.by(device), self.log.vault.id, &body).await
    }

    async fn life(&self) -> Incarnation {
        self.gives(self.point(3), &[]).await.tip.incarnation
    }
}

fn recovery(device: &mut Device, log: &Log, incarnation: Incarnation) -> Entry {
    let header = device.header(&log.vault, ChainPoint::START, EntryKind::Recovery);
    device.write_clear(&header, RecoveryRecord { incarnation, tip: log.at }.encode())
}

#[tokio::test]
async fn what_was_lost_comes_back_from_one_device_and_makes_the_old_chain() {
    let mut world = World::restored_to_three().await;
    let lost = world.log.entries[3..].to_vec();
    let given = world.gives(world.point(3), &lost[..2]).await;
    assert!(placed_at(&given.results[0], 4) && placed_at(&given.results[1], 5));
    // Once more, and one that is new: as after an answer that was lost.
    let given = world.gives(world.point(3), &lost).await;
    assert_eq!(given.results[..2], [AppendResult::Dup { seq: 4 }, AppendResult::Dup { seq: 5 }]);
    assert!(placed_at(&given.results[2], 6));
    assert_eq!((given.tip.seq, given.tip.chain), (6, world.log.at.chain));
    // Ordinary work waits for the recovery, which has to name this life and this tip.
    let next = world.phone.clone().change(&world.log, b"more");
    let refused = world.appends(&world.phone, &[next]).await;
    assert!(matches!(refused, Err(ServiceError::Recovering)));
    let life = world.life().await;
    let other = recovery(&mut world.laptop.clone(), &world.log, Incarnation([3; 16]));
    let other = world.appends(&world.laptop, &[other]).await.unwrap();
    assert_eq!(other.results, [AppendResult::Malformed]);
    let early = Log { at: world.point(5), ..world.log.clone() };
    let early = recovery(&mut world.phone.clone(), &early, life);
    let early = world.appends(&world.phone, &[early]).await;
    assert!(matches!(early, Err(ServiceError::Recovering)));
    let recovered = recovery(&mut world.phone, &world.log, life);
    let next = world.phone.clone().change(&world.log, b"more");
    let taken = world.appends(&world.phone, &[recovered, next]).await.unwrap();
    assert!(placed_at(&taken.results[0], 7) && placed_at(&taken.results[1], 8));
}

#[tokio::test]
async fn what_is_given_back_altered_reordered_or_foreign_is_refused() {
    let world = World::restored_to_three().await;
    let lost = world.log.entries[3..].to_vec();
    let at = world.point(3);
    let mut unsigned = lost[0].clone();
    unsigned.signature[5] ^= 1;
    let mut altered = lost[0].clone();
    altered.body[30] ^= 1;
    // Somebody with a session and no key of the phone's.
    let mut thief = Person::new(9).device(5);
    let forged = Entry { signature: thief.change(&world.log, b"x").signature, ..lost[0].clone() };
    for entry in [unsigned, altered, forged] {
        assert_eq!(world.gives(at, &[entry]).await.results, [AppendResult::Malformed]);
    }
    let swapped = [lost[2].clone(), lost[0].clone()];
    let given = world.gives(at, &swapped).await.results;
    assert_eq!(given, [AppendResult::DeviceFork, AppendResult::Skipped]);
    let gap = world.gives(world.point(4), &lost[1..]).await.results;
    assert_eq!(gap[0], AppendResult::DeviceFork, "the place before is not there");
    let other = ChainPoint { chain: Hash([1; 32]), ..world.point(3) };
    let other = world.gives(other, &lost).await.results;
    assert_eq!(other[0], AppendResult::DeviceFork, "another history");
    let held = ChainPoint { chain: world.point(1).chain, seq: 1 };
    let held = world.gives(held, &[world.log.entries[2].clone()]).await.results;
    assert_eq!(held, [AppendResult::DeviceFork], "not what stands there");
}

#[tokio::test]
async fn a_server_that_was_not_restored_is_given_nothing() {
    let world = World::restored_to_three().await;
    let mut short = Log { at: world.point(3), ..world.log.clone() };
    let life = world.life().await;
    // Who has all of the backup ends the recovery without what comes after it.
    let mut laptop = world.alice.device(2);
    (laptop.dseq, laptop.prev) = (3, world.log.entries[2].hash());
    let recovered = recovery(&mut laptop, &short, life);
    let taken = world.appends(&laptop, std::slice::from_ref(&recovered)).await.unwrap();
    assert!(placed_at(&taken.results[0], 4));
    short.append(recovered);
    let lost = world.log.entries[3..].to_vec();
    assert_eq!(world.gives(world.point(3), &lost).await.results[0], AppendResult::DeviceFork);
    // What was written by who had seen the old history does not get in either.
    let mut tablet = world.alice.device(8);
    let late = tablet.introduce(&world.log, "tablet");
    let late = world.appends(&tablet, &[late]).await.unwrap();
    assert_eq!(late.results, [AppendResult::DeviceFork]);
}

#[tokio::test]
async fn the_only_device_left_introduces_itself_and_ends_the_recovery() {
    let world = World::restored_to_three().await;
    let short = Log { at: world.point(3), ..world.log.clone() };
    let mut tablet = world.alice.device(8);
    let life = world.life().await;
    let intro = tablet.introduce(&short, "tablet");
    let alone = world.appends(&tablet, std::slice::from_ref(&intro)).await;
    assert!(matches!(alone, Err(ServiceError::Recovering)));
    let recovered = recovery(&mut tablet, &short, life);
    let taken = world.appends(&tablet, &[intro, recovered]).await.unwrap();
    assert!(placed_at(&taken.results[1], 5));
}
