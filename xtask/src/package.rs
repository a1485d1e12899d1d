//! What is published compiles without the rest of this repository.

use std::fs;

use anyhow::{Context, Result};

use crate::matrix::root;
use crate::qemu::target_directory;
use crate::shell::{cargo, command, run};

const PACKAGES: [&str; 2] = ["gru-core", "gru-export"];

/// Packs what is published, and checks it in a workspace of its own, which takes the versions of `Cargo.lock`.
pub fn check() -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    run(cargo(&["package", "--quiet", "--allow-dirty", "--no-verify"]).args(packages))?;

    let directory = target_directory()?.join("packaged");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    // All packages have the version of the workspace.
    let members = PACKAGES.map(|package| format!("{package}-{}", env!("CARGO_PKG_VERSION")));
    for member in &members {
        let unpacked = directory.join(member);
        if unpacked.exists() {
            fs::remove_dir_all(&unpacked).with_context(|| format!("cannot remove {}", unpacked.display()))?;
        }
        // With the time of unpacking, by which Cargo knows what is new.
        let packed = target_directory()?.join(format!("package/{member}.crate"));
        run(command("tar", &["-xzmf"]).arg(packed).arg("-C").arg(&directory))?;
    }
    let write = |name: &str, text: String| {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("Cargo.toml", manifest(&members))?;
    write("Cargo.lock", fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?)?;
    let mut check = cargo(&["check", "--quiet", "--workspace", "--manifest-path"]);
    run(check.arg(directory.join("Cargo.toml")).env("CARGO_TARGET_DIR", target_directory()?))
}

/// A workspace of them, in which one depends on the other as if it came from the registry.
fn manifest(members: &[String; 2]) -> String {
    let core = &members[0];
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[patch.crates-io]\ngru-core.path = {core:?}\n\n\
         # As in this repository: what is compiled there for the lints is taken.\n[profile.dev.package.\"*\"]\ndebug = false\n"
    )
}
