//! `gru-export report`.

use std::path::PathBuf;
use std::process::ExitCode;

use gru_export::report::Test;
use gru_export::{InputUnit, Result};

use super::terminal::Terminal;
use super::{Arithmetic, CalibrationArguments, InputArguments, LayerArguments, ModelArguments};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    calibration: CalibrationArguments,
    /// Recordings to test on, in raw units; best others than those to calibrate by
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// The test recordings hold sensor counts instead, raw units divided by --input-lsb
    #[arg(long, requires = "input_lsb")]
    counts: bool,
    /// The right class of each test recording, [N], or of each step, [N, T]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// One name per class
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    names: Vec<String>,
    /// Arithmetic to report on
    #[arg(long, value_enum, default_value = "int8")]
    precision: Arithmetic,
    #[command(flatten)]
    layers: LayerArguments,
    #[command(flatten)]
    channels: InputArguments,
    /// The page to write
    #[arg(long, short, value_name = "FILE.html")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode> {
    let Arguments { model, calibration, test, counts, labels, names, precision, layers, channels, output } = arguments;
    let export = channels.configure(calibration.configure(layers.configure(*precision, model.export())));
    let mut test = Test::new(test).names(names).unit(if *counts { InputUnit::Count } else { InputUnit::Raw });
    if let Some(path) = labels {
        test = test.labels(path);
    }
    export.report(&test, &terminal.progress())?.write(output)?;
    if terminal.json {
        terminal.print_json(&serde_json::json!({ "output": output }));
    } else {
        terminal.note(&format!("wrote {}", output.display()));
    }
    Ok(ExitCode::SUCCESS)
}
