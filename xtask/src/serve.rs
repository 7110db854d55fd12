//! Runs what was built: the server, and the benchmark.

use anyhow::{Context as _, Result, bail};

use crate::{
    dist,
    run::{cargo, program, root, run, step, target},
    tools,
    wasm::Mode,
};

/// Builds everything in release and serves it; extra arguments go to the server.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    dist::build(Mode::Release)?;
    step("build the server", || {
        run(cargo().args(["build", "-q", "--release", "-p", "offing-server"]))
    })?;
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let mut server = program(target().join("release/offing-server"));
    server.args(["serve", "--assets"]).arg(dist::folder()).args(arguments);
    replace_by(server)
}

/// Hands this process over, so that signals reach the server itself.
fn replace_by(mut command: std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).context("cannot start the server")
}

/// Builds everything in release and runs the benchmark.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let script = root().join("tests/bench/run.mjs");
    if !script.exists() {
        bail!("tests/bench/run.mjs is missing");
    }
    dist::build(Mode::Release)?;
    tools::for_benchmarks()?;
    step("build the server", || {
        run(cargo().args(["build", "-q", "--release", "-p", "offing-server"]))
    })?;
    run(program("node")
        .arg(script)
        .args(arguments)
        .env("OFFING_SERVER", target().join("release/offing-server"))
        .env("OFFING_ASSETS", dist::folder())
        .env("OFFING_CHROMIUM", tools::chromium().context("there is no Chromium")?))
}
