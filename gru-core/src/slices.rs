//! The kernels of a model on shapes that are known at run time only: what a host tool runs to check the very code that ships.
//!
//! Weights are packed by [`GruShape::pack`], [`DenseShape::pack`] and [`layout::pack_rows`]; rows follow [`GruWeights::pack`](crate::GruWeights::pack)
//! and [`QGruWeights::pack`](crate::QGruWeights::pack). Every function checks the lengths of its slices and leaves the state alone when one is wrong.

use crate::{
    Requantization,
    backend::{Backend, F32Lane, Int8Lane, Op, dispatch},
    kernel::{float, int8},
    layout::{self, DenseShape, GruShape, INT8_DEPTH, Scales},
    math::Activation,
};
use core::{fmt, marker::PhantomData};

pub use crate::kernel::{float::Input as GruInput, int8::Input as QGruInput};

/// A slice whose length does not match its layer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LengthMismatch {
    /// The slice.
    pub name: &'static str,
    /// Length by the shape.
    pub expected: usize,
    /// Length found.
    pub found: usize,
}

impl fmt::Display for LengthMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must hold {} values, found {}", self.name, self.expected, self.found)
    }
}

impl core::error::Error for LengthMismatch {}

fn check<const N: usize>(lengths: [(&'static str, usize, usize); N]) -> Result<(), LengthMismatch> {
    match lengths.into_iter().find(|(_, expected, found)| expected != found) {
        Some((name, expected, found)) => Err(LengthMismatch { name, expected, found }),
        None => Ok(()),
    }
}

/// An f32 GRU layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct GruSlice<'a> {
    /// Shape with `depth` 1.
    pub shape: GruShape,
    /// Packed weights.
    pub lanes: &'a [F32Lane],
    /// Packed biases.
    pub bias: &'a [[F32Lane; 4]],
}

impl GruSlice<'_> {
    /// One step of [`Gru`](crate::Gru): `h` becomes the new state; each of `scratch` is as long as `h`.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step<A: Activation>(
        &self,
        x: GruInput<'_>,
        h: &mut [f32],
        scratch: [&mut [f32]; 2],
    ) -> Result<(), LengthMismatch> {
        struct Step<'a, A>(float::GruView<'a>, GruInput<'a>, &'a mut [f32], [&'a mut [f32]; 2], PhantomData<A>);
        impl<A: Activation> Op for Step<'_, A> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                float::gru::<B, A>(backend, self.0, self.1, self.2, self.3);
            }
        }
        let GruShape { input_size, hidden_size, depth, placement } = self.shape;
        check([
            ("depth", 1, depth),
            ("lanes", self.shape.lanes(), self.lanes.len()),
            ("bias", layout::blocks(hidden_size), self.bias.len()),
            (
                "x",
                input_size,
                match x {
                    GruInput::Dense(x) => x.len(),
                    GruInput::OneHot(_) => input_size,
                },
            ),
            ("h", hidden_size, h.len()),
            ("scratch[0]", hidden_size, scratch[0].len()),
            ("scratch[1]", hidden_size, scratch[1].len()),
        ])?;
        let weights = float::GruView { placement, input_size, bias: self.bias, lanes: self.lanes };
        dispatch(Step::<A>(weights, x, h, scratch, PhantomData));
        Ok(())
    }
}

/// An f32 dense layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct DenseSlice<'a> {
    /// Shape with `depth` 1.
    pub shape: DenseShape,
    /// Packed weights.
    pub lanes: &'a [F32Lane],
    /// Packed biases.
    pub bias: &'a [[F32Lane; 1]],
}

impl DenseSlice<'_> {
    /// One step of [`Dense`](crate::Dense).
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step(&self, x: &[f32], y: &mut [f32]) -> Result<(), LengthMismatch> {
        struct Step<'a>(DenseSlice<'a>, &'a [f32], &'a mut [f32]);
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                float::dense(backend, self.0.bias, self.0.lanes, self.1, self.2);
            }
        }
        check_dense(&self.shape, 1, self.lanes.len(), self.bias.len(), x.len(), y.len())?;
        dispatch(Step(*self, x, y));
        Ok(())
    }
}

/// An int8 GRU layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct QGruSlice<'a> {
    /// Shape with `depth` [`INT8_DEPTH`].
    pub shape: GruShape,
    /// Packed weights.
    pub lanes: &'a [Int8Lane],
    /// Packed scales.
    pub scales: &'a [Scales<4>],
    /// Of the layer.
    pub requantization: Requantization,
}

impl QGruSlice<'_> {
    /// One step of [`QGru`](crate::QGru): `h` (Q1.30) becomes the new state and `view` its int8 view; `scratch` is as long as `h`.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step(
        &self,
        x: QGruInput<'_>,
        h: &mut [i32],
        view: &mut [i8],
        scratch: (&mut [i8], &mut [i16]),
    ) -> Result<(), LengthMismatch> {
        struct Step<'a>(int8::GruView<'a>, QGruInput<'a>, &'a mut [i32], &'a mut [i8], (&'a mut [i8], &'a mut [i16]));
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                int8::gru(backend, self.0, self.1, self.2, self.3, self.4);
            }
        }
        let GruShape { input_size, hidden_size, depth, placement } = self.shape;
        check([
            ("depth", INT8_DEPTH, depth),
            ("lanes", self.shape.lanes(), self.lanes.len()),
            ("scales", layout::blocks(hidden_size), self.scales.len()),
            (
                "x",
                input_size,
                match x {
                    QGruInput::Dense(x) => x.len(),
                    QGruInput::Wide { high, low } if high.len() == input_size => low.len(),
                    QGruInput::Wide { high, .. } => high.len(),
                    QGruInput::OneHot(_) => input_size,
                },
            ),
            ("h", hidden_size, h.len()),
            ("view", hidden_size, view.len()),
            ("scratch.0", hidden_size, scratch.0.len()),
            ("scratch.1", hidden_size, scratch.1.len()),
        ])?;
        let Requantization { input_shift, view: steps } = self.requantization;
        let (lanes, scales) = (self.lanes, self.scales);
        let weights = int8::GruView { placement, input_size, lanes, scales, input_shift, view: steps };
        dispatch(Step(weights, x, h, view, scratch));
        Ok(())
    }
}

/// An int8 dense layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct QDenseSlice<'a> {
    /// Shape with `depth` [`INT8_DEPTH`].
    pub shape: DenseShape,
    /// Packed weights.
    pub lanes: &'a [Int8Lane],
    /// Packed scales.
    pub scales: &'a [Scales<1>],
}

impl QDenseSlice<'_> {
    /// One step of [`QDense`](crate::QDense).
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step(&self, x: &[i8], y: &mut [i16]) -> Result<(), LengthMismatch> {
        struct Step<'a>(QDenseSlice<'a>, &'a [i8], &'a mut [i16]);
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                let layer = self.0;
                int8::dense(backend, layer.scales, layer.lanes, self.1, self.2);
            }
        }
        check_dense(&self.shape, INT8_DEPTH, self.lanes.len(), self.scales.len(), x.len(), y.len())?;
        dispatch(Step(*self, x, y));
        Ok(())
    }
}

fn check_dense(
    shape: &DenseShape,
    depth: usize,
    lanes: usize,
    rows: usize,
    x: usize,
    y: usize,
) -> Result<(), LengthMismatch> {
    check([
        ("depth", depth, shape.depth),
        ("lanes", shape.lanes(), lanes),
        ("blocks of rows", layout::blocks(shape.output_size), rows),
        ("x", shape.input_size, x),
        ("y", shape.output_size, y),
    ])
}
