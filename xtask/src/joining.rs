//! How long a new device of a large vault takes; `cli/tests/joining.rs` is the same with few.

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, run, target};

/// Measures with a release build: `--nodes N`, `--entries N`.
pub(crate) fn joining(options: &[String]) -> Result<()> {
    let server = ["build", "-q", "--release", "-p", "offing-server"];
    let test = ["test", "-q", "--release", "-p", "offing-cli", "--test", "joining"];
    let mut measure = cargo();
    measure.args(test).args(["--", "--nocapture"]);
    measure.env("OFFING_SERVER", target().join("release/offing-server"));
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let variable = match word.as_str() {
            "--nodes" => "OFFING_NODES",
            "--entries" => "OFFING_ENTRIES",
            other => bail!("joining takes --nodes N and --entries N, not {other:?}"),
        };
        measure.env(variable, words.next().with_context(|| format!("{word} names a number"))?);
    }
    run(cargo().args(server))?;
    run(&mut measure)
}
