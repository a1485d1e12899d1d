//! Arguments in, exit code out.

mod export;
mod precision;
mod report;
mod terminal;
mod verify;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::print;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use gru_export::calibrate::{Method, ranges_template};
use gru_export::dataset::Channels;
use gru_export::ir::Model;
use gru_export::spec::Spec;
use gru_export::{Error, Export, Result, Source, load, spec_template};

use self::precision::{Arithmetic, InspectedPrecision, LayerArguments};
use self::terminal::Terminal;

/// Turns trained GRU weights into static Rust arrays for gru-core, and verifies them.
///
/// Exit codes: 0 done or within tolerance, 1 beyond tolerance, 2 bad input or arguments.
#[derive(Parser)]
#[command(version, max_term_width = 100, styles = terminal::STYLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten, next_help_heading = "Terminal")]
    terminal: Terminal,
}

#[derive(Subcommand)]
enum Command {
    /// Show a model's layers, conventions, parameters, flash and RAM
    Inspect {
        #[command(flatten)]
        model: ModelArguments,
        #[command(flatten)]
        precision: InspectedPrecision,
        /// Print a --spec to start from instead: all tensors, and the layers as far as names and shapes tell
        #[arg(long, conflicts_with = "spec")]
        spec_template: bool,
        /// Print a file for --ranges instead, to be filled in
        #[arg(long, conflicts_with = "spec_template")]
        ranges_template: bool,
    },
    /// Generate a Rust module with the model's weights
    Export(export::Arguments),
    /// Run the code that ships and compare it with an f64 reference and with given outputs
    Verify(verify::Arguments),
    /// Write one HTML page that shows what int8 does to a model: accuracy, error over time, ranges, cost
    Report(report::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which model.
#[derive(clap::Args)]
struct ModelArguments {
    /// .safetensors or .npz of PyTorch, Flax or NumPy, .keras, .weights.h5 or .onnx
    model: PathBuf,
    /// Architecture, where the tensors' names do not say it
    #[arg(long, value_name = "FILE.toml")]
    spec: Option<PathBuf>,
}

impl ModelArguments {
    fn export(&self) -> Export {
        let export = Export::new(&self.model);
        match &self.spec {
            Some(path) => export.spec(path),
            None => export,
        }
    }

    fn load(&self) -> Result<(Source, Model)> {
        let spec = self.spec.as_ref().map(|path| Spec::parse(&Source::read(path)?)).transpose()?;
        let source = Source::read(&self.model)?;
        let model = load(&source, spec.as_ref())?;
        Ok((source, model))
    }
}

/// What int8 chooses its scales by.
#[derive(clap::Args)]
struct CalibrationArguments {
    /// Typical input in raw units, for int8's scales: .npy or .npz of [T, I] or [N, T, I], or CSV
    #[arg(long, value_name = "FILE")]
    calibrate: Option<PathBuf>,
    /// How int8's ranges follow from typical input: auto, min-max, percentile=P, mse [default: auto]
    #[arg(long, value_name = "METHOD")]
    range_method: Option<Method>,
    /// Ranges by hand, instead of typical input or over what it gave
    #[arg(long, value_name = "FILE.toml")]
    ranges: Option<PathBuf>,
}

impl CalibrationArguments {
    fn configure(&self, export: Export) -> Export {
        let export = self.range_method.into_iter().fold(export, Export::range_method);
        let export = self.ranges.iter().fold(export, Export::ranges);
        match &self.calibrate {
            Some(path) => export.calibrate(path),
            None => export,
        }
    }
}

/// What the numbers of an input mean.
#[derive(clap::Args)]
struct InputArguments {
    /// Mean per channel that training subtracted, raw units: numbers, or a file of them
    #[arg(long, value_name = "A,B,…|FILE", requires = "input_std", allow_hyphen_values = true)]
    input_mean: Option<Channels>,
    /// Standard deviation per channel that training divided by, raw units
    #[arg(long, value_name = "A,B,…|FILE", requires = "input_mean")]
    input_std: Option<Channels>,
    /// Raw units per sensor count, per channel; an int8 model is fed counts
    #[arg(long, value_name = "A,B,…|FILE")]
    input_lsb: Option<Channels>,
    /// Give an int8 model's input 15 bits instead of 8, at the price of a second pass over the first layer's input weights
    #[arg(long)]
    wide_input: bool,
}

impl InputArguments {
    fn configure(&self, export: Export) -> Export {
        let mut export = export.wide_input(self.wide_input);
        if let (Some(mean), Some(std)) = (&self.input_mean, &self.input_std) {
            export = export.input_mean(mean.clone()).input_std(std.clone());
        }
        match &self.input_lsb {
            Some(lsb) => export.input_lsb(lsb.clone()),
            None => export,
        }
    }
}

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let Arguments { command, terminal } = Arguments::parse();
    terminal.apply();
    let done = match command {
        Command::Inspect { model, spec_template: true, .. } => print_spec_template(&model, &terminal),
        Command::Inspect { model, ranges_template: true, .. } => print_ranges_template(&model, &terminal),
        Command::Inspect { model, precision, .. } => inspect(&model, &precision, &terminal),
        Command::Export(arguments) => export::run(&arguments, &terminal),
        Command::Verify(arguments) => verify::run(&arguments, &terminal),
        Command::Report(arguments) => report::run(&arguments, &terminal),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), env!("CARGO_BIN_NAME"), &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error: Error| {
        terminal.report(&error);
        ExitCode::from(2)
    })
}

fn inspect(arguments: &ModelArguments, precision: &InspectedPrecision, terminal: &Terminal) -> Result<ExitCode> {
    let (source, model) = arguments.load()?;
    let report = precision.report(model, &source)?;
    if terminal.json {
        terminal.print_json(&report);
    } else {
        print!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}

fn print_spec_template(arguments: &ModelArguments, terminal: &Terminal) -> Result<ExitCode> {
    print_template("spec", &spec_template(&Source::read(&arguments.model)?)?, terminal)
}

fn print_ranges_template(arguments: &ModelArguments, terminal: &Terminal) -> Result<ExitCode> {
    print_template("ranges", &ranges_template(&arguments.load()?.1), terminal)
}

fn print_template(kind: &str, template: &str, terminal: &Terminal) -> Result<ExitCode> {
    if terminal.json {
        terminal.print_json(&serde_json::json!({ kind: template }));
    } else {
        print!("{template}");
    }
    Ok(ExitCode::SUCCESS)
}
