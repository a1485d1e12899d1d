//! Generates the models, the recorded signal and, for a board, its memory map: all into `OUT_DIR`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gru_export::dataset::Array;
use gru_export::{Export, Precision};
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

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    models()?;
    recordings(&out)?;
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        board(&out)?;
    }
    Ok(())
}

/// `motion_int8.rs` and `motion_f32.rs`, from the weights in `models/`.
fn models() -> Result<()> {
    let export = |precision| {
        let export = Export::new("models/motion.safetensors").precision(precision).calibrate("data/calibration.npy");
        export.input_lsb("data/lsb.npy").wide_input(true)
    };
    let labels = ["standing", "running", "walking", "badminton"];
    export(Precision::Int8).labels(labels).write_to_out_dir("motion_int8.rs")?;
    export(Precision::F32).write_to_out_dir("motion_f32.rs")?;
    Ok(())
}

/// `COUNTS` and `LABELS`, from the arrays in `data/`.
fn recordings(out: &Path) -> Result<()> {
    let read = |path: &str| -> Result<Array> {
        println!("cargo::rerun-if-changed={path}");
        Ok(Array::read(path)?)
    };
    let (counts, labels) = (read("data/test.npy")?, read("data/test_labels.npy")?);
    let &[recordings, steps, channels] = &counts.shape[..] else {
        bail!("data/test.npy: expected [recordings, steps, channels], found {:?}", counts.shape)
    };
    ensure!(
        labels.shape == [recordings],
        "data/test_labels.npy: expected shape [{recordings}], found {:?}",
        labels.shape
    );

    let mut code = format!(
        "/// Sensor counts `[recording][step][channel]`.\npub static COUNTS: [[[i16; {channels}]; {steps}]; {recordings}] = ["
    );
    for recording in counts.values.chunks_exact(steps * channels) {
        code += "[";
        for step in recording.chunks_exact(channels) {
            let step: Vec<i16> = step.iter().map(|&count| count as i16).collect();
            write!(code, "{step:?},")?;
        }
        code += "],";
    }
    let labels: Vec<u8> = labels.values.iter().map(|&label| label as u8).collect();
    writeln!(code, "];\n/// The activity of each recording.\npub static LABELS: [u8; {recordings}] = {labels:?};")?;
    Ok(fs::write(out.join("recordings.rs"), code)?)
}

/// The memory map of the core that `GRU_CORE` names, or else of the first with this target.
fn board(out: &Path) -> Result<()> {
    const MATRIX: &str = "../targets.toml";
    println!("cargo::rerun-if-changed={MATRIX}");
    println!("cargo::rerun-if-env-changed=GRU_CORE");
    let target = env::var("TARGET")?;
    let name = env::var("GRU_CORE").ok();
    let matrix: Matrix = toml::from_str(&fs::read_to_string(MATRIX).context(MATRIX)?).context(MATRIX)?;
    let core = matrix
        .cores
        .into_iter()
        .find(|core| core.target == target && name.as_ref().is_none_or(|name| *name == core.name))
        .with_context(|| format!("{MATRIX} has no core {} for {target}", name.unwrap_or_default()))?;

    let Core { flash, ram, timer_hz, .. } = core;
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
         REGION_ALIAS(\"REGION_TEXT\", FLASH);\nREGION_ALIAS(\"REGION_RODATA\", FLASH);\n\
         REGION_ALIAS(\"REGION_DATA\", RAM);\nREGION_ALIAS(\"REGION_BSS\", RAM);\n\
         REGION_ALIAS(\"REGION_HEAP\", RAM);\nREGION_ALIAS(\"REGION_STACK\", RAM);\n",
        flash.origin, flash.length, ram.origin, ram.length
    );
    fs::write(out.join("memory.x"), memory)?;
    fs::write(
        out.join("board.rs"),
        format!("/// Ticks of the timer a second.\npub const TIMER_HZ: u32 = {timer_hz};\n"),
    )?;

    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=--nmagic");
    if env::var("CARGO_CFG_TARGET_ARCH")? == "riscv32" {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    Ok(())
}
