//! Sign-ins whose secret is proved.

use offing_core::id::{AccountId, Hash};

use super::{ALICE, account, populate, write};
use crate::store::meta::{Durability, MetaError, MetaRead, MetaStore, MetaTx};
use crate::store::sign_ins::{SignIn, SignInId, Stage};

const BOB: AccountId = AccountId([20; 16]);

fn sign_in(n: u8, account: AccountId, stage: Stage) -> SignIn {
    SignIn {
        id: SignInId([n; 16]),
        account,
        said: Hash([n; 32]),
        proved_ms: n.into(),
        answers: u32::from(n) + u32::from(u16::MAX),
        stage,
    }
}

pub(super) fn sign_ins_are_put_counted_by_account_and_forgotten_by_age(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_account(&account(BOB, "bob")));
    let of = |n: u8| {
        let id = SignInId([n; 16]);
        meta.read_blocking(move |state| state.sign_in(&id)).unwrap()
    };
    let counts = || {
        let job =
            |state: &dyn MetaRead| Ok((state.sign_in_count(&ALICE)?, state.sign_in_count(&BOB)?));
        meta.read_blocking(job).unwrap()
    };
    assert_eq!((of(1), counts()), (None, (0, 0)));
    write(meta, |tx| {
        tx.put_sign_in(&sign_in(1, ALICE, Stage::Waits))?;
        tx.put_sign_in(&sign_in(2, BOB, Stage::Used))?;
        tx.put_sign_in(&sign_in(3, ALICE, Stage::Answered))
    });
    assert_eq!(of(1), Some(sign_in(1, ALICE, Stage::Waits)));
    assert_eq!(of(2), Some(sign_in(2, BOB, Stage::Used)));
    assert_eq!(counts(), (2, 1));
    let used = SignIn { answers: 0, ..sign_in(1, ALICE, Stage::Used) };
    let put = used.clone();
    write(meta, move |tx| tx.put_sign_in(&put));
    assert_eq!((of(1), counts()), (Some(used), (2, 1)));
    let forget = |before_ms| {
        let job = move |tx: &mut dyn MetaTx| tx.remove_sign_ins_before(before_ms);
        meta.write_blocking(Durability::Later, job).unwrap()
    };
    assert_eq!((forget(1), forget(3), forget(3)), (0, 2, 0));
    assert_eq!(counts(), (1, 0));
    assert_eq!(of(3), Some(sign_in(3, ALICE, Stage::Answered)));
    let nobodys = sign_in(4, AccountId([99; 16]), Stage::Waits);
    let nobody = move |tx: &mut dyn MetaTx| tx.put_sign_in(&nobodys);
    let nobody = meta.write_blocking(Durability::Now, nobody);
    assert!(matches!(nobody, Err(MetaError::Constraint)));
}
