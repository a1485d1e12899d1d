//! The kernels of a model on shapes that are known at run time only: what a host tool runs to check the very code that ships.
//!
//! Weights are packed by [`GruShape::pack`], [`DenseShape::pack`] and [`layout::pack_rows`]; rows follow [`GruWeights::pack`](crate::GruWeights::pack)
//! and [`QGruWeights::pack`](crate::QGruWeights::pack). Every function checks the lengths of its slices and leaves the state alone when one is wrong.

mod input;
mod outlined;

use self::outlined::Outlined;
use crate::{
    Quantized, Requantization,
    backend::{Backend, F32Lane, Int8Lane, Lane, Op, Prepared, Weight, dispatch},
    kernel::{Any, float, int8},
    layout::{self, DenseShape, GruShape, Order, Scales},
    math::Activation,
};
use core::{fmt, marker::PhantomData};

pub use self::input::{GruInput, QGruInput};

pub use crate::kernel::int8::Scratch as QGruScratch;

/// A slice whose length does not match its layer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
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
pub struct GruSlice<'a, W = f32> {
    /// Shape with [`Order::F32`].
    pub shape: GruShape,
    /// Packed weights.
    pub lanes: &'a [Lane<W>],
    /// Packed biases.
    pub bias: &'a [[F32Lane; 4]],
}

impl<W: Weight> GruSlice<'_, W> {
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
        dispatch(GruStep::<A, W> { layer: *self, x, h, scratch, activation: PhantomData })
    }

    /// [`step`](Self::step) on a given backend.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    #[inline(never)]
    pub fn step_on<B: Backend, A: Activation>(
        &self,
        backend: B,
        x: GruInput<'_>,
        h: &mut [f32],
        scratch: [&mut [f32]; 2],
    ) -> Result<(), LengthMismatch> {
        backend.enter(GruStep::<A, W> { layer: *self, x, h, scratch, activation: PhantomData })
    }
}

struct GruStep<'a, A, W> {
    layer: GruSlice<'a, W>,
    x: GruInput<'a>,
    h: &'a mut [f32],
    scratch: [&'a mut [f32]; 2],
    activation: PhantomData<A>,
}

impl<A: Activation, W: Weight> Op for GruStep<'_, A, W> {
    type Output = Result<(), LengthMismatch>;

    const INT8: bool = false;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Result<(), LengthMismatch> {
        let Self { layer: GruSlice { shape, lanes, bias }, x, h, scratch, .. } = self;
        check([
            ("columns of a lane", Order::F32.depth, shape.order.depth),
            (
                "x",
                shape.input_size,
                match x {
                    GruInput::Dense(x) => x.len(),
                    GruInput::OneHot(_) => shape.input_size,
                },
            ),
            ("h", shape.hidden_size, h.len()),
            ("scratch[0]", shape.hidden_size, scratch[0].len()),
            ("scratch[1]", shape.hidden_size, scratch[1].len()),
        ])?;
        // Only now: with sizes that no slice has, or groups of no columns, this would overflow or divide by 0.
        let shape = GruShape { order: Order::F32, ..shape };
        check([("lanes", shape.lanes(), lanes.len()), ("bias", layout::blocks(shape.hidden_size), bias.len())])?;
        let weights = float::GruView { shape, bias, lanes };
        float::gru::<_, A, Any, _, _, 1>(Outlined(backend), weights, &mut [float::Stream { x, h, scratch }], false);
        Ok(())
    }
}

/// An f32 dense layer over borrowed weights.
#[derive(Clone, Copy, Debug)]
pub struct DenseSlice<'a, W = f32> {
    /// Shape with [`Order::F32`].
    pub shape: DenseShape,
    /// Packed weights.
    pub lanes: &'a [Lane<W>],
    /// Packed biases.
    pub bias: &'a [[F32Lane; 1]],
}

impl<W: Weight> DenseSlice<'_, W> {
    /// One step of [`Dense`](crate::Dense).
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    #[inline]
    pub fn step(&self, x: &[f32], y: &mut [f32]) -> Result<(), LengthMismatch> {
        dispatch(DenseStep { layer: *self, x, y })
    }

    /// [`step`](Self::step) on a given backend.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    #[inline(never)]
    pub fn step_on<B: Backend>(&self, backend: B, x: &[f32], y: &mut [f32]) -> Result<(), LengthMismatch> {
        backend.enter(DenseStep { layer: *self, x, y })
    }
}

struct DenseStep<'a, W> {
    layer: DenseSlice<'a, W>,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl<W: Weight> Op for DenseStep<'_, W> {
    type Output = Result<(), LengthMismatch>;

    const INT8: bool = false;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Result<(), LengthMismatch> {
        let Self { layer: DenseSlice { shape, lanes, bias }, x, y } = self;
        check_dense(&shape, Order::F32, lanes.len(), bias.len(), x.len(), y.len())?;
        float::dense(backend, bias, lanes, x, y);
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
    /// One step of [`QGru`](crate::QGru): `h` (Q1.30) becomes the new state and `view` its view; `scratch` says how long each part is.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    pub fn step<V: Quantized>(
        &self,
        x: QGruInput<'_>,
        h: &mut [i32],
        view: &mut [V],
        scratch: QGruScratch<'_, V>,
    ) -> Result<(), LengthMismatch> {
        dispatch(QGruStep { layer: *self, x, h, view, scratch })
    }

    /// [`step`](Self::step) on a given backend.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    #[inline(never)]
    pub fn step_on<B: Backend, V: Quantized>(
        &self,
        backend: B,
        x: QGruInput<'_>,
        h: &mut [i32],
        view: &mut [V],
        scratch: QGruScratch<'_, V>,
    ) -> Result<(), LengthMismatch> {
        backend.enter(QGruStep { layer: *self, x, h, view, scratch })
    }
}

struct QGruStep<'a, V> {
    layer: QGruSlice<'a>,
    x: QGruInput<'a>,
    h: &'a mut [i32],
    view: &'a mut [V],
    scratch: QGruScratch<'a, V>,
}

impl<V: Quantized> Op for QGruStep<'_, V> {
    type Output = Result<(), LengthMismatch>;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Result<(), LengthMismatch> {
        let Self { layer: QGruSlice { shape, lanes, scales, requantization }, x, h, view, scratch } = self;
        let GruShape { input_size, hidden_size, order, .. } = shape;
        check([
            ("columns of a lane", Order::INT8.depth, order.depth),
            ("x", input_size, x.len(input_size)),
            ("h", hidden_size, h.len()),
            ("view", hidden_size, view.len()),
            ("scratch.view", hidden_size, scratch.view.len()),
            ("scratch.update", hidden_size, scratch.update.len()),
            ("scratch.input[0]", input_size, scratch.input[0].len()),
            ("scratch.input[1]", input_size, scratch.input[1].len()),
            ("scratch.halves[0]", hidden_size, scratch.halves[0].len()),
            ("scratch.halves[1]", hidden_size, scratch.halves[1].len()),
            ("scratch.hidden[0]", hidden_size, scratch.hidden[0].len()),
            ("scratch.hidden[1]", hidden_size, scratch.hidden[1].len()),
        ])?;
        let shape = GruShape { order: Order::INT8, ..shape };
        check([("lanes", shape.lanes(), lanes.len()), ("scales", layout::blocks(hidden_size), scales.len())])?;
        let Requantization { input_shift, view: steps } = requantization;
        let weights = int8::GruView { shape, lanes, scales, input_shift, view: steps };
        int8::gru::<_, Any, _, _, _>(Outlined(backend), weights, &mut [int8::Stream { x, h, view, scratch }], false);
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
    /// One step of [`QDense`](crate::QDense); each of `scratch` is as long as `x`.
    ///
    /// # Errors
    /// When a slice does not have the length that the shape asks for.
    #[inline]
    pub fn step(&self, x: QGruInput<'_>, y: &mut [i16], scratch: [&mut [Prepared]; 2]) -> Result<(), LengthMismatch> {
        struct Step<'a>(QDenseSlice<'a>, QGruInput<'a>, &'a mut [i16], [&'a mut [Prepared]; 2]);
        impl Op for Step<'_> {
            type Output = ();
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) {
                let Self(QDenseSlice { shape, lanes, scales }, x, y, scratch) = self;
                int8::dense(backend, scales, lanes, shape.input_size, x, y, scratch);
            }
        }
        let columns = self.shape.input_size;
        check_dense(&self.shape, Order::INT8, self.lanes.len(), self.scales.len(), x.len(columns), y.len())?;
        check([("scratch[0]", columns, scratch[0].len()), ("scratch[1]", columns, scratch[1].len())])?;
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
        ("x", shape.input_size, x),
        ("y", shape.output_size, y),
    ])?;
    let shape = DenseShape { order, ..*shape };
    check([("lanes", shape.lanes(), lanes), ("blocks of rows", layout::blocks(shape.output_size), rows)])
}
