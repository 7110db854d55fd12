//! Makes the wasm modules: the page, the engine, OPAQUE, the renderer of Markdown, the
//! searcher, the service worker, and those of previews.
//!
//! cargo → wasm-bindgen → [`order`]. Each is built by a cargo of its own, so that features of one (the
//! engine links a CRDT) do not leak into another. Two cargos work at a time, since fat LTO keeps one
//! core busy; while they link the next modules, those before get their glue. No wasm-opt follows: after a link with `opt-level = "z"` and
//! fat LTO it took minutes, and brotli made no less of what it left.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Result;
use serde_json::json;

use crate::{
    order,
    run::{cargo, program, run, step, target},
    tools,
};

/// How much the build optimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As fast to build as can be.
    Dev,
    /// As people get it.
    Release,
}

impl Mode {
    /// The folder of this mode's intermediate files.
    pub(crate) fn folder(self) -> PathBuf {
        target().join("web").join(match self {
            Self::Dev => "dev",
            Self::Release => "release",
        })
    }

    /// The profile, and the folder that cargo names after it.
    fn profile(self, module: &Module) -> (&'static str, &'static str) {
        match self {
            // What is large compiles no faster for developers, and runs ten times as slowly.
            Self::Dev if module.release != LARGE => ("dev", "debug"),
            Self::Dev | Self::Release => (module.release, module.release),
        }
    }
}

/// A wasm module and how it is made.
struct Module {
    /// What the build calls it.
    name: &'static str,
    package: &'static str,
    bin: &'static str,
    features: &'static [&'static str],
    /// wasm-bindgen's kind of glue.
    glue: &'static str,
    /// The profile of its release.
    release: &'static str,
    /// Which of the cargos that work at a time builds it.
    lane: Lane,
}

/// A cargo that works beside the other, in a folder of its own: in one they wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// What takes longest: PDF.
    Large,
    /// All others.
    Others,
}

impl Lane {
    fn target(self) -> PathBuf {
        match self {
            Self::Large => target().join("large"),
            Self::Others => target(),
        }
    }
}

/// As small as can be.
const SMALL: &str = "wasm-release";
/// For what is large by its libraries: optimising those as a whole takes minutes.
const LARGE: &str = "wasm-large";

const MODULES: [Module; 13] = [
    Module {
        name: "page",
        package: "offing-client",
        bin: "offing-client",
        features: &[],
        glue: "web",
        release: SMALL,
        lane: Lane::Large,
    },
    Module {
        name: "engine",
        package: "offing-worker",
        bin: "engine",
        features: &["engine"],
        glue: "web",
        release: SMALL,
        lane: Lane::Others,
    },
    Module {
        name: "opaque",
        package: "offing-worker",
        bin: "opaque",
        features: &["opaque"],
        glue: "web",
        release: SMALL,
        lane: Lane::Others,
    },
    Module {
        name: "markdown",
        package: "offing-markdown",
        bin: "markdown",
        features: &["parser"],
        glue: "web",
        release: SMALL,
        lane: Lane::Others,
    },
    Module {
        name: "search",
        package: "offing-search",
        bin: "search",
        features: &[],
        glue: "web",
        release: SMALL,
        lane: Lane::Others,
    },
    // A classic script: every browser runs those as service workers, and it needs no
    // import that could go to the network.
    Module {
        name: "sw",
        package: "offing-worker",
        bin: "sw",
        features: &[],
        glue: "no-modules",
        release: SMALL,
        lane: Lane::Others,
    },
    // Previews come last. A worker of the sandbox gets its script as a text, so that is one
    // classic script each.
    preview("preview-archive", &["archive"], Lane::Others),
    preview("preview-docx", &["docx"], Lane::Others),
    preview("preview-epub", &["epub"], Lane::Others),
    preview("preview-pdf", &["pdf"], Lane::Large),
    preview("preview-picture", &["picture"], Lane::Others),
    preview("preview-sheet", &["sheet"], Lane::Others),
    preview("preview-table", &["table"], Lane::Others),
];

const fn preview(name: &'static str, features: &'static [&'static str], lane: Lane) -> Module {
    let release = match lane {
        Lane::Large => LARGE,
        Lane::Others => SMALL,
    };
    Module {
        name,
        package: "offing-preview",
        bin: name,
        features,
        glue: "no-modules",
        release,
        lane,
    }
}

/// A finished module: `<name>.js` beside `<name>_bg.wasm`.
pub(crate) struct Built {
    /// What the build calls it.
    pub(crate) name: &'static str,
    /// The glue.
    pub(crate) script: PathBuf,
    /// The module.
    pub(crate) wasm: PathBuf,
}

/// All modules.
pub(crate) struct Modules {
    /// The page.
    pub(crate) page: Built,
    /// The engine.
    pub(crate) engine: Built,
    /// OPAQUE.
    pub(crate) opaque: Built,
    /// The renderer of Markdown.
    pub(crate) markdown: Built,
    /// The searcher.
    pub(crate) search: Built,
    /// The service worker.
    pub(crate) sw: Built,
    /// Those of previews.
    pub(crate) previews: Vec<Built>,
}

/// Builds all of them.
pub(crate) fn build(mode: Mode) -> Result<Modules> {
    let bindgen = tools::wasm_bindgen()?.join("wasm-bindgen");
    let out = mode.folder().join("bindgen");
    fs::create_dir_all(&out)?;
    let (bindgen, out) = (&bindgen, &out);
    let mut built = thread::scope(|scope| {
        let work = |lane: Lane| {
            let modules = MODULES.iter().filter(move |module| module.lane == lane);
            scope.spawn(move || -> Result<Vec<_>> {
                let finishing = modules.map(|module| {
                    let raw = compile(module, mode)?;
                    Ok(scope.spawn(move || finish(module, mode, &raw, bindgen, out)))
                });
                finishing.collect()
            })
        };
        let lanes = [work(Lane::Large), work(Lane::Others)];
        let finishing = lanes.map(|lane| joined(lane)).into_iter().collect::<Result<Vec<_>>>()?;
        finishing.into_iter().flatten().map(joined).collect::<Result<Vec<_>>>()
    })?;
    let mut take = |name| {
        let at = built.iter().position(|module| module.name == name);
        built.swap_remove(at.expect("all of MODULES are built"))
    };
    let [page, engine, opaque, markdown, search, sw] =
        ["page", "engine", "opaque", "markdown", "search", "sw"].map(&mut take);
    let previews = MODULES.iter().filter(|module| module.package == "offing-preview");
    let previews = previews.map(|module| take(module.name)).collect();
    Ok(Modules { page, engine, opaque, markdown, search, sw, previews })
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().expect("a panic in a thread is a panic here")
}

fn compile(module: &Module, mode: Mode) -> Result<PathBuf> {
    let (profile, folder) = mode.profile(module);
    step(&format!("compile {}", module.name), || {
        let mut command = cargo();
        command.args(["build", "-q", "--target", "wasm32-unknown-unknown", "--profile", profile]);
        command.args(["-p", module.package, "--bin", module.bin]);
        command.args(["--config", &flags(module)]);
        command.arg("--target-dir").arg(module.lane.target());
        if !module.features.is_empty() {
            command.args(["--features", &module.features.join(",")]);
        }
        run(&mut command)
    })?;
    let built = module.lane.target().join("wasm32-unknown-unknown").join(folder);
    Ok(built.join(format!("{}.wasm", module.bin)))
}

/// What rustc is told beyond the profile: views of one type instead of one type for each
/// view, which makes the page smaller, and no folder of the builder's machine in messages. What draws
/// PDF works on many pixels at once, by instructions that browsers have had since Chromium 91, Firefox 89
/// and Safari 16.4.
fn flags(module: &Module) -> String {
    let mut flags = vec!["--cfg=erase_components".to_owned()];
    if module.lane == Lane::Large {
        flags.push("-Ctarget-feature=+simd128".to_owned());
    }
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    if let Some(home) = home {
        let crates = home.join("registry/src");
        flags.push(format!("--remap-path-prefix={}=crates", crates.display()));
    }
    format!("target.wasm32-unknown-unknown.rustflags={}", json!(flags))
}

fn finish(module: &Module, mode: Mode, raw: &Path, bindgen: &Path, out: &Path) -> Result<Built> {
    let name = module.name;
    run(program(bindgen)
        .arg(raw)
        .args(["--target", module.glue, "--out-name", name, "--no-typescript", "--out-dir"])
        .arg(out.join(name))
        .args(match mode {
            Mode::Dev => ["--debug"].as_slice(),
            // The names are needed once more, and go then.
            Mode::Release => &[],
        }))?;
    let wasm = out.join(name).join(format!("{name}_bg.wasm"));
    if mode == Mode::Release {
        fs::write(&wasm, order::by_name(&fs::read(&wasm)?)?)?;
    }
    Ok(Built { name, script: out.join(name).join(format!("{name}.js")), wasm })
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_hexadecimal_keep_their_zeros() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa0]), "000fa0");
    }

    #[test]
    fn what_one_module_needs_no_other_links() {
        for module in &MODULES {
            assert_eq!(module.features.contains(&"engine"), module.name == "engine");
            assert_eq!(module.features.contains(&"opaque"), module.name == "opaque");
            assert_eq!(module.features.contains(&"parser"), module.name == "markdown");
        }
    }
}
