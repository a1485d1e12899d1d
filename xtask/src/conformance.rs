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

/// Builds and runs the firmware, one step for cores that run the same: on the first of them.
pub fn check(steps: &mut Steps, cores: &[&Core]) {
    let mut programs: Vec<Vec<&Core>> = Vec::new();
    for &core in cores {
        let same = |others: &&mut Vec<&Core>| core.runs_the_same(others[0]) && precision(core) == precision(others[0]);
        match programs.iter_mut().find(same) {
            Some(others) => others.push(core),
            None => programs.push(vec![core]),
        }
    }
    for programs in programs.chunks(BOARDS) {
        thread::scope(|scope| {
            let mut started = Vec::new();
            for cores in programs {
                let names = cores.iter().map(|core| core.name.as_str()).collect::<Vec<_>>().join(", ");
                let elf = steps.run(format!("firmware for conformance: {names}"), || build(cores[0]));
                started.extend(elf.map(|elf| (names, scope.spawn(move || run(cores[0], &elf)))));
            }
            for (names, started) in started {
                steps.run(format!("conformance: {names}"), || started.join().expect("running does not panic"));
            }
        });
    }
}

/// int8, and f32 where the core is made for it.
fn precision(core: &Core) -> Precision {
    if core.precisions.contains(&Precision::F32) { Precision::F32 } else { Precision::Int8 }
}

fn build(core: &Core) -> Result<PathBuf> {
    let mut build = qemu::cargo_build(core, precision(core), "gru-bench-mcu")?;
    shell::run(build.args(["--bin", "conformance"]))?;
    qemu::keep(core, "conformance", &format!("conformance-{}", core.name))
}

fn run(core: &Core, elf: &Path) -> Result<()> {
    for line in qemu::read(core, elf, None)? {
        eprintln!("{}: {line}", core.name);
    }
    Ok(())
}
