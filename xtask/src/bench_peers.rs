//! gru-core beside other libraries that run a GRU, in a workspace of its own and in a Python environment of its own below Cargo's target
//! directory.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::matrix::root;
use crate::pages::Section;
use crate::qemu::target_directory;
use crate::shell::{cargo, command, run, succeeds};

/// What the pools of threads of several libraries read as they start.
const ONE_THREAD: [&str; 3] = ["RAYON_NUM_THREADS", "RTEN_NUM_THREADS", "OMP_NUM_THREADS"];

/// Without it nexus-inference takes five to ten times as long.
const NATIVE: &str = "-C target-cpu=native";

/// Interpreters to make the environment with, the first that runs.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// Builds with the release profile, for this processor: nexus-inference chooses its vectors at compile time, the others find theirs at run time.
/// With Clippy in the compiler's place, which lints without compiling the peers twice.
pub fn bench(python: Option<&Path>, readme: bool, options: &[OsString]) -> Result<()> {
    let (workspace, target) = (root().join("benches/peers"), target_directory()?);
    run(cargo(&["fmt", "--all", "--check"]).current_dir(&workspace))?;
    let directory = target.join("peers");
    let python = match python {
        Some(python) => Some(python.to_owned()),
        None => environment(&workspace.join("python/requirements.txt"), &directory.join("venv"))?,
    };
    ensure!(
        !readme || python.is_some(),
        "README.md takes the results of all contenders, and those of Python are missing"
    );

    let mut build = cargo(&["build", "--release", "--locked"]);
    run(build
        .current_dir(&workspace)
        .arg("--target-dir")
        .arg(&directory)
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("RUSTFLAGS", NATIVE))?;
    let program = directory.join("release/gru-peers").with_extension(std::env::consts::EXE_EXTENSION);
    let mut race = command(&program.to_string_lossy(), &["--output"]);
    race.arg(target.join("bench")).envs(ONE_THREAD.map(|variable| (variable, "1")));
    if let Some(python) = python {
        race.arg("--python").arg(python).arg("--script").arg(workspace.join("python/main.py"));
    }
    if readme {
        race.arg("--complete");
    }
    run(race.args(options))?;
    if readme {
        let path = target.join("bench/peers.md");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Section::PEERS.write(&text)?;
    }
    Ok(())
}

/// The interpreter of an environment that has what can be installed of these packages; `None`, and a line that says so, without Python.
fn environment(requirements: &Path, directory: &Path) -> Result<Option<PathBuf>> {
    let wanted = fs::read_to_string(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let interpreter = directory.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let installed = directory.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(interpreter));
    }
    let Some(python) = INTERPRETERS.into_iter().find(|python| succeeds(python, &["-m", "venv", "--help"])) else {
        anstream::eprintln!("Python with its module venv is missing: its contenders are left out.");
        return Ok(None);
    };
    anstream::eprintln!("Installing the Python packages of {} into {}.", requirements.display(), directory.display());
    run(command(python, &["-m", "venv"]).arg(directory))?;
    let mut complete = true;
    for package in wanted.lines() {
        let mut install = command(&interpreter.to_string_lossy(), &["-m", "pip", "install", "--quiet", package]);
        if let Err(error) = run(&mut install) {
            anstream::eprintln!("{error:#}: what needs {package} is left out.");
            complete = false;
        }
    }
    if complete {
        fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    }
    Ok(Some(interpreter))
}
