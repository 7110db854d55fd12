//! Snapshots: what a replica made of the log up to a place, so that a newcomer need not read it.
//!
//! ```text
//! record = part u8 | lp(key) | lp(value)                  ascending by part and key
//! piece  = version u8 = 1 | be32 length when inflated | deflate(1 MiB of all records)
//! tree   = SHA-256("of/snapshot" | be64 seq | lp(row) of every node)
//! body   = version u8 = 1 | postcard(SnapshotBody)        sealed, in an entry of kind snapshot
//! ```
//!
//! A piece is stored as a chunk; a record may lie across pieces. Two replicas that have merged
//! the same part of the log have equal rows, hence the same `tree`, so one can countersign what
//! another made. Rows with ops that have no place in the log yet cannot be in a snapshot.
//! Who may be believed is `verify::beginning`'s business.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::content::chunk::ContentKey;
use crate::id::{ChunkId, Hash, Seq};
use crate::limits;
use crate::log::chain::ChainPoint;
use crate::log::change::{ChangeError, deflate, inflate};
use crate::proto::{Reader, WireError, put_lp};
use crate::tree::NodeRow;

const VERSION: u8 = 1;
/// Bytes of records in one piece.
const PIECE_BYTES: usize = 1024 * 1024;
/// Most bytes of a key.
const KEY_BYTES_MAX: usize = 64;

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Part {
    /// The state of the verified log (`LogState::freeze`); no key.
    State = 1,
    /// An epoch's record, by its number.
    Epoch = 2,
    /// What a device is called, by its id.
    DeviceName = 3,
    /// An entry that was set aside, by its place.
    SetAside = 4,
    /// A row of a text's documents and earlier contents, as replicas keep them.
    Text = 5,
    /// A node's row, by its id.
    Node = 6,
    /// A row of what ops replaced of places, names and the trash, as replicas keep them.
    Past = 7,
}

impl Part {
    fn from_u8(tag: u8) -> Option<Self> {
        let (of_log, of_tree) = (
            [Self::State, Self::Epoch, Self::DeviceName, Self::SetAside],
            [Self::Text, Self::Node, Self::Past],
        );
        of_log.into_iter().chain(of_tree).find(|part| *part as u8 == tag)
    }
}

/// One thing that a snapshot says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is of.
    pub part: Part,
    /// Tells it from others of its part.
    pub key: Vec<u8>,
    /// What it says.
    pub value: Vec<u8>,
}

/// A piece of a snapshot, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The chunk.
    pub chunk: ChunkId,
    /// Opens it.
    pub key: ContentKey,
    /// Its bytes, without padding.
    pub bytes: u32,
}

/// What an entry of kind *snapshot* says, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotBody {
    /// The place: all of the log up to it is in the snapshot, and nothing after.
    pub at: ChainPoint,
    /// The greatest Lamport time up to there.
    pub lamport: u64,
    /// The greatest number of an increment among its texts.
    pub increments: u64,
    /// Hash of the tree.
    pub tree: Hash,
    /// Where the records are, in order.
    pub pieces: Vec<Piece>,
}

/// Reports a snapshot that cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A row holds an op that is not, or not up to this place, in the log.
    #[error("a row is not of this place in the log")]
    NotOfThisPlace,
    /// A record does not come after the one before.
    #[error("a record is in the wrong place")]
    Misplaced,
    /// Cut short, too large, or of a later version.
    #[error(transparent)]
    Frame(#[from] ChangeError),
}

impl From<WireError> for SnapshotError {
    fn from(_: WireError) -> Self {
        ChangeError::Malformed.into()
    }
}

impl SnapshotBody {
    /// Encodes the body.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("plain data always serialises")
    }

    /// Decodes a body.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (version, rest) = bytes.split_first().ok_or(ChangeError::Malformed)?;
        if *version != VERSION {
            return Err(ChangeError::UnknownVersion { version: *version }.into());
        }
        match postcard::take_from_bytes::<Self>(rest) {
            Ok((body, [])) if body.pieces.len() <= limits::ENTRY_CHUNKS_MAX => Ok(body),
            Ok(_) | Err(_) => Err(ChangeError::Malformed.into()),
        }
    }
}

/// Keeps records in order and hashes the tree among them.
struct Order {
    seq: Seq,
    last: Option<(Part, Vec<u8>)>,
    tree: Sha256,
}

impl Order {
    fn new(seq: Seq) -> Self {
        let tree = Sha256::new().chain_update(b"of/snapshot").chain_update(seq.to_be_bytes());
        Self { seq, last: None, tree }
    }

    fn take(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let this = (part, key.to_vec());
        if self.last.as_ref() >= Some(&this) || key.len() > KEY_BYTES_MAX {
            return Err(SnapshotError::Misplaced);
        }
        if part == Part::Node {
            let row = NodeRow::decode(value).map_err(|_| ChangeError::Malformed)?;
            if row.last_seq().is_none_or(|seq| seq > self.seq) {
                return Err(SnapshotError::NotOfThisPlace);
            }
            if row.node.0 != *key {
                return Err(SnapshotError::Misplaced);
            }
            self.tree.update(u32::try_from(value.len()).expect("bounded above").to_be_bytes());
            self.tree.update(value);
        }
        self.last = Some(this);
        Ok(())
    }
}

/// Cuts records into pieces.
pub struct Cutter {
    order: Order,
    open: Vec<u8>,
}

impl Cutter {
    /// Begins a snapshot as of a place.
    pub fn new(seq: Seq) -> Self {
        Self { order: Order::new(seq), open: Vec::new() }
    }

    /// Adds a record; records come in their order.
    pub fn push(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        if value.len() > limits::BODY_PLAIN_BYTES_MAX {
            return Err(ChangeError::TooLarge.into());
        }
        self.order.take(part, key, value)?;
        self.open.push(part as u8);
        put_lp(&mut self.open, key);
        put_lp(&mut self.open, value);
        Ok(())
    }

    /// Takes out a piece that is full.
    pub fn piece(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        if self.open.len() < PIECE_BYTES {
            return Ok(None);
        }
        let rest = self.open.split_off(PIECE_BYTES);
        let piece = std::mem::replace(&mut self.open, rest);
        Ok(Some(deflate(VERSION, &piece)?))
    }

    /// Ends the snapshot once no piece is full: the last piece, and the hash of the tree.
    pub fn finish(self) -> Result<(Vec<u8>, Hash), SnapshotError> {
        let tree = Hash(self.order.tree.finalize().into());
        Ok((deflate(VERSION, &self.open)?, tree))
    }
}

/// Puts pieces together to records.
pub struct Joiner {
    order: Order,
    open: Vec<u8>,
}

impl Joiner {
    /// Begins to read a snapshot as of a place.
    pub fn new(seq: Seq) -> Self {
        Self { order: Order::new(seq), open: Vec::new() }
    }

    /// Takes the next piece; the records that are whole with it.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Record>, SnapshotError> {
        self.open.extend(inflate(VERSION, piece)?);
        let mut records = Vec::new();
        let mut rest = self.open.as_slice();
        loop {
            let mut reader = Reader::new(rest);
            match record(&mut reader) {
                Ok((tag, key, value)) => {
                    let part = Part::from_u8(tag).ok_or(ChangeError::Malformed)?;
                    self.order.take(part, key, value)?;
                    records.push(Record { part, key: key.to_vec(), value: value.to_vec() });
                    rest = reader.rest();
                }
                Err(WireError::Truncated) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.open = rest.to_vec();
        Ok(records)
    }

    /// Ends the snapshot; the hash of its tree.
    pub fn finish(self) -> Result<Hash, SnapshotError> {
        if !self.open.is_empty() {
            return Err(ChangeError::Malformed.into());
        }
        Ok(Hash(self.order.tree.finalize().into()))
    }
}

fn record<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8], &'a [u8]), WireError> {
    let tag = reader.u8()?;
    Ok((tag, reader.lp(KEY_BYTES_MAX)?, reader.lp(limits::BODY_PLAIN_BYTES_MAX)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DeviceId, NodeId};
    use crate::rpc::Kind;
    use crate::tree::memory::MemoryTree;
    use crate::tree::{Context, KnownOp, Op, OpId, Value};

    fn cut(records: &[(Part, Vec<u8>, Vec<u8>)]) -> (Vec<Vec<u8>>, Hash) {
        let mut cutter = Cutter::new(9);
        let mut pieces = Vec::new();
        for (part, key, value) in records {
            cutter.push(*part, key, value).unwrap();
            while let Some(piece) = cutter.piece().unwrap() {
                pieces.push(piece);
            }
        }
        let (last, tree) = cutter.finish().unwrap();
        pieces.push(last);
        (pieces, tree)
    }

    #[test]
    fn records_survive_pieces_that_cut_them_anywhere() {
        let long = |n: u8| vec![n; 2 * PIECE_BYTES + usize::from(n) * 1_000];
        let records = [
            (Part::State, vec![], long(1)),
            (Part::Text, vec![1], vec![]),
            (Part::Text, vec![1, 0], long(3)),
            (Part::Text, vec![2], vec![7; PIECE_BYTES]),
        ];
        let (pieces, tree) = cut(&records);
        assert_eq!(pieces.len(), 6);
        let mut joiner = Joiner::new(9);
        let read: Vec<Record> =
            pieces.iter().flat_map(|piece| joiner.feed(piece).unwrap()).collect();
        let read: Vec<_> = read.into_iter().map(|r| (r.part, r.key, r.value)).collect();
        assert_eq!(read, records);
        assert_eq!(joiner.finish(), Ok(tree));
    }

    #[test]
    fn a_piece_goes_out_as_soon_as_it_is_full_and_no_sooner() {
        // A record of an empty key has nine bytes around its value.
        for (bytes, full) in [(PIECE_BYTES - 10, false), (PIECE_BYTES - 9, true)] {
            let mut cutter = Cutter::new(9);
            cutter.push(Part::State, &[], &vec![7; bytes]).unwrap();
            assert_eq!(cutter.piece().unwrap().is_some(), full, "{bytes}");
            assert_eq!(cutter.piece(), Ok(None));
        }
    }

    #[test]
    fn a_missing_a_doubled_and_a_strange_piece_are_refused() {
        let records: Vec<_> =
            (0..40).map(|n| (Part::Text, vec![n], crate::fixture::pattern(n, 100_000))).collect();
        let (pieces, tree) = cut(&records);
        assert!(pieces.len() >= 3);
        let read = |pieces: &[&Vec<u8>]| {
            let mut joiner = Joiner::new(9);
            pieces.iter().try_for_each(|piece| joiner.feed(piece).map(drop))?;
            joiner.finish()
        };
        let [a, b, c] = [&pieces[0], &pieces[1], &pieces[2]];
        let whole: Vec<_> = pieces.iter().collect();
        assert_eq!(read(&whole), Ok(tree));
        assert!(read(&[a, b]).is_err(), "cut short");
        assert!(read(&[b, c]).is_err(), "begins late");
        assert!(read(&[a, c]).is_err(), "one is missing");
        assert!(read(&[a, a]).is_err(), "one comes twice");
        assert!(read(&[&vec![2, 0, 0, 0, 0]]).is_err(), "of a later version");
    }

    #[test]
    fn records_out_of_order_are_refused() {
        let mut cutter = Cutter::new(9);
        cutter.push(Part::Text, &[2], &[]).unwrap();
        assert_eq!(cutter.push(Part::Text, &[2], &[]), Err(SnapshotError::Misplaced));
        assert_eq!(cutter.push(Part::Text, &[1], &[]), Err(SnapshotError::Misplaced));
        assert_eq!(cutter.push(Part::State, &[], &[]), Err(SnapshotError::Misplaced));
        assert_eq!(
            cutter.push(Part::Node, &[1; 16], &[9]),
            Err(SnapshotError::Frame(ChangeError::Malformed))
        );
    }

    #[test]
    fn records_that_are_too_long_are_refused() {
        let push = |key: usize, value: usize| {
            Cutter::new(9).push(Part::Text, &vec![0; key], &vec![0; value])
        };
        assert_eq!(push(KEY_BYTES_MAX, limits::BODY_PLAIN_BYTES_MAX), Ok(()));
        assert_eq!(push(KEY_BYTES_MAX + 1, 0), Err(SnapshotError::Misplaced));
        let too_large = Err(SnapshotError::Frame(ChangeError::TooLarge));
        assert_eq!(push(0, limits::BODY_PLAIN_BYTES_MAX + 1), too_large);
    }

    #[test]
    fn a_row_stands_under_its_own_key_and_holds_nothing_of_later() {
        let node = NodeId([0x41; 16]);
        let row = |seq| {
            let id = OpId { lamport: 1, device: DeviceId([2; 16]) };
            let context = Context { seq, seen_seq: 0, time_ms: 0 };
            let (kind, parent) = (Kind::Folder, NodeId::ROOT);
            let value = Value::Create { kind, parent, name: "a".into() };
            let op = Op { id, node, value, supersedes: Vec::new() };
            let mut tree = MemoryTree::default();
            tree.apply(&[KnownOp { op, context }]);
            tree.rows[&node].encode()
        };
        let push = |at, key: &[u8], row: &[u8]| Cutter::new(at).push(Part::Node, key, row);
        assert_eq!(push(9, &node.0, &row(Some(9))), Ok(()));
        assert_eq!(push(9, &node.0, &row(Some(10))), Err(SnapshotError::NotOfThisPlace));
        assert_eq!(push(9, &node.0, &row(None)), Err(SnapshotError::NotOfThisPlace));
        assert_eq!(push(9, &[3; 16], &row(Some(9))), Err(SnapshotError::Misplaced));
    }

    #[test]
    fn the_body_of_a_snapshot_is_read_whole_or_not_at_all() {
        let piece = Piece { chunk: ChunkId([1; 32]), key: ContentKey([2; 32]), bytes: 3 };
        let body = |pieces: usize| SnapshotBody {
            at: ChainPoint { seq: 9, chain: Hash([4; 32]) },
            lamport: 5,
            increments: 6,
            tree: Hash([7; 32]),
            pieces: vec![piece; pieces],
        };
        let bytes = body(2).encode();
        assert_eq!(SnapshotBody::decode(&bytes), Ok(body(2)));
        for end in 0..bytes.len() {
            assert!(SnapshotBody::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(SnapshotBody::decode(&[&bytes[..], &[0]].concat()).is_err(), "too long");
        let later = [&[VERSION + 1], &bytes[1..]].concat();
        let unknown = ChangeError::UnknownVersion { version: VERSION + 1 };
        assert_eq!(SnapshotBody::decode(&later), Err(unknown.into()));
        assert!(SnapshotBody::decode(&body(limits::ENTRY_CHUNKS_MAX).encode()).is_ok());
        assert!(SnapshotBody::decode(&body(limits::ENTRY_CHUNKS_MAX + 1).encode()).is_err());
    }
}
