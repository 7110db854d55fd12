//! Installs what building and testing need and a fresh machine lacks.
//!
//! Everything comes from a package manager: rustup, cargo, npm, apt. What is there in the
//! right version is left alone, so a second run costs nothing. Only the browser needs
//! rights that the caller may not have; then one line says which command installs it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, output, probe, program, root, run, step, target};

/// The folder of the page's npm packages and tools.
pub(crate) fn www() -> PathBuf {
    root().join("www")
}

/// Installs what `build` needs.
pub(crate) fn for_build() -> Result<()> {
    wasm_target()?;
    wasm_bindgen()?;
    node()?;
    npm(&www())
}

/// Installs what `test` needs beyond that.
pub(crate) fn for_tests() -> Result<()> {
    let e2e = root().join("tests/e2e");
    if e2e.join("package.json").exists() {
        npm(&e2e)?;
    }
    browser()
}

fn wasm_target() -> Result<()> {
    let sysroot = output(program("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown/lib");
    if library.exists() {
        return Ok(());
    }
    step("install the wasm32 target", || {
        run(program("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
            .context("without rustup, install Rust's wasm32-unknown-unknown library by hand")
    })
}

/// The folder that holds a wasm-bindgen of the version in `Cargo.lock`: tool and crate must
/// match exactly. One found in `PATH` is used if it does; else it is built into the target
/// folder.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    let version = locked_version("wasm-bindgen")?;
    let matches = |tool: &Path| {
        probe(tool, &["--version"]).is_some_and(|text| text.ends_with(&format!(" {version}")))
    };
    let own = target().join("tools").join(format!("wasm-bindgen-{version}"));
    if matches(&own.join("bin/wasm-bindgen")) {
        return Ok(own.join("bin"));
    }
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
        if matches(&folder.join("wasm-bindgen")) && folder.join("wasm-bindgen-test-runner").exists()
        {
            return Ok(folder);
        }
    }
    step(&format!("build wasm-bindgen {version}"), || {
        // Not `--locked`: its lock file names packages that were withdrawn. Little
        // optimised: it runs for a second, and would build for minutes.
        run(cargo()
            .args(["install", "-q", "wasm-bindgen-cli", "--version", &version, "--root"])
            .arg(&own)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_TARGET_DIR", target().join("tools/build")))
    })?;
    Ok(own.join("bin"))
}

fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let start = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != start).skip(1);
    lines
        .next()
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .with_context(|| format!("Cargo.lock names no {package}"))
}

fn node() -> Result<()> {
    let version = probe("node", &["--version"]).context(
        "Node.js is missing: install version 20 or newer (Debian: apt-get install nodejs npm)",
    )?;
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    match major {
        Some(20u32..) => Ok(()),
        _ => bail!("Node.js {version} is too old: 20 or newer is needed"),
    }
}

/// Installs a folder's npm packages as its lock file names them.
fn npm(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("cannot read {}/package-lock.json", folder.display()))?;
    let stamp = folder.join("node_modules/.offing-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step(&format!("install npm packages of {}", folder.display()), || {
        run(program("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder))
    })?;
    fs::write(&stamp, lock)?;
    Ok(())
}

/// The browser and its driver, as the tests find them.
pub(crate) fn browser() -> Result<()> {
    let missing: Vec<&str> = [("chromium", "chromium"), ("chromedriver", "chromium-driver")]
        .into_iter()
        .filter(|(name, _)| probe(name, &["--version"]).is_none())
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("sudo apt-get install {}", missing.join(" "));
    let Some(mut apt) = apt_get() else {
        bail!("the browser tests need Chromium and its driver; install them with: {by_hand}");
    };
    step("install Chromium", || {
        run(apt().arg("update"))?;
        run(apt().args(["install", "-y", "--no-install-recommends"]).args(&missing))
            .with_context(|| format!("install it by hand: {by_hand}"))
    })
}

/// How to run apt-get with the rights to install, if there is a way without asking.
fn apt_get() -> Option<impl FnMut() -> std::process::Command> {
    probe("apt-get", &["--version"])?;
    let root = probe("id", &["-u"])? == "0";
    if !root {
        probe("sudo", &["-n", "true"])?;
    }
    Some(move || {
        let mut command = if root { program("apt-get") } else { program("sudo") };
        if !root {
            command.args(["-n", "apt-get"]);
        }
        command
            .args(["-q", "-o", "DPkg::Lock::Timeout=600"])
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_the_version_of_wasm_bindgen() {
        let version = locked_version("wasm-bindgen").unwrap();
        assert!(version.split('.').count() == 3, "{version}");
        assert!(locked_version("no-such-package").is_err());
    }
}
