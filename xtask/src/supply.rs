//! What the repository depends on: licences, registries and the oldest Rust, against `deny.toml`; by cargo-deny, with its advisories, or without it.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spdx::{Expression, LicenseReq, ParseMode};

use crate::matrix::root;
use crate::shell::{cargo, read, run, succeeds};

/// Of each lock file of the repository but `benches/peers`, which nobody uses; see `deny.toml`.
const MANIFESTS: [&str; 3] = ["Cargo.toml", "firmware-example/boards/Cargo.toml", FUZZ];

/// Compiled by a nightly compiler.
const FUZZ: &str = "fuzz/Cargo.toml";

/// `rust-version` of the workspace.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Where cargo-deny has its advisories from.
const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";

/// Runs cargo-deny, with advisories where they can be had.
pub fn deny() -> Result<()> {
    if !succeeds("cargo", &["deny", "--version"]) {
        anstream::eprintln!("Installing cargo-deny, which checks dependencies.");
        run(&mut cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    let reachable = succeeds("git", &["ls-remote", "--exit-code", ADVISORIES, "HEAD"]);
    let advisories: &[&str] = if reachable { &["advisories"] } else { &[] };
    for manifest in MANIFESTS {
        let mut deny = cargo(&["deny", "--manifest-path", manifest, "--config"]);
        run(deny.arg(root().join("deny.toml")).args(["check", "licenses", "bans", "sources"]).args(advisories))?;
    }
    if !reachable {
        anstream::eprintln!("Advisories were not checked: {ADVISORIES} cannot be reached from here.");
    }
    Ok(())
}

/// What `deny.toml` says of licences and sources.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    exceptions: Vec<Exception>,
}

/// Licences that one package may have besides.
#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

/// What Cargo says of a workspace and all that it depends on, for every target.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for a path.
    source: Option<String>,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct ToolchainFile {
    toolchain: Toolchain,
}

#[derive(Deserialize)]
struct Toolchain {
    channel: String,
}

/// What of this can be seen in the lock files and packages alone, in a second.
pub fn check() -> Result<()> {
    let deny: Deny = toml_file("deny.toml")?;
    let mut problems = Vec::new();
    for manifest in MANIFESTS {
        let metadata =
            read(&mut cargo(&["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest]))?;
        let Metadata { packages } =
            serde_json::from_str(&metadata).context("cannot read what cargo metadata prints")?;
        problems.extend(packages.iter().flat_map(|package| deny.problems(package)));
        if manifest != FUZZ {
            problems.extend(packages.iter().filter_map(Package::newer_than_oldest_rust));
        }
    }
    problems.extend(toolchain(&toml_file("rust-toolchain.toml")?));
    ensure!(problems.is_empty(), "{}", problems.join("; "));
    Ok(())
}

fn toml_file<T: DeserializeOwned>(name: &str) -> Result<T> {
    let text = fs::read_to_string(root().join(name)).with_context(|| format!("cannot read {name}"))?;
    toml::from_str(&text).with_context(|| format!("cannot read {name}"))
}

/// The tests show that [`OLDEST_RUST`] is enough, as long as they run on it.
fn toolchain(file: &ToolchainFile) -> Option<String> {
    let channel = &file.toolchain.channel;
    (version(channel) != version(OLDEST_RUST)).then(|| {
        format!("rust-toolchain.toml: the channel is {channel}, and rust-version in Cargo.toml is {OLDEST_RUST}: let both be the same")
    })
}

/// `MAJOR.MINOR` or `MAJOR.MINOR.PATCH`; `None` of another text.
fn version(text: &str) -> Option<[u64; 3]> {
    let numbers: Vec<u64> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    match numbers[..] {
        [major, minor] => Some([major, minor, 0]),
        [major, minor, patch] => Some([major, minor, patch]),
        _ => None,
    }
}

impl Deny {
    /// What a package has that it may not have.
    fn problems(&self, package: &Package) -> Vec<String> {
        let Package { name, version, license, source, .. } = package;
        let mut problems = Vec::new();
        let fits = |license: &String| {
            let expression = Expression::parse_mode(license, ParseMode::LAX);
            expression.is_ok_and(|expression| expression.evaluate(|requirement| self.allows(name, requirement)))
        };
        if !license.as_ref().is_some_and(fits) {
            let license = license.as_deref().unwrap_or("none");
            problems.push(format!("{name} {version}: its licence is {license}, which deny.toml does not allow"));
        }
        let known = |source: &String| {
            source.strip_prefix("registry+").is_some_and(|url| self.sources.allow_registry.contains(url))
        };
        if let Some(source) = source.as_ref().filter(|source| !known(source)) {
            problems.push(format!("{name} {version}: it is from {source}, which deny.toml does not allow"));
        }
        problems
    }

    fn allows(&self, package: &str, requirement: &LicenseReq) -> bool {
        let license = requirement.to_string();
        let excepted = |exception: &Exception| exception.package == package && exception.allow.contains(&license);
        self.licenses.allow.contains(&license) || self.licenses.exceptions.iter().any(excepted)
    }
}

impl Package {
    fn newer_than_oldest_rust(&self) -> Option<String> {
        let Self { name, version: number, rust_version, .. } = self;
        let needed = rust_version.as_ref().filter(|needed| version(needed) > version(OLDEST_RUST))?;
        Some(format!("{name} {number}: it needs Rust {needed}, and rust-version in Cargo.toml is {OLDEST_RUST}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(license: Option<&str>, source: &str, rust_version: &str) -> Package {
        Package {
            name: "colored".to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: Some(source.to_owned()),
            rust_version: Some(rust_version.to_owned()),
        }
    }

    #[test]
    fn licences_and_registries_are_those_of_the_file() {
        let deny: Deny = toml_file("deny.toml").unwrap();
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let problems = |license, source| deny.problems(&package(license, source, "1.0")).len();
        for license in ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(MIT OR NCSA) AND Zlib", "MPL-2.0"] {
            assert_eq!(problems(Some(license), registry), 0, "{license}");
        }
        for license in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "NCSA", "", "Beerware licence of some kind"] {
            assert_eq!(problems(Some(license), registry), 1, "{license}");
        }
        assert_eq!(problems(None, registry), 1);
        for source in ["git+https://example.com/colored", "registry+https://example.com/index"] {
            assert_eq!(problems(Some("MIT"), source), 1, "{source}");
        }
    }

    #[test]
    fn no_package_and_no_toolchain_is_newer_than_the_oldest_rust() {
        for (needed, newer) in [("1.0", false), (OLDEST_RUST, false), ("1.99.1", true), ("2.0", true)] {
            let package = package(None, "", needed);
            assert_eq!(package.newer_than_oldest_rust().is_some(), newer, "{needed}");
            let file = toml::from_str(&format!("toolchain.channel = \"{needed}\"")).unwrap();
            assert_eq!(toolchain(&file).is_none(), needed == OLDEST_RUST, "{needed}");
        }
    }
}
