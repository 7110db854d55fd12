//! The list of accounts, and passes.

use offing_core::id::{AccountId, Hash};

use super::{ALICE, account, populate, write};
use crate::store::factors::Totp;
use crate::store::keeping::{Listed, Pass, PassKind};
use crate::store::meta::{Account, Durability, MetaError, MetaStore, MetaTx};

pub(super) fn accounts_are_listed_by_name_in_pages(meta: &dyn MetaStore) {
    populate(meta);
    let names = ["Émile", "bob", "b-2", "b.1", "张三"];
    write(meta, move |tx| {
        for (n, name) in (10..).zip(names) {
            let id = AccountId([n; 16]);
            tx.add_account(&Account { quota_bytes: None, ..account(id, name) })?;
        }
        tx.add_usage(&ALICE, 300)?;
        let totp = Totp { seed: vec![1], since_ms: 5, last_step: 1, wrong: 0, wrong_ms: 0 };
        tx.put_totp(&AccountId([12; 16]), &totp)?;
        tx.close_account(&AccountId([11; 16]), 5)
    });
    let page = |after: &'static str, count_max: usize| {
        meta.read_blocking(move |state| state.accounts_after(after, count_max)).unwrap()
    };
    let listed = |names: &[&str]| {
        let of = |name: &&str| Listed {
            username: (*name).to_owned(),
            used_bytes: if *name == "alice" { 300 } else { 0 },
            quota_bytes: (*name == "alice").then_some(1000),
            created_ms: 7,
            is_closed: *name == "bob",
            second_factor: *name == "b-2",
        };
        names.iter().map(of).collect::<Vec<_>>()
    };
    // By their bytes, whatever language the machine speaks.
    assert_eq!(page("", 100), listed(&["alice", "b-2", "b.1", "bob", "Émile", "张三"]));
    assert_eq!(page("", 2), listed(&["alice", "b-2"]));
    assert_eq!(page("b-2", 2), listed(&["b.1", "bob"]));
    assert_eq!(page("bob", 100), listed(&["Émile", "张三"]));
    assert_eq!(page("张三", 100), []);
}

pub(super) fn passes_are_used_and_end_alone_and_by_age(meta: &dyn MetaStore) {
    let pass = |n: u8, kind, created_ms| Pass {
        token_hash: Hash([n; 32]),
        kind,
        created_ms,
        used_ms: created_ms,
    };
    write(meta, move |tx| {
        tx.add_pass(&pass(1, PassKind::Link, 10))?;
        tx.add_pass(&pass(2, PassKind::Session, 20))?;
        tx.add_pass(&pass(3, PassKind::Session, 30))?;
        tx.add_pass(&pass(4, PassKind::Link, 40))
    });
    let again = move |tx: &mut dyn MetaTx| tx.add_pass(&pass(1, PassKind::Session, 50));
    let again = meta.write_blocking(Durability::Now, again);
    assert!(matches!(again, Err(MetaError::Constraint)));
    write(meta, |tx| {
        tx.use_pass(&Hash([2; 32]), 25)?;
        tx.use_pass(&Hash([9; 32]), 25)?;
        tx.remove_pass(&Hash([3; 32]))?;
        tx.remove_pass(&Hash([9; 32]))
    });
    let kept = || {
        let all = [1, 2, 3, 4, 9].map(|n| Hash([n; 32]));
        let read = move |hash| meta.read_blocking(move |state| state.pass(&hash)).unwrap();
        all.into_iter().filter_map(read).collect::<Vec<_>>()
    };
    let second = Pass { used_ms: 25, ..pass(2, PassKind::Session, 20) };
    let fourth = pass(4, PassKind::Link, 40);
    assert_eq!(kept(), [pass(1, PassKind::Link, 10), second.clone(), fourth]);
    let ends = |before| {
        let job = move |tx: &mut dyn MetaTx| tx.remove_passes_before(before);
        meta.write_blocking(Durability::Now, job).unwrap()
    };
    assert_eq!(ends(20), 1);
    assert_eq!(kept()[0], second);
    assert_eq!(ends(i64::MAX), 2);
    assert_eq!(kept(), []);
}
