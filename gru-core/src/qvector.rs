//! Integer layers over one vector without a matrix: activations, softmax, layer normalization, tables. The same bits on every target.

use crate::{
    backend::{Backend, bytes},
    head::{Buffer, Quantized, softmax_q15},
    math::{
        constant_time::{inverse, min, root, saturating_add, scaled_up, shift_right, signed, unsigned},
        fixed,
    },
    quant,
    stack::Layer,
};
use core::marker::PhantomData;

/// A [`fixed::Function`] of each value: `[i16; N]` in, `[i16; N]` out. Behind a [`QDense`](crate::QDense) whose multipliers lead to the format that
/// the function takes, and before a [`Quantize`](crate::Quantize) where a layer of `[i8; N]` follows.
///
/// ```
/// use gru_core::{Layer, QActivate, math};
///
/// let tanh = QActivate::<math::Tanh, 2>::new();
/// let mut state = Default::default();
/// let y = tanh.step(&[0, 1 << 12], &mut state); // tanh(0), tanh(1)
/// assert_eq!(y[0], 0);
/// assert!((f32::from(y[1]) / 32768.0 - 0.761_594).abs() < 1.4e-4);
/// ```
#[derive(Clone, Copy)]
pub struct QActivate<F, const N: usize>(PhantomData<F>);

impl<F: fixed::Function, const N: usize> QActivate<F, N> {
    /// A layer; it has no weights.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<F: fixed::Function, const N: usize> Default for QActivate<F, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: fixed::Function, const N: usize> Layer for QActivate<F, N> {
    type Input = [i16; N];
    type Output = [i16; N];
    type State = Buffer<i16, N>;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[i16; N], state: &'s mut Buffer<i16, N>) -> &'s [i16; N] {
        state.0 = input.map(F::apply);
        &state.0
    }
}

/// [`softmax_q15`] of fixed-point logits: `[i16; N]` in, probabilities `[i16; N]` in Q0.15 out.
///
/// ```
/// use gru_core::{Layer, QSoftmax};
///
/// let softmax = QSoftmax::<2>::new(10);
/// assert_eq!(softmax.step(&[7, 7], &mut Default::default()), &[1 << 14; 2]);
/// ```
#[derive(Clone, Copy)]
pub struct QSoftmax<const N: usize> {
    frac_bits: u8,
}

impl<const N: usize> QSoftmax<N> {
    /// Of logits with so many fraction bits.
    #[must_use]
    pub const fn new(frac_bits: u8) -> Self {
        Self { frac_bits }
    }
}

impl<const N: usize> Layer for QSoftmax<N> {
    type Input = [i16; N];
    type Output = [i16; N];
    type State = Buffer<i16, N>;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[i16; N], state: &'s mut Buffer<i16, N>) -> &'s [i16; N] {
        state.0 = softmax_q15(input, self.frac_bits);
        &state.0
    }
}

/// Any function of int8 by table: `[i8; N]` in, `[i8; N]` out. Entry `q` stands at the place `q as u8`.
///
/// ```
/// use gru_core::{Layer, Lookup};
///
/// static HALF: [i8; 256] = {
///     let mut table = [0; 256];
///     let mut at = 0;
///     while at < 256 {
///         table[at] = at as u8 as i8 / 2;
///         at += 1;
///     }
///     table
/// };
/// assert_eq!(Lookup::<2>::new(&HALF).step(&[100, -100], &mut Default::default()), &[50, -50]);
/// ```
#[derive(Clone, Copy)]
pub struct Lookup<const N: usize> {
    table: &'static [i8; 256],
}

impl<const N: usize> Lookup<N> {
    /// A layer over a table.
    #[must_use]
    pub const fn new(table: &'static [i8; 256]) -> Self {
        Self { table }
    }

    /// The table as it lies in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 1] {
        [bytes(self.table)]
    }
}

impl<const N: usize> Layer for Lookup<N> {
    type Input = [i8; N];
    type Output = [i8; N];
    type State = Buffer<i8, N>;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[i8; N], state: &'s mut Buffer<i8, N>) -> &'s [i8; N] {
        state.0 = input.map(|q| self.table[usize::from(q.cast_unsigned())]);
        &state.0
    }
}

/// [`layer_norm_int8`]: `[T; N]` of `i8` or `i16` in, `[i16; N]` out in the fixed-point format that the multipliers were made for.
#[derive(Clone, Copy)]
pub struct QLayerNorm<const N: usize, T = i8> {
    multiplier: &'static [i16; N],
    bias: &'static [i32; N],
    shift: u8,
    epsilon: u64,
    input: PhantomData<T>,
}

impl<const N: usize, T: Quantized> QLayerNorm<N, T> {
    /// A layer over its multipliers and biases.
    #[must_use]
    pub const fn new(multiplier: &'static [i16; N], bias: &'static [i32; N], shift: u8, epsilon: u64) -> Self {
        Self { multiplier, bias, shift, epsilon, input: PhantomData }
    }

    /// The multipliers and biases as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.multiplier), bytes(self.bias)]
    }
}

impl<const N: usize, T: Quantized> Layer for QLayerNorm<N, T> {
    type Input = [T; N];
    type Output = [i16; N];
    type State = Buffer<i16, N>;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[T; N], state: &'s mut Buffer<i16, N>) -> &'s [i16; N] {
        layer_norm_int8(input, self.multiplier, self.bias, self.shift, self.epsilon, &mut state.0);
        &state.0
    }
}

/// Fraction bits of a value of [`layer_norm_int8`] between normalization and multiplier: ±16 standard deviations.
pub const NORMAL_BITS: u32 = 11;

/// Layer normalization in integers, as many values as all slices hold, at most 32,768: with `n` the value less the mean in standard
/// deviations, saturated to i16 with [`NORMAL_BITS`] fraction bits,
///
/// ```text
/// y = (n · multiplier + bias) >> shift        saturated; the bias contains what rounds
/// ```
///
/// Mean and variance are exact, `n` within 2⁻²⁸ of itself and half a step; `epsilon` is that of the definition in squared
/// steps of `x`, times N².
///
/// ```
/// let mut y = [0; 2];
/// // Weight 1, bias 0, 11 fraction bits.
/// gru_core::layer_norm_int8(&[10i8, 30], &[1 << 8; 2], &[1 << 7; 2], 8, 0, &mut y);
/// assert_eq!(y, [-(1 << 11), 1 << 11]);
/// ```
pub fn layer_norm_int8<T: Quantized>(
    x: &[T],
    multiplier: &[i16],
    bias: &[i32],
    shift: u8,
    epsilon: u64,
    y: &mut [i16],
) {
    let x = x.get(..1 << 15).unwrap_or(x);
    let count = x.len() as i32;
    let sum: i32 = x.iter().map(|&q| q.into()).sum();
    let squares: i64 = x.iter().map(|&q| i64::from(q.into().pow(2))).sum();
    // N² times the variance, at most 2⁶⁰, and N times the distance from the mean, at most 2³¹.
    let variance = (i64::from(count) * squares - i64::from(sum).pow(2)).cast_unsigned();
    // 2⁶² / √(variance + epsilon), with the root scaled to 32 bits.
    let (scaled, scale_bits) = scaled_up(variance.saturating_add(epsilon));
    let inverse = u64::from(inverse(root(scaled)));
    // Of the bits behind a normal value's, so many whatever the scale; the rest are below 32.
    const EXCESS_BITS: u32 = 62 - NORMAL_BITS - 31;
    let excess_bits = 31 - scale_bits;
    let half = u64::from(1_u32.wrapping_shl(excess_bits)) << (EXCESS_BITS - 1);
    for (((y, &q), &multiplier), &bias) in y.iter_mut().zip(x).zip(multiplier).zip(bias) {
        let (deviation, sign) = unsigned((count * q.into()).wrapping_sub(sum));
        // Below 2⁶³: the inverse of a variance above 0 is at most 2³¹, and that of 0 meets no deviation.
        let product = u64::from(deviation) * inverse + half;
        let magnitude = min(shift_right(product >> EXCESS_BITS, excess_bits), i16::MAX as u32);
        let normal = signed(magnitude, sign);
        *y = quant::saturate_i16(saturating_add(normal * i32::from(multiplier), bias) >> (shift & 31));
    }
}
