//! A calibrated model in int8: which integers stand for its weights, and how their sums become pre-activations.
//!
//! Every row has a scale of its own, the *worth* of one unit of its accumulator in steps of the format that it ends in (Q3.12 for gates).
//! It is the smallest that lets the row's weights fit ±127, its sums fit [`ACCUMULATOR_BOUND`](gru_core::quant::ACCUMULATOR_BOUND) and its reach fit 16 bits before the
//! multiplier. The multiplier is rounded first and the weights after it, so that rounding it costs nothing.

mod bias;
mod chain;
mod rows;
mod vector;

use gru_core::Requantization;
use gru_core::layout::{GruShape, Order};
use gru_core::quant::{PREACTIVATION_BITS, WIDE_BITS};

pub use self::bias::Correction;
pub(crate) use self::bias::correct;
use self::chain::{Chain, Value};
use self::rows::{Half, Rows, Sum, check_columns, input_shift, peak};
use self::vector::Narrowing;
use crate::binary::{ceil_log2, power_of_two};
use crate::calibrate::{Calibration, Range};
use crate::error::{Error, Result, quoted};
use crate::int8::{InputQuantization, Int8Gru, Int8Layer, Int8Model, Step};
use crate::ir::{Cell, Embedding, Gru, Input, Layer, Model, Standardization};
use crate::precision::Precision;

/// Steps of an int8 value on either side of zero.
const STEPS: f64 = 127.0;

/// How far beyond the calibrated range a sum may go before it saturates.
const MARGIN: f64 = 1.25;

/// σ and tanh are as good as flat beyond this: a clip there does nothing.
const GATE_REACH: f64 = 8.0;

/// A pre-activation that is saturated here changes tanh by less than 7e-4.
const SATURATION: f64 = 4.0;

/// The integers of a model, all of its layers in int8.
///
/// `lsb` is the worth of one count of an input channel in raw units; without it, a power of two that leaves the calibrated range a factor of two.
/// A `wide` input has [`WIDE_BITS`] more, see [`gru_core::Wide`].
///
/// # Errors
/// A channel reaches beyond the counts of an i16, a layer has too many columns, or is of a kind that int8 does not have.
pub fn quantise(model: &Model, calibration: &Calibration, lsb: Option<&[f64]>, wide: bool) -> Result<Int8Model> {
    mixed(model, &vec![Precision::Int8; model.layers().len()], calibration, lsb, wide)
}

/// [`quantise`], with a precision for each layer. A first layer in f32 takes raw units; one in w8a16 has a wide input.
///
/// # Errors
/// As [`quantise`], for the layers in int8 and w8a16; and a number beyond the range of f32 in the others.
pub fn mixed(
    model: &Model,
    precisions: &[Precision],
    calibration: &Calibration,
    lsb: Option<&[f64]>,
    wide: bool,
) -> Result<Int8Model> {
    lowered(model, precisions, calibration, lsb, wide).map_err(|(_, error)| error)
}

/// [`mixed`]; an error comes with the place of the layer.
pub(crate) fn lowered(
    model: &Model,
    precisions: &[Precision],
    calibration: &Calibration,
    lsb: Option<&[f64]>,
    wide: bool,
) -> Result<Int8Model, (usize, Error)> {
    let wide = wide || precisions.first() == Some(&Precision::W8a16);
    let first = first_input(model, precisions, calibration, lsb, wide).map_err(|error| (0, error))?;
    let (input, value) = first;
    let mut chain = Chain::new(model, calibration, value);
    for (index, (layer, &precision)) in model.layers().iter().zip(precisions).enumerate() {
        chain.push(index, layer, precision, model.layers().get(index + 1)).map_err(|error| (index, error))?;
    }
    Ok(chain.into_model(input, precisions.to_vec()))
}

/// What the first layer is given.
fn first_input(
    model: &Model,
    precisions: &[Precision],
    calibration: &Calibration,
    lsb: Option<&[f64]>,
    wide: bool,
) -> Result<(Option<InputQuantization>, Value)> {
    let first = &model.layers()[0];
    let fits = matches!(first, Layer::Gru(_) | Layer::Bidirectional(_) | Layer::Dense(_));
    Ok(match model.input() {
        Input::Vector(_) if precisions.first() == Some(&Precision::F32) => (None, Value::Real),
        Input::Vector(_) if wide && !fits => {
            let problem = format!("layer {}: only a GRU or a dense layer takes a wide input", quoted(first.name()));
            return Err(Error::new(problem).help("leave out --wide-input, and w8a16 for this layer"));
        }
        Input::Vector(_) => {
            let (input, steps) = quantise_input(model.standardization(), &calibration.input, lsb, wide)?;
            (Some(input), Value::Stepped { steps, wide })
        }
        Input::Symbol(count) => {
            let steps = vec![Step { worth: 1.0 / STEPS, zero: 0.0 }; count];
            (None, Value::Stepped { steps, wide: false })
        }
    })
}

/// What to do about a layer that int8 does not have.
fn in_f32(layer: &str) -> String {
    format!("leave it in f32: --layer {}=f32", layer.escape_debug())
}

/// The largest magnitude of any value.
fn reach(ranges: &[Range]) -> f64 {
    ranges.iter().map(|range| range.max_abs()).fold(0.0, f64::max)
}

/// Counts to int8, and what its steps mean to the model behind the standardization.
fn quantise_input(
    by: Option<&Standardization>,
    ranges: &[Range],
    lsb: Option<&[f64]>,
    wide: bool,
) -> Result<(InputQuantization, Vec<Step>)> {
    let channels = ranges.len();
    let mut input =
        InputQuantization { wide, lsb: Vec::new(), zero: Vec::new(), multiplier: Vec::new(), shift: Vec::new() };
    // How many steps of the input make one step of int8, to which the weights refer.
    let fineness = if wide { f64::from(1 << WIDE_BITS) } else { 1.0 };
    let mut steps = Vec::new();
    for channel in 0..channels {
        let (mean, std) = by.map_or((0.0, 1.0), |by| (by.mean[channel], by.std[channel]));
        let Range { min, max } = ranges[channel];
        let (min, max) = (min * std + mean, max * std + mean);
        let peak = max.max(-min);
        let lsb = lsb.map_or_else(|| default_lsb(peak), |lsb| lsb[channel]);
        if !(lsb as f32).is_normal() {
            return Err(Error::new(format!(
                "channel {channel} reaches {peak:e}: an LSB of {lsb:e} is beyond the range of f32"
            )));
        }
        if peak / lsb > f64::from(i16::MAX) {
            return Err(Error::new(format!(
                "channel {channel} reaches {peak}, which is {:.0} counts of {lsb}: more than an i16 holds",
                peak / lsb
            ))
            .help("give a larger --input-lsb for this channel"));
        }
        let zero = ((min + max) / 2.0 / lsb).round();
        let Narrowing { multiplier, shift, counts_per_step } = Narrowing::new((max - min) / 2.0 / lsb, fineness);
        input.lsb.push(lsb);
        input.zero.push(zero as i16);
        input.multiplier.push(multiplier);
        input.shift.push(shift);
        steps.push(Step { worth: counts_per_step * fineness * lsb / std, zero: (zero * lsb - mean) / std });
    }
    Ok((input, steps))
}

/// The largest power of two that gives `peak` at most 2¹⁴ counts.
fn default_lsb(peak: f64) -> f64 {
    if peak > 0.0 { power_of_two(ceil_log2(peak) - 14.0) } else { 1.0 }
}

/// With the worth of a step of int8.
fn embedding(layer: &Embedding, wide: bool) -> (Int8Layer, f64) {
    let table = layer.weight.as_slice();
    let worth = (peak(table) / STEPS).max(f64::MIN_POSITIVE);
    let step = Step { worth, zero: 0.0 };
    let scale = if wide { step.finer() } else { step }.worth;
    let rows = table.iter().map(|value| (value / scale).round() as i16).collect();
    (Int8Layer::Embedding { symbols: layer.weight.rows(), size: layer.weight.cols(), table: rows, wide, scale }, worth)
}

/// Takes int8 of these steps, or where it is `wide` i16 that are finer. With the worth of a step of its int8 view, whose largest magnitude is
/// `reach`.
fn gru(
    layer: &Gru,
    steps: &[Step],
    [wide_input, wide_view]: [bool; 2],
    reach: f64,
    preactivations: &[Range],
) -> Result<(Int8Gru, f64)> {
    let plain = Cell { reset: layer.cell.reset, update: layer.cell.update, ..Cell::default() };
    if layer.cell.clip.is_some_and(|clip| clip < GATE_REACH) || (Cell { clip: None, ..layer.cell }) != plain {
        let problem = format!(
            "layer {}: in int8 a GRU has sigmoid gates, a tanh candidate and no clip below {GATE_REACH}",
            quoted(&layer.name)
        );
        return Err(Error::new(problem).help(in_f32(&layer.name)));
    }
    let (inputs, hidden) = (layer.input_size(), layer.hidden_size());
    check_columns(&layer.name, inputs + hidden)?;
    let view = (STEPS / reach).floor().clamp(STEPS, 32.0 * STEPS);
    let state = vec![Step { worth: 1.0 / view, zero: 0.0 }; hidden];

    // In steps of Q3.12; r and z are halved.
    let one = f64::from(1 << PREACTIVATION_BITS);
    let units = [one / 2.0, one / 2.0, one];
    let halves: [(Half, Half); 3] = std::array::from_fn(|gate| {
        (Half::new(&layer.weight_ih[gate], steps, units[gate]), Half::new(&layer.weight_hh[gate], &state, units[gate]))
    });
    let [(r_x, r_h), (z_x, z_h), (n_x, n_h)] = halves;
    let input_shift = input_shift(&[(&r_x, &r_h), (&z_x, &z_h)]);
    let none = Half { values: vec![Vec::new(); hidden], offsets: vec![0.0; hidden] };
    let rows = |x: &Half, h: &Half, gate: usize, bias: usize, input_shift: u8| {
        let range = &preactivations[bias * hidden..][..hidden];
        let unit = units[gate];
        let sums = (0..hidden).map(|row| Sum {
            input: x.values[row].clone(),
            hidden: h.values[row].clone(),
            bias: layer.bias[bias][row] * unit + x.offsets[row],
            calibrated: range[row].max_abs() * unit,
            enough: SATURATION * one,
        });
        Rows::new(&layer.name, &sums.collect::<Vec<_>>(), input_shift)
    };
    let gates = [
        rows(&r_x, &r_h, 0, 0, input_shift)?,
        rows(&z_x, &z_h, 1, 1, input_shift)?,
        rows(&n_x, &none, 2, 2, 0)?,
        rows(&none, &n_h, 2, 3, 0)?,
    ];
    let [r, z, n_input, n_hidden] = &gates;
    let quantised = Int8Gru {
        one_hot: layer.one_hot,
        wide_input,
        wide_view,
        shape: GruShape { input_size: inputs, hidden_size: hidden, order: Order::INT8, gates: layer.cell.into() },
        weight_ih: layer.cell.present([&r.input[..], &z.input, &n_input.input]).concat(),
        weight_hh: layer.cell.present([&r.hidden[..], &z.hidden, &n_hidden.hidden]).concat(),
        bias: gates.each_ref().map(|rows| &rows.bias[..]).concat(),
        multiplier: gates.each_ref().map(|rows| &rows.multiplier[..]).concat(),
        shift: gates.each_ref().map(|rows| &rows.shift[..]).concat(),
        requantization: Requantization { input_shift, view: view as i16 },
    };
    Ok((quantised, 1.0 / view))
}
