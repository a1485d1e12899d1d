//! The benchmark of this machine.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result};

use crate::pages::Section;
use crate::qemu::target_directory;
use crate::shell;

/// Measures with the profile and the code generation that a user's `cargo build --release` has.
pub fn bench(options: &[OsString], readme: bool) -> Result<()> {
    shell::run(shell::cargo(&["run", "--quiet", "--release", "--package", "gru-bench", "--"]).args(options))?;
    if readme {
        let path = target_directory()?.join("bench/x86.md");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Section::SPEED.write(&text)?;
    }
    Ok(())
}
