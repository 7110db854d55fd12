//! What an edge is worth before a server that is far; a test of the server is the same with few.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::{
    kernel,
    run::{cargo, run},
};

const TEST: &str = "crosses_the_line_once";
/// Enough for the chunks, three times over.
const MEMORY_MIB: u32 = 4096;

/// Measures with a release build: `--chunks N`, of a megabyte each; `--namespaces` does it in network namespaces,
/// with lines of `tc netem`.
pub(crate) fn edge(options: &[String]) -> Result<()> {
    let (mut chunks, mut is_in_namespaces) = ("64".to_owned(), false);
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        match (option.as_str(), rest.as_slice()) {
            ("--namespaces", _) => is_in_namespaces = true,
            ("--chunks", [count, ..]) => {
                chunks.clone_from(count);
                rest.next();
            }
            _ => bail!("edge takes --chunks N and --namespaces, not {options:?}"),
        }
    }
    if is_in_namespaces {
        let device = "ip netns exec device \"$PROGRAM\"";
        let script = format!("{}{device} {TEST} --nocapture\n", kernel::NAMESPACES);
        let named = [("PROGRAM", kernel::measuring()?), ("OFFING_EDGE_CHUNKS", chunks)];
        let here = [("OFFING_NAMESPACES", "1".to_owned())];
        let named: BTreeMap<_, _> = named.into_iter().chain(here).collect();
        return kernel::run_alone(&script, MEMORY_MIB, &named);
    }
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    run(cargo().args(test).args([TEST, "--", "--nocapture"]).env("OFFING_EDGE_CHUNKS", chunks))
}
