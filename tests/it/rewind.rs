//! Folders made what they were at a moment, offline, on whichever device.

use std::collections::BTreeMap;

use offing_core::rpc::{Clash, RewindStep, Rewound};
use offing_tests::{Device, World};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Paths and contents of all that a device shows outside of the trash.
fn all(device: &Device) -> BTreeMap<String, Option<Vec<u8>>> {
    let read = |(path, row): (String, offing_core::rpc::Row)| {
        let bytes = row.size.is_some().then(|| device.reads_node(row.node).unwrap());
        (path, bytes)
    };
    let live = device.walk().into_iter().filter(|(path, _)| !path.starts_with("trash:"));
    live.map(read).collect()
}

/// Two devices with a trip, and an hour later what both did to it. Tells a moment
/// before that, and what was there then.
fn a_trip_and_what_was_done_to_it() -> (World, i64, BTreeMap<String, Option<Vec<u8>>>) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/Trip");
    phone.creates_folder("/Trip/Photos");
    phone.creates_text("/Trip/plan.md", "by boat\n");
    phone.uploads("/Trip/Photos", &[("sea.jpg", b"\xff sea")], Clash::Ask);
    phone.creates_text("/home.md", "stays\n");
    world.sync_all();
    let then = all(&phone);
    world.passes(HOUR_MS);
    laptop.appends_to("/Trip/plan.md", "no, by train\n");
    laptop.renames("/Trip/Photos", "Pictures");
    world.sync_all();
    phone.uploads("/Trip/Pictures", &[("sea.jpg", b"\xff another sea")], Clash::Replace);
    phone.moves("/Trip/plan.md", "/");
    phone.moves("/home.md", "/Trip");
    phone.creates_text("/Trip/new.md", "made since\n");
    phone.trashes("/Trip/Pictures");
    world.sync_all();
    let moment = phone.moments("/Trip")[1].from_ms - 1;
    (world, moment, then)
}

#[test]
fn a_folder_is_what_it_was_offline_and_on_the_other_device_too_and_undo_takes_that_back() {
    let (world, moment, then) = a_trip_and_what_was_done_to_it();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let before = all(&laptop);
    // Both pictures are on the phone.
    world.goes_offline("phone");
    let action = phone.rewinds("/Trip", moment);
    assert_eq!(all(&phone), then);
    world.goes_online("phone");
    world.sync_all();
    world.assert_converged();
    assert_eq!(all(&laptop), then);
    phone.undoes(action);
    world.sync_all();
    world.assert_converged();
    assert_eq!(all(&laptop), before);
}

#[test]
fn what_a_rewinding_would_do_is_told_before() {
    let (world, moment, _) = a_trip_and_what_was_done_to_it();
    let laptop = world.device("laptop");
    let told = |what, name: &str, was: Option<&str>| RewindStep {
        what,
        name: name.to_owned(),
        was: was.map(str::to_owned),
    };
    let mut steps = laptop.plans_to_rewind("/Trip", moment);
    steps.sort_by_key(|step| (step.what as u8, step.name.clone()));
    let expected = [
        told(Rewound::Restored, "Pictures", None),
        told(Rewound::Moved, "home.md", None),
        told(Rewound::Moved, "plan.md", None),
        told(Rewound::Renamed, "Pictures", Some("Photos")),
        told(Rewound::Changed, "plan.md", None),
        told(Rewound::Changed, "sea.jpg", None),
        told(Rewound::Trashed, "new.md", None),
    ];
    assert_eq!(steps, expected);
    laptop.rewinds("/Trip", moment);
    assert_eq!(laptop.plans_to_rewind("/Trip", moment), []);
}

#[test]
fn the_moments_of_a_folder_name_devices_and_lead_to_before_their_changes() {
    let (world, _, then) = a_trip_and_what_was_done_to_it();
    let laptop = world.device("laptop");
    let moments = laptop.moments("/Trip");
    let told: Vec<_> = moments.iter().map(|one| (one.device_name.as_str(), one.count)).collect();
    assert_eq!(told, [("phone", 5), ("laptop", 2), ("phone", 4)]);
    laptop.rewinds("/Trip", moments[1].from_ms - 1);
    assert_eq!(all(&laptop), then);
}

#[test]
fn a_device_that_joined_later_rewinds_as_well() {
    let (world, moment, then) = a_trip_and_what_was_done_to_it();
    let tablet = world.adds("tablet");
    world.sync_all();
    tablet.rewinds("/Trip", moment);
    assert_eq!(all(&tablet), then);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn what_another_device_makes_meanwhile_is_not_lost() {
    let (world, moment, then) = a_trip_and_what_was_done_to_it();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    for device in ["phone", "laptop"] {
        world.goes_offline(device);
    }
    laptop.rewinds("/Trip", moment);
    phone.creates_text("/Trip/meanwhile.md", "on the phone\n");
    phone.appends_to("/Trip/new.md", "and more\n");
    for device in ["phone", "laptop"] {
        world.goes_online(device);
    }
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/Trip/meanwhile.md"), "on the phone\n");
    assert_eq!(laptop.reads_text("/Trip/new.md"), "made since\nand more\n");
    for path in then.keys() {
        assert!(laptop.shows(path), "{path}");
    }
}
