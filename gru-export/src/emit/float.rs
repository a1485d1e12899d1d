//! The layers of an f32 model as source text.

use super::array::{literal, matrix};
use super::{Item, bidirectional, gating, lanes, packed, parts};
use crate::float::{FloatGru, FloatLayer};
use crate::weights::{Weights, halves};

pub(super) fn item(layer: &FloatLayer, index: usize, weights: Weights) -> Item {
    let element = element(weights);
    match layer {
        FloatLayer::Embedding { symbols, size, table } => Item::new(
            "Embedding",
            &format!("{element}, {symbols}, {size}"),
            &format!("EMBEDDING_{index}"),
            &format!("[[{element}; {size}]; {symbols}]"),
            &within(weights, &stored(weights, &[*symbols, *size], table, 0)),
            1,
        ),
        FloatLayer::Gru(layer) => gru(layer, &format!("GRU_{index}"), weights),
        FloatLayer::Bidirectional { forward, backward, merge, ends, output_size } => {
            let directions = [(forward, "FORWARD"), (backward, "BACKWARD")]
                .map(|(layer, way)| gru(layer, &format!("{way}_{index}"), weights));
            bidirectional(directions, *output_size, *merge, *ends)
        }
        FloatLayer::Dense { shape, weight, bias } => {
            let (i, o) = (shape.input_size, shape.output_size);
            let arguments = [stored(weights, &[o, i], weight, 1), literal(&[o], bias, 1)];
            let last = parameter(weights);
            let kind = format!(
                "gru_core::DenseWeights<{i}, {o}, {{ gru_core::layout::dense_f32_lanes({i}, {o}) }}, {{ gru_core::layout::blocks({o}) }}{last}>"
            );
            Item::new(
                "Dense",
                &format!("{i}, {o}{last}"),
                &format!("DENSE_{index}"),
                &kind,
                &within(weights, &packed("DenseWeights", &arguments, "")),
                2,
            )
        }
        FloatLayer::Activation { size, function } => Item::plain("Activate", &format!("{}, {size}", function.kind())),
        FloatLayer::Softmax { size } => Item::plain("Softmax", &size.to_string()),
        FloatLayer::LayerNorm { weight, bias, epsilon } => {
            let size = weight.len();
            let vector = |name: &str, values: &[f32]| {
                format!(
                    "\n#[rustfmt::skip]\n#[allow(clippy::approx_constant)]\nstatic {name}: [f32; {size}] = {values:?};\n"
                )
            };
            let [weights, biases] = ["WEIGHT", "BIAS"].map(|part| format!("NORM_{index}_{part}"));
            Item {
                kind: format!("gru_core::LayerNorm<{size}>"),
                value: format!("gru_core::LayerNorm::new(&{weights}, &{biases}, {epsilon:?})"),
                weights: vector(&weights, weight) + &vector(&biases, bias),
                bytes: parts(2),
                window: false,
            }
        }
    }
}

/// A GRU layer over a static called `name`.
fn gru(layer: &FloatGru, name: &str, weights: Weights) -> Item {
    let FloatGru { one_hot, functions, shape, weight_ih, weight_hh, bias } = layer;
    let (i, h, gates) = (shape.input_size, shape.hidden_size, shape.gates.count());
    let (gating, lanes, last) = (gating(shape.gates), lanes("gru_f32_lanes", shape), parameter(weights));
    let arguments = [
        stored(weights, &[gates, h, i], weight_ih, 1),
        stored(weights, &[gates, h, h], weight_hh, 1),
        literal(&[4, h], bias, 1),
    ];
    let kind =
        format!("gru_core::GruWeights<{i}, {h}, {gating}, {{ {lanes} }}, {{ gru_core::layout::blocks({h}) }}{last}>");
    let functions = match (functions.parameter(), weights) {
        (functions, Weights::F16) if functions.is_empty() => ", gru_core::math::Rational".to_owned(),
        (functions, _) => functions,
    };
    let parameters = format!("{i}, {h}, {gating}{functions}{last}");
    let item = Item::new("Gru", &parameters, name, &kind, &within(weights, &packed("GruWeights", &arguments, "")), 2);
    if *one_hot { item.wrapped("OneHot") } else { item }
}

/// The type of a weight.
fn element(weights: Weights) -> &'static str {
    match weights {
        Weights::F32 => "f32",
        Weights::F16 => "gru_core::F16",
    }
}

/// The type of a weight as the last parameter of a layer, with a comma before it; empty for the default.
fn parameter(weights: Weights) -> String {
    match weights {
        Weights::F32 => String::new(),
        Weights::F16 => format!(", {}", element(weights)),
    }
}

/// Weights as an array of their type, which a scope calls by its short name: see [`within`].
fn stored(weights: Weights, dims: &[usize], values: &[f32], depth: usize) -> String {
    match weights {
        Weights::F32 => matrix(dims, values, depth),
        Weights::F16 => matrix(dims, &halves(values), depth),
    }
}

/// An expression where the type of its weights has the short name that literals give it.
fn within(weights: Weights, expression: &str) -> String {
    match weights {
        Weights::F32 => expression.to_owned(),
        Weights::F16 => format!("{{\n    use gru_core::F16;\n    {expression}\n}}"),
    }
}
