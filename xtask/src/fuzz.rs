//! Every decoder under libFuzzer, guided by coverage: `tests/src/fuzz.rs` says what they are.
//!
//! Stable Rust can put the coverage in that libFuzzer reads, so neither a nightly nor cargo-fuzz
//! is needed; without `unsafe` there is nothing for a sanitizer to find. It is built once, into a
//! folder of its own, in release with overflow checks. What is found on the way is kept below
//! the target folder, and a finding is an input there; moved to `tests/fuzz/<target>/`, it
//! is replayed by `cargo xtask test` ever after.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, output, program, root, run, step, target};

/// What a run of one target may take, so that a decoder that gathers too much fails.
const MEMORY_MIB_MAX: u32 = 1_024;
/// What one input may take.
const INPUT_SECONDS_MAX: u32 = 10;
/// Longest inputs; those of the corpus are shorter.
const INPUT_BYTES_MAX: u32 = 8 * 1024;

/// The coverage that libFuzzer reads.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on";

/// Runs the targets that are named, or all, for as long as `--seconds` says.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let (mut seconds, mut targets) = (10, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().context("--seconds names a number")?;
            seconds = number.parse::<u32>().with_context(|| format!("{number} is no number"))?;
        } else {
            targets.push(word.clone());
        }
    }
    let known = known_targets()?;
    if let Some(unknown) = targets.iter().find(|name| !known.contains(name)) {
        bail!("no target {unknown:?}; there are {}", known.join(", "));
    }
    let fuzzer = step("build the fuzzer", build)?;
    let chosen = if targets.is_empty() { known } else { targets };
    let mut failed = Vec::new();
    for name in &chosen {
        if step(name, || one(&fuzzer, name, seconds)).is_err() {
            failed.push(name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("found something: {}", failed.join(", "));
    }
    Ok(())
}

/// Each target has a folder of the corpus.
fn known_targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(corpus()).context("there is no corpus")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn corpus() -> PathBuf {
    root().join("tests/fuzz")
}

fn build() -> Result<PathBuf> {
    let version = output(program("rustc").args(["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say its host")?;
    let folder = target().join("fuzz");
    // With a target named, build scripts and macros are built without the coverage.
    run(cargo()
        .args(["build", "-q", "--release", "-p", "offing-tests", "--bin", "fuzz"])
        .args(["--target", host, "--target-dir"])
        .arg(&folder)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")
        .env("RUSTFLAGS", COVERAGE))?;
    Ok(folder.join(host).join("release/fuzz"))
}

fn one(fuzzer: &PathBuf, name: &str, seconds: u32) -> Result<()> {
    let found = target().join("fuzz/corpus").join(name);
    fs::create_dir_all(&found)?;
    let artifacts = target().join("fuzz").join(format!("{name}-"));
    run(program(fuzzer)
        .arg(&found)
        .arg(corpus().join(name))
        .args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={INPUT_BYTES_MAX}"),
            format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-artifact_prefix={}", artifacts.display()),
            "-print_final_stats=1".to_owned(),
            "-verbosity=0".to_owned(),
        ])
        .env("OFFING_FUZZ", name))
}
