//! The small systems, which calibrate while they are built: the cell from scratch, the forecast, the classifier of names.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::Result;
use gru_export::dataset::Array;
use gru_export::{Export, Precision};

pub fn generate(precisions: &[(&str, Precision)]) -> Result<()> {
    for &(cfg, precision) in precisions {
        let int8 = precision == Precision::Int8;
        let export = |model: &str, prepare: fn(Export) -> Export| {
            let (name, _) = model.split_once('.').unwrap_or((model, ""));
            let export = Export::new(format!("models/{model}")).precision(precision);
            let export = if int8 { export.calibrate(format!("models/{name}_calibration.npy")) } else { export };
            prepare(export).write_to_out_dir(&format!("{name}_{cfg}.rs"))
        };
        export("numpy_cell.npz", |export| {
            export.spec("models/numpy_cell.toml").input_lsb([2.0_f64.powi(-12); 3]).wide_input(true)
        })?;
        export("sunspots.safetensors", |export| export.spec("models/sunspots.toml").input_lsb([0.1]).wide_input(true))?;
        export("languages.keras", |export| {
            export.labels([
                "German", "English", "Spanish", "Finnish", "French", "Italian", "Dutch", "Polish", "Swedish", "Turkish",
            ])
        })?;
    }
    let real = |value: f64| format!("{:?}", value as f32);
    let whole = |value: f64| format!("{}", value as i64);
    write("numpy_cell", &[("INPUTS", "x", "f32", real), ("NUMPY", "y", "f32", real)])?;
    write("sunspots", &[("TENTHS", "series", "i16", whole), ("PYTORCH", "torch", "f32", real)])?;
    write("languages", &[("KERAS", "keras", "f32", real)])
}

/// A static's name, the end of the name of the file that it is made of, the type of its values, and how they are written.
type Static = (&'static str, &'static str, &'static str, fn(f64) -> String);

/// `NAME_test.rs` in `OUT_DIR`: arrays of the files' shapes.
fn write(name: &str, statics: &[Static]) -> Result<()> {
    let mut code = String::new();
    for (constant, file, kind, text) in statics {
        let path = format!("models/{name}_{file}.npy");
        println!("cargo::rerun-if-changed={path}");
        let array = Array::read(&path)?;
        let kind = array.shape.iter().rev().fold((*kind).to_owned(), |kind, size| format!("[{kind}; {size}]"));
        code += &format!("static {constant}: {kind} = {};\n", nested(&array.shape, &array.values(), *text));
    }
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join(format!("{name}_test.rs")), code)?)
}

/// Row-major values in brackets.
fn nested(shape: &[usize], values: &[f64], text: fn(f64) -> String) -> String {
    match shape {
        [] => values.iter().map(|&value| text(value)).collect(),
        [size, rest @ ..] => {
            let parts = values.chunks_exact(values.len() / size).map(|part| nested(rest, part, text));
            format!("[{}]", parts.collect::<Vec<_>>().join(","))
        }
    }
}
