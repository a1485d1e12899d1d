//! `gru-export export`.

use std::path::PathBuf;
use std::process::ExitCode;

use gru_export::dataset::Channels;
use gru_export::{Export, Precision, Result};

use super::ModelArguments;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Arithmetic of the generated model
    #[arg(long, value_enum)]
    precision: Precision,
    /// Typical input in raw units: .npy or .npz of [T, I] or [N, T, I], or CSV
    #[arg(long, value_name = "FILE", required_if_eq("precision", "int8"))]
    calibrate: Option<PathBuf>,
    /// What the module calls the model [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// One name per output
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    labels: Vec<String>,
    #[command(flatten)]
    input: InputArguments,
    /// The Rust file to write
    #[arg(long, short, value_name = "FILE.rs")]
    output: PathBuf,
}

/// What the numbers of an input mean.
#[derive(clap::Args)]
pub(super) struct InputArguments {
    /// Mean per channel that training subtracted, raw units: numbers, or a file of them
    #[arg(long, value_name = "A,B,…|FILE", requires = "input_std", allow_hyphen_values = true)]
    input_mean: Option<Channels>,
    /// Standard deviation per channel that training divided by, raw units
    #[arg(long, value_name = "A,B,…|FILE", requires = "input_mean")]
    input_std: Option<Channels>,
    /// Raw units per sensor count, per channel; an int8 model is fed counts
    #[arg(long, value_name = "A,B,…|FILE")]
    input_lsb: Option<Channels>,
}

impl InputArguments {
    pub(super) fn configure(&self, mut export: Export) -> Export {
        if let (Some(mean), Some(std)) = (&self.input_mean, &self.input_std) {
            export = export.input_mean(mean.clone()).input_std(std.clone());
        }
        match &self.input_lsb {
            Some(lsb) => export.input_lsb(lsb.clone()),
            None => export,
        }
    }
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode> {
    let Arguments { model, precision, calibrate, name, labels, input, output } = arguments;
    let mut export = input.configure(Export::new(&model.model).precision(*precision).labels(labels));
    if let Some(path) = &model.spec {
        export = export.spec(path);
    }
    if let Some(path) = calibrate {
        export = export.calibrate(path);
    }
    if let Some(name) = name {
        export = export.name(name);
    }
    export.write(output)?;
    terminal.note(&format!("wrote {}", output.display()));
    Ok(ExitCode::SUCCESS)
}
