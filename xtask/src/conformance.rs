//! The backend of every core against the specification, on the core: the firmware of `benches/mcu`.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;

use crate::matrix::{Core, Precision};
use crate::qemu;
use crate::shell;
use crate::steps::Steps;

/// Boards that run side by side.
const BOARDS: usize = 2;

/// Builds and runs the firmware on the cores, one step each.
pub fn check(steps: &mut Steps, cores: &[&Core]) {
    for cores in cores.chunks(BOARDS) {
        thread::scope(|scope| {
            let build = |core| build(core).map(|elf| scope.spawn(move || run(core, &elf)));
            let started: Vec<_> = cores.iter().map(|&core| (core, build(core))).collect();
            for (core, started) in started {
                steps.run(format!("conformance: {}", core.name), || started?.join().expect("running does not panic"));
            }
        });
    }
}

/// int8, and f32 where the core is made for it.
fn build(core: &Core) -> Result<PathBuf> {
    let precision = if core.precisions.contains(&Precision::F32) { Precision::F32 } else { Precision::Int8 };
    let mut build = qemu::cargo_build(core, precision, "gru-bench-mcu")?;
    shell::run(build.args(["--bin", "conformance"]))?;
    qemu::keep(core, "conformance", &format!("conformance-{}", core.name))
}

fn run(core: &Core, elf: &Path) -> Result<()> {
    for line in qemu::read(core, elf, None)? {
        eprintln!("{}: {line}", core.name);
    }
    Ok(())
}
