//! What works: in, out, and everywhere the same.

use std::fs;

use crate::harness::{PASSWORD, World, noise, tree};

#[test]
fn what_one_device_puts_another_lists_gets_exports_and_verifies() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let sea = noise(700_000, 1);
    world.disk("Trip/notes.md", b"along the coast\n");
    world.disk("Trip/photos/sea.jpg", &sea);
    world.disk("Trip/photos/empty.jpg", b"");
    let trip = world.disk("Trip/photos/small.jpg", &noise(900, 2));
    let trip = trip.ancestors().nth(2).unwrap();
    let said = laptop.puts(trip, "/").succeeds();
    assert_eq!(said, "4 files, 700916 bytes, all on the server\n");
    assert_eq!(laptop.names("/"), ["Trip/"]);

    let phone = world.signed_in("phone");
    assert_eq!(phone.names("/Trip"), ["photos/", "notes.md"]);
    assert_eq!(phone.names("/trip/photos"), ["empty.jpg", "sea.jpg", "small.jpg"]);
    assert_eq!(phone.reads("/Trip/notes.md"), b"along the coast\n");
    phone.runs(&["get", "/Trip/photos/sea.jpg"]).succeeds();
    let got = phone.profile().with_file_name("sea.jpg");
    assert_eq!(fs::read(&got).unwrap(), sea);
    phone.runs(&["get", "/Trip/photos/sea.jpg"]).fails(1, "exists already");
    phone.runs(&["get", "/Trip", "copy"]).succeeds();
    assert_eq!(tree(&got.with_file_name("copy")), tree(trip));

    let (exported, ran) = phone.exports("export");
    assert_eq!(ran.succeeds(), "4 files in 2 folders, 700916 bytes\n");
    assert_eq!(tree(&exported.join("Trip")), tree(trip));
    let said = phone.runs(&["verify"]).succeeds();
    assert!(said.contains("entries: chain and signatures checked, 0 bad"), "{said}");
    assert!(said.contains("sound; 0 lost, 0 damaged"), "{said}");
    assert!(said.contains("4 contents of files, 0 files damaged"), "{said}");
}

#[test]
fn a_file_put_again_is_a_new_revision_or_is_kept_beside() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let file = world.disk("plan.pdf", b"%PDF one");
    laptop.puts(&file, "/").succeeds();
    fs::write(&file, b"%PDF two").unwrap();
    laptop.puts(&file, "/").succeeds();
    assert_eq!(laptop.names("/"), ["plan.pdf"]);
    assert_eq!(laptop.reads("/plan.pdf"), b"%PDF two");
    fs::write(&file, b"%PDF three").unwrap();
    laptop.runs(&["put", "--keep-both", file.to_str().unwrap()]).succeeds();
    assert_eq!(laptop.names("/"), ["plan.pdf", "plan (2).pdf"]);
}

#[test]
fn what_two_devices_put_without_knowing_each_other_is_exported_as_both() {
    let mut world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let phone = world.signed_in("phone");
    let file = world.disk("plan.pdf", b"%PDF at first");
    laptop.puts(&file, "/").succeeds();
    assert_eq!(phone.names("/"), ["plan.pdf"]);
    world.stops_server();
    for (device, content) in [(&laptop, "%PDF of the laptop"), (&phone, "%PDF of the phone")] {
        fs::write(&file, content).unwrap();
        device.puts(&file, "/").fails(4, "kept here and sent by the next command");
        assert_eq!(device.reads("/plan.pdf"), content.as_bytes());
    }
    world.starts_server();
    laptop.names("/");
    assert_eq!(phone.names("/"), ["plan.pdf  (two versions)"]);
    laptop.names("/");
    let (exported, ran) = laptop.exports("export");
    ran.succeeds();
    let files = tree(&exported);
    let mut contents: Vec<_> = files.values().cloned().collect();
    contents.sort();
    assert_eq!(contents, [b"%PDF of the laptop".to_vec(), b"%PDF of the phone".to_vec()]);
    assert!(files.contains_key("plan.pdf"), "{:?}", files.keys());
    assert!(files.keys().any(|name| name.contains("(version 2 of ")), "{:?}", files.keys());
}

#[test]
fn a_name_that_the_system_cannot_hold_is_made_safe_and_told() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let long = format!("{}.pdf", "x".repeat(251));
    let file = world.disk(&long, b"%PDF one");
    laptop.puts(&file, "/").succeeds();
    laptop.runs(&["put", "--keep-both", file.to_str().unwrap()]).succeeds();
    let (exported, ran) = laptop.exports("export");
    assert!(ran.err.contains("is called"), "{}", ran.err);
    ran.succeeds();
    assert_eq!(tree(&exported).len(), 2);
}

#[test]
fn a_session_that_begins_anew_keeps_what_is_here_and_a_logout_forgets_all() {
    let mut world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let file = world.disk("plan.pdf", b"%PDF");
    laptop.puts(&file, "/").succeeds();
    laptop.logs_in("alice", PASSWORD).succeeds();
    assert_eq!(laptop.names("/"), ["plan.pdf"]);

    world.stops_server();
    fs::write(&file, b"%PDF more").unwrap();
    laptop.puts(&file, "/").fails(4, "kept here");
    laptop.runs(&["logout"]).fails(1, "would be lost: 1");
    world.starts_server();
    laptop.runs(&["logout"]).succeeds();
    laptop.runs(&["ls"]).fails(3, "nobody is signed in");
    let left = fs::read_dir(laptop.profile()).unwrap().count();
    assert_eq!(left, 1, "the lock alone is left");
    assert_eq!(world.signed_in("phone").reads("/plan.pdf"), b"%PDF more");
}
