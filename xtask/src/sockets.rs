//! What live sockets take that wait; a test of the server is the same with few.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::{
    kernel,
    run::{cargo, run},
};

const TEST: &str = "socket_that_waits";
/// What both ends of a hundred thousand connections take, and the kernel between them.
const MEMORY_MIB: u32 = 10 * 1024;

/// Measures with a release build: `--count N`. Both ends want that many open files, which they ask
/// the system for; `--own-kernel` does it where there are enough.
pub(crate) fn sockets(options: &[String]) -> Result<()> {
    let (mut count, mut has_own_kernel) = ("9984".to_owned(), false);
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        match (option.as_str(), rest.as_slice()) {
            ("--own-kernel", _) => has_own_kernel = true,
            ("--count", [given, ..]) => {
                count.clone_from(given);
                rest.next();
            }
            _ => bail!("sockets takes --count N and --own-kernel, not {options:?}"),
        }
    }
    if has_own_kernel {
        let script = format!("\"$PROGRAM\" {TEST} --nocapture\n");
        let named = [("PROGRAM", kernel::measuring()?), ("OFFING_SOCKETS", count)];
        return kernel::run_alone(&script, MEMORY_MIB, &BTreeMap::from(named));
    }
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    run(cargo().args(test).args([TEST, "--", "--nocapture"]).env("OFFING_SOCKETS", count))
}
