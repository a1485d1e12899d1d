//! Integer sigmoid and tanh: a cubic in i16 on each of 16 segments, 128 bytes of table for all three gates.
//!
//! The argument `t` is Q3.12 and the result Q0.15. For sigmoid `t` is *half* the argument (σ(a) = ½ + ½·tanh(a/2), the ½ being folded
//! into the weights' multipliers), so that its range is ±16.
//!
//! Over all 65 536 arguments: tanh within 1.4e-4 (2.9e-5 rms), sigmoid within 8.2e-5; both odd-symmetric and monotone up to one unit.

use super::Activation;
use crate::{
    backend::{self, clamp},
    quant::{self, mul_q15},
};

/// First segment whose cubic gives `16 · (1 − tanh)` instead of tanh: from `t` = 2 on, where tanh has no digits left to show.
pub const FAR: usize = 4;

/// Coefficients of 1, f, f², f³ in Q0.15 per segment, with `f` in [0, 1) across a segment of width ½: the interpolation at the four
/// Chebyshev nodes stretched to the ends, so that neighbouring segments meet. Checked against f64 by the tests.
pub const TANH_CUBICS: [[i16; 4]; 16] = [
    [0, 16432, -258, -1031],
    [15143, 12934, -3273, 152],
    [24956, 6878, -2612, 438],
    [29660, 2950, -1280, 259],
    [18860, -18430, 8382, -1794],
    [7018, -6933, 3208, -700],
    [2593, -2572, 1197, -263],
    [955, -949, 443, -98],
    [352, -349, 163, -36],
    [129, -129, 60, -13],
    [48, -47, 22, -5],
    [18, -17, 8, -2],
    [6, -6, 3, -1],
    [2, -2, 1, 0],
    [1, -1, 0, 0],
    [0, 0, 0, 0],
];

/// The cubic of `|t|`, and whether it is in a far segment. Never negative.
#[inline(always)]
const fn cubic(t: i16) -> (i16, bool) {
    let magnitude = t.saturating_abs();
    let segment = (magnitude >> 11) as usize & 15;
    let fraction = (magnitude & 0x7ff) << 4;
    let [c0, c1, c2, c3] = TANH_CUBICS[segment];
    let value = c0 + mul_q15(fraction, c1 + mul_q15(fraction, c2 + mul_q15(fraction, c3)));
    (value, segment >= FAR)
}

/// `tanh(t)` in Q0.15 for `t` in Q3.12; in ±32767.
#[inline(always)]
#[must_use]
pub const fn tanh_q15(t: i16) -> i16 {
    let (value, far) = cubic(t);
    let magnitude = if far { i16::MAX - (value >> 4) } else { value };
    if t < 0 { -magnitude } else { magnitude }
}

/// `σ(2t)` in Q0.15 for `t` in Q3.12; in 0..=32767.
#[inline(always)]
#[must_use]
pub const fn sigmoid_q15(t: i16) -> i16 {
    ((0x8000 + tanh_q15(t) as i32) >> 1) as i16
}

/// `1 − σ(2t)` for `t` in Q3.12 as a significand in 0..=32767 and a shift: `significand / 2^(15 + shift)`.
///
/// The shift is 5 for `t` ≥ 2, where the value is below 1/55, and 0 elsewhere. Relative error at 1 − σ = 1e-3: 1.4e-3; at 1e-4: 8e-3.
#[inline(always)]
#[must_use]
pub const fn sigmoid_complement(t: i16) -> (i16, u32) {
    match cubic(t) {
        (value, true) if t > 0 => (value, 5),
        _ => (((0x8000 - tanh_q15(t) as i32) >> 1) as i16, 0),
    }
}

/// `e^(x / 2^frac_bits)` in Q0.15 for `x` in −65535..=0, the differences of two i16, and `frac_bits` ≤ 15; within 1.6e-4. Saturates outside.
#[inline(always)]
#[must_use]
pub fn exp_q15(x: i32, frac_bits: u8) -> u32 {
    const LOG2_E_Q14: u32 = 23_637;
    let magnitude = (-clamp(x, -i32::from(u16::MAX), 0)).cast_unsigned();
    // e^x = 2^−power, power in Q15.
    let power = ((magnitude * LOG2_E_Q14) << 1) >> (frac_bits & 15);
    let (whole, fraction) = (power >> 15, (power & 0x7fff) as i16);
    // 2^−f ≈ 1 − 0.69168 f + 0.23145 f² − 0.03983 f³, less 1 to fit Q0.15.
    let bend = mul_q15(fraction, -22_665 + mul_q15(fraction, 7_584 + mul_q15(fraction, -1_305)));
    (0x8000 + i32::from(bend)).cast_unsigned().wrapping_shr(clamp(whole.cast_signed(), -1, 31).cast_unsigned())
}

/// A line in Q3.12 within 0 and 1, in Q0.15; 1 is 32767.
#[inline(always)]
#[must_use]
pub const fn unit_q15(t: i16) -> i16 {
    const ONE: i16 = 1 << 12;
    match t {
        ONE.. => i16::MAX,
        0..ONE => t << 3,
        _ => 0,
    }
}

/// A function of one fixed-point value, chosen as a type: of a [`QActivate`](crate::QActivate) layer.
pub trait Function: Copy + Send + Sync + 'static {
    /// Of one value.
    fn apply(x: i16) -> i16;
}

/// [`tanh_q15`].
impl<A: Activation> Function for super::Tanh<A> {
    #[inline(always)]
    fn apply(x: i16) -> i16 {
        backend::tanh(x)
    }
}

/// [`sigmoid_q15`]: of half the argument.
impl<A: Activation> Function for super::Sigmoid<A> {
    #[inline(always)]
    fn apply(x: i16) -> i16 {
        ((0x8000 + i32::from(backend::tanh(x))) >> 1) as i16
    }
}

/// [`unit_q15`]: of `slope · x + offset`, which the layer before has computed.
impl<const SLOPE: u32, const OFFSET: u32> Function for super::HardSigmoid<SLOPE, OFFSET> {
    #[inline(always)]
    fn apply(x: i16) -> i16 {
        quant::saturate_i16(i32::from(x.max(0)) << 3)
    }
}

/// In any format, the same in and out.
impl Function for super::Relu {
    #[inline(always)]
    fn apply(x: i16) -> i16 {
        x.max(0)
    }
}
