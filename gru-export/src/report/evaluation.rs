//! What a test shows: the reference, f32 and int8 on the same recordings, step by step.

use crate::dataset::Dataset;
use crate::ir::Model;
use crate::progress::Progress;
use crate::reference::play;
use crate::verify::{Comparison, Shipped, Sums};

use super::distribution::Distribution;
use super::truth::{Classifier, Confusion, Truth};

/// Points of a curve over time, at most.
const POINTS: usize = 100;

/// Bars of the histogram of output errors; odd, so that one is around zero.
pub(super) const ERROR_BINS: usize = 41;

/// What a test showed.
pub(super) struct Evaluation {
    /// Of each recording.
    pub(super) steps: usize,
    /// int8 against `f64`, first layer to last.
    pub(super) layers: Vec<OverTime>,
    /// f32 outputs against `f64`.
    pub(super) float: Comparison,
    /// int8 outputs against `f64`.
    pub(super) int8: Comparison,
    /// Where the right classes are known.
    pub(super) classes: Option<Classes>,
    /// Errors of int8 outputs, each as a share of the largest.
    pub(super) errors: [u64; ERROR_BINS],
}

/// The error of one layer's outputs.
pub(super) struct OverTime {
    /// Over everything.
    pub(super) whole: Comparison,
    /// Over steps that follow each other, as many in each, for all recordings together.
    pub(super) parts: Vec<Comparison>,
    /// Root of the mean square of the reference.
    pub(super) signal: f64,
}

/// Answers of both arithmetics.
pub(super) struct Classes {
    /// At every step: f32, int8.
    pub(super) every: [Confusion; 2],
    /// At the last step of each recording, where it has one label: f32, int8.
    pub(super) last: Option<[Confusion; 2]>,
}

impl OverTime {
    /// Error as a share of the signal, at each part.
    pub(super) fn relative(&self) -> Vec<f64> {
        self.parts.iter().map(|part| part.errors.rms / self.signal).collect()
    }

    /// How many times larger the error of the last quarter is than that of the second, when transients are over.
    pub(super) fn drift(&self) -> Option<f64> {
        let quarter = self.parts.len() / 4;
        let rms = |parts: &[Comparison]| {
            (parts.iter().map(|part| part.errors.rms * part.errors.rms).sum::<f64>() / parts.len() as f64).sqrt()
        };
        let (second, last) = (rms(&self.parts[quarter..2 * quarter]), rms(&self.parts[self.parts.len() - quarter..]));
        (quarter > 0 && second > 0.0).then(|| last / second)
    }
}

/// The sums behind an [`OverTime`].
struct Running {
    whole: Sums,
    parts: Vec<Sums>,
}

impl Evaluation {
    /// Plays every recording from the zero state in three arithmetics, and counts the distributions.
    pub(super) fn new(
        model: &Model,
        [float, int8]: [&dyn Shipped; 2],
        data: &Dataset,
        truth: Option<&Truth>,
        distributions: &mut [Distribution],
        progress: &dyn Progress,
    ) -> Self {
        progress.begin("test", data.total_steps());
        let recordings = data.sequences().len();
        let steps = data.total_steps() / recordings;
        let parts = steps.min(POINTS);
        let empty = || Running { whole: Sums::default(), parts: vec![Sums::default(); parts] };
        let mut layers: Vec<Running> = model.layers().iter().map(|_| empty()).collect();
        let classifier = Classifier::of(model);
        let mut classes = truth.map(|truth| Classes::new(classifier.classes, truth));
        let (mut against_float, mut differences) = (Sums::default(), Vec::new());
        for (recording, sequence) in data.sequences().enumerate() {
            let (raw, samples) = (sequence.rows().collect::<Vec<_>>(), sequence.samples(model.input()));
            let trace = play(model, &samples);
            let [float, int8] = [float, int8].map(|shipped| shipped.play(&samples));
            distributions.iter_mut().for_each(|distribution| distribution.add_test(&raw, &trace));
            for (running, (expected, found)) in layers.iter_mut().zip(trace.layers.iter().zip(&int8)) {
                for (step, (expected, found)) in expected.outputs.iter().zip(found).enumerate() {
                    running.whole.add(expected, found);
                    running.parts[step * parts / steps].add(expected, found);
                }
            }
            let last = |played: &[Vec<Vec<f64>>], step: usize| played[played.len() - 1][step].clone();
            for (step, expected) in trace.outputs().iter().enumerate() {
                let (float, int8) = (last(&float, step), last(&int8, step));
                against_float.add(expected, &float);
                differences.extend(int8.iter().zip(expected).map(|(found, expected)| found - expected));
                if let (Some(classes), Some(truth)) = (&mut classes, truth) {
                    let right = truth.at(recording, step, steps);
                    classes.add(right, [&float, &int8].map(|outputs| classifier.class(outputs)), step + 1 == steps);
                }
                progress.step();
            }
        }
        let layers: Vec<OverTime> = layers.into_iter().map(Running::finish).collect();
        let int8 = layers[layers.len() - 1].whole;
        let errors = histogram(&differences, int8.errors.max);
        Self { steps, int8, layers, float: against_float.comparison(), classes, errors }
    }
}

impl Running {
    fn finish(self) -> OverTime {
        let parts = self.parts.iter().map(Sums::comparison).collect();
        OverTime { whole: self.whole.comparison(), parts, signal: self.whole.signal_rms() }
    }
}

impl Classes {
    fn new(classes: usize, truth: &Truth) -> Self {
        let both = || [Confusion::new(classes), Confusion::new(classes)];
        Self { every: both(), last: matches!(truth, Truth::Recordings(_)).then(both) }
    }

    fn add(&mut self, right: usize, given: [usize; 2], is_last: bool) {
        let last = self.last.as_mut().filter(|_| is_last);
        for confusions in std::iter::once(&mut self.every).chain(last) {
            confusions.iter_mut().zip(given).for_each(|(confusion, given)| confusion.add(right, given));
        }
    }
}

/// Of values from `−max` to `max`.
fn histogram(values: &[f64], max: f64) -> [u64; ERROR_BINS] {
    let mut bins = [0; ERROR_BINS];
    for value in values {
        let bin = (value / max + 1.0) / 2.0 * ERROR_BINS as f64;
        bins[(bin.max(0.0) as usize).min(ERROR_BINS - 1)] += 1;
    }
    bins
}
