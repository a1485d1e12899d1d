//! The kernels of a model on shapes that are known at run time only: what a host tool runs to check the very code that ships.
//!
//! Weights are packed by [`GruShape::pack`], [`DenseShape::pack`] and [`layout::pack_rows`]; rows follow [`GruWeights::pack`](crate::GruWeights::pack)
//! and [`QGruWeights::pack`](crate::QGruWeights::pack). Every function checks the lengths of its slices and leaves the state alone when one is wrong.

use crate::{
    Requantization,
    backend::{Backend, F32Lane, Int8Lane, Op, Prepared, dispatch},
    kernel::{float, int8},
    layout::{self, DenseShape, GruShape, Order, Scales},
    math::Activation,
};
use core::{fmt, marker::PhantomData};

pub use crate::kernel::{float::Input as GruInput, int8::Input as QGruInput, int8::Scratch as QGruScratch};

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
    /// Shape with [`Order::F32`].
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
        struct Step<'a, A>(float::GruView<'a>, float::Stream<'a>, PhantomData<A>);
        impl<A: Activation> Op for Step<'_, A> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                float::gru::<B, A, 1>(backend, self.0, &mut [self.1], false);
            }
        }
        let GruShape { input_size, hidden_size, order, .. } = self.shape;
        check([
            ("columns of a lane", 1, order.depth),
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
        let weights = float::GruView { shape: self.shape, bias: self.bias, lanes: self.lanes };
        dispatch(Step::<A>(weights, float::Stream { x, h, scratch }, PhantomData));
        Ok(())
    }
}

/// An f32 dense layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct DenseSlice<'a> {
    /// Shape with [`Order::F32`].
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
        check_dense(&self.shape, Order::F32, self.lanes.len(), self.bias.len(), x.len(), y.len())?;
        dispatch(Step(*self, x, y));
        Ok(())
    }
}

/// An int8 GRU layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct QGruSlice<'a> {
    /// Shape with [`Order::INT8`].
    pub shape: GruShape,
    /// Packed weights.
    pub lanes: &'a [Int8Lane],
    /// Packed scales.
    pub scales: &'a [Scales<4>],
    /// Of the layer.
    pub requantization: Requantization,
}

impl QGruSlice<'_> {
    /// One step of [`QGru`](crate::QGru): `h` (Q1.30) becomes the new state and `view` its int8 view; `scratch` says how long each part is.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step(
        &self,
        x: QGruInput<'_>,
        h: &mut [i32],
        view: &mut [i8],
        scratch: QGruScratch<'_>,
    ) -> Result<(), LengthMismatch> {
        struct Step<'a>(int8::GruView<'a>, int8::Stream<'a>);
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                int8::gru(backend, self.0, &mut [self.1], false);
            }
        }
        let GruShape { input_size, hidden_size, order, .. } = self.shape;
        check([
            ("columns of a lane", Order::INT8.depth, order.depth),
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
            ("scratch.view", hidden_size, scratch.view.len()),
            ("scratch.update", hidden_size, scratch.update.len()),
            ("scratch.input[0]", input_size, scratch.input[0].len()),
            ("scratch.input[1]", input_size, scratch.input[1].len()),
            ("scratch.hidden", hidden_size, scratch.hidden.len()),
        ])?;
        let Requantization { input_shift, view: steps } = self.requantization;
        let (lanes, scales) = (self.lanes, self.scales);
        let weights = int8::GruView { shape: self.shape, lanes, scales, input_shift, view: steps };
        dispatch(Step(weights, int8::Stream { x, h, view, scratch }));
        Ok(())
    }
}

/// An int8 dense layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct QDenseSlice<'a> {
    /// Shape with [`Order::INT8`].
    pub shape: DenseShape,
    /// Packed weights.
    pub lanes: &'a [Int8Lane],
    /// Packed scales.
    pub scales: &'a [Scales<1>],
}

impl QDenseSlice<'_> {
    /// One step of [`QDense`](crate::QDense); `scratch` is as long as `x`.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step(&self, x: &[i8], y: &mut [i16], scratch: &mut [Prepared]) -> Result<(), LengthMismatch> {
        struct Step<'a>(QDenseSlice<'a>, &'a [i8], &'a mut [i16], &'a mut [Prepared]);
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                let layer = self.0;
                int8::dense(backend, layer.scales, layer.lanes, self.1, self.2, self.3);
            }
        }
        check_dense(&self.shape, Order::INT8, self.lanes.len(), self.scales.len(), x.len(), y.len())?;
        check([("scratch", x.len(), scratch.len())])?;
        dispatch(Step(*self, x, y, scratch));
        Ok(())
    }
}

fn check_dense(
    shape: &DenseShape,
    order: Order,
    lanes: usize,
    rows: usize,
    x: usize,
    y: usize,
) -> Result<(), LengthMismatch> {
    check([
        ("columns of a lane", order.depth, shape.order.depth),
        ("lanes", shape.lanes(), lanes),
        ("blocks of rows", layout::blocks(shape.output_size), rows),
        ("x", shape.input_size, x),
        ("y", shape.output_size, y),
    ])
}
