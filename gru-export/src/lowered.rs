//! A model in the arithmetic of the target.

use crate::emit::{Module, emit_float, emit_int8};
use crate::float::{FloatModel, FloatRunner};
use crate::int8::{Int8Model, Int8Runner};
use crate::verify::{Errors, Shipped};

pub(crate) enum Lowered {
    Float(FloatModel),
    Int8(Int8Model),
}

impl Lowered {
    pub(crate) fn runner(&self) -> Box<dyn Shipped> {
        match self {
            Self::Float(model) => Box::new(FloatRunner::new(model)),
            Self::Int8(model) => Box::new(Int8Runner::new(model)),
        }
    }

    pub(crate) fn emit(&self, module: &Module<'_>) -> String {
        match self {
            Self::Float(model) => emit_float(module, model),
            Self::Int8(model) => emit_int8(module, model),
        }
    }

    /// The measured error in words that are the same on every machine: sums in f32 differ in their last bits, so of
    /// their error only the power of ten is said.
    pub(crate) fn stated(&self, errors: Errors) -> String {
        let Errors { max, rms, peak, .. } = errors;
        let size = match self {
            _ if max == 0.0 => "none".to_owned(),
            Self::Float(_) => format!("below 1e{}", max.log10().floor() + 1.0),
            Self::Int8(_) => format!("at most {max:.1e}, RMS {rms:.1e}"),
        };
        format!("{size}, of outputs up to {peak:.3}, on the calibration data against f64")
    }
}
