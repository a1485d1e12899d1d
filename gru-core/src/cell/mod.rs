//! GRU cells: weights that are shared and immutable, state that is a small value of its own.

mod float;
mod int8;

pub use float::{Gru, GruState, GruWeights};
pub use int8::{QGru, QGruState, QGruWeights, Requantization, Wide};

use crate::layout::Placement;

/// Where the reset gate acts, chosen as a type: [`ResetAfter`] or [`ResetBefore`].
pub trait Reset: Copy + Send + Sync + 'static {
    /// The same choice as a value.
    const PLACEMENT: Placement;
}

/// `n = tanh(W x + b + r ⊙ (U h + c))`: PyTorch, cuDNN, Keras by default, ONNX with `linear_before_reset = 1`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResetAfter;

/// `n = tanh(W x + b + U (r ⊙ h))`: Cho et al. 2014, ONNX by default, Keras with `reset_after=False`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResetBefore;

impl Reset for ResetAfter {
    const PLACEMENT: Placement = Placement::After;
}

impl Reset for ResetBefore {
    const PLACEMENT: Placement = Placement::Before;
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
