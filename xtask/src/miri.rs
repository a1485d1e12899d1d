//! The backends under Miri, which sees every access out of bounds and every undefined operation.

use std::process::Stdio;

use anyhow::{Context, Result};

use crate::shell::{command, run, succeeds};

const TOOLCHAIN: &str = "nightly";
/// What Miri interprets of x86-64, the instructions of AVX-VNNI included, which few machines have.
const FEATURES: &str = "+avx2,+fma,+f16c,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512vnni,+avxvnni";

/// The products of every backend, where the memory accesses are, the gates of AVX2, which are AVX-VNNI's too: Miri knows all their
/// instructions. And the choice between the levels, of which a program compiled with [`FEATURES`] has one.
const TESTS: [&str; 3] = ["products", "avx2::gates", "levels"];

/// Runs tests of the backends, with fewer columns, inputs and arguments than elsewhere.
pub fn check() -> Result<()> {
    install()?;
    let mut test = command("rustup", &["run", TOOLCHAIN, "cargo", "miri", "test", "--quiet", "--package", "gru-core"]);
    test.args(["--target", "x86_64-unknown-linux-gnu", "--test", "backends", "--"]);
    test.args(TESTS).args(["--skip", "scalar::"]);
    test.env("RUSTFLAGS", format!("-C target-feature={FEATURES}"));
    test.env("MIRIFLAGS", "-Zmiri-disable-isolation");
    // Cargo tells its children which toolchain they belong to.
    run(test.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").stdin(Stdio::null()))
}

fn install() -> Result<()> {
    let here = || succeeds("rustup", &["run", TOOLCHAIN, "cargo", "miri", "--version"]);
    if here() && succeeds("rustup", &["run", TOOLCHAIN, "rustc", "--version"]) {
        return Ok(());
    }
    anstream::eprintln!("Installing Miri, which comes with Rust's {TOOLCHAIN} toolchain.");
    let mut toolchain = command("rustup", &["toolchain", "install", TOOLCHAIN, "--profile", "minimal"]);
    run(toolchain.args(["--component", "miri", "--component", "rust-src"])).context("cannot install Miri")
}
