//! Sigmoid and tanh: definitions, error bounds and the choice between them.
//!
//! | activation | absolute error of σ, tanh | needs | NaN | ±∞ |
//! |---|---|---|---|---|
//! | [`Rational`] | 2.1e-7, 3.9e-7 | nothing | NaN | limit |
//! | `Exact` | 9e-8, 1.1e-7 | `libm` or `std` | NaN | limit |
//! | `Micromath` | 6e-4, 1.2e-3 | `micromath` | NaN | limit |
//! | [`fixed`] | 8.2e-5, 1.4e-4 | nothing | – | – |
//!
//! The bounds hold over all f32 (all i16 for [`fixed`]) and are checked exhaustively by the tests.

pub(crate) mod constant_time;
#[cfg(any(feature = "libm", feature = "std"))]
mod exact;
pub mod fixed;
mod function;
#[cfg(feature = "micromath")]
mod micro;
pub(crate) mod rational;
mod real;
mod root;

#[cfg(any(feature = "libm", feature = "std"))]
pub use exact::Exact;
pub use function::{Cell, Clipped, Function, HardSigmoid, Linear, Relu, Sigmoid, Tanh, hard_sigmoid};
#[cfg(feature = "micromath")]
pub use micro::Micromath;
pub use rational::Rational;
pub use real::Real;
pub(crate) use root::inverse_sqrt;

/// The nonlinear functions of an f32 model, chosen as a type.
///
/// NaN in gives NaN out; ±∞ gives the limit.
pub trait Activation: Copy + Send + Sync + 'static {
    /// `1 / (1 + e⁻ˣ)`.
    fn sigmoid(x: f32) -> f32;
    /// `1 − σ(x)`.
    #[inline(always)]
    fn complement(x: f32) -> f32 {
        Self::sigmoid(-x)
    }

    /// Hyperbolic tangent.
    fn tanh(x: f32) -> f32;
    /// `eˣ`, for softmax; at least 0 and finite for `x ≤ 0`.
    fn exp(x: f32) -> f32;

    /// [`sigmoid`](Self::sigmoid) of each lane of a register; one lane at a time unless the activation knows better.
    #[inline(always)]
    fn sigmoid_lanes<V: Real>(x: V) -> V {
        x.map(Self::sigmoid)
    }

    /// [`complement`](Self::complement) of each lane of a register.
    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        Self::sigmoid_lanes(x.splat(0.0).sub(x))
    }

    /// [`tanh`](Self::tanh) of each lane of a register.
    #[inline(always)]
    fn tanh_lanes<V: Real>(x: V) -> V {
        x.map(Self::tanh)
    }
}
