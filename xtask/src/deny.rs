//! Holds the dependencies to `deny.toml`: licences, sources, banned crates, wildcards.
//!
//! The rules are cargo-deny's own file, read here over `cargo metadata`, so that they are
//! checked on every machine: building cargo-deny takes longer than all other checks together.
//! Advisories need its database; they are looked at where cargo-deny is installed and the
//! database can be fetched, and a line says so where not. A rule that this check does not
//! know is an error, so that none is skipped by being new.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::run::{cargo, output, probe, program, root, run};

/// `deny.toml`, with the values that this check knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    graph: Graph,
    #[serde(rename = "advisories")]
    _advisories: toml::Table,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    targets: Vec<String>,
    all_features: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Licenses {
    #[serde(rename = "version")]
    _version: u8,
    #[serde(rename = "confidence-threshold")]
    _confidence_threshold: f64,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: String,
    wildcards: String,
    allow_wildcard_paths: bool,
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: String,
    unknown_git: String,
    allow_registry: Vec<String>,
    allow_git: Vec<String>,
}

/// What `cargo metadata` says of the packages.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

#[derive(Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

/// Checks all of it, and says everything that is wrong.
pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(root().join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml has a rule unknown here")?;
    ensure!(
        rules.graph.all_features
            && rules.bans.multiple_versions == "allow"
            && rules.bans.wildcards == "deny"
            && rules.bans.allow_wildcard_paths
            && rules.sources.unknown_registry == "deny"
            && rules.sources.unknown_git == "deny"
            && rules.sources.allow_git.is_empty(),
        "deny.toml sets a rule to a value that xtask/src/deny.rs does not check"
    );
    let mut packages = BTreeMap::new();
    let mut members = BTreeSet::new();
    for target in &rules.graph.targets {
        let found = metadata(target)?;
        let used: BTreeSet<_> = found.resolve.nodes.into_iter().map(|node| node.id).collect();
        let found_packages = found.packages.into_iter().filter(|one| used.contains(&one.id));
        packages.extend(found_packages.map(|package| (package.id.clone(), package)));
        members.extend(found.workspace_members);
    }
    let wrong: Vec<String> = packages
        .values()
        .flat_map(|package| faults(&rules, package, members.contains(&package.id)))
        .collect();
    tell_duplicates(packages.values());
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n   "));
    }
    eprintln!("   {} packages hold to deny.toml", packages.len());
    advisories()
}

fn metadata(target: &str) -> Result<Metadata> {
    let text = output(cargo().args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
        "--filter-platform",
        target,
    ]))?;
    serde_json::from_str(&text).context("cannot read what cargo metadata says")
}

/// What is wrong with a package.
fn faults(rules: &Rules, package: &Package, is_member: bool) -> Vec<String> {
    let name = format!("{} {}", package.name, package.version);
    let mut faults = Vec::new();
    match package.license.as_deref() {
        None => faults.push(format!("{name} names no licence")),
        Some(licence) => match allowed(licence, &rules.licenses.allow) {
            Ok(true) => {}
            Ok(false) => faults.push(format!("{name} has the licence {licence}")),
            Err(error) => faults.push(format!("{name}: {error}")),
        },
    }
    let known = match &package.source {
        None => is_member,
        Some(source) => source
            .strip_prefix("registry+")
            .is_some_and(|registry| rules.sources.allow_registry.iter().any(|one| one == registry)),
    };
    if !known {
        let source = package.source.as_deref().unwrap_or("a folder outside the workspace");
        faults.push(format!("{name} comes from {source}"));
    }
    if let Some(banned) = rules.bans.deny.iter().find(|banned| banned.name == package.name) {
        faults.push(format!("{name} is banned: {}", banned.reason));
    }
    if is_member {
        let wildcards = package.dependencies.iter().filter(|one| one.req == "*");
        let wildcards = wildcards.filter(|one| one.path.is_none());
        faults.extend(wildcards.map(|one| format!("{name} takes any version of {}", one.name)));
    }
    faults
}

/// Several versions of a crate are allowed, and named.
fn tell_duplicates<'a>(packages: impl Iterator<Item = &'a Package>) {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    let several: Vec<String> =
        several.map(|(name, versions)| format!("{name} {}", versions.join(" "))).collect();
    eprintln!("   in several versions: {}", several.join(", "));
}

/// Says whether a licence expression can be met by what is allowed.
fn allowed(expression: &str, allow: &BTreeSet<String>) -> Result<bool> {
    // The slash of old manifests means "or".
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = Words { words: spaced.split_whitespace().peekable(), allow };
    let met = words.any_of()?;
    match words.words.next() {
        None => Ok(met),
        Some(word) => bail!("{word:?} is out of place in the licence {expression:?}"),
    }
}

/// An SPDX expression, word by word.
struct Words<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    allow: &'a BTreeSet<String>,
}

impl<'a, I: Iterator<Item = &'a str>> Words<'a, I> {
    fn any_of(&mut self) -> Result<bool> {
        let mut met = self.all_of()?;
        while self.words.next_if_eq(&"OR").is_some() {
            met |= self.all_of()?;
        }
        Ok(met)
    }

    fn all_of(&mut self) -> Result<bool> {
        let mut met = self.one()?;
        while self.words.next_if_eq(&"AND").is_some() {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool> {
        let word = self.words.next().context("the licence ends too early")?;
        if word == "(" {
            let met = self.any_of()?;
            ensure!(self.words.next() == Some(")"), "a bracket of the licence is left open");
            return Ok(met);
        }
        ensure!(!["AND", "OR", "WITH", ")"].contains(&word), "{word:?} names no licence");
        if self.words.next_if_eq(&"WITH").is_none() {
            return Ok(self.allow.contains(word));
        }
        let exception = self.words.next().context("the licence ends too early")?;
        Ok(self.allow.contains(&format!("{word} WITH {exception}")))
    }
}

/// Known weaknesses, where cargo-deny is installed and its database can be reached.
fn advisories() -> Result<()> {
    if probe("cargo-deny", &["--version"]).is_none() {
        eprintln!("   advisories are not looked at: cargo-deny is not installed");
        return Ok(());
    }
    if probe("cargo-deny", &["fetch", "db"]).is_none() {
        eprintln!("   advisories are not looked at: their database cannot be fetched");
        return Ok(());
    }
    run(program("cargo-deny").args(["--all-features", "check", "--disable-fetch", "advisories"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_met_by_one_side_of_or_and_both_of_and() {
        let allow = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for met in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "MIT AND Zlib",
            "(GPL-3.0 OR MIT) AND Zlib",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(allowed(met, &allow).unwrap(), "{met}");
        }
        for refused in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "MIT WITH LLVM-exception"] {
            assert!(!allowed(refused, &allow).unwrap(), "{refused}");
        }
        for malformed in ["", "MIT OR", "(MIT", "MIT MIT", "AND MIT", "MIT)"] {
            assert!(allowed(malformed, &allow).is_err(), "{malformed}");
        }
    }

    #[test]
    fn what_the_rules_forbid_is_named() {
        let text = fs::read_to_string(root().join("deny.toml")).unwrap();
        let rules: Rules = toml::from_str(&text).unwrap();
        let registry = format!("registry+{}", rules.sources.allow_registry[0]);
        let fine = Package {
            id: String::new(),
            name: "fine".to_owned(),
            version: "1.0.0".to_owned(),
            license: Some("MIT".to_owned()),
            source: Some(registry),
            dependencies: Vec::new(),
        };
        assert_eq!(faults(&rules, &fine, false), [""; 0]);
        let any = Dependency { name: "dep".to_owned(), req: "*".to_owned(), path: None };
        let near = Dependency { path: Some("/core".to_owned()), ..any.clone() };
        let git = Some("git+https://example.org/fine".to_owned());
        for (package, is_member, fault) in [
            (Package { license: None, ..fine.clone() }, false, "names no licence"),
            (Package { license: Some("SSPL-1.0".to_owned()), ..fine.clone() }, false, "licence"),
            (Package { source: git, ..fine.clone() }, false, "comes from git"),
            (Package { source: None, ..fine.clone() }, false, "outside the workspace"),
            (Package { name: "openssl".to_owned(), ..fine.clone() }, false, "is banned"),
            (Package { dependencies: vec![near, any], ..fine.clone() }, true, "takes any version"),
        ] {
            let faults = faults(&rules, &package, is_member);
            assert!(faults.len() == 1 && faults[0].contains(fault), "{faults:?}");
        }
    }
}
