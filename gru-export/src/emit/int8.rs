//! The layers of an int8 model as source text.

use super::array::literal;
use super::{Item, packed, reset};
use crate::int8::{InputQuantization, Int8Gru, Int8Layer};

/// The input stage; it borrows nothing.
pub(super) fn input(quantization: &InputQuantization) -> Item {
    let InputQuantization { wide, zero, multiplier, shift, .. } = quantization;
    let steps = if *wide { ", i16" } else { "" };
    Item {
        kind: format!("gru_core::Quantize<{}{steps}>", zero.len()),
        value: format!("gru_core::Quantize::new({zero:?}, {multiplier:?}, {shift:?})"),
        weights: String::new(),
        window: false,
    }
}

/// `wide` for a layer whose input is [`gru_core::Wide`].
pub(super) fn item(layer: &Int8Layer, index: usize, wide: bool) -> Item {
    match layer {
        Int8Layer::Embedding { symbols, size, table, .. } => {
            let table = literal(&[*symbols, *size], table, 0);
            Item::new(
                "Embedding",
                &format!("i8, {symbols}, {size}"),
                &format!("EMBEDDING_{index}"),
                &format!("[[i8; {size}]; {symbols}]"),
                &table,
            )
        }
        Int8Layer::Gru(layer) => gru(layer, &format!("GRU_{index}"), wide),
        Int8Layer::Dense { shape, weight, bias, multiplier, shift, .. } => {
            let (i, o) = (shape.input_size, shape.output_size);
            let arguments = [
                literal(&[o, i], weight, 1),
                literal(&[o], bias, 1),
                literal(&[o], multiplier, 1),
                literal(&[o], shift, 1),
            ];
            let kind = format!(
                "gru_core::QDenseWeights<{i}, {o}, {{ gru_core::layout::dense_int8_lanes({i}, {o}) }}, {{ gru_core::layout::blocks({o}) }}>"
            );
            let weights = packed("QDenseWeights", &arguments, "");
            Item::new("QDense", &format!("{i}, {o}"), &format!("DENSE_{index}"), &kind, &weights)
        }
    }
}

/// A GRU layer over a static called `name`.
fn gru(layer: &Int8Gru, name: &str, wide: bool) -> Item {
    let Int8Gru { one_hot, shape, weight_ih, weight_hh, bias, multiplier, shift, requantization } = layer;
    let (i, h, reset) = (shape.input_size, shape.hidden_size, reset(shape.placement));
    let arguments = [
        literal(&[3, h, i], weight_ih, 1),
        literal(&[3, h, h], weight_hh, 1),
        literal(&[4, h], bias, 1),
        literal(&[4, h], multiplier, 1),
        literal(&[4, h], shift, 1),
    ];
    let last = format!("    gru_core::{requantization:?},\n");
    let kind = format!(
        "gru_core::QGruWeights<{i}, {h}, {reset}, {{ gru_core::layout::gru_int8_lanes({i}, {h}) }}, {{ gru_core::layout::blocks({h}) }}>"
    );
    let weights = packed("QGruWeights", &arguments, &last);
    let item = Item::new("QGru", &format!("{i}, {h}, {reset}"), name, &kind, &weights);
    match (one_hot, wide) {
        (true, _) => item.wrapped("OneHot"),
        (_, true) => item.wrapped("Wide"),
        _ => item,
    }
}
