//! Every parser of previews on real files: those that Debian's packages carry.
//!
//! Source packages of tools bring what broke such tools once, and what the usual programs
//! wrote; packages of documentation bring what people wrote. They are fetched by apt into a
//! folder below the target folder and stay there; none is committed. Each file is opened by a
//! program of its own, with the memory and the time of an answer that the sandbox gives: one
//! that falls over is a defect, whatever the file. A sample of them is opened in the real
//! sandbox, in a browser without network (`tests/e2e/corpus.js`).

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Mutex,
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    check, dist,
    run::{cargo, program, run, step, target},
    tools,
};

/// What is taken of the packages and read by a parser of ours, which a native program has too.
const PARSED: [&str; 28] = [
    "pdf", "xlsx", "xlsm", "xltx", "ods", "ots", "docx", "docm", "dotx", "dotm", "epub", "zip",
    "jar", "tar", "tgz", "tar.gz", "tar.zst", "zst", "csv", "tsv", "jpg", "jpeg", "png", "webp",
    "tif", "heic", "avif", "md",
];
/// What only a browser reads: drawn anew by a script of the sandbox, or decoded by the browser.
const DRAWN: [&str; 15] = [
    "html", "htm", "xhtml", "svg", "gif", "bmp", "ico", "mp3", "ogg", "oga", "opus", "flac", "wav",
    "m4a", "ogv",
];
/// Sources whose tests bring files.
const SOURCES: [&str; 34] = [
    "qpdf",
    "pikepdf",
    "pdfminer",
    "pypdf",
    "libpdfbox2-java",
    "pdf.js",
    "cups-filters",
    "okular",
    "gnumeric",
    "libapache-poi-java",
    "libexcel-writer-xlsx-perl",
    "libodfdom-java",
    "libxlsxwriter",
    "python-odf",
    "python-docx-template",
    "python-docxcompose",
    "pandoc",
    "calibre",
    "calligra",
    "libcommons-compress-java",
    "libzip",
    "golang-1.19",
    "csvkit",
    "exiv2",
    "libimage-exiftool-perl",
    "r-cran-readr",
    "libreoffice",
    "librsvg",
    "qtsvg-opensource-src",
    "html5lib",
    "mutagen",
    "taglib",
    "cmark-gfm",
    "libzstd",
];
/// Documentation, some of it as books.
const PACKAGES: [&str; 10] = [
    "debian-policy",
    "debmake-doc",
    "developers-reference",
    "live-manual-epub",
    "texlive-lang-chinese",
    "texlive-lang-japanese",
    "texlive-latex-recommended-doc",
    "ubuntu-packaging-guide-epub",
    "ubuntu-packaging-guide-epub-de",
    "ubuntu-packaging-guide-epub-ru",
];
/// Files of one ending that one package brings: some bring thousands of icons.
const ALIKE_MAX: usize = 2_500;
/// Fewer show little.
const FILES_MIN: usize = 1_000;
/// The module's 256 MiB, and what a native program has beside them: code, stacks, a heap with
/// pointers twice as wide.
const MEMORY_BYTES_MAX: u64 = 640 << 20;
/// The probe's own watch ends a slow answer; this ends a probe that does not end.
const FILE_SECONDS_MAX: u64 = 120;
/// What the probe answers when it was too slow.
const SLOW: i32 = 3;

/// How a file fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Opened,
    Refused,
    /// Over the time or the memory: ended, as the sandbox would.
    Ended,
    Crashed,
}

/// Fetches what is missing and runs the parsers; `--no-fetch` uses what is there, `--browser N`
/// opens so many of the files in a browser instead, and those too that were not opened before.
pub(crate) fn corpus(arguments: &[String]) -> Result<()> {
    let folder = target().join("corpus");
    let files = folder.join("files");
    let (mut fetches, mut sample) = (true, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--no-fetch" => fetches = false,
            "--browser" => {
                let number = words.next().context("--browser names a number")?;
                let count = number.parse::<usize>();
                sample = Some(count.with_context(|| format!("{number} is no number"))?);
            }
            other => bail!("corpus takes --no-fetch, --browser N, not {other:?}"),
        }
    }
    if fetches {
        step("fetch", || fetch(&folder, &files))?;
    }
    let mut paths = gathered(&files)?;
    let (count, place) = (paths.len(), files.display());
    ensure!(count >= FILES_MIN, "there are only {count} files in {place}");
    match sample {
        None => {
            paths.retain(|path| ends_with(path, &PARSED));
            natively(&folder, &files, &paths)
        }
        Some(sample) => {
            step("open files in a browser", || in_browser(&folder, &files, &paths, sample))
        }
    }
}

fn natively(folder: &Path, files: &Path, paths: &[PathBuf]) -> Result<()> {
    let probe = step("build the probe", build)?;
    let lines = step(&format!("open {} files", paths.len()), || open_all(&probe, paths))?;
    let mut counts = BTreeMap::new();
    let mut report = String::new();
    for (path, (fate, said)) in paths.iter().zip(&lines) {
        *counts.entry((ending(path), *fate)).or_insert(0) += 1;
        let inside = path.strip_prefix(files).expect("the walk never leaves the folder");
        report += &format!("{fate:?}\t{}\t{}\n", inside.display(), said.replace('\n', " "));
    }
    fs::write(folder.join("report.tsv"), report)?;
    for ((kind, fate), count) in &counts {
        eprintln!("   {kind:<6}{count:>6} {fate:?}");
    }
    eprintln!("   each in {}", folder.join("report.tsv").display());
    ensure!(counts.keys().all(|(_, fate)| *fate != Fate::Crashed), "a parser fell over");
    Ok(())
}

/// Opens some of each kind in the app as people get it, and all that were refused or ended natively.
fn in_browser(folder: &Path, files: &Path, paths: &[PathBuf], count: usize) -> Result<()> {
    let report = fs::read_to_string(folder.join("report.tsv")).unwrap_or_default();
    let hard = report.lines().filter(|line| !line.starts_with("Opened"));
    let hard = hard.filter_map(|line| Some(files.join(line.split('\t').nth(1)?)));
    let mut chosen: Vec<PathBuf> = hard.filter(|path| path.exists()).collect();
    let kinds = by(paths, ending);
    let each = count.div_ceil(kinds.len());
    chosen.extend(kinds.into_values().flat_map(|alike| spread(alike, each)));
    chosen.sort();
    chosen.dedup();
    let list = folder.join("browser.txt");
    let lines: Vec<String> = chosen.iter().map(|path| path.display().to_string()).collect();
    fs::write(&list, lines.join("\n"))?;
    tools::for_build()?;
    tools::for_tests()?;
    dist::release_once()?;
    run(check::in_browser(&[check::e2e().join("corpus.js")])?
        .env("OFFING_CORPUS", list)
        .env("OFFING_CORPUS_REPORT", folder.join("browser.jsonl")))
}

/// As the tests are built: with the checks of a developers' build, which a release lacks.
fn build() -> Result<PathBuf> {
    run(cargo().args([
        "build",
        "-q",
        "-p",
        "offing-preview",
        "--all-features",
        "--example",
        "probe",
    ]))?;
    Ok(target().join("debug/examples/probe"))
}

/// Each package into a folder of its own, unless that is there.
fn fetch(folder: &Path, files: &Path) -> Result<()> {
    let lists = folder.join("lists/partial");
    fs::create_dir_all(&lists)?;
    fs::create_dir_all(files)?;
    let sources = folder.join("debian.sources");
    let own = fs::read_to_string("/etc/apt/sources.list.d/debian.sources")
        .context("only a machine with Debian's sources can fetch")?;
    fs::write(&sources, own.replace("Types: deb\n", "Types: deb-src\n"))?;
    let apt = |inside: &Path| {
        let mut apt = program("apt-get");
        apt.current_dir(inside).arg("-q").args(["-o", "APT::Sandbox::User=root"]);
        apt
    };
    let with_sources = |mut apt: Command| {
        apt.arg("-o").arg(format!("Dir::Etc::SourceList={}", sources.display()));
        apt.args(["-o", "Dir::Etc::SourceParts=-"]);
        apt.arg("-o").arg(format!("Dir::State::Lists={}", folder.join("lists").display()));
        apt
    };
    run(with_sources(apt(folder)).arg("update"))?;
    for (name, is_source) in
        SOURCES.map(|name| (name, true)).into_iter().chain(PACKAGES.map(|name| (name, false)))
    {
        let to = files.join(name);
        if to.exists() {
            continue;
        }
        let work = folder.join("work");
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        let brought = if is_source {
            run(with_sources(apt(&work)).args(["source", "--tar-only", name]))
        } else {
            run(apt(&work).args(["download", name]))
        };
        if brought.is_err() {
            // Mirrors lack one now and then; the others are enough.
            eprintln!("   {name} is not to be had");
            continue;
        }
        let unpacked = folder.join("unpacked");
        fs::create_dir_all(&unpacked)?;
        unpack(&work, &unpacked)?;
        fs::rename(&unpacked, &to)?;
        fs::remove_dir_all(&work)?;
    }
    Ok(())
}

/// Takes the files with the right endings out of what apt brought.
fn unpack(work: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(work)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut tar = program("tar");
        let is_tar = name.contains(".tar.") && !name.ends_with(".asc");
        if is_tar {
            tar.arg("-xf").arg(&path);
        } else if name.ends_with(".deb") {
            let inside = work.join("data.tar");
            fs::write(&inside, bytes_of(program("dpkg-deb").arg("--fsys-tarfile").arg(&path))?)?;
            tar.arg("-xf").arg(inside);
        } else {
            continue;
        }
        tar.arg("-C")
            .arg(to)
            .arg("--wildcards")
            .args(endings().map(|ending| format!("*.{ending}")));
        // It fails where an archive has none.
        tar.output().context("cannot start tar")?;
    }
    Ok(())
}

fn bytes_of(command: &mut Command) -> Result<Vec<u8>> {
    let Output { status, stdout, .. } = command.output()?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(stdout)
}

fn endings() -> impl Iterator<Item = &'static str> {
    PARSED.into_iter().chain(DRAWN)
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    endings.iter().any(|ending| name.ends_with(&format!(".{ending}")))
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn by<K: Ord>(paths: &[PathBuf], key: impl Fn(&Path) -> K) -> BTreeMap<K, Vec<PathBuf>> {
    let mut groups = BTreeMap::new();
    for path in paths {
        groups.entry(key(path)).or_insert_with(Vec::new).push(path.clone());
    }
    groups
}

/// So many of them, from all over.
fn spread(paths: Vec<PathBuf>, count: usize) -> impl Iterator<Item = PathBuf> {
    let step = paths.len().div_ceil(count).max(1);
    paths.into_iter().step_by(step)
}

/// All that were fetched, of what a package has very many of some.
fn gathered(files: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    gather(files, &mut paths)?;
    paths.sort();
    let package = |path: &Path| {
        let inside = path.strip_prefix(files).expect("the walk never leaves the folder");
        inside.iter().next().unwrap_or_default().to_owned()
    };
    let alike = by(&paths, |path| (package(path), ending(path)));
    Ok(alike.into_values().flat_map(|alike| spread(alike, ALIKE_MAX)).collect())
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            gather(&path, found)?;
        } else if entry.file_type()?.is_file()
            && (ends_with(&path, &PARSED) || ends_with(&path, &DRAWN))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Opens each file, on all cores.
fn open_all(probe: &Path, paths: &[PathBuf]) -> Result<Vec<(Fate, String)>> {
    let cores = thread::available_parallelism()?.get();
    let results = Mutex::new(vec![None; paths.len()]);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|first| {
                let results = &results;
                scope.spawn(move || -> Result<()> {
                    for at in (first..paths.len()).step_by(cores) {
                        let result = open(probe, &paths[at])?;
                        results.lock().expect("no thread panics with it")[at] = Some(result);
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a panic in a thread is a panic here"))
    })?;
    let results = results.into_inner().expect("no thread panics with it");
    results.into_iter().map(|result| result.context("a file was passed over")).collect()
}

fn open(probe: &Path, path: &Path) -> Result<(Fate, String)> {
    let Output { status, stdout, stderr } = program("timeout")
        .arg(FILE_SECONDS_MAX.to_string())
        .args(["prlimit", &format!("--as={MEMORY_BYTES_MAX}")])
        .arg(probe)
        .arg(path)
        .env("RUST_BACKTRACE", "0")
        .output()?;
    let said = String::from_utf8_lossy(&stdout).trim().to_owned();
    let why = String::from_utf8_lossy(&stderr);
    let short = why.contains("memory allocation of");
    Ok(match status.code() {
        Some(0) if said.contains("\"refused\"") => (Fate::Refused, said),
        Some(0) => (Fate::Opened, said),
        Some(SLOW | 124) => (Fate::Ended, "time".to_owned()),
        _ if short => (Fate::Ended, "memory".to_owned()),
        code => {
            let signal = status.signal();
            (Fate::Crashed, format!("{code:?} {signal:?} {}", why.trim()))
        }
    })
}
