use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use gru_core::backend::available;

use crate::case::{Shape, cases};
use crate::measure::measure;
use crate::{plot, processor, report};

/// Measure steps of f32 and int8 GRU layers on every backend of this processor, and write a table, x86.json and x86.svg
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
pub struct Arguments {
    /// Only layers of this input and hidden size, as 6x32; may be repeated
    #[arg(long = "shape", value_name = "IxH")]
    shapes: Vec<Shape>,
    /// Only this backend; may be repeated
    #[arg(long = "isa", value_name = "NAME")]
    isas: Vec<String>,
    /// Timings of each backend and floor
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Directory of the JSON file and the plot
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

/// Measures, prints and writes what the arguments ask for.
pub fn run(arguments: &Arguments) -> Result<()> {
    let known: Vec<_> = available().collect();
    for isa in &arguments.isas {
        ensure!(known.contains(&isa.as_str()), "this processor has no backend `{isa}`; it has {}", known.join(", "));
    }
    let chosen = |isa: &&str| arguments.isas.is_empty() || arguments.isas.iter().any(|name| name == isa);
    let isas: Vec<_> = known.into_iter().filter(chosen).collect();
    let cases = cases(|shape| arguments.shapes.is_empty() || arguments.shapes.contains(&shape));
    ensure!(
        !cases.is_empty(),
        "none of the layers has such a shape; there are {}",
        Shape::ALL.map(|s| s.to_string()).join(", ")
    );

    let processor = processor::describe();
    println!("{processor}");
    let timings = measure(cases, &isas, arguments.rounds)?;
    println!("{}", report::steps(&timings));
    let forms = report::forms(&timings);
    if !forms.is_empty() {
        println!("{forms}");
    }
    let directory = match &arguments.output {
        Some(directory) => directory.clone(),
        None => default_output()?,
    };
    write(&directory, "x86.json", &report::json(&timings)?)?;
    write(&directory, "x86.md", &report::markdown(&timings, &processor))?;
    write(&directory, "x86.svg", &plot::svg(&timings, &processor)?)
}

/// Where Cargo builds: this program is `target/release/gru-bench`.
fn default_output() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find where this program was built")?;
    Ok(own.ancestors().nth(2).unwrap_or(Path::new("target")).join("bench"))
}

/// Writes a file whole or not at all.
fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let (path, temporary) = (directory.join(name), directory.join(format!("{name}.tmp")));
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&temporary, text))
        .and_then(|()| fs::rename(&temporary, &path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
