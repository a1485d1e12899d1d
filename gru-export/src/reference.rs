//! The model's equations in `f64`, written down plainly: what every other implementation is measured against.
//!
//! With libm's exp and tanh, which are the same on every machine: ranges measured here decide the bits of an int8 model.

use crate::dataset::Sample;
use crate::ir::{Dense, Gru, Input, Layer, Matrix, Model, Reset};

/// A model and its running state.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    model: &'a Model,
    /// The model's input after standardization.
    input: Vec<f64>,
    /// What each layer gave last; for a GRU also its state.
    outputs: Vec<Vec<f64>>,
    /// The sums of each GRU layer: r, z, n of the input half, n of the recurrent half.
    preactivations: Vec<Vec<f64>>,
}

impl<'a> Reference<'a> {
    /// At the zero state.
    pub fn new(model: &'a Model) -> Self {
        Self {
            model,
            input: Vec::new(),
            outputs: model.layers().iter().map(|layer| vec![0.0; layer.output_size()]).collect(),
            preactivations: vec![Vec::new(); model.layers().len()],
        }
    }

    /// Back to the zero state.
    pub fn reset(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.fill(0.0));
    }

    /// One step on raw input; returns the last layer's output.
    ///
    /// # Panics
    /// If the sample does not fit the model.
    pub fn step(&mut self, sample: Sample<'_>) -> &[f64] {
        self.input = match sample {
            Sample::Vector(raw) => self.standardize(raw),
            Sample::Symbol(symbol) => self.one_hot(symbol),
        };
        for (index, layer) in self.model.layers().iter().enumerate() {
            let (before, rest) = self.outputs.split_at_mut(index);
            let input = before.last().unwrap_or(&self.input);
            rest[0] = match (layer, sample) {
                (Layer::Embedding(layer), Sample::Symbol(symbol)) => layer.weight.row(symbol).to_vec(),
                (Layer::Gru(layer), _) => {
                    let (sums, next) = gru(layer, input, &rest[0]);
                    self.preactivations[index] = sums.concat();
                    next
                }
                (Layer::Dense(layer), _) => dense(layer, input),
                (Layer::Bidirectional(_) | Layer::Activation(_) | Layer::LayerNorm(_) | Layer::Affine(_), _) => {
                    unreachable!("Model::new refuses them")
                }
                (Layer::Embedding(_), Sample::Vector(_)) => panic!("expected a symbol, found a vector"),
            };
        }
        self.output(self.outputs.len() - 1)
    }

    /// What the model's first layer was given last, standardized; one-hot for a symbol.
    pub fn input(&self) -> &[f64] {
        &self.input
    }

    /// What layer `index` gave last.
    pub fn output(&self, index: usize) -> &[f64] {
        &self.outputs[index]
    }

    /// The sums that layer `index` last put through σ and tanh, `[4, H]`: r, z, n of the input half, n of the recurrent half. Empty unless a GRU.
    pub fn preactivations(&self, index: usize) -> &[f64] {
        &self.preactivations[index]
    }

    fn one_hot(&self, symbol: usize) -> Vec<f64> {
        let (Input::Symbol(count) | Input::Vector(count)) = self.model.input();
        (0..count).map(|i| f64::from(u8::from(i == symbol))).collect()
    }

    fn standardize(&self, raw: &[f64]) -> Vec<f64> {
        match self.model.standardization() {
            Some(by) => (raw.iter().zip(&by.mean).zip(&by.std)).map(|((x, mean), std)| (x - mean) / std).collect(),
            None => raw.to_vec(),
        }
    }
}

/// The sums of r, z, n of the input half and n of the recurrent half, and the next state.
fn gru(layer: &Gru, x: &[f64], h: &[f64]) -> ([Vec<f64>; 4], Vec<f64>) {
    let [w_r, w_z, w_n] = layer.weight_ih.each_ref().map(|w| product(w, x));
    let [u_r, u_z, u_n] = &layer.weight_hh;
    let [b_r, b_z, b_n, c_n] = &layer.bias;

    let r_sum = zip3(&w_r, &product(u_r, h), b_r, |wx, uh, b| wx + uh + b);
    let z_sum = zip3(&w_z, &product(u_z, h), b_z, |wx, uh, b| wx + uh + b);
    let r: Vec<f64> = r_sum.iter().map(|&sum| sigmoid(sum)).collect();
    let input = zip(&w_n, b_n, |wx, b| wx + b);
    let (recurrent, gated) = match layer.cell.reset {
        Reset::After => {
            let recurrent = zip(&product(u_n, h), c_n, |uh, c| uh + c);
            let gated = zip(&r, &recurrent, |r, recurrent| r * recurrent);
            (recurrent, gated)
        }
        Reset::None => unreachable!("Model::new refuses it"),
        Reset::Before => {
            let recurrent = product(u_n, &zip(&r, h, |r, h| r * h));
            (recurrent.clone(), recurrent)
        }
    };
    let n = zip(&input, &gated, |input, gated| libm::tanh(input + gated));
    let z: Vec<f64> = z_sum.iter().map(|&sum| sigmoid(sum)).collect();
    let next = zip3(&z, &n, h, |z, n, h| (1.0 - z) * n + z * h);
    ([r_sum, z_sum, input, recurrent], next)
}

fn dense(layer: &Dense, x: &[f64]) -> Vec<f64> {
    zip(&product(&layer.weight, x), &layer.bias, |wx, b| wx + b)
}

fn product(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    matrix.iter_rows().map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
}

fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-a))
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn zip3(a: &[f64], b: &[f64], c: &[f64], f: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).zip(c).map(|((&a, &b), &c)| f(a, b, c)).collect()
}
