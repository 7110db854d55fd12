//! Puts the app together: what the server serves, in `dist/`.
//!
//! Everything under `assets/` carries the hash of its content in its name and never
//! changes; the few files with fixed names (`index.html`, `sw.js`, `manifest.webmanifest`,
//! `icons/`) name the rest. The server's own pages (`admin/`, `checkup/`) are beside the app and no part of it.
//! `release.json` names every file by its hash and is signed: by it
//! browsers see a new version, fetch what changed, and believe it. The folder is put together
//! elsewhere and exchanged at the end: a build that fails leaves the old one as it was.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    run::{output, program, root, run, step},
    size,
    tools::{self, www},
    wasm::{self, Mode, hex},
};

/// The finished app.
pub(crate) fn folder() -> PathBuf {
    root().join("dist")
}

/// Builds the app in release, unless this process did already.
pub(crate) fn release_once() -> Result<()> {
    static BUILT: AtomicBool = AtomicBool::new(false);
    if BUILT.load(Ordering::Relaxed) {
        return Ok(());
    }
    build(Mode::Release)?;
    BUILT.store(true, Ordering::Relaxed);
    Ok(())
}

/// Builds the app into `dist/`.
pub(crate) fn build(mode: Mode) -> Result<()> {
    tools::for_build()?;
    let modules = wasm::build(mode)?;
    let stage = mode.folder().join("dist");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    fs::create_dir_all(stage.join("assets"))?;

    let page_wasm = add_asset(&stage, "page", "wasm", &fs::read(&modules.page.wasm)?)?;
    let engine_wasm = add_asset(&stage, "engine", "wasm", &fs::read(&modules.engine.wasm)?)?;
    let opaque_wasm = add_asset(&stage, "opaque", "wasm", &fs::read(&modules.opaque.wasm)?)?;
    let markdown_wasm = add_asset(&stage, "markdown", "wasm", &fs::read(&modules.markdown.wasm)?)?;
    let search_wasm = add_asset(&stage, "search", "wasm", &fs::read(&modules.search.wasm)?)?;
    let sw_wasm = add_asset(&stage, "sw", "wasm", &fs::read(&modules.sw.wasm)?)?;
    let mut previews = Vec::new();
    for module in &modules.previews {
        previews.push(add_asset(&stage, module.name, "wasm", &fs::read(&module.wasm)?)?);
    }
    let icons = add_asset(&stage, "icons", "svg", sprite()?.as_bytes())?;
    let bundle = step("bundle scripts and styles", || {
        let wasm = [&engine_wasm, &opaque_wasm, &markdown_wasm, &search_wasm].map(String::as_str);
        bundle(&stage, mode, &modules, wasm, &sw_wasm, &previews)
    })?;
    copy_fixed(&stage)?;

    let mut page = Page::read("")?;
    for name in BUNDLES {
        page.fill(name, bundle.url(name)?)?;
    }
    page.fill("page_wasm", &page_wasm)?;
    page.fill("engine_wasm", &engine_wasm)?;
    page.fill("icons", &icons)?;
    fs::write(stage.join("index.html"), page.finish()?)?;
    // For the server's policy, which lets this one script be inline.
    fs::write(stage.join(FRAME_HASH), bundle.url("frameHash")?)?;

    // Its script has it, and the version says nothing of it.
    let (idle, mut lazy) = (bundle.list("idle")?, bundle.list("lazy")?);
    lazy.push(sw_wasm);
    let order = json!({ "idle": idle, "lazy": lazy }).to_string();
    let signed = output(release_tool("sign").arg(&stage).arg(release_key()).arg(order))?;

    if mode == Mode::Release {
        step("compress", || {
            run(program("node").arg(www().join("tools/compress.mjs")).arg(&stage))
        })?;
    }
    exchange(&stage, mode)?;
    eprintln!("   dist/ holds {}", signed.trim());
    match mode {
        Mode::Release => size::check(&folder()),
        Mode::Dev => Ok(()),
    }
}

/// Signs a build anew, under a later number: that is how a version goes back to what it was.
pub(crate) fn sign(build: &Path) -> Result<()> {
    tools::for_build()?;
    run(release_tool("sign").arg(build).arg(release_key()))?;
    // The server would go on giving out the compressed form of the one before.
    let packed = build.join("release.json.br");
    if packed.exists() {
        fs::remove_file(packed)?;
    }
    Ok(())
}

/// Makes a new key that the old one names as its successor.
pub(crate) fn rotate(old: &str, new: &str) -> Result<()> {
    run(release_tool("rotate").args([old, new]))
}

fn release_tool(command: &str) -> Command {
    let mut node = program("node");
    node.arg(www().join("tools/release.mjs")).arg(command);
    node
}

/// The file of the key that signs: whoever releases to others names one; others get one made.
/// It outlives the target folder, since devices know it again.
fn release_key() -> PathBuf {
    std::env::var_os("OFFING_RELEASE_KEY")
        .map_or_else(|| root().join("release-key.pem"), PathBuf::from)
}

/// What the bundler makes that the page names.
const BUNDLES: [&str; 11] = [
    "boot", "engine", "markdown", "searcher", "search", "editor", "readme", "viewer", "update",
    "details", "style",
];

/// Names the script of the preview's frame.
const FRAME_HASH: &str = "frame.sha256";

/// Writes a file under a name with the hash of its content; returns its address.
fn add_asset(stage: &Path, name: &str, extension: &str, bytes: &[u8]) -> Result<String> {
    let hash = hex(&Sha256::digest(bytes));
    let url = format!("/assets/{name}-{}.{extension}", &hash[..10]);
    fs::write(stage.join(&url[1..]), bytes)?;
    Ok(url)
}

/// What the bundler made: names and addresses.
struct Bundle(Value);

impl Bundle {
    fn url(&self, name: &str) -> Result<&str> {
        self.0[name].as_str().with_context(|| format!("the bundler made no {name}"))
    }

    /// A list of addresses: `lazy` is fetched only when somebody asks for it, `idle` once
    /// the page has nothing else to do.
    fn list(&self, name: &str) -> Result<Vec<String>> {
        let urls = self.0[name].as_array().context("the bundler gives no such list")?;
        Ok(urls.iter().filter_map(|url| url.as_str().map(str::to_owned)).collect())
    }
}

fn bundle(
    stage: &Path,
    mode: Mode,
    modules: &wasm::Modules,
    [engine_wasm, opaque_wasm, markdown_wasm, search_wasm]: [&str; 4],
    sw_wasm: &str,
    previews: &[String],
) -> Result<Bundle> {
    let previews: Vec<_> = modules
        .previews
        .iter()
        .zip(previews)
        .map(|(module, wasm)| {
            let name = module.name.strip_prefix("preview-").unwrap_or(module.name);
            json!({ "name": name, "glue": module.script, "wasm": wasm })
        })
        .collect();
    let order = json!({
        "out": stage,
        "minify": mode == Mode::Release,
        "clientGlue": modules.page.script,
        "engineGlue": modules.engine.script,
        "engineWasm": engine_wasm,
        "opaqueGlue": modules.opaque.script,
        "opaqueWasm": opaque_wasm,
        "markdownGlue": modules.markdown.script,
        "markdownWasm": markdown_wasm,
        "searchGlue": modules.search.script,
        "searchWasm": search_wasm,
        "swGlue": modules.sw.script,
        "swWasm": sw_wasm,
        "previews": previews,
        "releaseKey": release_key(),
    });
    let answer =
        output(program("node").arg(www().join("tools/bundle.mjs")).arg(order.to_string()))?;
    Ok(Bundle(serde_json::from_str(&answer).context("the bundler answered no JSON")?))
}

/// One SVG with a symbol for each icon that `www/icons.txt` lists. Whether it is filled is the page's
/// to say.
fn sprite() -> Result<String> {
    let names = fs::read_to_string(www().join("icons.txt"))?;
    let mut sprite = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\">");
    for name in names.lines().map(str::trim).filter(|name| !name.is_empty()) {
        let path = www().join(format!("node_modules/lucide-static/icons/{name}.svg"));
        let icon = fs::read_to_string(&path)
            .with_context(|| format!("www/icons.txt: the icon set has no {name:?}"))?;
        let open = icon.find("<svg").context("an icon without <svg")?;
        let start = open + icon[open..].find('>').context("an icon whose <svg never ends")? + 1;
        let end = icon.rfind("</svg>").context("an icon without </svg>")?;
        let shapes: Vec<&str> = icon[start..end].lines().map(str::trim).collect();
        write!(
            sprite,
            "<symbol id=\"{name}\" viewBox=\"0 0 24 24\" stroke=\"currentColor\" stroke-width=\"2\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\">{}</symbol>",
            shapes.concat()
        )?;
    }
    sprite.push_str("</svg>");
    Ok(sprite)
}

/// Copies the files that keep their names.
fn copy_fixed(stage: &Path) -> Result<()> {
    let name = "manifest.webmanifest";
    fs::copy(www().join(name), stage.join(name)).with_context(|| format!("www/{name}"))?;
    fs::create_dir_all(stage.join("icons"))?;
    for icon in fs::read_dir(www().join("icons"))? {
        let icon = icon?;
        fs::copy(icon.path(), stage.join("icons").join(icon.file_name()))?;
    }
    for page in SERVER_PAGES {
        fs::create_dir_all(stage.join(page))?;
        fs::write(stage.join(page).join("index.html"), Page::read(page)?.finish()?)?;
    }
    Ok(())
}

/// The server's own pages, by their addresses; `assets.rs` of the server knows them.
const SERVER_PAGES: [&str; 2] = ["admin", "checkup"];

/// The `index.html` of a page while its `{{names}}` are filled in.
struct Page {
    text: String,
}

impl Page {
    /// Reads that of the page at an address.
    fn read(address: &str) -> Result<Self> {
        Ok(Self { text: fs::read_to_string(www().join(address).join("index.html"))? })
    }

    fn fill(&mut self, name: &str, value: &str) -> Result<()> {
        let mark = format!("{{{{{name}}}}}");
        ensure!(self.text.contains(&mark), "www/index.html has no {mark}");
        self.text = self.text.replace(&mark, value);
        Ok(())
    }

    fn finish(self) -> Result<String> {
        if let Some(place) = self.text.find("{{") {
            let rest: String = self.text[place..].chars().take(20).collect();
            bail!("www/index.html has a name that the build does not know: {rest}");
        }
        // The policy allows no inline script, so one would be dead weight at best.
        let inline = self.text.split("<script").skip(1).any(|tag| {
            tag.split('>').next().is_some_and(|attributes| !attributes.contains("src="))
        });
        ensure!(!inline && !self.text.contains("<style"), "www/index.html has inline code");
        Ok(self.text)
    }
}

/// Puts the finished folder in the place of the old one.
fn exchange(stage: &Path, mode: Mode) -> Result<()> {
    let old = mode.folder().join("old");
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    if folder().exists() {
        fs::rename(folder(), &old)?;
    }
    fs::rename(stage, folder()).context("cannot put dist/ in place")?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { text: text.to_owned() }
    }

    #[test]
    fn a_page_is_filled_in() {
        let mut page = page("<script src=\"{{boot}}\"></script>");
        page.fill("boot", "/assets/boot.js").unwrap();
        assert_eq!(page.finish().unwrap(), "<script src=\"/assets/boot.js\"></script>");
    }

    #[test]
    fn a_name_that_nobody_fills_in_fails_the_build() {
        assert!(page("<p>{{forgotten}}</p>").finish().is_err());
        assert!(page("<p></p>").fill("missing", "x").is_err());
    }

    #[test]
    fn inline_code_fails_the_build() {
        assert!(page("<script>go()</script>").finish().is_err());
        assert!(page("<style>p { color: red }</style>").finish().is_err());
    }

    #[test]
    fn the_committed_page_has_the_names_that_the_build_fills_in() {
        let mut page = Page::read("").unwrap();
        for name in BUNDLES.into_iter().chain(["page_wasm", "engine_wasm", "icons"]) {
            page.fill(name, "x").unwrap();
        }
        page.finish().unwrap();
        for page in SERVER_PAGES {
            Page::read(page).unwrap().finish().unwrap();
        }
    }
}
