//! All checks and tests, as named steps.
//!
//! Each can be run alone (`test --only <name>`). Few builds are made: host tests and the
//! server of the browser tests share the dev profile, wasm lints and tests another, and
//! only the app itself is built in release.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    deny, dist,
    run::{cargo, program, root, run, step, target},
    sim,
    tools::{self, www},
};

/// One step: its name, and what it does.
struct Step {
    name: &'static str,
    work: fn() -> Result<()>,
}

const STEPS: [Step; 11] = [
    Step { name: "format", work: format },
    Step { name: "lint", work: lint },
    Step { name: "lint-wasm", work: lint_wasm },
    Step { name: "host", work: host },
    Step { name: "sim", work: sim::step },
    Step { name: "docs", work: docs },
    Step { name: "deny", work: deny::check },
    Step { name: "scripts", work: scripts },
    Step { name: "wasm", work: wasm },
    Step { name: "app", work: app },
    Step { name: "browser", work: browser },
];

/// What `check` runs: no wasm, no browser.
const QUICK: [&str; 3] = ["format", "lint", "host"];

/// Names the steps.
pub(crate) fn list() {
    for step in &STEPS {
        eprintln!("{}", step.name);
    }
}

/// Runs all steps, or the ones named by `--only`.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    let mut only = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word != "--only" {
            bail!("test takes only --only STEP, not {word:?}");
        }
        only.push(words.next().context("--only names a step")?.as_str());
    }
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("no step {unknown:?}; `cargo xtask steps` names them");
    }
    step("setup", || {
        tools::for_build()?;
        tools::for_tests()
    })?;
    run_steps(|name| only.is_empty() || only.contains(&name))
}

/// Runs the quick ones.
pub(crate) fn quick() -> Result<()> {
    run_steps(|name| QUICK.contains(&name))
}

/// Runs what is chosen, to the end even where one fails: one run tells everything.
fn run_steps(chosen: impl Fn(&str) -> bool) -> Result<()> {
    let start = Instant::now();
    let mut summary = Vec::new();
    for Step { name, work } in &STEPS {
        if !chosen(name) {
            continue;
        }
        let begin = Instant::now();
        let result = step(name, work);
        if let Err(error) = &result {
            eprintln!("   {error:#}");
        }
        summary.push((*name, result.is_ok(), begin.elapsed().as_secs_f64()));
    }
    eprintln!("\n   {:<12}{:>8}{:>12}", "step", "result", "seconds");
    for (name, passed, seconds) in &summary {
        let result = if *passed { "ok" } else { "FAILED" };
        eprintln!("   {name:<12}{result:>8}{seconds:>12.1}");
    }
    let failed: Vec<_> = summary.iter().filter(|step| !step.1).map(|step| step.0).collect();
    let seconds = start.elapsed().as_secs_f64();
    if !failed.is_empty() {
        bail!(
            "{} of {} steps failed in {seconds:.0} s: {}",
            failed.len(),
            summary.len(),
            failed.join(", ")
        );
    }
    eprintln!("\nall {} steps passed in {seconds:.0} s", summary.len());
    Ok(())
}

fn format() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    run(cargo()
        .args(["clippy", "-q", "--workspace", "--all-targets", "--all-features"])
        .args(DENY_WARNINGS))
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// One cargo for all that runs in a browser, so that what they share is compiled once. Of the
/// previews two stand for all: their borders are one macro, and PDF would be compiled once more
/// for nothing.
fn lint_wasm() -> Result<()> {
    let packages = ["client", "markdown", "preview", "search", "worker"];
    let features = "offing-markdown/parser,offing-preview/archive,offing-preview/table,\
                    offing-worker/engine,offing-worker/opaque";
    let mut clippy = cargo();
    clippy.args(["clippy", "-q", "--target", "wasm32-unknown-unknown"]);
    for package in packages {
        clippy.args(["-p", &format!("offing-{package}")]);
    }
    clippy.args(["--lib", "--bins", "--test", "web", "--features", features]);
    run(clippy.args(DENY_WARNINGS))
}

fn host() -> Result<()> {
    run(cargo().args(["test", "--workspace", "--all-features"]))
}

fn docs() -> Result<()> {
    run(cargo()
        .args(["doc", "-q", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

fn scripts() -> Result<()> {
    let mut files = Vec::new();
    let mut folders = vec![www()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            if kind.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".test.js") {
                files.push(path);
            }
        }
    }
    files.sort();
    run(program("node").arg("--test").args(files))
}

/// Tests that need a browser's interfaces, in headless Chromium, without the app.
fn wasm() -> Result<()> {
    let folder = tools::wasm_bindgen()?;
    let mut path = vec![folder];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    run(cargo()
        .args(["test", "--target", "wasm32-unknown-unknown", "-p", "offing-worker"])
        .args(["--features", "engine", "--test", "web"])
        .env("PATH", std::env::join_paths(path)?))
}

/// The app in release, within its size budget.
fn app() -> Result<()> {
    dist::release_once()
}

/// The story in a real browser against a real server.
fn browser() -> Result<()> {
    dist::release_once()?;
    run(&mut in_browser(&test_files(&e2e())?)?)
}

/// The folder of the tests that drive a browser.
pub(crate) fn e2e() -> PathBuf {
    root().join("tests/e2e")
}

/// Node over tests that drive the built app against the server, which is built too.
pub(crate) fn in_browser(files: &[PathBuf]) -> Result<Command> {
    run(cargo().args(["build", "-q", "-p", "offing-server"]))?;
    let mut node = program("node");
    // Two files at a time; with three each takes twice as long. Each has a server of its own.
    node.args(["--test", "--test-concurrency=2", "--test-reporter=spec"])
        .args(files)
        .current_dir(e2e())
        .env("OFFING_SERVER", target().join("debug/offing-server"))
        .env("OFFING_ASSETS", dist::folder())
        .env("OFFING_CHROMIUM", tools::chromium().context("there is no Chromium")?);
    Ok(node)
}

/// The `*.test.js` files of a folder, in order; an empty folder is a mistake.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no *.test.js", folder.display());
    Ok(files)
}
