//! What stores have to hold of growth, which they may gather.

use super::*;
use crate::store::growth::Growth;
use crate::store::meta::{Answer, MetaResult};

const OTHER: VaultId = VaultId([5; 32]);
const DESK: DeviceId = DeviceId([6; 16]);

fn question(vault: VaultId, device: DeviceId, seen: u64) -> Question {
    Question { vault, account: ALICE, device, seen, chunks: Vec::new() }
}

/// Entries of a device behind the place `before`.
fn growth(vault: VaultId, device: DeviceId, before: u64, dseq: u64, count: u64) -> Growth {
    let entries: Vec<_> = (1..=count).map(|n| entry(before + n, device, dseq + n - 1)).collect();
    let last = entries.last().unwrap();
    let vault = Vault { id: vault, seq: last.seq, chain: last.chain, ..super::vault() };
    Growth { vault, bytes: 100 * count, entries, declared: Vec::new() }
}

/// Appends as the server does: asks, and lets grow what follows.
fn append(
    meta: &dyn MetaStore,
    asked: Question,
    grow: impl FnOnce(Standing) -> MetaResult<Growth> + Send + 'static,
) -> Answer {
    let announced = asked.clone();
    let job = Box::new(move |tx: &mut dyn MetaTx| {
        let standing = tx.standing(&asked)?.ok_or(MetaError::Closed)?;
        tx.grow(grow(standing)?)?;
        Ok(Box::new(()) as _)
    });
    meta.submit_append(announced, job)
}

fn two_vaults(meta: &dyn MetaStore) {
    populate(meta);
    write(meta, |tx| tx.add_vault(&Vault { id: OTHER, ..vault() }, 2));
}

pub(super) fn what_grows_at_once_is_what_its_parts_say(meta: &dyn MetaStore) {
    populate(meta);
    let [content, piece] = [1, 2].map(|id| ChunkId([id; 32]));
    write(meta, move |tx| {
        tx.mark_indexed(1, 400)?;
        tx.put_chunk(&chunk(1, 1, 0))?;
        tx.put_chunk(&chunk(2, 1, 100))?;
        tx.put_piece(&Piece { vault: VAULT, id: piece, dead_seq: Some(1) })?;
        tx.bury_content(&VAULT, &content, 1)
    });
    let mut grown = growth(VAULT, PHONE, 0, 1, 2);
    grown.entries.push(StoredEntry { body: None, ..entry(3, LAPTOP, 1) });
    (grown.vault.seq, grown.vault.chain) = (3, Hash([103; 32]));
    (grown.vault.epoch, grown.vault.recovering) = (4, true);
    grown.declared = vec![(content, 1), (piece, 2), (content, 3)];
    let (stored, entries) = (grown.clone(), grown.entries.clone());
    write(meta, move |tx| tx.grow(grown));
    meta.read_blocking(move |state| {
        assert_eq!(state.vault(&VAULT)?, Some(stored.vault));
        let all = PageBounds { entries_max: 9, bytes_max: 1 << 20, without_bodies_of: None };
        assert_eq!(state.entries_after(&VAULT, 0, &all)?, entries);
        for (device, dseq, seq) in [(PHONE, 2, 2), (LAPTOP, 1, 3)] {
            let last = DeviceCounter { dseq, hash: Hash([seq; 32]), revoked: false };
            assert_eq!(state.device_counter(&VAULT, &device)?, Some(last));
        }
        assert_eq!(state.account(&ALICE)?.unwrap().used_bytes, 200);
        for (id, seq) in [(content, 3), (piece, 2)] {
            assert_eq!(state.chunk(&VAULT, &id)?.unwrap().last_declared, seq);
        }
        assert_eq!(state.piece(&VAULT, &piece)?, None);
        assert_eq!(state.dead_contents(&VAULT, i64::MAX, 9, 9)?, []);
        Ok(())
    })
    .unwrap();
}

pub(super) fn growth_that_does_not_follow_is_refused_and_harms_no_other(meta: &dyn MetaStore) {
    two_vaults(meta);
    let first = append(meta, question(VAULT, PHONE, 0), |standing| {
        assert_eq!((standing.vault.seq, standing.used_bytes), (0, 0));
        Ok(growth(VAULT, PHONE, 0, 1, 2))
    });
    // As after a job that read what is not so.
    let gap = append(meta, question(OTHER, PHONE, 0), |_| Ok(growth(OTHER, PHONE, 1, 1, 1)));
    let second = append(meta, question(VAULT, LAPTOP, 2), |standing| {
        assert_eq!((standing.vault.seq, standing.seen), (2, Some(Hash([102; 32]))));
        Ok(growth(VAULT, LAPTOP, 2, 1, 1))
    });
    let not_there = append(meta, question(VAULT, DESK, 0), |_| {
        let grown = growth(VAULT, DESK, 3, 1, 1);
        Ok(Growth { declared: vec![(ChunkId([9; 32]), 4)], ..grown })
    });
    let gives_up =
        append(meta, question(VAULT, PHONE, 0), |_| Err(MetaError::Corrupt { column: "test" }));
    for good in [first, second] {
        good.blocking_recv().unwrap().unwrap();
    }
    for bad in [gap, not_there] {
        assert!(matches!(bad.blocking_recv().unwrap(), Err(MetaError::Constraint)));
    }
    assert!(matches!(gives_up.blocking_recv().unwrap(), Err(MetaError::Corrupt { .. })));
    // Alone too.
    let twice = append(meta, question(VAULT, PHONE, 0), |_| Ok(growth(VAULT, PHONE, 1, 2, 1)));
    assert!(matches!(twice.blocking_recv().unwrap(), Err(MetaError::Constraint)));
    let after = append(meta, question(VAULT, PHONE, 0), |standing| {
        assert_eq!(standing.used_bytes, 300, "who was refused pays nothing");
        assert_eq!(standing.counter.map(|counter| counter.dseq), Some(2));
        Ok(growth(VAULT, PHONE, 3, 3, 1))
    });
    after.blocking_recv().unwrap().unwrap();
    meta.read_blocking(|state| {
        assert_eq!(state.vault(&VAULT)?.unwrap().seq, 4);
        assert_eq!(state.vault(&OTHER)?.unwrap().seq, 0);
        assert_eq!(state.device_counter(&VAULT, &DESK)?, None);
        assert_eq!(state.account(&ALICE)?.unwrap().used_bytes, 400);
        Ok(())
    })
    .unwrap();
}
