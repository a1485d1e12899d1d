//! Part of a build script: the memory map of the board that `targets.toml` gives to a core.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The part of `targets.toml` that a linker script needs.
#[derive(Deserialize)]
struct Matrix {
    #[serde(rename = "core")]
    cores: Vec<Core>,
}

#[derive(Deserialize)]
struct Core {
    name: String,
    target: String,
    flash: Region,
    ram: Region,
    timer_hz: u32,
}

#[derive(Deserialize)]
struct Region {
    origin: u64,
    length: u64,
}

/// Writes `memory.x` for the core that `GRU_CORE` names, or else for the first with this target, and links by it. Returns the clock of
/// the board's timer and the bytes of its RAM.
pub fn write(out: &Path, matrix: &str) -> Result<(u32, u64)> {
    println!("cargo::rerun-if-changed={matrix}");
    println!("cargo::rerun-if-env-changed=GRU_CORE");
    let target = env::var("TARGET")?;
    let name = env::var("GRU_CORE").ok();
    let cores = toml::from_str::<Matrix>(&fs::read_to_string(matrix).context(matrix.to_owned())?);
    let Core { flash, ram, timer_hz, .. } = cores
        .context(matrix.to_owned())?
        .cores
        .into_iter()
        .find(|core| core.target == target && name.as_ref().is_none_or(|name| *name == core.name))
        .with_context(|| format!("{matrix} has no core {} for {target}", name.unwrap_or_default()))?;

    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
         REGION_ALIAS(\"REGION_TEXT\", FLASH);\nREGION_ALIAS(\"REGION_RODATA\", FLASH);\n\
         REGION_ALIAS(\"REGION_DATA\", RAM);\nREGION_ALIAS(\"REGION_BSS\", RAM);\n\
         REGION_ALIAS(\"REGION_HEAP\", RAM);\nREGION_ALIAS(\"REGION_STACK\", RAM);\n",
        flash.origin, flash.length, ram.origin, ram.length
    );
    fs::write(out.join("memory.x"), memory)?;

    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=--nmagic");
    if env::var("CARGO_CFG_TARGET_ARCH")? == "riscv32" {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    Ok((timer_hz, ram.length))
}
