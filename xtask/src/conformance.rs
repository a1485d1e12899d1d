//! The backend of every core against the specification, on the core: the firmware of `benches/mcu`.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, ensure};

use crate::matrix::{Core, Precision};
use crate::qemu;
use crate::shell;
use crate::steps::Steps;

const PACKAGE: &str = "gru-bench-mcu";
const PROGRAM: &str = "conformance";

/// Boards that run side by side.
const BOARDS: usize = 2;

/// Builds and runs the firmware, one step for cores that run the same: on the first of them.
pub fn check(steps: &mut Steps, cores: &[&Core]) {
    let Some(specification) = steps.run("specification for conformance", specification) else {
        return;
    };
    let specification = specification.as_path();
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
                started.extend(elf.map(|elf| (names, scope.spawn(move || run(cores[0], &elf, specification)))));
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

/// Builds the program that computes on this machine what the cores must.
fn specification() -> Result<PathBuf> {
    let mut build = shell::cargo(&["build", "--quiet", "--package", PACKAGE, "--profile", qemu::PROFILE]);
    shell::run(build.args(["--bin", PROGRAM]))?;
    Ok(qemu::target_directory()?.join(qemu::PROFILE).join(format!("{PROGRAM}{EXE_SUFFIX}")))
}

fn build(core: &Core) -> Result<PathBuf> {
    let mut build = qemu::cargo_build(core, precision(core), PACKAGE)?;
    shell::run(build.args(["--bin", PROGRAM]))?;
    qemu::keep(core, PROGRAM, &format!("{PROGRAM}-{}", core.name))
}

fn run(core: &Core, elf: &Path, specification: &Path) -> Result<()> {
    let mut specification = shell::command(&specification.to_string_lossy(), &[&core.ram.length.to_string()]);
    let expected = shell::read(&mut specification)?;
    let (digests, rest): (Vec<_>, Vec<_>) =
        qemu::read(core, elf, None)?.into_iter().partition(|line| line.starts_with("int8 "));
    for line in rest {
        eprintln!("{}: {line}", core.name);
    }
    ensure!(!digests.is_empty(), "{}: expected digests of int8 layers, found none", core.title);
    let mut found = digests.iter();
    for expected in expected.lines() {
        let found = found.next().map_or("nothing", String::as_str);
        ensure!(found == expected, "{}: expected `{expected}`, found `{found}`", core.title);
    }
    ensure!(found.len() == 0, "{}: expected {} layers fewer", core.title, found.len());
    eprintln!("{}: int8: {} layers: equal", core.name, digests.len());
    Ok(())
}
