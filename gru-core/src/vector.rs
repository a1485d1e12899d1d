//! Layers over one vector without a matrix: activations, softmax, layer normalization.

use crate::{
    backend::{Backend, Lanes, Op, bytes, dispatch},
    head::{Buffer, softmax},
    layout::UNITS,
    math::{self, Activation, Function, Rational},
    stack::Layer,
};
use core::marker::PhantomData;

/// `y = F(x)`, value by value: `[f32; N]` in, `[f32; N]` out.
///
/// ```
/// use gru_core::{Activate, Layer, math};
///
/// let relu = Activate::<math::Relu, 3>::new();
/// assert_eq!(relu.step(&[1.5, -2.0, 0.0], &mut Default::default()), &[1.5, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy)]
pub struct Activate<F, const N: usize>(PhantomData<F>);

impl<F: Function, const N: usize> Activate<F, N> {
    /// A layer; it has no weights.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<F: Function, const N: usize> Default for Activate<F, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Function, const N: usize> Layer for Activate<F, N> {
    type Input = [f32; N];
    type Output = [f32; N];
    type State = Buffer<f32, N>;

    const INT8: bool = false;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[f32; N], state: &'s mut Buffer<f32, N>) -> &'s [f32; N] {
        state.0 = *input;
        each::<B, F>(backend, &mut state.0);
        &state.0
    }
}

/// What [`Activate`] computes, in place and of any length.
///
/// ```
/// let mut y = [1.5, -2.0];
/// gru_core::activate::<gru_core::math::Relu>(&mut y);
/// assert_eq!(y, [1.5, 0.0]);
/// ```
pub fn activate<F: Function>(values: &mut [f32]) {
    struct Each<'a, F>(&'a mut [f32], PhantomData<F>);
    impl<F: Function> Op for Each<'_, F> {
        type Output = ();

        const INT8: bool = false;
        #[inline(always)]
        fn run<B: Backend>(self, backend: B) {
            each::<B, F>(backend, self.0);
        }
    }
    dispatch(Each::<F>(values, PhantomData));
}

#[inline(always)]
fn each<B: Backend, F: Function>(backend: B, values: &mut [f32]) {
    let registers = backend.lanes();
    for block in values.chunks_mut(UNITS) {
        registers.store_f32(F::lanes(registers.load_f32(block)), block);
    }
}

/// [`softmax`] of a vector: `[f32; N]` in, `[f32; N]` out.
///
/// ```
/// use gru_core::{Layer, Softmax};
///
/// let mut state = Default::default();
/// assert_eq!(Softmax::<2>::new().step(&[0.0, 0.0], &mut state), &[0.5, 0.5]);
/// ```
#[derive(Clone, Copy)]
pub struct Softmax<const N: usize, A = Rational>(PhantomData<A>);

impl<const N: usize, A: Activation> Softmax<N, A> {
    /// A layer; it has no weights.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<const N: usize, A: Activation> Default for Softmax<N, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, A: Activation> Layer for Softmax<N, A> {
    type Input = [f32; N];
    type Output = [f32; N];
    type State = Buffer<f32, N>;

    const INT8: bool = false;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[f32; N], state: &'s mut Buffer<f32, N>) -> &'s [f32; N] {
        state.0 = *input;
        softmax::<A>(&mut state.0);
        &state.0
    }
}

/// [`layer_norm`] of a vector (Ba, Kiros and Hinton 2016): `[f32; N]` in, `[f32; N]` out.
///
/// ```
/// use gru_core::{Layer, LayerNorm};
///
/// static WEIGHT: [f32; 2] = [2.0, 2.0];
/// static BIAS: [f32; 2] = [0.0, 1.0];
/// let norm = LayerNorm::new(&WEIGHT, &BIAS, 1e-5);
/// let mut state = Default::default();
/// let y = norm.step(&[3.0, 7.0], &mut state);
/// assert!((y[0] + 2.0).abs() < 1e-5 && (y[1] - 3.0).abs() < 1e-5);
/// ```
#[derive(Clone, Copy)]
pub struct LayerNorm<const N: usize> {
    weight: &'static [f32; N],
    bias: &'static [f32; N],
    epsilon: f32,
}

impl<const N: usize> LayerNorm<N> {
    /// A layer over its weights; `epsilon` above zero, 1e-5 in PyTorch and 1e-3 in Keras by default.
    #[must_use]
    pub const fn new(weight: &'static [f32; N], bias: &'static [f32; N], epsilon: f32) -> Self {
        Self { weight, bias, epsilon }
    }

    /// The weights and biases as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.weight), bytes(self.bias)]
    }
}

impl<const N: usize> Layer for LayerNorm<N> {
    type Input = [f32; N];
    type Output = [f32; N];
    type State = Buffer<f32, N>;

    const INT8: bool = false;

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, input: &[f32; N], state: &'s mut Buffer<f32, N>) -> &'s [f32; N] {
        state.0 = *input;
        layer_norm(&mut state.0, self.weight, self.bias, self.epsilon);
        &state.0
    }
}

/// `weight ⊙ (x − mean(x)) / √(var(x) + epsilon) + bias` in place, the variance being the mean of squares. As many values as all slices
/// hold; sums in the order of the values, on every backend. A NaN makes all values NaN.
///
/// ```
/// let mut x = [1.0, 3.0];
/// gru_core::layer_norm(&mut x, &[1.0; 2], &[0.5; 2], 1e-5);
/// assert!((x[0] + 0.5).abs() < 1e-5 && (x[1] - 1.5).abs() < 1e-5);
/// ```
pub fn layer_norm(values: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let share = 1.0 / values.len() as f32;
    let mean = values.iter().sum::<f32>() * share;
    let (mut rest, mut squares) = (0.0, 0.0);
    for x in &mut *values {
        *x -= mean;
        rest += *x;
        squares += *x * *x;
    }
    // What rounding left of the mean.
    let rest = rest * share;
    let scale = math::inverse_sqrt((squares * share - rest * rest).max(0.0) + epsilon);
    for ((x, weight), bias) in values.iter_mut().zip(weight).zip(bias) {
        *x = (*x - rest) * scale * weight + bias;
    }
}
