//! Writes what fuzzing begins with: `cargo run -p offing-tests --bin fuzz_seeds`.
//!
//! A file is named by its content, and one that is there stays: inputs that found something are
//! beside them.

#![allow(clippy::unwrap_used, reason = "a tool of tests, where a panic is a failure")]

use std::path::Path;

use offing_tests::fuzz::seeds::seeds;
use sha2::{Digest as _, Sha256};

fn main() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (target, bytes) in seeds(&tests.join("vectors")) {
        let folder = tests.join("fuzz").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        let hash = Sha256::digest(&bytes);
        let name: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
