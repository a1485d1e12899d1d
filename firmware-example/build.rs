//! Generates the models, the recorded signal and, for a board, its memory map: all into `OUT_DIR`.

mod generate;
mod memory_map;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gru_export::Precision;

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    models()?;
    generate::recordings("")?;
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        board(&out)?;
    }
    Ok(())
}

/// The precisions that are compiled in, each a configuration of its own: on the host both, on a board the one that the feature `f32` chooses.
fn models() -> Result<()> {
    println!("cargo::rustc-check-cfg=cfg(int8, float)");
    let (on_board, f32_chosen) =
        (env::var("CARGO_CFG_TARGET_OS")? == "none", env::var_os("CARGO_FEATURE_F32").is_some());
    for (name, precision) in [("int8", Precision::Int8), ("float", Precision::F32)] {
        if on_board && f32_chosen != (precision == Precision::F32) {
            continue;
        }
        println!("cargo::rustc-cfg={name}");
        generate::model("", precision, &format!("motion_{name}.rs"))?;
    }
    Ok(())
}

/// The memory map and the timer of the board.
fn board(out: &Path) -> Result<()> {
    let (timer_hz, _) = memory_map::write(out, "../targets.toml")?;
    fs::write(
        out.join("board.rs"),
        format!("/// Ticks of the timer a second.\npub const TIMER_HZ: u32 = {timer_hz};\n"),
    )?;
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    Ok(())
}
