//! Inputs whose kind is known at run time.

use crate::{
    backend::{Backend, F32, I32, Int8Lane, Lane, Op, Prepared, Weight},
    kernel::{
        Place,
        float::{self, Input as _},
        int8::{self, Input as _, Ready},
    },
};
use core::array;

/// The input of a [`GruSlice`](super::GruSlice).
#[derive(Clone, Copy, Debug)]
pub enum GruInput<'a> {
    /// A vector.
    Dense(&'a [f32]),
    /// The one-hot vector of a symbol; one without a column is the zero vector.
    OneHot(usize),
}

/// The input of a [`QGruSlice`](super::QGruSlice) or a [`QDenseSlice`](super::QDenseSlice).
#[derive(Clone, Copy, Debug)]
pub enum QGruInput<'a> {
    /// A vector, in ±127: what −128 does is not defined, see [`QGru`](crate::QGru#hostile-input).
    Dense(&'a [i8]),
    /// A vector of more resolution: `high + low / 2⁷`, as [`quant::split`](crate::quant::split) gives them; −128 as before.
    Wide {
        /// Whole steps.
        high: &'a [i8],
        /// What remains.
        low: &'a [i8],
    },
    /// The one-hot vector of a symbol, whose 1 is 127 steps; one without a column is the zero vector.
    OneHot(usize),
}

impl float::Input for GruInput<'_> {
    #[inline(always)]
    fn product<B: Backend, W: Weight, const G: usize, const S: usize>(
        backend: B,
        sums: [[F32<B>; G]; S],
        panel: &[Lane<W>],
        place: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S] {
        backend.enter(GruProduct { backend, sums, panel, place, x })
    }
}

/// The product of a panel and inputs of either kind: in a function of its own, so that each kernel that has it does not contain it.
struct GruProduct<'a, B: Backend, W, const G: usize, const S: usize> {
    backend: B,
    sums: [[F32<B>; G]; S],
    panel: &'a [Lane<W>],
    place: Place,
    x: [GruInput<'a>; S],
}

impl<B: Backend, W: Weight, const G: usize, const S: usize> Op for GruProduct<'_, B, W, G, S> {
    type Output = [[F32<B>; G]; S];

    #[inline(always)]
    fn run<C: Backend>(self, _: C) -> Self::Output {
        let Self { backend, mut sums, panel, place, x } = self;
        for (sums, x) in sums.iter_mut().zip(x) {
            [*sums] = match x {
                GruInput::Dense(x) => float::Dense::product(backend, [*sums], panel, place, [float::Dense(x)]),
                GruInput::OneHot(symbol) => {
                    float::OneHot::product(backend, [*sums], panel, place, [float::OneHot(symbol)])
                }
            };
        }
        sums
    }
}

impl QGruInput<'_> {
    /// Of a vector; any length fits a symbol. Of halves that differ, that which does not fit.
    pub(super) fn len(&self, expected: usize) -> usize {
        match self {
            Self::Dense(x) => x.len(),
            Self::Wide { high, low } if high.len() == expected => low.len(),
            Self::Wide { high, .. } => high.len(),
            Self::OneHot(_) => expected,
        }
    }
}

impl int8::Input for QGruInput<'_> {
    #[inline(always)]
    fn prepare<B: Backend>(self, backend: B, room: &mut [&mut [Prepared]; 2]) {
        match self {
            Self::Dense(x) => int8::Dense(x).prepare(backend, room),
            Self::Wide { high, low } => int8::Wide { high, low }.prepare(backend, room),
            Self::OneHot(symbol) => int8::OneHot(symbol).prepare(backend, room),
        }
    }

    #[inline(always)]
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        place: Place,
        x: [Ready<'_, Self>; S],
    ) {
        backend.enter(QGruProduct { backend, sums, panel, place, x });
    }
}

/// The product of a panel and inputs of any kind: in a function of its own, so that each kernel that has it does not contain it.
struct QGruProduct<'a, B: Backend, const G: usize, const S: usize> {
    backend: B,
    sums: &'a mut [[I32<B>; G]; S],
    panel: &'a [Int8Lane],
    place: Place,
    x: [Ready<'a, QGruInput<'a>>; S],
}

impl<B: Backend, const G: usize, const S: usize> Op for QGruProduct<'_, B, G, S> {
    type Output = ();

    #[inline(always)]
    fn run<C: Backend>(self, _: C) {
        let Self { backend, sums, panel, place, x } = self;
        for (sums, Ready { input, room }) in sums.iter_mut().zip(x) {
            let sums = array::from_mut(sums);
            match input {
                QGruInput::Dense(x) => {
                    int8::Dense::accumulate(backend, sums, panel, place, [Ready { input: int8::Dense(x), room }]);
                }
                QGruInput::Wide { high, low } => {
                    let input = int8::Wide { high, low };
                    int8::Wide::accumulate(backend, sums, panel, place, [Ready { input, room }]);
                }
                QGruInput::OneHot(symbol) => {
                    let input = int8::OneHot(symbol);
                    int8::OneHot::accumulate(backend, sums, panel, place, [Ready { input, room }]);
                }
            }
        }
    }
}
