//! Whole lives from a seed: `cargo xtask sim` lives a thousand, these are about living.

use std::rc::Rc;

use offing_tests::World;
use offing_tests::sim::plan::{Kind, Plan};
use offing_tests::sim::runs::lives;

#[test]
fn a_life_is_lived_again_in_the_same_way() {
    for seed in 1..=4 {
        let (first, again) = (lives(Plan::of(seed, Kind::Any)), lives(Plan::of(seed, Kind::Any)));
        assert_eq!(first.history, again.history, "seed {seed}");
        assert_eq!(first.tally, again.tally, "seed {seed}");
        assert_eq!((first.failure, again.failure), (None, None), "seed {seed}");
    }
}

#[test]
fn a_shorter_life_begins_like_the_whole() {
    let whole = lives(Plan::of(5, Kind::Any)).history;
    let plan = Plan::of(5, Kind::Any);
    let short = lives(Plan { steps: plan.steps / 2, ..plan }).history;
    let comes_to_rest = |line: &offing_tests::sim::history::Line| line.what == "comes to rest";
    let end = short.iter().position(comes_to_rest).unwrap();
    assert_eq!(short[..end], whole[..end]);
}

#[test]
fn a_world_that_is_over_leaves_nothing_behind() {
    let world = World::with(&["laptop", "phone"]);
    world.device("laptop").creates_text("/log.md", "noon");
    world.executor.run_turns(50);
    let net = Rc::downgrade(&world.net);
    drop(world);
    assert!(net.upgrade().is_none());
}
