//! A model in the arithmetic of the target.

use crate::calibrate::Calibration;
use crate::emit::{Module, emit_float, emit_int8};
use crate::error::{Error, Result};
use crate::float::{FloatModel, FloatRunner, Kernels};
use crate::int8::{Int8Model, Int8Runner};
use crate::ir::Model;
use crate::precision::Precision;
use crate::quantise::lowered;
use crate::verify::{Errors, Shipped};
use crate::weights::Weights;

pub(crate) enum Lowered {
    Float(FloatModel),
    Int8(Int8Model),
}

impl Lowered {
    /// The layers in their precisions. All in f32 need no calibration.
    ///
    /// # Errors
    /// Which layer cannot be in its precision, and why.
    pub(crate) fn new(
        model: &Model,
        precisions: &[Precision],
        calibration: Option<&Calibration>,
        lsb: Option<&[f64]>,
        wide_input: bool,
    ) -> Result<Self, (usize, Error)> {
        match calibration {
            Some(calibration) if precisions.iter().any(|&precision| precision != Precision::F32) => {
                lowered(model, precisions, calibration, lsb, wide_input).map(Self::Int8)
            }
            _ => FloatModel::new(model).map(Self::Float).map_err(|error| (0, error)),
        }
    }

    pub(crate) fn runner(&self) -> Box<dyn Shipped> {
        self.runner_on(Kernels::Active)
    }

    pub(crate) fn runner_on(&self, kernels: Kernels) -> Box<dyn Shipped> {
        match self {
            Self::Float(model) => Box::new(FloatRunner::on(kernels, model)),
            Self::Int8(model) => Box::new(Int8Runner::on(kernels, model)),
        }
    }

    pub(crate) fn emit(&self, module: &Module<'_>) -> String {
        match self {
            Self::Float(model) => emit_float(module, model),
            Self::Int8(model) => emit_int8(module, model),
        }
    }

    /// The error, measured by [`Kernels::Scalar`], in words that are the same on every machine and true on it: sums in f32 differ in their last
    /// bits, so of the error of a model in f32 only the power of ten is said, unless its weights are f16, whose rounding is far larger.
    pub(crate) fn stated(&self, model: &Model, errors: Errors) -> String {
        let Errors { max, rms, peak, .. } = errors;
        let size = match self {
            _ if max == 0.0 => "none".to_owned(),
            Self::Float(_) if model.weights() == Weights::F32 => format!("below 1e{}", libm::log10(max).floor() + 1.0),
            _ => format!("at most {max:.1e}, RMS {rms:.1e}"),
        };
        format!("{size}, of outputs up to {peak:.3}, on the calibration data against f64")
    }
}
