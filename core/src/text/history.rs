//! A document's past: its changes as points in time, and the text as it was at one.
//!
//! Points are in an order that is a function of the changes alone, so every device lists
//! the same: by what the devices' clocks said, each after those it stands on. The text at a
//! point is what that change and all before it in this order make.

use std::collections::{HashMap, HashSet};

use automerge::{ActorId, AutoCommit, Change, ChangeHash, ROOT, ReadDoc, TextEncoding};

use super::{Actor, ChangeSet, KEY, TextDoc, TextError};
use crate::id::{DeviceId, Hash};
use crate::ordered;

/// A change of a document, as a point in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The change.
    pub change: Hash,
    /// The device that made it.
    pub device: DeviceId,
    /// When, by that device's clock, in milliseconds since 1970.
    pub time_ms: i64,
}

impl TextDoc {
    /// The document's history, oldest first, without the change that it begins with.
    pub fn points(&mut self) -> Vec<Point> {
        let changes = self.in_order();
        changes.iter().filter_map(point).collect()
    }

    /// The document as it was at a point; `None` where it has no such change.
    pub fn at(&mut self, change: &Hash) -> Option<Self> {
        let mut changes = self.in_order();
        let last = changes.iter().position(|known| known.hash().0 == change.0)?;
        changes.truncate(last + 1);
        self.made_of(changes)
    }

    /// Makes a change of the text as it was at these heads, by an actor that has made none
    /// yet. It merges beside all that came after; the document itself is left as it is.
    pub fn change_beside(
        &mut self,
        heads: &[Hash],
        edit: &ChangeSet,
        actor: Actor,
        time_ms: i64,
    ) -> Result<Vec<u8>, TextError> {
        let mut changes = self.doc.get_changes(&[]);
        let mut past: HashSet<ChangeHash> = heads.iter().map(|head| ChangeHash(head.0)).collect();
        for change in changes.iter().rev() {
            if past.contains(&change.hash()) {
                past.extend(change.deps());
            }
        }
        changes.retain(|change| past.contains(&change.hash()));
        let mut then = self.made_of(changes).ok_or(TextError::DependencyMissing)?;
        then.doc.set_actor(actor.id());
        then.splice(edit)?;
        then.commit(time_ms).ok_or(TextError::Malformed)
    }

    /// All changes, in the order of the module.
    fn in_order(&mut self) -> Vec<Change> {
        let mut changes = self.doc.get_changes(&[]);
        // A clock that goes back does not put a change before what it stands on.
        let mut times: HashMap<ChangeHash, i64> = HashMap::new();
        for change in &changes {
            let before = change.deps().iter().filter_map(|dep| times.get(dep)).max();
            let time = before.map_or(change.timestamp(), |time| change.timestamp().max(*time));
            times.insert(change.hash(), time);
        }
        ordered::sort_by_key(&mut changes, |change| {
            (times[&change.hash()], change.start_op(), change.hash().0)
        });
        changes
    }

    fn made_of(&self, changes: Vec<Change>) -> Option<Self> {
        let mut doc = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
        doc.apply_changes_batch(changes).ok()?;
        let (_, text) = doc.get(ROOT, KEY).ok()??;
        Some(Self { doc, text, ends: self.ends.clone(), known: None, typed: None })
    }
}

/// The change as a point; the one that a document begins with is nobody's.
fn point(change: &Change) -> Option<Point> {
    let device = device_of(change.actor_id())?;
    let time_ms = change.timestamp().saturating_mul(1_000);
    Some(Point { change: Hash(change.hash().0), device, time_ms })
}

fn device_of(actor: &ActorId) -> Option<DeviceId> {
    let bytes = actor.to_bytes();
    let is_device_s = bytes.len() == DeviceId::LEN + size_of::<u32>();
    is_device_s.then(|| DeviceId::from_slice(&bytes[..DeviceId::LEN])).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    fn actor(device: u8, slot: u32) -> Actor {
        Actor { device: DeviceId([device; 16]), slot }
    }

    fn doc(device: u8) -> TextDoc {
        TextDoc::seeded(&NodeId([5; 16]), &Hash([6; 32]), "a\r\n", actor(device, 0)).unwrap()
    }

    fn types(doc: &mut TextDoc, after: &str, time_ms: i64) -> Vec<u8> {
        doc.splice(&ChangeSet::between(&doc.text(), after)).unwrap();
        doc.commit(time_ms).unwrap()
    }

    /// Two devices type beside each other, the second with a clock that is behind.
    fn typed() -> (TextDoc, TextDoc) {
        let (mut alice, mut bob) = (doc(1), doc(2));
        let first = types(&mut alice, "a\none\n", 10_000);
        let beside = types(&mut bob, "zero\na\n", 20_000);
        let second = types(&mut alice, "a\none\ntwo\n", 30_000);
        alice.merge(std::slice::from_ref(&beside));
        bob.merge(&[first, second]);
        let late = types(&mut bob, "zero\na\none\ntwo\nend\n", 5_000);
        alice.merge(&[late]);
        (alice, bob)
    }

    #[test]
    fn every_device_lists_the_same_points_in_the_order_of_time() {
        let (mut alice, mut bob) = typed();
        let points = alice.points();
        assert_eq!(points, bob.points());
        let listed: Vec<_> = points.iter().map(|p| (p.device.0[0], p.time_ms)).collect();
        assert_eq!(listed, [(1, 10_000), (2, 20_000), (1, 30_000), (2, 5_000)]);
        let mut again =
            TextDoc::load(&alice.save(), alice.line_ends().clone(), actor(3, 0)).unwrap();
        assert_eq!(again.points(), points);
    }

    #[test]
    fn the_text_at_a_point_is_what_was_typed_until_then() {
        let (mut alice, _) = typed();
        let points = alice.points();
        let texts: Vec<_> = points.iter().map(|p| alice.at(&p.change).unwrap().content()).collect();
        let expected = [
            "a\r\none\r\n",
            "zero\r\na\r\none\r\n",
            "zero\r\na\r\none\r\ntwo\r\n",
            "zero\r\na\r\none\r\ntwo\r\nend\r\n",
        ];
        assert_eq!(texts, expected);
        assert!(alice.at(&Hash([9; 32])).is_none());
    }

    #[test]
    fn a_change_beside_takes_back_one_change_and_leaves_what_came_after() {
        let (mut alice, mut bob) = (doc(1), doc(2));
        let wrong = types(&mut alice, "a\nwrong\n", 1_000);
        bob.merge(std::slice::from_ref(&wrong));
        let heads = alice.heads();
        let around = ChangeSet::from_json(r#"[[0,"before",""],8,[0,"after",""]]"#).unwrap();
        bob.splice(&around).unwrap();
        alice.merge(&[bob.commit(2_000).unwrap()]);
        let back = ChangeSet::between("a\nwrong\n", "a\n");
        let undone = alice.change_beside(&heads, &back, actor(1, 7), 3_000).unwrap();
        assert_eq!(alice.text(), "before\na\nwrong\nafter\n");
        for doc in [&mut alice, &mut bob] {
            assert!(doc.merge(std::slice::from_ref(&undone)).refused.is_none());
            assert_eq!(doc.text(), "before\na\nafter\n");
        }
    }
}
