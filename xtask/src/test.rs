//! Everything that must hold before a change is merged.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::bench_mcu;
use crate::classics;
use crate::conformance;
use crate::emulate;
use crate::firmware::{self, Extent};
use crate::golden::Golden;
use crate::install;
use crate::matrix::{Matrix, Precision};
use crate::miri;
use crate::native;
use crate::package;
use crate::page;
use crate::pages::Section;
use crate::panics;
use crate::shell::{cargo, run};
use crate::size;
use crate::steps::Steps;
use crate::supply;
use crate::table::{self, Figures};

/// What follows the arguments of Clippy.
pub const DENY: [&str; 3] = ["--", "--deny", "warnings"];

/// Always the same packages, on which it depends with what features Cargo compiles their dependencies; without the firmware, whose build
/// scripts export models.
const LIBRARIES: [&str; 7] =
    ["--workspace", "--exclude", "firmware-example", "--exclude", "firmware-imu", "--exclude", "classics"];

/// Runs all checks; every one runs even if another fails.
pub fn test(matrix: &Matrix) -> Result<ExitCode> {
    install::rust_targets(&matrix.library_targets())?;
    install::rust_source()?;
    install::emulators(matrix.cores.iter().map(|core| core.qemu.program.as_str()))?;
    emulate::prepare(matrix)?;
    let golden = Golden::read()?;

    let mut steps = Steps::default();
    let figures = steps.side_by_side(|steps| library_row(steps, matrix), |steps| firmware_row(steps, matrix, &golden));
    steps.run("figures in README.md", || Section::FIGURES.check(&table::markdown(&figures)));

    println!("\n{}", table::figures(&figures));
    Ok(steps.finish())
}

/// `cargo test` on this host.
pub fn cargo_test(arguments: &[&str]) -> Command {
    let mut command = cargo(&["test", "--quiet"]);
    command.args(LIBRARIES).args(arguments);
    command
}

/// The library and its exporter: on the host, under emulation, and on the cores; lints of all that is compiled for these.
fn library_row(steps: &mut Steps, matrix: &Matrix) {
    steps.run("format", || run(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("licences and sources of dependencies, the oldest Rust", supply::check);
    steps.run("clippy on the host", || {
        run(cargo(&["clippy", "--quiet", "--all-targets", "--all-features"]).args(LIBRARIES).args(DENY))
    });
    steps.run("documentation", || {
        let mut doc = cargo(&["doc", "--quiet", "--no-deps", "--all-features"]);
        run(doc.args(LIBRARIES).env("RUSTDOCFLAGS", "--deny warnings"))
    });
    steps.run("unit, compile-fail, golden and command line tests", || {
        // Without examples: their code is looked into for every target.
        let mut test = cargo_test(&["--lib", "--bins", "--tests", "--no-fail-fast"]);
        emulate::require_host(&mut test);
        run(&mut test)
    });
    steps.run("documentation tests", || run(&mut cargo_test(&["--doc"])));
    steps.run("reports in a browser", page::check);
    // In a directory of its own, while the other row builds the firmware for the host.
    emulate::test(steps, matrix);
    emulate::lint(steps, matrix);
    features(steps, matrix);
    steps.run("packages", package::check);
    // While the other row is on the boards, and leaves this row the `debug` directory.
    lint(steps, matrix);
    let cores: Vec<_> = matrix.cores.iter().collect();
    conformance::check(steps, &cores);
    bench_mcu::check(steps, &cores);
}

/// The firmware. Its builds for the host want Cargo's `debug` directory, of which one build at a time has the lock: first comes what does not, until
/// the other row has its tests built.
fn firmware_row(steps: &mut Steps, matrix: &Matrix, golden: &Golden) -> Vec<Figures> {
    steps.run("x86 backends under Miri", miri::check);
    panics::check(steps, matrix, None);
    let cores: Vec<_> = matrix.cores.iter().collect();
    let figures = firmware::check(steps, golden, &cores, Extent::All, |_| ());
    classics::check(steps, matrix);
    terminal(steps);
    steps.run("code, constants, state and stack of models", || size::check(&cores));
    figures
}

/// The firmware in the terminal, what boards with a sensor share, and the classic systems: lints, documentation, tests.
fn terminal(steps: &mut Steps) {
    // Not all targets: those of a library without tests of its own would be checked twice, and the compiler pack its models twice. With
    // defmt, as on the cores: otherwise what its macros ask of their dependencies would have the exporter compiled again.
    steps.run("clippy on the firmware, host", || {
        let mut clippy = native::cargo("clippy")?;
        clippy.args(["--lib", "--bins", "--tests", "--all-features", "--features", "heapless/defmt"]);
        run(clippy.args(DENY))
    });
    steps.run("documentation of the firmware", || {
        run(native::cargo("doc")?.arg("--no-deps").env("RUSTDOCFLAGS", "--deny warnings"))
    });
    steps.run("tests of the firmware", || run(&mut native::cargo("test")?));
}

/// Lints the firmware as the cores run it.
fn lint(steps: &mut Steps, matrix: &Matrix) {
    // One target a time: Cargo would unite what the targets ask of their dependencies. The largest model, which takes the compiler seconds to
    // pack, once.
    const PROGRAMS: [&str; 8] =
        ["--bin", "firmware-example", "--bin", "conformance", "--bin", "steps", "--bin", "size-6-32"];
    for precision in Precision::ALL {
        steps.run(format!("clippy on the firmware, {precision}"), || {
            matrix.firmware_targets().into_iter().enumerate().try_for_each(|(number, target)| {
                let mut clippy = cargo(&["clippy", "--quiet", "--target", target, "--lib"]);
                clippy.args(["--package", "firmware-example", "--package", "gru-bench-mcu"]).args(PROGRAMS);
                clippy.args(if number == 0 { &["--bin", "size-28-128"][..] } else { &[] });
                run(clippy.args(precision.features()).args(DENY))
            })
        });
    }
    classics::lint(steps, matrix);
}

/// gru-core for every target, without features and with the last set of them; for the host with every set. Built where no step is looked into
/// (see `panics`), so that its assembly goes through every assembler.
fn features(steps: &mut Steps, matrix: &Matrix) {
    let mut check = |task: &str, features: &str, targets: &[&str]| {
        let mut command = cargo(&[task, "--quiet", "--package", "gru-core", "--lib", "--no-default-features"]);
        command.args(["--features", features]);
        for target in targets {
            command.args(["--target", target]);
        }
        let features = if features.is_empty() { "no features" } else { features };
        let place = if targets.is_empty() { "the host".to_owned() } else { format!("{} targets", targets.len()) };
        steps.run(format!("{task} gru-core for {place}: {features}"), || run(&mut command));
    };
    let targets = matrix.library_targets();
    if let Some(features) = matrix.library.features.last() {
        check("check", features, &targets);
    }
    let processors = matrix.processors();
    let is_looked_into = |target: &&str| processors.iter().any(|(other, _)| other == target);
    let (looked_into, others): (Vec<_>, Vec<_>) = targets.into_iter().partition(is_looked_into);
    check("check", "", &looked_into);
    check("build", "", &others);
    for features in matrix.library.features.iter().chain(&matrix.library.std_features) {
        check("check", features, &[]);
    }
}
