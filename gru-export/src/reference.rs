//! The model's equations in `f64`, written down plainly: what every other implementation is measured against.
//!
//! With libm's exp and tanh, which are the same on every machine: ranges measured here decide the bits of an int8 model.

use crate::dataset::Sample;
use crate::ir::{Activation, Bidirectional, Cell, Dense, Gru, Input, Layer, LayerNorm, Matrix, Merge, Model, Reset};

/// Values over a sequence: `[step][unit]`.
pub type Steps = Vec<Vec<f64>>;

/// All that a model computes on one sequence.
#[derive(Debug, Clone)]
pub struct Trace {
    /// What the first layer is given: standardized, one-hot for a symbol.
    pub input: Steps,
    /// First to last.
    pub layers: Vec<LayerTrace>,
}

/// What one layer computes on one sequence.
#[derive(Debug, Clone)]
pub struct LayerTrace {
    /// `[step][output]`.
    pub outputs: Steps,
    /// The sums that a GRU layer puts through its activations, `[step][4·H]`: r, z, n of the input half, n of the recurrent half; of a
    /// bidirectional layer those of both directions, `[step][8·H]`. Empty rows for other layers.
    pub preactivations: Steps,
}

impl Trace {
    /// What the model gives, `[step][output]`.
    pub fn outputs(&self) -> &Steps {
        &self.layers[self.layers.len() - 1].outputs
    }
}

/// Plays a sequence of raw input from the zero state.
///
/// # Panics
/// If a sample does not fit the model.
pub fn play(model: &Model, sequence: &[Sample<'_>]) -> Trace {
    let input: Steps = sequence.iter().map(|&sample| first_input(model, sample)).collect();
    let mut layers: Vec<LayerTrace> = Vec::new();
    for layer in model.layers() {
        let inputs = layers.last().map_or(&input, |layer: &LayerTrace| &layer.outputs);
        let each = |f: &dyn Fn(&[f64]) -> Vec<f64>| LayerTrace {
            outputs: inputs.iter().map(|x| f(x)).collect(),
            preactivations: vec![Vec::new(); inputs.len()],
        };
        layers.push(match layer {
            Layer::Embedding(layer) => each(&|one_hot| {
                let symbol = one_hot.iter().position(|&x| x == 1.0).expect("a symbol below the number of rows");
                layer.weight.row(symbol).to_vec()
            }),
            Layer::Gru(layer) => recurrent(layer, inputs.iter()),
            Layer::Bidirectional(layer) => bidirectional(layer, inputs),
            Layer::Dense(layer) => each(&|x| dense(layer, x)),
            Layer::Activation(layer) => each(&|x| vector(layer.activation, x)),
            Layer::LayerNorm(layer) => each(&|x| layer_norm(layer, x)),
            Layer::Affine(_) => unreachable!("Model::new folds it"),
        });
    }
    Trace { input, layers }
}

/// Standardized, or one-hot.
fn first_input(model: &Model, sample: Sample<'_>) -> Vec<f64> {
    let (Input::Symbol(count) | Input::Vector(count)) = model.input();
    match (sample, model.standardization()) {
        (Sample::Symbol(symbol), _) => (0..count).map(|i| f64::from(u8::from(i == symbol))).collect(),
        (Sample::Vector(raw), Some(by)) => {
            (raw.iter().zip(&by.mean).zip(&by.std)).map(|((x, mean), std)| (x - mean) / std).collect()
        }
        (Sample::Vector(raw), None) => raw.to_vec(),
    }
}

/// A GRU layer over inputs in the order given.
fn recurrent<'a>(layer: &Gru, inputs: impl Iterator<Item = &'a Vec<f64>>) -> LayerTrace {
    let mut h = vec![0.0; layer.hidden_size()];
    let (outputs, preactivations) = inputs
        .map(|x| {
            let (sums, next) = gru(layer, x, &h);
            h.clone_from(&next);
            (next, sums.concat())
        })
        .unzip();
    LayerTrace { outputs, preactivations }
}

/// The sums of r, z, n of the input half and n of the recurrent half, and the next state.
fn gru(layer: &Gru, x: &[f64], h: &[f64]) -> ([Vec<f64>; 4], Vec<f64>) {
    let Cell { reset, update, activation, recurrent_activation, clip } = layer.cell;
    let gate = |sum: f64| scalar(recurrent_activation, clipped(sum, clip));
    let [w_r, w_z, w_n] = layer.weight_ih.each_ref().map(|w| product(w, x));
    let [u_r, u_z, u_n] = &layer.weight_hh;
    let [b_r, b_z, b_n, c_n] = &layer.bias;

    let r_sum = zip3(&w_r, &product(u_r, h), b_r, |wx, uh, b| wx + uh + b);
    let z_sum = zip3(&w_z, &product(u_z, h), b_z, |wx, uh, b| wx + uh + b);
    let r: Vec<f64> = r_sum.iter().map(|&sum| gate(sum)).collect();
    let input = zip(&w_n, b_n, |wx, b| wx + b);
    let (recurrent, gated) = match reset {
        Reset::After => {
            let recurrent = zip(&product(u_n, h), c_n, |uh, c| uh + c);
            let gated = zip(&r, &recurrent, |r, recurrent| r * recurrent);
            (recurrent, gated)
        }
        Reset::Before => {
            let recurrent = product(u_n, &zip(&r, h, |r, h| r * h));
            (recurrent.clone(), recurrent)
        }
        Reset::None => {
            let recurrent = product(u_n, h);
            (recurrent.clone(), recurrent)
        }
    };
    let n = zip(&input, &gated, |input, gated| scalar(activation, clipped(input + gated, clip)));
    let next = if update {
        let z: Vec<f64> = z_sum.iter().map(|&sum| gate(sum)).collect();
        zip3(&z, &n, h, |z, n, h| (1.0 - z) * n + z * h)
    } else {
        n
    };
    ([r_sum, z_sum, input, recurrent], next)
}

fn bidirectional(layer: &Bidirectional, inputs: &Steps) -> LayerTrace {
    let ahead = recurrent(&layer.forward, inputs.iter());
    let mut back = recurrent(&layer.backward, inputs.iter().rev());
    back.outputs.reverse();
    back.preactivations.reverse();
    let merge = |ahead: &[f64], back: &[f64]| match layer.merge {
        Merge::Concat => [ahead, back].concat(),
        Merge::Sum => zip(ahead, back, |a, b| a + b),
        Merge::Mul => zip(ahead, back, |a, b| a * b),
        Merge::Ave => zip(ahead, back, |a, b| (a + b) / 2.0),
    };
    let steps = ahead.outputs.len();
    let merged = (0..steps).map(|step| {
        let (last, first) = if layer.ends { (steps - 1, 0) } else { (step, step) };
        merge(&ahead.outputs[last], &back.outputs[first])
    });
    let outputs = merged.collect();
    let sums = ahead.preactivations.into_iter().zip(back.preactivations).map(|(ahead, back)| [ahead, back].concat());
    LayerTrace { outputs, preactivations: sums.collect() }
}

fn dense(layer: &Dense, x: &[f64]) -> Vec<f64> {
    zip(&product(&layer.weight, x), &layer.bias, |wx, b| wx + b)
}

fn layer_norm(layer: &LayerNorm, x: &[f64]) -> Vec<f64> {
    let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / x.len() as f64;
    let mean = mean_of(&mut x.iter().copied());
    let variance = mean_of(&mut x.iter().map(|x| (x - mean) * (x - mean)));
    let scale = (variance + layer.epsilon).sqrt();
    zip3(x, &layer.weight, &layer.bias, |x, weight, bias| (x - mean) / scale * weight + bias)
}

fn vector(activation: Activation, x: &[f64]) -> Vec<f64> {
    if activation != Activation::Softmax {
        return x.iter().map(|&x| scalar(activation, x)).collect();
    }
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = x.iter().map(|x| libm::exp(x - top)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Of one value: not softmax.
pub(crate) fn scalar(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Tanh => libm::tanh(x),
        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
        Activation::HardSigmoid { slope, offset } => (slope * x + offset).clamp(0.0, 1.0),
        // Which of two zeros `max` gives differs between machines.
        Activation::Relu if x > 0.0 => x,
        Activation::Relu => 0.0,
        Activation::Linear => x,
        Activation::Softmax => unreachable!("Model::new refuses it in a cell"),
    }
}

fn clipped(x: f64, clip: Option<f64>) -> f64 {
    clip.map_or(x, |clip| x.clamp(-clip, clip))
}

fn product(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    matrix.iter_rows().map(|row| dot(row, x)).collect()
}

/// A loop, which a build script, compiled without optimisation, runs twice as fast as a chain of iterators.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += a * b;
    }
    sum
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn zip3(a: &[f64], b: &[f64], c: &[f64], f: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).zip(c).map(|((&a, &b), &c)| f(a, b, c)).collect()
}
