//! `gru-export export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gru_export::precision::Choice;
use gru_export::{Result, Written};
use serde::Serialize;

use super::terminal::Terminal;
use super::{Arithmetic, CalibrationArguments, InputArguments, LayerArguments, ModelArguments};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Arithmetic of the generated model
    #[arg(long, value_enum)]
    precision: Arithmetic,
    #[command(flatten)]
    layers: LayerArguments,
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

/// The result as JSON.
#[derive(Serialize)]
struct Report<'a> {
    output: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode> {
    let Arguments { model, precision, layers, calibration, name, labels, channels, output } = arguments;
    let export = layers.configure(*precision, model.export());
    let mut export = channels.configure(calibration.configure(export)).labels(labels);
    if let Some(name) = name {
        export = export.name(name);
    }
    let Written { notes, choice, decisions, .. } = export.write(output, &terminal.progress())?;
    notes.iter().chain(&decisions).for_each(|note| terminal.note(&format!("note: {note}")));
    if terminal.json {
        terminal.print_json(&Report { output, choice });
    } else {
        choice.iter().for_each(|choice| terminal.note(&choice.to_string()));
        terminal.note(&format!("wrote {}", output.display()));
    }
    Ok(ExitCode::SUCCESS)
}
