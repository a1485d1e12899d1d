//! Biases that make up for what rounding does to the mean of each sum.

use gru_core::quant::{HEADROOM_BITS, PREACTIVATION_BITS, WIDE_BITS, rows_fit};
use serde::Serialize;

use crate::binary::power_of_two;
use crate::calibrate::{Means, Trial, add_mean};
use crate::float::Kernels;
use crate::int8::{Int8Gru, Int8Layer, Int8Model, Int8Runner};
use crate::ir::{Gru, Layer, Model, Reset};
use crate::progress::Progress;
use crate::verify::Errors;

use super::STEPS;

/// Corrections of a layer at most: each moves the state, and with it the means that the next one takes out.
const ROUNDS: usize = 4;

/// What correcting the biases of a layer did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Correction {
    /// Index in the model.
    pub layer: usize,
    /// RMS error of the model's outputs without it.
    pub before: f64,
    /// And with it, if it is kept or not.
    pub after: f64,
    /// How often the biases were corrected; 0 where that does not lower the error, and they are as they were.
    pub rounds: usize,
}

/// Takes the mean error of every sum on the recordings out of its bias, layer by layer from the first: the errors are those of the model as it
/// ships, its state and its inputs included. A layer stays as it is where that does not lower the RMS error of the model's outputs, or makes
/// one of them larger than `bound`.
pub(crate) fn correct(
    model: &Model,
    quantised: &mut Int8Model,
    trial: &Trial<'_>,
    bound: f64,
    progress: &dyn Progress,
) -> Vec<Correction> {
    progress.begin("correct biases", quantised.layers.len());
    let errors = |quantised: &Int8Model| trial.errors(&Int8Runner::on(Kernels::Scalar, quantised));
    let mut least = errors(quantised).rms;
    let mut corrections = Vec::new();
    for place in 0..quantised.layers.len() {
        progress.step();
        if !quantised.layers[place].has_bias() {
            continue;
        }
        let layer = quantised.ends.partition_point(|&end| end < place);
        let (source, means) = (&model.layers()[layer], &trial.means()[layer]);
        let mut correction = Correction { layer, before: least, after: least, rounds: 0 };
        while correction.rounds < ROUNDS {
            let Some(corrected) = quantised.layers[place].corrected(source, means, &Read::new(quantised, place, trial))
            else {
                break;
            };
            let before = std::mem::replace(&mut quantised.layers[place], corrected);
            let Errors { rms: found, max, .. } = errors(quantised);
            let better = found < least && max <= bound;
            if correction.rounds == 0 || better {
                correction.after = found;
            }
            if !better {
                quantised.layers[place] = before;
                break;
            }
            (least, correction.rounds) = (found, correction.rounds + 1);
        }
        corrections.push(correction);
    }
    corrections
}

/// Means of what a layer's matrices read, in steps of int8.
#[derive(Default)]
struct Read {
    input: Vec<f64>,
    /// The state that a step begins with, of a layer that goes forwards and of one that goes backwards.
    hidden: [Vec<f64>; 2],
}

impl Read {
    fn new(quantised: &Int8Model, place: usize, trial: &Trial<'_>) -> Self {
        let runner = Int8Runner::on(Kernels::Scalar, quantised);
        let (mut read, count) = (Self::default(), trial.steps() as f64);
        for sequence in trial.sequences() {
            let (first, layers) = runner.raw_steps(&sequence);
            let inputs = if place == 0 { &first } else { &layers[place - 1] };
            match &quantised.layers[place] {
                Int8Layer::Gru(Int8Gru { one_hot: true, shape, .. }) => {
                    read.input.resize(shape.input_size, 0.0);
                    inputs.iter().for_each(|symbol| read.input[symbol[0] as usize] += STEPS / count);
                }
                _ => add_mean(&mut read.input, inputs, count),
            }
            // The first step of a recording begins with zeros, and there may be no other.
            let states = &layers[place];
            read.hidden.iter_mut().for_each(|means| means.resize(states[0].len(), 0.0));
            add_mean(&mut read.hidden[0], &states[..states.len() - 1], count);
            add_mean(&mut read.hidden[1], &states[1..], count);
        }
        let [wide_input, wide_view] = match &quantised.layers[place] {
            Int8Layer::Gru(gru) | Int8Layer::Bidirectional { forward: gru, .. } => [gru.wide_input, gru.wide_view],
            Int8Layer::Dense { wide, .. } => [*wide, false],
            _ => [false; 2],
        };
        let fine = f64::from(1 << WIDE_BITS);
        if wide_input {
            read.input.iter_mut().for_each(|mean| *mean /= fine);
        }
        if wide_view {
            read.hidden.iter_mut().flatten().for_each(|mean| *mean /= fine);
        }
        read
    }
}

impl Int8Layer {
    fn has_bias(&self) -> bool {
        matches!(self, Self::Gru(_) | Self::Bidirectional { .. } | Self::Dense { .. })
    }

    /// With other biases, if the layer has any.
    fn corrected(&self, layer: &Layer, means: &Means, read: &Read) -> Option<Self> {
        let [ahead, back] = &read.hidden;
        match (self, layer) {
            (Self::Gru(gru), Layer::Gru(source)) => {
                Some(Self::Gru(gru.corrected(source, &means.preactivations, [&read.input, ahead], &means.reset)))
            }
            // Of other outputs than its states nothing tells the means of these.
            (Self::Bidirectional { forward, backward, merge, ends, step }, Layer::Bidirectional(source))
                if source.gives_states() =>
            {
                let hidden = forward.shape.hidden_size;
                let (sums, back_sums) = means.preactivations.split_at(4 * hidden);
                let forward = forward.corrected(&source.forward, sums, [&read.input, &ahead[..hidden]], &[]);
                let backward = backward.corrected(&source.backward, back_sums, [&read.input, &back[hidden..]], &[]);
                Some(Self::Bidirectional { forward, backward, merge: *merge, ends: *ends, step: *step })
            }
            (Self::Dense { shape, weight, bias, multiplier, shift, step, .. }, _) => {
                let mut corrected = self.clone();
                let row = |row: usize| Row {
                    halves: [(&weight[row * shape.input_size..][..shape.input_size], &read.input), (&[], &[])],
                    input_shift: 0,
                    bias: bias[row],
                    multiplier: multiplier[row],
                    shift: shift[row],
                };
                if let Self::Dense { bias, .. } = &mut corrected {
                    for (index, bias) in bias.iter_mut().enumerate() {
                        *bias = row(index).corrected((means.outputs[index] - step.zero) / step.worth);
                    }
                }
                Some(corrected)
            }
            _ => None,
        }
    }
}

impl Int8Gru {
    /// With biases that make the means of the sums those of the reference.
    fn corrected(&self, source: &Gru, sums: &[f64], read: [&[f64]; 2], reset: &[f64]) -> Self {
        let [input, hidden] = read;
        let one = f64::from(1 << PREACTIVATION_BITS);
        let reset: Vec<f64> = reset.iter().map(|mean| mean * f64::from(self.requantization.view)).collect();
        // Of the candidate's recurrent half; empty where it is not known.
        let candidate = if source.cell.reset == Reset::Before { &reset } else { hidden };
        let mut corrected = self.clone();
        // The gate of each bias, one in steps of its sums, and what its halves read.
        let kinds = [
            (0, one / 2.0, [input, hidden]),
            (1, one / 2.0, [input, hidden]),
            (2, one, [input, &[]]),
            (2, one, [&[], candidate]),
        ];
        for (kind, (gate, one, read)) in kinds.into_iter().enumerate() {
            if !source.cell.gates()[gate] || read.iter().all(|means| means.is_empty()) {
                continue;
            }
            let units = self.shape.hidden_size;
            for unit in 0..units {
                let at = kind * units + unit;
                let row = source.cell.gates()[..gate].iter().filter(|&&there| there).count() * units + unit;
                corrected.bias[at] = Row {
                    halves: [
                        (&self.weight_ih[row * read[0].len()..][..read[0].len()], read[0]),
                        (&self.weight_hh[row * read[1].len()..][..read[1].len()], read[1]),
                    ],
                    input_shift: if gate == 2 { 0 } else { self.requantization.input_shift },
                    bias: self.bias[at],
                    multiplier: self.multiplier[at],
                    shift: self.shift[at],
                }
                .corrected(sums[at] * one);
            }
        }
        corrected
    }
}

/// A row of integers, and the means of what it reads.
struct Row<'a> {
    halves: [(&'a [i8], &'a [f64]); 2],
    /// Of the first half.
    input_shift: u8,
    bias: i32,
    multiplier: i16,
    shift: u8,
}

impl Row<'_> {
    /// The bias with which the mean of the sum is `expected` target steps; the row's own where that does not fit.
    fn corrected(&self, expected: f64) -> i32 {
        let Self { halves, input_shift, bias, multiplier, shift } = self;
        let [input, hidden] = halves.map(|(weights, means)| {
            weights.iter().zip(means).map(|(&weight, mean)| f64::from(weight) * mean).sum::<f64>()
        });
        let shift = f64::from(*shift) - f64::from(HEADROOM_BITS);
        let rounding = if shift > 0.0 { power_of_two(shift - 1.0) } else { 0.0 };
        let worth = f64::from(*multiplier) / 32768.0 / power_of_two(shift);
        let moved = (expected / worth - power_of_two(*input_shift) * input - hidden + rounding).round();
        let [(weight_ih, _), (weight_hh, _)] = halves;
        let fits = moved.abs() < f64::from(i32::MAX) && rows_fit(weight_ih, weight_hh, &[moved as i32], *input_shift);
        if fits { moved as i32 } else { *bias }
    }
}
