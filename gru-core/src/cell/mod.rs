//! GRU cells: weights that are shared and immutable, state that is a small value of its own.

mod float;
mod int8;
mod wide;

pub use float::{Gru, GruState, GruWeights};
pub use int8::{QGru, QGruState, QGruWeights, Requantization};
pub use wide::Wide;
pub(crate) use wide::split;

use crate::layout::{Gates, Placement};
use core::marker::PhantomData;

mod sealed {
    pub trait Sealed {}
}

/// The gates of a cell, chosen as a type: [`ResetAfter`], [`ResetBefore`], or one of them less: [`NoReset`], [`NoUpdate`]. Sealed.
pub trait Gating: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The same choice as a value.
    const GATES: Gates;
}

/// `n = tanh(W x + b + r ⊙ (U h + c))`: PyTorch, cuDNN, Keras by default, ONNX with `linear_before_reset = 1`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResetAfter;

/// `n = tanh(W x + b + U (r ⊙ h) + c)`: Cho et al. 2014, ONNX by default, Keras with `reset_after=False`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResetBefore;

/// `n = tanh(W x + b + U h + c)`: a GRU without its reset gate.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoReset;

/// `h' = n`: a cell without its update gate. `NoUpdate<NoReset>` is the plain tanh RNN of Elman 1990.
#[derive(Clone, Copy, Debug)]
pub struct NoUpdate<G = ResetAfter>(PhantomData<G>);

impl sealed::Sealed for ResetAfter {}
impl sealed::Sealed for ResetBefore {}
impl sealed::Sealed for NoReset {}
impl<G: Gating> sealed::Sealed for NoUpdate<G> {}

impl Gating for ResetAfter {
    const GATES: Gates = Gates { reset: Some(Placement::After), update: true };
}

impl Gating for ResetBefore {
    const GATES: Gates = Gates { reset: Some(Placement::Before), update: true };
}

impl Gating for NoReset {
    const GATES: Gates = Gates { reset: None, update: true };
}

impl<G: Gating> Gating for NoUpdate<G> {
    const GATES: Gates = Gates { update: false, ..G::GATES };
}

/// Which way the next step walks the blocks of weights: back and forth where there are caches, so that a step begins with what the
/// last one ended with. Not part of a state's value.
#[cfg(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm"))]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sweep {
    backwards: bool,
}

#[cfg(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm"))]
impl Sweep {
    const fn new() -> Self {
        Self { backwards: false }
    }

    /// The way of this step.
    #[inline(always)]
    fn next(&mut self) -> bool {
        self.backwards = !self.backwards;
        !self.backwards
    }
}

/// Every step walks the blocks of weights the same way: without caches it makes no difference.
#[cfg(not(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm")))]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sweep;

#[cfg(not(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm")))]
impl Sweep {
    const fn new() -> Self {
        Self
    }

    /// The way of this step.
    #[inline(always)]
    fn next(&mut self) -> bool {
        false
    }
}

impl PartialEq for Sweep {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Sweep {}
