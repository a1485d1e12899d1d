//! The benchmark of this machine.

use std::ffi::OsString;

use anyhow::Result;

use crate::shell;

/// Measures with the profile and the code generation that a user's `cargo build --release` has.
pub fn bench(options: &[OsString]) -> Result<()> {
    shell::run(shell::cargo(&["run", "--quiet", "--release", "--package", "gru-bench", "--"]).args(options))
}
