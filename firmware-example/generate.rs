//! Part of build scripts: the exported model and the recorded signal, as Rust in `OUT_DIR`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use gru_export::dataset::Array;
use gru_export::{Export, Precision};

/// The model in one precision. `example` is put before the paths of models and data: where this file is, seen from the package that is built.
pub fn model(example: &str, precision: Precision, file: &str) -> Result<()> {
    Ok(Export::new(format!("{example}models/motion.safetensors"))
        .precision(precision)
        .calibrate(format!("{example}data/calibration.npy"))
        .input_lsb(format!("{example}data/lsb.npy").as_str())
        .wide_input(true)
        .labels(["standing", "running", "walking", "badminton"])
        .write_to_out_dir(file)?)
}

/// `COUNTS`, `INPUT_LSB` and `LABELS`, from the arrays in `data/`, as `recordings.rs`.
pub fn recordings(example: &str) -> Result<()> {
    let read = |path: &str| -> Result<Array> {
        let path = format!("{example}{path}");
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
    let out = PathBuf::from(env::var("OUT_DIR")?);
    Ok(fs::write(out.join("recordings.rs"), code)?)
}
