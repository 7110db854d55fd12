//! A network that loses requests, answers, and everything for a while.

use offing_tests::World;
use offing_tests::net::{Call, Mishap};

#[test]
fn an_append_whose_answer_is_lost_is_in_the_log_once() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let before = world.tip();
    phone.line.strike(Call::Append, Mishap::AnswerLost);
    phone.creates_folder("/once");
    world.passes(40_000);
    world.sync_all();
    world.assert_converged();
    assert_eq!(world.tip(), before + 1);
}

#[test]
fn an_append_that_arrives_twice_is_in_the_log_once() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let before = world.tip();
    phone.line.strike(Call::Append, Mishap::Twice);
    phone.creates_folder("/once");
    world.sync_all();
    world.assert_converged();
    assert_eq!(world.tip(), before + 1);
}

#[test]
fn every_kind_of_call_may_fail_in_every_way() {
    for call in [Call::Have, Call::Put, Call::Append, Call::Log, Call::Chunk] {
        for mishap in [Mishap::RequestLost, Mishap::AnswerLost, Mishap::Twice] {
            let world = World::with(&["phone", "laptop"]);
            let (phone, laptop) = (world.device("phone"), world.device("laptop"));
            for device in [&phone, &laptop] {
                device.line.strike(call, mishap);
                device.line.strike(call, mishap);
            }
            phone.creates_text("/notes.md", "notes");
            let photo = crate::noise(3, 400_000);
            let clash = offing_core::rpc::Clash::Ask;
            phone.uploads("/", &[("photo.jpg", &photo), ("a.txt", b"a")], clash);
            laptop.creates_folder("/folder");
            world.passes(30_000);
            world.sync_all();
            world.assert_converged();
            assert_eq!(laptop.reads("/photo.jpg").unwrap(), photo, "{call:?} {mishap:?}");
        }
    }
}

#[test]
fn a_line_that_loses_a_third_of_everything_is_only_slow() {
    let world = World::seeded(5, &["phone", "laptop"]);
    for device in world.devices() {
        device.line.bad_percent.set(33);
    }
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "");
    for i in 0..10 {
        phone.edits(node, |text| format!("{text}{i}"));
        laptop.creates_folder(&format!("/{i}"));
        world.passes(700);
    }
    world.passes(900_000);
    assert_eq!((phone.pending(), laptop.pending()), (0, 0), "it gets through by itself");
    world.sync_all();
    world.assert_converged();
}
