//! The body of a change entry, before it is sealed: what people did, in one frame.
//!
//! ```text
//! body = version u8 = 1 | 2 | 3 | be32 length of the rest when inflated | deflate(postcard(Packed))
//! ```
//!
//! Version 2 is one with an op that deletes something for good, version 3 one with an op
//! about a label. Older readers do not know these; they set such a body aside.
//!
//! Ops are written without their ids: op *i* has the Lamport time `lamport + i`, and the
//! device is the entry's, so a body cannot hold another device's ops. A text op is written
//! without its base, which is that of the change to the same file's document. Compressed as
//! one, so that two hundred documents edited offline are one small entry.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, Hash, NodeId, Seq};
use crate::limits;
use crate::rpc::Kind;
use crate::tree::{Content, Context, KnownOp, Labelled, Op, OpId, TextEdit, Value};

const VERSION: u8 = 1;
/// A body with an op that deletes something for good.
const VERSION_PURGES: u8 = 2;
/// A body with an op about a label.
const VERSION_LABELS: u8 = 3;
const HEAD_BYTES: usize = 5;

/// Changes of one file's text document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPart {
    /// The file.
    pub node: NodeId,
    /// The revision that the document began with; zeros for none.
    pub base: Hash,
    /// Automerge changes, oldest first, none of them compressed.
    pub changes: Vec<Vec<u8>>,
}

/// What an entry of kind `Change` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeBody {
    /// When, by the device's clock, in milliseconds since 1970.
    pub time_ms: i64,
    /// Ops of the tree, whose Lamport times follow one another.
    pub ops: Vec<Op>,
    /// Changes of texts.
    pub texts: Vec<TextPart>,
}

/// Reports a body that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Written by a later version.
    #[error("unknown version {version} of a change")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// More than `limits` allow.
    #[error("the change is too large")]
    TooLarge,
    /// Cut short, too long, or not a change.
    #[error("these bytes are no change")]
    Malformed,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    time_ms: i64,
    lamport: u64,
    ops: Vec<PackedOp>,
    texts: Vec<TextPart>,
}

#[derive(Serialize, Deserialize)]
struct PackedOp {
    node: NodeId,
    value: PackedValue,
    supersedes: Vec<OpId>,
}

/// A [`Value`] as it is written.
#[derive(Serialize, Deserialize)]
enum PackedValue {
    Create {
        kind: Kind,
        parent: NodeId,
        name: String,
    },
    Parent(NodeId),
    Name(String),
    Content(Content),
    Trashed(bool),
    Text {
        size: u64,
        modified_ms: i64,
    },
    /// Since version 2.
    Purged,
    /// Since version 3.
    Label(Labelled),
}

impl PackedValue {
    fn pack(value: &Value) -> Self {
        match value.clone() {
            Value::Create { kind, parent, name } => Self::Create { kind, parent, name },
            Value::Parent(parent) => Self::Parent(parent),
            Value::Name(name) => Self::Name(name),
            Value::Content(content) => Self::Content(content),
            Value::Trashed(trashed) => Self::Trashed(trashed),
            Value::Text(TextEdit { size, modified_ms, .. }) => Self::Text { size, modified_ms },
            Value::Purged => Self::Purged,
            Value::Label(labelled) => Self::Label(labelled),
        }
    }

    /// The value; `base` is that of the change to the document, if the entry has one.
    fn unpack(self, base: Option<Hash>) -> Option<Value> {
        Some(match self {
            Self::Create { kind, parent, name } => Value::Create { kind, parent, name },
            Self::Parent(parent) => Value::Parent(parent),
            Self::Name(name) => Value::Name(name),
            Self::Content(content) => Value::Content(content),
            Self::Trashed(trashed) => Value::Trashed(trashed),
            Self::Text { size, modified_ms } => {
                Value::Text(TextEdit { base: base?, size, modified_ms })
            }
            Self::Purged => Value::Purged,
            Self::Label(labelled) => Value::Label(labelled),
        })
    }
}

impl ChangeBody {
    /// Encodes the body.
    pub fn encode(&self) -> Result<Vec<u8>, ChangeError> {
        let first = self.ops.first().map(|op| op.id);
        let dense = self.ops.iter().enumerate().all(|(at, op)| {
            first.is_some_and(|first| {
                op.id.device == first.device && op.id.lamport == first.lamport + at as u64
            })
        });
        assert!(dense, "the ops of a change follow one another");
        if self.ops.len() > limits::CHANGE_OPS_MAX || self.texts.len() > limits::ENTRY_STREAMS_MAX {
            return Err(ChangeError::TooLarge);
        }
        let pack = |op: &Op| PackedOp {
            node: op.node,
            value: PackedValue::pack(&op.value),
            supersedes: op.supersedes.clone(),
        };
        let packed = Packed {
            time_ms: self.time_ms,
            lamport: first.map_or(0, |id| id.lamport),
            ops: self.ops.iter().map(pack).collect(),
            texts: self.texts.clone(),
        };
        let plain = postcard::to_allocvec(&packed).expect("plain data always serialises");
        deflate(self.version(), &plain)
    }

    /// Decodes a body that `device` wrote.
    pub fn decode(bytes: &[u8], device: &DeviceId) -> Result<Self, ChangeError> {
        let mut later = [VERSION_PURGES, VERSION_LABELS].into_iter();
        let version = later.find(|later| bytes.first() == Some(later)).unwrap_or(VERSION);
        let plain = inflate(version, bytes)?;
        let (packed, rest) =
            postcard::take_from_bytes::<Packed>(&plain).map_err(|_| ChangeError::Malformed)?;
        if !rest.is_empty() {
            return Err(ChangeError::Malformed);
        }
        if packed.ops.len() > limits::CHANGE_OPS_MAX
            || packed.texts.len() > limits::ENTRY_STREAMS_MAX
        {
            return Err(ChangeError::TooLarge);
        }
        packed.lamport.checked_add(packed.ops.len() as u64).ok_or(ChangeError::Malformed)?;
        let texts = packed.texts;
        let unpack = |(at, op): (usize, PackedOp)| {
            let base = texts.iter().find(|part| part.node == op.node).map(|part| part.base);
            Some(Op {
                id: OpId { lamport: packed.lamport + at as u64, device: *device },
                node: op.node,
                value: op.value.unpack(base)?,
                supersedes: op.supersedes,
            })
        };
        let ops: Option<Vec<Op>> = packed.ops.into_iter().enumerate().map(unpack).collect();
        let ops = ops.ok_or(ChangeError::Malformed)?;
        let body = Self { time_ms: packed.time_ms, ops, texts };
        if body.version() == version { Ok(body) } else { Err(ChangeError::Malformed) }
    }

    fn version(&self) -> u8 {
        let version = |op: &Op| match op.value {
            Value::Label(_) => VERSION_LABELS,
            Value::Purged => VERSION_PURGES,
            Value::Create { .. }
            | Value::Parent(_)
            | Value::Name(_)
            | Value::Content(_)
            | Value::Trashed(_)
            | Value::Text(_) => VERSION,
        };
        self.ops.iter().map(version).max().unwrap_or(VERSION)
    }

    /// The ops with their context, for `tree::apply`.
    pub fn known_ops(&self, seq: Option<Seq>, seen_seq: Seq) -> Vec<KnownOp> {
        let context = Context { seq, seen_seq, time_ms: self.time_ms };
        self.ops.iter().map(|op| KnownOp { op: op.clone(), context }).collect()
    }

    /// The same ops as another device's, which `to` has from now on. For what nobody else has
    /// seen; texts are made again by `text::TextDoc`.
    pub fn renamed(mut self, ids: &BTreeSet<OpId>, to: DeviceId) -> Self {
        let rename = |id: &mut OpId| {
            if ids.contains(id) {
                id.device = to;
            }
        };
        for op in &mut self.ops {
            rename(&mut op.id);
            op.supersedes.iter_mut().for_each(rename);
        }
        self
    }

    /// Says whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.texts.is_empty()
    }
}

/// Compresses a body into the frame above.
pub(super) fn deflate(version: u8, plain: &[u8]) -> Result<Vec<u8>, ChangeError> {
    if plain.len() > limits::BODY_PLAIN_BYTES_MAX {
        return Err(ChangeError::TooLarge);
    }
    let mut out = vec![version];
    let length = u32::try_from(plain.len()).map_err(|_| ChangeError::TooLarge)?;
    out.extend_from_slice(&length.to_be_bytes());
    let mut encoder = DeflateEncoder::new(out, Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).map_err(|_| ChangeError::TooLarge)
}

/// Opens such a frame; never unfolds more than the limit.
pub(super) fn inflate(version: u8, bytes: &[u8]) -> Result<Vec<u8>, ChangeError> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(ChangeError::Malformed)?;
    if head[0] != version {
        return Err(ChangeError::UnknownVersion { version: head[0] });
    }
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > limits::BODY_PLAIN_BYTES_MAX {
        return Err(ChangeError::TooLarge);
    }
    let mut plain = Vec::new();
    // One byte more than announced tells a frame that unfolds to more.
    let mut decoder = DeflateDecoder::new(rest).take(length as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(|_| ChangeError::Malformed)?;
    if plain.len() == length { Ok(plain) } else { Err(ChangeError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Label;

    const DEVICE: DeviceId = DeviceId([7; 16]);

    fn body() -> ChangeBody {
        let op = |lamport, value| Op {
            id: OpId { lamport, device: DEVICE },
            node: NodeId([9; 16]),
            value,
            supersedes: vec![OpId { lamport: 1, device: DeviceId([8; 16]) }],
        };
        ChangeBody {
            time_ms: 1_700_000_000_000,
            ops: vec![
                op(40, Value::Name("a".into())),
                op(41, Value::Trashed(true)),
                op(42, Value::Text(TextEdit { base: Hash([1; 32]), size: 3, modified_ms: 4 })),
            ],
            texts: vec![TextPart {
                node: NodeId([9; 16]),
                base: Hash([1; 32]),
                changes: vec![vec![1, 2]],
            }],
        }
    }

    #[test]
    fn a_body_survives_its_encoding() {
        let bytes = body().encode().unwrap();
        assert_eq!(ChangeBody::decode(&bytes, &DEVICE), Ok(body()));
        assert_eq!(
            ChangeBody::default().encode().and_then(|b| ChangeBody::decode(&b, &DEVICE)),
            Ok(ChangeBody::default())
        );
    }

    #[test]
    fn a_text_op_without_a_change_to_its_document_is_refused() {
        let mut body = body();
        body.texts.clear();
        let bytes = body.encode().unwrap();
        assert_eq!(ChangeBody::decode(&bytes, &DEVICE), Err(ChangeError::Malformed));
    }

    #[test]
    fn ops_belong_to_the_device_of_the_entry() {
        let other = DeviceId([1; 16]);
        let decoded = ChangeBody::decode(&body().encode().unwrap(), &other).unwrap();
        assert!(decoded.ops.iter().all(|op| op.id.device == other));
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = body().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(ChangeBody::decode(&bytes[..end], &DEVICE).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn more_than_an_entry_may_hold_is_neither_written_nor_read() {
        let op = |lamport| Op { id: OpId { lamport, device: DEVICE }, ..body().ops[1].clone() };
        let ops = |count: usize| -> Vec<Op> { (1..=count as u64).map(op).collect() };
        let texts = |count| vec![body().texts.remove(0); count];
        let full = ChangeBody {
            time_ms: 0,
            ops: ops(limits::CHANGE_OPS_MAX),
            texts: texts(limits::ENTRY_STREAMS_MAX),
        };
        let written = full.encode().unwrap();
        assert_eq!(ChangeBody::decode(&written, &DEVICE).as_ref(), Ok(&full));
        let many_ops = ChangeBody { ops: ops(limits::CHANGE_OPS_MAX + 1), ..full.clone() };
        let many_texts = ChangeBody { texts: texts(limits::ENTRY_STREAMS_MAX + 1), ..full };
        for body in [many_ops, many_texts] {
            assert_eq!(body.encode(), Err(ChangeError::TooLarge));
            let pack = |op: &Op| PackedOp {
                node: op.node,
                value: PackedValue::pack(&op.value),
                supersedes: Vec::new(),
            };
            let ops = body.ops.iter().map(pack).collect();
            let packed = Packed { time_ms: 0, lamport: 1, ops, texts: body.texts };
            let forged = deflate(VERSION, &postcard::to_allocvec(&packed).unwrap()).unwrap();
            assert_eq!(ChangeBody::decode(&forged, &DEVICE), Err(ChangeError::TooLarge));
        }
        let long = vec![0; limits::BODY_PLAIN_BYTES_MAX + 1];
        assert_eq!(deflate(VERSION, &long), Err(ChangeError::TooLarge));
        let longest = &long[1..];
        assert_eq!(inflate(VERSION, &deflate(VERSION, longest).unwrap()).unwrap(), longest);
    }

    #[test]
    fn times_that_no_clock_has_and_bytes_behind_the_end_are_refused() {
        let packed = |lamport| {
            let op = PackedOp {
                node: NodeId([9; 16]),
                value: PackedValue::Trashed(true),
                supersedes: Vec::new(),
            };
            let packed = Packed { time_ms: 0, lamport, ops: vec![op], texts: Vec::new() };
            postcard::to_allocvec(&packed).unwrap()
        };
        let read = |plain: &[u8]| ChangeBody::decode(&deflate(VERSION, plain).unwrap(), &DEVICE);
        assert!(read(&packed(u64::MAX - 1)).is_ok());
        assert_eq!(read(&packed(u64::MAX)), Err(ChangeError::Malformed));
        assert_eq!(read(&[packed(1), vec![0]].concat()), Err(ChangeError::Malformed));
        let mut later = body().encode().unwrap();
        later[0] = VERSION_LABELS + 1;
        let unknown = Err(ChangeError::UnknownVersion { version: VERSION_LABELS + 1 });
        assert_eq!(ChangeBody::decode(&later, &DEVICE), unknown);
    }

    #[test]
    fn a_body_is_of_the_second_version_where_it_deletes_something_for_good_and_only_there() {
        let first = body().encode().unwrap();
        let mut purging = body();
        purging.ops[1].value = Value::Purged;
        let second = purging.encode().unwrap();
        assert_eq!((first[0], second[0]), (VERSION, VERSION_PURGES));
        assert_eq!(ChangeBody::decode(&second, &DEVICE), Ok(purging));
        for (mut bytes, version) in [(first, VERSION_PURGES), (second, VERSION)] {
            bytes[0] = version;
            assert_eq!(ChangeBody::decode(&bytes, &DEVICE), Err(ChangeError::Malformed));
        }
    }

    #[test]
    fn a_body_is_of_the_third_version_where_it_is_about_a_label_and_only_there() {
        let mut labels = body();
        labels.ops[0].value = Value::Purged;
        labels.ops[1].value = Value::Label(Labelled { label: Label::STAR, on: true });
        let third = labels.encode().unwrap();
        assert_eq!(third[0], VERSION_LABELS);
        assert_eq!(ChangeBody::decode(&third, &DEVICE), Ok(labels));
        for version in [VERSION, VERSION_PURGES] {
            let claimed = [&[version], &third[1..]].concat();
            assert_eq!(ChangeBody::decode(&claimed, &DEVICE), Err(ChangeError::Malformed));
        }
        let first = [&[VERSION_LABELS], &body().encode().unwrap()[1..]].concat();
        assert_eq!(ChangeBody::decode(&first, &DEVICE), Err(ChangeError::Malformed));
    }

    #[test]
    fn ops_of_several_devices_or_with_gaps_are_no_change() {
        let written = |change: fn(&mut ChangeBody)| {
            let mut body = body();
            change(&mut body);
            std::panic::catch_unwind(move || body.encode()).is_ok()
        };
        assert!(written(|_| {}));
        assert!(!written(|body| body.ops[1].id.lamport += 1));
        assert!(!written(|body| body.ops[2].id.device = DeviceId([8; 16])));
    }

    #[test]
    fn what_nobody_has_seen_becomes_another_device_s() {
        let to = DeviceId([5; 16]);
        let mut body = body();
        body.ops[2].supersedes = vec![body.ops[0].id, OpId { lamport: 2, device: DEVICE }];
        let ids = body.ops.iter().map(|op| op.id).collect();
        let renamed = body.clone().renamed(&ids, to);
        assert!(renamed.ops.iter().all(|op| op.id.device == to));
        assert_eq!(renamed.ops[0].supersedes, body.ops[0].supersedes, "another's stays");
        let superseded = [OpId { lamport: 40, device: to }, OpId { lamport: 2, device: DEVICE }];
        assert_eq!(renamed.ops[2].supersedes, superseded, "what was sent stays");
    }

    #[test]
    fn a_change_of_texts_or_of_the_tree_alone_is_not_empty() {
        assert!(ChangeBody::default().is_empty());
        assert!(!ChangeBody { ops: Vec::new(), ..body() }.is_empty());
        assert!(!ChangeBody { texts: Vec::new(), ..body() }.is_empty());
    }

    #[test]
    fn no_flipped_byte_panics() {
        let bytes = body().encode().unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                let _ = ChangeBody::decode(&bytes, &DEVICE);
            }
        }
    }

    #[test]
    fn a_body_that_unfolds_to_more_than_it_says_is_refused() {
        let mut bytes = deflate(VERSION, &vec![0; 1 << 20]).unwrap();
        bytes[1..5].copy_from_slice(&100u32.to_be_bytes());
        assert_eq!(inflate(VERSION, &bytes), Err(ChangeError::Malformed));
        bytes[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(inflate(VERSION, &bytes), Err(ChangeError::TooLarge));
    }
}
