//! The frozen vectors, read on the host. The worker's tests read the same files in wasm.

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::vectors::check_file;

#[test]
fn the_host_agrees_with_every_frozen_vector() {
    let files = [
        include_str!("../../tests/vectors/primitives.json"),
        include_str!("../../tests/vectors/seal.json"),
        include_str!("../../tests/vectors/content.json"),
        include_str!("../../tests/vectors/blocks.json"),
        include_str!("../../tests/vectors/account.json"),
        include_str!("../../tests/vectors/log.json"),
        include_str!("../../tests/vectors/snapshot.json"),
        include_str!("../../tests/vectors/index.json"),
        include_str!("../../tests/vectors/presence.json"),
        include_str!("../../tests/vectors/purge.json"),
        include_str!("../../tests/vectors/label.json"),
    ];
    let mut count = 0;
    for json in files {
        count += ready(check_file(&NativeCrypto, json)).unwrap_or_else(|e| panic!("{e}"));
    }
    assert!(count >= 60, "{count} vectors");
}
