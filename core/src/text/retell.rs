//! Changes that never left this device, made again as another device's.
//!
//! A device that becomes another one cannot send what it typed under its former name: who
//! sends a change is its actor. So each change is undone and typed again where it was, on a
//! document that has everything else. What the text shows stays the same at every step.

use std::collections::HashSet;

use automerge::{AutoCommit, ChangeHash, TextEncoding};

use super::check::decode;
use super::{Actor, ChangeSet, TextDoc, TextError, text_of};
use crate::id::{DeviceId, Hash, NodeId};

/// Changes that were made again.
#[derive(Debug)]
pub struct Retold {
    /// The document that has them so.
    pub doc: TextDoc,
    /// For each change the new one; `None` where it changed nothing that shows.
    pub changes: Vec<Option<Vec<u8>>>,
}

impl TextDoc {
    /// The document without these changes, on which no others may stand.
    pub fn without(&mut self, changes: &[Vec<u8>], actor: Actor) -> Result<Self, TextError> {
        let hashes = changes.iter().map(|bytes| Ok(decode(bytes)?.hash()));
        let left_out: HashSet<ChangeHash> = hashes.collect::<Result<_, TextError>>()?;
        let mut doc = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
        let all = self.doc.get_changes(&[]);
        doc.apply_changes_batch(all.into_iter().filter(|c| !left_out.contains(&c.hash())))?;
        doc.set_actor(actor.id());
        let text = text_of(&doc)?;
        Ok(Self { doc, text, ends: self.ends.clone(), known: None, typed: None })
    }

    /// Makes changes of this document again as `actor`'s.
    pub fn retell(&mut self, changes: &[Vec<u8>], actor: Actor) -> Result<Retold, TextError> {
        let mut before = self.without(changes, actor)?;
        let mut again = before.clone();
        let mut told = Vec::with_capacity(changes.len());
        for bytes in changes {
            let time_ms = decode(bytes)?.timestamp().saturating_mul(1_000);
            let merged = before.merge(std::slice::from_ref(bytes));
            if let Some(error) = merged.refused {
                return Err(error);
            }
            if let Some(shown) = merged.changes {
                again.splice(&shown)?;
            }
            told.push(again.commit(time_ms));
        }
        Ok(Retold { doc: again, changes: told })
    }
}

/// What `mine` is on top of `theirs`, both made from the text `before`.
pub fn rebase(
    before: &str,
    mine: &ChangeSet,
    theirs: &ChangeSet,
) -> Result<Option<ChangeSet>, TextError> {
    let (node, base) = (NodeId([0; 16]), Hash([0; 32]));
    let by = |n: u8| Actor { device: DeviceId([n; 16]), slot: 0 };
    let mut ours = TextDoc::seeded(&node, &base, before, by(1))?;
    let mut others = TextDoc::seeded(&node, &base, before, by(2))?;
    ours.splice(mine)?;
    others.splice(theirs)?;
    others.commit(0);
    Ok(ours.commit(0).and_then(|change| others.merge(&[change]).changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::check_changes;

    const NODE: NodeId = NodeId([5; 16]);
    const BASE: Hash = Hash([6; 32]);

    fn actor(n: u8) -> Actor {
        Actor { device: DeviceId([n; 16]), slot: 0 }
    }

    fn doc(n: u8) -> TextDoc {
        TextDoc::seeded(&NODE, &BASE, "one two", actor(n)).unwrap()
    }

    fn type_in(doc: &mut TextDoc, json: &str) -> Vec<u8> {
        doc.splice(&ChangeSet::from_json(json).unwrap()).unwrap();
        doc.commit(1_000).unwrap()
    }

    #[test]
    fn changes_made_again_show_the_same_and_are_the_other_device_s() {
        let (mut mine, mut other) = (doc(1), doc(2));
        let sent = type_in(&mut mine, r#"[7,[0," three"]]"#);
        let foreign = type_in(&mut other, r#"[[0,"zero "],7]"#);
        let first = type_in(&mut mine, r#"[[3,"1"],10]"#);
        mine.merge(std::slice::from_ref(&foreign));
        let second = type_in(&mut mine, r#"[6,[0,"!"],10]"#);
        let again = mine.retell(&[first, second], actor(3)).unwrap();
        assert_eq!(again.doc.text(), mine.text());
        let told: Vec<Vec<u8>> = again.changes.into_iter().flatten().collect();
        assert!(check_changes(&told, &DeviceId([3; 16]), &NODE, &BASE).is_ok());
        let mut reader = doc(4);
        let merged = reader.merge(&[vec![sent, foreign], told].concat());
        assert!(merged.refused.is_none());
        assert_eq!(reader.text(), mine.text());
    }

    #[test]
    fn a_change_that_shows_nothing_is_made_again_as_nothing() {
        let (mut mine, mut other) = (doc(1), doc(2));
        let deleted = type_in(&mut mine, "[[4],3]");
        let also = type_in(&mut other, "[[4],3]");
        mine.merge(std::slice::from_ref(&also));
        let again = mine.retell(&[deleted], actor(3)).unwrap();
        assert_eq!((again.doc.text().as_str(), again.changes), ("two", vec![None]));
    }

    #[test]
    fn typing_is_put_where_it_belongs_on_top_of_what_others_typed() {
        let mine = ChangeSet::between("a b", "a my b");
        let theirs = ChangeSet::between("a b", "their a b");
        let rebased = rebase("a b", &mine, &theirs).unwrap().unwrap();
        assert_eq!(rebased.apply("their a b").unwrap(), "their a my b");
    }
}
