//! The int8 model: integers in the canonical order of `gru-core`'s `pack` functions, and the kernels run on them. Some of its layers may give
//! and take 16 bits in place of 8, or be in f32.

mod runner;

use gru_core::Requantization;
use gru_core::layout::{DenseShape, GruShape};
use gru_core::quant::WIDE_BITS;

use crate::binary::power_of_two;
use crate::float::FloatLayer;
use crate::function::Function;
use crate::ir::Merge;
use crate::precision::Precision;

pub use runner::Int8Runner;

/// A quantized model; made from a calibrated [`Model`](crate::ir::Model).
#[derive(Debug, Clone)]
pub struct Int8Model {
    /// How sensor counts become int8; `None` for a symbol, and where the first layer is in f32 and takes raw units.
    pub input: Option<InputQuantization>,
    /// First to last.
    pub layers: Vec<Int8Layer>,
    /// For each layer of the model, which of `layers` gives what it gives.
    pub ends: Vec<usize>,
    /// Of each layer of the model.
    pub precisions: Vec<Precision>,
}

/// What an integer stands for: `zero + worth · q`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Of 1.
    pub worth: f64,
    /// Of 0.
    pub zero: f64,
}

impl Step {
    /// Of i16, where this is that of int8.
    pub(crate) fn finer(self) -> Self {
        Self { worth: self.worth / f64::from(1 << WIDE_BITS), ..self }
    }

    /// Of fixed-point values.
    pub(crate) fn of_fraction(frac_bits: u8) -> Self {
        Self { worth: power_of_two(frac_bits).recip(), zero: 0.0 }
    }

    /// Steps of a unit, as [`gru_core::QuantizeReal`] takes them.
    pub(crate) fn per_unit(self) -> f32 {
        (1.0 / self.worth) as f32
    }

    fn real(self, q: impl Into<f64>) -> f64 {
        self.zero + self.worth * q.into()
    }
}

/// Counts to the model's input, per channel. See [`gru_core::Quantize`].
#[derive(Debug, Clone)]
pub struct InputQuantization {
    /// Whether they become i16, for a first layer in [`gru_core::Wide`].
    pub wide: bool,
    /// Raw units per count.
    pub lsb: Vec<f64>,
    /// The count that becomes 0.
    pub zero: Vec<i16>,
    /// Multiplier.
    pub multiplier: Vec<i16>,
    /// Right shift.
    pub shift: Vec<u8>,
}

/// One layer of an [`Int8Model`].
#[derive(Debug, Clone)]
pub enum Int8Layer {
    /// A table of `[symbols, size]`.
    Embedding {
        /// Rows.
        symbols: usize,
        /// Columns.
        size: usize,
        /// Row-major.
        table: Vec<i16>,
        /// Whether the table is of i16.
        wide: bool,
        /// Value of one step.
        scale: f64,
    },
    /// Recurrent.
    Gru(Int8Gru),
    /// Recurrent from both ends.
    Bidirectional {
        /// From the first step on.
        forward: Int8Gru,
        /// From the last step on; with the same view.
        backward: Int8Gru,
        /// What becomes of the two.
        merge: Merge,
        /// Whether every step has what each gives last.
        ends: bool,
        /// Of an output.
        step: Step,
    },
    /// See [`gru_core::QDenseWeights::pack`].
    Dense {
        /// Whether the input is i16, in [`gru_core::Wide`].
        wide: bool,
        /// With [`Order::INT8`](gru_core::layout::Order::INT8).
        shape: DenseShape,
        /// `[O, I]`.
        weight: Vec<i8>,
        /// `[O]`.
        bias: Vec<i32>,
        /// `[O]`.
        multiplier: Vec<i16>,
        /// `[O]`.
        shift: Vec<u8>,
        /// Fraction bits of an output.
        frac_bits: u8,
        /// Of an output.
        step: Step,
    },
    /// See [`gru_core::QActivate`].
    Activation {
        /// N.
        size: usize,
        /// Not linear.
        function: Function,
        /// Of an output.
        frac_bits: u8,
    },
    /// See [`gru_core::QSoftmax`].
    Softmax {
        /// N.
        size: usize,
        /// Of an input; an output has 15.
        frac_bits: u8,
    },
    /// i16 to int8, or to i16 in other steps: see [`gru_core::Quantize`].
    Narrow {
        /// Whether to i16.
        wide: bool,
        /// What becomes 0.
        zero: Vec<i16>,
        /// Multiplier.
        multiplier: Vec<i16>,
        /// Right shift.
        shift: Vec<u8>,
        /// Of each output.
        steps: Vec<Step>,
    },
    /// int8 to int8: see [`gru_core::Lookup`].
    Lookup {
        /// N.
        size: usize,
        /// Of 256.
        table: Vec<i8>,
        /// Of an output.
        step: Step,
    },
    /// See [`gru_core::QLayerNorm`].
    LayerNorm {
        /// Whether the input is i16.
        wide: bool,
        /// `[N]`.
        multiplier: Vec<i16>,
        /// `[N]`.
        bias: Vec<i32>,
        /// Right shift.
        shift: u8,
        /// In squared steps of the input, times N².
        epsilon: u64,
        /// Of an output.
        frac_bits: u8,
    },
    /// In f32.
    Real(FloatLayer),
    /// Integers to f32: see [`gru_core::Dequantize`].
    Dequantize {
        /// Whether they are i16.
        wide: bool,
        /// Of each of them.
        steps: Vec<Step>,
    },
    /// f32 to integers: see [`gru_core::QuantizeReal`].
    Quantize {
        /// Whether they are i16.
        wide: bool,
        /// Of each of them.
        steps: Vec<Step>,
    },
}

impl Int8Layer {
    /// Of an output, where it is fixed-point i16.
    pub fn frac_bits(&self) -> Option<u8> {
        match self {
            Self::Dense { frac_bits, .. } | Self::Activation { frac_bits, .. } | Self::LayerNorm { frac_bits, .. } => {
                Some(*frac_bits)
            }
            Self::Softmax { .. } => Some(15),
            _ => None,
        }
    }
}

/// A GRU layer of an [`Int8Model`]. See [`gru_core::QGruWeights::pack`].
#[derive(Debug, Clone)]
pub struct Int8Gru {
    /// Whether the input is a symbol.
    pub one_hot: bool,
    /// Whether the input is i16, in [`gru_core::Wide`].
    pub wide_input: bool,
    /// Whether it sees and gives its state as i16.
    pub wide_view: bool,
    /// With [`Order::INT8`](gru_core::layout::Order::INT8).
    pub shape: GruShape,
    /// `[G, H, I]` for the `G` gates that there are.
    pub weight_ih: Vec<i8>,
    /// `[G, H, H]`.
    pub weight_hh: Vec<i8>,
    /// `[4, H]`.
    pub bias: Vec<i32>,
    /// `[4, H]`.
    pub multiplier: Vec<i16>,
    /// `[4, H]`.
    pub shift: Vec<u8>,
    /// Of all rows.
    pub requantization: Requantization,
}
