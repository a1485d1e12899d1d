//! Exports the models, lays out their test data, and writes a board's memory map: all into `OUT_DIR`.

#[path = "build/characters.rs"]
mod characters;
#[path = "build/digits.rs"]
mod digits;
#[path = "../memory_map.rs"]
mod memory_map;
#[path = "build/small.rs"]
mod small;

use std::env;
use std::path::Path;

use anyhow::Result;
use gru_export::{Export, Precision, Weights};

fn main() -> Result<()> {
    println!("cargo::rustc-check-cfg=cfg(int8, float)");
    let precisions = precisions()?;
    precisions.iter().for_each(|(cfg, _)| println!("cargo::rustc-cfg={cfg}"));
    digits::generate(&precisions)?;
    if !on_board()? {
        characters::generate(&precisions)?;
        small::generate(&precisions)?;
    } else {
        memory_map::write(Path::new(&env::var("OUT_DIR")?), "../../targets.toml")?;
    }
    Ok(())
}

fn on_board() -> Result<bool> {
    Ok(env::var("CARGO_CFG_TARGET_OS")? == "none")
}

/// The precisions that are compiled in, with the configuration of each: on the host both, on a board the one that the feature `f32` chooses.
fn precisions() -> Result<Vec<(&'static str, Precision)>> {
    let (on_board, f32_chosen) = (on_board()?, env::var_os("CARGO_FEATURE_F32").is_some());
    let all = [("int8", Precision::Int8), ("float", Precision::F32)];
    Ok(all.into_iter().filter(|&(_, precision)| !on_board || f32_chosen == (precision == Precision::F32)).collect())
}

/// `NAME_int8.rs` and `NAME_float.rs` of `models/NAME.safetensors`, in which the weights are f16, and are stored as what they are.
///
/// The ranges of int8 are read from `models/NAME_ranges.toml`: to measure them on recordings takes a build script, which is compiled without
/// optimisation, most of a minute.
fn export(name: &str, precisions: &[(&str, Precision)], prepare: impl Fn(Precision, Export) -> Export) -> Result<()> {
    for &(cfg, precision) in precisions {
        let export = Export::new(format!("models/{name}.safetensors")).precision(precision);
        let export = match precision {
            Precision::F32 => export.weights(Weights::F16),
            _ => export.ranges(format!("models/{name}_ranges.toml")),
        };
        prepare(precision, export).write_to_out_dir(&format!("{name}_{cfg}.rs"))?;
    }
    Ok(())
}
