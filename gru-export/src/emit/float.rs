//! The layers of an f32 model as source text.

use gru_core::layout::Placement;

use super::Item;
use super::array::literal;
use crate::float::FloatLayer;

pub(super) fn item(layer: &FloatLayer, index: usize) -> Item {
    match layer {
        FloatLayer::Embedding { symbols, size, table } => {
            let name = format!("EMBEDDING_{index}");
            let table = literal(&[*symbols, *size], table, 0);
            Item::new("Embedding", &format!("f32, {symbols}, {size}"), &name, &format!("[[f32; {size}]; {symbols}]"), &table)
        }
        FloatLayer::Gru { one_hot, shape, weight_ih, weight_hh, bias } => {
            let (i, h) = (shape.input_size, shape.hidden_size);
            let arguments = [literal(&[3, h, i], weight_ih, 1), literal(&[3, h, h], weight_hh, 1), literal(&[4, h], bias, 1)];
            let reset = match shape.placement {
                Placement::After => "gru_core::ResetAfter",
                Placement::Before => "gru_core::ResetBefore",
            };
            let kind = format!(
                "gru_core::GruWeights<{i}, {h}, {reset}, {{ gru_core::layout::gru_f32_lanes({i}, {h}) }}, {{ gru_core::layout::blocks({h}) }}>"
            );
            let item = Item::new("Gru", &format!("{i}, {h}, {reset}"), &format!("GRU_{index}"), &kind, &packed("GruWeights", &arguments));
            if *one_hot { item.one_hot() } else { item }
        }
        FloatLayer::Dense { shape, weight, bias } => {
            let (i, o) = (shape.input_size, shape.output_size);
            let arguments = [literal(&[o, i], weight, 1), literal(&[o], bias, 1)];
            let kind =
                format!("gru_core::DenseWeights<{i}, {o}, {{ gru_core::layout::dense_f32_lanes({i}, {o}) }}, {{ gru_core::layout::blocks({o}) }}>");
            Item::new("Dense", &format!("{i}, {o}"), &format!("DENSE_{index}"), &kind, &packed("DenseWeights", &arguments))
        }
    }
}

fn packed(kind: &str, arguments: &[String]) -> String {
    let arguments: String = arguments.iter().map(|argument| format!("    &{argument},\n")).collect();
    format!("gru_core::{kind}::pack(\n{arguments})")
}
