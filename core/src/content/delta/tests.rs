use proptest::prelude::*;

use super::*;
use crate::id::{Hash, NodeId};

const KEY: BlockKey = BlockKey([7; 16]);
const MIB: usize = 1024 * 1024;

/// Bytes that look random and are the same in every run.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(len);
    bytes
}

/// Where contents are kept: the plaintexts of chunks by their ids.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Kept {
    fn keep(&mut self, plain: Vec<u8>) -> (ChunkId, ContentKey) {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(self.0.len() as u64).to_be_bytes());
        self.0.push(plain);
        (ChunkId(id), ContentKey([1; 32]))
    }

    fn read(&self, manifest: &Manifest) -> Vec<u8> {
        let stretch = |extent: &Extent| {
            let place = u64::from_be_bytes(extent.chunk.0[..8].try_into().unwrap()) as usize;
            let start = extent.offset as usize;
            self.0[place][start..start + extent.len as usize].to_vec()
        };
        manifest.extents.iter().flat_map(stretch).collect()
    }

    fn whole(&mut self, content: &[u8], blocks: u32) -> Manifest {
        let size = content.len() as u64;
        let chunks = content.chunks(pack::chunk_bytes(size));
        let extents = chunks.map(|plain| {
            let (chunk, key) = self.keep(plain.to_vec());
            Extent { chunk, key, offset: 0, len: u32::try_from(plain.len()).unwrap() }
        });
        manifest(size, extents.collect(), sign(content, blocks))
    }

    /// Weaves and returns the manifest with the bytes that have to travel.
    fn weave(&mut self, old: &Manifest, content: &[u8], piece: usize) -> (Manifest, usize) {
        let mut weaver = Weaver::new(old, KEY, content.len() as u64).unwrap();
        let mut literals = Vec::new();
        for piece in content.chunks(piece) {
            literals.extend(weaver.push(piece));
        }
        let (last, woven) = weaver.finish();
        literals.extend(last);
        let sent = literals.iter().map(Vec::len).sum();
        let chunks: Vec<_> = literals.into_iter().map(|plain| self.keep(plain)).collect();
        let signatures = sign(content, old.signatures.as_ref().unwrap().block_bytes);
        (manifest(content.len() as u64, woven.extents(&chunks), signatures), sent)
    }
}

fn sign(content: &[u8], block_bytes: u32) -> BlockSignatures {
    let mut signer = BlockSigner::new(KEY, block_bytes);
    content.chunks(1000).for_each(|piece| signer.update(piece));
    signer.finish()
}

fn manifest(size: u64, extents: Vec<Extent>, signatures: BlockSignatures) -> Manifest {
    Manifest {
        file: NodeId([1; 16]),
        size,
        mime: String::new(),
        modified_ms: 0,
        extents,
        plain_hash: Hash([0; 32]),
        signatures: Some(signatures),
    }
}

#[test]
fn a_kibibyte_inserted_in_the_middle_costs_about_a_block() {
    const BLOCK: usize = 4096;
    let before = noise(4 * MIB, 3);
    let mut kept = Kept::default();
    let old = kept.whole(&before, BLOCK as u32);
    let mut after = before.clone();
    after.splice(MIB + 5..MIB + 5, noise(1024, 9));
    let (new, sent) = kept.weave(&old, &after, MIB);
    assert_eq!(new.check(), Ok(()));
    assert!(kept.read(&new) == after);
    assert!(sent <= 1024 + 2 * BLOCK, "{sent}");
    assert!(new.extents.len() <= old.extents.len() + 4, "{}", new.extents.len());
    // And the next change starts from there.
    let (third, sent) = kept.weave(&new, &before, MIB);
    assert!(kept.read(&third) == before);
    assert!(sent <= 2 * BLOCK, "{sent}");
}

#[test]
fn a_content_of_equal_blocks_stays_in_few_extents() {
    let before = vec![0; 4 * MIB];
    let mut kept = Kept::default();
    let old = kept.whole(&before, 4096);
    let (new, sent) = kept.weave(&old, &before, 777_777);
    assert!(kept.read(&new) == before);
    assert_eq!((sent, new.extents.len()), (0, 4));
}

#[test]
fn a_content_with_nothing_in_common_is_cut_as_ever() {
    let mut kept = Kept::default();
    let old = kept.whole(&noise(2 * MIB, 1), 4096);
    let after = noise(3 * MIB + 17, 2);
    let (new, sent) = kept.weave(&old, &after, MIB);
    assert!(kept.read(&new) == after);
    assert_eq!((sent, new.extents.len()), (after.len(), 4));
}

#[test]
fn a_content_in_ever_smaller_pieces_is_not_woven_to_its_end() {
    let before = noise(2 * MIB, 1);
    let mut kept = Kept::default();
    let old = kept.whole(&before, 4096);
    // Every other block comes from somewhere else, and none follows the one before.
    let mut after = Vec::new();
    for (place, block) in before.chunks(4096).enumerate().collect::<Vec<_>>().into_iter().rev() {
        after.extend_from_slice(block);
        after.extend_from_slice(&noise(64, place as u64));
    }
    let (new, _) = kept.weave(&old, &after, MIB);
    assert!(kept.read(&new) == after);
    assert!(new.extents.len() <= after.len() / EXTENT_BYTES_MIN as usize + EXTENTS_FREE + 8);
}

#[test]
fn signatures_that_are_not_the_content_s_are_not_used() {
    let before = noise(MIB, 1);
    let old = Kept::default().whole(&before, 4096);
    let with = |block_bytes, blocks| {
        let mut old = old.clone();
        old.signatures = Some(BlockSignatures { block_bytes, blocks });
        Weaver::new(&old, KEY, 10).is_some()
    };
    let blocks = old.signatures.clone().unwrap().blocks;
    assert!(with(4096, blocks.clone()));
    assert!(!with(0, blocks.clone()) && !with(4095, blocks.clone()) && !with(8192, blocks));
    assert!(!with(4096, Vec::new()));
}

#[test]
fn another_vault_s_key_finds_nothing() {
    let before = noise(MIB, 1);
    let mut kept = Kept::default();
    let mut old = kept.whole(&before, 4096);
    let mut signer = BlockSigner::new(BlockKey([8; 16]), 4096);
    signer.update(&before);
    old.signatures = Some(signer.finish());
    assert_eq!(kept.weave(&old, &before, MIB).1, before.len());
}

#[test]
fn blocks_are_as_long_as_their_number_asks() {
    assert_eq!(block_bytes(limits::SIGNED_FILE_BYTES_MIN - 1), None);
    assert_eq!(block_bytes(limits::SIGNED_FILE_BYTES_MIN), Some(limits::BLOCK_BYTES_MIN));
    for size in [1 << 28, (1 << 28) + 1, 1 << 32, 1u64 << 40] {
        let bytes = u64::from(block_bytes(size).unwrap());
        assert!(size / bytes <= limits::BLOCKS_MAX as u64, "{size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_was_changed_the_woven_content_is_the_new_one(
        edits in prop::collection::vec((0usize..200_000, 0usize..3_000, 0usize..3_000), 0..12),
        piece in 1usize..70_000,
        seed in any::<u64>(),
    ) {
        let before = noise(200_000, seed);
        let mut after = before.clone();
        for (at, removed, inserted) in edits {
            let start = at.min(after.len());
            let end = (start + removed).min(after.len());
            after.splice(start..end, noise(inserted, seed ^ at as u64));
        }
        let mut kept = Kept::default();
        let old = kept.whole(&before, 512);
        let (new, _) = kept.weave(&old, &after, piece);
        prop_assert_eq!(new.check(), Ok(()));
        prop_assert!(kept.read(&new) == after);
    }

    #[test]
    fn rolling_gives_what_summing_anew_gives(bytes in prop::collection::vec(any::<u8>(), 65..300)) {
        let blocks = vec![(0, [0; 8]); 1];
        let index = Index::new(&BlockSignatures { block_bytes: 64, blocks }, 64).unwrap();
        let mut sum = roll_over(&bytes[..64]);
        for at in 0..bytes.len() - 64 {
            sum = index.roll(sum, bytes[at], bytes[at + 64]);
            prop_assert_eq!(sum, roll_over(&bytes[at + 1..at + 65]));
        }
    }
}
