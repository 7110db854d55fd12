//! Scenarios: what people do with several devices, and what must come of it.
//!
//! Each module is a situation. All end in step, with the same tree and the same contents on
//! every device, or with an alarm and nothing lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bury;
mod collect;
mod copies;
mod corpus;
mod cost;
mod countersign;
mod crashes;
mod delta;
mod details;
mod devices;
mod downloads;
mod groups;
mod history;
mod joining;
mod labels;
mod liar;
mod links;
mod lives;
mod losses;
mod presence;
mod property;
mod prune;
mod purge;
mod recovered;
mod refused;
mod replaced;
mod restored;
mod rewind;
mod rogue;
mod search;
mod set_aside;
mod shared_index;
mod snapshots;
mod space;
mod status;
mod storage;
mod tabs;
mod texts;
mod thumbs;
mod tree;
mod undo;
mod uploads;
mod verify;
mod versions;

use std::rc::Rc;

use offing_core::rpc::Clash;
use offing_tests::{Device, World};

/// Devices with a log that is worth a snapshot: the first has written a folder with a text of
/// many edits and a photo, and all have read it.
fn with_a_past(names: &[&str]) -> (World, Rc<Device>) {
    let world = World::with(names);
    let phone = world.device(names[0]);
    phone.creates_folder("/papers");
    let notes = phone.creates_text("/papers/notes.md", "by the sea");
    phone.uploads("/papers", &[("photo.jpg", &noise(1, 5_000))], Clash::Ask);
    world.sync_all();
    for n in 0..80 {
        phone.edits(notes, |text| format!("{text}{n}\n"));
    }
    (world, phone)
}

/// Bytes that look like a photo: nothing repeats.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    use rand::{RngCore, SeedableRng};
    let mut bytes = vec![0; len];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}
