//! Ends of sessions.

use super::write;
use crate::store::ends::End;
use crate::store::meta::{Durability, MetaStore, MetaTx, SessionId};

fn end(n: u8, at_ms: i64) -> End {
    End { session: SessionId([n; 16]), at_ms }
}

pub(super) fn ends_of_sessions_are_noted_once_and_forgotten_by_age(meta: &dyn MetaStore) {
    let since = |at_ms| {
        let mut ends = meta.read_blocking(move |state| state.ends_since(at_ms)).unwrap();
        ends.sort_by_key(|end| end.session);
        ends
    };
    assert_eq!(since(0), []);
    write(meta, |tx| {
        tx.note_end(&end(1, 10))?;
        tx.note_end(&end(2, 20))?;
        tx.note_end(&end(1, 30))
    });
    assert_eq!(since(0), [end(1, 10), end(2, 20)]);
    assert_eq!((since(20), since(21)), (vec![end(2, 20)], vec![]));
    let forget = |before_ms| {
        let job = move |tx: &mut dyn MetaTx| tx.remove_ends_before(before_ms);
        meta.write_blocking(Durability::Now, job).unwrap()
    };
    assert_eq!((forget(10), forget(11), forget(11)), (0, 1, 0));
    assert_eq!(since(0), [end(2, 20)]);
}
