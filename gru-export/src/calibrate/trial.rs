//! Recordings on which changes of a model are measured.

use crate::dataset::{Dataset, Sample, Sequence};
use crate::ir::{Input, Layer, Model, Reset};
use crate::reference::{LayerTrace, Steps, play, scalar};
use crate::verify::{Errors, Shipped, Sums};

/// Recordings, and what the reference makes of them.
pub(crate) struct Trial<'a> {
    /// With the outputs that the model should give.
    sequences: Vec<(Sequence<'a>, Steps)>,
    input: Input,
    /// Of each layer.
    means: Vec<Means>,
    is_part: bool,
}

/// Over all steps, per unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Means {
    /// Of a layer's outputs.
    pub(crate) outputs: Vec<f64>,
    /// Of a GRU layer's [sums](LayerTrace::preactivations).
    pub(crate) preactivations: Vec<f64>,
    /// What the recurrent matrix of the candidate reads where the reset gate acts before it, `r ⊙ h`; not of a bidirectional layer.
    pub(crate) reset: Vec<f64>,
}

impl<'a> Trial<'a> {
    /// Of about so many steps: recordings evenly from all of `data`, or the beginning of one.
    pub(crate) fn new(model: &Model, data: &'a Dataset, steps: usize) -> Self {
        let recordings = data.sequences().len();
        let length = data.total_steps() / recordings;
        let taken = (steps / length).clamp(1, recordings);
        let length = length.min(steps);
        let mut trial = Self {
            sequences: Vec::new(),
            input: model.input(),
            means: vec![Means::default(); model.layers().len()],
            is_part: taken * length < data.total_steps(),
        };
        for (index, sequence) in data.starts(length).enumerate() {
            if index * taken % recordings >= taken {
                continue;
            }
            let mut trace = play(model, &sequence.samples(model.input()));
            for ((means, layer), trace) in trial.means.iter_mut().zip(model.layers()).zip(&trace.layers) {
                means.add(layer, trace, (taken * length) as f64);
            }
            let outputs = trace.layers.pop().map_or_else(Vec::new, |last| last.outputs);
            trial.sequences.push((sequence, outputs));
        }
        trial
    }

    /// Whether not all recordings are in it.
    pub(crate) fn is_part(&self) -> bool {
        self.is_part
    }

    /// Each played from the zero state.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = Vec<Sample<'_>>> {
        self.sequences.iter().map(|(sequence, _)| sequence.samples(self.input))
    }

    /// Of all recordings together.
    pub(crate) fn steps(&self) -> usize {
        self.sequences.iter().map(|(sequence, _)| sequence.rows().len()).sum()
    }

    /// Of the reference's layers.
    pub(crate) fn means(&self) -> &[Means] {
        &self.means
    }

    /// Of a model's outputs.
    pub(crate) fn errors(&self, shipped: &dyn Shipped) -> Errors {
        let mut sums = Sums::default();
        for (sequence, expected) in &self.sequences {
            let found = shipped.play(&sequence.samples(self.input)).pop().unwrap_or_default();
            expected.iter().zip(&found).for_each(|(expected, found)| sums.add(expected, found));
        }
        sums.errors()
    }
}

impl Means {
    /// One recording of `steps` in all.
    fn add(&mut self, layer: &Layer, trace: &LayerTrace, steps: f64) {
        add_mean(&mut self.outputs, &trace.outputs, steps);
        add_mean(&mut self.preactivations, &trace.preactivations, steps);
        if let Layer::Gru(gru) = layer
            && gru.cell.reset == Reset::Before
        {
            let zero = vec![0.0; gru.hidden_size()];
            let before = std::iter::once(&zero).chain(&trace.outputs);
            let gate = |sums: &Vec<f64>, h: &Vec<f64>| {
                let r = sums.iter().map(|&sum| scalar(gru.cell.recurrent_activation, sum));
                r.zip(h).map(|(r, h)| r * h).collect()
            };
            let gated: Steps = trace.preactivations.iter().zip(before).map(|(sums, h)| gate(sums, h)).collect();
            add_mean(&mut self.reset, &gated, steps);
        }
    }
}

/// Adds a recording's part of a mean over so many steps.
pub(crate) fn add_mean(means: &mut Vec<f64>, recording: &[Vec<f64>], steps: f64) {
    for values in recording {
        means.resize(values.len(), 0.0);
        means.iter_mut().zip(values).for_each(|(mean, value)| *mean += value / steps);
    }
}
