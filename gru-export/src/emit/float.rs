//! The layers of an f32 model as source text.

use super::array::literal;
use super::{Item, packed, reset};
use crate::float::FloatLayer;

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
        FloatLayer::Gru { one_hot, shape, weight_ih, weight_hh, bias } => {
            let (i, h, reset) = (shape.input_size, shape.hidden_size, reset(shape.placement));
            let arguments =
                [literal(&[3, h, i], weight_ih, 1), literal(&[3, h, h], weight_hh, 1), literal(&[4, h], bias, 1)];
            let kind = format!(
                "gru_core::GruWeights<{i}, {h}, {reset}, {{ gru_core::layout::gru_f32_lanes({i}, {h}) }}, {{ gru_core::layout::blocks({h}) }}>"
            );
            let item = Item::new(
                "Gru",
                &format!("{i}, {h}, {reset}"),
                &format!("GRU_{index}"),
                &kind,
                &packed("GruWeights", &arguments, ""),
            );
            if *one_hot { item.wrapped("OneHot") } else { item }
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
    }
}
