//! Ranges that follow from a model's equations, and those that do not.

use std::fmt::Write;

use super::Range;
use crate::ir::{Activation, Input, Layer, Merge, Model};
use crate::reference::scalar;
use crate::spec::string;

/// What sums are taken to reach where nothing was measured: beyond it σ and tanh are as good as flat.
pub(super) const SUMS: f64 = 8.0;

/// Sums of a layer that have ranges.
pub(super) fn sums(layer: &Layer) -> usize {
    match layer {
        Layer::Gru(gru) => 4 * gru.hidden_size(),
        Layer::Bidirectional(both) => 8 * both.forward.hidden_size(),
        _ => 0,
    }
}

/// What a layer's outputs cannot leave, if it says something; `inputs` are empty where they are not known.
pub(super) fn bound(layer: &Layer, inputs: &[Range]) -> Option<Vec<Range>> {
    let size = layer.output_size();
    match layer {
        Layer::Embedding(layer) => {
            let column = |column: usize| {
                let values = layer.weight.iter_rows().map(|row| row[column]);
                values.fold(Range::EMPTY, Range::with)
            };
            Some((0..size).map(column).collect())
        }
        Layer::Bidirectional(both) if both.merge == Merge::Sum => Some(vec![Range::symmetric(2.0); size]),
        Layer::Gru(_) | Layer::Bidirectional(_) => Some(vec![Range::symmetric(1.0); size]),
        Layer::Activation(layer) if layer.activation == Activation::Softmax => {
            Some(vec![Range { min: 0.0, max: 1.0 }; size])
        }
        // Monotonic, either way.
        Layer::Activation(layer) if inputs.len() == size => {
            let image = |range: &Range| [range.min, range.max].map(|x| scalar(layer.activation, x));
            Some(inputs.iter().map(|range| image(range).into_iter().fold(Range::EMPTY, Range::with)).collect())
        }
        Layer::LayerNorm(layer) => {
            let reach = (size as f64).sqrt();
            let unit = |(w, b): (&f64, &f64)| Range { min: b - w.abs() * reach, max: b + w.abs() * reach };
            Some(layer.weight.iter().zip(&layer.bias).map(unit).collect())
        }
        Layer::Dense(_) | Layer::Activation(_) | Layer::Affine(_) => None,
    }
}

/// A file to fill in, with the ranges that int8 needs without recordings.
pub fn ranges_template(model: &Model) -> String {
    let mut text = String::from(
        "# Ranges [min, max] of a model's values: one for all units, [[min, max], …] for each, or { 3 = [min, max] } for some.\n\
         # Fill in those that are empty; with recordings (--calibrate) none is needed, and those given here replace what was measured.\n",
    );
    if let Input::Vector(size) = model.input() {
        let _ = write!(text, "\n# Raw units, {size} channels\ninput = []\n");
    }
    text.push_str("\n[layer]\n");
    for layer in model.layers() {
        let (size, name) = (layer.output_size(), string(layer.name()));
        let _ = match layer {
            Layer::Dense(_) => writeln!(text, "# Sums, {size} values\n{name} = []"),
            _ => writeln!(text, "# Known by its equations, {size} values: {name}"),
        };
    }
    text
}
