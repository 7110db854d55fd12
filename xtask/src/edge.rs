//! What an edge is worth before a server that is far; a test of the server is the same with few.

use anyhow::{Result, bail};

use crate::run::{cargo, run};

/// Measures with a release build: `--chunks N`, of a megabyte each.
pub(crate) fn edge(options: &[String]) -> Result<()> {
    let chunks = match options {
        [] => "64",
        [word, chunks] if word == "--chunks" => chunks,
        other => bail!("edge takes --chunks N, not {other:?}"),
    };
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let mut measure = cargo();
    measure.args(test).args(["crosses_the_line_once", "--", "--nocapture"]);
    run(measure.env("OFFING_EDGE_CHUNKS", chunks))
}
