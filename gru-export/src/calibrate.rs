//! The ranges that a model's values take on typical input, which fix the scales of int8.

use crate::dataset::{Dataset, Sample};
use crate::ir::Model;
use crate::progress::Progress;
use crate::reference::{Steps, play};

/// Ranges over a whole dataset, from the `f64` reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Of the model's input per channel, standardized; one-hot for symbols.
    pub input: Vec<Range>,
    /// Of each layer's output per unit.
    pub outputs: Vec<Vec<Range>>,
    /// Of each GRU layer's [sums](crate::reference::LayerTrace::preactivations); empty for other layers.
    pub preactivations: Vec<Vec<Range>>,
}

/// The smallest and the largest value seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Calibration {
    /// Plays every sequence from the zero state.
    pub fn measure(model: &Model, data: &Dataset, progress: &dyn Progress) -> Self {
        progress.begin("calibrate", data.total_steps());
        let unseen = vec![Vec::new(); model.layers().len()];
        let mut calibration = Self { input: Vec::new(), outputs: unseen.clone(), preactivations: unseen };
        for sequence in data.sequences() {
            let samples: Vec<_> = sequence.map(|row| Sample::new(model.input(), row)).collect();
            let trace = play(model, &samples);
            Range::extend(&mut calibration.input, &trace.input);
            for (index, layer) in trace.layers.iter().enumerate() {
                Range::extend(&mut calibration.outputs[index], &layer.outputs);
                Range::extend(&mut calibration.preactivations[index], &layer.preactivations);
            }
            samples.iter().for_each(|_| progress.step());
        }
        calibration
    }
}

impl Range {
    /// Nothing seen yet.
    const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// The largest distance from zero.
    pub fn max_abs(self) -> f64 {
        self.max.max(-self.min)
    }

    fn extend(ranges: &mut Vec<Self>, steps: &Steps) {
        for values in steps {
            ranges.resize(values.len(), Self::EMPTY);
            for (range, &value) in ranges.iter_mut().zip(values) {
                *range = Self { min: range.min.min(value), max: range.max.max(value) };
            }
        }
    }
}
