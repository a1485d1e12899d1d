//! A calibrated model in int8: which integers stand for its weights, and how their sums become pre-activations.
//!
//! Every row has a scale of its own, the *worth* of one unit of its accumulator in steps of the format that it ends in (Q3.12 for gates).
//! It is the smallest that lets the row's weights fit ±127, its sums fit [`ACCUMULATOR_BOUND`] and its reach fit 16 bits before the
//! multiplier. The multiplier is rounded first and the weights after it, so that rounding it costs nothing.

use gru_core::Requantization;
use gru_core::layout::{DenseShape, GruShape, Order};
use gru_core::quant::{ACCUMULATOR_BOUND, HEADROOM_BITS, PREACTIVATION_BITS, WIDE_BITS};

use crate::calibrate::{Calibration, Range};
use crate::error::{Error, Result, quoted};
use crate::int8::{InputQuantization, Int8Gru, Int8Layer, Int8Model};
use crate::ir::{Cell, Dense, Embedding, Gru, Input, Layer, Matrix, Model, Standardization};

/// Steps of an int8 value on either side of zero.
const STEPS: f64 = 127.0;

/// How far beyond the calibrated range a sum may go before it saturates.
const MARGIN: f64 = 1.25;

/// σ and tanh are as good as flat beyond this: a clip there does nothing.
const GATE_REACH: f64 = 8.0;

/// A pre-activation that is saturated here changes tanh by less than 7e-4.
const SATURATION: f64 = 4.0;

/// The integers of a model.
///
/// `lsb` is the worth of one count of an input channel in raw units; without it, a power of two that leaves the calibrated range a factor of two.
/// A `wide` input has [`WIDE_BITS`] more, see [`gru_core::Wide`].
///
/// # Errors
/// A channel reaches beyond the counts of an i16, a dense layer is not the last, or a layer has too many columns.
pub fn quantise(model: &Model, calibration: &Calibration, lsb: Option<&[f64]>, wide: bool) -> Result<Int8Model> {
    let (input, mut steps) = match model.input() {
        Input::Vector(_) => {
            let (input, steps) = quantise_input(model.standardization(), &calibration.input, lsb, wide)?;
            (Some(input), steps)
        }
        Input::Symbol(count) => (None, vec![Step { worth: 1.0 / STEPS, zero: 0.0 }; count]),
    };
    let last = model.layers().len() - 1;
    let mut layers = Vec::new();
    for (index, layer) in model.layers().iter().enumerate() {
        let outputs = &calibration.outputs[index];
        let (quantised, worth) = match layer {
            Layer::Embedding(layer) => embedding(layer),
            Layer::Gru(layer) => gru(layer, &steps, outputs, &calibration.preactivations[index])?,
            Layer::Bidirectional(_) | Layer::Activation(_) | Layer::LayerNorm(_) | Layer::Affine(_) => {
                return Err(Error::new(format!(
                    "layer {}: int8 does not have this kind of layer",
                    quoted(layer.name())
                ))
                .help("export in f32"));
            }
            Layer::Dense(layer) if index == last => (dense(layer, &steps, outputs)?, 0.0),
            Layer::Dense(layer) => {
                return Err(Error::new(format!(
                    "layer {}: in int8 a dense layer can only be the last",
                    quoted(&layer.name)
                ))
                .help("multiply its matrix into the layer after it, or export in f32"));
            }
        };
        layers.push(quantised);
        steps = vec![Step { worth, zero: 0.0 }; layer.output_size()];
    }
    Ok(Int8Model { input, layers })
}

/// What an int8 value of a layer's input means: `zero + worth · q`.
#[derive(Clone, Copy)]
struct Step {
    worth: f64,
    zero: f64,
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
        // A channel that never moves gets one step per count.
        let counts_per_step = ((max - min) / 2.0 / lsb / STEPS).max(1.0 / STEPS) / fineness;
        let shift = (14.0 + counts_per_step.log2().ceil()).clamp(1.0, 30.0);
        let multiplier = (shift.exp2() / counts_per_step).round().clamp(1.0, f64::from(i16::MAX));
        let counts_per_step = shift.exp2() / multiplier;
        input.lsb.push(lsb);
        input.zero.push(zero as i16);
        input.multiplier.push(multiplier as i16);
        input.shift.push(shift as u8);
        steps.push(Step { worth: counts_per_step * fineness * lsb / std, zero: (zero * lsb - mean) / std });
    }
    Ok((input, steps))
}

/// The largest power of two that gives `peak` at most 2¹⁴ counts.
fn default_lsb(peak: f64) -> f64 {
    if peak > 0.0 { (peak.log2().ceil() - 14.0).exp2() } else { 1.0 }
}

fn embedding(layer: &Embedding) -> (Int8Layer, f64) {
    let table = layer.weight.as_slice();
    let scale = (peak(table) / STEPS).max(f64::MIN_POSITIVE);
    let rows = table.iter().map(|value| (value / scale).round() as i8).collect();
    (Int8Layer::Embedding { symbols: layer.weight.rows(), size: layer.weight.cols(), table: rows, scale }, scale)
}

fn gru(layer: &Gru, steps: &[Step], outputs: &[Range], preactivations: &[Range]) -> Result<(Int8Layer, f64)> {
    let plain = Cell { reset: layer.cell.reset, update: layer.cell.update, ..Cell::default() };
    if layer.cell.clip.is_some_and(|clip| clip < GATE_REACH) || (Cell { clip: None, ..layer.cell }) != plain {
        let problem = format!(
            "layer {}: in int8 a GRU has sigmoid gates, a tanh candidate and no clip below {GATE_REACH}",
            quoted(&layer.name)
        );
        return Err(Error::new(problem).help("export in f32, which has the others"));
    }
    let (inputs, hidden) = (layer.input_size(), layer.hidden_size());
    let reach = outputs.iter().map(|range| range.max_abs()).fold(0.0, f64::max);
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
    let quantised = Int8Layer::Gru(Int8Gru {
        one_hot: layer.one_hot,
        shape: GruShape {
            input_size: inputs,
            hidden_size: hidden,
            order: Order::INT8,
            placement: layer.cell.reset.into(),
        },
        weight_ih: [&r.input[..], &z.input, &n_input.input].concat(),
        weight_hh: [&r.hidden[..], &z.hidden, &n_hidden.hidden].concat(),
        bias: gates.each_ref().map(|rows| &rows.bias[..]).concat(),
        multiplier: gates.each_ref().map(|rows| &rows.multiplier[..]).concat(),
        shift: gates.each_ref().map(|rows| &rows.shift[..]).concat(),
        requantization: Requantization { input_shift, view: view as i16 },
    });
    Ok((quantised, 1.0 / view))
}

fn dense(layer: &Dense, steps: &[Step], outputs: &[Range]) -> Result<Int8Layer> {
    let (inputs, rows) = (layer.weight.cols(), layer.weight.rows());
    let peak = outputs.iter().map(|range| range.max_abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    if MARGIN * peak > f64::from(i16::MAX) {
        let problem = format!("layer {}: its outputs reach {peak:.3e}, more than 16 bits hold", quoted(&layer.name));
        return Err(Error::new(problem).help("scale its weights and bias down, or export in f32"));
    }
    let frac_bits = (f64::from(i16::MAX) / (MARGIN * peak)).log2().floor().clamp(0.0, 15.0);
    let unit = frac_bits.exp2();
    let half = Half::new(&layer.weight, steps, unit);
    let sums = (0..rows).map(|row| Sum {
        input: half.values[row].clone(),
        hidden: Vec::new(),
        bias: layer.bias[row] * unit + half.offsets[row],
        calibrated: outputs[row].max_abs() * unit,
        enough: 0.0,
    });
    let Rows { input, bias, multiplier, shift, .. } = Rows::new(&layer.name, &sums.collect::<Vec<_>>(), 0)?;
    let shape = DenseShape { input_size: inputs, output_size: rows, order: Order::INT8 };
    Ok(Int8Layer::Dense { shape, weight: input, bias, multiplier, shift, frac_bits: frac_bits as u8 })
}

/// One half of a gate's rows in target steps: per step of each column, and in all for the columns' zeros.
struct Half {
    values: Vec<Vec<f64>>,
    offsets: Vec<f64>,
}

impl Half {
    fn new(weight: &Matrix, steps: &[Step], unit: f64) -> Self {
        let values =
            weight.iter_rows().map(|row| row.iter().zip(steps).map(|(w, step)| w * step.worth * unit).collect());
        let offsets = weight.iter_rows().map(|row| row.iter().zip(steps).map(|(w, step)| w * step.zero * unit).sum());
        Self { values: values.collect(), offsets: offsets.collect() }
    }
}

/// How many bits coarser the input half of r and z is than the recurrent half: what makes the expected rounding error least.
fn input_shift(gates: &[(&Half, &Half)]) -> u8 {
    let noise = |shift: u8| {
        let weight = f64::from(shift).exp2();
        let rows = gates.iter().flat_map(|(x, h)| x.values.iter().zip(&h.values));
        rows.map(|(x, h)| (peak(x) / weight).max(peak(h)).powi(2) * (weight * weight * x.len() as f64 + h.len() as f64))
            .sum::<f64>()
    };
    (0..=7).min_by(|&a, &b| noise(a).total_cmp(&noise(b))).unwrap_or_default()
}

/// A row before rounding, in target steps.
struct Sum {
    /// Per step of an input column.
    input: Vec<f64>,
    /// Per step of a recurrent column.
    hidden: Vec<f64>,
    bias: f64,
    /// Largest magnitude on calibration data.
    calibrated: f64,
    /// A magnitude beyond which saturation does no harm.
    enough: f64,
}

impl Sum {
    /// Largest magnitude that any input can give.
    fn bound(&self) -> f64 {
        self.bias.abs() + STEPS * self.input.iter().chain(&self.hidden).map(|value| value.abs()).sum::<f64>()
    }

    /// The magnitude up to which the sum must not saturate.
    fn reach(&self) -> f64 {
        (self.calibrated * MARGIN).max(self.enough).min(self.bound()).min(f64::from(i16::MAX))
    }

    /// The least worth of an accumulator unit that fits weights and sum, or `None` when there are too many columns for any.
    fn least_worth(&self, input_shift: u8) -> Option<f64> {
        let weight = f64::from(input_shift).exp2();
        let weights = (peak(&self.input) / weight).max(peak(&self.hidden)) / STEPS;
        // Each weight may be rounded up by half a unit, and the rounding term of the shift comes on top.
        let rounding = STEPS / 2.0 * (weight * self.input.len() as f64 + self.hidden.len() as f64)
            + (f64::from(LARGEST_SHIFT) - 1.0).exp2()
            + 1.0;
        let room = ACCUMULATOR_BOUND as f64 - rounding;
        (room > 0.0).then(|| weights.max(self.bound() / room))
    }
}

/// Largest multiplier as a fraction.
const MULTIPLIER_MAX: f64 = i16::MAX as f64 / 32768.0;

/// Keeps the rounding term small beside the accumulator.
const LARGEST_SHIFT: i8 = 20;
const LEAST_SHIFT: i8 = -(HEADROOM_BITS as i8);

/// Target steps that one unit of an accumulator can be worth.
const LARGEST_WORTH: f64 = MULTIPLIER_MAX * (1 << HEADROOM_BITS) as f64;

/// The rows of one gate as integers.
struct Rows {
    input: Vec<i8>,
    hidden: Vec<i8>,
    bias: Vec<i32>,
    multiplier: Vec<i16>,
    shift: Vec<u8>,
}

impl Rows {
    fn new(layer: &str, sums: &[Sum], input_shift: u8) -> Result<Self> {
        let mut rows =
            Self { input: Vec::new(), hidden: Vec::new(), bias: Vec::new(), multiplier: Vec::new(), shift: Vec::new() };
        for (row, sum) in sums.iter().enumerate() {
            let least = sum.least_worth(input_shift).ok_or_else(|| {
                Error::new(format!("layer {}: a row has more columns than an int8 accumulator holds", quoted(layer)))
                    .help("export in f32")
            })?;
            if least.is_nan() || least > LARGEST_WORTH {
                return Err(Error::new(format!(
                    "layer {}: row {row} is too steep for int8, its sum moves by {least:.1e} steps at once where {LARGEST_WORTH:.0} are the most",
                    quoted(layer)
                ))
                .help("such weights or inputs often mean a diverged training or a missing input mean and std; f32 takes them"));
            }
            let shift = (MULTIPLIER_MAX / least).log2().floor().clamp(f64::from(LEAST_SHIFT), f64::from(LARGEST_SHIFT));
            let fraction = (least * shift.exp2()).max(sum.reach() / f64::from(i16::MAX));
            let multiplier = (fraction * 32768.0).ceil().clamp(1.0, f64::from(i16::MAX));
            let worth = multiplier / 32768.0 / shift.exp2();
            let round = |value: f64| (value / worth).round().clamp(-STEPS, STEPS) as i8;
            rows.input.extend(sum.input.iter().map(|value| round(value / f64::from(input_shift).exp2())));
            rows.hidden.extend(sum.hidden.iter().map(|&value| round(value)));
            let rounding = if shift > 0.0 { (shift - 1.0).exp2() } else { 0.0 };
            rows.bias.push(((sum.bias / worth).round() + rounding) as i32);
            rows.multiplier.push(multiplier as i16);
            rows.shift.push((shift + f64::from(HEADROOM_BITS)) as u8);
        }
        Ok(rows)
    }
}

fn peak(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |peak, value| peak.max(value.abs()))
}
