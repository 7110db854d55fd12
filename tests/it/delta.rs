//! A large file that is uploaded again after a small change.

use offing_core::rpc::{Clash, TransferState};
use offing_tests::{Device, World};

const FILM_BYTES: usize = 17 * 1024 * 1024;

/// Uploads over what is there and tells how many bytes of chunks that sent.
fn sends_again(device: &Device, film: &[u8]) -> u64 {
    let before = device.line.chunk_bytes_sent.get();
    let [id] = device.uploads("/", &[("film.mp4", film)], Clash::Replace)[..] else { panic!() };
    device.run_for(60_000);
    assert_eq!(device.transfer(id), TransferState::Done);
    device.line.chunk_bytes_sent.get() - before
}

#[test]
fn a_kibibyte_in_the_middle_sends_a_hundredth_even_from_a_device_without_the_file() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let film = crate::noise(1, FILM_BYTES);
    assert!(sends_again(&phone, &film) > FILM_BYTES as u64);
    world.sync_all();

    let mut cut = film.clone();
    cut.splice(FILM_BYTES / 2..FILM_BYTES / 2, crate::noise(2, 1024));
    let sent = sends_again(&laptop, &cut);
    assert!(sent <= FILM_BYTES as u64 / 100, "{sent} bytes");
    world.sync_all();
    world.assert_converged();
    assert!(phone.reads("/film.mp4").unwrap() == cut);
}
