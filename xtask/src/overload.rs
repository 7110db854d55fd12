//! How much the server does at most, and when three times as much is asked; a test of the server is
//! the same with little.

use anyhow::{Result, bail};

use crate::run::{cargo, run};

/// Measures with a release build: `--seconds N` for each load.
pub(crate) fn overload(options: &[String]) -> Result<()> {
    let seconds = match options {
        [] => "8",
        [word, seconds] if word == "--seconds" => seconds,
        other => bail!("overload takes --seconds N, not {other:?}"),
    };
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let mut measure = cargo();
    measure.args(test).args(["under_load_is_there", "--", "--nocapture"]);
    run(measure.env("OFFING_OVERLOAD_SECONDS", seconds))
}
