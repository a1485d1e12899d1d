//! The build script of every board: the runtime's linker script, the board's `memory.x` where its HAL brings none, and defmt's table.

use std::env;
use std::path::Path;

fn main() {
    let board = env::var("CARGO_MANIFEST_DIR").expect("Cargo sets it");
    if Path::new(&board).join("memory.x").exists() {
        println!("cargo::rustc-link-search={board}");
        println!("cargo::rerun-if-changed=memory.x");
    }
    let arm = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "arm");
    for script in if arm { ["--nmagic", "-Tlink.x", "-Tdefmt.x"].as_slice() } else { &["-Tlinkall.x", "-Tdefmt.x"] } {
        println!("cargo::rustc-link-arg-bins={script}");
    }
}
