//! What must not be there: each boundary of the architecture as a scan of the sources.
//!
//! Comments are left out of the scans; tests of the packages too where they may do more
//! than the code they test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The sources below a folder (or one file), with their paths from the root.
fn sources(place: &str) -> Vec<(String, String)> {
    let (mut open, mut found) = (vec![root().join(place)], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, code_of(&fs::read_to_string(&path).unwrap())));
        }
    }
    assert!(!found.is_empty(), "{place} has sources");
    found.sort();
    found
}

/// The code without comments and without the tests at its end.
fn code_of(source: &str) -> String {
    let before_tests = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code = before_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// Where one of `words` stands in the sources of `place`, outside `allowed`.
fn found(place: &str, words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    for (name, code) in sources(place) {
        if allowed.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                hits.push(format!(
                    "{name}: {word} in {:?} (code line {})",
                    line.trim(),
                    number + 1
                ));
            }
        }
    }
    hits
}

fn assert_absent(place: &str, words: &[&str], allowed: &[&str]) {
    let hits = found(place, words, allowed);
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

fn manifest(package: &str) -> String {
    fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap()
}

/// The dependencies of a package, without those of its tests.
fn dependencies(package: &str) -> Vec<String> {
    let text = manifest(package);
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if inside && !line.trim().is_empty() && !line.starts_with('#') {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn the_scan_finds_what_is_there() {
    assert!(!found("worker/src/store", &["indexedDB"], &[]).is_empty());
    assert!(!found("worker/src/net", &["\"fetch\""], &[]).is_empty());
    assert!(!found("core/src", &["open_body"], &[]).is_empty());
}

#[test]
fn core_has_no_clock_no_randomness_no_files_and_no_sockets() {
    let words = [
        "std::time",
        "SystemTime",
        "Instant",
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "std::env",
        "thread_rng",
        "OsRng",
        "from_entropy",
        "getrandom",
        "tokio",
        "web_sys",
        "js_sys",
        "wasm_bindgen",
    ];
    assert_absent("core/src", &words, &[]);
}

#[test]
fn only_the_store_opens_indexed_db() {
    let words = ["indexedDB", "IdbDatabase", "IdbFactory", "IdbObjectStore", "IdbOpen"];
    assert_absent("worker/src", &words, &["worker/src/store"]);
    assert_absent("client/src", &words, &[]);
}

#[test]
fn only_net_calls_the_server() {
    let words = ["fetch_with", "\"fetch\"", "WebSocket", "XmlHttpRequest", "EventSource"];
    assert_absent("worker/src", &words, &["worker/src/net"]);
    assert_absent("client/src", &words, &[]);
    assert_absent("cli/src", &["reqwest", "std::net", "TcpStream"], &["cli/src/wire.rs"]);
}

#[test]
fn the_command_line_decides_and_seals_nothing_by_itself() {
    assert_absent("cli/src", &["rusqlite"], &["cli/src/store.rs"]);
    let words = ["envelope", "author::", "aead", "seal_", "open_body", "Machine", "LogState"];
    assert_absent("cli/src", &words, &[]);
}

#[test]
fn client_worker_and_server_do_not_know_each_other() {
    let strangers: [(&str, &[&str]); 7] = [
        ("client", &["offing-worker", "offing-server", "offing-cli"]),
        ("worker", &["offing-client", "offing-server", "offing-cli"]),
        ("server", &["offing-client", "offing-worker", "offing-cli"]),
        ("core", &["offing-client", "offing-worker", "offing-server", "offing-cli"]),
        ("markdown", &["offing-client", "offing-worker", "offing-server", "offing-cli"]),
        ("search", &["offing-client", "offing-worker", "offing-server", "offing-cli"]),
        ("cli", &["offing-client", "offing-server"]),
    ];
    for (package, others) in strangers {
        for line in dependencies(package) {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            assert!(!others.contains(&name), "{package}: {line}");
        }
        let names: Vec<String> =
            others.iter().map(|other| format!("{}::", other.replace('-', "_"))).collect();
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_absent(&format!("{package}/src"), &words, &[]);
    }
}

#[test]
fn the_page_links_no_replica_and_no_key() {
    for line in dependencies("client") {
        assert!(!line.contains("automerge"), "{line}");
        let core = line.starts_with("offing-core");
        assert!(!core || !line.contains("features"), "the page needs no feature of core: {line}");
    }
    let words = ["offing_core::crypto", "offing_core::account", "CryptoKey", "SubtleCrypto"];
    assert_absent("client/src", &words, &[]);
}

#[test]
fn the_service_worker_is_built_without_the_engine() {
    let text = manifest("worker");
    let bins: Vec<&str> = text.split("[[bin]]").skip(1).collect();
    let of = |name: &str| {
        let needle = format!("name = \"{name}\"");
        *bins.iter().find(|bin| bin.contains(&needle)).expect("the program is declared")
    };
    assert!(of("engine").contains("required-features = [\"engine\"]"));
    let sw = of("sw").split("\n[").next().unwrap();
    assert!(!sw.contains("required-features"), "{sw}");
    assert!(text.contains("default = []"), "the engine is asked for by name");
}

#[test]
fn what_the_service_worker_runs_names_no_key() {
    let words = [
        "crypto",
        "Secret",
        "SigningKey",
        "AeadKey",
        "MasterKey",
        "RawKey",
        "Keys",
        "KeyStore",
        "envelope",
        "open_body",
        "hazmat",
        "replica",
    ];
    for place in ["worker/src/push.rs", "worker/src/bin/sw.rs", "worker/src/store/outbox.rs"] {
        assert_absent(place, &words, &[]);
    }
}

#[test]
fn the_server_opens_nothing() {
    let words = [
        "envelope",
        "open_body",
        "open_chunk",
        "open_manifest",
        "open_secret",
        "open_slot",
        "open_identity",
        "open_name",
        "native-crypto",
        "NativeCrypto",
        "aes_gcm",
        "hazmat",
    ];
    assert_absent("server/src", &words, &[]);
    for line in dependencies("server") {
        let core = line.starts_with("offing-core");
        assert!(!core || !line.contains("native-crypto") && !line.contains("replica"), "{line}");
    }
}

#[test]
fn nobody_writes_unsafe_code() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(text.contains("unsafe_code = \"forbid\""));
    assert_absent("client/src", &["unsafe {", "unsafe fn", "unsafe impl"], &[]);
    for package in ["core", "worker", "server", "cli", "tests", "xtask"] {
        assert!(manifest(package).contains("[lints]\nworkspace = true"), "{package}");
    }
}
