//! Text documents: what several people type into one file, merged.
//!
//! A document begins as the text of a revision and grows by Automerge changes. The change
//! that puts the base text in is made from the node and the revision alone, so two devices
//! that edit the same revision first, each for itself, have the same beginning and their
//! changes merge; that change never travels. Positions are UTF-16 everywhere, as in
//! CodeMirror, whose change sets come in and go out ([`ChangeSet`]).
//!
//! Lines end in `\n` only; [`normalize`] brings a text there. Changes of others are checked
//! before they are merged: they come from an actor of their device, and do nothing but
//! insert into and delete from the text.

mod change_set;

use automerge::legacy::{ObjectId, OpType};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, AutoCommit, AutomergeError, Change, ChangeHash, LoadOptions, ObjId, ObjType, Patch,
    PatchAction, ROOT, ReadDoc, ScalarValue, TextEncoding,
};
use sha2::{Digest, Sha256};

pub use change_set::{ChangeSet, ChangeSetError};

use crate::id::{DeviceId, Hash, NodeId};
use crate::limits;

const KEY: &str = "text";
/// First byte of a change's type after magic and checksum; 2 would be a compressed one.
const CHUNK_TYPE_AT: usize = 8;
const CHUNK_TYPE_CHANGE: u8 = 1;
/// Most ops of one text change: a whole document deleted and typed anew.
const CHANGE_OPS_MAX: usize = 4 * limits::TEXT_BYTES_MAX;

/// Who edits: a device, and which of its tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The device.
    pub device: DeviceId,
    /// The slot that the tab has leased; slots are used again, so actors stay few.
    pub slot: u32,
}

impl Actor {
    fn id(&self) -> ActorId {
        ActorId::from([self.device.as_bytes().as_slice(), &self.slot.to_be_bytes()].concat())
    }
}

/// Reports text, or a change of text, that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The change set is malformed or is for another text.
    #[error(transparent)]
    ChangeSet(#[from] ChangeSetError),
    /// The text would be larger than texts may be.
    #[error("a text has at most {} bytes", limits::TEXT_BYTES_MAX)]
    TooLong,
    /// The bytes are no document, or no change.
    #[error("these bytes are no text document")]
    Malformed,
    /// A change is by an actor of another device.
    #[error("a change is by another device")]
    WrongActor,
    /// A change does more than type.
    #[error("a change does more than insert and delete text")]
    NotTyping,
    /// A change comes before what it stands on.
    #[error("a change stands on others that are not here")]
    DependencyMissing,
    /// Automerge refused.
    #[error(transparent)]
    Automerge(#[from] AutomergeError),
}

/// What changes of others did to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The change, as a change set of the text before.
    pub changes: ChangeSet,
    /// The text after.
    pub text: String,
}

/// Makes line ends `\n`; says whether there were others.
pub fn normalize(text: &str) -> (String, bool) {
    if !text.contains('\r') {
        return (text.to_owned(), false);
    }
    (text.replace("\r\n", "\n").replace('\r', "\n"), true)
}

/// A text document, open.
#[derive(Debug, Clone)]
pub struct TextDoc {
    doc: AutoCommit,
    text: ObjId,
}

impl TextDoc {
    /// Begins the document of a file at a revision, named by `base`, with this text.
    ///
    /// The same arguments make the same document on every device. An empty file that never
    /// had content has a `base` of zeros and an empty text.
    pub fn seeded(node: &NodeId, base: &Hash, text: &str, actor: Actor) -> Result<Self, TextError> {
        if text.len() > limits::TEXT_BYTES_MAX {
            return Err(TextError::TooLong);
        }
        let mut doc = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
        doc.set_actor(seed_actor(node, base));
        let object = doc.put_object(ROOT, KEY, ObjType::Text)?;
        doc.splice_text(&object, 0, 0, text)?;
        doc.commit_with(CommitOptions::default().with_time(0));
        doc.set_actor(actor.id());
        Ok(Self { doc, text: object })
    }

    /// Opens a saved document.
    pub fn load(bytes: &[u8], actor: Actor) -> Result<Self, TextError> {
        let options = LoadOptions::new().text_encoding(TextEncoding::Utf16CodeUnit);
        let mut doc = AutoCommit::load_with_options(bytes, options)?;
        doc.set_actor(actor.id());
        match doc.get(ROOT, KEY)? {
            Some((automerge::Value::Object(ObjType::Text), text)) => Ok(Self { doc, text }),
            Some(_) | None => Err(TextError::Malformed),
        }
    }

    /// Encodes the document with its history, compactly.
    pub fn save(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    /// The text.
    pub fn text(&self) -> String {
        self.doc.text(&self.text).expect("the text object exists from the start")
    }

    /// The document's state, as the hashes of its last changes.
    pub fn heads(&mut self) -> Vec<Hash> {
        self.doc.get_heads().into_iter().map(|head| Hash(head.0)).collect()
    }

    /// Makes an edit by a change set; all of it or, where it does not fit, nothing.
    pub fn splice(&mut self, changes: &ChangeSet) -> Result<(), TextError> {
        let before = self.text();
        let splices = changes.splices(&before)?;
        let inserted: usize = splices.iter().map(|splice| splice.insert.len()).sum();
        if before.len() + inserted > limits::TEXT_BYTES_MAX
            && changes.apply(&before)?.len() > limits::TEXT_BYTES_MAX
        {
            return Err(TextError::TooLong);
        }
        for splice in splices {
            let delete = isize::try_from(splice.delete).map_err(|_| TextError::TooLong)?;
            self.doc.splice_text(&self.text, splice.at, delete, &splice.insert)?;
        }
        Ok(())
    }

    /// Closes the edits since the last commit into one change; `None` if there are none.
    pub fn commit(&mut self, time_ms: i64) -> Option<Vec<u8>> {
        let options = CommitOptions::default().with_time(time_ms.div_euclid(1000));
        let hash = self.doc.commit_with(options)?;
        self.change(&hash)
    }

    /// Merges changes of others, which stand on what is here or on each other, in order.
    ///
    /// Changes that are here already are passed over; `None` says that nothing was new.
    /// [`check_changes`] comes first.
    pub fn merge(&mut self, changes: &[Vec<u8>]) -> Result<Option<Merged>, TextError> {
        let changes = decode(changes)?;
        let mut coming: Vec<ChangeHash> = Vec::with_capacity(changes.len());
        for change in &changes {
            let known = |hash: &ChangeHash| self.doc.get_change_meta_by_hash(hash).is_some() || coming.contains(hash);
            if !change.deps().iter().all(known) {
                return Err(TextError::DependencyMissing);
            }
            coming.push(change.hash());
        }
        let before_text = self.text();
        let before = self.doc.get_heads();
        self.doc.apply_changes_batch(changes)?;
        let after = self.doc.get_heads();
        if before == after {
            return Ok(None);
        }
        let text = self.text();
        let patches = self.doc.diff(&before, &after);
        let changes = change_set_of(&patches, &self.text, &before_text)
            .filter(|changes| changes.apply(&before_text).is_ok_and(|applied| applied == text))
            .unwrap_or_else(|| ChangeSet::between(&before_text, &text));
        Ok(Some(Merged { changes, text }))
    }

    /// Makes all changes since `heads` one, and returns it; `None` if there are none.
    ///
    /// For what was typed here and sealed nowhere yet: the changes that are replaced must
    /// not have left this document, and no other device's may be among them.
    pub fn squash(&mut self, heads: &[Hash], time_ms: i64) -> Result<Option<Vec<u8>>, TextError> {
        let heads: Vec<ChangeHash> = heads.iter().map(|head| ChangeHash(head.0)).collect();
        let now = self.doc.get_heads();
        if heads == now {
            return Ok(None);
        }
        let before_text = self.doc.text_at(&self.text, &heads)?;
        let patches = self.doc.diff(&heads, &now);
        let text = self.text();
        let changes = change_set_of(&patches, &self.text, &before_text)
            .filter(|changes| changes.apply(&before_text).is_ok_and(|applied| applied == text))
            .unwrap_or_else(|| ChangeSet::between(&before_text, &text));
        let actor = self.doc.get_actor().clone();
        let mut doc = self.doc.fork_at(&heads)?;
        doc.set_actor(actor);
        let mut squashed = Self { doc, text: self.text.clone() };
        squashed.splice(&changes)?;
        let change = squashed.commit(time_ms);
        *self = squashed;
        Ok(change)
    }

    fn change(&mut self, hash: &ChangeHash) -> Option<Vec<u8>> {
        self.doc.get_change_by_hash(hash).map(|change| change.raw_bytes().to_vec())
    }
}

/// Checks changes that came from `device` for the document of `node` at `base`, before they
/// are merged.
pub fn check_changes(
    changes: &[Vec<u8>],
    device: &DeviceId,
    node: &NodeId,
    base: &Hash,
) -> Result<(), TextError> {
    let seed = seed_actor(node, base);
    for change in decode(changes)? {
        let actor = change.actor_id().to_bytes();
        if actor.len() != DeviceId::LEN + 4 || !actor.starts_with(device.as_bytes()) {
            return Err(TextError::WrongActor);
        }
        if change.len() > CHANGE_OPS_MAX {
            return Err(TextError::TooLong);
        }
        for op in change.decode().operations {
            let in_text = match &op.obj {
                ObjectId::Id(id) => id.counter() == 1 && *id.actor() == seed,
                ObjectId::Root => false,
            };
            let typing = match &op.action {
                OpType::Put(ScalarValue::Str(_)) => op.insert,
                OpType::Delete => true,
                OpType::Put(_)
                | OpType::Make(_)
                | OpType::Increment(_)
                | OpType::MarkBegin(_)
                | OpType::MarkEnd(_) => false,
            };
            if !in_text || !typing {
                return Err(TextError::NotTyping);
            }
        }
    }
    Ok(())
}

fn decode(changes: &[Vec<u8>]) -> Result<Vec<Change>, TextError> {
    let decode = |bytes: &Vec<u8>| {
        // A compressed change could unfold to any size; whole bodies are compressed instead.
        if bytes.get(CHUNK_TYPE_AT) != Some(&CHUNK_TYPE_CHANGE) {
            return Err(TextError::Malformed);
        }
        Change::from_bytes(bytes.clone()).map_err(|_| TextError::Malformed)
    };
    changes.iter().map(decode).collect()
}

/// The actor of the change that puts the base text in: no device, the same everywhere.
fn seed_actor(node: &NodeId, base: &Hash) -> ActorId {
    let mut sha = Sha256::new();
    sha.update(b"of/text-seed");
    sha.update(node.as_bytes());
    sha.update(base.as_bytes());
    ActorId::from(&sha.finalize()[..16])
}

/// Turns patches, which Automerge gives from the start of the text to its end, into one
/// change set; `None` where they come in another order.
fn change_set_of(patches: &[Patch], text: &ObjId, before: &str) -> Option<ChangeSet> {
    let mut changes = ChangeSet::default();
    let mut at = 0;
    for patch in patches.iter().filter(|patch| patch.obj == *text) {
        match &patch.action {
            PatchAction::SpliceText { index, value, .. } => {
                changes.keep(index.checked_sub(at)?);
                let value = value.make_string();
                at = index + value.encode_utf16().count();
                changes.replace(0, &value);
            }
            PatchAction::DeleteSeq { index, length } => {
                changes.keep(index.checked_sub(at)?);
                at = *index;
                changes.replace(*length, "");
            }
            _ => return None,
        }
    }
    changes.keep(before.encode_utf16().count().checked_sub(changes.length_before())?);
    Some(changes)
}
