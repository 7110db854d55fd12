//! How much the server stores and gives in a second, beside others; a test of the server is the
//! same with little.

use anyhow::{Result, bail};

use crate::run::{cargo, run};
use crate::tools;

/// Measures with a release build: `--chunks N`, of a megabyte each, for each count at once.
pub(crate) fn rates(options: &[String]) -> Result<()> {
    let chunks = match options {
        [] => "192",
        [word, chunks] if word == "--chunks" => chunks,
        other => bail!("rates takes --chunks N, not {other:?}"),
    };
    tools::for_stores()?;
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let mut measure = cargo();
    measure.args(test).args(["stored_by_many_at_once", "--", "--nocapture"]);
    run(measure.env("OFFING_RATES", chunks))
}
