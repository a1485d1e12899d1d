//! The memory map of the board, and the shapes whose steps are counted: into `OUT_DIR`.

#[path = "../../firmware-example/memory_map.rs"]
mod memory_map;

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

/// `input_size x hidden_size`, separated by commas: what fits into the flash of the board.
const SHAPES: &str = "GRU_BENCH_SHAPES";

fn main() -> Result<()> {
    println!("cargo::rerun-if-env-changed={SHAPES}");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let shapes = env::var(SHAPES).unwrap_or_else(|_| "4 x 4".to_owned());
    fs::write(out.join("shapes.rs"), format!("shapes! {{ {shapes} }}\n"))?;
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        let (_, ram) = memory_map::write(&out, "../../targets.toml")?;
        fs::write(out.join("board.rs"), format!("/// Bytes of RAM.\npub const RAM: usize = {ram};\n"))?;
    }
    Ok(())
}
