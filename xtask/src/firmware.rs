//! The example on the host and on the cores, each run held against PyTorch and against the others.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::faults;
use crate::golden::Golden;
use crate::matrix::{Core, Precision};
use crate::native;
use crate::qemu;
use crate::report::{Cost, Run};
use crate::shell;
use crate::steps::Steps;
use crate::table::Figures;

/// Share of steps on which a model decides as PyTorch does, at least.
const AGREEMENT: f64 = 0.995;
/// Largest difference of an f32 logit to PyTorch's: the bound on the hidden state, 2e-6, through the weights of the head.
const F32_TOLERANCE: f32 = 5e-5;

/// The example, which is a package and a program.
pub const PROGRAM: &str = "firmware-example";

/// The last of a recording's 100 steps.
const LAST_STEP: &str = " step=99 ";

/// What to run on a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The precisions that suit it.
    Usual,
    /// All precisions, and samples that come too fast.
    All,
}

/// Runs the example on the host and then on the cores, one step each; `show` sees the logs of the cores.
pub fn check(steps: &mut Steps, golden: &Golden, cores: &[&Core], extent: Extent, show: impl Fn(&str)) -> Vec<Figures> {
    let Some(program) = steps.run("host firmware", || native::build(PROGRAM)) else {
        return Vec::new();
    };
    let mut all: Vec<Figures> = Vec::new();
    for precision in Precision::ALL {
        all.extend(steps.run(format!("host {precision}"), || host(golden, &program, precision)));
    }
    let int8_digest = all
        .iter()
        .find(|figures| figures.precision == Precision::Int8)
        .map(|figures| figures.run.summary.digest.clone());

    for core in cores {
        for precision in Precision::ALL {
            if extent == Extent::Usual && !core.precisions.contains(&precision) {
                continue;
            }
            let figures = steps.run(format!("{} {precision}", core.title), || {
                let figures = board(golden, core, precision, &show)?;
                if precision == Precision::Int8 {
                    let digest = int8_digest.as_ref().context("there is no digest of the host to compare with")?;
                    let found = &figures.run.summary.digest;
                    ensure!(found == digest, "expected the host's digest {digest}, found {found}");
                }
                Ok(figures)
            });
            all.extend(figures);
        }
        faults::check(steps, core, cores, extent, &program);
    }
    all
}

/// Runs the example on the host.
pub fn host(golden: &Golden, program: &Path, precision: Precision) -> Result<Figures> {
    let mut command = shell::command(&program.to_string_lossy(), &["--precision", &precision.to_string()]);
    let output = shell::read(command.stdin(Stdio::null()))?;
    let run = Run::parse(&output.lines().collect::<Vec<_>>())?;
    checked(golden, Figures::host(precision, run, golden)?)
}

/// Builds and runs the firmware on a core; `show` sees its log.
pub fn board(golden: &Golden, core: &Core, precision: Precision, show: impl Fn(&str)) -> Result<Figures> {
    let elf = qemu::build(core, precision)?;
    let run = qemu::run(core, &elf, show)?;
    if let (Precision::Int8, Some(Cost { fastest, slowest, .. })) = (precision, run.cost) {
        // A difference of two readings of the timer is off by less than a tick.
        ensure!(
            slowest - fastest <= 1,
            "expected int8 steps to take the same time, found {fastest} to {slowest} ticks"
        );
    }
    ensure!(run.cost.is_some_and(|cost| cost.late == 0), "expected steps within their budget, found {:?}", run.cost);
    ensure!(run.flash_checks > Some(0), "expected the weights to be checked, found {:?} checks", run.flash_checks);
    checked(golden, Figures::board(core, precision, &elf, run, golden)?)
}

/// Prints the decision that ends a recording, and nothing else.
pub fn show_recordings(line: &str) {
    if line.contains(LAST_STEP) {
        println!("{line}");
    }
}

fn checked(golden: &Golden, figures: Figures) -> Result<Figures> {
    let summary = &figures.run.summary;
    let faults = (summary.overruns, summary.dropouts, summary.restarts);
    ensure!(faults == (0, 0, 0), "expected no overruns, dropouts and fresh starts, found {faults:?}");
    ensure!(summary.samples == golden.steps(), "expected {} samples, found {}", golden.steps(), summary.samples);
    let share = figures.agreement.share();
    ensure!(share >= AGREEMENT, "expected PyTorch's class on {AGREEMENT} of the steps, found {share:.4}");
    if figures.precision == Precision::F32 {
        let error = figures.agreement.max_error;
        ensure!(error <= F32_TOLERANCE, "expected logits within {F32_TOLERANCE:e} of PyTorch's, found {error:e}");
    }
    Ok(figures)
}
