//! The ranges that a model's values take on typical input, which fix the scales of int8.
//!
//! [`Statistics`] are measured on recordings; a [`Method`] makes of them the ranges of a [`Calibration`], over which go [`GivenRanges`]; a [`Fit`]
//! is the whole of it, with what was decided for each tensor and why. Only what becomes int8 is ever clipped: the model's input, the int8 view of a GRU's state and the outputs that a
//! matrix reads. Sums and a model's own outputs have 16 bits, enough for the whole range with a margin.

mod bounds;
mod distribution;
mod fit;
mod given;
mod method;
mod search;
mod tensors;
mod trial;

use serde::Serialize;

use crate::dataset::Dataset;
use crate::ir::Model;
use crate::progress::Progress;
use crate::reference::{Steps, play};

pub use bounds::ranges_template;
pub use distribution::Distribution;
pub use fit::{Aim, Fit};
pub use given::GivenRanges;
pub use method::Method;
pub use search::{Candidate, Choice, Origin};
pub use tensors::{Sharing, Tensor, int8_tensors};

pub(crate) use trial::{Means, Trial, add_mean};

/// Steps of int8 from one end of a range to the other.
const STEPS: f64 = 254.0;

/// Ranges, in the units of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Of the model's input per channel, standardized; one-hot for symbols.
    pub input: Vec<Range>,
    /// Of each layer's output per unit.
    pub outputs: Vec<Vec<Range>>,
    /// Of each GRU layer's [sums](crate::reference::LayerTrace::preactivations); empty for other layers.
    pub preactivations: Vec<Vec<Range>>,
}

/// What is known of a model's values on recordings, from the `f64` reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Of the model's input per channel, standardized; one-hot for symbols.
    pub input: Vec<Distribution>,
    /// Of each layer's output per unit.
    pub outputs: Vec<Vec<Distribution>>,
    /// Of each GRU layer's [sums](crate::reference::LayerTrace::preactivations); empty for other layers.
    pub preactivations: Vec<Vec<Range>>,
}

/// From a smallest value to a largest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Statistics {
    /// Plays every sequence from the zero state.
    pub fn measure(model: &Model, data: &Dataset, progress: &dyn Progress) -> Self {
        progress.begin("calibrate", data.total_steps());
        let layers = model.layers().len();
        let mut statistics =
            Self { input: Vec::new(), outputs: vec![Vec::new(); layers], preactivations: vec![Vec::new(); layers] };
        for sequence in data.sequences() {
            let samples = sequence.samples(model.input());
            let trace = play(model, &samples);
            extend(&mut statistics.input, &trace.input, Distribution::default(), Distribution::add);
            for (index, layer) in trace.layers.iter().enumerate() {
                let sums = &mut statistics.preactivations[index];
                extend(&mut statistics.outputs[index], &layer.outputs, Distribution::default(), Distribution::add);
                extend(sums, &layer.preactivations, Range::EMPTY, |range, value| *range = range.with(value));
            }
            samples.iter().for_each(|_| progress.step());
        }
        statistics
    }

    /// All ranges from the smallest value to the largest.
    pub fn min_max(&self) -> Calibration {
        let ranges = |seen: &Vec<Distribution>| seen.iter().map(Distribution::range).collect();
        Calibration {
            input: ranges(&self.input),
            outputs: self.outputs.iter().map(ranges).collect(),
            preactivations: self.preactivations.clone(),
        }
    }
}

impl Calibration {
    /// From the smallest value to the largest over every sequence, played from the zero state.
    pub fn measure(model: &Model, data: &Dataset, progress: &dyn Progress) -> Self {
        Statistics::measure(model, data, progress).min_max()
    }
}

impl Range {
    /// Nothing seen yet.
    const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// As far below zero as above it.
    pub(crate) fn symmetric(max: f64) -> Self {
        Self { min: -max, max }
    }

    /// The largest distance from zero.
    pub fn max_abs(self) -> f64 {
        self.max.max(-self.min)
    }

    fn with(self, value: f64) -> Self {
        Self { min: self.min.min(value), max: self.max.max(value) }
    }

    /// Both, and what is between them.
    fn and(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Without what is outside `other`.
    fn within(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }
}

/// Adds each unit's values over all steps to its entry.
fn extend<T: Clone>(units: &mut Vec<T>, steps: &Steps, empty: T, add: impl Fn(&mut T, f64)) {
    for values in steps {
        units.resize(values.len(), empty.clone());
        units.iter_mut().zip(values).for_each(|(unit, &value)| add(unit, value));
    }
}
