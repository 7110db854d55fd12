//! What live sockets take that wait; a test of the server is the same with few.

use anyhow::{Result, bail};

use crate::run::{cargo, run};

/// Measures with a release build: `--count N`. Both ends want that many open files, which they ask
/// the system for.
pub(crate) fn sockets(options: &[String]) -> Result<()> {
    let count = match options {
        [] => "9984",
        [word, count] if word == "--count" => count,
        other => bail!("sockets takes --count N, not {other:?}"),
    };
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let mut measure = cargo();
    measure.args(test).args(["socket_that_waits", "--", "--nocapture"]);
    run(measure.env("OFFING_SOCKETS", count))
}
