//! Places in a text that survive what is typed around them: named by the character that they
//! stand before, with how many come before it where the place was named.
//!
//! A place of another device may name a character that is not here yet; it is found as soon
//! as the change arrives that brings it. It is looked for around where it should be: what
//! lies between is what one side has typed and the other has not. One that is not found there
//! has no position, as one that was deleted.

use automerge::{ActorId, ObjId, ReadDoc as _};

use super::{Actor, TextDoc};
use crate::id::DeviceId;

/// How far from where it should be a character is looked for, in either direction.
const LOOK_MAX: u32 = 4 * 1024;

/// Where something stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind everything.
    End,
    /// Before a character that the document began with.
    Base {
        /// How much came before it.
        at: u32,
        /// The op that put it in.
        op: u32,
    },
    /// Before a character that somebody typed.
    Typed {
        /// How much came before it.
        at: u32,
        /// The op that put it in.
        op: u32,
        /// Who typed it.
        actor: Actor,
    },
}

impl TextDoc {
    /// Names a position of the text; one that is behind it is its end.
    pub fn place(&self, at: u32) -> Place {
        let (Ok(Some((_, ObjId::Id(op, actor, _)))), ObjId::Id(_, seed, _)) =
            (self.doc.get(&self.text, at as usize), &self.text)
        else {
            return Place::End;
        };
        let Ok(op) = u32::try_from(op) else { return Place::End };
        if actor == *seed {
            return Place::Base { at, op };
        }
        Actor::of_id(&actor).map_or(Place::End, |actor| Place::Typed { at, op, actor })
    }

    /// Finds a place; `None` if its character is not here.
    pub fn position(&self, place: &Place) -> Option<u32> {
        let (at, named) = match *place {
            Place::End => return u32::try_from(self.text().encode_utf16().count()).ok(),
            Place::Base { at, op } => (at, (op, None)),
            Place::Typed { at, op, actor } => (at, (op, Some(actor))),
        };
        for by in 0..=LOOK_MAX {
            for at in [at.saturating_add(by), at.saturating_sub(by)] {
                let found = match self.place(at) {
                    Place::End => continue,
                    Place::Base { op, .. } => (op, None),
                    Place::Typed { op, actor, .. } => (op, Some(actor)),
                };
                if found == named {
                    return Some(at);
                }
            }
        }
        None
    }
}

impl Actor {
    /// Who has this id, if a device can have it.
    fn of_id(id: &ActorId) -> Option<Self> {
        let (device, slot) = id.to_bytes().split_at_checked(DeviceId::LEN)?;
        let slot = u32::from_be_bytes(slot.try_into().ok()?);
        Some(Self { device: DeviceId::from_slice(device)?, slot })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{Hash, NodeId};
    use crate::text::ChangeSet;

    fn doc(n: u8, text: &str) -> TextDoc {
        let actor = Actor { device: DeviceId([n; 16]), slot: 7 };
        TextDoc::seeded(&NodeId([5; 16]), &Hash([6; 32]), text, actor).unwrap()
    }

    fn type_in(doc: &mut TextDoc, json: &str) -> Vec<u8> {
        doc.splice(&ChangeSet::from_json(json).unwrap()).unwrap();
        doc.commit(1_000).unwrap()
    }

    #[test]
    fn a_place_stays_where_it_is_in_the_words_whatever_is_typed_around_it() {
        let (mut alice, mut bob) = (doc(1, "one 😀 two"), doc(2, "one 😀 two"));
        let before_two = alice.place(7);
        assert_eq!(bob.position(&before_two), Some(7));
        let typed = type_in(&mut bob, r#"[[4,"a longer beginning "],6]"#);
        assert_eq!(bob.position(&before_two), Some("a longer beginning ".len() as u32 + 3));
        let within = bob.place(2);
        assert_eq!(alice.position(&within), None, "what is typed there is not here yet");
        alice.merge(&[typed]);
        assert_eq!(alice.position(&within), Some(2));
        assert_eq!(alice.position(&before_two), bob.position(&before_two));
    }

    #[test]
    fn what_is_deleted_or_too_far_off_has_no_position() {
        let mut alice = doc(1, "abcdef");
        let (inside, last) = (alice.place(2), alice.place(5));
        type_in(&mut alice, "[1,[3],2]");
        assert_eq!((alice.position(&inside), alice.position(&last)), (None, Some(2)));
        let far = "x".repeat(2 * LOOK_MAX as usize);
        let mut changes = ChangeSet::default();
        changes.replace(0, &far);
        changes.keep(3);
        alice.splice(&changes).unwrap();
        assert_eq!(alice.position(&last), None);
        assert_eq!(alice.position(&alice.place(LOOK_MAX + 3)), Some(LOOK_MAX + 3));
    }

    #[test]
    fn the_end_goes_along_and_what_is_behind_it_is_the_end() {
        let mut alice = doc(1, "ab");
        assert_eq!((alice.place(2), alice.place(99)), (Place::End, Place::End));
        type_in(&mut alice, r#"[2,[0,"c"]]"#);
        assert_eq!(alice.position(&Place::End), Some(3));
        assert_eq!(doc(1, "").place(0), Place::End);
    }

    #[test]
    fn what_is_no_character_has_no_position() {
        let alice = doc(1, "ab");
        let actor = Actor { device: DeviceId([9; 16]), slot: 0 };
        for op in [0, 1, 4, u32::MAX] {
            for at in [0, 1, u32::MAX] {
                assert_eq!(alice.position(&Place::Base { at, op }), None, "{op}");
                assert_eq!(alice.position(&Place::Typed { at, op, actor }), None, "{op}");
            }
        }
        assert_eq!(alice.position(&Place::Base { at: 0, op: 2 }), Some(0));
    }

    proptest! {
        #[test]
        fn every_position_is_found_again(text in "[ab😀\n]{0,12}", more in "[ab😀]{1,3}", at in 0..40u32) {
            let mut alice = doc(1, &text);
            let units = text.encode_utf16().count();
            let mut changes = ChangeSet::default();
            changes.keep(0);
            changes.replace(0, &more);
            changes.keep(units);
            alice.splice(&changes).unwrap();
            let whole: Vec<u16> = alice.text().encode_utf16().collect();
            let at = at.min(whole.len() as u32);
            let found = alice.position(&alice.place(at)).unwrap();
            // Between the halves of a character is before it.
            let halved = whole.get(at as usize).is_some_and(|unit| (0xdc00..0xe000).contains(unit));
            prop_assert!(found == at || halved && found + 1 == at);
        }
    }
}
