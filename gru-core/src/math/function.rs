use super::{Activation, Rational, Real, real::less};
use core::marker::PhantomData;

/// A function of one value, chosen as a type: what an [`Activate`](crate::Activate) layer applies, or a [`Cell`] in place of σ and tanh.
///
/// NaN in gives NaN out.
pub trait Function: Copy + Send + Sync + 'static {
    /// Of each lane.
    fn lanes<V: Real>(x: V) -> V;

    /// `1 − f(x)` of each lane: what the update gate multiplies the candidate by.
    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        x.splat(1.0).sub(Self::lanes(x))
    }
}

/// `1 / (1 + e⁻ˣ)`, by an [`Activation`].
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sigmoid<A = Rational>(PhantomData<A>);

impl<A: Activation> Function for Sigmoid<A> {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        A::sigmoid_lanes(x)
    }

    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        A::complement_lanes(x)
    }
}

/// Hyperbolic tangent, by an [`Activation`].
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tanh<A = Rational>(PhantomData<A>);

impl<A: Activation> Function for Tanh<A> {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        A::tanh_lanes(x)
    }
}

/// `slope · x + offset` within 0 and 1, the numbers given as [`f32::to_bits`]; within 2e-7. Slope 1/6 in Keras 3 and PyTorch, 0.2 in
/// Keras 2 and ONNX by default; offset 0.5 in all of them.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HardSigmoid<const SLOPE: u32, const OFFSET: u32>;

impl<const SLOPE: u32, const OFFSET: u32> Function for HardSigmoid<SLOPE, OFFSET> {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        hard_sigmoid(x, f32::from_bits(SLOPE), f32::from_bits(OFFSET))
    }
}

/// [`HardSigmoid`] of each lane, the numbers given as such.
#[inline(always)]
pub fn hard_sigmoid<V: Real>(x: V, slope: f32, offset: f32) -> V {
    let line = x.mul(x.splat(slope)).add(x.splat(offset - 0.5));
    line.clamp(0.5).add(x.splat(0.5))
}

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        x.map(|x| if less(x, 0.0) { 0.0 } else { x })
    }
}

/// `x`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Linear;

impl Function for Linear {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        x
    }
}

/// A function of what is first brought within ±`LIMIT`, given as [`f32::to_bits`]: ONNX's `clip`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Clipped<F, const LIMIT: u32>(PhantomData<F>);

impl<F: Function, const LIMIT: u32> Function for Clipped<F, LIMIT> {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        F::lanes(x.clamp(f32::from_bits(LIMIT)))
    }

    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        F::complement_lanes(x.clamp(f32::from_bits(LIMIT)))
    }
}

/// A [`Gru`](crate::Gru) with other functions than σ for its gates and tanh for its candidate:
///
/// ```
/// use gru_core::{Gru, GruWeights, Layer, ResetAfter, layout, math};
///
/// static WEIGHTS: GruWeights<1, 1, ResetAfter, { layout::gru_f32_lanes(1, 1) }, { layout::blocks(1) }> =
///     GruWeights::pack(&[[[0.0]], [[0.0]], [[1.0]]], &[[[0.0]]; 3], &[[0.0]; 4]);
/// static CELL: Gru<1, 1, ResetAfter, math::Cell<math::Sigmoid, math::Relu>> = Gru::new(&WEIGHTS);
///
/// // Half of the candidate max(6, 0): both gates are σ(0).
/// assert_eq!(CELL.step(&[6.0], &mut Default::default()), &[3.0]);
/// ```
///
/// With an unbounded candidate the state is unbounded too.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cell<Gate, Candidate>(PhantomData<(Gate, Candidate)>);

impl<Gate: Function, Candidate: Function> Activation for Cell<Gate, Candidate> {
    #[inline(always)]
    fn sigmoid(x: f32) -> f32 {
        Gate::lanes(x)
    }

    #[inline(always)]
    fn complement(x: f32) -> f32 {
        Gate::complement_lanes(x)
    }

    #[inline(always)]
    fn tanh(x: f32) -> f32 {
        Candidate::lanes(x)
    }

    #[inline(always)]
    fn exp(x: f32) -> f32 {
        Rational::exp(x)
    }

    #[inline(always)]
    fn sigmoid_lanes<V: Real>(x: V) -> V {
        Gate::lanes(x)
    }

    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        Gate::complement_lanes(x)
    }

    #[inline(always)]
    fn tanh_lanes<V: Real>(x: V) -> V {
        Candidate::lanes(x)
    }
}
