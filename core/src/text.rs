//! Text documents: what several people type into one file, merged.
//!
//! A document begins as the text of a revision and grows by Automerge changes. The change
//! that puts the base text in is made from the node and the revision alone, so two devices
//! that edit the same revision first, each for itself, have the same beginning and their
//! changes merge; that change never travels. Positions are UTF-16 everywhere, as in
//! CodeMirror, whose change sets come in and go out ([`ChangeSet`]).
//!
//! Lines end in `\n` only; what the file had is kept beside it ([`LineEnds`]) and put back
//! whenever the text becomes a file. Changes of others are checked before they are merged:
//! they come from an actor of their device, do nothing but insert into and delete from the
//! text, and name nothing that is not there.

mod change_set;
mod check;
mod history;
mod line_ends;
mod place;
mod retell;
mod units;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, AutoCommit, AutomergeError, LoadOptions, ObjId, ObjType, Patch, PatchAction, ROOT,
    ReadDoc, TextEncoding,
};
use sha2::{Digest, Sha256};

pub use change_set::{ChangeSet, ChangeSetError};
pub use check::check_changes;
pub use history::Point;
pub use line_ends::{LineEnd, LineEnds};
pub use place::Place;
pub use retell::{Retold, rebase};

use check::Known;
use units::Units;

use crate::id::{DeviceId, Hash, NodeId};
use crate::limits;

const KEY: &str = "text";

/// Who edits: a device, and which of its tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The device.
    pub device: DeviceId,
    /// The slot that the tab has leased; slots are used again, so actors stay few.
    pub slot: u32,
}

/// The name of a change; `None` if these bytes are none.
pub fn change_name(change: &[u8]) -> Option<Hash> {
    Some(Hash(check::decode(change).ok()?.hash().0))
}

impl Actor {
    /// Who wrote a change, if it was this device.
    pub fn of_change(change: &[u8], device: DeviceId) -> Option<Self> {
        let change = check::decode(change).ok()?;
        let slot = change.actor_id().to_bytes().strip_prefix(device.as_bytes())?;
        Some(Self { device, slot: u32::from_be_bytes(slot.try_into().ok()?) })
    }

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
    /// A change names an element that its past does not have.
    #[error("a change names an element that is not in the text")]
    ElementMissing,
    /// Automerge refused.
    #[error(transparent)]
    Automerge(#[from] AutomergeError),
}

/// What changes of others did to a document.
#[derive(Debug)]
pub struct Merged {
    /// The change, as a change set of the text before; `None` if nothing was new.
    pub changes: Option<ChangeSet>,
    /// Why a change, and what stands on it, was left out, if one was.
    pub refused: Option<TextError>,
}

/// A text document, open.
#[derive(Debug, Clone)]
pub struct TextDoc {
    doc: AutoCommit,
    text: ObjId,
    ends: LineEnds,
    /// What changes have to fit; made when the first one is merged.
    known: Option<Known>,
    /// The text as the last edit here left it; `None` if something else changed it since.
    typed: Option<Units>,
}

impl TextDoc {
    /// Begins the document of a file at a revision, named by `base`, with its content.
    ///
    /// The same arguments make the same document on every device. An empty file that never
    /// had content has a `base` of zeros and an empty content.
    pub fn seeded(
        node: &NodeId,
        base: &Hash,
        content: &str,
        actor: Actor,
    ) -> Result<Self, TextError> {
        if content.len() > limits::TEXT_BYTES_MAX {
            return Err(TextError::TooLong);
        }
        let (text, ends) = LineEnds::split(content);
        let mut doc = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
        doc.set_actor(seed_actor(node, base));
        let object = doc.put_object(ROOT, KEY, ObjType::Text)?;
        doc.splice_text(&object, 0, 0, &text)?;
        doc.commit_with(CommitOptions::default().with_time(0));
        doc.set_actor(actor.id());
        Ok(Self { doc, text: object, ends, known: None, typed: None })
    }

    /// Opens a saved document of a file that had these line ends.
    pub fn load(bytes: &[u8], ends: LineEnds, actor: Actor) -> Result<Self, TextError> {
        let options = LoadOptions::new().text_encoding(TextEncoding::Utf16CodeUnit);
        let mut doc = AutoCommit::load_with_options(bytes, options)?;
        doc.set_actor(actor.id());
        let text = text_of(&doc)?;
        Ok(Self { doc, text, ends, known: None, typed: None })
    }

    /// The document as another tab may have it: what is done to it is done by that one.
    pub fn branch(&self, actor: Actor) -> Self {
        let mut branch = self.clone();
        branch.doc.set_actor(actor.id());
        branch
    }

    /// Encodes the document with its history, compactly.
    pub fn save(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    /// The text, with `\n` for every line end.
    pub fn text(&self) -> String {
        self.doc.text(&self.text).expect("the text object exists from the start")
    }

    /// The text as a file, with the line ends that it had; new lines have its common one.
    pub fn content(&self) -> String {
        let text = self.text();
        let common = self.ends.common();
        if self.ends.is_uniform() {
            return if common == LineEnd::Lf { text } else { text.replace('\n', common.as_str()) };
        }
        let lines = text.bytes().filter(|byte| *byte == b'\n').count();
        let mut content = String::with_capacity(text.len() + self.ends.growth(lines));
        let mut at = 0;
        for c in text.chars() {
            match c {
                '\n' => content.push_str(self.line_end(at).as_str()),
                c => content.push(c),
            }
            at += c.len_utf16();
        }
        content
    }

    /// The line ends of the file that the document began with.
    pub fn line_ends(&self) -> &LineEnds {
        &self.ends
    }

    /// The kind of the line end at a position: that of the file if it was there.
    fn line_end(&self, at: usize) -> LineEnd {
        let first_character = check::TEXT_OP + 1;
        match (self.doc.get(&self.text, at), &self.text) {
            (Ok(Some((_, ObjId::Id(op, actor, _)))), ObjId::Id(_, seed, _)) if actor == *seed => {
                let index = op.checked_sub(first_character).and_then(|at| u32::try_from(at).ok());
                index.map_or(self.ends.common(), |index| self.ends.at(index))
            }
            _ => self.ends.common(),
        }
    }

    /// The document's state, as the hashes of its last changes.
    pub fn heads(&mut self) -> Vec<Hash> {
        self.doc.get_heads().into_iter().map(|head| Hash(head.0)).collect()
    }

    /// All changes that devices made to the document, each with its name, in an order in which
    /// [`Self::merge`] takes them. What the document began with is none of them.
    pub fn changes(&mut self, node: &NodeId, base: &Hash) -> Vec<(Hash, Vec<u8>)> {
        let seed = seed_actor(node, base);
        let made = self.doc.get_changes(&[]).into_iter();
        let made = made.filter(|change| *change.actor_id() != seed);
        made.map(|change| (Hash(change.hash().0), change.raw_bytes().to_vec())).collect()
    }

    /// Makes an edit by a change set; all of it or, where it does not fit, nothing.
    pub fn splice(&mut self, changes: &ChangeSet) -> Result<(), TextError> {
        self.splice_all(std::slice::from_ref(changes))
    }

    /// Makes several edits, each on the text that the one before it leaves; all of them or,
    /// where one does not fit, nothing.
    pub fn splice_all(&mut self, all: &[ChangeSet]) -> Result<(), TextError> {
        // Reading it out of the document costs a walk through it, for every keystroke.
        let mut text = self.typed.take().unwrap_or_else(|| Units::of(&self.text()));
        let mut splices = Vec::new();
        for changes in all {
            splices.extend(changes.splice_into(&mut text)?);
            if text.bytes() + self.ends.growth(text.line_ends()) > limits::TEXT_BYTES_MAX {
                return Err(TextError::TooLong);
            }
        }
        for splice in splices {
            let delete = isize::try_from(splice.delete).map_err(|_| TextError::TooLong)?;
            self.doc.splice_text(&self.text, splice.at, delete, &splice.insert)?;
        }
        self.typed = Some(text);
        Ok(())
    }

    /// Closes the edits since the last commit into one change; `None` if there are none.
    pub fn commit(&mut self, time_ms: i64) -> Option<Vec<u8>> {
        let options = CommitOptions::default().with_time(time_ms.div_euclid(1000));
        let hash = self.doc.commit_with(options)?;
        let change = self.doc.get_change_by_hash(&hash)?;
        if let Some(known) = &mut self.known {
            known.note(&change);
        }
        Some(change.raw_bytes().to_vec())
    }

    /// Merges changes of others, which stand on what is here or on each other, in order.
    ///
    /// Changes that are here already are passed over. One that names what its past does not
    /// have is left out, and so is whatever stands on it. [`check_changes`] comes first.
    pub fn merge(&mut self, changes: &[Vec<u8>]) -> Merged {
        let before_text = self.text();
        let before = self.doc.get_heads();
        let refused = self.take(changes);
        let after = self.doc.get_heads();
        if before == after {
            return Merged { changes: None, refused };
        }
        let text = self.text();
        let patches = self.doc.diff(&before, &after);
        let changes = change_set_of(&patches, &self.text, &before_text)
            .filter(|changes| changes.apply(&before_text).is_ok_and(|applied| applied == text))
            .unwrap_or_else(|| ChangeSet::between(&before_text, &text));
        Merged { changes: Some(changes), refused }
    }

    /// Merges changes as [`Self::merge`] does, and tells no more than why one was left out: to find out
    /// what they did to a long text costs as much again.
    pub fn take(&mut self, changes: &[Vec<u8>]) -> Option<TextError> {
        self.typed = None;
        let mut known = self.known.take().unwrap_or_else(|| Known::of(&mut self.doc));
        let mut refused = None;
        for bytes in changes {
            if let Err(error) = self.merge_one(&mut known, bytes) {
                refused.get_or_insert(error);
            }
        }
        self.known = Some(known);
        refused
    }

    fn merge_one(&mut self, known: &mut Known, bytes: &[u8]) -> Result<(), TextError> {
        let change = check::decode(bytes)?;
        if known.has(&change) {
            return Ok(());
        }
        known.check_fit(&mut self.doc, &change)?;
        known.note(&change);
        self.doc.apply_changes_batch([change])?;
        Ok(())
    }
}

/// The object that holds a document's text.
fn text_of(doc: &AutoCommit) -> Result<ObjId, TextError> {
    match doc.get(ROOT, KEY)? {
        Some((automerge::Value::Object(ObjType::Text), text)) => Ok(text),
        Some(_) | None => Err(TextError::Malformed),
    }
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
        let merged = alice.merge(std::slice::from_ref(&by_bob));
        assert_eq!(alice.text(), "howdy 😀 world!\nbye");
        assert_eq!(merged.changes.unwrap().to_json(), r#"[14,[0,"!","bye"]]"#);
        bob.merge(std::slice::from_ref(&by_alice));
        assert_eq!((alice.text(), alice.heads()), (bob.text(), bob.heads()));
        assert_eq!(alice.merge(&[by_bob]).changes, None, "known changes are passed over");
    }

    #[test]
    fn a_saved_document_goes_on_where_it_was() {
        let mut alice = doc(1, "abc");
        let first = type_in(&mut alice, r#"[3,[0,"d"]]"#);
        let mut again = TextDoc::load(&alice.save(), LineEnds::default(), actor(1)).unwrap();
        let second = type_in(&mut again, r#"[4,[0,"e"]]"#);
        let mut bob = doc(2, "abc");
        let early = bob.merge(std::slice::from_ref(&second));
        assert!(matches!(early.refused, Some(TextError::DependencyMissing)));
        assert_eq!((bob.text().as_str(), early.changes), ("abc", None));
        assert!(bob.merge(&[first, second]).refused.is_none());
        assert_eq!(bob.text(), "abcde");
        assert!(TextDoc::load(b"noise", LineEnds::default(), actor(1)).is_err());
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
    fn edits_of_which_one_does_not_fit_change_nothing() {
        let mut alice = doc(1, "abc");
        let all = |jsons: [&str; 2]| jsons.map(|json| ChangeSet::from_json(json).unwrap());
        assert!(alice.splice_all(&all([r#"[3,[0,"d"]]"#, r#"[9,[0,"x"]]"#])).is_err());
        assert_eq!((alice.text().as_str(), alice.commit(0)), ("abc", None));
        alice.splice_all(&all([r#"[3,[0,"d"]]"#, r#"[[1],3,[0,"e"]]"#])).unwrap();
        assert_eq!(alice.text(), "bcde");
    }

    #[test]
    fn an_edited_file_keeps_its_line_ends_and_new_lines_get_the_common_one() {
        for (file, json, edited) in [
            ("a\r\nb\r\n", r#"[2,[0,"x","y"],2]"#, "a\r\nx\r\nyb\r\n"),
            ("a\rb\r", r#"[4,[0,"","c"]]"#, "a\rb\r\rc"),
            ("a\nb\n", r#"[4,[0,"","c"]]"#, "a\nb\n\nc"),
            // Mixed: each line end stays as it was; what is new is like most of them.
            ("😀\r\nb\nc\r\nd\re", r#"[5,[0,"x",""],2,[1],2]"#, "😀\r\nb\nx\r\nc\r\n\re"),
            ("a\nb\r\nc\r\n", "[6]", "a\nb\r\nc\r\n"),
        ] {
            let mut alice = doc(1, file);
            assert_eq!(alice.content(), file);
            alice.splice(&ChangeSet::from_json(json).unwrap()).unwrap();
            let change = alice.commit(0);
            assert_eq!(alice.content(), edited);
            let again = TextDoc::load(&alice.save(), alice.line_ends().clone(), actor(1)).unwrap();
            assert_eq!(again.content(), edited);
            let mut bob = doc(2, file);
            bob.merge(&Vec::from_iter(change));
            assert_eq!(bob.content(), edited);
        }
    }

    #[test]
    fn a_text_is_bounded_with_the_line_ends_that_it_gets() {
        let mut alice = doc(1, "a\r\n");
        let lines = |count| ChangeSet::between("a\n", &format!("a\n{}", "\n".repeat(count)));
        let half = limits::TEXT_BYTES_MAX / 2;
        assert!(matches!(alice.splice(&lines(half)), Err(TextError::TooLong)));
        alice.splice(&lines(half - 2)).unwrap();
        assert!(alice.content().len() <= limits::TEXT_BYTES_MAX);
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
                    let merged = other.merge(&sent);
                    prop_assert!(merged.refused.is_none());
                    if let Some(changes) = merged.changes {
                        prop_assert_eq!(changes.apply(&before).unwrap(), other.text());
                        let json = changes.to_json();
                        prop_assert_eq!(ChangeSet::from_json(&json).unwrap().apply(&before).unwrap(), other.text());
                    }
                }
            }
            for who in 0..2 {
                prop_assert!(docs[1 - who].merge(&unsent[who]).refused.is_none());
            }
            prop_assert_eq!(docs[0].text(), docs[1].text());
            prop_assert_eq!(docs[0].heads(), docs[1].heads());
        }
    }
}
