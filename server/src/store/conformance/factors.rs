//! Second factors.

use offing_core::id::{AccountId, Hash};

use super::{ALICE, account, populate, write};
use crate::store::factors::Totp;
use crate::store::meta::{Durability, MetaError, MetaStore, MetaTx};

const BOB: AccountId = AccountId([20; 16]);

pub(super) fn an_app_is_put_replaced_and_taken_off_alone(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_account(&account(BOB, "bob")));
    let totp = |n: u8| Totp {
        sealed: vec![n; 49],
        since_ms: i64::from(n),
        last_step: 60_000_000 + i64::from(n),
        wrong: n.into(),
        wrong_ms: 1_800_000_000_000,
    };
    let of = |account| meta.read_blocking(move |state| state.totp(&account)).unwrap();
    assert_eq!(of(ALICE), None);
    write(meta, move |tx| {
        tx.put_totp(&ALICE, &totp(1))?;
        tx.put_totp(&BOB, &totp(2))?;
        tx.put_totp(&ALICE, &totp(3))
    });
    assert_eq!((of(ALICE), of(BOB)), (Some(totp(3)), Some(totp(2))));
    write(meta, |tx| {
        tx.remove_totp(&ALICE)?;
        tx.remove_totp(&ALICE)
    });
    assert_eq!((of(ALICE), of(BOB)), (None, Some(totp(2))));
    let nobody = move |tx: &mut dyn MetaTx| tx.put_totp(&AccountId([99; 16]), &totp(4));
    let nobody = meta.write_blocking(Durability::Now, nobody);
    assert!(matches!(nobody, Err(MetaError::Constraint)));
}

pub(super) fn a_spare_code_is_used_once_and_by_its_account(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_account(&account(BOB, "bob")));
    let hashes = |all: &[u8]| all.iter().map(|n| Hash([*n; 32])).collect::<Vec<_>>();
    let left = |account| meta.read_blocking(move |state| state.spare_code_count(&account)).unwrap();
    let uses = |account: AccountId, n: u8| {
        let job = move |tx: &mut dyn MetaTx| tx.use_spare_code(&account, &Hash([n; 32]));
        meta.write_blocking(Durability::Now, job).unwrap()
    };
    let (first, others) = (hashes(&[1, 2, 3]), hashes(&[1, 4]));
    write(meta, move |tx| {
        tx.put_spare_codes(&ALICE, &first)?;
        tx.put_spare_codes(&BOB, &others)
    });
    assert!(!uses(ALICE, 4));
    assert!(uses(ALICE, 1));
    assert!(!uses(ALICE, 1));
    assert_eq!((left(ALICE), left(BOB)), (2, 2));
    assert!(uses(BOB, 1));
    let second = hashes(&[5]);
    write(meta, move |tx| tx.put_spare_codes(&ALICE, &second));
    assert!(!uses(ALICE, 2));
    assert_eq!(left(ALICE), 1);
    write(meta, |tx| tx.put_spare_codes(&ALICE, &[]));
    assert_eq!((left(ALICE), left(BOB)), (0, 1));
}
