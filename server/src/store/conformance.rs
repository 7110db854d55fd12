//! What every store has to hold, run against each of them: here against those that need
//! nothing beside the program (`local`), by the tests of the workspace against real engines.

#![allow(clippy::unwrap_used, reason = "a claim that does not hold panics")]
#![allow(clippy::missing_panics_doc, reason = "a claim that does not hold panics")]

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, VaultId};
use offing_core::log::entry::EntryKind;
use offing_core::proto::SecretKind;

use super::blob::{BlobError, BlobStore};
use super::fossil::Piece;
use super::growth::{Question, Standing};
use super::meta::{
    Account, DeviceCounter, Durability, Invite, Location, MetaError, MetaRead, MetaStore, MetaTx,
    PageBounds, SegmentRow, Session, SessionId, StoredChunk, StoredEntry, Vault,
};
use super::segment::SegmentOptions;

mod burial;
mod ends;
mod factors;
mod growth;
mod keeping;
#[cfg(test)]
mod local;
mod sign_ins;

/// What a store of metadata that is new and empty has to hold.
pub const META_CLAIMS: &[fn(&dyn MetaStore)] = &[
    a_failed_job_has_no_effect_and_harms_no_other,
    accounts_keep_what_they_are_given,
    invites_are_used_once_and_open_ones_can_be_ended,
    sessions_end_alone_by_account_and_by_age,
    logs_are_read_in_order_and_within_bounds,
    what_an_append_is_judged_by_is_what_its_parts_say,
    growth::what_grows_at_once_is_what_its_parts_say,
    growth::growth_that_does_not_follow_is_refused_and_harms_no_other,
    the_index_counts_what_lives_in_a_segment,
    fossils_are_dated_once_and_read_by_place,
    burial::contents_wait_for_answers_and_are_dated_once,
    countersigned_snapshots_are_dated_once_and_bodies_go_alone,
    accounts_are_closed_and_opened_and_keep_what_they_have,
    keeping::accounts_are_listed_by_name_in_pages,
    keeping::passes_are_used_and_end_alone_and_by_age,
    factors::an_app_is_put_replaced_and_taken_off_alone,
    factors::a_spare_code_is_used_once_and_by_its_account,
    factors::passkeys_are_added_used_and_taken_off_alone,
    ends::ends_of_sessions_are_noted_once_and_forgotten_by_age,
    sign_ins::sign_ins_are_put_counted_by_account_and_forgotten_by_age,
    reading_sees_what_was_answered,
];

const ALICE: AccountId = AccountId([1; 16]);
const VAULT: VaultId = VaultId([2; 32]);
const PHONE: DeviceId = DeviceId([3; 16]);
const LAPTOP: DeviceId = DeviceId([4; 16]);

fn account(id: AccountId, username: &str) -> Account {
    Account {
        id,
        username: username.to_owned(),
        password_file: vec![1],
        recovery_file: vec![2],
        identity_public: vec![3],
        identity_sealed: vec![4],
        password_slot: vec![5],
        recovery_slot: vec![6],
        kit_confirmed: false,
        quota_bytes: Some(1000),
        used_bytes: 0,
        created_ms: 7,
    }
}

fn vault() -> Vault {
    Vault { id: VAULT, account: ALICE, seq: 0, chain: Hash([0; 32]), epoch: 1, recovering: false }
}

fn entry(seq: u64, device: DeviceId, dseq: u64) -> StoredEntry {
    StoredEntry {
        seq,
        device,
        dseq,
        hash: Hash([seq as u8; 32]),
        chain: Hash([100 + seq as u8; 32]),
        header: vec![seq as u8; 10],
        signature: [9; 64],
        body_hash: Hash([200; 32]),
        body: Some(vec![seq as u8; 1000]),
    }
}

fn session(id: u8, account: AccountId, used_ms: i64) -> Session {
    Session {
        id: SessionId([id; 16]),
        account,
        device: PHONE,
        device_public: vec![4; 65],
        token_hash: Hash([id; 32]),
        previous_hash: None,
        rotated_ms: 1,
        created_ms: 1,
        used_ms,
        taken_off: false,
    }
}

fn chunk(id: u8, segment: u32, offset: u64) -> StoredChunk {
    let at = Location { segment, offset, len: 100 };
    StoredChunk { vault: VAULT, id: ChunkId([id; 32]), at, last_declared: 0 }
}

fn write(
    meta: &dyn MetaStore,
    job: impl FnOnce(&mut dyn MetaTx) -> Result<(), MetaError> + Send + 'static,
) {
    meta.write_blocking(Durability::Now, job).unwrap();
}

fn populate(meta: &dyn MetaStore) {
    write(meta, |tx| {
        tx.add_account(&account(ALICE, "alice"))?;
        tx.add_vault(&vault(), 1)
    });
}

fn a_failed_job_has_no_effect_and_harms_no_other(meta: &dyn MetaStore) {
    let good = meta.submit_write(
        Durability::Now,
        Box::new(|tx| {
            tx.add_account(&account(ALICE, "alice"))?;
            Ok(Box::new(()))
        }),
    );
    let bad = meta.submit_write(
        Durability::Now,
        Box::new(|tx| {
            tx.add_account(&account(AccountId([8; 16]), "bob"))?;
            tx.add_account(&account(AccountId([9; 16]), "alice"))?;
            Ok(Box::new(()))
        }),
    );
    let last = meta.submit_write(
        Durability::Later,
        Box::new(|tx| {
            tx.add_vault(&vault(), 1)?;
            Ok(Box::new(()))
        }),
    );
    assert!(good.blocking_recv().unwrap().is_ok());
    assert!(matches!(bad.blocking_recv().unwrap(), Err(MetaError::Constraint)));
    assert!(last.blocking_recv().unwrap().is_ok());
    let names = |state: &dyn MetaRead| {
        Ok((state.account_by_name("alice")?.is_some(), state.account_by_name("bob")?.is_some()))
    };
    assert_eq!(meta.read_blocking(names).unwrap(), (true, false));
    assert_eq!(meta.read_blocking(|state| state.account_count()).unwrap(), 1);
    assert!(meta.read_blocking(|state| state.is_member(&VAULT, &ALICE)).unwrap());
}

fn accounts_keep_what_they_are_given(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| {
        tx.replace_secret(&ALICE, SecretKind::Password, &[11], &[12])?;
        tx.confirm_kit(&ALICE)?;
        tx.limit_account(&ALICE, None)?;
        tx.add_usage(&ALICE, 500)?;
        tx.add_usage(&ALICE, -200)
    });
    let expected = Account {
        password_file: vec![11],
        password_slot: vec![12],
        kit_confirmed: true,
        quota_bytes: None,
        used_bytes: 300,
        ..account(ALICE, "alice")
    };
    assert_eq!(meta.read_blocking(|state| state.account(&ALICE)).unwrap(), Some(expected.clone()));
    write(meta, |tx| tx.replace_secret(&ALICE, SecretKind::Recovery, &[13], &[14]));
    let expected = Account {
        recovery_file: vec![13],
        recovery_slot: vec![14],
        kit_confirmed: false,
        ..expected
    };
    assert_eq!(meta.read_blocking(|state| state.account(&ALICE)).unwrap(), Some(expected));
    write(meta, |tx| tx.add_usage(&ALICE, -1000));
    let used = meta.read_blocking(|state| state.account(&ALICE)).unwrap().unwrap().used_bytes;
    assert_eq!(used, 0);
}

fn accounts_are_closed_and_opened_and_keep_what_they_have(meta: &dyn MetaStore) {
    let bob = AccountId([8; 16]);
    populate(meta);
    write(meta, move |tx| {
        tx.add_account(&account(bob, "bob"))?;
        tx.put_session(&session(1, ALICE, 5))?;
        tx.close_account(&ALICE, 10)?;
        tx.close_account(&ALICE, 20)
    });
    let state = |meta: &dyn MetaStore| {
        meta.read_blocking(move |state| {
            let of_each = (state.is_closed(&ALICE)?, state.is_closed(&bob)?);
            Ok((state.closed()?, of_each, state.session(&SessionId([1; 16]))?.is_some()))
        })
        .unwrap()
    };
    assert_eq!(state(meta), (vec![ALICE], (true, false), true));
    let unknown = meta
        .write_blocking(Durability::Now, |tx| tx.close_account(&AccountId([99; 16]), 1))
        .map_err(|error| matches!(error, MetaError::Constraint));
    assert_eq!(unknown, Err(true));
    write(meta, move |tx| {
        tx.open_account(&bob)?;
        tx.open_account(&ALICE)
    });
    assert_eq!(state(meta), (vec![], (false, false), true));
    let kept = meta.read_blocking(|state| state.account(&ALICE)).unwrap();
    assert_eq!(kept, Some(account(ALICE, "alice")));
}

fn invites_are_used_once_and_open_ones_can_be_ended(meta: &dyn MetaStore) {
    let invite =
        |hash| Invite { token_hash: Hash([hash; 32]), created_ms: 1, expires_ms: 9, used_ms: None };
    write(meta, move |tx| {
        tx.add_invite(&invite(1))?;
        tx.add_invite(&invite(2))?;
        tx.use_invite(&Hash([1; 32]), 5)?;
        tx.remove_open_invites()
    });
    let used = meta.read_blocking(|state| state.invite(&Hash([1; 32]))).unwrap().unwrap();
    assert_eq!(used.used_ms, Some(5));
    assert_eq!(meta.read_blocking(|state| state.invite(&Hash([2; 32]))).unwrap(), None);
}

fn sessions_end_alone_by_account_and_by_age(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| {
        tx.add_account(&account(AccountId([9; 16]), "bob"))?;
        for (id, used_ms) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            tx.put_session(&session(id, ALICE, used_ms))?;
        }
        tx.put_session(&session(5, AccountId([9; 16]), 50))?;
        let rotated = Session { previous_hash: Some(Hash([7; 32])), ..session(2, ALICE, 25) };
        tx.put_session(&rotated)?;
        tx.remove_session(&SessionId([1; 16]))
    });
    let aged = |tx: &mut dyn MetaTx| tx.remove_sessions_unused_since(26);
    assert_eq!(meta.write_blocking(Durability::Now, aged).unwrap(), 1);
    let others = |tx: &mut dyn MetaTx| tx.remove_other_sessions(&ALICE, Some(&SessionId([3; 16])));
    assert_eq!(meta.write_blocking(Durability::Now, others).unwrap(), 1);
    let left = meta.read_blocking(|state| {
        let held = |id| Ok::<_, MetaError>(state.session(&SessionId([id; 16]))?.is_some());
        (1..=5).map(held).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(left.unwrap(), [false, false, true, false, true]);
}

fn what_an_append_is_judged_by_is_what_its_parts_say(meta: &dyn MetaStore) {
    populate(meta);
    const BOB: AccountId = AccountId([9; 16]);
    write(meta, |tx| {
        tx.add_account(&Account { quota_bytes: None, ..account(BOB, "bob") })?;
        tx.add_entry(&VAULT, &entry(1, PHONE, 1))?;
        tx.add_entry(&VAULT, &entry(2, PHONE, 2))?;
        tx.advance_vault(&Vault { seq: 2, chain: Hash([102; 32]), ..vault() })?;
        tx.add_usage(&ALICE, 77)?;
        tx.mark_indexed(1, 400)?;
        tx.put_chunk(&chunk(1, 1, 0))?;
        tx.put_chunk(&chunk(3, 1, 100))
    });
    let [one, two, three] = [1, 2, 3].map(|id| ChunkId([id; 32]));
    let standing = |account, device, seen| {
        let chunks = vec![three, two, three];
        let question = Question { vault: VAULT, account, device, seen, chunks };
        let asked = question.clone();
        let found = meta.read_blocking(move |state| state.standing(&asked)).unwrap();
        // The same where the store was told beforehand.
        let answer = meta.submit_append(
            question.clone(),
            Box::new(move |tx| Ok(Box::new(tx.standing(&question)?))),
        );
        let answer = answer.blocking_recv().unwrap().unwrap();
        assert_eq!(answer.downcast_ref(), Some(&found));
        found
    };
    let incarnation = meta.read_blocking(|state| state.incarnation()).unwrap();
    let written = DeviceCounter { dseq: 2, hash: Hash([2; 32]), revoked: false };
    let expected = Standing {
        vault: Vault { seq: 2, chain: Hash([102; 32]), ..vault() },
        quota_bytes: Some(1000),
        used_bytes: 77,
        counter: Some(written),
        seen: Some(Hash([101; 32])),
        held: BTreeSet::from([three]),
        incarnation,
    };
    assert_eq!(standing(ALICE, PHONE, 1), Some(expected.clone()));
    let nothing_yet = Standing { counter: None, seen: None, ..expected.clone() };
    assert_eq!(standing(ALICE, LAPTOP, 3), Some(nothing_yet));
    assert_eq!(standing(BOB, PHONE, 1), None, "who is no member");
    write(meta, |tx| tx.take_off(&VAULT, &ALICE, &PHONE));
    let revoked = DeviceCounter { revoked: true, ..written };
    let taken_off = Standing { counter: Some(revoked), ..expected };
    assert_eq!(standing(ALICE, PHONE, 1), Some(taken_off));
    let held = move |state: &dyn MetaRead| state.chunks_held(&VAULT, &[three, two, one, one]);
    assert_eq!(meta.read_blocking(held).unwrap(), BTreeSet::from([one, three]));
    let held = |state: &dyn MetaRead| state.chunks_held(&VAULT, &[]);
    assert_eq!(meta.read_blocking(held).unwrap(), BTreeSet::new());
}

fn logs_are_read_in_order_and_within_bounds(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| {
        for (seq, device, dseq) in
            [(1, PHONE, 1), (2, LAPTOP, 1), (3, PHONE, 2), (4, PHONE, 3), (5, LAPTOP, 2)]
        {
            tx.add_entry(&VAULT, &entry(seq, device, dseq))?;
        }
        tx.advance_vault(&Vault { seq: 5, chain: Hash([105; 32]), epoch: 2, ..vault() })
    });
    let read = |after, entries_max, bytes_max, own| {
        let bounds = PageBounds { entries_max, bytes_max, without_bodies_of: own };
        meta.read_blocking(move |state| state.entries_after(&VAULT, after, &bounds)).unwrap()
    };
    let seqs = |entries: &[StoredEntry]| entries.iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(read(1, 2, usize::MAX, None), [entry(2, LAPTOP, 1), entry(3, PHONE, 2)]);
    assert_eq!(seqs(&read(0, 100, 2500, None)), [1, 2]);
    assert_eq!(seqs(&read(3, 100, 1, None)), [4], "one entry fits always");
    assert_eq!(seqs(&read(0, 100, 2500, Some(PHONE))), [1, 2, 3, 4], "left out bodies are free");
    assert_eq!(read(5, 100, 2500, None), []);
    let at = |seq| meta.read_blocking(move |state| state.entry_at(&VAULT, seq)).unwrap();
    assert_eq!((at(3), at(6)), (Some((Hash([3; 32]), Hash([103; 32]))), None));
    let life = Incarnation([5; 16]);
    let begin = move |tx: &mut dyn MetaTx| tx.begin_life(&life);
    assert_eq!(meta.write_blocking(Durability::Now, begin).unwrap(), 1);
    assert_eq!(meta.read_blocking(|state| state.incarnation()).unwrap(), life);
    let advanced = Vault { seq: 5, chain: Hash([105; 32]), epoch: 2, ..vault() };
    let recovering = meta.read_blocking(|state| state.vault(&VAULT)).unwrap();
    assert_eq!(recovering, Some(Vault { recovering: true, ..advanced }));
    write(meta, move |tx| tx.advance_vault(&advanced));
    assert_eq!(meta.read_blocking(|state| state.vault(&VAULT)).unwrap(), Some(advanced));
    let own = read(1, 2, usize::MAX, Some(PHONE));
    assert_eq!(own[1], StoredEntry { body: None, ..entry(3, PHONE, 2) });
    let counter = meta.read_blocking(|state| state.device_counter(&VAULT, &PHONE)).unwrap();
    let mut last = DeviceCounter { dseq: 3, hash: Hash([4; 32]), revoked: false };
    assert_eq!(counter, Some(last));
    let (new, phone) = (DeviceId([9; 16]), session(7, ALICE, 1));
    let take_off = move |tx: &mut dyn MetaTx| {
        tx.put_session(&phone)?;
        tx.take_off(&VAULT, &ALICE, &new)?;
        tx.take_off(&VAULT, &ALICE, &PHONE)
    };
    meta.write_blocking(Durability::Now, take_off).unwrap();
    last.revoked = true;
    let counter = meta.read_blocking(|state| state.device_counter(&VAULT, &PHONE)).unwrap();
    assert_eq!(counter, Some(last));
    let counter = meta.read_blocking(move |state| state.device_counter(&VAULT, &new)).unwrap();
    assert_eq!(counter, Some(DeviceCounter { dseq: 0, hash: Hash([0; 32]), revoked: true }));
    let sessions = meta.read_blocking(|state| state.sessions_of(&ALICE)).unwrap();
    let ended = sessions.iter().filter(|session| session.device == PHONE);
    assert!(ended.clone().count() > 0 && ended.clone().all(|session| session.taken_off));
    let held = meta.read_blocking(|state| state.entry_of_device(&VAULT, &LAPTOP, 2)).unwrap();
    assert_eq!(held, Some((5, Hash([5; 32]))));
    // The header of these is its place, ten times: so is the kind.
    let last = |kind, before| {
        let found = meta.read_blocking(move |state| state.last_of_kind(&VAULT, kind, before));
        found.unwrap()
    };
    assert_eq!(last(EntryKind::Snapshot, u64::MAX), Some(entry(2, LAPTOP, 1)));
    assert_eq!(last(EntryKind::Snapshot, 2), None);
    assert_eq!(last(EntryKind::Gc, 6), Some(entry(5, LAPTOP, 2)));
    let tip = meta.read_blocking(|state| state.vault(&VAULT)).unwrap().unwrap();
    assert_eq!((tip.seq, tip.epoch), (5, 2));
    let twice = |tx: &mut dyn MetaTx| tx.add_entry(&VAULT, &entry(6, PHONE, 3));
    assert!(meta.write_blocking(Durability::Now, twice).is_err());
}

fn the_index_counts_what_lives_in_a_segment(meta: &dyn MetaStore) {
    populate(meta);
    let nowhere = |tx: &mut dyn MetaTx| tx.put_chunk(&chunk(1, 1, 0));
    assert!(meta.write_blocking(Durability::Now, nowhere).is_err(), "the segment is not known");
    write(meta, |tx| {
        tx.mark_indexed(1, 500)?;
        tx.mark_indexed(1, 300)?;
        tx.mark_indexed(2, 0)?;
        tx.put_chunk(&chunk(1, 1, 200))?;
        tx.put_chunk(&chunk(2, 1, 100))?;
        tx.put_chunk(&chunk(3, 1, 300))?;
        tx.declare_chunk(&VAULT, &ChunkId([1; 32]), 7)?;
        tx.declare_chunk(&VAULT, &ChunkId([1; 32]), 5)?;
        tx.put_chunk(&chunk(3, 2, 0))?;
        tx.remove_chunk(&VAULT, &ChunkId([2; 32]))
    });
    let in_one = meta.read_blocking(|state| state.chunks_in(1)).unwrap();
    assert_eq!(in_one, [StoredChunk { last_declared: 7, ..chunk(1, 1, 200) }]);
    let row = |segment, indexed_to, dead_bytes| SegmentRow {
        segment,
        indexed_to,
        live_bytes: 100,
        dead_bytes,
    };
    write(meta, |tx| tx.add_dead_bytes(2, 7));
    let rows = meta.read_blocking(|state| state.segments()).unwrap();
    assert_eq!(rows, [row(1, 500, 200), row(2, 0, 7)]);
    let pointed_to = |tx: &mut dyn MetaTx| tx.remove_segment(1);
    assert!(meta.write_blocking(Durability::Now, pointed_to).is_err());
    write(meta, |tx| {
        tx.remove_chunk(&VAULT, &ChunkId([1; 32]))?;
        tx.remove_segment(1)
    });
    assert_eq!(meta.read_blocking(|state| state.segments()).unwrap(), [row(2, 0, 7)]);
}

fn reading_sees_what_was_answered(meta: &dyn MetaStore) {
    populate(meta);
    for used in 1..=50u64 {
        let add = |tx: &mut dyn MetaTx| tx.add_usage(&ALICE, 1);
        meta.write_blocking(Durability::Later, add).unwrap();
        let account = meta.read_blocking(|state| state.account(&ALICE)).unwrap().unwrap();
        assert_eq!(account.used_bytes, used);
    }
}

fn countersigned_snapshots_are_dated_once_and_bodies_go_alone(meta: &dyn MetaStore) {
    populate(meta);
    let witnessed = || {
        let found = meta.read_blocking(|s| s.witnessed(&VAULT)).unwrap();
        found.into_iter().map(|w| (w.seq, w.through, w.since_ms)).collect::<Vec<_>>()
    };
    assert_eq!((witnessed(), meta.read_blocking(|s| s.pruned_to(&VAULT)).unwrap()), (vec![], 0));
    write(meta, |tx| tx.put_witnessed(&VAULT, 9, 7));
    write(meta, |tx| tx.date_witnessed(100));
    write(meta, |tx| {
        tx.put_witnessed(&VAULT, 9, 7)?;
        tx.put_witnessed(&VAULT, 12, 11)
    });
    assert_eq!(witnessed(), [(9, 7, Some(100)), (12, 11, None)], "its time is kept");
    write(meta, |tx| tx.date_witnessed(200));
    assert_eq!(witnessed(), [(9, 7, Some(100)), (12, 11, Some(200))]);
    assert_eq!(meta.read_blocking(|s| s.witnessed_vaults()).unwrap(), [VAULT]);
    write(meta, |tx| tx.remove_witnessed_before(&VAULT, 12));
    write(meta, |tx| tx.undate_witnessed());
    assert_eq!(witnessed(), [(12, 11, None)]);
    let unknown = VaultId([99; 32]);
    let put = meta.write_blocking(Durability::Now, move |tx| tx.put_witnessed(&unknown, 1, 1));
    assert!(matches!(put, Err(MetaError::Constraint)), "{put:?}");

    write(meta, |tx| {
        tx.add_entry(&VAULT, &entry(1, PHONE, 1))?;
        tx.add_entry(&VAULT, &entry(2, LAPTOP, 1))
    });
    assert_eq!(meta.read_blocking(|s| s.writers(&VAULT)).unwrap(), [PHONE, LAPTOP]);
    write(meta, |tx| tx.take_off(&VAULT, &ALICE, &PHONE));
    assert_eq!(meta.read_blocking(|s| s.writers(&VAULT)).unwrap(), [LAPTOP]);
    write(meta, |tx| {
        tx.drop_body(&VAULT, 1)?;
        tx.set_pruned_to(&VAULT, 1)
    });
    assert_eq!(meta.read_blocking(|s| s.pruned_to(&VAULT)).unwrap(), 1);
    let bounds = PageBounds { entries_max: 9, bytes_max: usize::MAX, without_bodies_of: None };
    let found = meta.read_blocking(move |s| s.entries_after(&VAULT, 0, &bounds)).unwrap();
    let bare = StoredEntry { body: None, ..entry(1, PHONE, 1) };
    assert_eq!(found, [bare, entry(2, LAPTOP, 1)], "all but the body stays");
    let none = meta.write_blocking(Durability::Now, |tx| tx.drop_body(&VAULT, 3));
    assert!(matches!(none, Err(MetaError::Constraint)), "{none:?}");
}

fn fossils_are_dated_once_and_read_by_place(meta: &dyn MetaStore) {
    populate(meta);
    let piece = |id: u8, dead_seq| Piece { vault: VAULT, id: ChunkId([id; 32]), dead_seq };
    let fossils = |since_ms, seq, limit| {
        let found = meta.read_blocking(move |s| s.fossils(&VAULT, since_ms, seq, limit)).unwrap();
        found.into_iter().map(|id| id.0[0]).collect::<Vec<_>>()
    };
    let known = |id: u8| {
        let found = meta.read_blocking(move |s| s.piece(&VAULT, &ChunkId([id; 32])));
        found.unwrap()
    };
    assert_eq!(known(1), None);
    assert_eq!(meta.read_blocking(|s| s.last_fossil(&VAULT)).unwrap(), None);
    write(meta, move |tx| {
        tx.put_piece(&piece(1, None))?;
        tx.put_piece(&piece(2, Some(7)))?;
        tx.put_piece(&piece(3, Some(9)))
    });
    assert_eq!((known(1), known(2)), (Some(piece(1, None)), Some(piece(2, Some(7)))));
    assert_eq!(meta.read_blocking(|s| s.last_fossil(&VAULT)).unwrap(), Some(9));
    assert_eq!(meta.read_blocking(|s| s.fossil_vaults()).unwrap(), [VAULT]);
    assert_eq!(fossils(i64::MAX, 9, 8), Vec::<u8>::new(), "nobody counts their time yet");
    write(meta, |tx| tx.date_fossils(100));
    write(meta, |tx| tx.date_fossils(200));
    assert_eq!(fossils(99, 9, 8), Vec::<u8>::new());
    assert_eq!(fossils(100, 9, 8), [2, 3]);
    assert_eq!(fossils(100, 8, 8), [2]);
    assert_eq!(fossils(100, 9, 1).len(), 1);
    write(meta, move |tx| {
        tx.put_piece(&piece(2, None))?;
        tx.put_piece(&piece(3, Some(9)))
    });
    assert_eq!(
        fossils(i64::MAX, 9, 8),
        Vec::<u8>::new(),
        "one lives again, the other's time begins again"
    );
    write(meta, |tx| tx.date_fossils(300));
    assert_eq!(fossils(300, 9, 8), [3]);
    write(meta, |tx| tx.undate_fossils());
    assert_eq!(fossils(i64::MAX, 9, 8), Vec::<u8>::new());
    write(meta, |tx| tx.remove_piece(&VAULT, &ChunkId([3; 32])));
    assert_eq!((known(3), meta.read_blocking(|s| s.fossil_vaults()).unwrap()), (None, vec![]));
    let awaited = || meta.read_blocking(|s| s.is_awaited(&VAULT, &ChunkId([4; 32]))).unwrap();
    assert!(!awaited());
    for _ in 0..2 {
        write(meta, |tx| tx.await_chunk(&VAULT, &ChunkId([4; 32])));
        assert!(awaited());
    }
    let mark = || meta.read_blocking(|s| s.read_mark(&VAULT, &PHONE)).unwrap();
    assert_eq!(mark(), 0);
    for (seq, noted) in [(5, 5), (3, 5), (6, 6)] {
        write(meta, move |tx| tx.note_read(&VAULT, &PHONE, seq));
        assert_eq!(mark(), noted);
    }
}

/// What a store of chunk bytes that is new, empty and of [`small_segments`] has to hold.
pub const BLOB_CLAIMS: &[fn(&mut dyn BlobStore)] =
    &[written_chunks_are_read_and_found, rotation_keeps_and_removal_forgets];

fn read(blobs: &dyn BlobStore, at: Location) -> Result<Vec<u8>, BlobError> {
    let mut bytes = vec![0; at.len as usize];
    let read = blobs.reader().read_at(at.segment, at.offset, &mut bytes).map(|()| bytes);
    let pieces = blobs.reader().pieces(at.segment, at.offset..at.offset + u64::from(at.len));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gathered = runtime.block_on(pieces.map_ok(|piece| piece.to_vec()).try_concat());
    match (&read, &gathered) {
        (Ok(read), Ok(gathered)) => assert_eq!(read, gathered),
        (read, gathered) => assert_eq!(format!("{read:?}"), format!("{gathered:?}")),
    }
    read
}

fn written_chunks_are_read_and_found(blobs: &mut dyn BlobStore) {
    let mut written = Vec::new();
    for byte in 0..10 {
        let at = blobs.write(&VAULT, &ChunkId([byte; 32]), &vec![byte; 50 + byte as usize]);
        written.push((ChunkId([byte; 32]), at.unwrap()));
    }
    let before = blobs.syncs();
    blobs.sync().unwrap();
    blobs.sync().unwrap();
    assert_eq!(blobs.syncs(), before + 1, "nothing to wait for, nothing waited for");
    for (id, at) in &written {
        assert_eq!(read(blobs, *at).unwrap(), vec![id.0[0]; at.len as usize]);
    }
    let mut found = Vec::new();
    let segment = written[0].1.segment;
    blobs.scan(segment, 0, &mut |chunk| found.push((chunk.id, chunk.at))).unwrap();
    assert_eq!(found, written);
    let from = written[6].1.end();
    found.clear();
    blobs.scan(segment, from, &mut |chunk| found.push((chunk.id, chunk.at))).unwrap();
    assert_eq!(found, written[7..]);
}

fn rotation_keeps_and_removal_forgets(blobs: &mut dyn BlobStore) {
    let at = blobs.write(&VAULT, &ChunkId([1; 32]), &[1; 2000]).unwrap();
    assert!(blobs.is_full());
    blobs.sync().unwrap();
    blobs.rotate().unwrap();
    let next = blobs.write(&VAULT, &ChunkId([2; 32]), &[2; 10]).unwrap();
    assert_ne!(at.segment, next.segment);
    blobs.sync().unwrap();
    assert_eq!(blobs.segments().unwrap(), [at.segment, next.segment]);
    assert_eq!(read(blobs, at).unwrap(), [1; 2000]);
    blobs.remove(at.segment).unwrap();
    assert!(matches!(read(blobs, at), Err(BlobError::SegmentGone { .. })));
    assert_eq!(read(blobs, next).unwrap(), [2; 10]);
    assert!(matches!(
        read(blobs, Location { len: 11, ..next }),
        Err(BlobError::SegmentShort { .. })
    ));
}

/// Segments that are full soon.
pub fn small_segments() -> SegmentOptions {
    SegmentOptions { rotate_bytes: 1500, ..SegmentOptions::default() }
}
