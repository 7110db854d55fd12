//! Looking at everything that the server keeps: what it altered, lost or took back is named.

use offing_core::id::ChunkId;
use offing_core::proto::{LogPage, PageItem};
use offing_core::rpc::Clash;
use offing_tests::World;
use offing_worker::replica::Verified;

fn furnished() -> World {
    let world = World::with(&["phone", "laptop"]);
    let (phone, photo) = (world.device("phone"), crate::noise(3, 300_000));
    phone.creates_text("/notes.md", "by the sea");
    phone.uploads("/", &[("trip/sea.jpg", &photo), ("trip/small.jpg", b"small")], Clash::Ask);
    world.passes(10_000);
    world.sync_all();
    world
}

fn verifies(world: &World) -> Verified {
    let replica = world.device("laptop").replica();
    let looking = async move { replica.verify(&mut |_, _| {}).await };
    world.device("laptop").run(looking).unwrap()
}

fn lied_to(lie: impl Fn(u64, &mut LogPage) + 'static) -> Verified {
    let world = furnished();
    *world.net.page_lie.borrow_mut() = Some(Box::new(lie));
    verifies(&world)
}

#[test]
fn an_honest_server_holds_everything() {
    let world = furnished();
    let found = verifies(&world);
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.entries, world.tip());
    assert!(found.chunks >= 2 && found.chunk_bytes > 300_000 && found.contents >= 2, "{found:?}");
}

#[test]
fn an_altered_chunk_is_named_with_its_file() {
    let world = furnished();
    let lie = |_: ChunkId, bytes: &mut Vec<u8>| {
        if bytes.len() > 200_000 {
            bytes[100] ^= 1;
        }
    };
    *world.net.chunk_lie.borrow_mut() = Some(Box::new(lie));
    let found = verifies(&world);
    assert_eq!((found.damaged.len(), found.lost.len()), (1, 0), "{found:?}");
    assert_eq!(found.files, ["/trip/sea.jpg"]);
    assert!(!found.is_sound());
}

#[test]
fn a_history_that_was_altered_anywhere_is_not_trusted() {
    let reordered = lied_to(|_, page| page.items.reverse());
    let shortened = lied_to(|_, page| {
        page.items.truncate(2);
        page.tip.seq = 2;
    });
    let altered = lied_to(|after, page| {
        if let (0, Some(PageItem::Full(wire))) = (after, page.items.last_mut()) {
            *wire.last_mut().unwrap() ^= 1;
        }
    });
    for found in [reordered, shortened, altered] {
        assert!(found.history.is_some() && !found.is_sound(), "{found:?}");
    }
}
