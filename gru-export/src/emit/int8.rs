//! The layers of an int8 model as source text.

use std::fmt::Debug;

use super::array::literal;
use super::{Item, bidirectional, gating, lanes, packed};
use crate::int8::{InputQuantization, Int8Gru, Int8Layer};
use crate::ir::Merge;

/// The input stage; it borrows nothing.
pub(super) fn input(quantization: &InputQuantization) -> Item {
    let InputQuantization { wide, zero, multiplier, shift, .. } = quantization;
    quantize(if *wide { ", i16" } else { "" }, zero, multiplier, shift)
}

/// To int8, or to the `steps` named.
fn quantize(steps: &str, zero: &[i16], multiplier: &[i16], shift: &[u8]) -> Item {
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
        Int8Layer::Bidirectional { forward, backward } => {
            let size = 2 * forward.shape.hidden_size;
            let directions = [(forward, "FORWARD"), (backward, "BACKWARD")];
            bidirectional(
                directions.map(|(layer, way)| gru(layer, &format!("{way}_{index}"), wide)),
                size,
                Merge::Concat,
            )
        }
        Int8Layer::Activation { size, function, .. } => {
            Item::plain("QActivate", &format!("{}, {size}", function.kind()))
        }
        Int8Layer::Softmax { size, frac_bits } => Item {
            kind: format!("gru_core::QSoftmax<{size}>"),
            value: format!("gru_core::QSoftmax::new({frac_bits})"),
            weights: String::new(),
            window: false,
        },
        Int8Layer::Narrow { zero, multiplier, shift, .. } => quantize("", zero, multiplier, shift),
        Int8Layer::Lookup { size, table, .. } => {
            let name = format!("TABLE_{index}");
            Item::new("Lookup", &size.to_string(), &name, "[i8; 256]", &format!("{table:?}"))
        }
        Int8Layer::LayerNorm { multiplier, bias, shift, epsilon, .. } => {
            let size = multiplier.len();
            let [gains, biases] = ["MULTIPLIER", "BIAS"].map(|part| format!("NORM_{index}_{part}"));
            let vector = |name: &str, kind: &str, values: &dyn Debug| {
                format!("\n#[rustfmt::skip]\nstatic {name}: [{kind}; {size}] = {values:?};\n")
            };
            Item {
                kind: format!("gru_core::QLayerNorm<{size}>"),
                value: format!("gru_core::QLayerNorm::new(&{gains}, &{biases}, {shift}, {epsilon})"),
                weights: vector(&gains, "i16", multiplier) + &vector(&biases, "i32", bias),
                window: false,
            }
        }
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
    let (i, h, gates) = (shape.input_size, shape.hidden_size, shape.gates.count());
    let (gating, lanes) = (gating(shape.gates), lanes("gru_int8_lanes", shape));
    let arguments = [
        literal(&[gates, h, i], weight_ih, 1),
        literal(&[gates, h, h], weight_hh, 1),
        literal(&[4, h], bias, 1),
        literal(&[4, h], multiplier, 1),
        literal(&[4, h], shift, 1),
    ];
    let last = format!("    gru_core::{requantization:?},\n");
    let kind = format!("gru_core::QGruWeights<{i}, {h}, {gating}, {{ {lanes} }}, {{ gru_core::layout::blocks({h}) }}>");
    let weights = packed("QGruWeights", &arguments, &last);
    let item = Item::new("QGru", &format!("{i}, {h}, {gating}"), name, &kind, &weights);
    match (one_hot, wide) {
        (true, _) => item.wrapped("OneHot"),
        (_, true) => item.wrapped("Wide"),
        _ => item,
    }
}
