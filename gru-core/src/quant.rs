//! Fixed-point formats, the rounding rule and the operations of an int8 step on single values.
//!
//! | value | type | format | range |
//! |---|---|---|---|
//! | weight | i8 | one scale per row | ±127 |
//! | input, view of the hidden state | i8 | one scale per layer (the input: per channel), folded into the weights | ±127 |
//! | wide input, wide view of the hidden state | i16 | 2⁷ steps per step of an int8 one | ±127·2⁷ |
//! | accumulator | i32 | scale of its row | ±2²³, by [`ACCUMULATOR_BOUND`] |
//! | pre-activation `t` (halved for r and z) | i16 | Q3.12 | ±8 |
//! | gate `r`, candidate `n` | i16 | Q0.15 | ±1 |
//! | hidden state | i32 | Q1.30 in the low 31 bits | ±1 |
//!
//! Every product is rounded by the same rule: half a unit is added and the sum is shifted right arithmetically, so that
//! ties go towards +∞. These functions are what every backend computes, bit for bit.

use crate::{backend::clamp, layout::SUM_BITS, math::fixed};

/// Every accumulator of a layer stays strictly below this magnitude, whatever the input. Packing checks it for the actual weights.
/// With eight bits to spare, a kernel may carry an accumulator multiplied by 256.
pub const ACCUMULATOR_BOUND: i64 = 1 << 23;

/// Columns of a row that hold [`ACCUMULATOR_BOUND`] whatever their weights are: 127 · 127 · 520 < 2²³.
pub const WORST_CASE_COLUMNS: usize = 520;

/// Most columns in a row: a longer row would not fit its accumulator even if every weight were ±1.
pub const MAX_COLUMNS: usize = (ACCUMULATOR_BOUND / 127) as usize;

/// Fraction bits of a pre-activation.
pub const PREACTIVATION_BITS: u32 = 12;

/// Fraction bits of the hidden state.
pub const STATE_BITS: u32 = 30;

/// `a · b / 2¹⁵`, rounded: the one rounding rule. `b` must not be −2¹⁵.
#[inline(always)]
#[must_use]
pub const fn mul_q15(a: i16, b: i16) -> i16 {
    ((a as i32 * b as i32 + (1 << 14)) >> 15) as i16
}

/// Saturates to i16.
#[inline(always)]
#[must_use]
pub fn saturate_i16(value: i32) -> i16 {
    clamp(value, i16::MIN.into(), i16::MAX.into()) as i16
}

/// Saturates to ±127.
#[inline(always)]
#[must_use]
pub fn saturate_i8(value: i32) -> i8 {
    clamp(value, -127, 127) as i8
}

/// Bits that an accumulator gains before its row's shift: rows whose unit is worth more than a step of the result need them.
pub const HEADROOM_BITS: u32 = 7;

/// Brings an accumulator to the fixed-point format of its row: `accumulator · 2⁷ / 2^shift`, saturated to i16, times `multiplier / 2¹⁵`.
///
/// The first division does not round: the bias contains what does, `2^(shift−8)` for a shift of 8 and more.
#[inline(always)]
#[must_use]
pub fn requantize(accumulator: i32, multiplier: i16, shift: u8) -> i16 {
    mul_q15(saturate_i16((accumulator << HEADROOM_BITS).wrapping_shr(shift.into())), multiplier)
}

/// [`requantize`] of a sum with [`SUM_BITS`] fraction bits, by the shift that [`Scales`](crate::layout::Scales) stores.
///
/// Where sums have eight fraction bits, the stored shift is one more, for `a · 2⁷ / 2ˢ = a · 2⁸ / 2ˢ⁺¹`.
#[inline(always)]
#[must_use]
pub fn requantize_sum(sum: i32, multiplier: i16, shift: u8) -> i16 {
    let sum = if SUM_BITS == 0 { sum << HEADROOM_BITS } else { sum };
    mul_q15(saturate_i16(sum.wrapping_shr(shift.into())), multiplier)
}

/// `σ(2t) ⊙ v`: the reset gate applied to `v`.
#[inline(always)]
#[must_use]
pub const fn reset(t: i16, v: i16) -> i16 {
    mul_q15(v, fixed::sigmoid_q15(t))
}

/// The new hidden state `h + (1 − σ(2t)) · (n − h)` in Q1.30, from the halved update pre-activation `t` (Q3.12) and the candidate `n` (Q0.15).
///
/// The product is exact. A closed gate (`1 − z` below 1/55) is carried with 20 fraction bits, so that a slow unit keeps its time constant
/// and, up to z = 0.99995, moves on every step until it is within one Q0.15 unit of its target. `|h| ≤ 2³⁰` is preserved: `h` never leaves the interval between the old `h` and `n`.
///
/// Every word is a state: its bit 31, which in a state of a layer repeats bit 30, counts for nothing. [`state_q15`] of the result is between that of
/// `h` and `n` whatever memory made of `h`.
#[inline(always)]
#[must_use]
pub const fn update(t: i16, n: i16, h: i32) -> i32 {
    let (complement, shift) = fixed::sigmoid_complement(t);
    let distance = n as i32 - state_q15(h) as i32;
    h.wrapping_add((complement as i32 * distance) >> shift)
}

/// The hidden state as Q0.15: bits 15 to 30 of its word.
#[inline(always)]
#[must_use]
pub const fn state_q15(h: i32) -> i16 {
    (h >> 15) as i16
}

/// The int8 view of a Q0.15 value that the matrices read: `multiplier` steps per unit, saturated to ±127.
#[inline(always)]
#[must_use]
pub fn view(value: i16, multiplier: i16) -> i8 {
    saturate_i8((i32::from(value) * i32::from(multiplier) + (1 << 14)) >> 15)
}

/// The wide view of a Q0.15 value: 2⁷ steps for each of [`view`], saturated to ±[`WIDE_MAX`].
#[inline(always)]
#[must_use]
pub fn wide_view(value: i16, multiplier: i16) -> i16 {
    saturate_wide((i32::from(value) * i32::from(multiplier) + (1 << (14 - WIDE_BITS))) >> (15 - WIDE_BITS))
}

/// Whether every row keeps [`ACCUMULATOR_BOUND`]: `|bias| + 127 · (2^input_shift · Σ|w_ih| + Σ|w_hh|)`, with all weights in ±127.
///
/// `weight_ih` is `[rows, inputs]`, `weight_hh` `[rows, hidden]`, row-major; `bias` has one entry a row.
#[must_use]
pub const fn rows_fit(weight_ih: &[i8], weight_hh: &[i8], bias: &[i32], input_shift: u8) -> bool {
    let rows = bias.len();
    if rows == 0 {
        return true;
    }
    let (inputs, hidden) = (weight_ih.len() / rows, weight_hh.len() / rows);
    let (mut weight_ih, mut weight_hh, mut row) = (weight_ih, weight_hh, 0);
    while row < rows {
        let (x, h);
        (x, weight_ih) = absolute_sum(weight_ih, inputs);
        (h, weight_hh) = absolute_sum(weight_hh, hidden);
        let bias = bias[row] as i64;
        if x >= REFUSED || h >= REFUSED || bias.abs() + 127 * ((x << input_shift) + h) >= ACCUMULATOR_BOUND {
            return false;
        }
        row += 1;
    }
    true
}

/// What a sum of magnitudes has of a weight of −128: beyond what the others of a row come to.
const REFUSED: i64 = 1 << 36;

/// `Σ|w|` of the first row, [`REFUSED`] or more when a weight is −128, and the other rows. Runs at compile time, over every weight, where a table
/// takes the fewest steps.
const fn absolute_sum(mut weights: &[i8], mut columns: usize) -> (i64, &[i8]) {
    const ABSOLUTE: [i64; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = if byte == 128 { REFUSED } else { (byte as u8 as i8 as i64).abs() };
            byte += 1;
        }
        table
    };
    let (table, mut sum) = (&ABSOLUTE, 0);
    while columns >= 4
        && let &[a, b, c, d, ref rest @ ..] = weights
    {
        sum += table[a as u8 as usize] + table[b as u8 as usize] + table[c as u8 as usize] + table[d as u8 as usize];
        columns -= 4;
        weights = rest;
    }
    while columns > 0
        && let &[weight, ref rest @ ..] = weights
    {
        sum += table[weight as u8 as usize];
        columns -= 1;
        weights = rest;
    }
    (sum, weights)
}

/// Fraction bits of a wide input: a step of int8 is 2⁷ steps of it.
pub const WIDE_BITS: u32 = 7;

/// Largest magnitude of a wide input.
pub const WIDE_MAX: i16 = 127 << WIDE_BITS;

/// A wide input, saturated to ±[`WIDE_MAX`], as `high · 2⁷ + low`: `high` in ±127, `low` in −64..=63.
///
/// The sums of both halves hold [`ACCUMULATOR_BOUND`] wherever those of an int8 input do.
#[inline(always)]
#[must_use]
pub fn split(value: i16) -> (i8, i8) {
    let value = saturate_wide(value.into());
    let high = (value + (1 << (WIDE_BITS - 1))) >> WIDE_BITS;
    (high as i8, (value - (high << WIDE_BITS)) as i8)
}

/// Saturates to ±[`WIDE_MAX`].
#[inline(always)]
#[must_use]
pub fn saturate_wide(value: i32) -> i16 {
    clamp(value, (-WIDE_MAX).into(), WIDE_MAX.into()) as i16
}

/// What the sum over the low halves adds to the sum over the high halves; both have [`SUM_BITS`] fraction bits.
#[inline(always)]
#[must_use]
pub const fn carry(low: i32) -> i32 {
    ((low + (1 << (SUM_BITS + WIDE_BITS - 1))) >> (SUM_BITS + WIDE_BITS)) << SUM_BITS
}

/// The nearest integer, ties towards +∞ as everywhere; saturated, and 0 for NaN. Exact, and without a library: the same on every target.
#[inline(always)]
#[must_use]
pub const fn nearest(value: f32) -> i32 {
    let towards_zero = value as i32;
    let floor = towards_zero.saturating_sub((towards_zero as f32 > value) as i32);
    floor.saturating_add((value - floor as f32 >= 0.5) as i32)
}

/// An integer reading in the steps of a model's input: `(reading − zero) · multiplier / 2^shift`, the difference saturated to i16, rounded. Of `shift`
/// the low five bits count, and 0 as 1.
#[inline(always)]
#[must_use]
pub fn quantize(reading: i16, zero: i16, multiplier: i16, shift: u8) -> i32 {
    let shift = u32::from(shift & 31).max(1);
    let difference = saturate_i16(i32::from(reading) - i32::from(zero));
    // Half a unit is added behind the shift by one bit less, where the sum cannot be too large.
    (((i32::from(difference) * i32::from(multiplier)) >> (shift - 1)) + 1) >> 1
}
