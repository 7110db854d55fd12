//! The corpus of the fuzzer, replayed: whole, cut anywhere, with any byte altered.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use offing_tests::fuzz::{TARGETS, Target};

/// Inputs are cut and altered at so many places at most.
const PLACES_MAX: usize = 24;
/// Bytes of all inputs together; a corpus that grows beyond says little more.
const CORPUS_BYTES_MAX: u64 = 200 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn inputs(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpus().join(target.name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no inputs", target.name);
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The input, what is left of it when it is cut, and what it is with one byte changed.
fn altered(input: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let step = input.len().div_ceil(PLACES_MAX).max(1);
    let places = || (0..input.len()).step_by(step);
    let cuts = places().map(|at| input[..at].to_vec());
    let changes = places().flat_map(move |at| {
        [0x01, 0x80, 0xff].map(|bits| {
            let mut bytes = input.to_vec();
            bytes[at] ^= bits;
            bytes
        })
    });
    std::iter::once(input.to_vec()).chain(cuts).chain(changes)
}

#[test]
fn every_decoder_keeps_its_promises_over_the_corpus() {
    for target in &TARGETS {
        for (path, input) in inputs(target) {
            for bytes in altered(&input) {
                let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
                assert!(ran.is_ok(), "{} of {}: {bytes:02x?}", target.name, path.display());
            }
        }
    }
}

#[test]
fn the_corpus_is_small_and_belongs_to_targets() {
    let mut bytes = 0;
    for folder in fs::read_dir(corpus()).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name} is no target");
        let files = fs::read_dir(folder.path()).unwrap();
        bytes += files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes");
}
