//! Rows of a matrix as integers: weights, bias, multiplier and shift, by the magnitudes that their sums reach.

use gru_core::quant::{ACCUMULATOR_BOUND, HEADROOM_BITS, MAX_COLUMNS};

use super::{MARGIN, STEPS, in_f32};
use crate::binary::{floor_log2, power_of_two};
use crate::error::{Error, Result, quoted};
use crate::int8::Step;
use crate::ir::Matrix;

/// One half of a gate's rows in target steps: per step of each column, and in all for the columns' zeros.
pub(super) struct Half {
    pub(super) values: Vec<Vec<f64>>,
    pub(super) offsets: Vec<f64>,
}

impl Half {
    pub(super) fn new(weight: &Matrix, steps: &[Step], unit: f64) -> Self {
        let values =
            weight.iter_rows().map(|row| row.iter().zip(steps).map(|(w, step)| w * step.worth * unit).collect());
        let offsets = weight.iter_rows().map(|row| row.iter().zip(steps).map(|(w, step)| w * step.zero * unit).sum());
        Self { values: values.collect(), offsets: offsets.collect() }
    }
}

/// Fails where a row has more columns than an accumulator holds.
pub(super) fn check_columns(layer: &str, columns: usize) -> Result<()> {
    if columns <= MAX_COLUMNS {
        return Ok(());
    }
    let problem =
        format!("layer {}: expected at most {MAX_COLUMNS} columns in a row of int8, found {columns}", quoted(layer));
    Err(Error::new(problem).help(in_f32(layer)))
}

/// How many bits coarser the input half of r and z is than the recurrent half: what makes the expected rounding error least, of those that leave
/// the sums half of an accumulator.
pub(super) fn input_shift(gates: &[(&Half, &Half)]) -> u8 {
    let columns = gates.first().map_or((0, 0), |(x, h)| (x.values[0].len(), h.values[0].len()));
    let fits = |&shift: &u8| 2.0 * rounding(shift, columns) <= ACCUMULATOR_BOUND as f64;
    let noise = |shift: u8| {
        let weight = power_of_two(shift);
        let rows = gates.iter().flat_map(|(x, h)| x.values.iter().zip(&h.values));
        rows.map(|(x, h)| {
            let unit = (peak(x) / weight).max(peak(h));
            unit * unit * (weight * weight * x.len() as f64 + h.len() as f64)
        })
        .sum::<f64>()
    };
    (0..=7).filter(fits).min_by(|&a, &b| noise(a).total_cmp(&noise(b))).unwrap_or_default()
}

/// What rounding adds to a sum of so many input and recurrent columns at most: half a unit for each weight, and the rounding term of the shift.
fn rounding(input_shift: u8, (inputs, hidden): (usize, usize)) -> f64 {
    let weight = power_of_two(input_shift);
    STEPS / 2.0 * (weight * inputs as f64 + hidden as f64) + power_of_two(LARGEST_SHIFT - 1) + 1.0
}

/// A row before rounding, in target steps.
pub(super) struct Sum {
    /// Per step of an input column.
    pub(super) input: Vec<f64>,
    /// Per step of a recurrent column.
    pub(super) hidden: Vec<f64>,
    pub(super) bias: f64,
    /// Largest magnitude on calibration data.
    pub(super) calibrated: f64,
    /// A magnitude beyond which saturation does no harm.
    pub(super) enough: f64,
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

    /// The least worth of an accumulator unit that fits weights and sum; [`check_columns`] leaves room for it.
    fn least_worth(&self, input_shift: u8) -> f64 {
        let weight = power_of_two(input_shift);
        let weights = (peak(&self.input) / weight).max(peak(&self.hidden)) / STEPS;
        let room = ACCUMULATOR_BOUND as f64 - rounding(input_shift, (self.input.len(), self.hidden.len()));
        weights.max(self.bound() / room)
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
pub(super) struct Rows {
    pub(super) input: Vec<i8>,
    pub(super) hidden: Vec<i8>,
    pub(super) bias: Vec<i32>,
    pub(super) multiplier: Vec<i16>,
    pub(super) shift: Vec<u8>,
}

impl Rows {
    pub(super) fn new(layer: &str, sums: &[Sum], input_shift: u8) -> Result<Self> {
        let mut rows =
            Self { input: Vec::new(), hidden: Vec::new(), bias: Vec::new(), multiplier: Vec::new(), shift: Vec::new() };
        for (row, sum) in sums.iter().enumerate() {
            let least = sum.least_worth(input_shift);
            if least.is_nan() || least > LARGEST_WORTH {
                return Err(Error::new(format!(
                    "layer {}: row {row} is too steep for int8, its sum moves by {least:.1e} steps at once where {LARGEST_WORTH:.0} are the most",
                    quoted(layer)
                ))
                .help("such weights or inputs often mean a diverged training or a missing input mean and std; f32 takes them"));
            }
            let shift = floor_log2(MULTIPLIER_MAX / least).clamp(f64::from(LEAST_SHIFT), f64::from(LARGEST_SHIFT));
            let fraction = (least * power_of_two(shift)).max(sum.reach() / f64::from(i16::MAX));
            let multiplier = (fraction * 32768.0).ceil().clamp(1.0, f64::from(i16::MAX));
            let worth = multiplier / 32768.0 / power_of_two(shift);
            let round = |value: f64| (value / worth).round().clamp(-STEPS, STEPS) as i8;
            rows.input.extend(sum.input.iter().map(|value| round(value / power_of_two(input_shift))));
            rows.hidden.extend(sum.hidden.iter().map(|&value| round(value)));
            let rounding = if shift > 0.0 { power_of_two(shift - 1.0) } else { 0.0 };
            rows.bias.push(((sum.bias / worth).round() + rounding) as i32);
            rows.multiplier.push(multiplier as i16);
            rows.shift.push((shift + f64::from(HEADROOM_BITS)) as u8);
        }
        Ok(rows)
    }
}

/// The largest magnitude.
pub(super) fn peak(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |peak, value| peak.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_inputs_leave_room_for_their_sums() {
        let half = |columns: usize, weight: f64| Half { values: vec![vec![weight; columns]], offsets: vec![0.0] };
        let state = half(1, 0.01);
        for (inputs, expected) in [(100, 7), (2000, 4), (MAX_COLUMNS - 1, 0)] {
            let input = half(inputs, 1.28);
            let shift = input_shift(&[(&input, &state)]);
            assert_eq!(shift, expected, "{inputs} inputs");
            let sum = Sum {
                input: input.values[0].clone(),
                hidden: state.values[0].clone(),
                bias: 0.0,
                calibrated: 1000.0,
                enough: 1000.0,
            };
            assert!(Rows::new("gru", &[sum], shift).is_ok(), "{inputs} inputs");
        }
    }
}
