//! What another member says of itself: what decodes is written as the same bytes, and a room
//! that hears any of it, in any order and as often as one likes, stays within its bounds.

use offing_core::id::{DeviceId, Hash, NodeId, VisitId};
use offing_core::limits;
use offing_core::presence::room::Room;
use offing_core::presence::{Here, Presence, Selected};
use offing_core::text::{Actor, Place, TextDoc};

const NODE: NodeId = NodeId([5; 16]);
const BASE: Hash = Hash([6; 32]);
const VISIT: VisitId = VisitId([7; 16]);

/// A presence as it comes out of its seal, for a text that is open here.
pub(super) fn presence(bytes: &[u8]) {
    let Ok(told) = Presence::decode(bytes) else { return };
    assert_eq!(told.encode(), bytes);
    let actor = Actor { device: DeviceId([1; 16]), slot: 0 };
    let doc = TextDoc::seeded(&NODE, &BASE, "the tide", actor).unwrap();
    let here = Here { base: BASE, cursor: None };
    let mut room = Room::enter(actor.device, NODE, VISIT, here);
    for (count, now_ms) in [(told.count, 0), (told.count, 9), (u64::MAX, -9), (1, i64::MAX / 2)] {
        let told = Presence { node: NODE, count, ..told.clone() };
        room.hear(&told, now_ms);
        room.tick(now_ms);
    }
    assert!(room.visitors().count() <= limits::PRESENCE_OTHERS_MAX);
    let Some(Here { cursor: Some(Selected { anchor, head }), .. }) = told.here else { return };
    for place in [anchor, head] {
        let position = doc.position(&place);
        assert!(position.is_none_or(|at| at as usize <= "the tide".len()), "{place:?}");
        if let Some(at) = position {
            assert_eq!(doc.position(&doc.place(at)), Some(at));
        }
    }
}

/// Inputs to begin with.
pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let device = DeviceId([2; 16]);
    let typed = Place::Typed { at: 2, op: 4, actor: Actor { device, slot: 1 } };
    let at = |anchor, head| Some(Here { base: BASE, cursor: Some(Selected { anchor, head }) });
    let all = [
        (Some(Here { base: BASE, cursor: None }), vec![]),
        (at(Place::Base { at: 0, op: 2 }, Place::End), vec![VISIT]),
        (at(typed, Place::Base { at: 7, op: 9 }), vec![VISIT, VisitId([8; 16])]),
        (None, vec![VISIT]),
    ];
    let presences = all.into_iter().zip(1..).map(|((here, heard), count)| {
        Presence { device, visit: VisitId([3; 16]), count, node: NODE, here, heard }.encode()
    });
    presences.map(|bytes| ("presence", bytes)).collect()
}
