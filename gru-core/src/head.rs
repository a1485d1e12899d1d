//! What stands before and after the cells: quantisation of the input, dense layers, argmax and softmax.

use crate::{
    Wide,
    backend::{Backend, F32Lane, Int8Lane, Lane, Prepared, Weight, bytes},
    cell::split,
    kernel::{float, int8},
    layout::{self, DenseShape, INT8_DEPTH, Order, Scales, UNITS},
    math::{
        Activation,
        constant_time::{fraction_q15, max},
        fixed,
    },
    quant,
    stack::{Layer, count},
};
use core::marker::PhantomData;

/// Output buffer of a layer that remembers nothing else. Zero by default.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Buffer<T, const N: usize>(pub(crate) [T; N]);

impl<T: Copy + Default, const N: usize> Default for Buffer<T, N> {
    fn default() -> Self {
        Self([T::default(); N])
    }
}

/// Packed weights of an f32 dense layer with `I` inputs and `O` outputs, each an `f32` or an [`F16`](crate::F16).
///
/// `LANES` is [`layout::dense_f32_lanes(I, O)`](layout::dense_f32_lanes) and `BLOCKS` is [`layout::blocks(O)`](layout::blocks); other values do not compile.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(16)))]
pub struct DenseWeights<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize, W = f32> {
    lanes: [Lane<W>; LANES],
    bias: [[F32Lane; 1]; BLOCKS],
}

impl<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize, W: Weight>
    DenseWeights<I, O, LANES, BLOCKS, W>
{
    /// Packs a row-major matrix and a bias.
    #[must_use]
    pub const fn pack(weight: &[[W; I]; O], bias: &[f32; O]) -> Self {
        const { assert!(I > 0 && O > 0, "a dense layer has at least one input and one output") };
        const { assert!(LANES == layout::dense_f32_lanes(I, O), "LANES must be layout::dense_f32_lanes(I, O)") };
        const { assert!(BLOCKS == layout::blocks(O), "BLOCKS must be layout::blocks(O)") };
        let mut weights = Self { lanes: [[W::ZERO; UNITS]; LANES], bias: [[[0.0; UNITS]; 1]; BLOCKS] };
        DenseShape { input_size: I, output_size: O, order: Order::F32 }
            .pack(weight.as_flattened(), weights.lanes.as_flattened_mut());
        layout::pack_rows(bias, O, &mut weights.bias);
        weights
    }
}

/// `y = W x + b` in f32: `[f32; I]` in, `[f32; O]` out; the weights are stored as `W`.
#[derive(Clone, Copy)]
pub struct Dense<const I: usize, const O: usize, W: 'static = f32> {
    lanes: &'static [Lane<W>],
    bias: &'static [[F32Lane; 1]],
}

impl<const I: usize, const O: usize, W: Weight> Dense<I, O, W> {
    /// A layer over packed weights.
    #[must_use]
    pub const fn new<const LANES: usize, const BLOCKS: usize>(
        weights: &'static DenseWeights<I, O, LANES, BLOCKS, W>,
    ) -> Self {
        Self { lanes: &weights.lanes, bias: &weights.bias }
    }

    /// The packed weights and biases as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.lanes), bytes(self.bias)]
    }
}

impl<const I: usize, const O: usize, W: Weight> Layer for Dense<I, O, W> {
    type Input = [f32; I];
    type Output = [f32; O];
    type State = Buffer<f32, O>;

    const INT8: bool = false;

    #[inline(always)]
    fn outside(&self, input: &[f32; I]) -> usize {
        count(input, |x| !x.is_finite())
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[f32; I], state: &'s mut Buffer<f32, O>) -> &'s [f32; O] {
        float::dense(backend, self.bias, self.lanes, input, &mut state.0);
        &state.0
    }
}

/// Packed int8 weights of a dense layer with `I` inputs and `O` outputs.
///
/// `LANES` is [`layout::dense_int8_lanes(I, O)`](layout::dense_int8_lanes) and `BLOCKS` is [`layout::blocks(O)`](layout::blocks); other values do not compile.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(16)))]
pub struct QDenseWeights<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize> {
    lanes: [Int8Lane; LANES],
    scales: [Scales<1>; BLOCKS],
}

impl<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize> QDenseWeights<I, O, LANES, BLOCKS> {
    /// Packs a row-major matrix. `bias`, `multiplier` and `shift`, which [`Scales`] describes, bring every row to the same fixed-point format.
    ///
    /// # Panics
    /// When an accumulator could reach [`quant::ACCUMULATOR_BOUND`], a weight is −128 or a scale out of range. In a `static`, where the packing
    /// happens at compile time, that is a compile error.
    #[must_use]
    pub const fn pack(weight: &[[i8; I]; O], bias: &[i32; O], multiplier: &[i16; O], shift: &[u8; O]) -> Self {
        const { assert!(I > 0 && O > 0, "a dense layer has at least one input and one output") };
        const { assert!(I <= quant::MAX_COLUMNS, "more columns than an accumulator can hold") };
        const { assert!(LANES == layout::dense_int8_lanes(I, O), "LANES must be layout::dense_int8_lanes(I, O)") };
        const { assert!(BLOCKS == layout::blocks(O), "BLOCKS must be layout::blocks(O)") };
        assert!(
            quant::rows_fit(weight.as_flattened(), &[], bias, 0),
            "a weight is -128 or an accumulator could reach quant::ACCUMULATOR_BOUND"
        );
        let mut weights = Self { lanes: [[[0; INT8_DEPTH]; UNITS]; LANES], scales: [Scales::ZERO; BLOCKS] };
        let shape = DenseShape { input_size: I, output_size: O, order: Order::INT8 };
        shape.pack_int8(weight.as_flattened(), &mut weights.lanes);
        Scales::pack(O, bias, multiplier, shift, &mut weights.scales);
        weights
    }
}

/// `y = W x + b` in int8: `[i8; I]` in, `[i16; O]` out, in the fixed-point format that its multipliers were made for. Inputs are in ±127: what −128 does
/// is not defined, see [`QGru`](crate::QGru#hostile-input).
#[derive(Clone, Copy)]
pub struct QDense<const I: usize, const O: usize> {
    lanes: &'static [Int8Lane],
    scales: &'static [Scales<1>],
}

impl<const I: usize, const O: usize> QDense<I, O> {
    /// A layer over packed weights.
    #[must_use]
    pub const fn new<const LANES: usize, const BLOCKS: usize>(
        weights: &'static QDenseWeights<I, O, LANES, BLOCKS>,
    ) -> Self {
        Self { lanes: &weights.lanes, scales: &weights.scales }
    }

    /// The packed weights and scales as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.lanes), bytes(self.scales)]
    }

    #[inline(always)]
    fn apply<B: Backend>(&self, backend: B, input: impl int8::Input, y: &mut [i16; O]) {
        let [mut first, mut second] = [[Prepared::default(); I]; 2];
        int8::dense(backend, self.scales, self.lanes, I, input, y, [&mut first, &mut second]);
    }
}

impl<const I: usize, const O: usize> Layer for QDense<I, O> {
    type Input = [i8; I];
    type Output = [i16; O];
    type State = Buffer<i16, O>;

    #[inline(always)]
    fn outside(&self, input: &[i8; I]) -> usize {
        count(input, is_outside)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[i8; I], state: &'s mut Buffer<i16, O>) -> &'s [i16; O] {
        self.apply(backend, int8::Dense(input), &mut state.0);
        &state.0
    }
}

impl<const I: usize, const O: usize> Layer for Wide<QDense<I, O>> {
    type Input = [i16; I];
    type Output = [i16; O];
    type State = Buffer<i16, O>;

    #[inline(always)]
    fn outside(&self, input: &[i16; I]) -> usize {
        count(input, is_outside)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[i16; I], state: &'s mut Buffer<i16, O>) -> &'s [i16; O] {
        let [high, low] = split(input);
        self.0.apply(backend, int8::Wide { high: &high, low: &low }, &mut state.0);
        &state.0
    }
}

/// The input of an int8 model: integer readings `[i16; I]`, such as the counts of a sensor, to `[i8; I]`, or to the `[i16; I]` of a
/// [`Wide`](crate::Wide) layer. See [`quant::quantize`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quantize<const I: usize, T = i8> {
    zero: [i16; I],
    multiplier: [i16; I],
    shift: [u8; I],
    steps: PhantomData<T>,
}

impl<const I: usize, T> Quantize<I, T> {
    /// Per channel the reading that becomes 0, the multiplier, and the right shift from 1 to 30.
    #[must_use]
    pub const fn new(zero: [i16; I], multiplier: [i16; I], shift: [u8; I]) -> Self {
        Self { zero, multiplier, shift, steps: PhantomData }
    }

    /// The parameters as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&[u8]; 3] {
        [bytes(&self.zero), bytes(&self.multiplier), bytes(&self.shift)]
    }
}

impl<const I: usize, T: Quantized> Layer for Quantize<I, T> {
    type Input = [i16; I];
    type Output = [T; I];
    type State = Buffer<T, I>;

    #[inline(always)]
    fn outside(&self, input: &[i16; I]) -> usize {
        let channels = input.iter().zip(&self.zero).zip(&self.multiplier).zip(&self.shift);
        channels
            .map(|(((&reading, &zero), &multiplier), &shift)| {
                let q = quant::quantize(reading, zero, multiplier, shift);
                let difference = i32::from(reading) - i32::from(zero);
                let saturates = (Into::<i32>::into(T::saturate(q)) != q)
                    | (i32::from(quant::saturate_i16(difference)) != difference);
                usize::from(saturates)
            })
            .sum()
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[i16; I], state: &'s mut Buffer<T, I>) -> &'s [T; I] {
        quantize(input, [&self.zero, &self.multiplier], &self.shift, &mut state.0);
        &state.0
    }
}

/// [`Quantize`] of any length: on a microcontroller a function of its own, which is smaller than so many channels written out.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn quantize<T: Quantized>(input: &[i16], [zero, multiplier]: [&[i16]; 2], shift: &[u8], output: &mut [T]) {
    let channels = input.iter().zip(zero).zip(multiplier).zip(shift);
    for (q, (((&reading, &zero), &multiplier), &shift)) in output.iter_mut().zip(channels) {
        *q = T::saturate(quant::quantize(reading, zero, multiplier, shift));
    }
}

/// Whether a value is beyond the range of its format.
#[inline(always)]
pub(crate) fn is_outside<T: Quantized>(value: T) -> bool {
    T::saturate(value.into()).into() != value.into()
}

/// What an integer layer takes, or sees its state as: `i8`, or `i16` with 2⁷ steps for each of its.
pub trait Quantized: int8::View + Into<i32> {
    /// The nearest value in range.
    fn saturate(value: i32) -> Self;
}

impl Quantized for i8 {
    #[inline(always)]
    fn saturate(value: i32) -> Self {
        quant::saturate_i8(value)
    }
}

impl Quantized for i16 {
    #[inline(always)]
    fn saturate(value: i32) -> Self {
        quant::saturate_wide(value)
    }
}

/// Index of the largest value, the first of equals; 0 for an empty slice. NaN is never the largest.
///
/// ```
/// assert_eq!(gru_core::argmax(&[0.1, f32::NAN, 0.7, 0.7]), 2);
/// ```
#[must_use]
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best: Option<(usize, &T)> = None;
    for (index, value) in values.iter().enumerate() {
        let comparable = value.partial_cmp(value).is_some();
        if comparable && best.is_none_or(|(_, top)| value > top) {
            best = Some((index, value));
        }
    }
    best.map_or(0, |(index, _)| index)
}

/// Turns logits into probabilities that sum to 1 within 1e-6, in place. A NaN makes all of them NaN.
///
/// ```
/// use gru_core::{math::Rational, softmax};
///
/// let mut y = [2.0, 1.0, -1.0];
/// softmax::<Rational>(&mut y);
/// assert!((y[0] - 0.705_385).abs() < 1e-6);
/// ```
pub fn softmax<A: Activation>(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for y in &mut *logits {
        *y = A::exp(*y - top);
        sum += *y;
    }
    for y in logits {
        *y /= sum;
    }
}

/// Softmax of fixed-point logits with `frac_bits` fraction bits: probabilities in Q0.15, within 3e-4 of the exact ones. Integers alone.
///
/// ```
/// let p = gru_core::softmax_q15(&[2 << 10, 1 << 10, -1 << 10], 10);
/// assert!((f32::from(p[0]) / 32768.0 - 0.705_385).abs() < 3e-4);
/// ```
#[must_use]
pub fn softmax_q15<const O: usize>(logits: &[i16; O], frac_bits: u8) -> [i16; O] {
    let mut values = *logits;
    softmax_int8(&mut values, frac_bits);
    values
}

/// [`softmax_q15`] in place and of any length.
pub fn softmax_int8(values: &mut [i16], frac_bits: u8) {
    let top = values.iter().fold(i16::MIN.into(), |top, &y| max(top, y.into()));
    let power = |y: i16| fixed::exp_q15(i32::from(y) - top, frac_bits);
    let sum = values.iter().map(|&y| power(y)).sum();
    for y in values {
        *y = quant::saturate_i16(fraction_q15(power(*y), sum).cast_signed());
    }
}
