//! The arithmetic that arguments ask for.

use gru_export::inspect::Report;
use gru_export::ir::Model;
use gru_export::precision::of_layers;
use gru_export::{Export, LayerPrecision, Precision, Result, Source, Weights};

/// Arithmetic of the layers.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Arithmetic {
    /// f32 weights and state, raw units in
    F32,
    /// int8 weights and inputs, integers alone in a step, sensor counts in
    Int8,
    /// int8 weights, 15 bits of inputs and state, integers alone in a step, sensor counts in
    W8a16,
    /// Of each layer the least of these that keeps --max-error
    Auto,
}

/// The arithmetic of single layers.
#[derive(clap::Args)]
pub(super) struct LayerArguments {
    /// Another precision for a layer by its name in `inspect`: int8, w8a16 or f32; may be given several times
    #[arg(long = "layer", value_name = "LAYER=PRECISION")]
    layers: Vec<LayerPrecision>,
    /// Raise layers until no output on the calibration data is further off, in its own units
    #[arg(long, value_name = "ERROR", requires = "calibrate", required_if_eq("precision", "auto"))]
    max_error: Option<f64>,
    /// What layers in f32 store their weights as: f16 in half the flash and bandwidth, or f32
    #[arg(long, value_name = "TYPE", default_value_t)]
    weights: Weights,
}

impl LayerArguments {
    pub(super) fn configure(&self, all: Arithmetic, export: Export) -> Export {
        let export = export.precision(match all {
            Arithmetic::F32 => Precision::F32,
            Arithmetic::Int8 | Arithmetic::Auto => Precision::Int8,
            Arithmetic::W8a16 => Precision::W8a16,
        });
        let export = self.layers.iter().fold(export, |export, by| export.layer(&by.layer, by.precision));
        let export = export.weights(self.weights);
        match self.max_error {
            Some(bound) => export.max_error(bound),
            None => export,
        }
    }
}

/// Precisions to show the cost of.
#[derive(clap::Args)]
pub(super) struct InspectedPrecision {
    /// Show the cost in this precision, in place of f32 and int8
    #[arg(long)]
    precision: Option<Precision>,
    /// Another precision for a layer by its name: int8, w8a16 or f32; may be given several times
    #[arg(long = "layer", value_name = "LAYER=PRECISION", requires = "precision")]
    layers: Vec<LayerPrecision>,
    /// What layers in f32 store their weights as: f16 or f32
    #[arg(long, value_name = "TYPE", default_value_t)]
    weights: Weights,
}

impl InspectedPrecision {
    pub(super) fn report(&self, model: Model, source: &Source) -> Result<Report> {
        let model = model.with_weights(self.weights);
        let report = Report::new(&model, source);
        let Some(all) = self.precision else { return Ok(report) };
        let precisions = of_layers(&model, all, &self.layers)?;
        self.weights.check(&precisions)?;
        Ok(report.in_precisions(&precisions))
    }
}
