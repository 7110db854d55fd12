//! What a store of metadata has to hold of contents that die.

use offing_core::id::{ChunkId, VaultId};

use super::{PHONE, VAULT, populate, write};
use crate::store::meta::{Durability, MetaError, MetaStore};

pub(super) fn contents_wait_for_answers_and_are_dated_once(meta: &dyn MetaStore) {
    populate(meta);
    let dead = |since_ms, seq, limit| {
        let found = meta.read_blocking(move |s| s.dead_contents(&VAULT, since_ms, seq, limit));
        found.unwrap().into_iter().map(|id| id.0[0]).collect::<Vec<_>>()
    };
    let bury = |id: u8, seq| {
        write(meta, move |tx| tx.bury_content(&VAULT, &ChunkId([id; 32]), seq));
    };
    let vaults = || meta.read_blocking(|s| s.burial_vaults()).unwrap();
    assert_eq!(vaults(), []);
    bury(1, 7);
    bury(2, 9);
    assert_eq!(vaults(), [VAULT]);
    assert_eq!(dead(i64::MAX, 9, 8), Vec::<u8>::new(), "nobody counts their time yet");
    write(meta, |tx| tx.date_contents(&VAULT, 7, 100));
    assert_eq!((dead(99, 9, 8), dead(100, 9, 8)), (vec![], vec![1]));
    write(meta, |tx| tx.date_contents(&VAULT, 9, 200));
    assert_eq!((dead(199, 9, 8), dead(200, 9, 8)), (vec![1], vec![1, 2]), "it is counted once");
    assert_eq!((dead(200, 8, 8), dead(200, 9, 1).len()), (vec![1], 1));
    bury(1, 12);
    assert_eq!(dead(200, 8, 8), [1], "what is dead stays so from where it was");
    write(meta, |tx| tx.spare_content(&VAULT, &ChunkId([1; 32])));
    assert_eq!(dead(200, 9, 8), [2]);
    write(meta, |tx| tx.undate_contents());
    assert_eq!(dead(i64::MAX, 9, 8), Vec::<u8>::new());
    write(meta, |tx| tx.spare_content(&VAULT, &ChunkId([2; 32])));
    assert_eq!(vaults(), []);
    let answered = || meta.read_blocking(|s| s.answered(&VAULT, &PHONE)).unwrap();
    assert_eq!(answered(), 0);
    for (seq, noted) in [(5, 5), (3, 5), (6, 6)] {
        write(meta, move |tx| tx.note_answer(&VAULT, &PHONE, seq));
        assert_eq!(answered(), noted);
    }
    let unknown = VaultId([0xee; 32]);
    let bury = meta
        .write_blocking(Durability::Now, move |tx| tx.bury_content(&unknown, &ChunkId([1; 32]), 1));
    assert!(matches!(bury, Err(MetaError::Constraint)), "{bury:?}");
}
