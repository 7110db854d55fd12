//! What `deploy/` sets is what this program takes: a flag, a variable or a command that is renamed
//! here and not there would be found by whoever runs a server.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};

use super::Arguments;

/// All files below a folder, by their paths.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// All lines of `deploy/` that are no comments, with what says where they are.
fn lines() -> Vec<(String, String)> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let mut lines = Vec::new();
    for (path, text) in files(&deploy) {
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim_start().starts_with('#') {
                lines.push((format!("{}:{number}", path.display()), line.to_owned()));
            }
        }
    }
    lines
}

/// The variables that a line sets, with their values; those that compose puts in (`${…}`) are its own.
fn variables(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("OFFING_") {
        let is_of_name = |it: &char| matches!(it, 'A'..='Z' | '0'..='9' | '_');
        let name: String = line[at..].chars().take_while(is_of_name).collect();
        if line[..at].ends_with("${") {
            continue;
        }
        let rest = &line[at + name.len()..];
        let value = match rest.strip_prefix('=') {
            Some(rest) => rest.split_whitespace().next(),
            None => rest.strip_prefix(':').map(str::trim),
        };
        found.push((name, value.unwrap_or_default().trim_matches(['"', '\'']).to_owned()));
    }
    found
}

/// What a line has the program begin with, if it does: of a unit, an image, a pod.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = |text: &str| {
        let words = text.split([' ', ',', '[', ']']).map(|word| word.trim_matches('"'));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    if let Some(said) = line.trim().strip_prefix("args:") {
        return Some(words(said));
    }
    let starts = ["ExecStart=", "ENTRYPOINT", "HEALTHCHECK"];
    let starts = starts.iter().any(|start| line.starts_with(start));
    let (_, said) = line.split_once("/offing-server").filter(|_| starts)?;
    Some(words(said.trim_start_matches('"')))
}

#[test]
fn every_variable_is_one_that_the_program_reads_and_takes() {
    let command = Arguments::command();
    let mut seen = 0;
    for (place, line) in lines() {
        for (name, value) in variables(&line) {
            let known = command.get_arguments().find(|it| it.get_env() == Some(name.as_ref()));
            let flag = known.unwrap_or_else(|| panic!("{place}: nothing reads {name}"));
            if !value.is_empty() && !value.contains('$') {
                let said = format!("--{}={value}", flag.get_long().unwrap());
                let taken = Arguments::try_parse_from(["offing-server", &said]);
                assert!(taken.is_ok(), "{place}: {name} cannot be {value}");
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} are seen");
}

#[test]
fn every_line_that_starts_the_program_is_one_that_it_understands() {
    let mut seen = Vec::new();
    for (place, line) in lines() {
        if let Some(said) = arguments(&line) {
            let taken = Arguments::try_parse_from(["offing-server".to_owned()].iter().chain(&said));
            assert!(taken.is_ok(), "{place}: {:?}", taken.err());
            seen.push(said.first().cloned().unwrap_or_default());
        }
    }
    for command in ["", "backup", "edge", "fsck", "ready", "restore", "--config"] {
        assert!(seen.iter().any(|it| it == command), "{command} is not seen in {seen:?}");
    }
}

#[test]
fn what_is_not_understood_would_be_seen() {
    let set = |line: &str| variables(line).into_iter().next().unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(set("  OFFING_TRUST_PROXY: \"true\""), pair("OFFING_TRUST_PROXY", "true"));
    assert_eq!(set("ENV OFFING_DATA=/data OFFING_LISTEN=x"), pair("OFFING_DATA", "/data"));
    assert_eq!(variables("  A: ${OFFING_SECRET:?}"), []);
    assert_eq!(arguments("  args: [edge, --wrong]").unwrap(), ["edge", "--wrong"]);
    assert_eq!(arguments("ExecStart=/bin/offing-server backup --to x").unwrap().len(), 3);
    assert!(Arguments::try_parse_from(["offing-server", "edge", "--wrong"]).is_err());
}
