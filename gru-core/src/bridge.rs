//! The ways between integer layers and f32 layers of one model.

use crate::{
    backend::{Backend, bytes},
    head::{Buffer, Quantized},
    quant,
    stack::Layer,
};
use core::marker::PhantomData;

/// Integers to what they stand for: `[T; N]` of `i8` or `i16` in, `[f32; N]` out, `zero + scale · q` for each channel. Two roundings of f32,
/// the same on every target.
///
/// ```
/// use gru_core::{Dequantize, Layer};
///
/// let real = Dequantize::<2, i16>::new([0.5, 0.0], [0.25, 0.125]);
/// assert_eq!(real.step(&[2, -8], &mut Default::default()), &[1.0, -1.0]);
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dequantize<const N: usize, T = i8> {
    zero: [f32; N],
    scale: [f32; N],
    input: PhantomData<T>,
}

impl<const N: usize, T> Dequantize<N, T> {
    /// Per channel what 0 stands for, and what a step is worth.
    #[must_use]
    pub const fn new(zero: [f32; N], scale: [f32; N]) -> Self {
        Self { zero, scale, input: PhantomData }
    }

    /// The parameters as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&[u8]; 2] {
        [bytes(&self.zero), bytes(&self.scale)]
    }
}

impl<const N: usize, T: Quantized> Layer for Dequantize<N, T> {
    type Input = [T; N];
    type Output = [f32; N];
    type State = Buffer<f32, N>;

    const INT8: bool = false;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[T; N], state: &'s mut Buffer<f32, N>) -> &'s [f32; N] {
        let channels = input.iter().zip(&self.zero).zip(&self.scale);
        for (y, ((&q, &zero), &scale)) in state.0.iter_mut().zip(channels) {
            *y = zero + scale * Into::<i32>::into(q) as f32;
        }
        &state.0
    }
}

/// Reals to the integers that stand for them: `[f32; N]` in, `[T; N]` of `i8` or `i16` out, `(x − zero) · steps` for each channel,
/// [rounded](quant::nearest) and saturated to ±127 or ±[`WIDE_MAX`](quant::WIDE_MAX). NaN becomes 0, and ties go towards +∞ on every target.
///
/// ```
/// use gru_core::{Layer, QuantizeReal};
///
/// let steps = QuantizeReal::<4>::new([0.0; 4], [2.0; 4]);
/// assert_eq!(steps.step(&[0.25, -0.25, -1e30, f32::NAN], &mut Default::default()), &[1, 0, -127, 0]);
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QuantizeReal<const N: usize, T = i8> {
    zero: [f32; N],
    steps: [f32; N],
    output: PhantomData<T>,
}

impl<const N: usize, T> QuantizeReal<N, T> {
    /// Per channel what becomes 0, and the steps of a unit.
    #[must_use]
    pub const fn new(zero: [f32; N], steps: [f32; N]) -> Self {
        Self { zero, steps, output: PhantomData }
    }

    /// The parameters as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&[u8]; 2] {
        [bytes(&self.zero), bytes(&self.steps)]
    }
}

impl<const N: usize, T: Quantized> Layer for QuantizeReal<N, T> {
    type Input = [f32; N];
    type Output = [T; N];
    type State = Buffer<T, N>;

    const INT8: bool = false;

    #[inline(always)]
    fn outside(&self, input: &[f32; N]) -> usize {
        let channels = input.iter().zip(&self.zero).zip(&self.steps);
        channels
            .map(|((&x, &zero), &steps)| {
                let q = quant::nearest((x - zero) * steps);
                usize::from(!x.is_finite() | (Into::<i32>::into(T::saturate(q)) != q))
            })
            .sum()
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[f32; N], state: &'s mut Buffer<T, N>) -> &'s [T; N] {
        let channels = input.iter().zip(&self.zero).zip(&self.steps);
        for (q, ((&x, &zero), &steps)) in state.0.iter_mut().zip(channels) {
            *q = T::saturate(quant::nearest((x - zero) * steps));
        }
        &state.0
    }
}
