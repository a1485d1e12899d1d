//! The code that ships against the `f64` reference, and against outputs that a framework gave.

use std::fmt;

use serde::Serialize;

use crate::dataset::{Array, Dataset, Sample};
use crate::error::{Error, Result};
use crate::ir::Model;
use crate::precision::{Choice, Precision};
use crate::progress::Progress;
use crate::reference::{Steps, play};
use crate::weights::Weights;

/// A model in the arithmetic of the target, run by the kernels that the target runs.
pub trait Shipped {
    /// Plays a sequence of raw input that fits the model from the zero state. Gives what each layer of the model gives at each step,
    /// in the units of the reference.
    fn play(&self, sequence: &[Sample<'_>]) -> Vec<Steps>;

    /// Of each layer of the model.
    fn precisions(&self) -> Vec<Precision>;
}

/// How far values are from those expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Errors {
    /// Largest magnitude of an error; NaN if a value is NaN.
    pub max: f64,
    /// Root of the mean square error.
    pub rms: f64,
    /// Signal to quantization noise in dB; infinite, in JSON null, where nothing differs.
    pub sqnr: f64,
    /// Largest magnitude of an expected value.
    pub peak: f64,
}

/// A model's outputs against those expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Of all values.
    pub errors: Errors,
    /// Steps whose largest output is the expected one.
    pub argmax_agrees: usize,
    /// Steps compared.
    pub steps: usize,
}

/// One layer's outputs against those expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerErrors {
    /// As the source names it.
    pub name: String,
    /// Its arithmetic.
    pub precision: Precision,
    /// Of all values.
    #[serde(flatten)]
    pub errors: Errors,
}

/// What [`verify`] measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// First to last, against `f64`.
    pub layers: Vec<LayerErrors>,
    /// Outputs against `f64`.
    pub reference: Comparison,
    /// Outputs against those given.
    pub given: Option<Comparison>,
    /// How the precisions were chosen, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What layers in f32 store their weights as.
    pub weights: Weights,
    /// How an int8 model's integers were chosen, see [`Fit::notes`](crate::calibrate::Fit::notes), and what weights in f16 save.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// All outputs, `[steps, output_size]`.
    #[serde(skip)]
    pub outputs: Vec<f32>,
}

impl Verification {
    /// Of all layers, or `mixed`.
    pub fn precision(&self) -> &'static str {
        match &self.layers[..] {
            [first, rest @ ..] if rest.iter().all(|layer| layer.precision == first.precision) => first.precision.name(),
            _ => "mixed",
        }
    }

    /// Whether no output is further than `tolerance` from the reference or from what was given.
    pub fn holds(&self, tolerance: f64) -> bool {
        let comparisons = [Some(&self.reference), self.given.as_ref()];
        comparisons.into_iter().flatten().all(|comparison| comparison.errors.max <= tolerance)
    }
}

/// Plays every sequence from the zero state.
///
/// # Errors
/// `given` has not one row of the model's outputs per step.
pub fn verify(
    model: &Model,
    shipped: &dyn Shipped,
    data: &Dataset,
    given: Option<&Array>,
    progress: &dyn Progress,
) -> Result<Verification> {
    let size = model.output_size();
    let given_values = given.map(Array::values);
    if let (Some(Array { shape, .. }), Some(values)) = (given, &given_values)
        && (shape.last() != Some(&size) || values.len() != data.total_steps() * size)
    {
        return Err(Error::new(format!(
            "expected {} steps of {size} outputs, found shape {shape:?}",
            data.total_steps()
        ))
        .help("give the outputs of every step, in the order of the inputs"));
    }
    let mut given_rows = given_values.as_ref().map(|values| values.chunks_exact(size));
    let mut layers = vec![Sums::default(); model.layers().len()];
    let (mut against_reference, mut against_given, mut outputs) = (Sums::default(), Sums::default(), Vec::new());
    progress.begin("verify", data.total_steps());
    for sequence in data.sequences() {
        let samples = sequence.samples(model.input());
        let (expected, found) = (play(model, &samples), shipped.play(&samples));
        for ((sums, expected), found) in layers.iter_mut().zip(&expected.layers).zip(&found) {
            expected.outputs.iter().zip(found).for_each(|(expected, found)| sums.add(expected, found));
        }
        for (expected, found) in expected.outputs().iter().zip(&found[layers.len() - 1]) {
            against_reference.add(expected, found);
            if let Some(expected) = given_rows.as_mut().and_then(Iterator::next) {
                against_given.add(expected, found);
            }
            outputs.extend(found.iter().map(|&y| y as f32));
            progress.step();
        }
    }
    let names = model.layers().iter().map(|layer| layer.name().to_owned());
    let errors = shipped.precisions().into_iter().zip(layers.iter().map(Sums::errors));
    Ok(Verification {
        layers: names.zip(errors).map(|(name, (precision, errors))| LayerErrors { name, precision, errors }).collect(),
        reference: against_reference.comparison(),
        given: given.map(|_| against_given.comparison()),
        choice: None,
        weights: model.weights(),
        notes: Vec::new(),
        outputs,
    })
}

/// Running sums of a [`Comparison`].
#[derive(Clone, Default)]
pub(crate) struct Sums {
    max: f64,
    noise: f64,
    signal: f64,
    peak: f64,
    values: usize,
    argmax_agrees: usize,
    steps: usize,
}

impl Sums {
    pub(crate) fn add(&mut self, expected: &[f64], found: &[f64]) {
        for (expected, found) in expected.iter().zip(found) {
            let error = (found - expected).abs();
            // `f64::max` would drop a NaN.
            self.max = if error > self.max || error.is_nan() { error } else { self.max };
            self.noise += error * error;
            self.signal += expected * expected;
            self.peak = self.peak.max(expected.abs());
        }
        self.values += expected.len();
        self.argmax_agrees += usize::from(gru_core::argmax(expected) == gru_core::argmax(found));
        self.steps += 1;
    }

    pub(crate) fn errors(&self) -> Errors {
        Errors {
            max: self.max,
            rms: (self.noise / self.values as f64).sqrt(),
            sqnr: 10.0 * libm::log10(self.signal / self.noise),
            peak: self.peak,
        }
    }

    /// Root of the mean square of what was expected.
    pub(crate) fn signal_rms(&self) -> f64 {
        (self.signal / self.values as f64).sqrt()
    }

    pub(crate) fn comparison(&self) -> Comparison {
        Comparison { errors: self.errors(), argmax_agrees: self.argmax_agrees, steps: self.steps }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(choice) = &self.choice {
            writeln!(f, "{choice}")?;
        }
        let width = self.layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or_default().max(13);
        writeln!(
            f,
            "{:width$}  {:5}  {:>10}  {:>10}  {:>8}  argmax agrees",
            "", "", "max error", "RMS error", "SQNR dB"
        )?;
        for LayerErrors { name, precision, errors } in &self.layers {
            writeln!(f, "{name:width$}  {:5}  {errors}", precision.name())?;
        }
        let comparisons = [("output", Some(&self.reference)), ("output, given", self.given.as_ref())];
        for (name, comparison) in comparisons {
            let Some(Comparison { errors, argmax_agrees, steps }) = comparison else { continue };
            let share = 100.0 * *argmax_agrees as f64 / *steps as f64;
            writeln!(f, "{name:width$}  {:5}  {errors}  {argmax_agrees} of {steps} steps, {share:.2} %", "")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "\nnote: {note}"))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.2e}  {:>10.2e}  {:>8.1}", self.max, self.rms, self.sqnr)
    }
}
