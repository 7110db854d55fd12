//! How much the server does at most, and when three times as much is asked; a test of the server is
//! the same with little.

use anyhow::{Result, bail};

use crate::run::{cargo, run};

/// Measures with a release build: `--seconds N` for each load, `--apart` for a core of its own for the
/// server and one for the load.
pub(crate) fn overload(options: &[String]) -> Result<()> {
    let (mut seconds, mut apart) = ("8", false);
    let mut words = options.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--apart" => apart = true,
            "--seconds" => seconds = words.next().unwrap_or_default(),
            other => bail!("overload takes --seconds N and --apart, not {other:?}"),
        }
    }
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let mut measure = cargo();
    measure.args(test).args(["under_load_is_there", "--", "--nocapture"]);
    if apart {
        measure.env("OFFING_OVERLOAD_APART", "1");
    }
    run(measure.env("OFFING_OVERLOAD_SECONDS", seconds))
}
