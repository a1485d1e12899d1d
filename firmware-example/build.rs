//! Generates the models, the recorded signal and, for a board, its memory map: all into `OUT_DIR`.

mod memory_map;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use gru_export::dataset::Array;
use gru_export::{Export, Precision};

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    models()?;
    recordings(&out)?;
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
        Export::new("models/motion.safetensors")
            .precision(precision)
            .calibrate("data/calibration.npy")
            .input_lsb("data/lsb.npy")
            .wide_input(true)
            .labels(["standing", "running", "walking", "badminton"])
            .write_to_out_dir(&format!("motion_{name}.rs"))?;
    }
    Ok(())
}

/// `COUNTS`, `INPUT_LSB` and `LABELS`, from the arrays in `data/`.
fn recordings(out: &Path) -> Result<()> {
    let read = |path: &str| -> Result<Array> {
        println!("cargo::rerun-if-changed={path}");
        Ok(Array::read(path)?)
    };
    let (counts, lsb, labels) = (read("data/test.npy")?, read("data/lsb.npy")?, read("data/test_labels.npy")?);
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
    for recording in counts.values().chunks_exact(steps * channels) {
        code += "[";
        for step in recording.chunks_exact(channels) {
            let step: Vec<i16> = step.iter().map(|&count| count as i16).collect();
            write!(code, "{step:?},")?;
        }
        code += "],";
    }
    ensure!(lsb.shape == [channels], "data/lsb.npy: expected shape [{channels}], found {:?}", lsb.shape);
    let lsb: Vec<f32> = lsb.values().iter().map(|&lsb| lsb as f32).collect();
    writeln!(code, "];\n/// Raw units per count of each channel.\npub const INPUT_LSB: [f32; {channels}] = {lsb:?};")?;
    let labels: Vec<u8> = labels.values().iter().map(|&label| label as u8).collect();
    writeln!(code, "/// The activity of each recording.\npub static LABELS: [u8; {recordings}] = {labels:?};")?;
    Ok(fs::write(out.join("recordings.rs"), code)?)
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
