//! A server that was put back to an older backup gets back what it lacks.

use offing_core::crypto::native::ready;
use offing_core::rpc::Clash;
use offing_tests::{Device, World};
use offing_worker::store::tail;

/// What a device keeps of the log after a place, as it came.
fn kept(device: &Device, after: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some(piece) =
        ready(tail::read(&device.profile.store, after + entries.len() as u64)).unwrap()
    {
        entries.extend(piece.entries);
    }
    entries
}

#[test]
fn devices_keep_what_they_verified_their_own_and_that_of_others() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/note.md", "from the phone");
    laptop.uploads("/", &[("photo.jpg", &crate::noise(1, 300_000))], Clash::Ask);
    world.sync_all();
    laptop.appends_to("/note.md", ", and from the laptop");
    phone.renames("/photo.jpg", "sunset.jpg");
    world.sync_all();
    world.restarts("phone");
    phone.creates_folder("/later");
    world.sync_all();
    let tablet = world.adds("tablet");
    world.sync_all();
    let (log, _) = world.reads_the_log();
    for device in [&phone, &laptop, &tablet] {
        assert_eq!(kept(device, 0), log, "{}", device.name);
    }
}
