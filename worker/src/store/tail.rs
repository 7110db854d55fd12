//! The end of the verified log as it came: what a server that lost it is given back.
//!
//! Pieces of entries that follow one another, written in the transaction that moves the
//! cursor past them, so they end where the cursor is. The oldest go when they are more than
//! [`limits::TAIL_ENTRIES_MAX`] or [`limits::TAIL_BYTES_MAX`]. A cache: nothing else is read
//! from it, and it may be dropped as a whole.
//!
//! ```text
//! key   = be64 first seq | be32 entries | be32 bytes
//! value = chain before the first[32] | entries × lp(wire entry)
//! ```

use std::collections::VecDeque;

use offing_core::id::{Hash, Seq};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::Entry;
use offing_core::proto::{Reader, put_lp};
use serde::{Deserialize, Serialize};

use super::{Batch, Direction, Range, Store, StoreError, Table};

/// Key of [`Extent`], in `Table::Meta`.
const EXTENT_KEY: &[u8] = b"tail";
/// Pieces that are looked at together when the oldest have to go.
const TRIM_AT_ONCE: u32 = 64;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Extent {
    entries: u64,
    bytes: u64,
}

impl Extent {
    fn is_over(self) -> bool {
        self.entries > limits::TAIL_ENTRIES_MAX || self.bytes > limits::TAIL_BYTES_MAX
    }

    fn more(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, bytes: self.bytes + other.bytes }
    }

    fn less(self, other: Self) -> Self {
        let entries = self.entries.saturating_sub(other.entries);
        Self { entries, bytes: self.bytes.saturating_sub(other.bytes) }
    }
}

/// Entries that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The place before the first.
    pub before: ChainPoint,
    /// Their wire bytes.
    pub entries: Vec<Vec<u8>>,
}

impl Piece {
    fn extent(&self) -> Extent {
        let bytes = self.entries.iter().map(|wire| wire.len() as u64).sum();
        Extent { entries: self.entries.len() as u64, bytes }
    }

    fn key(&self) -> Vec<u8> {
        let Extent { entries, bytes } = self.extent();
        let number = |n: u64| u32::try_from(n).expect("a page of the log is bounded").to_be_bytes();
        [&(self.before.seq + 1).to_be_bytes()[..], &number(entries), &number(bytes)].concat()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = self.before.chain.0.to_vec();
        for wire in &self.entries {
            put_lp(&mut out, wire);
        }
        out
    }

    /// Reads the entries of a row that come after a place.
    fn decode(key: &[u8], value: &[u8], after: Seq) -> Result<Self, StoreError> {
        let (first, _) = parts(key)?;
        let mut reader = Reader::new(value);
        let chain = Hash(reader.array().map_err(|_| StoreError::Lost)?);
        let mut piece = Self { before: ChainPoint { seq: first - 1, chain }, entries: Vec::new() };
        while !reader.rest().is_empty() {
            let wire = reader.lp(limits::ENTRY_BYTES_MAX).map_err(|_| StoreError::Lost)?;
            if piece.before.seq < after {
                let entry = Entry::decode(wire).map_err(|_| StoreError::Lost)?;
                piece.before = piece.before.extend(&entry.hash());
            } else {
                piece.entries.push(wire.to_vec());
            }
        }
        Ok(piece)
    }
}

/// The first place and the extent that a key tells.
fn parts(key: &[u8]) -> Result<(Seq, Extent), StoreError> {
    let mut reader = Reader::new(key);
    let mut read = || {
        let first = reader.be64()?;
        let (entries, bytes) = (u64::from(reader.be32()?), u64::from(reader.be32()?));
        Ok::<_, offing_core::proto::WireError>((first, Extent { entries, bytes }))
    };
    read().map_err(|_| StoreError::Lost)
}

/// What a round of pages adds; of more than may be kept, the end.
#[derive(Debug, Default)]
pub struct Addition {
    /// What is kept so far does not lead up to it.
    cut: bool,
    pieces: VecDeque<Piece>,
    extent: Extent,
}

impl Addition {
    /// Adds entries that follow those added before.
    pub fn push(&mut self, piece: Piece) {
        if piece.entries.is_empty() {
            return;
        }
        self.extent = self.extent.more(piece.extent());
        self.pieces.push_back(piece);
        while self.extent.is_over()
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.extent = self.extent.less(oldest.extent());
            self.cut = true;
        }
    }

    /// Something that follows is not to be had: what was kept before it leads nowhere.
    pub fn cut(&mut self) {
        *self = Self { cut: true, ..Self::default() };
    }
}

/// Puts what a round adds into its transaction, and takes the oldest out.
pub async fn add(
    batch: &mut Batch,
    store: &impl Store,
    addition: Addition,
) -> Result<(), StoreError> {
    if addition.cut {
        batch.delete_range(Table::Tail, Range::all());
    } else if addition.pieces.is_empty() {
        return Ok(());
    }
    let kept = match store.get(Table::Meta, EXTENT_KEY).await? {
        Some(kept) if !addition.cut => postcard::from_bytes(&kept).map_err(|_| StoreError::Lost)?,
        Some(_) | None => Extent::default(),
    };
    let mut extent = kept.more(addition.extent);
    let mut range = Range::all();
    while extent.is_over() {
        let keys = store.scan_keys(Table::Tail, &range, TRIM_AT_ONCE).await?;
        let Some(last) = keys.last() else {
            break;
        };
        range.start = [last.as_slice(), &[0]].concat();
        for key in keys {
            if !extent.is_over() {
                break;
            }
            extent = extent.less(parts(&key)?.1);
            batch.delete(Table::Tail, key);
        }
    }
    for piece in &addition.pieces {
        batch.put(Table::Tail, piece.key(), piece.encode());
    }
    let encoded = postcard::to_allocvec(&extent).expect("two numbers have nothing to refuse");
    batch.put(Table::Meta, EXTENT_KEY, encoded);
    Ok(())
}

/// Drops all of it.
pub fn forget(batch: &mut Batch) {
    batch.delete_range(Table::Tail, Range::all());
    batch.delete(Table::Meta, EXTENT_KEY);
}

/// Reads a piece of what comes right after a place; `None` if that is not kept.
pub async fn read(store: &impl Store, after: Seq) -> Result<Option<Piece>, StoreError> {
    let range = Range::between(Vec::new(), (after + 2).to_be_bytes());
    let rows = store.scan(Table::Tail, &range, 0, 1, Direction::Backward).await?;
    let piece = rows.first().map(|(key, value)| Piece::decode(key, value, after)).transpose()?;
    Ok(piece.filter(|piece| !piece.entries.is_empty() && piece.before.seq == after))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::store::Durability;
    use crate::store::memory::MemoryStore;

    /// The entry at a place, as long as wished.
    fn wire(seq: Seq, body_bytes: usize) -> Vec<u8> {
        let body = vec![0; body_bytes];
        Entry { header: seq.to_be_bytes().to_vec(), signature: [0; 64], body }.encode()
    }

    /// The places up to one, chained.
    fn point(seq: Seq, body_bytes: usize) -> ChainPoint {
        (1..=seq).fold(ChainPoint::START, |at, seq| {
            at.extend(&Entry::decode(&wire(seq, body_bytes)).unwrap().hash())
        })
    }

    fn adds(store: &MemoryStore, addition: Addition) {
        let mut batch = Batch::new();
        block_on(add(&mut batch, store, addition)).unwrap();
        block_on(store.write(batch, Durability::Relaxed)).unwrap();
    }

    fn pieces(after: Seq, lens: &[u64], body_bytes: usize) -> Addition {
        let mut addition = Addition::default();
        let mut after = after;
        for len in lens {
            let entries = (after + 1..=after + len).map(|seq| wire(seq, body_bytes)).collect();
            addition.push(Piece { before: point(after, body_bytes), entries });
            after += len;
        }
        addition
    }

    #[test]
    fn what_comes_after_any_place_is_read_with_its_chain() {
        let store = MemoryStore::new();
        adds(&store, pieces(0, &[3, 4], 1));
        adds(&store, pieces(7, &[1], 1));
        for after in 0..8 {
            let piece = block_on(read(&store, after)).unwrap().unwrap();
            assert_eq!(piece.before, point(after, 1), "after {after}");
            assert_eq!(piece.entries[0], wire(after + 1, 1));
        }
        assert_eq!(block_on(read(&store, 8)), Ok(None));
        assert_eq!(block_on(read(&store, 99)), Ok(None));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_when_they_are_too_long() {
        let store = MemoryStore::new();
        for round in 0..12 {
            adds(&store, pieces(round * 500, &[500], 1));
        }
        assert_eq!(block_on(read(&store, 1_999)), Ok(None));
        assert!(block_on(read(&store, 2_000)).unwrap().is_some());
        let store = MemoryStore::new();
        for round in 0..9 {
            adds(&store, pieces(round, &[1], 4_000_000));
        }
        assert_eq!(block_on(store.count(Table::Tail, &Range::all())), Ok(8));
        // More than may be kept in one round: its end is.
        adds(&store, pieces(9, &[1_024, 1_024, 1_024, 1_024, 1], 1));
        assert_eq!(block_on(read(&store, 8)), Ok(None));
        assert!(block_on(read(&store, 9 + 1_024)).unwrap().is_some());
    }

    #[test]
    fn a_cut_leaves_nothing_of_before() {
        let store = MemoryStore::new();
        adds(&store, pieces(0, &[5], 1));
        let mut addition = pieces(5, &[1], 1);
        addition.cut();
        addition.push(Piece { before: point(7, 1), entries: vec![wire(8, 1)] });
        adds(&store, addition);
        assert_eq!(block_on(read(&store, 4)), Ok(None));
        assert!(block_on(read(&store, 7)).unwrap().is_some());
    }
}
