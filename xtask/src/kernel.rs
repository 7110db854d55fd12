//! A Linux of its own, for what is measured with means that the one here may lack: `tc netem`, or more open files than a
//! process may have.
//!
//! It is user-mode Linux, a program of Debian's: it sees the files of this machine and one processor, and nothing of its
//! network. What it takes longer for are calls of the system, so figures from it are told as such.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    run::{cargo, output, target},
    tools,
};

const INIT: &str = include_str!("../kernel/init.sh");
/// Makes namespaces for a server, an edge and a device, with lines between them.
pub(crate) const NAMESPACES: &str = include_str!("../kernel/netns.sh");

const PAGES_OF_MIB: u32 = 256;
/// With so much and less, what is measured stays far from the usual bound.
const MEMORY_SMALL_MIB: u32 = 4096;

/// Does in a Linux of its own what a shell script says, with so much memory; an exit code other than 0 is an error.
/// `named` are variables that the script finds.
pub(crate) fn run_alone(
    script: &str,
    memory_mib: u32,
    named: &BTreeMap<&str, String>,
) -> Result<()> {
    tools::for_kernel()?;
    // Each page of each of its processes may be a mapping of its own.
    let maps = fs::read_to_string("/proc/sys/vm/max_map_count")?.trim().parse::<u32>()?;
    let wanted = memory_mib.saturating_mul(PAGES_OF_MIB);
    ensure!(
        maps >= wanted || memory_mib <= MEMORY_SMALL_MIB,
        "so much memory in it wants more mappings: sudo sysctl -w vm.max_map_count={wanted}"
    );
    let work = target().join("kernel");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let mut whole = String::new();
    for (name, value) in named {
        writeln!(whole, "export {name}='{value}'")?;
    }
    whole.push_str(script);
    fs::write(work.join("script.sh"), whole)?;
    let init = work.join("init.sh");
    fs::write(&init, format!("#!/bin/sh\nWORK='{}'\n{INIT}", work.display()))?;
    run_init(&init.display().to_string(), memory_mib)?;
    let exit = fs::read_to_string(work.join("exit")).context("it ended before its script")?;
    ensure!(exit.trim() == "0", "the script in it failed ({})", exit.trim());
    Ok(())
}

fn run_init(init: &str, memory_mib: u32) -> Result<()> {
    let mut kernel = Command::new("linux.uml");
    kernel
        .args([&format!("mem={memory_mib}M"), "quiet", "init=/bin/sh"])
        .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"])
        .args(["con=null", "con0=fd:0,fd:1", "ssl=null"])
        .args(["--", init])
        // Its memory is a file there.
        .env("TMPDIR", "/dev/shm")
        .stdin(Stdio::null());
    let status = kernel.status().context("cannot start linux.uml")?;
    // It has no exit code of its own where it was switched off by its own program.
    ensure!(status.code().is_some(), "linux.uml ended by {status}");
    Ok(())
}

/// The program of the server's tests over a listener, in release, which measures too.
pub(crate) fn measuring() -> Result<String> {
    let test = ["test", "-q", "--release", "-p", "offing-server", "--test", "api_server"];
    let built = output(cargo().args(test).args(["--no-run", "--message-format=json"]))?;
    let programs = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = programs.filter(|built| built["target"]["name"] == "api_server");
    let found =
        named.filter_map(|built| built["executable"].as_str().map(str::to_owned)).next_back();
    found.context("cargo built no such program")
}
