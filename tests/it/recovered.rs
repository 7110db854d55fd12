//! What was typed a moment before a browser was killed, and comes back.

use offing_tests::World;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Nobody was alarmed, and everybody reads this.
fn all_read(world: &World, path: &str, text: &str) {
    world.sync_all();
    world.assert_converged();
    for device in world.devices() {
        assert_eq!(device.reads_text(path), text, "{}", device.name);
        assert_eq!(*device.page.alarms.borrow(), [], "{}", device.name);
    }
}

#[test]
fn what_was_typed_after_something_was_saved_is_there_again() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    phone.creates_text("/notes.md", "");
    world.sync_all();
    let node = phone.opens_text("/notes.md");
    phone.types(node, |_| "saved by itself".to_owned());
    world.passes(5_000);
    phone.types(node, |text| format!("{text}, typed"));
    world.passes(20);
    world.restarts("phone");
    all_read(&world, "/notes.md", "saved by itself, typed");
    phone.appends_to("/notes.md", ", and on");
    all_read(&world, "/notes.md", "saved by itself, typed, and on");
}

#[test]
fn what_was_typed_beside_others_edits_is_there_again() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "-");
    world.sync_all();
    let node = phone.opens_text("/notes.md");
    phone.types(node, |text| format!("a{text}"));
    world.passes(5_000);
    laptop.appends_to("/notes.md", "z");
    world.sync_all();
    phone.types(node, |text| format!("b{text}"));
    world.passes(5_000);
    phone.types(node, |text| format!("c{text}"));
    world.passes(20);
    world.restarts("phone");
    all_read(&world, "/notes.md", "cba-z");
}

#[test]
fn a_text_that_is_opened_while_it_comes_back_has_everything_once() {
    for turns in 0..80 {
        let world = World::with(&["phone", "laptop"]);
        let phone = world.device("phone");
        phone.creates_text("/notes.md", "");
        world.sync_all();
        let node = phone.opens_text("/notes.md");
        phone.types(node, |_| "before".to_owned());
        world.passes(20);
        phone.crashes();
        let rng = StdRng::seed_from_u64(turns);
        phone.profile.temper.begins(world.executor.clone(), rng, 5);
        phone.begins_to_open(|opened| opened.unwrap());
        while phone.is_opening() && !phone.is_open() {
            world.executor.run_turns(1);
        }
        world.executor.run_turns(u32::try_from(turns).unwrap());
        phone.tries_open_text(node).unwrap();
        phone.types(node, |text| format!("{text}; after"));
        world.passes(5_000);
        phone.closes_text(node);
        all_read(&world, "/notes.md", "before; after");
    }
}
