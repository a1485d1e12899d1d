//! The functions of an f32 model: as a generated module names them, and as the exporter's own run calls them.

use std::cell::Cell;

use gru_core::math::{self, Rational, Real, fixed, hard_sigmoid};

use crate::ir::Activation;

/// A function of one value, its numbers rounded to f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// [`math::Sigmoid`].
    Sigmoid,
    /// [`math::Tanh`].
    Tanh,
    /// [`math::HardSigmoid`].
    HardSigmoid {
        /// Of the line.
        slope: f32,
        /// Where the line starts.
        offset: f32,
    },
    /// [`math::Relu`].
    Relu,
    /// [`math::Linear`].
    Linear,
}

impl Function {
    /// `None` for softmax, which is of a whole vector.
    pub fn new(activation: Activation) -> Option<Self> {
        Some(match activation {
            Activation::Tanh => Self::Tanh,
            Activation::Sigmoid => Self::Sigmoid,
            Activation::HardSigmoid { slope, offset } => {
                Self::HardSigmoid { slope: slope as f32, offset: offset as f32 }
            }
            Activation::Relu => Self::Relu,
            Activation::Linear => Self::Linear,
            Activation::Softmax => return None,
        })
    }

    /// Its type in a generated module.
    pub(crate) fn kind(self) -> String {
        match self {
            Self::HardSigmoid { slope, offset } => {
                format!("gru_core::math::HardSigmoid<{}, {}>", bits(slope), bits(offset))
            }
            plain => format!("gru_core::math::{plain:?}"),
        }
    }

    /// Of a fixed-point value, as [`math::fixed`] has it.
    pub(crate) fn fixed(self, x: i16) -> i16 {
        match self {
            Self::Sigmoid => fixed::sigmoid_q15(x),
            Self::Tanh => fixed::tanh_q15(x),
            Self::HardSigmoid { .. } => fixed::unit_q15(x),
            Self::Relu => <math::Relu as fixed::Function>::apply(x),
            Self::Linear => x,
        }
    }

    #[inline(always)]
    fn lanes<V: Real>(self, x: V) -> V {
        match self {
            Self::Sigmoid => <math::Sigmoid as math::Function>::lanes(x),
            Self::Tanh => <math::Tanh as math::Function>::lanes(x),
            Self::HardSigmoid { slope, offset } => hard_sigmoid(x, slope, offset),
            Self::Relu => <math::Relu as math::Function>::lanes(x),
            Self::Linear => x,
        }
    }

    #[inline(always)]
    fn complement_lanes<V: Real>(self, x: V) -> V {
        match self {
            Self::Sigmoid => <math::Sigmoid as math::Function>::complement_lanes(x),
            other => x.splat(1.0).sub(other.lanes(x)),
        }
    }
}

/// The functions of a GRU layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Functions {
    /// Of r and z.
    pub gate: Function,
    /// Of n.
    pub candidate: Function,
    /// Largest magnitude of what goes into them.
    pub clip: Option<f32>,
}

impl Functions {
    /// Of nearly every model: what [`gru_core::Gru`] has unless told otherwise.
    pub const DEFAULT: Self = Self { gate: Function::Sigmoid, candidate: Function::Tanh, clip: None };

    /// The type parameter of a layer in a generated module, with a comma before it; empty for the default.
    pub(crate) fn parameter(self) -> String {
        let Self { gate, candidate, clip } = self;
        let clipped = |kind: String| match clip {
            Some(clip) => format!("gru_core::math::Clipped<{kind}, {}>", bits(clip)),
            None => kind,
        };
        match self {
            Self::DEFAULT => String::new(),
            _ => format!(", gru_core::math::Cell<{}, {}>", clipped(gate.kind()), clipped(candidate.kind())),
        }
    }
}

/// The number as an argument of a type.
fn bits(value: f32) -> String {
    format!("{{ {value:?}f32.to_bits() }}")
}

thread_local! {
    static CHOSEN: Cell<Functions> = const { Cell::new(Functions::DEFAULT) };
}

/// What a generated module has as types: here a choice that this thread made by [`Chosen::set`].
#[derive(Clone, Copy)]
pub(crate) struct Chosen;

impl Chosen {
    pub(crate) fn set(functions: Functions) {
        CHOSEN.set(functions);
    }

    #[inline(always)]
    fn clipped<V: Real>(x: V) -> V {
        match CHOSEN.get().clip {
            Some(clip) => x.clamp(clip),
            None => x,
        }
    }
}

impl math::Activation for Chosen {
    fn sigmoid(x: f32) -> f32 {
        Self::sigmoid_lanes(x)
    }

    fn complement(x: f32) -> f32 {
        Self::complement_lanes(x)
    }

    fn tanh(x: f32) -> f32 {
        Self::tanh_lanes(x)
    }

    fn exp(x: f32) -> f32 {
        Rational::exp(x)
    }

    #[inline(always)]
    fn sigmoid_lanes<V: Real>(x: V) -> V {
        CHOSEN.get().gate.lanes(Self::clipped(x))
    }

    #[inline(always)]
    fn complement_lanes<V: Real>(x: V) -> V {
        CHOSEN.get().gate.complement_lanes(Self::clipped(x))
    }

    #[inline(always)]
    fn tanh_lanes<V: Real>(x: V) -> V {
        CHOSEN.get().candidate.lanes(Self::clipped(x))
    }
}

impl math::Function for Chosen {
    #[inline(always)]
    fn lanes<V: Real>(x: V) -> V {
        CHOSEN.get().candidate.lanes(x)
    }
}
