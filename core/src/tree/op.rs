//! Ops: what devices say about nodes.
//!
//! An op is identified by a Lamport time and the device that wrote it; within one device
//! times only grow, and an op is always later than what it supersedes. In the log the
//! device is the entry's, so that nobody can write another device's ops.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{DeviceId, Hash, NodeId, Seq};
use crate::label::Label;
use crate::rpc::Kind;

/// Names an op, and orders ops: later Lamport time first counts, then the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpId {
    /// The Lamport time.
    pub lamport: u64,
    /// The device that wrote it.
    pub device: DeviceId,
}

/// The content of a file: its manifest, and what a list wants to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The encoded manifest, or the encoded reference to one; opaque to the tree.
    pub manifest: Vec<u8>,
    /// Size in bytes.
    pub size: u64,
    /// When it was changed, in milliseconds since 1970.
    pub modified_ms: i64,
    /// The editor opens it.
    pub text: bool,
}

impl Content {
    /// Names this content as what a text document begins with.
    pub fn base(&self) -> Hash {
        Hash(Sha256::digest(&self.manifest).into())
    }
}

/// What the document of a file begins with that never had content.
pub const NO_BASE: Hash = Hash([0; 32]);

/// Says that a text document was edited; the edit itself is in the document's own stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextEdit {
    /// The content that the document began with: [`Content::base`], or [`NO_BASE`]. In the
    /// log it is the one of the change to the document, which is in the same entry.
    pub base: Hash,
    /// Size in bytes after the edit, as the editing device saw it.
    pub size: u64,
    /// When, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// A label of a node, put on or taken off: a field of its own for each label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// The label.
    pub label: Label,
    /// Whether it is on.
    pub on: bool,
}

/// What an op sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Makes the node; its first parent and name come with it.
    Create {
        /// What it is.
        kind: Kind,
        /// The folder it goes to.
        parent: NodeId,
        /// Its name.
        name: String,
    },
    /// Moves it.
    Parent(NodeId),
    /// Renames it.
    Name(String),
    /// Gives it whole new content.
    Content(Content),
    /// Trashes (`true`) or restores it.
    Trashed(bool),
    /// Its text document was edited.
    Text(TextEdit),
    /// Deletes it for good, with what is below it: the trashings that it supersedes are not
    /// to be taken back any more.
    Purged,
    /// Puts a label on it or takes it off.
    Label(Labelled),
}

/// One statement about one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Names it.
    pub id: OpId,
    /// The node it is about.
    pub node: NodeId,
    /// What it sets.
    pub value: Value,
    /// The ops of the same field that its author had in view.
    pub supersedes: Vec<OpId>,
}

/// Where an op stands in the log, from the signed header of its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context {
    /// The place of its entry; `None` while it is only on this device.
    pub seq: Option<Seq>,
    /// How much of the log its author had verified.
    pub seen_seq: Seq,
    /// When its author says it was, in milliseconds since 1970; for showing only.
    pub time_ms: i64,
}

/// An op together with its context, ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOp {
    /// The op.
    pub op: Op,
    /// Where it stands.
    pub context: Context,
}
