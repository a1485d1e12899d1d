//! How often the values of a tensor are where, on two sets of recordings.

use crate::calibrate::Range;
use crate::dataset::Dataset;
use crate::ir::Model;
use crate::progress::Progress;
use crate::reference::{Trace, play};

use super::tensor::Tensor;

/// Bars of a histogram.
pub(super) const BINS: usize = 64;

/// How much further than the limits a histogram reaches, as a share of their distance.
const PADDING: f64 = 0.1;

/// How often the values of a tensor are where.
pub(super) struct Distribution {
    pub(super) tensor: Tensor,
    /// From here to there; what is beyond is counted at the ends.
    pub(super) span: Range,
    pub(super) calibration: Counts,
    pub(super) test: Counts,
}

/// Over one set of recordings.
#[derive(Clone)]
pub(super) struct Counts {
    /// Of equal width.
    pub(super) bins: [u64; BINS],
    pub(super) values: u64,
    /// Values beyond their limits.
    pub(super) clipped: u64,
}

impl Counts {
    const NONE: Self = Self { bins: [0; BINS], values: 0, clipped: 0 };

    /// Share of the values beyond their limits.
    pub(super) fn clipped_share(&self) -> f64 {
        self.clipped as f64 / self.values.max(1) as f64
    }

    fn add(&mut self, tensor: &Tensor, span: Range, raw: &[&[f64]], trace: &Trace) {
        // Against the rounding of the limits themselves.
        let slack = 1e-6 * (span.max - span.min);
        for values in tensor.values(raw, trace) {
            for (&value, limits) in values.iter().zip(&tensor.limits) {
                let bin = (value - span.min) / (span.max - span.min) * BINS as f64;
                self.bins[(bin.max(0.0) as usize).min(BINS - 1)] += 1;
                self.clipped += u64::from(value < limits.min - slack || value > limits.max + slack);
            }
            self.values += values.len() as u64;
        }
    }
}

impl Distribution {
    pub(super) fn new(tensor: Tensor) -> Self {
        let [_, Range { min, max }] = tensor.extremes();
        let padding = (PADDING * (max - min)).max(f64::MIN_POSITIVE);
        let span = Range { min: min - padding, max: max + padding };
        Self { tensor, span, calibration: Counts::NONE, test: Counts::NONE }
    }

    /// Counts a recording of the test.
    pub(super) fn add_test(&mut self, raw: &[&[f64]], trace: &Trace) {
        self.test.add(&self.tensor, self.span, raw, trace);
    }

    /// Counts the recordings that the scales were chosen by.
    pub(super) fn count_calibration(all: &mut [Self], model: &Model, data: &Dataset, progress: &dyn Progress) {
        progress.begin("histograms", data.total_steps());
        for sequence in data.sequences() {
            let (raw, samples) = (sequence.rows().collect::<Vec<_>>(), sequence.samples(model.input()));
            let trace = play(model, &samples);
            for distribution in &mut *all {
                distribution.calibration.add(&distribution.tensor, distribution.span, &raw, &trace);
            }
            raw.iter().for_each(|_| progress.step());
        }
    }
}
