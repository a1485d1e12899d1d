//! The layers of an f32 model as source text.

use super::array::literal;
use super::{Item, bidirectional, gating, lanes, packed};
use crate::float::{FloatGru, FloatLayer};

pub(super) fn item(layer: &FloatLayer, index: usize) -> Item {
    match layer {
        FloatLayer::Embedding { symbols, size, table } => {
            let name = format!("EMBEDDING_{index}");
            let table = literal(&[*symbols, *size], table, 0);
            Item::new(
                "Embedding",
                &format!("f32, {symbols}, {size}"),
                &name,
                &format!("[[f32; {size}]; {symbols}]"),
                &table,
            )
        }
        FloatLayer::Gru(layer) => gru(layer, &format!("GRU_{index}")),
        FloatLayer::Bidirectional { forward, backward, merge, ends, output_size } => {
            let directions = [(forward, "FORWARD"), (backward, "BACKWARD")]
                .map(|(layer, way)| gru(layer, &format!("{way}_{index}")));
            bidirectional(directions, *output_size, *merge, *ends)
        }
        FloatLayer::Dense { shape, weight, bias } => {
            let (i, o) = (shape.input_size, shape.output_size);
            let arguments = [literal(&[o, i], weight, 1), literal(&[o], bias, 1)];
            let kind = format!(
                "gru_core::DenseWeights<{i}, {o}, {{ gru_core::layout::dense_f32_lanes({i}, {o}) }}, {{ gru_core::layout::blocks({o}) }}>"
            );
            Item::new(
                "Dense",
                &format!("{i}, {o}"),
                &format!("DENSE_{index}"),
                &kind,
                &packed("DenseWeights", &arguments, ""),
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
                window: false,
            }
        }
    }
}

/// A GRU layer over a static called `name`.
fn gru(layer: &FloatGru, name: &str) -> Item {
    let FloatGru { one_hot, functions, shape, weight_ih, weight_hh, bias } = layer;
    let (i, h, gates) = (shape.input_size, shape.hidden_size, shape.gates.count());
    let (gating, lanes) = (gating(shape.gates), lanes("gru_f32_lanes", shape));
    let arguments =
        [literal(&[gates, h, i], weight_ih, 1), literal(&[gates, h, h], weight_hh, 1), literal(&[4, h], bias, 1)];
    let kind = format!("gru_core::GruWeights<{i}, {h}, {gating}, {{ {lanes} }}, {{ gru_core::layout::blocks({h}) }}>");
    let parameters = format!("{i}, {h}, {gating}{}", functions.parameter());
    let item = Item::new("Gru", &parameters, name, &kind, &packed("GruWeights", &arguments, ""));
    if *one_hot { item.wrapped("OneHot") } else { item }
}
