//! Second factors.

use offing_core::id::{AccountId, Hash};

use super::{ALICE, account, populate, write};
use crate::store::factors::{Passkey, Totp};
use crate::store::meta::{Durability, MetaError, MetaStore, MetaTx};

const BOB: AccountId = AccountId([20; 16]);

pub(super) fn an_app_is_put_replaced_and_taken_off_alone(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_account(&account(BOB, "bob")));
    let totp = |n: u8| Totp {
        seed: vec![n; 16],
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

pub(super) fn passkeys_are_added_used_and_taken_off_alone(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_account(&account(BOB, "bob")));
    let passkey = |n: u8| Passkey {
        credential: vec![n; 16],
        name: format!("key {n} 张三"),
        public_key: vec![n; 65],
        count: u32::MAX,
        made_ms: 10 - i64::from(n),
        used_ms: 0,
    };
    let of = |account| meta.read_blocking(move |state| state.passkeys(&account)).unwrap();
    write(meta, move |tx| {
        tx.add_passkey(&ALICE, &passkey(1))?;
        tx.add_passkey(&ALICE, &passkey(2))?;
        tx.add_passkey(&BOB, &passkey(1))
    });
    assert_eq!(of(ALICE), [passkey(2), passkey(1)]);
    let again = move |tx: &mut dyn MetaTx| tx.add_passkey(&ALICE, &passkey(1));
    let again = meta.write_blocking(Durability::Now, again);
    assert!(matches!(again, Err(MetaError::Constraint)));
    write(meta, |tx| {
        tx.use_passkey(&ALICE, &[1; 16], 5, 77)?;
        tx.use_passkey(&ALICE, &[9; 16], 5, 77)
    });
    let used = Passkey { count: 5, used_ms: 77, ..passkey(1) };
    assert_eq!(of(ALICE), [passkey(2), used.clone()]);
    let removes = |n: u8| {
        let job = move |tx: &mut dyn MetaTx| tx.remove_passkey(&ALICE, &[n; 16]);
        meta.write_blocking(Durability::Now, job).unwrap()
    };
    assert_eq!((removes(9), removes(2), removes(2)), (false, true, false));
    assert_eq!((of(ALICE), of(BOB)), (vec![used], vec![passkey(1)]));
    write(meta, |tx| tx.remove_passkeys(&ALICE));
    assert_eq!((of(ALICE), of(BOB)), (vec![], vec![passkey(1)]));
}
