//! Tests under LLVM's address sanitiser, which sees what every access of compiled code reads and writes: Miri runs a few tests only.

use anyhow::{Context, Result};

use crate::fuzz::{install_toolchain, nightly_cargo};
use crate::matrix::root;
use crate::shell::{cargo, read, run};

/// Where `unsafe` is, and where files of others are read.
const TESTS: [&[&str]; 2] = [
    &["--package", "gru-core", "--features", "std", "--test", "backends", "--test", "sharing"],
    &["--package", "gru-export", "--lib", "--tests"],
];

/// Runs the tests in a target directory of their own.
pub fn test() -> Result<()> {
    install_toolchain()?;
    let version = read(&mut cargo(&["version", "--verbose"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo names no host")?;
    for tests in TESTS {
        let mut test = nightly_cargo("test");
        // With a target given, the flags are not those of build scripts and macros.
        test.args(["--quiet", "--target", host]).args(tests);
        test.env("RUSTFLAGS", "-Zsanitizer=address").env("CARGO_TARGET_DIR", root().join("target/sanitize"));
        run(&mut test)?;
    }
    Ok(())
}
