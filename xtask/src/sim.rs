//! Whole lives of devices and a server, from seeds; `tests/src/sim.rs` says what they are.

use anyhow::Result;

use crate::run::{cargo, run};

/// How many every run of all tests lives.
const SEEDS: &str = "1000";

/// Lives what is asked for: `--seeds N`, `--from S`, `--honest`, `--threads T`, or `--seed X`.
pub(crate) fn sim<S: AsRef<std::ffi::OsStr>>(options: &[S]) -> Result<()> {
    let build = ["run", "-q", "-p", "offing-tests", "--bin", "sim", "--"];
    run(cargo().args(build).args(options))
}

/// The step of `test`.
pub(crate) fn step() -> Result<()> {
    sim(&["--seeds", SEEDS])
}
