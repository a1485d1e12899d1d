//! The model's equations in `f64`, written down plainly: what every other implementation is measured against.

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
}

impl<'a> Reference<'a> {
    /// At the zero state.
    pub fn new(model: &'a Model) -> Self {
        Self { model, input: Vec::new(), outputs: model.layers().iter().map(|layer| vec![0.0; layer.output_size()]).collect() }
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
                (Layer::Gru(layer), _) => gru(layer, input, &rest[0]),
                (Layer::Dense(layer), _) => dense(layer, input),
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

fn gru(layer: &Gru, x: &[f64], h: &[f64]) -> Vec<f64> {
    let [w_r, w_z, w_n] = layer.weight_ih.each_ref().map(|w| product(w, x));
    let [u_r, u_z, u_n] = &layer.weight_hh;
    let [b_r, b_z, b_n, c_n] = &layer.bias;

    let r = zip3(&w_r, &product(u_r, h), b_r, |wx, uh, b| sigmoid(wx + uh + b));
    let z = zip3(&w_z, &product(u_z, h), b_z, |wx, uh, b| sigmoid(wx + uh + b));
    let recurrent = match layer.reset {
        Reset::After => zip3(&r, &product(u_n, h), c_n, |r, uh, c| r * (uh + c)),
        Reset::Before => product(u_n, &zip3(&r, h, h, |r, h, _| r * h)),
    };
    let n = zip3(&w_n, b_n, &recurrent, |wx, b, uh| (wx + b + uh).tanh());
    zip3(&z, &n, h, |z, n, h| (1.0 - z) * n + z * h)
}

fn dense(layer: &Dense, x: &[f64]) -> Vec<f64> {
    product(&layer.weight, x).iter().zip(&layer.bias).map(|(wx, b)| wx + b).collect()
}

fn product(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    matrix.iter_rows().map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
}

fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + (-a).exp())
}

fn zip3(a: &[f64], b: &[f64], c: &[f64], f: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).zip(c).map(|((&a, &b), &c)| f(a, b, c)).collect()
}
