//! gru-core beside other libraries that run a GRU: outputs compared with f64, then timings that alternate between all of them.

mod cost;
mod files;
mod peers;
mod plot;
#[path = "../../../../src/processor.rs"]
mod processor;
mod python;
mod race;
mod report;

use std::cell::RefCell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use gru_peers_case::Shape;
use gru_peers_models::{ALL, Files};

use peers::Contender;
use python::Python;
use race::Entrant;

/// What the pools of threads of several libraries read as they start; set by `cargo xtask bench-peers`.
const ONE_THREAD: [&str; 3] = ["RAYON_NUM_THREADS", "RTEN_NUM_THREADS", "OMP_NUM_THREADS"];

/// Compare a step and a window of a GRU layer with other libraries, and write tables, peers.json and peers.svg
#[derive(Parser)]
#[command(name = "cargo xtask bench-peers", bin_name = "cargo xtask bench-peers")]
struct Arguments {
    /// Directory of the JSON files, the table and the plot
    #[arg(long, value_name = "DIRECTORY")]
    output: PathBuf,
    /// Interpreter that has the packages of python/requirements.txt; without it these contenders are left out
    #[arg(long, value_name = "FILE", requires = "script")]
    python: Option<PathBuf>,
    /// What it is to run
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Only layers of this input and hidden size, as 6x32; may be repeated
    #[arg(long = "shape", value_name = "IxH")]
    shapes: Vec<Shape>,
    /// Only contenders whose name contains this; may be repeated
    #[arg(long = "contender", value_name = "NAME")]
    contenders: Vec<String>,
    /// Fail where a contender cannot take part
    #[arg(long)]
    complete: bool,
    /// Timings of each contender
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    for variable in ONE_THREAD {
        ensure!(env::var(variable).is_ok_and(|threads| threads == "1"), "expected {variable}=1 in the environment");
    }
    let wanted = |files: &Files| arguments.shapes.is_empty() || arguments.shapes.contains(&Shape::of(files));
    let layers: Vec<Files> = ALL.into_iter().filter(wanted).collect();
    let known = ALL.iter().map(|files| Shape::of(files).to_string()).collect::<Vec<_>>();
    ensure!(!layers.is_empty(), "none of the layers has such a shape; there are {}", known.join(", "));
    let models = arguments.output.join("peers");
    ALL.iter().try_for_each(|files| files::write(&models, files))?;

    let mut entrants = Contender::ALL.into_iter().map(Entrant::here).collect::<Result<Vec<_>>>()?;
    let python = Rc::new(RefCell::new(None));
    if let (Some(interpreter), Some(script)) = (&arguments.python, &arguments.script) {
        let (process, descriptions, missing) = Python::start(interpreter, script, &models)?;
        for reason in &missing {
            println!("left out: {reason}");
        }
        ensure!(missing.is_empty() || !arguments.complete, "a contender is missing");
        *python.borrow_mut() = Some(process);
        entrants.extend(
            descriptions.into_iter().enumerate().map(|(number, description)| Entrant::python(number, description)),
        );
    }
    let chosen = |entrant: &Entrant| {
        arguments.contenders.is_empty() || arguments.contenders.iter().any(|name| entrant.name.contains(name.as_str()))
    };
    entrants.retain(chosen);
    ensure!(!entrants.is_empty(), "no contender has such a name");

    let processor = processor::describe();
    println!("{processor}");
    let timings = race::run(&models, &layers, &entrants, &python, arguments.rounds)?;
    println!("{}", report::table(&report::steps(&timings)));
    let costs = cost::measure(&models, &entrants, &python)?;
    println!("{}", report::table(&report::costs(&costs)));
    write(&arguments.output, "peers.json", &report::json(&timings)?)?;
    write(&arguments.output, "peers-start.json", &report::start_json(&costs)?)?;
    write(&arguments.output, "peers.md", &report::markdown(&timings, &costs, &processor))?;
    write(&arguments.output, "peers.svg", &plot::svg(&timings, &processor)?)
}

/// Writes a file whole or not at all.
fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let (path, temporary) = (directory.join(name), directory.join(format!("{name}.tmp")));
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, &path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
