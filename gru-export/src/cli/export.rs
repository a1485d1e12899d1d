//! `gru-export export`.

use std::path::PathBuf;
use std::process::ExitCode;

use gru_export::{Precision, Result};

use super::terminal::Terminal;
use super::{CalibrationArguments, InputArguments, ModelArguments};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Arithmetic of the generated model
    #[arg(long, value_enum)]
    precision: Precision,
    #[command(flatten)]
    calibration: CalibrationArguments,
    /// What the module calls the model [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// One name per output
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    labels: Vec<String>,
    #[command(flatten)]
    channels: InputArguments,
    /// The Rust file to write
    #[arg(long, short, value_name = "FILE.rs")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode> {
    let Arguments { model, precision, calibration, name, labels, channels, output } = arguments;
    let mut export = channels.configure(calibration.configure(model.export().precision(*precision))).labels(labels);
    if let Some(name) = name {
        export = export.name(name);
    }
    let notes = export.write(output, &terminal.progress())?;
    notes.iter().for_each(|note| terminal.note(&format!("note: {note}")));
    if terminal.json {
        terminal.print_json(&serde_json::json!({ "output": output }));
    } else {
        terminal.note(&format!("wrote {}", output.display()));
    }
    Ok(ExitCode::SUCCESS)
}
