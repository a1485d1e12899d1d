//! The commands of this repository.

mod asm;
mod bench;
mod bench_mcu;
mod bench_peers;
mod boards;
mod classics;
mod conformance;
mod demo;
mod emulate;
mod faults;
mod firmware;
mod fuzz;
mod golden;
mod install;
mod matrix;
mod miri;
mod native;
mod npy;
mod package;
mod page;
mod pages;
mod panics;
mod qemu;
mod report;
mod sanitize;
mod shell;
mod size;
mod steps;
mod supply;
mod table;
mod test;
mod unit;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use firmware::Extent;
use golden::Golden;
use matrix::{Core, Matrix};
use pages::Section;
use steps::Steps;

/// The commands of this repository. They install what they need: rustup targets and llvm-tools, and QEMU through the system's package manager
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Export the bundled model, stream recordings through it on the host and on a Cortex-M4F under QEMU
    Demo,
    /// Run everything: formatting, lints, documentation, tests, all targets and features, the firmware on all cores
    Test,
    /// Run the firmware under QEMU and compare it with the host
    Qemu {
        /// Only this core of targets.toml
        #[arg(long, value_name = "NAME")]
        core: Option<String>,
        /// Only this fault of firmware-example/README.md, and show the log
        #[arg(long, value_name = "NAME", requires = "core")]
        fault: Option<String>,
        /// Run everything that the tests run, and write the figures into README.md
        #[arg(long, conflicts_with = "core")]
        readme: bool,
    },
    /// Build the firmware for the real boards of targets.toml, and measure it; nothing is run
    Boards,
    /// Test the instruction sets that this machine lacks, under QEMU and node
    Emulate,
    /// Count the instructions of a step on each core under QEMU, into target/bench/mcu.json
    BenchMcu {
        /// Only this core of targets.toml, and into no file
        #[arg(long, value_name = "NAME")]
        core: Option<String>,
        /// Write the table into the datasheet too, and what the estimates of gru-export's reports rest on
        #[arg(long, conflicts_with = "core")]
        readme: bool,
    },
    /// Print flash and RAM of models on each core, the stack of a step proven from the machine code, into target/bench/size.json
    Size {
        /// Only this core of targets.toml, and into no file
        #[arg(long, value_name = "NAME")]
        core: Option<String>,
        /// Make what is found the budget of the tests, and write the table into the datasheet
        #[arg(long, conflicts_with = "core")]
        accept: bool,
    },
    /// Compare the backend of each core with the specification, under QEMU
    Conformance {
        /// Only this core of targets.toml
        #[arg(long, value_name = "NAME")]
        core: Option<String>,
    },
    /// Run the classifier of digits on the host, a Cortex-M7 and a Cortex-M55, in f32 and int8
    Classics,
    /// Look for panics in the compiled steps of every target, at opt-level 3 and "s"
    Panics {
        /// Only this one
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
    },
    /// Measure steps on every backend of this processor, against the time that reading the weights takes
    Bench {
        /// Write the table into README.md too
        #[arg(long, conflicts_with = "options")]
        readme: bool,
        /// Passed on: `cargo xtask bench -- --help`
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Compare steps and windows with other libraries in Rust and Python, into target/bench/peers.json
    BenchPeers {
        /// Write the tables into README.md too
        #[arg(long, conflicts_with = "options")]
        readme: bool,
        /// An interpreter that has the packages of benches/peers/python/requirements.txt, instead of an environment made for it
        #[arg(long, value_name = "FILE")]
        python: Option<PathBuf>,
        /// Passed on: `cargo xtask bench-peers -- --help`
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Write reports of bundled models, and look at them in headless Chromium
    Report,
    /// Fuzz the formats that gru-export reads, calibration, the backends and the streaming API
    Fuzz {
        /// Only this target of `fuzz`
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// For each target
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
    /// Run tests of gru-core and gru-export under the address sanitiser, on nightly Rust
    Sanitize,
    /// Check licences, sources and advisories of all dependencies by cargo-deny
    Deny,
    /// Print the innermost loops of a step as the compiler makes them
    Asm {
        /// A backend and a precision: avx512-vnni-int8, neon-f32, dsp-int8
        backend: String,
        /// Print all code
        #[arg(long)]
        whole: bool,
        /// Of the layer
        #[arg(long, default_value_t = 28)]
        input: usize,
        /// Of the layer
        #[arg(long, default_value_t = 128)]
        hidden: usize,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode> {
    let matrix = Matrix::read()?;
    match task {
        Task::Demo => demo::demo(&matrix).map(|()| ExitCode::SUCCESS),
        Task::Test => test::test(&matrix),
        Task::Qemu { core, fault: Some(fault), .. } => inject(&matrix.select(core.as_deref())?, fault),
        Task::Qemu { core, readme, .. } => qemu(&matrix, core.as_deref(), *readme),
        Task::Boards => boards::boards(&matrix.boards),
        Task::Emulate => emulate(&matrix),
        Task::BenchMcu { core, readme } => bench_mcu::bench(&matrix.select(core.as_deref())?, core.is_none(), *readme),
        Task::Size { core, accept } => size::size(&matrix.select(core.as_deref())?, core.is_none(), *accept),
        Task::Asm { backend, whole, input, hidden } => {
            asm::print(backend, (*input, *hidden), *whole).map(|()| ExitCode::SUCCESS)
        }
        Task::Report => page::check().map(|()| ExitCode::SUCCESS),
        Task::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), *seconds).map(|()| ExitCode::SUCCESS),
        Task::Panics { target } => panics(&matrix, target.as_deref()),
        Task::Sanitize => sanitize::test().map(|()| ExitCode::SUCCESS),
        Task::Deny => supply::deny().map(|()| ExitCode::SUCCESS),
        Task::Classics => classics(&matrix),
        Task::Conformance { core } => conformance(&matrix.select(core.as_deref())?),
        Task::BenchPeers { readme, python, options } => {
            bench_peers::bench(python.as_deref(), *readme, options).map(|()| ExitCode::SUCCESS)
        }
        Task::Bench { readme, options } => bench::bench(options, *readme).map(|()| ExitCode::SUCCESS),
    }
}

fn emulate(matrix: &Matrix) -> Result<ExitCode> {
    emulate::prepare(matrix)?;
    let mut steps = Steps::default();
    emulate::test(&mut steps, matrix);
    Ok(steps.finish())
}

fn panics(matrix: &Matrix, target: Option<&str>) -> Result<ExitCode> {
    let targets: Vec<_> = matrix.processors().into_iter().map(|(target, _)| target).collect();
    install::rust_targets(&targets)?;
    let mut steps = Steps::default();
    panics::check(&mut steps, matrix, target);
    Ok(steps.finish())
}

fn conformance(cores: &[&Core]) -> Result<ExitCode> {
    install::firmware_tools(cores)?;
    let mut steps = Steps::default();
    conformance::check(&mut steps, cores);
    Ok(steps.finish())
}

fn classics(matrix: &Matrix) -> Result<ExitCode> {
    install::firmware_tools(&classics::cores(matrix)?)?;
    let mut steps = Steps::default();
    classics::check(&mut steps, matrix);
    Ok(steps.finish())
}

fn inject(cores: &[&Core], fault: &str) -> Result<ExitCode> {
    install::firmware_tools(cores)?;
    let mut steps = Steps::default();
    cores.iter().try_for_each(|core| faults::check_one(&mut steps, core, fault, &|line| println!("{line}")))?;
    Ok(steps.finish())
}

fn qemu(matrix: &Matrix, core: Option<&str>, readme: bool) -> Result<ExitCode> {
    let cores = matrix.select(core)?;
    install::firmware_tools(&cores)?;
    let mut steps = Steps::default();
    let show = if cores.len() == 1 { firmware::show_recordings } else { |_: &str| () };
    let extent = if readme { Extent::All } else { Extent::Usual };
    let figures = firmware::check(&mut steps, &Golden::read()?, &cores, extent, show);
    println!("\n{}", table::figures(&figures));
    if readme {
        steps.run("README.md", || Section::FIGURES.write(&table::markdown(&figures)));
    }
    Ok(steps.finish())
}
