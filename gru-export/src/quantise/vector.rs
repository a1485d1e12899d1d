//! Layers without a state in int8: dense, activations, normalization, and the way from i16 back to int8.

use gru_core::NORMAL_BITS;
use gru_core::layout::{DenseShape, Order};
use gru_core::quant::{PREACTIVATION_BITS, WIDE_BITS};

use super::rows::{Half, Rows, Sum, check_columns, peak};
use super::{MARGIN, SATURATION, STEPS, in_f32, reach};
use crate::binary::{ceil_log2, floor_log2, power_of_two};
use crate::calibrate::Range;
use crate::error::{Error, Result, quoted};
use crate::function::Function;
use crate::int8::{Int8Layer, Step};
use crate::ir::{Activation, Dense, LayerNorm};
use crate::reference::scalar;

/// i16 to int8.
pub(super) struct Narrowing {
    pub(super) multiplier: i16,
    pub(super) shift: u8,
    /// As the rounded multiplier has it.
    pub(super) counts_per_step: f64,
}

impl Narrowing {
    /// Of values up to `half` counts from the middle, in steps that are so many times finer than those of int8.
    pub(super) fn new(half: f64, fineness: f64) -> Self {
        // A channel that never moves gets one step per count.
        let counts_per_step = (half / STEPS).max(1.0 / STEPS) / fineness;
        let shift = (14.0 + ceil_log2(counts_per_step)).clamp(1.0, 30.0);
        let multiplier = (power_of_two(shift) / counts_per_step).round().clamp(1.0, f64::from(i16::MAX));
        let counts_per_step = power_of_two(shift) / multiplier;
        Self { multiplier: multiplier as i16, shift: shift as u8, counts_per_step }
    }
}

/// i16 with so many fraction bits to int8, or to `wide` i16, over the ranges, or over the widest of them where all are to be `alike`. With the
/// steps of int8.
pub(super) fn narrow(ranges: &[Range], frac_bits: u8, wide: bool, alike: bool) -> (Int8Layer, Vec<Step>) {
    let count = power_of_two(frac_bits);
    let fineness = if wide { f64::from(1 << WIDE_BITS) } else { 1.0 };
    let (mut zeros, mut multipliers, mut shifts, mut steps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Range { min, max } in covering(ranges, alike) {
        let zero = ((min + max) / 2.0 * count).round().clamp(f64::from(i16::MIN), f64::from(i16::MAX));
        let half = (max - min) / 2.0 * room(wide) * count;
        let Narrowing { multiplier, shift, counts_per_step } = Narrowing::new(half, fineness);
        zeros.push(zero as i16);
        multipliers.push(multiplier);
        shifts.push(shift);
        steps.push(Step { worth: counts_per_step * fineness / count, zero: zero / count });
    }
    let given = finer_if(wide, &steps);
    (Int8Layer::Narrow { wide, zero: zeros, multiplier: multipliers, shift: shifts, steps: given }, steps)
}

/// i16 with 2⁷ steps for each of these to int8.
pub(super) fn halved(steps: &[Step]) -> Int8Layer {
    let all = |value| vec![value; steps.len()];
    let shift = vec![2 * WIDE_BITS as u8; steps.len()];
    Int8Layer::Narrow { wide: false, zero: all(0), multiplier: all(1 << WIDE_BITS), shift, steps: steps.to_vec() }
}

/// The f32 that `layer` gives to int8, or to `wide` i16, over the ranges, or over the widest of them where all are to be `alike`. With the steps of int8.
pub(super) fn quantised(layer: &str, ranges: &[Range], wide: bool, alike: bool) -> Result<(Int8Layer, Vec<Step>)> {
    /// As small as leaves room for its inverse in f32.
    const LEAST_WORTH: f64 = 1e-30;
    let steps = covering(ranges, alike).enumerate().map(|(unit, Range { min, max })| {
        let worth = (max - min) / 2.0 * room(wide) / STEPS;
        let step = Step { worth: worth.max(LEAST_WORTH), zero: (min + max) / 2.0 };
        let holds = (step.zero as f32).is_finite() && (step.worth as f32).is_finite();
        holds.then_some(step).ok_or_else(|| {
            Error::new(format!("layer {}: output {unit} reaches {max:e}, beyond the range of f32", quoted(layer)))
        })
    });
    let steps = steps.collect::<Result<Vec<_>>>()?;
    Ok((Int8Layer::Quantize { wide, steps: finer_if(wide, &steps) }, steps))
}

/// How far beyond its calibrated range a value may go: i16 have a bit to spare.
fn room(wide: bool) -> f64 {
    if wide { 2.0 } else { 1.0 }
}

/// The ranges, or for each of them the one that covers all.
fn covering(ranges: &[Range], alike: bool) -> impl Iterator<Item = Range> {
    let widest = Range {
        min: ranges.iter().map(|range| range.min).fold(f64::INFINITY, f64::min),
        max: ranges.iter().map(|range| range.max).fold(f64::NEG_INFINITY, f64::max),
    };
    ranges.iter().map(move |&range| if alike { widest } else { range })
}

fn finer_if(wide: bool, steps: &[Step]) -> Vec<Step> {
    steps.iter().map(|&step| if wide { step.finer() } else { step }).collect()
}

/// Takes int8 of these steps, or `wide` i16 that are finer. Sums in the format that the activation `then` takes; without one, or with one that takes any, 16 bits over the range of the outputs.
pub(super) fn dense(
    layer: &Dense,
    steps: &[Step],
    wide: bool,
    outputs: &[Range],
    then: Option<Activation>,
) -> Result<Int8Layer> {
    let one = f64::from(1 << PREACTIVATION_BITS);
    let bits = PREACTIVATION_BITS as u8;
    // Target steps per unit, what is added to the sum, the magnitude beyond which saturation does no harm, and fraction bits.
    let (unit, offset, enough, frac_bits) = match then {
        Some(Activation::Tanh) => (one, 0.0, SATURATION * one, bits),
        Some(Activation::Sigmoid) => (one / 2.0, 0.0, SATURATION * one, bits - 1),
        Some(Activation::HardSigmoid { slope, offset }) => (slope * one, offset * one, 2.0 * one, bits),
        _ => {
            let frac_bits = frac_bits(&layer.name, outputs)?;
            (power_of_two(frac_bits), 0.0, 0.0, frac_bits)
        }
    };
    check_columns(&layer.name, layer.weight.cols())?;
    let half = Half::new(&layer.weight, steps, unit);
    let sums = outputs.iter().enumerate().map(|(row, range)| Sum {
        input: half.values[row].clone(),
        hidden: Vec::new(),
        bias: layer.bias[row] * unit + half.offsets[row] + offset,
        calibrated: range.max_abs() * unit.abs() + offset.abs(),
        enough,
    });
    let Rows { input, bias, multiplier, shift, .. } = Rows::new(&layer.name, &sums.collect::<Vec<_>>(), 0)?;
    let shape = DenseShape { input_size: layer.weight.cols(), output_size: layer.weight.rows(), order: Order::INT8 };
    let worth = if unit == 0.0 { 0.0 } else { 1.0 / unit };
    let step = Step { worth, zero: -offset * worth };
    Ok(Int8Layer::Dense { wide, shape, weight: input, bias, multiplier, shift, frac_bits, step })
}

/// Of i16 in the format that [`dense`] gives it.
pub(super) fn activation(size: usize, kind: Activation, frac_bits: u8) -> Int8Layer {
    let function = Function::new(kind).expect("softmax is a layer of its own");
    let frac_bits = if function == Function::Relu { frac_bits } else { 15 };
    Int8Layer::Activation { size, function, frac_bits }
}

/// i16 of this step in the format that an activation takes, and the fraction bits of that; `None` where only a table does it. A tanh is saturated
/// at ±3.97, where it changes by less than 8e-4.
pub(super) fn prepared(size: usize, kind: Activation, step: Step) -> Option<(Int8Layer, u8)> {
    let bits = PREACTIVATION_BITS as u8;
    let (unit_bits, frac_bits) = match kind {
        Activation::Tanh => (bits, bits),
        Activation::Sigmoid => (bits - 1, bits - 1),
        Activation::Relu => {
            let bits = (-ceil_log2(step.worth)).clamp(0.0, 15.0) as u8;
            (bits, bits)
        }
        Activation::HardSigmoid { .. } | Activation::Linear | Activation::Softmax => return None,
    };
    let ratio = power_of_two(unit_bits) * step.worth;
    let zero = (-step.zero / step.worth).round();
    let shift = floor_log2(f64::from(i16::MAX) / ratio).min(30.0);
    if zero.abs() > f64::from(i16::MAX) || shift.is_nan() || shift < 1.0 {
        return None;
    }
    let given = Step { worth: power_of_two(unit_bits).recip(), zero: 0.0 };
    let narrow = Int8Layer::Narrow {
        wide: true,
        zero: vec![zero as i16; size],
        multiplier: vec![(ratio * power_of_two(shift)).round() as i16; size],
        shift: vec![shift as u8; size],
        steps: vec![given; size],
    };
    Some((narrow, frac_bits))
}

pub(super) fn softmax(size: usize, frac_bits: u8) -> Int8Layer {
    Int8Layer::Softmax { size, frac_bits }
}

/// Of int8 with a step that all values share; with the step of its outputs.
pub(super) fn lookup(size: usize, kind: Activation, step: Step, outputs: &[Range]) -> (Int8Layer, Step) {
    let min = outputs.iter().map(|range| range.min).fold(f64::INFINITY, f64::min);
    let max = outputs.iter().map(|range| range.max).fold(f64::NEG_INFINITY, f64::max);
    let given = Step { worth: ((max - min) / 2.0 / STEPS).max(f64::MIN_POSITIVE), zero: (max + min) / 2.0 };
    let entry = |place: u8| {
        let x = step.zero + step.worth * f64::from(place.cast_signed());
        ((scalar(kind, x) - given.zero) / given.worth).round().clamp(-STEPS, STEPS) as i8
    };
    (Int8Layer::Lookup { size, table: (0..=u8::MAX).map(entry).collect(), step: given }, given)
}

/// Of int8, or `wide` i16, with a step that all values share.
pub(super) fn layer_norm(layer: &LayerNorm, step: Step, wide: bool, outputs: &[Range]) -> Result<Int8Layer> {
    let frac_bits = frac_bits(&layer.name, outputs)?;
    let unit = power_of_two(frac_bits);
    let gain = unit / f64::from(1 << NORMAL_BITS);
    let (gains, biases) = (peak(&layer.weight) * gain, peak(&layer.bias) * unit);
    let shift = floor_log2(f64::from(i16::MAX) / gains).min(30.0 - ceil_log2(biases.max(1.0))).min(30.0);
    if layer.weight.len() > 1 << 15 || shift.is_nan() || shift < 0.0 {
        let problem = format!("layer {}: too wide, or its weights too large, for int8", quoted(&layer.name));
        return Err(Error::new(problem).help(in_f32(&layer.name)));
    }
    let (scale, rounding) = (power_of_two(shift), if shift > 0.0 { power_of_two(shift - 1.0) } else { 0.0 });
    let count = layer.weight.len() as f64;
    Ok(Int8Layer::LayerNorm {
        wide,
        multiplier: layer.weight.iter().map(|w| (w * gain * scale).round() as i16).collect(),
        bias: layer.bias.iter().map(|b| ((b * unit * scale).round() + rounding) as i32).collect(),
        shift: shift as u8,
        epsilon: (layer.epsilon / (step.worth * step.worth) * count * count).round() as u64,
        frac_bits,
    })
}

/// Fraction bits with which i16 hold the outputs and a margin.
fn frac_bits(layer: &str, outputs: &[Range]) -> Result<u8> {
    let peak = reach(outputs).max(f64::MIN_POSITIVE);
    if MARGIN * peak > f64::from(i16::MAX) {
        let problem = format!("layer {}: its outputs reach {peak:.3e}, more than 16 bits hold", quoted(layer));
        return Err(Error::new(problem).help(format!("scale its weights and bias down, or {}", in_f32(layer))));
    }
    Ok(floor_log2(f64::from(i16::MAX) / (MARGIN * peak)).clamp(0.0, 15.0) as u8)
}
