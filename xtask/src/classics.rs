//! The classifier of digits on cores, which must find what it finds on the host.

use anyhow::{Context, Result, ensure};

use crate::matrix::{Core, Matrix, Precision};
use crate::native;
use crate::qemu;
use crate::shell::{self, cargo};
use crate::steps::Steps;
use crate::test::DENY;

const PACKAGE: &str = "classics";
const PROGRAM: &str = "digits";
/// The cores that the classic systems are for: the smaller have not the flash.
const CORES: [&str; 2] = ["m7", "m55"];

/// The cores that it runs on.
pub fn cores(matrix: &Matrix) -> Result<Vec<&Core>> {
    CORES.iter().map(|name| matrix.core(name)).collect()
}

/// Builds and runs the program on the host and on the cores, one step each.
pub fn check(steps: &mut Steps, matrix: &Matrix) {
    let host = steps.run("digits: host", host);
    for name in CORES {
        for precision in Precision::ALL {
            steps.run(format!("digits: {name} {precision}"), || {
                let found = run(matrix.core(name)?, precision)?;
                let expected = host.as_ref().context("the host has not run")?;
                ensure!(expected.contains(&found), "expected what the host finds, {expected:?}; found {found:?}");
                Ok(())
            });
        }
    }
}

/// Lints the program as a core runs it.
pub fn lint(steps: &mut Steps, matrix: &Matrix) {
    steps.run("clippy on the digits", || {
        let target = &matrix.core(CORES[0])?.target;
        let mut clippy = cargo(&["clippy", "--quiet", "--package", PACKAGE, "--bin", PROGRAM, "--target", target]);
        shell::run(clippy.args(DENY))
    });
}

/// A line for each precision.
fn host() -> Result<Vec<String>> {
    let output = shell::read(&mut shell::command(&native::build(PROGRAM)?.to_string_lossy(), &[]))?;
    Ok(output.lines().map(str::to_owned).collect())
}

fn run(core: &Core, precision: Precision) -> Result<String> {
    shell::run(qemu::cargo_build(core, precision, PACKAGE)?.args(["--bin", PROGRAM]))?;
    let elf = qemu::keep(core, PROGRAM, &format!("{PROGRAM}-{}-{precision}", core.name))?;
    let lines = qemu::read(core, &elf, None)?;
    let line = lines.into_iter().next().context("the firmware printed nothing")?;
    eprintln!("{}: {line}", core.name);
    Ok(line)
}
