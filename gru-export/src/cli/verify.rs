//! `gru-export verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::println;
use gru_export::dataset::write_npy;
use gru_export::verify::Verification;
use gru_export::{InputUnit, Precision, Result, Weights, output};
use serde::Serialize;

use super::terminal::Terminal;
use super::{Arithmetic, CalibrationArguments, InputArguments, LayerArguments, ModelArguments};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Input in raw units: .npy or .npz of [T, I] or [N, T, I], or CSV
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The input holds sensor counts instead, raw units divided by --input-lsb
    #[arg(long, requires = "input_lsb")]
    counts: bool,
    /// A framework's outputs for that input: .npy of [T, O] or [N, T, O]
    #[arg(long, value_name = "FILE.npy")]
    reference: Option<PathBuf>,
    /// Arithmetic to verify
    #[arg(long, value_enum, default_value = "f32")]
    precision: Arithmetic,
    #[command(flatten)]
    layers: LayerArguments,
    #[command(flatten)]
    calibration: CalibrationArguments,
    #[command(flatten)]
    channels: InputArguments,
    /// Write the outputs as [steps, O] of f32
    #[arg(long, short, value_name = "FILE.npy")]
    output: Option<PathBuf>,
    /// Largest error of an output that holds [default: 2e-6 for f32, 0.01 over f16 weights and 0.2 with integers, times the largest output where that is above 1]
    #[arg(long)]
    tolerance: Option<f64>,
}

/// The result as JSON.
#[derive(Serialize)]
struct Report<'a> {
    precision: &'static str,
    backend: &'static str,
    #[serde(flatten)]
    verification: &'a Verification,
    tolerance: f64,
    holds: bool,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode> {
    let Arguments { model, input, counts, reference, precision, layers, calibration, channels, output, tolerance } =
        arguments;
    let export = channels.configure(calibration.configure(layers.configure(*precision, model.export())));
    let unit = if *counts { InputUnit::Count } else { InputUnit::Raw };
    let verification = export.verify(input, unit, reference.as_deref(), &terminal.progress())?;
    if let Some(path) = output {
        let size = verification.outputs.len() / verification.reference.steps;
        output::write(path, &write_npy(&[verification.reference.steps, size], &verification.outputs))?;
    }

    let (precision, backend) = (verification.precision(), gru_core::backend::active());
    let relative = match verification.weights {
        _ if precision != Precision::F32.name() => 0.2,
        Weights::F32 => 2e-6,
        _ => 1e-2,
    };
    let tolerance = tolerance.unwrap_or(relative * verification.reference.errors.peak.max(1.0));
    let holds = verification.holds(tolerance);
    if terminal.json {
        terminal.print_json(&Report { precision, backend, verification: &verification, tolerance, holds });
    } else {
        let stored = match verification.weights {
            Weights::F32 => String::new(),
            weights => format!(", weights in {weights}"),
        };
        println!("{precision} on {backend}{stored}, against f64\n\n{verification}");
        println!(
            "{}",
            terminal.verdict(
                holds,
                &format!("every output within {tolerance:.1e}"),
                &format!("an output is further off than {tolerance:.1e}")
            )
        );
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
