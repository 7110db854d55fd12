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

use std::collections::{HashMap, HashSet};

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
/// Where the first bytes of its hash are.
const CHECKSUM: std::ops::Range<usize> = 4..8;
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
        self.check_dependencies(&changes)?;
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

    /// Checks that all that the changes stand on is here; Automerge panics on an actor that
    /// it has never met.
    fn check_dependencies(&mut self, changes: &[Change]) -> Result<(), TextError> {
        let mut last_seqs: HashMap<ActorId, u64> = HashMap::new();
        let mut here: HashSet<ChangeHash> = HashSet::new();
        for known in self.doc.get_changes_meta(&[]) {
            here.insert(known.hash);
            let last = last_seqs.entry(known.actor.into_owned()).or_default();
            *last = known.seq.max(*last);
        }
        for change in changes {
            if here.contains(&change.hash()) {
                continue;
            }
            let actors_known =
                change.other_actor_ids().iter().all(|actor| last_seqs.contains_key(actor));
            let seq = last_seqs.entry(change.actor_id().clone()).or_default();
            let deps_known = change.deps().iter().all(|dep| here.contains(dep));
            if !actors_known || !deps_known || change.seq() != *seq + 1 {
                return Err(TextError::DependencyMissing);
            }
            *seq += 1;
            here.insert(change.hash());
        }
        Ok(())
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
        let change = Change::from_bytes(bytes.clone()).map_err(|_| TextError::Malformed)?;
        // Automerge does not compare the checksum of a single change.
        let checked = bytes.get(CHECKSUM) == Some(&change.hash().0[..CHECKSUM.len()]);
        if checked { Ok(change) } else { Err(TextError::Malformed) }
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
            PatchAction::PutMap { .. }
            | PatchAction::PutSeq { .. }
            | PatchAction::Insert { .. }
            | PatchAction::Increment { .. }
            | PatchAction::Conflict { .. }
            | PatchAction::DeleteMap { .. }
            | PatchAction::Mark { .. } => return None,
        }
    }
    changes.keep(before.encode_utf16().count().checked_sub(changes.length_before())?);
    Some(changes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NODE: NodeId = NodeId([5; 16]);
    const BASE: Hash = Hash([6; 32]);

    fn actor(n: u8) -> Actor {
        Actor { device: DeviceId([n; 16]), slot: 0 }
    }

    fn doc(n: u8, text: &str) -> TextDoc {
        TextDoc::seeded(&NODE, &BASE, text, actor(n)).unwrap()
    }

    fn type_in(doc: &mut TextDoc, json: &str) -> Vec<u8> {
        doc.splice(&ChangeSet::from_json(json).unwrap()).unwrap();
        doc.commit(1_000).unwrap()
    }

    #[test]
    fn devices_that_edit_one_revision_first_each_for_itself_merge() {
        let (mut alice, mut bob) = (doc(1, "hello 😀 world"), doc(2, "hello 😀 world"));
        let by_alice = type_in(&mut alice, r#"[[5,"howdy"],9]"#);
        let by_bob = type_in(&mut bob, r#"[14,[0,"!","bye"]]"#);
        let merged = alice.merge(std::slice::from_ref(&by_bob)).unwrap().unwrap();
        assert_eq!(merged.text, "howdy 😀 world!\nbye");
        assert_eq!(merged.changes.to_json(), r#"[14,[0,"!","bye"]]"#);
        bob.merge(std::slice::from_ref(&by_alice)).unwrap();
        assert_eq!((alice.text(), alice.heads()), (bob.text(), bob.heads()));
        assert_eq!(alice.merge(&[by_bob]).unwrap(), None, "known changes are passed over");
    }

    #[test]
    fn a_saved_document_goes_on_where_it_was() {
        let mut alice = doc(1, "abc");
        let first = type_in(&mut alice, r#"[3,[0,"d"]]"#);
        let mut again = TextDoc::load(&alice.save(), actor(1)).unwrap();
        let second = type_in(&mut again, r#"[4,[0,"e"]]"#);
        let mut bob = doc(2, "abc");
        assert!(matches!(
            bob.merge(std::slice::from_ref(&second)),
            Err(TextError::DependencyMissing)
        ));
        assert_eq!(bob.text(), "abc");
        bob.merge(&[first, second]).unwrap();
        assert_eq!(bob.text(), "abcde");
        assert!(TextDoc::load(b"noise", actor(1)).is_err());
    }

    #[test]
    fn what_was_typed_offline_becomes_one_change() {
        let mut alice = doc(1, "abc");
        let sealed = type_in(&mut alice, r#"[[1],2]"#);
        let heads = alice.heads();
        for at in 2..200 {
            type_in(&mut alice, &format!(r#"[{at},[0,"x"]]"#));
        }
        let text = alice.text();
        let change = alice.squash(&heads, 9_000).unwrap().unwrap();
        assert_eq!(alice.text(), text);
        let mut bob = doc(2, "abc");
        bob.merge(&[sealed, change]).unwrap();
        assert_eq!((bob.text(), bob.heads()), (text, alice.heads()));
        let heads = alice.heads();
        assert_eq!(alice.squash(&heads, 9_000).unwrap(), None);
    }

    #[test]
    fn changes_of_another_device_and_other_than_typing_are_refused() {
        let mut alice = doc(1, "abc");
        let typed = type_in(&mut alice, r#"[3,[0,"d"]]"#);
        let check =
            |bytes: &[u8], n| check_changes(&[bytes.to_vec()], &DeviceId([n; 16]), &NODE, &BASE);
        assert!(check(&typed, 1).is_ok());
        assert!(matches!(check(&typed, 2), Err(TextError::WrongActor)));
        let other_base =
            check_changes(std::slice::from_ref(&typed), &DeviceId([1; 16]), &NODE, &Hash([9; 32]));
        assert!(matches!(other_base, Err(TextError::NotTyping)));
        alice.doc.put(ROOT, KEY, "gone").unwrap();
        let vandalism = alice.commit(0).unwrap();
        assert!(matches!(check(&vandalism, 1), Err(TextError::NotTyping)));
        for end in 0..typed.len() {
            assert!(check(&typed[..end], 1).is_err(), "cut at {end}");
        }
        for at in 0..typed.len() {
            let mut bytes = typed.clone();
            bytes[at] ^= 0x10;
            assert!(check(&bytes, 1).is_err(), "flipped {at}");
        }
    }

    #[test]
    fn an_edit_that_does_not_fit_changes_nothing() {
        let mut alice = doc(1, "a😀");
        for json in ["[2]", r#"[2,[1,"x"]]"#] {
            assert!(alice.splice(&ChangeSet::from_json(json).unwrap()).is_err());
        }
        let mut long = ChangeSet::default();
        long.keep(3);
        long.replace(0, &"x".repeat(limits::TEXT_BYTES_MAX));
        assert!(matches!(alice.splice(&long), Err(TextError::TooLong)));
        assert_eq!((alice.text().as_str(), alice.commit(0)), ("a😀", None));
    }

    #[test]
    fn lines_end_alike() {
        assert_eq!(normalize("a\r\nb\rc\n"), ("a\nb\nc\n".into(), true));
        assert_eq!(normalize("a\n"), ("a\n".into(), false));
    }

    fn edit(text: &str, at: usize, delete: usize, insert: &str) -> ChangeSet {
        let chars: Vec<char> = text.chars().collect();
        let at = at % (chars.len() + 1);
        let end = chars.len().min(at + delete);
        let units = |chars: &[char]| chars.iter().map(|c| c.len_utf16()).sum();
        let mut changes = ChangeSet::default();
        changes.keep(units(&chars[..at]));
        changes.replace(units(&chars[at..end]), insert);
        changes.keep(units(&chars[end..]));
        changes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn every_merge_is_told_as_a_change_set(
            edits in prop::collection::vec((0..2u8, 0..40usize, 0..6usize, "[a-c😀\n]{0,4}", any::<bool>()), 1..30)
        ) {
            let mut docs = [doc(1, "one 😀 two\nthree"), doc(2, "one 😀 two\nthree")];
            let mut unsent: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
            for (who, at, delete, insert, sync) in edits {
                let doc = &mut docs[usize::from(who)];
                let changes = edit(&doc.text(), at, delete, &insert);
                doc.splice(&changes).unwrap();
                unsent[usize::from(who)].extend(doc.commit(0));
                if sync {
                    let sent = std::mem::take(&mut unsent[usize::from(who)]);
                    let other = &mut docs[1 - usize::from(who)];
                    let before = other.text();
                    if let Some(merged) = other.merge(&sent).unwrap() {
                        prop_assert_eq!(merged.changes.apply(&before).unwrap(), merged.text.clone());
                        let json = merged.changes.to_json();
                        prop_assert_eq!(ChangeSet::from_json(&json).unwrap().apply(&before).unwrap(), merged.text);
                    }
                }
            }
            for who in 0..2 {
                docs[1 - who].merge(&unsent[who]).unwrap();
            }
            prop_assert_eq!(docs[0].text(), docs[1].text());
            prop_assert_eq!(docs[0].heads(), docs[1].heads());
        }
    }
}
