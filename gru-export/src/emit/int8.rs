//! The layers of an int8 model as source text.

use std::fmt::Debug;

use super::array::{literal, matrix};
use super::{Item, bidirectional, float, gating, lanes, packed, parts};
use crate::int8::{InputQuantization, Int8Gru, Int8Layer, Step};
use crate::ir::Merge;
use crate::weights::Weights;

/// The input stage; it borrows nothing.
pub(super) fn input(quantization: &InputQuantization) -> Item {
    let InputQuantization { wide, zero, multiplier, shift, .. } = quantization;
    between("Quantize", *wide, &[&zero, &multiplier, &shift], zero.len())
}

/// A layer that borrows nothing, between int8, or i16 where it is `wide`, and something else.
fn between(layer: &str, wide: bool, arguments: &[&dyn Debug], size: usize) -> Item {
    let arguments: Vec<String> = arguments.iter().map(|argument| format!("{argument:?}")).collect();
    Item {
        kind: format!("gru_core::{layer}<{size}{}>", if wide { ", i16" } else { "" }),
        value: format!("gru_core::{layer}::new({})", arguments.join(", ")),
        weights: String::new(),
        bytes: parts(arguments.len()),
        window: false,
    }
}

pub(super) fn item(layer: &Int8Layer, index: usize, weights: Weights) -> Item {
    match layer {
        Int8Layer::Embedding { symbols, size, table, wide, .. } => {
            let dims = [*symbols, *size];
            let (element, table) = if *wide {
                ("i16", matrix(&dims, table, 0))
            } else {
                ("i8", matrix(&dims, &table.iter().map(|&value| value as i8).collect::<Vec<_>>(), 0))
            };
            Item::new(
                "Embedding",
                &format!("{element}, {symbols}, {size}"),
                &format!("EMBEDDING_{index}"),
                &format!("[[{element}; {size}]; {symbols}]"),
                &table,
                1,
            )
        }
        Int8Layer::Gru(layer) => gru(layer, &format!("GRU_{index}")),
        Int8Layer::Bidirectional { forward, backward, merge, ends, .. } => {
            let size = if *merge == Merge::Concat { 2 } else { 1 } * forward.shape.hidden_size;
            let directions = [(forward, "FORWARD"), (backward, "BACKWARD")];
            let directions = directions.map(|(layer, way)| gru(layer, &format!("{way}_{index}")));
            bidirectional(directions, size, *merge, *ends)
        }
        Int8Layer::Activation { size, function, .. } => {
            Item::plain("QActivate", &format!("{}, {size}", function.kind()))
        }
        Int8Layer::Softmax { size, frac_bits } => Item {
            kind: format!("gru_core::QSoftmax<{size}>"),
            value: format!("gru_core::QSoftmax::new({frac_bits})"),
            weights: String::new(),
            bytes: Vec::new(),
            window: false,
        },
        Int8Layer::Narrow { wide, zero, multiplier, shift, .. } => {
            between("Quantize", *wide, &[zero, multiplier, shift], zero.len())
        }
        Int8Layer::Quantize { wide, steps } => {
            let per_unit: Vec<f32> = steps.iter().map(|step| step.per_unit()).collect();
            between("QuantizeReal", *wide, &[&zeros(steps), &per_unit], steps.len())
        }
        Int8Layer::Dequantize { wide, steps } => {
            let worth: Vec<f32> = steps.iter().map(|step| step.worth as f32).collect();
            between("Dequantize", *wide, &[&zeros(steps), &worth], steps.len())
        }
        Int8Layer::Real(layer) => float::item(layer, index, weights),
        Int8Layer::Lookup { size, table, .. } => {
            let name = format!("TABLE_{index}");
            Item::new("Lookup", &size.to_string(), &name, "[i8; 256]", &format!("{table:?}"), 1)
        }
        Int8Layer::LayerNorm { wide, multiplier, bias, shift, epsilon, .. } => {
            let size = multiplier.len();
            let input = if *wide { ", i16" } else { "" };
            let [gains, biases] = ["MULTIPLIER", "BIAS"].map(|part| format!("NORM_{index}_{part}"));
            let vector = |name: &str, kind: &str, values: &dyn Debug| {
                format!("\n#[rustfmt::skip]\nstatic {name}: [{kind}; {size}] = {values:?};\n")
            };
            Item {
                kind: format!("gru_core::QLayerNorm<{size}{input}>"),
                value: format!("gru_core::QLayerNorm::new(&{gains}, &{biases}, {shift}, {epsilon})"),
                weights: vector(&gains, "i16", multiplier) + &vector(&biases, "i32", bias),
                bytes: parts(2),
                window: false,
            }
        }
        Int8Layer::Dense { wide, shape, weight, bias, multiplier, shift, .. } => {
            let (i, o) = (shape.input_size, shape.output_size);
            let arguments = [
                matrix(&[o, i], weight, 1),
                literal(&[o], bias, 1),
                literal(&[o], multiplier, 1),
                literal(&[o], shift, 1),
            ];
            let kind = format!(
                "gru_core::QDenseWeights<{i}, {o}, {{ gru_core::layout::dense_int8_lanes({i}, {o}) }}, {{ gru_core::layout::blocks({o}) }}>"
            );
            let weights = packed("QDenseWeights", &arguments, "");
            let item = Item::new("QDense", &format!("{i}, {o}"), &format!("DENSE_{index}"), &kind, &weights, 2);
            if *wide { item.wrapped("Wide") } else { item }
        }
    }
}

/// Zeros of one sign: which sign the least of two zeros has differs between machines.
fn zeros(steps: &[Step]) -> Vec<f32> {
    steps.iter().map(|step| (step.zero + 0.0) as f32).collect()
}

/// A GRU layer over a static called `name`.
fn gru(layer: &Int8Gru, name: &str) -> Item {
    let Int8Gru { shape, weight_ih, weight_hh, bias, multiplier, shift, requantization, .. } = layer;
    let (i, h, gates) = (shape.input_size, shape.hidden_size, shape.gates.count());
    let (gating, lanes) = (gating(shape.gates), lanes("gru_int8_lanes", shape));
    let arguments = [
        matrix(&[gates, h, i], weight_ih, 1),
        matrix(&[gates, h, h], weight_hh, 1),
        literal(&[4, h], bias, 1),
        literal(&[4, h], multiplier, 1),
        literal(&[4, h], shift, 1),
    ];
    let last = format!("    gru_core::{requantization:?},\n");
    let kind = format!("gru_core::QGruWeights<{i}, {h}, {gating}, {{ {lanes} }}, {{ gru_core::layout::blocks({h}) }}>");
    let weights = packed("QGruWeights", &arguments, &last);
    let view = if layer.wide_view { ", i16" } else { "" };
    let item = Item::new("QGru", &format!("{i}, {h}, {gating}{view}"), name, &kind, &weights, 2);
    match (layer.one_hot, layer.wide_input) {
        (true, _) => item.wrapped("OneHot"),
        (_, true) => item.wrapped("Wide"),
        _ => item,
    }
}
