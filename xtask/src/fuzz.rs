//! Targets fuzzed by libFuzzer, one after the other, from their seeds and the files of the tests on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::matrix::root;
use crate::shell::{command, run, succeeds};

/// What has the options that fuzzing and sanitisers take.
const TOOLCHAIN: &str = "nightly";

/// A target of `fuzz`, and how the names of the files of tests end that it starts from besides its seeds.
const TARGETS: [(&str, &[&str]); 9] = [
    ("safetensors", &[".safetensors"]),
    ("onnx", &[".onnx"]),
    ("keras", &[".keras", ".h5"]),
    ("npz", &[".npz"]),
    ("data", &[".npy", ".npz"]),
    ("spec", &[".toml"]),
    ("calibration", &[]),
    ("backends", &[]),
    ("stream", &[]),
];

/// Bytes of the largest file to start from, and of the largest that is made.
const MAX_LEN: u64 = 1 << 16;

/// Seconds that one file may take.
const TIMEOUT: u64 = 10;

/// Fuzzes each target, or one, for so many seconds.
pub fn fuzz(only: Option<&str>, seconds: u64) -> Result<()> {
    let names = TARGETS.map(|(name, _)| name);
    ensure!(only.is_none_or(|only| names.contains(&only)), "expected one of {}", names.join(", "));
    install_toolchain()?;
    if !succeeds("cargo", &["fuzz", "--version"]) {
        anstream::eprintln!("Installing cargo-fuzz, which builds and runs the targets.");
        run(&mut command("cargo", &["install", "cargo-fuzz", "--locked"]))?;
    }
    for (name, endings) in TARGETS.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        seed(name, endings)?;
        let mut fuzz = cargo_fuzz(&["run", name, "--"]);
        fuzz.args([format!("-max_total_time={seconds}"), format!("-timeout={TIMEOUT}"), format!("-max_len={MAX_LEN}")]);
        run(fuzz.arg("-print_final_stats=1"))?;
    }
    Ok(())
}

/// Copies the files of the tests, and the seeds, to where libFuzzer keeps what it finds.
fn seed(name: &str, endings: &[&str]) -> Result<()> {
    let corpus = root().join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
    copy(&root().join("fuzz/seeds").join(name), &[""], &corpus)?;
    copy(&root().join("gru-export/tests/golden"), endings, &corpus)
}

fn copy(from: &Path, endings: &[&str], to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, endings, to)?;
        } else if endings.iter().any(|ending| name.to_string_lossy().ends_with(ending))
            && entry.metadata()?.len() <= MAX_LEN
        {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// Installs the toolchain where it is missing.
pub fn install_toolchain() -> Result<()> {
    if !succeeds("rustup", &["run", TOOLCHAIN, "rustc", "--version"]) {
        anstream::eprintln!("Installing Rust's {TOOLCHAIN} toolchain: fuzzing and sanitisers take options of it.");
        run(&mut command("rustup", &["toolchain", "install", TOOLCHAIN, "--profile", "minimal"]))?;
    }
    Ok(())
}

/// In `fuzz`, which is a workspace of its own.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = nightly_cargo("fuzz");
    command.args(arguments).current_dir(root().join("fuzz"));
    command
}

/// A command of the toolchain's Cargo.
pub fn nightly_cargo(subcommand: &str) -> Command {
    let mut command = command("rustup", &["run", TOOLCHAIN, "cargo", subcommand]);
    // Cargo tells its children which toolchain they belong to.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").stdin(Stdio::null());
    command
}
