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
    for recording in counts.values().chunks_exact(steps * channels) {
        code += "[";
        for step in recording.chunks_exact(channels) {
            let step: Vec<i16> = step.iter().map(|&count| count as i16).collect();
            write!(code, "{step:?},")?;
        }
        code += "],";
    }
    let labels: Vec<u8> = labels.values().iter().map(|&label| label as u8).collect();
    writeln!(code, "];\n/// The activity of each recording.\npub static LABELS: [u8; {recordings}] = {labels:?};")?;
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
